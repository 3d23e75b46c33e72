// Builds dist/: the CPU worker as one file, everything else with shared chunks, and the type declarations.
//
//   node scripts/build.mjs [--no-types]
//
// The worker is bundled alone and without chunks because V8 folds the constants of one module, but not those that it
// imports. Files whose content did not change are left alone and new ones replace old ones in one step, so that a build
// does not pull the code from under a machine that runs meanwhile.
import { spawnSync } from 'node:child_process';
import { existsSync, mkdirSync, readdirSync, readFileSync, renameSync, rmSync, writeFileSync } from 'node:fs';
import { createRequire } from 'node:module';
import { basename, dirname, join, relative } from 'node:path';
import { fileURLToPath } from 'node:url';
import { build } from 'esbuild';
import { register } from 'tsx/esm/api';
import { foldConstants } from './fold-constants.mjs';

const unregister = register();
const { steppedVariant } = await import('../src/stepped/bundle.ts');
await unregister();

const root = join(dirname(fileURLToPath(import.meta.url)), '..');
const dist = join(root, 'dist');
const withTypes = !process.argv.includes('--no-types');
const started = performance.now();

/** Every file below `directory`, as paths relative to the project; none where it does not exist. */
function filesBelow(directory) {
  if (!existsSync(join(root, directory))) return [];
  return readdirSync(join(root, directory), { recursive: true, withFileTypes: true })
    .filter((entry) => entry.isFile())
    .map((entry) => relative(root, join(entry.parentPath ?? entry.path, entry.name)))
    .sort();
}

/** Guest programs: what lies directly in src/programs, and `*.program.ts` anywhere in src and bench. */
function guestPrograms() {
  const found = [...filesBelow('src'), ...filesBelow('bench')].filter(
    (path) => path.endsWith('.program.ts') || (dirname(path) === join('src', 'programs') && /(?<!\.d)\.ts$/.test(path)),
  );
  const byName = new Map();
  for (const path of found) {
    const name = basename(path).replace(/(\.program)?\.ts$/, '');
    const other = byName.get(name);
    if (other !== undefined) throw new Error(`two guest programs are called ${name}: ${other} and ${path}`);
    byName.set(name, path);
  }
  return [...byName].map(([name, path]) => ({ in: path, out: join('programs', name) }));
}

const options = {
  absWorkingDir: root,
  outdir: dist,
  bundle: true,
  format: 'esm',
  platform: 'node',
  target: 'node20',
  packages: 'external',
  sourcemap: 'linked',
  sourcesContent: false, // the sources are part of the package
  legalComments: 'none',
  logLevel: 'warning',
  write: false,
};

// The worker comes twice, without checks and with them. Without, their code is not even there, which leaves the field
// accessors so small that V8 always inlines them: so `CHECKS` becomes a literal before the bundler looks.
function checksFixedAt(value) {
  return {
    name: 'fix-checks',
    setup({ onLoad, onResolve }) {
      // And the self door becomes that of a worker, whose memory is a constant.
      onResolve({ filter: /\/self\.ts$/ }, () => ({ path: join(root, 'src/cpu-worker/self-door.ts') }));
      onLoad({ filter: /[/\\]src[/\\](shared-mem|kernel|cpu-worker|torture)[/\\].*\.ts$/ }, ({ path }) => {
        const lines = readFileSync(path, 'utf8').split('\n');
        const fixed = lines.map((line) =>
          /^import |^export const CHECKS/.test(line) ? line : line.replace(/\bCHECKS\b/g, String(value)),
        );
        return { contents: fixed.join('\n'), loader: 'ts' };
      });
    },
  };
}

const skipped = [];
function existing(entries) {
  return entries.filter((entry) => {
    if (existsSync(join(root, entry.in))) return true;
    skipped.push(entry.in);
    return false;
  });
}

