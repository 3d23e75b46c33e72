/**
 * `smplab list`: everything that can be named on the command line.
 */
import type { Command } from 'commander';
import { columnOf, paint, type TableStyle, tableLines } from '../bench/columns.ts';
import { BOLD } from '../bench/columns.ts';
import { EXIT_OK } from './exit-codes.ts';
import { type OutputFlags, outputFlags } from './output.ts';
import { samplePrograms } from './package.ts';
import { inSession } from './session.ts';

interface Named {
  readonly name: string;
  readonly about: string;
}

interface Listing {
  readonly designs: readonly string[];
  readonly locks: readonly string[];
  readonly lockClasses: readonly string[];
  readonly syscalls: readonly {
    readonly name: string;
    readonly x86_64: number | null;
    readonly arm64: number | null;
  }[];
  readonly programs: readonly Named[];
  readonly benchmarks: readonly Named[];
  readonly scenarios: readonly Named[];
  readonly bugs: readonly Named[];
}

export function define(command: Command): void {
  outputFlags(command).addHelpText(
    'after',
    `
Examples:
  smplab list
  smplab list --json | jq -r '.syscalls[].name'`,
  );
  command.action((flags: OutputFlags) =>
    inSession(flags, async ({ output }) => {
      const listing = await everything();
      if (output.json) {
        const { describeHost } = await import('../bench/run.ts');
        await output.document('list', describeHost(), listing);
      } else {
        await output.result(`${listingLines(listing, output.style).join('\n')}\n`);
      }
      return EXIT_OK;
    }),
  );
}

async function everything(): Promise<Listing> {
  const { DESIGN_NAMES } = await import('../kernel/epoll/source-ops.ts');
  const { LOCK_NAMES } = await import('../shared-mem/locks/classes.ts');
  const { LOCK_CLASS_NAMES } = await import('../shared-mem/locks/choice.ts');
  // The table is only read here; no kernel code runs on this thread.
  const { implementedCalls } = await import('../kernel/syscall/ops-table.ts');
  const { PRIVATE_SYSCALL_BASE, SYS, syscallSpec } = await import('../kernel/abi/syscalls.ts');
  const { SUITES } = await import('../bench/registry.ts');
  const { bugs } = await import('../explore/zoo/index.ts');
  const { steppedKernel } = await import('../explore/kernel.ts');
  const kernel = await steppedKernel();
  const calls = implementedCalls
    .map((name) => syscallSpec(SYS[name])!)
    // The lab's own calls are for its runners.
    .filter((spec) => spec.x86_64 < PRIVATE_SYSCALL_BASE && spec.arm64 < PRIVATE_SYSCALL_BASE);
  return {
    designs: DESIGN_NAMES,
    locks: LOCK_NAMES,
    lockClasses: LOCK_CLASS_NAMES,
    syscalls: calls.map(({ name, x86_64, arm64 }) => ({ name, x86_64: numbered(x86_64), arm64: numbered(arm64) })),
    programs: samplePrograms().map(({ name, about }) => ({ name, about })),
    benchmarks: SUITES.map(({ collection, name, about }) => ({ name: `${collection} ${name}`, about })),
    scenarios: kernel.scenarios.map(({ name, about }) => ({ name, about })),
    bugs: bugs.map(({ name, about }) => ({ name, about })),
  };
}

/** -1 in the table says that the architecture does not have the call. */
function numbered(number: number): number | null {
  return number < 0 ? null : number;
}

function listingLines(listing: Listing, style: TableStyle): string[] {
  const section = (title: string, lines: readonly string[]): string[] => [
    paint(title, BOLD, style),
    ...lines.map((line) => `  ${line}`),
    '',
  ];
  const named = (rows: readonly Named[]): string[] =>
    tableLines(
      [columnOf(rows, '', false, ({ name }) => name), columnOf(rows, '', false, ({ about }) => about)],
      style,
    ).slice(1);
  const rows = listing.syscalls;
  const number = (value: number | null): string => (value === null ? '-' : String(value));
  const calls = tableLines(
    [
      columnOf(rows, 'name', false, ({ name }) => name),
      columnOf(rows, 'x86_64', true, ({ x86_64 }) => number(x86_64)),
      columnOf(rows, 'arm64', true, ({ arm64 }) => number(arm64)),
    ],
    style,
  );
  return [
    ...section('designs of epoll (--epoll)', [listing.designs.join(', ')]),
    ...section('locks (--lock NAME, or by class: NAME,CLASS=NAME)', [
      listing.locks.join(', '),
      `classes: ${listing.lockClasses.join(', ')}`,
    ]),
    ...section('programs (smplab run NAME)', named(listing.programs)),
    ...section('benchmarks (smplab bench COLLECTION SUITE)', named(listing.benchmarks)),
    ...section('scenarios (smplab explore NAME)', named(listing.scenarios)),
    ...section('bugs (smplab explore --bug NAME)', named(listing.bugs)),
    ...section(`system calls (${rows.length})`, calls),
  ].slice(0, -1);
}
