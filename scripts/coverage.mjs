// Coverage of src/ by the tests, worker threads and child processes included.
//
//   node scripts/coverage.mjs [test files or vitest options]
//
// Two ways of counting meet here. What a test imports runs inside vitest, which counts it itself. What a machine runs,
// on its CPUs and in the command line, comes from dist/: Node writes its counts (NODE_V8_COVERAGE), and c8 maps them back
// through the source maps. The two agree on lines, not on what a branch is, so lines are what is merged and shown.
import { spawnSync } from 'node:child_process';
import { mkdirSync, readFileSync, rmSync } from 'node:fs';
import { createRequire } from 'node:module';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { Report } from 'c8';
import coverage from 'istanbul-lib-coverage';
import report from 'istanbul-lib-report';
import reports from 'istanbul-reports';

const root = join(dirname(fileURLToPath(import.meta.url)), '..');
const directory = join(root, 'coverage');
const raw = join(directory, 'raw');

function run(script, args, environment = {}) {
  const env = { ...process.env, ...environment };
  return spawnSync(process.execPath, [script, ...args], { cwd: root, env, stdio: 'inherit' }).status ?? 1;
}

/** Only what the tests count of themselves; vitest's own modules and packages are of no interest. */
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

rmSync(directory, { recursive: true, force: true });
mkdirSync(raw, { recursive: true });
if (run(join(root, 'scripts/build.mjs'), ['--no-types']) !== 0) process.exit(1);
const vitest = join(dirname(createRequire(import.meta.url).resolve('vitest/package.json')), 'vitest.mjs');
const failed = run(vitest, ['run', '--coverage', ...process.argv.slice(2)], { NODE_V8_COVERAGE: raw });

const all = coverage.createCoverageMap({});
all.merge(JSON.parse(readFileSync(join(directory, 'in-process/coverage-final.json'), 'utf8')));
all.merge(await countsOfBuiltCode());
all.filter((path) => path.startsWith(join(root, 'src/')));

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
process.exitCode = failed;
