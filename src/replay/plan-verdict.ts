// Which calls are made again and compared, which have their result imposed, and which the machine does not have.
// Every call gets exactly one of the three, so that they add up to the calls of the trace.

import { isSyscallName, type SyscallName } from '../kernel/abi/syscalls.ts';
import { CREDENTIALS, MEMORY, outsideReason, PROGRAM, RANDOM, SCHEDULING } from './outside-calls.ts';
import { NEVER_OPENED } from './plan-files.ts';
import type { PlannedCall } from './plan-types.ts';
import type { CallRecord } from './record.ts';

export const FUTEX = 'futex';
export const CLOCKS = 'clocks';
export const IDENTITIES = 'identities';
export const SHORT_WRITES = 'short socket writes';
export const PROGRAMS = 'programs begun by execve';
export const STRANGERS = 'children that the trace does not show';
export const ENDING = 'children that are about to end';
export const RACES = 'races with a single call of another thread';
export const ROOM = 'more was ready than a wait had room for';
export const STOPS = 'stopped children';
export const TIMER_SIGNALS = 'timers that send signals';
export const NETWORK = 'network sockets that the machine lacks';
export const REQUESTS = 'requests to files that the machine does not have';
export const RANGES = 'ranges of descriptors';
export const NO_ARGUMENTS = 'arguments that the trace does not show';
export const NO_RESULT = 'results that the trace does not show';
export const OUTSIDE_CONNECT = 'connections in progress';
export const OUTSIDE_RESET = 'resets by the network';
export const SOCKET_OPTIONS = 'options and addresses of internet sockets';
export const LACKING_KIND = 'descriptors of kinds that the machine lacks';
export const SIGNAL_RETURN = 'returns from signal handlers';

const clocks = new Set([
  'clock_gettime',
  'clock_getres',
  'gettimeofday',
  'time',
  'times',
  'getrusage',
  'clock_adjtime',
  'adjtimex',
]);

const identities = new Set([
  'getpid',
  'gettid',
  'getppid',
  'getuid',
  'geteuid',
  'getgid',
  'getegid',
  'getpgid',
  'getpgrp',
  'getsid',
  'set_tid_address',
  'uname',
]);

/** The imposed reason of calls whose name alone decides. */
export function imposedByName(name: string): string | undefined {
  if (name.startsWith('futex')) return FUTEX;
  if (clocks.has(name)) return CLOCKS;
  if (identities.has(name)) return IDENTITIES;
  return name === 'rt_sigreturn' || name === 'restart_syscall' ? SIGNAL_RETURN : undefined;
}

const ofTheHost: ReadonlySet<string> = new Set([MEMORY, PROGRAM, CREDENTIALS, RANDOM, SCHEDULING]);

/** Of calls whose answer tells of the host, or of who runs the program, even if the machine has them. */
export function hostReason(call: string): string | undefined {
  const reason = outsideReason(call);
  const isHosts = reason !== undefined && ofTheHost.has(reason) && call !== 'execve' && call !== 'execveat';
  return isHosts ? reason : undefined;
}

/** clone3 and the old forms are replayed by the call that does the same; undefined where there is none. */
export function replayedName(record: CallRecord, implemented: ReadonlySet<string>): SyscallName | undefined {
  const { call } = record;
  if (isSyscallName(call) && implemented.has(call)) return call;
  const other = equivalents[call];
  return other !== undefined && implemented.has(other) ? other : undefined;
}

/** Without a control message, a message is a vector of bytes. */
const equivalents: Readonly<Record<string, SyscallName>> = {
  sendmsg: 'writev',
  recvmsg: 'readv',
  clone3: 'clone',
  recv: 'recvfrom',
  send: 'sendto',
  epoll_pwait: 'epoll_wait',
  accept4: 'accept',
};

export function impose(call: PlannedCall, reason: string): void {
  call.verdict = 'imposed';
  call.reason = reason;
  call.kind = 'pass';
}

/** The call is made again, but what it answers is not compared. */
export function imposeAnswer(call: PlannedCall, reason: string): void {
  if (call.verdict !== 'compared') return;
  call.verdict = 'imposed';
  call.reason = reason;
}

export function unsupport(call: PlannedCall): void {
  call.verdict = 'unsupported';
  call.reason = call.record.call;
  call.kind = 'pass';
}

/** Calls on a descriptor that is not there: of the machine's lacks, or of the trace's. */
export function imposeFor(call: PlannedCall, reason: string): void {
  impose(call, reason === '' ? NEVER_OPENED : reason);
}
