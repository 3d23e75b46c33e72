// One step of a traced thread: arguments into scratch memory, the call, what it opened and reported into the table.

import {
  bytesAt,
  EAGAIN,
  EEXIST,
  EINTR,
  EPOLL_CTL_ADD,
  EPOLL_CTL_DEL,
  epollData64At,
  epollEventsAt,
  type Guest,
  load16,
  load32,
  memoryViews,
  O_NONBLOCK,
  F_GETFL,
  F_SETFL,
  store16,
  store32,
  store64,
  sys,
  trap,
} from '../programs/libc/index.ts';
import {
  aligned,
  type Placed,
  placeHeader,
  placeMessage,
  placeRights,
  placeVector,
  receivedRights,
} from './replayer-message.program.ts';
import { sigsetArgumentLayout } from '../kernel/abi/layout.ts';
import type { Table } from './replayer-table.program.ts';
import {
  REPORT_COUNT,
  REPORT_EVENTS,
  REPORT_NEXT,
  EARLY_REPORTS,
  type ScriptArgument,
  type ScriptStep,
  THREAD_TID,
} from './script.program.ts';

/** Memory that a thread's calls share, one after the other. */
export interface Scratch {
  readonly at: number;
  readonly bytes: number;
  /** The handler that stands for every handler of the program. */
  readonly handler: number;
  /** The buffer that all threads share. */
  readonly sink: number;
}

const FILL_BYTES = 2048;
/** Enough to fill any socket, and an end of it. */
const FILL_MAX = 4096;

/** select's sets, by the argument's place, as poll names them: IN, OUT, PRI. */
const SETS: readonly (readonly [place: number, bits: number])[] = [
  [1, 1],
  [2, 4],
  [3, 2],
];

/** A wait that always ends too early would be made for ever. */
const TURNS_MAX = 1000;

/**
 * @param enters told just before the trap, with nothing between
 * @param isOver whether a wait that answered is over, or ended too early
 */
export function* makeCall(
  table: Table,
  step: ScriptStep,
  scratch: Scratch,
  enters: () => void,
  isOver: () => Guest<boolean>,
): Guest<void> {
  if (step.names !== undefined) {
    const { slot, address } = step.names;
    placeBytes(scratch.at, address);
    yield sys.bind(load32(table.slot(slot)), scratch.at, address.length);
  }
  for (const slot of step.skims ?? []) yield* empty(load32(table.slot(slot)), scratch.at);
  if (step.unblocks !== undefined) yield* unblock(load32(table.slot(step.unblocks)));
  if (step.kind === 'call') {
    const args: number[] = [];
    let at = scratch.at;
    for (const argument of step.args) {
      const placed = placeArgument(table, argument, at, scratch);
      args.push(placed.value);
      at = placed.free;
    }
    const make = sys[step.name] as (...args: number[]) => number;
    enters();
    let result: number = yield make(...args);
    for (let turn = 0; turn < TURNS_MAX && step.resumes === true && result === -EINTR; turn++) {
      enters();
      result = yield make(...args);
    }
    if (step.retakes === true && result === -EEXIST) yield* retake(args);
    for (let turn = 0; turn < TURNS_MAX && result > 0 && !(yield* isOver()); turn++) {
      if (turn < EARLY_REPORTS) {
        const early = report(table, step, args, result, table.earlyBefore(step.index));
        if (early > 0) table.noteEarly(step.index, early);
      }
      enters();
      result = yield make(...args);
    }
    if (result >= 0) yield* keepOpened(table, step, args, result);
    if (step.index >= 0) table.noteResult(step.index, result, result > 0 ? report(table, step, args, result, 0) : 0);
  }
  if (step.fills !== undefined) yield* fill(load32(table.slot(step.fills)), scratch.at);
  if (step.empties !== undefined) yield* empty(load32(table.slot(step.empties)), scratch.at);
}

