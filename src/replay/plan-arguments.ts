// A call's arguments as the replayer can make them: by what the table of system calls says that each one is.
// Throws nothing: what strace did not print whole makes the answer undefined, and the call is then not replayed.

import { constantsOf } from '../kernel/abi/flag-groups.ts';
import {
  epollEventLayout,
  itimerspecLayout,
  sigactionLayout,
  sockaddrUnLayout,
  timespecLayout,
} from '../kernel/abi/layout.ts';
import { SYS, syscallSpec, type ArgumentKind, type SyscallName } from '../kernel/abi/syscalls.ts';
import {
  durationIn,
  epollEventIn,
  iovecLengthIn,
  maskIn,
  passedDescriptorsIn,
  pollEntriesIn,
  signalIn,
  timerSettingIn,
} from './meaning.ts';
import type { CallRecord } from './record.ts';
import { sigaction, signalSet } from './plan-signal-arguments.ts';
import type { ScriptArgument } from './script.program.ts';
import { beforeCall, fieldIn, itemsIn, numberIn, textIn, type Value } from './value.ts';

/** The machine that replays is an x86_64 one: that has every call that any trace shows. */
export const REPLAY_ABI = 'x86_64';
export const constants: ReadonlyMap<string, number> = constantsOf(REPLAY_ABI);

/** Longest buffer that a replayed call is given; no pipe or socket moves more at once. */
export const BUFFER_MAX = 1 << 20;
const ROOM_SMALL = 256;

export interface ArgumentContext {
  /** The slot of a descriptor number, or undefined where it is none of the program's. */
  slotOf(number: number): number | undefined;
  /** As `slotOf`, undefined also for what the machine does not have. */
  passedSlot(number: number): number | undefined;
  /** Name in the machine of a socket address. */
  nameOf(address: Value): Uint8Array | undefined;
  /** The thread with this tid, undefined for a stranger; the first one of the process with this pid. */
  threadOf(tid: number): number | undefined;
  leaderOf(pid: number): number | undefined;
  /** The pid of the process whose call it is. */
  readonly pid: number;
}

/** All arguments of a call, or undefined where one of them is not known. */
export function scriptArguments(
  name: SyscallName,
  record: CallRecord,
  context: ArgumentContext,
): ScriptArgument[] | undefined {
  const spec = syscallSpec(SYS[name]);
  if (spec === undefined) return undefined;
  const values = record.args.map((field) => beforeCall(field.value));
  const result: ScriptArgument[] = [];
  for (const [place, [meaning, kind, direction]] of spec.args.entries()) {
    const argument =
      kind === 'pid'
        ? taskNumber(numberIn(values[place]), meaning === 'tid', context)
        : one(kind, direction, values[place], values[place + 1], context, name);
    if (argument === undefined) return undefined;
    result.push(argument);
  }
  return result;
}

