// docs/conformance.md: which case, or which test, shows each rule of Linux's behaviour, and how many cases there are of
// each suite. Called by print-docs.mjs.
import { mkdtempSync, readdirSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { pathToFileURL } from 'node:url';
import { gunzipSync } from 'node:zlib';
import { build } from 'esbuild';

const LAYERS = { C: 'contract', O: 'order', Q: 'quirk', H: 'measure' };
/** Cases of a rule that are named; the others are counted. */
const NAMED_MAX = 4;

/** The lists of rules, from their sources. */
async function ruleLists(root) {
  const scratch = mkdtempSync(join(tmpdir(), 'smplab-rules-'));
  const entryPoints = ['rules', 'rule-evidence'].map((name) => join(root, 'src', 'conform', `${name}.ts`));
  await build({ entryPoints, outdir: scratch, format: 'esm', outExtension: { '.js': '.mjs' }, logLevel: 'error' });
  const modules = await Promise.all(
    ['rules', 'rule-evidence'].map((name) => import(pathToFileURL(join(scratch, `${name}.mjs`)).href)),
  );
  rmSync(scratch, { recursive: true });
  return { ...modules[0], ...modules[1] };
}

function casesOf(directory, name) {
  const bytes = readFileSync(join(directory, name));
  return JSON.parse((name.endsWith('.gz') ? gunzipSync(bytes) : bytes).toString('utf8'));
}

/** Cases say where their question comes from, as `LTP epoll_wait07`: the first word is the suite. */
function suiteRows(files) {
  const counts = new Map();
  for (const { cases } of files) {
    for (const { origin } of cases) {
      const suite = origin?.split(' ')[0] ?? 'our own';
      counts.set(suite, (counts.get(suite) ?? 0) + 1);
    }
  }
  return [...counts]
    .sort(([left], [right]) => (left < right ? -1 : 1))
    .map(([suite, count]) => `| ${suite} | ${count} |`);
}

function shownBy(number, files, evidence) {
  const names = files.flatMap(({ cases }) =>
    cases.filter(({ rules }) => rules?.includes(number)).map(({ name }) => name),
  );
  const listed = names.slice(0, NAMED_MAX).map((name) => `\`${name}\``);
  if (names.length > NAMED_MAX) listed.push(`${names.length - NAMED_MAX} more`);
  if (listed.length > 0) return listed.join(', ');
  const other = evidence[number];
  if (other === undefined) return '';
  return 'outOfReach' in other
    ? `out of reach: ${other.outOfReach}`
    : `“${other.test}” in [${other.file}](../${other.file})`;
}

export async function conformancePage(root) {
  const { rules, sections, evidence } = await ruleLists(root);
  const directory = join(root, 'data', 'conformance');
  const names = readdirSync(directory).filter((name) => /\.json(\.gz)?$/.test(name));
  const files = names.sort().map((name) => ({ name, cases: casesOf(directory, name) }));
  const total = files.reduce((sum, { cases }) => sum + cases.length, 0);
  const lines = [
    '# Rules and cases',
    '',
    `${rules.length} rules of what Linux answers, and what shows each: cases of [data/conformance](../data/conformance/README.md),`,
    'which carry the answers of a real kernel, or tests of the machine where a case of one process cannot show it. A rule of',
    'the contract holds on every design; one of order, of a quirk or of a measure is what Linux does, and what other designs',
    'do instead is declared. The list is [src/conform/rules.ts](../src/conform/rules.ts); what of other suites has no case,',
    'and why, stands in [LEFT-OUT.md](../data/conformance/LEFT-OUT.md).',
    '',
    `## ${total} cases`,
    '',
    '| file | cases |',
    '|---|---:|',
    ...files.map(({ name, cases }) => `| ${name} | ${cases.length} |`),
    '',
    'By the suite whose test asks the same:',
    '',
    '| suite | cases |',
    '|---|---:|',
    ...suiteRows(files),
    '',
  ];
  for (const [letter, title] of Object.entries(sections)) {
    lines.push(`## ${letter}: ${title}`, '', '| rule | layer | what it says | shown by |', '|---|---|---|---|');
    for (const { number, layer, title: says } of rules.filter((rule) => rule.number[0] === letter)) {
      lines.push(`| ${number} | ${LAYERS[layer]} | ${says} | ${shownBy(number, files, evidence)} |`);
    }
    lines.push('');
  }
  return lines;
}