function placeArgument(table: Table, argument: ScriptArgument, at: number, scratch: Scratch): Placed {
  if (typeof argument === 'number') return { value: argument, free: at };
  if ('fd' in argument) return { value: load32(table.slot(argument.fd)), free: at };
  if ('sink' in argument) return { value: scratch.sink, free: at };
  if ('room' in argument && !('message' in argument)) return { value: at, free: aligned(at + argument.room) };
  if ('bytes' in argument) return { value: at, free: placeBytes(at, argument.bytes) };
  if ('vector' in argument) return placeVector(argument.vector, at, scratch.sink);
  if ('message' in argument) return placeMessage(table, argument, at, scratch.sink);
  if ('polled' in argument) return placePolled(table, argument.polled, at);
  if ('mask' in argument) {
    const set = aligned(at + sigsetArgumentLayout.size);
    store64(at + sigsetArgumentLayout.mask, set);
    store64(at + sigsetArgumentLayout.maskSize, argument.mask.length);
    return { value: at, free: placeBytes(set, argument.mask) };
  }
  if ('set' in argument) return placeSet(table, argument.set, at);
  if ('above' in argument) return { value: aboveAll(table, argument.above), free: at };
  if ('action' in argument) {
    const free = placeBytes(at, argument.action);
    store64(at, scratch.handler);
    return { value: at, free };
  }
  if ('pid' in argument) return { value: trap.pid, free: at };
  if ('group' in argument) return { value: -load32(table.thread(argument.group, THREAD_TID)), free: at };
  return { value: load32(table.thread(argument.thread, THREAD_TID)), free: at };
}

function placeBytes(at: number, bytes: Uint8Array): number {
  memoryViews().u8.set(bytes, at);
  return aligned(at + bytes.length);
}

function placePolled(table: Table, polled: readonly (readonly [number, number])[], at: number): Placed {
  polled.forEach(([slot, events], index) => {
    // -1 is skipped by poll; any other number that is not open is not.
    const fd = slot >= 0 ? load32(table.slot(slot)) : slot === -1 ? -1 : table.neverOpen();
    store32(at + index * 8, fd);
    store16(at + index * 8 + 4, events);
    store16(at + index * 8 + 6, 0);
  });
  return { value: at, free: aligned(at + polled.length * 8) };
}

function placeSet(table: Table, slots: readonly number[], at: number): Placed {
  const bytes = Math.ceil(aboveAll(table, slots) / 64) * 8;
  bytesAt(at, bytes).fill(0);
  for (const slot of slots) {
    const fd = load32(table.slot(slot));
    if (fd >= 0) store32(at + (fd >> 5) * 4, load32(at + (fd >> 5) * 4) | (1 << (fd & 31)));
  }
  return { value: at, free: aligned(at + bytes) };
}

function aboveAll(table: Table, slots: readonly number[]): number {
  return slots.reduce((above, slot) => Math.max(above, load32(table.slot(slot)) + 1), 0);
}

function* keepOpened(table: Table, step: ScriptStep, args: readonly number[], result: number): Guest<void> {
  const { opens } = step;
  if (opens === undefined) return;
  if (step.rights === true) {
    for (const [index, fd] of receivedRights(args[1]!).entries()) {
      const slot = opens[index] ?? -1;
      if (slot >= 0) store32(table.slot(slot), fd);
      else yield sys.close(fd);
    }
    return;
  }
  if (step.opensAt === undefined) {
    for (const slot of opens) store32(table.slot(slot), result);
    return;
  }
  opens.forEach((slot, index) => {
    store32(table.slot(slot), load32(args[step.opensAt!]! + index * 4));
  });
}

