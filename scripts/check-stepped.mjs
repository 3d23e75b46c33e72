// Proves that the kernel's source still compiles to the stepped machine: emits the stepped tree, has it proved, and writes
// it to .stepped/ for who wants to look. Prints file:line:column of the source and exits 1 where it is not proved.
import { mkdirSync, rmSync, writeFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { register } from 'tsx/esm/api';

register();
const { complaintText } = await import('../src/stepped/ast.ts');
const { proveTree } = await import('../src/stepped/proof.ts');
const { steppedTree } = await import('../src/stepped/tree.ts');

const started = performance.now();
const project = join(dirname(fileURLToPath(import.meta.url)), '..');
const out = join(project, '.stepped');

function fail(lines) {
  for (const line of lines) console.error(line);
  console.error(`stepped: ${lines.length} ${lines.length === 1 ? 'place' : 'places'} that cannot be compiled`);
  process.exit(1);
}

const { compiled, files } = steppedTree(project);
if (compiled.complaints.length > 0) fail(compiled.complaints.map(complaintText));
// A check of nothing would pass: the kernel that this one proves has a door and functions that reach it.
if (compiled.generators === 0 || compiled.points === 0) fail(['src: no function reaches the atomic door']);

rmSync(out, { recursive: true, force: true });
for (const [path, text] of files) {
  mkdirSync(join(out, dirname(path)), { recursive: true });
  writeFileSync(join(out, path), text);
}

const wrong = proveTree(project, files, compiled.files);
if (wrong.length > 0) fail(wrong.map(complaintText));
const seconds = ((performance.now() - started) / 1000).toFixed(1);
console.log(
  `stepped: ${compiled.files.size} files, ${compiled.generators} of ${compiled.functions} functions reach the door, ` +
    `${compiled.points} points, ${compiled.conversions} calls converted, in ${seconds} s`,
);
