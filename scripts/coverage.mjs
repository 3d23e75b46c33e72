// Coverage of src/ by the tests, worker threads and child processes included.
//
//   node scripts/coverage.mjs [test files or vitest options]
//
// Two ways of counting meet here. What a test imports runs inside vitest, which counts it itself. What a machine runs,
// on its CPUs and in the command line, comes from dist/: Node writes its counts (NODE_V8_COVERAGE), and c8 maps them back
// through the source maps. vitest knows statements, c8 lines only (comments too): a statement counts as run where the one
// saw it run, or the other the line that it begins on.
import { spawnSync } from 'node:child_process';
import { mkdirSync, readFileSync, rmSync } from 'node:fs';
import { createRequire } from 'node:module';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { Report } from 'c8';
import coverage from 'istanbul-lib-coverage';
import report from 'istanbul-lib-report';
import reports from 'istanbul-reports';
import { uncoveredText } from './uncovered.mjs';

const root = join(dirname(fileURLToPath(import.meta.url)), '..');
const directory = join(root, 'coverage');
const raw = join(directory, 'raw');

function run(script, args, environment = {}) {
  const env = { ...process.env, ...environment };
  return spawnSync(process.execPath, [script, ...args], { cwd: root, env, stdio: 'inherit' }).status ?? 1;
}

/** What ran from dist/, by line of src/. */
async function countsOfBuiltCode() {
  const builtCode = new Report({
    tempDirectory: raw,
    include: ['dist/**', 'src/**'],
    exclude: [],
    excludeAfterRemap: false,
    excludeNodeModules: true,
    extension: ['.js', '.ts'],
    reporter: [],
    resolve: '',
    src: [root],
    all: false,
  });
  return await builtCode.getCoverageMapFromAllCoverageFiles();
}

/** Adds what `built` counted to the statements and functions that `counted`, of the same file, knows. */
function addCounts(counted, built) {
  const lines = built.getLineCoverage();
  for (const [id, { start }] of Object.entries(counted.statementMap)) counted.s[id] += lines[start.line] ?? 0;
  for (const [id, { name, decl }] of Object.entries(counted.fnMap)) {
    for (const [other, found] of Object.entries(built.fnMap)) {
      if (found.name === name && found.decl.start.line === decl.start.line) counted.f[id] += built.f[other];
    }
  }
}

rmSync(directory, { recursive: true, force: true });
mkdirSync(raw, { recursive: true });
if (run(join(root, 'scripts/build.mjs'), ['--no-types']) !== 0) process.exit(1);
const vitest = join(dirname(createRequire(import.meta.url).resolve('vitest/package.json')), 'vitest.mjs');
const failed = run(vitest, ['run', '--coverage', ...process.argv.slice(2)], { NODE_V8_COVERAGE: raw });

const all = coverage.createCoverageMap(
  JSON.parse(readFileSync(join(directory, 'in-process/coverage-final.json'), 'utf8')),
);
const built = await countsOfBuiltCode();
for (const path of built.files()) {
  if (all.data[path] !== undefined) addCounts(all.fileCoverageFor(path).data, built.fileCoverageFor(path));
}

const context = report.createContext({ dir: directory, coverageMap: all, defaultSummarizer: 'nested' });
for (const [name, options] of [
  ['lcovonly', {}],
  ['html', {}],
  ['json-summary', {}],
]) {
  reports.create(name, options).execute(context);
}

console.log(`\n${'file'.padEnd(60)}${'lines'.padStart(8)}${'covered'.padStart(9)}${'%'.padStart(7)}`);
const total = coverage.createCoverageSummary();
for (const path of all.files().sort()) {
  const summary = all.fileCoverageFor(path).toSummary();
  total.merge(summary);
  const { total: lines, covered, pct } = summary.lines;
  const name = path.slice(root.length + 1);
  console.log(`${name.padEnd(60)}${`${lines}`.padStart(8)}${`${covered}`.padStart(9)}${`${pct}`.padStart(7)}`);
}
const { total: lines, covered, pct } = total.lines;
console.log(`${'all'.padEnd(60)}${`${lines}`.padStart(8)}${`${covered}`.padStart(9)}${`${pct}`.padStart(7)}`);

// The kernel's own lines, and why some are not run.
const kernel = all
  .files()
  .map((path) => ({ path, file: path.slice(root.length + 1) }))
  .filter(({ file }) => /^src\/(kernel|shared-mem)\//.test(file));
const ofKernel = coverage.createCoverageSummary();
const uncovered = kernel.map(({ path, file }) => {
  ofKernel.merge(all.fileCoverageFor(path).toSummary());
  const lines = all.fileCoverageFor(path).getUncoveredLines().map(Number);
  return { file, lines, source: readFileSync(path, 'utf8').split('\n') };
});
const { total: kernelLines, covered: kernelCovered, pct: kernelShare } = ofKernel.lines;
console.log(`\nsrc/kernel and src/shared-mem: ${kernelCovered} of ${kernelLines} lines, ${kernelShare} %`);
console.log(`\n${uncoveredText(uncovered)}`);
process.exitCode = failed;