function one(
  kind: ArgumentKind,
  direction: string | undefined,
  value: Value | undefined,
  next: Value | undefined,
  context: ArgumentContext,
  name: SyscallName,
): ScriptArgument | undefined {
  const number = numberIn(value);
  // NULL, or an argument that strace leaves out because the call does not look at it.
  if (isAddress(kind) && (value === undefined || number === 0)) return 0;
  switch (kind) {
    case 'fd':
      return descriptor(number, context);
    case 'signal':
      return signalIn(value);
    case 'buffer':
      return buffer(value, numberIn(next) ?? 0, direction);
    case 'string': {
      const text = textIn(value);
      return text === undefined ? undefined : { bytes: Buffer.from(`${text}\0`, 'latin1') };
    }
    case 'iovec':
      return vector(value);
    case 'msghdr':
      return message(value, direction, context);
    case 'sockaddr':
      if (direction === 'out') return { room: sockaddrUnLayout.size + 18 };
      return addressBytes(value, context);
    case 'socklen':
      return { bytes: words([sockaddrUnLayout.size + 18]) };
    case 'timespec':
      return direction === 'out' ? { room: timespecLayout.size } : timespec(durationIn(value));
    case 'itimerval':
      return direction === 'out' ? { room: ROOM_SMALL } : itimerval(value);
    case 'itimerspec':
      return direction === 'out' ? { room: itimerspecLayout.size } : itimerspec(value);
    case 'epollEvent': {
      // DEL ignores it, and strace then prints an address.
      if (number !== undefined) return { room: epollEventLayout[REPLAY_ABI].size };
      const event = epollEventIn(value, constants);
      return event === undefined ? undefined : { bytes: epollEvent(event.events, event.data) };
    }
    case 'epollEvents':
      return { room: Math.max(0, Math.min(numberIn(next) ?? 0, BUFFER_MAX / 16)) * epollEventLayout[REPLAY_ABI].size };
    case 'pollfds':
      return polled(value, context);
    case 'sigset':
      return direction === 'out' ? { room: ROOM_SMALL } : signalSet(value);
    case 'sigaction':
      return direction === 'out' ? { room: sigactionLayout.size } : sigaction(value, constants);
    case 'fdPair':
      return { room: 8 };
    case 'ioctlArgument': {
      const [first] = itemsIn(value);
      return { bytes: words([numberIn(first) ?? number ?? 0]) };
    }
    case 'mode':
    case 'offset':
      return number ?? maskIn(value, constants) ?? 0;
    case 'size':
    case 'uint':
      if (name === 'bind' || name === 'connect' || name === 'sendto') return number ?? 0;
      return number === undefined ? maskIn(value, constants) : Math.min(number, BUFFER_MAX);
    default:
      if (isAddress(kind)) return numbersOrRoom(value);
      return maskIn(value, constants) ?? (value === undefined ? 0 : undefined);
  }
}

/** What a pointer points at, where strace prints numbers: `[1]` of a socket option. */
function numbersOrRoom(value: Value | undefined): ScriptArgument {
  const numbers = itemsIn(value).map((item) => numberIn(item) ?? 0);
  return numbers.length === 0 ? { room: ROOM_SMALL } : { bytes: words(numbers) };
}

const scalars: ReadonlySet<string> = new Set([
  'int',
  'uint',
  'size',
  'offset',
  'mode',
  'milliseconds',
  'fd',
  'dirfd',
  'pid',
  'signal',
  'fcntlArgument',
]);

function isAddress(kind: ArgumentKind): boolean {
  return !scalars.has(kind) && !kind.startsWith('flags:');
}

/** A number that is not open stays one that is not: -1. */
function descriptor(number: number | undefined, context: ArgumentContext): ScriptArgument | undefined {
  if (number === undefined) return undefined;
  const slot = context.slotOf(number);
  return slot === undefined ? -1 : { fd: slot };
}

/** A process or a thread; a negative number is a group's, named by the process that leads it. */
function taskNumber(
  number: number | undefined,
  isThread: boolean,
  context: ArgumentContext,
): ScriptArgument | undefined {
  if (number === undefined || number === 0 || number === -1) return number;
  if (number === context.pid && !isThread) return { pid: true };
  const thread = isThread ? context.threadOf(number) : context.leaderOf(Math.abs(number));
  if (thread === undefined) return undefined;
  return number < 0 ? { group: thread } : { thread };
}

/** What is written matters to nobody but an eventfd, whose eight bytes strace prints whole. */
function buffer(value: Value | undefined, count: number, direction: string | undefined): ScriptArgument {
  const length = Math.min(count, BUFFER_MAX);
  if (direction === 'in' && value?.kind === 'string' && count === 8) {
    const bytes = new Uint8Array(8);
    bytes.set(value.bytes.subarray(0, 8));
    return { bytes };
  }
  return { sink: length };
}

