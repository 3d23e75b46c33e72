// Bundles the stepped variant of the kernel with a module that uses it, and loads both.
import { readFileSync } from 'node:fs';
import { join, relative } from 'node:path';
import { build } from 'esbuild';
import { register } from 'tsx/esm/api';
import { root } from './kernel-tables.mjs';

register();
const { steppedTree } = await import('../src/stepped/tree.ts');
const BOOT_CONSTANTS = 'src/shared-mem/boot-constants.ts';

/**
 * @param modules paths of the modules whose exports are wanted
 * @param constants text of boot constants that differ: { checks: false }
 */
export async function steppedModules(modules, constants) {
  const { compiled } = steppedTree(root);
  if (compiled.complaints.length > 0) throw new Error('the kernel does not compile to the stepped machine');
  const { outputFiles } = await build({
    stdin: { contents: modules.map((path) => `export * from './${path}';`).join('\n'), resolveDir: root, loader: 'ts' },
    bundle: true,
    format: 'esm',
    platform: 'node',
    target: 'node20',
    write: false,
    plugins: [
      {
        name: 'stepped',
        setup({ onLoad }) {
          onLoad({ filter: /\.ts$/ }, ({ path: file }) => {
            const path = relative(root, file).replaceAll('\\', '/');
            let contents = compiled.files.get(path)?.code ?? readFileSync(join(root, path), 'utf8');
            if (path === BOOT_CONSTANTS) contents = withConstants(contents, constants);
            return { contents, loader: 'ts' };
          });
        },
      },
    ],
  });
  return import(`data:text/javascript;base64,${Buffer.from(outputFiles[0].contents).toString('base64')}`);
}

function withConstants(source, constants) {
  let text = source;
  for (const [name, value] of Object.entries(constants)) {
    const changed = text.replace(new RegExp(`(\\n {2}${name}: )\\w+,`), `$1${value},`);
    if (!changed.includes(`\n  ${name}: ${value},`)) throw new Error(`${BOOT_CONSTANTS} has no constant ${name}`);
    text = changed;
  }
  return text;
}