/** Keeps what a wait reported. @returns where, for the table of results; -1 when there is no room */
function report(table: Table, step: ScriptStep, args: readonly number[], result: number, next: number): number {
  if (step.report === undefined) return 0;
  const buffer = args[step.reportAt!]!;
  const found: [number, number, number][] = [];
  if (step.report === 'events') {
    for (let index = 0; index < result; index++) {
      const data = epollData64At(buffer, index);
      found.push([epollEventsAt(buffer, index), Number(data & 0xffffffffn), Number(data >> 32n)]);
    }
  } else if (step.report === 'status') found.push([load32(buffer), 0, 0]);
  else if (step.report === 'sets') {
    for (const [place, bits] of SETS) {
      const argument = step.args[place];
      if (typeof argument !== 'object' || !('set' in argument)) continue;
      for (const slot of argument.set) {
        const fd = load32(table.slot(slot));
        const word = fd < 0 ? 0 : load32(args[place]! + (fd >> 5) * 4);
        if ((word & (1 << (fd & 31))) !== 0) found.push([bits, slot, 0]);
      }
    }
  } else {
    for (let index = 0; index < args[1]!; index++) {
      const revents = load16(buffer + index * 8 + 6) & 0xffff;
      if (revents !== 0) found.push([revents, index, 0]);
    }
  }
  const at = table.takeLog(REPORT_EVENTS + found.length * 3);
  if (at === 0) return -1;
  store32(table.logWord(at + REPORT_NEXT), next);
  store32(table.logWord(at + REPORT_COUNT), found.length);
  found.forEach((words, index) => {
    for (const [offset, word] of words.entries())
      store32(table.logWord(at + REPORT_EVENTS + index * 3 + offset), word | 0);
  });
  return at;
}

/** Sends descriptors to the outside, each with the number of the endpoint that it becomes. */
export function* lendDescriptors(table: Table, lends: readonly number[], scratch: number): Guest<void> {
  for (let at = 0; at < lends.length; at += 2) {
    const fd = load32(table.slot(lends[at]!));
    if (fd < 0) continue;
    const payload = scratch + LENT_PAYLOAD;
    store32(payload, lends[at + 1]!);
    const vector = placeVector([4], scratch + LENT_VECTOR, payload).value;
    placeHeader(scratch, vector, 1, scratch + LENT_CONTROL, placeRights(scratch + LENT_CONTROL, [fd]));
    for (;;) {
      const sent = yield sys.sendmsg(table.courier(), scratch, 0);
      if (sent !== -EINTR && sent !== -EAGAIN) break;
    }
  }
}

/** Where the parts of such a message lie in scratch memory. */
const LENT_VECTOR = 64;
const LENT_CONTROL = 96;
const LENT_PAYLOAD = 160;

/** A design that knows interests by their numbers alone takes the new one once the old one is gone. */
function* retake([epoll = -1, , fd = -1, event = 0]: readonly number[]): Guest<void> {
  yield sys.epoll_ctl(epoll, EPOLL_CTL_DEL, fd, 0);
  yield sys.epoll_ctl(epoll, EPOLL_CTL_ADD, fd, event);
}

function* unblock(fd: number): Guest<void> {
  const flags = yield sys.fcntl(fd, F_GETFL, 0);
  if (flags >= 0) yield sys.fcntl(fd, F_SETFL, flags | O_NONBLOCK);
}

/** Leaves a socket as full as the program's was. */
function* fill(fd: number, buffer: number): Guest<void> {
  const flags = yield sys.fcntl(fd, F_GETFL, 0);
  if (flags < 0) return;
  yield sys.fcntl(fd, F_SETFL, flags | O_NONBLOCK);
  for (let turn = 0; turn < FILL_MAX; turn++) {
    const sent = yield sys.write(fd, buffer, FILL_BYTES);
    if (sent < 0) break;
  }
  yield sys.fcntl(fd, F_SETFL, flags);
}

/** Takes out what stands for what the program read, or what it read in calls that are not in the trace. */
function* empty(fd: number, buffer: number): Guest<void> {
  const flags = yield sys.fcntl(fd, F_GETFL, 0);
  if (flags < 0) return;
  if ((flags & O_NONBLOCK) === 0) yield sys.fcntl(fd, F_SETFL, flags | O_NONBLOCK);
  for (;;) {
    const taken = yield sys.read(fd, buffer, FILL_BYTES);
    if (taken <= 0) break;
  }
  if ((flags & O_NONBLOCK) === 0) yield sys.fcntl(fd, F_SETFL, flags);
}