function vector(value: Value | undefined): { readonly vector: readonly number[] } | undefined {
  const iov = value?.kind === 'struct' ? fieldIn(value, 'msg_iov') : value;
  if (iov?.kind !== 'array' || iovecLengthIn(iov) === undefined) return undefined;
  return { vector: iov.items.map((item) => Math.min(numberIn(fieldIn(item, 'iov_len')) ?? 0, BUFFER_MAX)) };
}

/** What is sent along is the program's own; whoever receives has room for what may come. */
function message(
  value: Value | undefined,
  direction: string | undefined,
  context: ArgumentContext,
): ScriptArgument | undefined {
  const lengths = vector(value)?.vector;
  if (lengths === undefined) return undefined;
  if (direction !== 'in') return { message: lengths, room: CONTROL_ROOM };
  const rights = passedDescriptorsIn(value).map((number) => context.passedSlot(number) ?? -1);
  return rights.length === 0 ? { message: lengths } : { message: lengths, rights };
}
const CONTROL_ROOM = 1088;

function addressBytes(value: Value | undefined, context: ArgumentContext): ScriptArgument | undefined {
  const name = value === undefined ? undefined : context.nameOf(value);
  return name === undefined ? undefined : { bytes: name };
}

/** Sets the argument behind each address to the address's own length. */
export function lengthsFollowNames(name: SyscallName, args: ScriptArgument[]): ScriptArgument[] {
  const spec = syscallSpec(SYS[name]);
  return args.map((argument, place) => {
    const before = args[place - 1];
    const isLength = spec?.args[place - 1]?.[1] === 'sockaddr' && spec.args[place - 1]?.[2] === 'in';
    if (!isLength || typeof before !== 'object' || !('bytes' in before)) return argument;
    return before.bytes.length;
  });
}

function words(values: readonly number[]): Uint8Array {
  return new Uint8Array(Int32Array.from(values).buffer);
}

function pair(ns: number): [bigint, bigint] {
  const seconds = Math.floor(ns / 1e9);
  return [BigInt(seconds), BigInt(Math.round(ns - seconds * 1e9))];
}

export function timeval(ns: number): ScriptArgument {
  return { bytes: microseconds([ns]) };
}

function microseconds(times: readonly number[]): Uint8Array {
  const pairs = times.flatMap((ns) => pair(ns)).map((value, place) => (place % 2 === 0 ? value : value / 1000n));
  return new Uint8Array(BigInt64Array.from(pairs).buffer);
}

function itimerval(value: Value | undefined): ScriptArgument | undefined {
  const setting = timerSettingIn(value);
  return setting === undefined ? undefined : { bytes: microseconds([setting.intervalNs, setting.valueNs]) };
}

export function timespec(ns: number | undefined): ScriptArgument | undefined {
  return ns === undefined ? undefined : { bytes: new Uint8Array(BigInt64Array.from(pair(ns)).buffer) };
}

function itimerspec(value: Value | undefined): ScriptArgument | undefined {
  const setting = timerSettingIn(value);
  if (setting === undefined) return undefined;
  return { bytes: new Uint8Array(BigInt64Array.from([...pair(setting.intervalNs), ...pair(setting.valueNs)]).buffer) };
}

function epollEvent(events: number, data: bigint): Uint8Array {
  const layout = epollEventLayout[REPLAY_ABI];
  const bytes = Buffer.alloc(layout.size);
  bytes.writeUInt32LE(events, layout.events);
  bytes.writeBigUInt64LE(BigInt.asUintN(64, data), layout.data);
  return bytes;
}

function polled(value: Value | undefined, context: ArgumentContext): ScriptArgument | undefined {
  if (value?.kind !== 'array' || value.truncated) return undefined;
  const entries = pollEntriesIn(value, constants);
  if (entries === undefined) return undefined;
  const slots: [number, number][] = [];
  for (const { fd, events } of entries) {
    // A number that is not open is asked for as such: POLLNVAL is an answer too.
    const slot = fd < 0 ? undefined : context.slotOf(fd);
    slots.push([fd < 0 ? -1 : (slot ?? -2), events]);
  }
  return { polled: slots };
}