// What runs kernel code on a thread of its own: a machine's CPU, and one whose locks are tortured.
const worker = existing([
  { in: 'src/cpu-worker/main.ts', out: 'cpu-worker' },
  { in: 'src/torture/lock-hammer.ts', out: 'lock-hammer' },
]);
// A thread that has no event loop to load modules with.
const loopless = existing([{ in: 'src/conform/host/executor.ts', out: 'host-executor' }]);
const checkedWorker = worker.map((entry) => ({ ...entry, out: `${entry.out}-checked` }));
// The kernel's stepped variant, with what runs it.
const stepped = existing([
  { in: 'src/stepped/whole.ts', out: 'stepped-machine' },
  { in: 'src/explore/kernel-side.ts', out: 'stepped-kernel' },
]);
const others = existing([
  { in: 'src/index.ts', out: 'index' },
  { in: 'src/programs/libc/index.ts', out: 'guest' },
  { in: 'src/programs/event-loop/index.ts', out: 'event-loop' },
  { in: 'src/testing/index.ts', out: 'testing' },
  { in: 'src/testing/runtime.ts', out: 'testing-runtime' },
  { in: 'src/testing/doors.ts', out: 'testing-doors' },
  { in: 'src/testing/vite.ts', out: 'testing-vite' },
  { in: 'src/cli/main.ts', out: 'cli' },
  { in: 'src/conform/host/warden.ts', out: 'host-warden' },
  { in: 'src/explore/lane.ts', out: 'explore-lane' },
  ...guestPrograms(),
]);

const outputs = new Map();
try {
  for (const [entryPoints, splitting, plugins, more] of [
    [worker, false, [checksFixedAt(false)]],
    [checkedWorker, false, [checksFixedAt(true)]],
    [stepped, false, [steppedVariant(root.replaceAll('\\', '/'))]],
    [others, true, []],
    [loopless, false, [], { format: 'cjs', outExtension: { '.js': '.cjs' } }],
  ]) {
    if (entryPoints.length === 0) continue;
    // Chunks lie beside the entries: `new URL('...', import.meta.url)` means the same in both.
    const { outputFiles } = await build({
      ...options,
      entryPoints,
      splitting,
      plugins,
      chunkNames: 'chunk-[hash]',
      ...more,
    });
    for (const file of outputFiles) outputs.set(file.path, file.text);
  }
} catch (error) {
  // The bundler has printed what is wrong; its exception repeats that with a stack of its own.
  if (!Array.isArray(error.errors)) throw error;
  process.exit(1);
}

let folded = 0;
for (const [path, text] of outputs) {
  if (!path.endsWith('.js')) continue;
  const { code, map, count } = foldConstants(path, text, outputs.get(`${path}.map`));
  outputs.set(path, code);
  outputs.set(`${path}.map`, map);
  folded += count;
}

let written = 0;
for (const [path, text] of outputs) {
  if (existsSync(path) && readFileSync(path, 'utf8') === text) continue;
  mkdirSync(dirname(path), { recursive: true });
  const beside = `${path}.${process.pid}.tmp`;
  writeFileSync(beside, text);
  renameSync(beside, path);
  if (path.endsWith('.js')) written++;
}

const types = join(dist, 'types');
for (const path of filesBelow('dist').map((each) => join(root, each))) {
  // Temporary files belong to a build that runs at the same time.
  if (!outputs.has(path) && !path.startsWith(types) && !path.endsWith('.tmp')) rmSync(path, { force: true });
}

if (withTypes && existsSync(join(root, 'src/index.ts'))) {
  rmSync(types, { recursive: true, force: true });
  const compiler = createRequire(import.meta.url).resolve('typescript/bin/tsc');
  const { status } = spawnSync(process.execPath, [compiler, '-p', 'tsconfig.build.json'], {
    cwd: root,
    stdio: 'inherit',
  });
  if (status !== 0) process.exit(1);
  removeUnreachableTypes();
}

/** The compiler declares every module that a door's code imports; what the doors' own declarations name is far less. */
function removeUnreachableTypes() {
  const reached = new Set();
  const queue = ['index.d.ts', 'programs/libc/index.d.ts', 'programs/event-loop/index.d.ts'];
  queue.push(...['index', 'runtime', 'doors', 'vite'].map((name) => `testing/${name}.d.ts`));
  for (let path = queue.pop(); path !== undefined; path = queue.pop()) {
    if (reached.has(path)) continue;
    reached.add(path);
    const text = readFileSync(join(types, path), 'utf8');
    for (const [, specifier] of text.matchAll(/(?:from|import\()\s*["'](\.[^"']+)["']/g)) {
      queue.push(join(dirname(path), specifier.replace(/\.ts$/, '.d.ts')));
    }
  }
  for (const path of filesBelow(join('dist', 'types'))) {
    if (!reached.has(relative(types, join(root, path)))) rmSync(join(root, path));
  }
}

for (const path of skipped) console.error(`skipped, not there: ${path}`);
const seconds = ((performance.now() - started) / 1000).toFixed(1);
console.error(`built ${outputs.size / 2} modules, ${written} changed, ${folded} constants, in ${seconds} s`);
