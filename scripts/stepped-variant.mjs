// The kernel's stepped variant for a bundler: a plugin that puts each compiled file in the place of its source.
import { readFileSync } from 'node:fs';
import { dirname, join, relative } from 'node:path';
import { fileURLToPath } from 'node:url';
import { register } from 'tsx/esm/api';

const root = join(dirname(fileURLToPath(import.meta.url)), '..');
/** What differs between machines stands in the address that the bundle is imported by. */
const CONSTANTS = 'src/shared-mem/boot-constants.ts';
const CONSTANTS_DOOR = 'src/stepped/doors/boot-constants.ts';

/** @throws Error that names each place which cannot be compiled */
export async function steppedVariant() {
  const unregister = register();
  const { compileStepped } = await import('../src/stepped/compile.ts');
  const { KERNEL_ROOTS, readSources } = await import('../src/stepped/sources.ts');
  await unregister();
  const { files, complaints } = compileStepped(readSources(root, KERNEL_ROOTS));
  if (complaints.length > 0) {
    throw new Error(complaints.map(({ file, line, message }) => `${file}:${line}: ${message}`).join('\n'));
  }
  return {
    name: 'stepped-variant',
    setup({ onLoad }) {
      onLoad({ filter: /\.ts$/ }, ({ path: file }) => {
        const path = relative(root, file).replaceAll('\\', '/');
        if (path === CONSTANTS) return { contents: readFileSync(join(root, CONSTANTS_DOOR), 'utf8'), loader: 'ts' };
        const compiled = files.get(path);
        return compiled && { contents: `${compiled.code}\n${inlineMap(compiled.map)}`, loader: 'ts' };
      });
    },
  };
}

/** The bundler composes its own map with this one. */
function inlineMap(map) {
  const { sourcesContent: _, ...rest } = JSON.parse(map);
  const text = JSON.stringify(rest);
  return `//# sourceMappingURL=data:application/json;base64,${Buffer.from(text).toString('base64')}`;
}
