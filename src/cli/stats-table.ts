/**
 * A machine's statistics as tables for people: wakeups by class, latency, what epoll did, what each CPU did.
 */
import { type Column, columnOf, duration, figure, type TableStyle, tableLines } from '../bench/columns.ts';
import type { CpuStats, MachineStats, Wakeups } from '../machine/stats.ts';

const CLASSES = ['total', 'useful', 'timeout', 'signal', 'herd', 'nudge', 'spurious', 'queued'] as const;

export function statsLines(stats: MachineStats, wallNs: number, style: TableStyle): string[] {
  return [
    ...wakeupLines(stats.wakeups, wallNs, style),
    '',
    ...latencyLines(stats, style),
    '',
    ...cpuLines(stats.cpus, wallNs, style),
    '',
    epollLine(stats),
    ...readyQueueLines(stats),
  ];
}

/** @param wallNs what rates are taken over; undefined where time is not real, and rates would mean nothing */
export function wakeupLines(wakeups: Wakeups, wallNs: number | undefined, style: TableStyle): string[] {
  const column = (name: (typeof CLASSES)[number]): Column => ({
    title: name,
    right: true,
    cells: [
      figure(wakeups[name]),
      ...(wallNs === undefined ? [] : [perSecond(wakeups[name], wallNs)]),
      name !== 'queued' ? share(wakeups, wakeups[name]) : '',
    ],
  });
  const rates = wallNs === undefined ? [] : ['a second'];
  const titles: Column = { title: 'wakeups', right: false, cells: ['count', ...rates, 'share'] };
  return [...tableLines([titles, ...CLASSES.map(column)], style), readingLine(wakeups)];
}

const IN_VAIN = {
  herd: 'another task had taken what woke it',
  nudge: 'a tick or a wake-all came without a change of anything it watches',
  spurious: 'no cause was left to see',
} as const;

/** The table in a sentence: how many woke for nothing, and why most of them. */
function readingLine(wakeups: Wakeups): string {
  const { total, herd, nudge, spurious } = wakeups;
  const inVain = herd + nudge + spurious;
  if (total === 0) return 'nobody slept and was woken';
  if (inVain === 0) return 'every wakeup had something to do';
  const most = (['herd', 'nudge', 'spurious'] as const).reduce((a, b) => (wakeups[b] > wakeups[a] ? b : a));
  return `${figure(inVain)} of ${figure(total)} woke for nothing (${share(wakeups, inVain)}), most of them a ${most}: ${IN_VAIN[most]}`;
}

function share({ total }: Wakeups, part: number): string {
  return total === 0 ? '-' : `${((part / total) * 100).toFixed(1)} %`;
}

function perSecond(count: number, wallNs: number): string {
  return wallNs > 0 ? figure(Math.round((count / wallNs) * 1e9)) : '-';
}

function latencyLines(stats: MachineStats, style: TableStyle): string[] {
  const rows = [
    { name: "a source's change to the call's return", ...stats.latency },
    { name: 'a tick due to its interrupt taken', ...stats.tickLateness, max: undefined },
  ];
  return tableLines(
    [
      columnOf(rows, 'latency', false, ({ name }) => name),
      columnOf(rows, 'p50', true, ({ p50 }) => duration(p50)),
      columnOf(rows, 'p99', true, ({ p99 }) => duration(p99)),
      columnOf(rows, 'max', true, ({ max }) => (max === undefined ? '' : duration(max))),
    ],
    style,
  );
}

const CPU_COLUMNS: readonly (readonly [title: string, of: (cpu: CpuStats) => number])[] = [
  ['traps', (cpu) => cpu.traps],
  ['switches', (cpu) => cpu.switches],
  ['ticks taken', (cpu) => cpu.ticksTaken],
  ['coalesced', (cpu) => cpu.ticksCoalesced],
  ['interrupts', (cpu) => cpu.interruptsTaken],
  ['idle sleeps', (cpu) => cpu.idleSleeps],
  ['idle spins', (cpu) => cpu.idleSpins],
  ['yields', (cpu) => cpu.yields],
  ['yield rests', (cpu) => cpu.yieldRests],
  ['lock sleeps', (cpu) => cpu.lockSleeps],
];

function cpuLines(cpus: readonly CpuStats[], wallNs: number, style: TableStyle): string[] {
  const names = [...cpus.map((_, index) => String(index)), 'all', 'a second'];
  const columns = CPU_COLUMNS.map(([title, of]): Column => {
    const sum = cpus.reduce((total, cpu) => total + of(cpu), 0);
    return { title, right: true, cells: [...cpus.map((cpu) => figure(of(cpu))), figure(sum), perSecond(sum, wallNs)] };
  });
  return tableLines([{ title: 'CPU', right: false, cells: names }, ...columns], style);
}

function epollLine(stats: MachineStats): string {
  const { epollWaits, eventsDelivered, repolls } = stats;
  const each = eventsDelivered === 0 ? '' : `, ${figure(repolls / eventsDelivered)} an event`;
  return `epoll: ${figure(epollWaits)} waits, ${figure(eventsDelivered)} events delivered, ${figure(repolls)} descriptors polled again${each}`;
}

/** What WASIX's ready queues were told; nothing for designs that have none. */
function readyQueueLines({ readyQueue }: MachineStats): string[] {
  const { enqueueAttempts, dedupeHits, staleGenerationDrops, emptyDequeues } = readyQueue;
  if (enqueueAttempts === 0) return [];
  return [
    `ready queues: told ${figure(enqueueAttempts)} times, ${figure(dedupeHits)} of them nothing new; ` +
      `${figure(staleGenerationDrops)} entries stale, ${figure(emptyDequeues)} empty`,
  ];
}

/** Records that still live, for -v: what a program left behind. */
export function censusLines(stats: MachineStats, style: TableStyle): string[] {
  const rows = Object.entries(stats.census).filter(([, { highWater }]) => highWater > 0);
  return tableLines(
    [
      columnOf(rows, 'records', false, ([name]) => name),
      columnOf(rows, 'live', true, ([, { live }]) => figure(live)),
      columnOf(rows, 'most', true, ([, { highWater }]) => figure(highWater)),
      columnOf(rows, 'limit', true, ([, { capacity }]) => figure(capacity)),
    ],
    style,
  );
}
