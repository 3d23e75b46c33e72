// The names that a conformance case may use, and their numbers. A case is read on any host, so nothing here asks one.
// The schema calls `numberOf` to refuse an unknown name while reading; the guest program calls it to make arguments.
// Promise: a name means what the kernel's own abi says; there is no second list of values.

import * as flags from '../../kernel/abi/flags.ts';
import { EPOLL_CLOEXEC, openFlags } from '../../kernel/abi/flags.ts';

const NAME =
  /^(?:EPOLL|EFD_|TFD_|SFD_|O_|AT_FDCWD|POLL|CLOCK_|F_|FD_|SIG|AF_|SOCK_|SHUT_|SEEK_|MSG_|SOL_|SO_|RLIMIT_|FUTEX_|MFD_|FIO|EPIOC)[A-Z0-9_]*$/;

function caseConstants(): ReadonlyMap<string, number> {
  const constants = new Map<string, number>();
  for (const [name, value] of Object.entries(flags)) {
    if (NAME.test(name) && typeof value === 'number') constants.set(name, value);
  }
  // The one flag of the cases whose bit depends on the architecture: cases are recorded, and run, as x86_64.
  constants.set('O_DIRECT', openFlags.x86_64.O_DIRECT);
  constants.set('EPOLL_CLOEXEC', EPOLL_CLOEXEC);
  return constants;
}

const constants = caseConstants();

/** The bits in which an epoll event is printed, in this order. */
export const EPOLL_EVENT_NAMES: readonly string[] = [
  'EPOLLIN',
  'EPOLLPRI',
  'EPOLLOUT',
  'EPOLLERR',
  'EPOLLHUP',
  'EPOLLRDNORM',
  'EPOLLRDBAND',
  'EPOLLWRNORM',
  'EPOLLWRBAND',
  'EPOLLMSG',
  'EPOLLRDHUP',
];

/** The bits in which poll's revents are printed, in this order. */
export const POLL_EVENT_NAMES: readonly string[] = [
  'POLLIN',
  'POLLPRI',
  'POLLOUT',
  'POLLERR',
  'POLLHUP',
  'POLLNVAL',
  'POLLRDNORM',
  'POLLWRNORM',
  'POLLRDHUP',
];

/** Signals that a result names; any other is printed by its number, as `SIG13`. */
const SIGNAL_NAMES: readonly string[] = [
  'SIGHUP',
  'SIGINT',
  'SIGUSR1',
  'SIGUSR2',
  'SIGALRM',
  'SIGTERM',
  'SIGCHLD',
  'SIGCONT',
  'SIGSTOP',
  'SIGKILL',
  'SIGRTMIN',
];

const INTEGER = /^[+-]?(?:0[xX][0-9a-fA-F]+|0[oO][0-7]+|0[bB][01]+|[0-9]+)$/;

function integerOf(text: string): number | undefined {
  if (!INTEGER.test(text)) return undefined;
  const negative = text.startsWith('-');
  const magnitude = Number(text.replace(/^[+-]/, ''));
  return negative ? -magnitude : magnitude;
}

/** The number of one name or numeral; undefined for what is neither. */
export function constantOf(part: string): number | undefined {
  return constants.get(part) ?? integerOf(part);
}

/** The parts of `EPOLLIN|0x20` that mean nothing: the schema names them in its error. */
export function unknownParts(text: string): readonly string[] {
  const parts = text.split('|').map((part) => part.trim());
  return parts.filter((part) => constantOf(part) === undefined);
}

/** The number that a string of names and numbers joined by `|` stands for. Flags reach bit 31, so the result is unsigned. */
export function numberOf(text: string): number {
  const parts = text.split('|').map((part) => part.trim());
  let total = 0n;
  for (const part of parts) {
    const value = constantOf(part);
    if (value === undefined) throw new Error(`'${part}' is neither a known name nor a number`);
    total |= BigInt(value);
  }
  return Number(total);
}

/** Bits by name, in the order of the table; what it does not name is added in hexadecimal, and no bit at all is `0`. */
export function namesOf(bits: number, table: readonly string[]): string {
  let rest = bits >>> 0;
  const names: string[] = [];
  for (const name of table) {
    const bit = (constants.get(name) ?? 0) >>> 0;
    if ((rest & bit) !== 0) names.push(name);
    rest = (rest & ~bit) >>> 0;
  }
  if (rest !== 0) names.push(`0x${rest.toString(16)}`);
  return names.length === 0 ? '0' : names.join('|');
}

export function signalNameOf(signal: number): string {
  for (const name of SIGNAL_NAMES) {
    if (constants.get(name) === signal) return name;
  }
  return `SIG${signal}`;
}
