// Which constants may stand in which argument, and how a value is printed and read as `O_RDWR|O_NONBLOCK`.
// For logs, the conformance runner and the replay: the kernel itself decides nothing by name.

import * as event from './flags-event.ts';
import * as file from './flags-file.ts';
import * as signal from './flags-signal.ts';
import * as socket from './flags-socket.ts';
import * as task from './flags-task.ts';
import type { FlagGroup } from './syscall-spec.ts';
import type { Abi } from './types.ts';

/**
 * How a group is made of the constants: those whose name has a prefix (or is listed), minus some. In a `choice` the
 * value is one of them; in a `mask` it is an OR of them; `field` bits, if any, hold a choice below the mask.
 */
interface GroupRule {
  readonly form: 'choice' | 'mask';
  readonly prefix: RegExp;
  readonly field: number;
  readonly none: string;
}

const groupRules: Readonly<Record<FlagGroup, GroupRule>> = {
  clock: { form: 'choice', prefix: /^CLOCK_/, field: 0, none: '' },
  clone: { form: 'mask', prefix: /^CLONE_/, field: task.CSIGNAL, none: '0' },
  closeRange: { form: 'mask', prefix: /^CLOSE_RANGE_/, field: 0, none: '0' },
  epollCreate: { form: 'mask', prefix: /^EPOLL_CLOEXEC$/, field: 0, none: '0' },
  epollEvents: { form: 'mask', prefix: /^EPOLL(?!_)/, field: 0, none: '0' },
  epollOp: { form: 'choice', prefix: /^EPOLL_CTL_/, field: 0, none: '' },
  eventfd: { form: 'mask', prefix: /^EFD_/, field: 0, none: '0' },
  family: { form: 'choice', prefix: /^AF_/, field: 0, none: '' },
  fcntl: { form: 'choice', prefix: /^F_(?!SEAL_)/, field: 0, none: '' },
  fdFlags: { form: 'mask', prefix: /^FD_CLOEXEC$/, field: 0, none: '0' },
  futexOp: {
    form: 'mask',
    prefix: /^FUTEX_(?!CMD_MASK|BITSET_MATCH_ANY|OP_)/,
    field: task.FUTEX_CMD_MASK & 0x7f,
    none: 'FUTEX_WAIT',
  },
  ioctl: { form: 'choice', prefix: /^(TC|TIOC|FIO|EPIOC)/, field: 0, none: '' },
  itimer: { form: 'choice', prefix: /^ITIMER_/, field: 0, none: '' },
  maskHow: { form: 'choice', prefix: /^SIG_(BLOCK|UNBLOCK|SETMASK)$/, field: 0, none: '' },
  memfd: { form: 'mask', prefix: /^MFD_(?!NAME_)/, field: 0, none: '0' },
  message: { form: 'mask', prefix: /^MSG_/, field: 0, none: '0' },
  open: { form: 'mask', prefix: /^O_(?!ACCMODE)/, field: file.O_ACCMODE, none: 'O_RDONLY' },
  pollEvents: { form: 'mask', prefix: /^POLL/, field: 0, none: '0' },
  prctl: { form: 'choice', prefix: /^PR_/, field: 0, none: '' },
  rlimit: { form: 'choice', prefix: /^RLIMIT_/, field: 0, none: '' },
  sigaction: { form: 'mask', prefix: /^SA_/, field: 0, none: '0' },
  shutdown: { form: 'choice', prefix: /^SHUT_/, field: 0, none: '' },
  signalfd: { form: 'mask', prefix: /^SFD_/, field: 0, none: '0' },
  socketType: { form: 'mask', prefix: /^SOCK_(?!TYPE_MASK)/, field: socket.SOCK_TYPE_MASK, none: '0' },
  sockopt: { form: 'choice', prefix: /^SO_/, field: 0, none: '' },
  sockoptLevel: { form: 'choice', prefix: /^SOL_/, field: 0, none: '' },
  timerfd: { form: 'mask', prefix: /^TFD_(?!TIMER_)/, field: 0, none: '0' },
  timerSet: { form: 'mask', prefix: /^TFD_TIMER_/, field: 0, none: '0' },
  wait: { form: 'mask', prefix: /^(W[A-Z]+|__W[A-Z]+)$/, field: 0, none: '0' },
  waitIdType: { form: 'choice', prefix: /^P_/, field: 0, none: '' },
  whence: { form: 'choice', prefix: /^SEEK_/, field: 0, none: '' },
};

