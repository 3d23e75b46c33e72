// Bundles of what runs on a CPU's thread, broken on purpose: lines of the source replaced while it is bundled, nothing else
// changed.
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { build } from 'esbuild';

export interface Breakage {
  /** Below src. */
  readonly file: string;
  readonly line: string;
  readonly instead: string;
}

const root = fileURLToPath(new URL('../..', import.meta.url));

/**
 * @param entry below src, as `torture/lock-hammer.ts` or `cpu-worker/main.ts`
 * @returns the bundle's path in `directory`
 * @throws Error if the source has no such line any more
 */
export async function brokenBundle(
  directory: string,
  entry: string,
  name: string,
  { file, line, instead }: Breakage,
): Promise<string> {
  const outfile = join(directory, `${name.replaceAll(/\W+/g, '-')}.mjs`);
  let replaced = 0;
  await build({
    entryPoints: [join(root, 'src', entry)],
    outfile,
    bundle: true,
    format: 'esm',
    platform: 'node',
    target: 'node20',
    // Only what needs itself beside it is left out: it is loaded for programs in TypeScript, from the project.
    external: ['tsx/*'],
    logLevel: 'silent',
    plugins: [
      {
        name: 'break',
        setup({ onLoad }) {
          onLoad({ filter: /\.ts$/ }, ({ path }) => {
            if (!path.endsWith(file)) return undefined;
            const text = readFileSync(path, 'utf8');
            replaced = text.split(line).length - 1;
            return { contents: text.replace(line, instead), loader: 'ts' };
          });
        },
      },
    ],
  });
  if (replaced !== 1) throw new Error(`${file} has ${replaced} times: ${line}`);
  return outfile;
}
