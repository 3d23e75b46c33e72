// What values mean to a replay: flags as masks, signals as numbers, times as nanoseconds, events and descriptors.
// Every function answers undefined (or an empty list) where the trace does not say, and none throws: strace prints a
// bare address where a call failed or was interrupted.

import { errnoByName } from '../kernel/abi/errno.ts';
import { parseFlags } from '../kernel/abi/flag-groups.ts';
import { signalByName } from '../kernel/abi/flags-signal.ts';
import type { CallRecord } from './record.ts';
import {
  type ArrayValue,
  bigintIn,
  fieldIn,
  itemsIn,
  numberIn,
  type StructValue,
  textIn,
  type Value,
  wordsIn,
} from './value.ts';

/** What the kernel answered: the value, or the negative errno; undefined where the call did not return. */
export function kernelResult(record: CallRecord): number | undefined {
  if (record.outcome === 'returned') return record.result.value;
  if (record.outcome !== 'failed' || record.result.errno === undefined) return undefined;
  const errno = errnoByName(record.result.errno) ?? Number(record.result.errno.replace('errno ', ''));
  return Number.isNaN(errno) ? undefined : -errno;
}

/**
 * Flags as a mask. `constants` comes from `constantsOf(abi)` of the kernel's ABI tables. Names that they lack make the
 * answer undefined: a replay must not guess a flag away.
 */
export function maskIn(value: Value | undefined, constants: ReadonlyMap<string, number>): number | undefined {
  const number = numberIn(value);
  if (number !== undefined) return number;
  if (value?.kind !== 'flags') return undefined;
  const words = value.words.map(splitFutexWord);
  return parseFlags(constants, words.join('|'));
}

/** strace prints `FUTEX_WAIT_PRIVATE` for two flags. */
function splitFutexWord(word: string): string {
  if (!word.startsWith('FUTEX_') || !word.endsWith('_PRIVATE')) return word;
  return `${word.slice(0, -'_PRIVATE'.length)}|FUTEX_PRIVATE_FLAG`;
}

/** A signal by strace's names, which count from the kernel's first real-time signal: SIGRTMIN is 32, SIGRT_2 is 34. */
export function straceSignal(name: string): number | undefined {
  const bare = name.startsWith('SIG') ? name.slice(3) : name;
  if (bare === 'RTMIN') return 32;
  const realTime = /^RT_(\d+)$/.exec(bare);
  if (realTime !== null) return 32 + Number(realTime[1]);
  return /^\d+$/.test(bare) ? Number(bare) : signalByName(bare);
}

/** A signal argument, by name or by number. */
export function signalIn(value: Value | undefined): number | undefined {
  return numberIn(value) ?? (value?.kind === 'flags' ? straceSignal(value.words[0] ?? '') : undefined);
}

/** A set of signals, ascending; `~[...]` is all 64 but those. */
export function signalSetIn(value: Value | undefined): readonly number[] | undefined {
  if (value?.kind !== 'array') return undefined;
  const named = new Set<number>();
  for (const item of value.items) {
    const signal = signalIn(item);
    if (signal === undefined) return undefined;
    named.add(signal);
  }
  const all = Array.from({ length: 64 }, (_, index) => index + 1);
  return all.filter((signal) => named.has(signal) !== value.inverted);
}

/** A timespec or timeval as nanoseconds. */
export function durationIn(value: Value | undefined): number | undefined {
  const seconds = numberIn(fieldIn(value, 'tv_sec'));
  const nanoseconds = numberIn(fieldIn(value, 'tv_nsec'));
  const microseconds = numberIn(fieldIn(value, 'tv_usec'));
  if (seconds === undefined) return undefined;
  if (nanoseconds !== undefined) return seconds * 1e9 + nanoseconds;
  return microseconds === undefined ? undefined : seconds * 1e9 + microseconds * 1e3;
}

export interface TimerSetting {
  readonly intervalNs: number;
  readonly valueNs: number;
}

/** An itimerspec or itimerval. */
export function timerSettingIn(value: Value | undefined): TimerSetting | undefined {
  const intervalNs = durationIn(fieldIn(value, 'it_interval'));
  const valueNs = durationIn(fieldIn(value, 'it_value'));
  return intervalNs === undefined || valueNs === undefined ? undefined : { intervalNs, valueNs };
}

export interface EpollEvent {
  readonly events: number;
  /** All 64 bits. */
  readonly data: bigint;
}

/** One epoll_event, in any of strace's forms: `{events=, data={u32=, u64=}}`, `data=0x5`, and `{EPOLLIN, {u32=, u64=}}`. */
export function epollEventIn(value: Value | undefined, constants: ReadonlyMap<string, number>): EpollEvent | undefined {
  if (value?.kind !== 'struct') return undefined;
  const events = maskIn(fieldIn(value, 'events') ?? value.fields[0]?.value, constants);
  const union = fieldIn(value, 'data') ?? value.fields[1]?.value;
  const data = bigintIn(fieldIn(union, 'u64')) ?? bigintIn(fieldIn(union, 'u32')) ?? bigintIn(union);
  if (events === undefined || data === undefined) return undefined;
  return { events: events >>> 0, data: BigInt.asUintN(64, data) };
}

