// Prints the documents that are tables of the source: docs/memory-layout.md, locks.md, syscalls.md, designs.md and zoo.md; and
// smplab.config.schema.json.
//
//   node scripts/print-docs.mjs           writes them
//   node scripts/print-docs.mjs --check   says which differ from the source, and which links of any document lead nowhere
import { existsSync, mkdirSync, readdirSync, readFileSync, writeFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { configSchema } from './config-schema.mjs';
import { conformancePage } from './print-conformance.mjs';
import { kernelTables, root } from './kernel-tables.mjs';
import { designsPage } from './print-designs.mjs';
import { layoutsPage } from './print-layouts.mjs';
import { zooPage } from './print-zoo.mjs';

const checking = process.argv.includes('--check');

const nestings = {
  none: () => 'no',
  level: ({ depth }) => `by rising level, at most ${depth} at once`,
  acyclic: ({ depth }) => `while their owners form no cycle, at most ${depth} at once`,
};

function locksPage({ lockClasses, lockClassOf, structs }) {
  const locksOf = (lockClass) => [...lockClassOf].filter(([, own]) => own === lockClass).map(([lock]) => `\`${lock}\``);
  const fieldsOf = (lockClass) =>
    structs.flatMap(({ name, spec }) =>
      Object.entries(spec)
        .filter(([, { guard }]) => guard?.startsWith(`class:${lockClass}:`))
        .map(([field]) => `\`${name}.${field}\``),
    );
  const rows = lockClasses.slice(1).map((rule, i) => {
    const irq = rule.irqSafe ? 'off' : 'on or off';
    return `| ${i + 1} | ${rule.name} | ${rule.guards} | ${nestings[rule.nesting](rule)} | ${irq} | ${locksOf(i + 1).join(', ')} |`;
  });
  const fields = lockClasses
    .map((rule, i) => [rule.name, fieldsOf(i)])
    .filter(([, list]) => list.length > 0)
    .map(([name, list]) => `| ${name} | ${list.join(', ')} |`);
  return [
    '# The order of locks',
    '',
    'A CPU may take a lock only of a class that stands below every class it holds in this table. With `checks` on, each',
    'acquisition is held against it, and a wrong one is a panic that names both locks. Several locks of one class are held',
    'together only as the column says. A class whose interrupts are off is shared with interrupt handlers: its locks are',
    'taken with `lockIrqOff` (slabs excepted: no handler allocates), the others with `lock`.',
    '',
    'Declared in [src/shared-mem/locks/classes.ts](../src/shared-mem/locks/classes.ts), enforced by `checkOrder` in',
    '[src/shared-mem/locks/lock.ts](../src/shared-mem/locks/lock.ts).',
    '',
    '| rank | class | guards | several at once | interrupts | locks |',
    '|---:|---|---|---|---|---|',
    ...rows,
    '',
    'Fields that no lock of their own record guards, but one of another record, by the class of that lock:',
    '',
    '| class | fields |',
    '|---|---|',
    ...fields,
    '',
  ];
}

function syscallsPage({ syscalls, implementedCalls }) {
  const linux = syscalls.filter(({ name }) => !name.startsWith('smplab_'));
  const own = syscalls.filter(({ name }) => name.startsWith('smplab_'));
  const number = (n, base = 10) => (n < 0 ? '-' : base === 16 ? `0x${n.toString(16)}` : `${n}`);
  const argument = ([name, kind, direction]) => `${name}: ${kind}${direction === undefined ? '' : ` ${direction}`}`;
  const row = (call, base) => {
    const state = implementedCalls.has(call.name) ? 'yes' : 'ENOSYS';
    const call_ = `\`${call.name}\``;
    return `| ${call_} | ${number(call.x86_64, base)} | ${number(call.arm64, base)} | ${call.args.map(argument).join(', ')} | ${call.result} | ${state} |`;
  };
  const head = ['| call | x86_64 | arm64 | arguments | result | answered |', '|---|---:|---:|---|---|---|'];
  const answered = linux.filter(({ name }) => implementedCalls.has(name)).length;
  return [
    '# System calls',
    '',
    `${linux.length} calls of Linux have a row in the table, with their numbers on both architectures; ${answered} of them are`,
    'answered, and every other number is ENOSYS. A dash: the architecture does not have the call. An argument is printed as',
    '`name: kind`, for pointers with whether the kernel reads what they point at (in), writes it (out) or both.',
    '',
    'The table is [src/kernel/abi/syscall-table.ts](../src/kernel/abi/syscall-table.ts); which calls are answered stands in',
    '[src/kernel/syscall/ops-table.ts](../src/kernel/syscall/ops-table.ts).',
    '',
    ...head,
    ...linux.map((call) => row(call)),
    '',
    "## The lab's own",
    '',
    'No Linux has these; runners of conformance cases and replays use them.',
    '',
    ...head,
    ...own.map((call) => row(call, 16)),
    '',
  ];
}

const tables = await kernelTables();
const pages = new Map([
  ['docs/memory-layout.md', layoutsPage(tables)],
  ['docs/locks.md', locksPage(tables)],
  ['docs/syscalls.md', syscallsPage(tables)],
  ['docs/conformance.md', await conformancePage(root)],
  ['docs/designs.md', await designsPage()],
  ['docs/zoo.md', await zooPage()],
]);
const complaints = [];
const texts = new Map([['smplab.config.schema.json', await configSchema(root)]]);
for (const [path, [title, ...lines]] of pages) {
  const note = '<!-- Printed from the source by `npm run docs`; edits here are overwritten. -->';
  texts.set(path, [title, '', note, ...lines].join('\n'));
}
for (const [path, text] of texts) {
  const file = join(root, path);
  if (!checking) {
    mkdirSync(dirname(file), { recursive: true });
    writeFileSync(file, text);
  } else if (!existsSync(file) || readFileSync(file, 'utf8') !== text) {
    complaints.push(`${path}: differs from the source; run \`npm run docs\``);
  }
}

/**
 * Links from document to file: each leads to something. One whose text is a name in code, as in [`wakeQueue`](wait-queue.ts),
 * promises that the file has that name.
 */
function checkLinks(path) {
  const text = readFileSync(join(root, path), 'utf8').replace(/^```[\s\S]*?^```/gm, '');
  for (const [, label, target] of text.matchAll(/\[([^\]]*)\]\(([^)\s]+)\)/g)) {
    if (/^(https?:|#)/.test(target)) continue;
    const file = join(root, dirname(path), target.replace(/#.*$/, ''));
    if (!existsSync(file)) complaints.push(`${path}: leads to ${target}, which is not there`);
    const name = label.match(/^`([A-Za-z_]\w*)(?:\(\))?`$/)?.[1];
    if (name === undefined || !/\.(ts|mjs)$/.test(target) || !existsSync(file)) continue;
    if (!new RegExp(`\\b${name}\\b`).test(readFileSync(file, 'utf8')))
      complaints.push(`${path}: ${target} has no ${name}`);
  }
}

if (checking) {
  const documents = readdirSync(root).filter((name) => name.endsWith('.md'));
  for (const path of [...documents, ...pages.keys()]) if (existsSync(join(root, path))) checkLinks(path);
}
for (const complaint of complaints) console.error(complaint);
process.exitCode = complaints.length > 0 ? 1 : 0;
