/**
 * Arguments that calls of a torture are made with: structs in scratch memory, sets of signals, names of sockets. Recipes
 * use these; what they fill is valid, and made worse elsewhere (mutation.ts).
 */
import { AF_UNIX } from '../../kernel/abi/flags-socket.ts';
import {
  SIGALRM,
  SIGCHLD,
  SIGIO,
  SIGPIPE,
  SIGPROF,
  SIGURG,
  SIGUSR1,
  SIGUSR2,
  SIGVTALRM,
  SIGWINCH,
} from '../../kernel/abi/flags-signal.ts';
import { iovecLayout, msghdrLayout, timespecLayout, timevalLayout } from '../../kernel/abi/layout.ts';
import { bytesAt, store16, store32, store64, store8, storeTimespec } from '../libc/memory.ts';
import type { Caller } from './caller.ts';

/** Ends any wait of a torture's threads: never blocked, never in a set, always handled. */
export const ALARM_SIGNAL = 63;
/** Signals that are sent at random: every process handles or ignores them from its start on. */
export const SENT_SIGNALS: readonly number[] = [
  SIGUSR1,
  SIGUSR2,
  SIGALRM,
  SIGURG,
  SIGCHLD,
  SIGIO,
  SIGWINCH,
  SIGPIPE,
  SIGPROF,
  SIGVTALRM,
  34,
  35,
  40,
];
/** Blocked while a handler runs, or with all of them pending at once handlers would stand higher than they may. */
export const SET_OF_SENT: bigint = SENT_SIGNALS.reduce((set, signal) => set | (1n << BigInt(signal - 1)), 0n);

/** Names that sockets of all processes are bound to. */
export const SOCKET_NAMES = 80;

export function timespec(c: Caller, ns: number): number {
  const at = c.scratch.take(timespecLayout.size);
  storeTimespec(at, ns);
  return at;
}
export function timeval(c: Caller, us: number): number {
  const at = c.scratch.take(timevalLayout.size);
  store64(at, Math.floor(us / 1e6));
  store64(at + timevalLayout.microseconds, us % 1e6);
  return at;
}
/** A short time that may also be none, ns. */
export function shortNs(c: Caller): number {
  return c.random.once(3) ? 0 : c.random.below(300_000);
}

/** Interval, then value: the shape of itimerspec. */
export function timerSetting(c: Caller, intervalNs: number, valueNs: number): number {
  const at = c.scratch.take(2 * timespecLayout.size);
  storeTimespec(at, intervalNs);
  storeTimespec(at + timespecLayout.size, valueNs);
  return at;
}

/** A set of signals that are sent. */
export function signalSet(c: Caller): number {
  const at = c.scratch.take(8);
  const low = BigInt(c.random.next() >>> 0);
  const high = BigInt(c.random.next() >>> 0);
  store64(at, ((high << 32n) | low) & SET_OF_SENT);
  return at;
}

/** A buffer of so many bytes, its first ones random. */
export function buffer(c: Caller, bytes: number): number {
  const at = c.scratch.take(bytes);
  for (let i = 0; i + 4 <= Math.min(bytes, 16); i += 4) store32(at + i, c.random.next());
  return at;
}

/** @returns the vector; its elements have `bytes` together */
export function vector(c: Caller, elements: number, bytes: number): number {
  const at = c.scratch.take(elements * iovecLayout.size);
  let left = bytes;
  for (let i = 0; i < elements; i++) {
    const length = i === elements - 1 ? left : c.random.below(left + 1);
    left -= length;
    store64(at + i * iovecLayout.size, buffer(c, length));
    store64(at + i * iovecLayout.size + iovecLayout.length, length);
  }
  return at;
}

/** Bytes of an address that leads to name `number`. */
export const ADDRESS_BYTES = 6;
/** sockaddr_un of an abstract name. */
export function address(c: Caller, number: number): number {
  const at = c.scratch.take(ADDRESS_BYTES);
  store16(at, AF_UNIX);
  store8(at + 2, 0);
  store8(at + 3, 0x74);
  store16(at + 4, number);
  return at;
}

/** An int that says how much room there is. */
export function roomOf(c: Caller, bytes: number): number {
  const at = c.scratch.take(4);
  store32(at, bytes);
  return at;
}

/** A msghdr with one to three elements. @param name 0, or where an address lies or is to be stored */
export function message(c: Caller, bytes: number, name: number, nameLength: number, control: number): number {
  const at = c.scratch.takeZeroed(msghdrLayout.size);
  const elements = c.random.between(1, 3);
  store64(at + msghdrLayout.name, name);
  store32(at + msghdrLayout.nameLength, nameLength);
  store64(at + msghdrLayout.iov, vector(c, elements, bytes));
  store64(at + msghdrLayout.iovLength, elements);
  if (control > 0) {
    store64(at + msghdrLayout.control, c.scratch.takeZeroed(control));
    store64(at + msghdrLayout.controlLength, control);
  }
  return at;
}

/** A NUL-terminated string. */
export function text(c: Caller, words: string): number {
  const bytes = new TextEncoder().encode(`${words}\0`);
  const at = c.scratch.take(bytes.length);
  bytesAt(at, bytes.length).set(bytes);
  return at;
}
