// Arguments of a case's system calls into user memory, and what the calls wrote there back into the form of a result.
// Part of the guest program; it runs on the CPUs. Each thread has an arena that every step begins anew.
// Promise: a result has the very form in which the recorder writes it, so that equal behaviour gives equal JSON.

import type { Argument, Json, ObjectArgument, Scalar, Step } from './case.ts';
import { errnoName } from '../../kernel/abi/errno.ts';
import { itimerspecLayout, pollfdLayout, timespecLayout } from '../../kernel/abi/layout.ts';
import { bytesAt, epollEventSize, load16, load32, load64, store16, store32, storeEpollEvent } from '../libc/index.ts';
import {
  type Arena,
  eventsAt,
  type Marshalled,
  output,
  placed64,
  placedBytes,
  scalarValue,
  sigsetOf,
} from './arena.ts';
import type { CaseBoard } from './case-board.ts';
import { namesOf, POLL_EVENT_NAMES, signalNameOf } from './constants.ts';
import { marshalMore, roomForMore } from './marshal-more.ts';

/** An address that belongs to no process. */
const BAD_ADDRESS = 0x10;
const SIGINFO_BYTES = 128;
/** No other buffer is larger: an itimerspec has 32 bytes. */
const SMALL_BUFFER_BYTES = 32;
/** What aligning one buffer can cost, an empty one included. */
const ALIGNMENT_BYTES = 16;
const SIGNALS = 64;

/** User memory that the largest of these steps needs for its buffers. */
export function arenaBytesFor(steps: readonly Step[]): number {
  const needs = steps.map((step) =>
    'sys' in step ? step.args.reduce<number>((sum, argument) => sum + roomFor(argument), 0) : 0,
  );
  return Math.max(0, ...needs);
}

function roomFor(argument: Argument): number {
  if (typeof argument !== 'object' || argument === null) return 0;
  let bytes = SMALL_BUFFER_BYTES;
  if ('fill' in argument) bytes = argument.fill;
  else if ('bytes' in argument) bytes = argument.bytes.length / 2;
  else if ('out' in argument) bytes = argument.out;
  else if ('scratch' in argument) bytes = argument.scratch;
  else if ('out_events' in argument) bytes = Math.max(1, argument.out_events) * epollEventSize();
  else if ('out_siginfo' in argument) bytes = argument.out_siginfo * SIGINFO_BYTES;
  else if ('pollfds' in argument) bytes = argument.pollfds.length * pollfdLayout.size;
  else bytes = roomForMore(argument) ?? bytes;
  return bytes + ALIGNMENT_BYTES;
}

export function marshal(board: CaseBoard, arena: Arena, argument: Argument): Marshalled {
  if (argument === null) return { word: 0, readBack: undefined };
  if (typeof argument !== 'object') return { word: scalarValue(board, argument), readBack: undefined };
  if ('bad' in argument) return { word: BAD_ADDRESS, readBack: undefined };
  const marshalled = marshalOutput(board, arena, argument) ?? marshalMore(board, arena, argument);
  return marshalled ?? { word: marshalInput(board, arena, argument), readBack: undefined };
}

function marshalInput(board: CaseBoard, arena: Arena, argument: ObjectArgument): number {
  if ('u64' in argument) return placed64(arena, [BigInt(argument.u64)]);
  if ('bytes' in argument) return placedBytes(arena, Buffer.from(argument.bytes, 'hex'));
  if ('fill' in argument) return placedBytes(arena, Buffer.alloc(argument.fill, 'x'));
  if ('timespec' in argument) return placed64(arena, argument.timespec.map(BigInt));
  if ('itimerspec' in argument) return placed64(arena, argument.itimerspec.map(BigInt));
  if ('sigset' in argument) return placed64(arena, [sigsetOf(board, argument.sigset)]);
  if (!('event' in argument)) throw new TypeError(`no such kind of argument: ${Object.keys(argument).join()}`);
  const address = arena.take(epollEventSize());
  storeEpollEvent(address, scalarValue(board, argument.event.events), argument.event.data ?? 0);
  return address;
}

function marshalOutput(board: CaseBoard, arena: Arena, argument: ObjectArgument): Marshalled | undefined {
  if ('scratch' in argument) return { word: arena.take(argument.scratch), readBack: undefined };
  if ('out' in argument) {
    return output(arena.take(argument.out), (at, answer) =>
      answer > 0 ? Buffer.from(bytesAt(at, answer)).toString('hex') : undefined,
    );
  }
  if ('out_u64' in argument) {
    return output(arena.take(8), (at, answer) => (answer === 8 ? load64(at).toString() : undefined));
  }
  if ('out_events' in argument) {
    return output(arena.take(Math.max(1, argument.out_events) * epollEventSize()), (at, answer) =>
      answer < 0 ? undefined : eventsAt(at, answer),
    );
  }
  if ('out_pair' in argument) return pairOutput(board, arena, argument.out_pair);
  if ('out_siginfo' in argument) {
    return output(arena.take(SIGINFO_BYTES * argument.out_siginfo), (at, answer) =>
      answer > 0
        ? Array.from({ length: Math.floor(answer / SIGINFO_BYTES) }, (_, index) =>
            signalNameOf(load32(at + index * SIGINFO_BYTES)),
          )
        : undefined,
    );
  }
  if ('out_itimerspec' in argument) return output(arena.take(itimerspecLayout.size), timerSetting);
  if ('out_sigset' in argument) {
    return output(arena.take(8), (at, answer) => (answer === 0 ? signalsIn(load64(at)) : undefined));
  }
  return 'pollfds' in argument ? pollfdsOutput(board, arena, argument.pollfds) : undefined;
}

/** Two numbers that are kept, and are no part of the result. */
function pairOutput(board: CaseBoard, arena: Arena, names: readonly [string, string]): Marshalled {
  return output(arena.take(8), (at, answer) => {
    if (answer === 0) names.forEach((name, index) => void board.keep(name, load32(at + index * 4)));
    return undefined;
  });
}

function timerSetting(at: number, answer: number): Json | undefined {
  if (answer !== 0) return undefined;
  const time = (offset: number): bigint =>
    load64(at + offset + timespecLayout.seconds) * 1_000_000_000n + load64(at + offset + timespecLayout.nanoseconds);
  return { interval_ns: Number(time(itimerspecLayout.interval)), armed: time(itimerspecLayout.value) !== 0n };
}

function signalsIn(mask: bigint): Json {
  const signals: string[] = [];
  for (let signal = 1; signal <= SIGNALS; signal++) {
    if (((mask >> BigInt(signal - 1)) & 1n) !== 0n) signals.push(signalNameOf(signal));
  }
  return signals;
}

function pollfdsOutput(board: CaseBoard, arena: Arena, list: readonly (readonly [Scalar, Scalar])[]): Marshalled {
  const address = arena.take(pollfdLayout.size * Math.max(1, list.length));
  list.forEach(([fd, events], index) => {
    const at = address + index * pollfdLayout.size;
    store32(at + pollfdLayout.fd, scalarValue(board, fd));
    store16(at + pollfdLayout.events, scalarValue(board, events));
  });
  return output(address, (at, answer) =>
    answer < 0
      ? undefined
      : list.map((_, index) =>
          namesOf(load16(at + index * pollfdLayout.size + pollfdLayout.revents) & 0xffff, POLL_EVENT_NAMES),
        ),
  );
}

/** A system call's answer as results show it: the number, or `-EAGAIN`. */
export function answerText(answer: number): number | string {
  return answer >= 0 ? answer : `-${errnoName(-answer)}`;
}
