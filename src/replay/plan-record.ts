// Questions about one recorded call that every part of the plan asks.

import { EAGAIN, EBADF, EINTR } from '../kernel/abi/errno.ts';
import { isSyscallName, SYS, syscallSpec } from '../kernel/abi/syscalls.ts';
import { constants } from './plan-arguments.ts';
import { addressIn, durationIn, iovecLengthIn, maskIn, pollEntriesIn } from './meaning.ts';
import type { PlanFile } from './plan-types.ts';
import type { CallRecord } from './record.ts';
import { beforeCall, bigintIn, hasWord, numberIn } from './value.ts';

export const EAGAIN_VALUE: number = -EAGAIN;
export const EBADF_VALUE: number = -EBADF;
export const EINTR_VALUE: number = -EINTR;

export const births: ReadonlySet<string> = new Set(['clone', 'clone3', 'fork', 'vfork']);
export const waits: ReadonlySet<string> = new Set(['epoll_wait', 'epoll_pwait', 'epoll_pwait2']);
export const polls: ReadonlySet<string> = new Set(['poll', 'ppoll']);
export const selects: ReadonlySet<string> = new Set(['select', 'pselect6']);
export const takes: ReadonlySet<string> = new Set(['read', 'readv', 'recvfrom', 'recvmsg', 'recv']);
export const gives: ReadonlySet<string> = new Set(['write', 'writev', 'sendto', 'sendmsg', 'send']);
export const accepts: ReadonlySet<string> = new Set(['accept', 'accept4']);
export const sleeps: ReadonlySet<string> = new Set(['nanosleep', 'clock_nanosleep']);
export const signalWaits: ReadonlySet<string> = new Set(['pause', 'rt_sigsuspend', 'rt_sigtimedwait']);
const changes: ReadonlySet<string> = new Set([
  ...births,
  ...accepts,
  'close',
  'close_range',
  'dup',
  'dup2',
  'dup3',
  'execve',
  'pipe',
  'pipe2',
  'recvmsg',
  'socket',
  'socketpair',
]);

/** Whether a call may open or close descriptors. */
export function changesDescriptors(record: CallRecord): boolean {
  const { call } = record;
  if (changes.has(call)) return true;
  if (call === 'fcntl') return isDuplication(record);
  return (isSyscallName(call) && syscallSpec(SYS[call])?.result === 'fd') || call.startsWith('open');
}

/** The first argument, where it is a number. */
export function first(record: CallRecord): number | undefined {
  return numberIn(record.args[0]?.value);
}

/** An argument as a mask, 0 where it is none. */
export function wordOf(record: CallRecord | undefined, place: number): number {
  return maskIn(record?.args[place]?.value, constants) ?? 0;
}

export function isUnix(record: CallRecord): boolean {
  const family = record.args[0]?.value;
  return hasWord(family, 'AF_UNIX') || hasWord(family, 'AF_LOCAL');
}

/** fcntl's command by name. */
export function commandOf(record: CallRecord): string {
  const command = record.args[1]?.value;
  return command?.kind === 'flags' ? (command.words[0] ?? '') : '';
}

export function isDuplication(record: CallRecord): boolean {
  return record.call === 'fcntl' && commandOf(record).startsWith('F_DUPFD') && commandOf(record) !== 'F_DUPFD_QUERY';
}

/** Bytes that a call offers to move. */
export function lengthOf(record: CallRecord): number | undefined {
  if (record.call === 'writev' || record.call === 'readv' || record.call === 'sendmsg' || record.call === 'recvmsg') {
    return iovecLengthIn(record.args[1]?.value);
  }
  const length = record.args[2]?.value;
  return length?.kind === 'number' ? Number(bigintIn(length)) : undefined;
}

export function addressOf(record: CallRecord, place: number): string | undefined {
  return addressIn(record.args[place]?.value);
}

/** revents of a descriptor in poll's answer; undefined where it was not reported. */
export function reventsOf(record: CallRecord, fd: number): number | undefined {
  for (const { value } of record.result.details) {
    const entry = pollEntriesIn(value, constants)?.find((one) => one.fd === fd);
    if (entry !== undefined) return entry.events;
  }
  return undefined;
}

/** How long a wait may wait, -1: for ever; undefined where the call is no wait. */
export function timeoutNs(record: CallRecord): number | undefined {
  const place = timeoutPlaces[record.call];
  if (place === undefined) return undefined;
  const field = record.args[place];
  const value = field === undefined ? undefined : beforeCall(field.value);
  const ms = numberIn(value);
  if (value?.kind === 'null' || value === undefined) return -1;
  if (ms === undefined) return durationIn(value) ?? -1;
  return ms < 0 ? -1 : ms * 1e6;
}
const timeoutPlaces: Readonly<Record<string, number>> = {
  poll: 2,
  ppoll: 2,
  epoll_wait: 3,
  epoll_pwait: 3,
  epoll_pwait2: 3,
  select: 4,
  pselect6: 4,
};

/** Whether a send was taken in part or not at all. */
export function isShort(record: CallRecord, result: number): boolean {
  const whole = lengthOf(record);
  return result === EAGAIN_VALUE || (result >= 0 && whole !== undefined && result < whole);
}

/** What a send costs the sender's buffer: more than its bytes, most of all for short ones. */
export function sendCost(bytes: number): number {
  return 1024 + Math.ceil(bytes * 1.2);
}

/** A unix socket is written to without waiting up to this; the outside reads before it is reached. */
export const SEND_ROOM = 40_000;
/** A longer send is taken in part by a unix socket whose peer does not read meanwhile. */
export const SEND_MAX = 120_000;

/** Whether a call can only have succeeded on another kind of file. */
export function isImpossible({ kind, reason }: PlanFile, name: string): boolean {
  if (reason !== '') return false;
  if (name === 'epoll_ctl' || waits.has(name)) return kind !== 'epoll';
  if (kind === 'epoll') return takes.has(name) || gives.has(name);
  return kind !== 'stream' && (accepts.has(name) || ofSockets.has(name));
}
const ofSockets = new Set(['recvfrom', 'recvmsg', 'sendto', 'sendmsg', 'bind', 'listen', 'connect', 'shutdown']);
