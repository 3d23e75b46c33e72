// Proves that the kernel's source still compiles to the stepped machine: emits the stepped tree into .stepped/ and has
// the type checker prove it. Prints file:line of the source and exits 1 where it does not.
import { spawnSync } from 'node:child_process';
import { mkdirSync, rmSync, writeFileSync } from 'node:fs';
import { createRequire } from 'node:module';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { register } from 'tsx/esm/api';

register();
const { steppedTree, treeConfig } = await import('../src/stepped/tree.ts');

const started = performance.now();
const project = join(dirname(fileURLToPath(import.meta.url)), '..');
const out = join(project, '.stepped');

function fail(lines) {
  for (const line of lines) console.error(line);
  console.error(`stepped: ${lines.length} ${lines.length === 1 ? 'place' : 'places'} that cannot be compiled`);
  process.exit(1);
}

const { compiled, files } = steppedTree(project);
if (compiled.complaints.length > 0) {
  fail(compiled.complaints.map(({ file, line, message }) => `${file}:${line}: ${message}`));
}
// A check of nothing would pass: the kernel that this one proves has a door and functions that reach it.
if (compiled.generators === 0 || compiled.points === 0) fail(['src: no function reaches the atomic door']);

rmSync(out, { recursive: true, force: true });
for (const [path, text] of files) {
  mkdirSync(join(out, dirname(path)), { recursive: true });
  writeFileSync(join(out, path), text);
}
writeFileSync(join(out, 'tsconfig.json'), treeConfig('..'));

const compiler = createRequire(import.meta.url).resolve('typescript/bin/tsc');
const { status, stdout, stderr } = spawnSync(process.execPath, [compiler, '-p', out, '--pretty', 'false'], {
  cwd: out,
  encoding: 'utf8',
});
if (status !== 0) {
  const lines = stdout.split('\n').filter((line) => line !== '');
  fail([
    ...lines.map((line) => line.replace(/^(\S+?)\((\d+),\d+\): error /, '$1:$2: ')),
    ...(stderr === '' ? [] : [stderr]),
  ]);
}
const seconds = ((performance.now() - started) / 1000).toFixed(1);
console.log(
  `stepped: ${compiled.files.size} files, ${compiled.generators} of ${compiled.functions} functions reach the door, ` +
    `${compiled.points} points, ${compiled.conversions} calls converted, in ${seconds} s`,
);
