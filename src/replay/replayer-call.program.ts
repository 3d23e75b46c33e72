// One step of a traced thread: arguments into scratch memory, the call, what it opened and reported into the table.

import {
  bytesAt,
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
import type { Table } from './replayer-table.program.ts';
import {
  REPORT_COUNT,
  REPORT_EVENTS,
  REPORT_NEXT,
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
}

const FILL_BYTES = 2048;
/** Enough to fill any socket, and an end of it. */
const FILL_MAX = 4096;

/** A wait that always ends too early would be made for ever. */
const TURNS_MAX = 1000;

/** @param isOver whether a wait that answered is over, or ended too early */
export function* makeCall(
  table: Table,
  step: ScriptStep,
  scratch: Scratch,
  isOver: (step: ScriptStep) => Guest<boolean>,
): Guest<void> {
  if (step.names !== undefined) {
    const { slot, address } = step.names;
    placeBytes(scratch.at, address);
    yield sys.bind(load32(table.slot(slot)), scratch.at, address.length);
  }
  if (step.kind === 'call') {
    const args: number[] = [];
    let at = scratch.at;
    for (const argument of step.args) {
      const placed = placeArgument(table, argument, at, scratch.handler);
      args.push(placed.value);
      at = placed.free;
    }
    const make = sys[step.name] as (...args: number[]) => number;
    let result: number = yield make(...args);
    for (let turn = 0; turn < TURNS_MAX && result > 0 && !(yield* isOver(step)); turn++) {
      const early = report(table, step, args, result, table.earlyBefore(step.index));
      if (early > 0) table.noteEarly(step.index, early);
      result = yield make(...args);
    }
    if (result >= 0) keepOpened(table, step, args, result);
    table.noteResult(step.index, result, result > 0 ? report(table, step, args, result, 0) : 0);
  }
  if (step.fills !== undefined) yield* fill(load32(table.slot(step.fills)), scratch.at);
  if (step.empties !== undefined) yield* empty(load32(table.slot(step.empties)), scratch.at);
}

interface Placed {
  readonly value: number;
  /** The next free byte of scratch memory. */
  readonly free: number;
}

function placeArgument(table: Table, argument: ScriptArgument, at: number, handler: number): Placed {
  if (typeof argument === 'number') return { value: argument, free: at };
  if ('fd' in argument) return { value: load32(table.slot(argument.fd)), free: at };
  if ('room' in argument) return { value: at, free: aligned(at + argument.room) };
  if ('bytes' in argument) return { value: at, free: placeBytes(at, argument.bytes) };
  if ('vector' in argument) return placeVector(argument.vector, at);
  if ('message' in argument) {
    const vector = placeVector(argument.message, aligned(at + 56));
    bytesAt(at, 56).fill(0);
    store64(at + 16, vector.value);
    store64(at + 24, argument.message.length);
    return { value: at, free: vector.free };
  }
  if ('polled' in argument) return placePolled(table, argument.polled, at);
  if ('action' in argument) {
    const free = placeBytes(at, argument.action);
    store64(at, handler);
    return { value: at, free };
  }
  if ('pid' in argument) return { value: trap.pid, free: at };
  return { value: load32(table.thread(argument.thread, THREAD_TID)), free: at };
}

function aligned(address: number): number {
  return (address + 15) & ~15;
}

function placeBytes(at: number, bytes: Uint8Array): number {
  memoryViews().u8.set(bytes, at);
  return aligned(at + bytes.length);
}

function placeVector(lengths: readonly number[], at: number): Placed {
  let free = aligned(at + lengths.length * 16);
  lengths.forEach((length, index) => {
    store64(at + index * 16, free);
    store64(at + index * 16 + 8, length);
    free = aligned(free + length);
  });
  return { value: at, free };
}

function placePolled(table: Table, polled: readonly (readonly [number, number])[], at: number): Placed {
  polled.forEach(([slot, events], index) => {
    // -1 is skipped by poll; any other number that is not open is not.
    const fd = slot >= 0 ? load32(table.slot(slot)) : slot === -1 ? -1 : NEVER_OPEN;
    store32(at + index * 8, fd);
    store16(at + index * 8 + 4, events);
    store16(at + index * 8 + 6, 0);
  });
  return { value: at, free: aligned(at + polled.length * 8) };
}
/** A number that no descriptor has. */
const NEVER_OPEN = (1 << 14) - 1;

function keepOpened(table: Table, step: ScriptStep, args: readonly number[], result: number): void {
  const { opens } = step;
  if (opens === undefined) return;
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

/** Takes out of a stand-in what stands for what the program read. */
function* empty(fd: number, buffer: number): Guest<void> {
  const flags = yield sys.fcntl(fd, F_GETFL, 0);
  if (flags < 0) return;
  if ((flags & O_NONBLOCK) === 0) yield sys.fcntl(fd, F_SETFL, flags | O_NONBLOCK);
  for (;;) {
    const taken = yield sys.read(fd, buffer, FILL_BYTES);
    if (taken <= 0) return;
  }
}
