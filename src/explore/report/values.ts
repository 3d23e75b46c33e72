/**
 * What the number in a word means, where the kernel has names for it: states, kinds, bits of readiness, interrupts.
 * Pointers are left to names.ts, which knows what lies where.
 */
import { formatFlags } from '../../kernel/abi/flag-groups.ts';
import { signalName } from '../../kernel/abi/flags-signal.ts';
import { syscallSpec } from '../../kernel/abi/syscalls.ts';
import { CPU_ACTIVITY_NAMES, IDLE_EPOCH } from '../../kernel/cpu/cpu.ts';
import { IDLERS } from '../../kernel/cpu/stops.ts';
import { KIND_NAMES } from '../../kernel/file/file.ts';
import { REASON_NAMES, TASK_STATE_NAMES } from '../../kernel/task/task.ts';

const INTERRUPTS = ['timer', 'reschedule', 'stop', 'call'] as const;
const ATTENTION = ['signal', 'killed', 'stop', 'interrupted'] as const;
const WASIX_BITS = ['readable', 'writable', 'hung up', 'failed'] as const;
const MACHINE_STATES = ['booting', 'running', 'paused', 'stopped', 'dead'] as const;
const VERDICTS = ['none', 'panic', 'deadlock', 'lockup', 'program error'] as const;
const PROCESS_STATES = ['free', 'live', 'exiting', 'zombie'] as const;
const RESUMES = ['call', 'result', 'signals', 'begin'] as const;
const LOCK_HELD = 1;

const named =
  (names: readonly string[]) =>
  (value: number): string =>
    names[value] ?? String(value);

const bits =
  (names: readonly string[]) =>
  (value: number): string => {
    const set = names.filter((_name, bit) => (value & (1 << bit)) !== 0);
    return set.length === 0 ? 'none' : set.join('|');
  };

function readiness(value: number): string {
  return value === 0 ? 'none' : formatFlags('x86_64', 'epollEvents', value).replaceAll('EPOLL', '');
}

function ttasWord(value: number): string {
  const sleepers = value >> 1;
  const state = (value & LOCK_HELD) !== 0 ? 'held' : 'free';
  return sleepers === 0 ? state : `${state}, ${sleepers} asleep`;
}

/** Half of a set of signals: bit signal - 1. */
const signals =
  (first: number) =>
  (value: number): string => {
    if (value === -1) return 'all';
    const set = Array.from({ length: 32 }, (_, bit) => bit).filter((bit) => (value & (1 << bit)) !== 0);
    return set.length === 0 ? 'none' : set.map((bit) => signalName(first + bit)).join('|');
  };

function oneSignal(value: number): string {
  return value === 0 ? 'none' : signalName(value);
}

/** By struct and field. */
const MEANINGS: Readonly<Record<string, (value: number) => string>> = {
  'Task.state': (value) => (TASK_STATE_NAMES[value] ?? String(value)).toUpperCase(),
  'Task.attention': bits(ATTENTION),
  'Task.blockedLow': signals(1),
  'Task.blockedHigh': signals(33),
  'Process.stopSignal': oneSignal,
  'Process.stopTaken': oneSignal,
  'PendingSet.low': signals(1),
  'PendingSet.high': signals(33),
  'Task.wokenBy': named(REASON_NAMES),
  'Frame.reason': named(REASON_NAMES),
  'Frame.call': (value) => (value < 0 ? 'none' : (syscallSpec(value)?.name ?? String(value))),
  'Frame.resume': named(RESUMES),
  'File.readiness': readiness,
  'File.kind': named(KIND_NAMES),
  'WaitEntry.keys': readiness,
  'LinuxItem.events': readiness,
  'KevlarInterest.events': readiness,
  'WasixSub.pending': bits(WASIX_BITS),
  'Cpu.activity': named(CPU_ACTIVITY_NAMES),
  'Cpu.seenEpoch': (value) => (value === IDLE_EPOCH ? 'idle' : String(value)),
  'CpuCore.pending': bits(INTERRUPTS),
  'Machine.state': named(MACHINE_STATES),
  'Machine.verdict': named(VERDICTS),
  'Machine.idling': (value) => `${value & IDLERS} idle (stop ${value >>> 8})`,
  'Process.state': named(PROCESS_STATES),
};

/** Which interrupts a pending word that changes from one value to another gained. */
export function interruptNames(value: number): string {
  return bits(INTERRUPTS)(value);
}

/** @param ticket the word belongs to a lock that is a ticket lock */
export function meaningOfValue(key: string, value: number, ticket: boolean): string {
  if (key === 'SpinLock.word' && !ticket) return ttasWord(value);
  return MEANINGS[key]?.(value) ?? String(value);
}