/** Every constant by name on one architecture; what is not a number (tables, functions) is left out. */
export function constantsOf(abi: Abi): ReadonlyMap<string, number> {
  const constants = new Map<string, number>();
  for (const family of [event, file, signal, socket, task]) {
    for (const [name, value] of Object.entries(family)) {
      if (typeof value === 'number') constants.set(name, value);
    }
  }
  for (const [name, value] of Object.entries(file.openFlags[abi])) constants.set(name, value);
  return constants;
}

/** A group's names and values on one architecture, in the order in which they are declared. */
export function flagsOf(abi: Abi, group: FlagGroup): readonly (readonly [name: string, value: number])[] {
  const rule = groupRules[group];
  return [...constantsOf(abi)].filter(([name]) => rule.prefix.test(name));
}

/** Prints a value as strace does: names joined by `|`, then what has no name in hexadecimal. */
export function formatFlags(abi: Abi, group: FlagGroup, value: number): string {
  const rule = groupRules[group];
  const flags = flagsOf(abi, group);
  if (rule.form === 'choice') return flags.find(([, known]) => known === value)?.[0] ?? `0x${hexadecimal(value)}`;
  const names: string[] = [];
  let rest = unsigned(value);
  if (rule.field !== 0) {
    const chosen = and(rest, rule.field);
    const known = flags.find(([, value]) => value === chosen)?.[0];
    // The field of clone is the signal that the parent gets.
    const name = known ?? (group === 'clone' && chosen !== 0 ? signal.signalName(chosen) : undefined);
    if (name !== undefined) {
      names.push(name);
      rest -= chosen;
    }
  }
  // Wider flags first, so that O_SYNC is not printed as O_DSYNC and a rest.
  const bits = flags.filter(([, known]) => known !== 0 && and(known, rule.field) === 0);
  for (const [name, known] of bits.sort((a, b) => bitCount(b[1]) - bitCount(a[1]) || a[1] - b[1])) {
    if (and(rest, known) !== known) continue;
    names.push(name);
    rest -= known;
  }
  if (rest !== 0) names.push(`0x${hexadecimal(rest)}`);
  return names.length === 0 ? rule.none : names.join('|');
}

/** Reads names and numbers joined by `|`, of whichever groups; undefined where a name is not known. */
export function parseFlags(constants: ReadonlyMap<string, number>, text: string): number | undefined {
  let value = 0n;
  for (const part of text.split('|')) {
    const word = part.trim();
    const known = constants.get(word) ?? numberOfText(word);
    if (known === undefined) return undefined;
    if (known < 0) return text === part ? known : undefined;
    value |= BigInt(known);
  }
  return Number(value);
}

function numberOfText(word: string): number | undefined {
  if (/^-?(0|[1-9]\d*)$/.test(word) || /^0x[0-9a-f]+$/i.test(word)) return Number(word);
  return /^0[0-7]+$/.test(word) ? Number.parseInt(word, 8) : undefined;
}

// clone3 has a flag above 32 bits, and the 31st bit must not turn a value negative: no plain bit operators here.
function and(a: number, b: number): number {
  return Number(BigInt(a) & BigInt(b));
}

function unsigned(value: number): number {
  return value < 0 ? value + 0x100000000 : value;
}

function hexadecimal(value: number): string {
  return unsigned(value).toString(16);
}

function bitCount(value: number): number {
  return value
    .toString(2)
    .split('')
    .filter((digit) => digit === '1').length;
}