export interface EpollEvents {
  readonly events: readonly EpollEvent[];
  /** strace printed only the first ones (its -s counts array items too). */
  readonly truncated: boolean;
}

/** epoll_wait's array; undefined where strace printed an address, as it does when the call failed. */
export function epollEventsIn(
  value: Value | undefined,
  constants: ReadonlyMap<string, number>,
): EpollEvents | undefined {
  // Versions before 4.5 print `{{EPOLLIN, {u32=5, u64=5}}}`.
  const list = value?.kind === 'struct' && value.fields.every(({ name }) => name === '') ? listOf(value) : value;
  if (list?.kind !== 'array') return undefined;
  const events: EpollEvent[] = [];
  for (const item of list.items) {
    const event = epollEventIn(item, constants);
    if (event === undefined) return undefined;
    events.push(event);
  }
  return { events, truncated: list.truncated };
}

function listOf({ fields, truncated }: StructValue): ArrayValue {
  return { kind: 'array', items: fields.map(({ value }) => value), truncated, spaced: false, inverted: false };
}

export interface PollEntry {
  readonly fd: number;
  /** events in poll's argument, revents in the list behind its result. */
  readonly events: number;
}

/** poll's array, or the list that strace prints behind its result; entries of negative fds may lack events. */
export function pollEntriesIn(
  value: Value | undefined,
  constants: ReadonlyMap<string, number>,
): readonly PollEntry[] | undefined {
  if (value?.kind !== 'array') return undefined;
  const entries: PollEntry[] = [];
  for (const item of value.items) {
    const fd = numberIn(fieldIn(item, 'fd'));
    const printed = fieldIn(item, 'revents') ?? fieldIn(item, 'events');
    const events = printed === undefined ? 0 : maskIn(printed, constants);
    if (fd === undefined || events === undefined) return undefined;
    entries.push({ fd, events });
  }
  return entries;
}

/** The descriptors in `[3, 4]`, `[3 4]` or a control message's list; undefined where an item is no number. */
export function descriptorsIn(value: Value | undefined): readonly number[] | undefined {
  if (value?.kind !== 'array') return undefined;
  const descriptors: number[] = [];
  for (const item of value.items) {
    const descriptor = numberIn(item);
    if (descriptor === undefined) return undefined;
    descriptors.push(descriptor);
  }
  return descriptors;
}

/** The descriptors that a msghdr passes by SCM_RIGHTS. */
export function passedDescriptorsIn(value: Value | undefined): readonly number[] {
  const control = itemsIn(fieldIn(value, 'msg_control'));
  return control
    .filter((message) => wordsIn(fieldIn(message, 'cmsg_type')).includes('SCM_RIGHTS'))
    .flatMap((message) => descriptorsIn(fieldIn(message, 'cmsg_data')) ?? []);
}

/** The total of `iov_len`s of an iovec array, or of a msghdr's; undefined where the array was not printed whole. */
export function iovecLengthIn(value: Value | undefined): number | undefined {
  const iov = value?.kind === 'struct' ? fieldIn(value, 'msg_iov') : value;
  if (iov?.kind !== 'array' || iov.truncated) return undefined;
  let length = 0;
  for (const item of iov.items) {
    // `{"abc", 3}` of older versions.
    const part = numberIn(fieldIn(item, 'iov_len') ?? (item.kind === 'struct' ? item.fields[1]?.value : undefined));
    if (part === undefined) return undefined;
    length += part;
  }
  return length;
}

/**
 * A socket address as one text by which two of them can be compared: `unix:/path`, `unix:@name`, `unix:` (unnamed),
 * `inet:127.0.0.1:7002`, `inet6:::1:80`; any other family by its name alone.
 */
export function addressIn(value: Value | undefined): string | undefined {
  const family = wordsIn(fieldIn(value, 'sa_family'))[0];
  if (value?.kind !== 'struct' || family === undefined) return undefined;
  if (family === 'AF_UNIX' || family === 'AF_LOCAL') {
    const path = fieldIn(value, 'sun_path');
    return `unix:${path?.kind === 'string' && path.abstract ? '@' : ''}${textIn(path) ?? ''}`;
  }
  if (family === 'AF_INET') {
    return `inet:${macroText(fieldIn(value, 'sin_addr'), 0) ?? '?'}:${macroNumber(fieldIn(value, 'sin_port')) ?? '?'}`;
  }
  if (family === 'AF_INET6') {
    const pton = value.fields.find((field) => field.value.kind === 'macro' && field.value.name === 'inet_pton')?.value;
    const host = macroText(pton, 1) ?? macroText(fieldIn(value, 'sin6_addr'), 1) ?? '?';
    return `inet6:${host}:${macroNumber(fieldIn(value, 'sin6_port')) ?? '?'}`;
  }
  return family;
}

function macroText(value: Value | undefined, place: number): string | undefined {
  return value?.kind === 'macro' ? textIn(value.args[place]) : undefined;
}

function macroNumber(value: Value | undefined): number | undefined {
  return value?.kind === 'macro' ? numberIn(value.args[0]) : undefined;
}
