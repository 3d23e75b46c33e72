// User memory of a step, and what all kinds of arguments are made with. Part of the guest program that executes cases;
// callers: marshal.ts and marshal-more.ts.

import type { Json, Scalar } from './case.ts';
import { bytesAt, epollData64At, epollEventsAt, store64, trap } from '../libc/index.ts';
import type { CaseBoard } from './case-board.ts';
import { EPOLL_EVENT_NAMES, namesOf, numberOf } from './constants.ts';

/** Reads an argument's output back once the call has answered; undefined where it produced none. */
export type ReadBack = (answer: number) => Json | undefined;

export interface Marshalled {
  readonly word: number;
  readonly readBack: ReadBack | undefined;
}

export function output(address: number, read: (address: number, answer: number) => Json | undefined): Marshalled {
  return { word: address, readBack: (answer) => read(address, answer) };
}

/** A piece of user memory from which one thread takes the buffers of one step after the other. */
export class Arena {
  private readonly base: number;
  private readonly size: number;
  private used = 0;

  constructor(base: number, size: number) {
    this.base = base;
    this.size = size;
  }

  restart(): void {
    this.used = 0;
  }

  /** Zeroed, aligned to eight bytes. */
  take(bytes: number): number {
    const length = Math.max(8, (bytes + 7) & ~7);
    if (this.used + length > this.size) throw new RangeError(`a step of the case needs more than ${this.size} bytes`);
    const address = this.base + this.used;
    this.used += length;
    bytesAt(address, length).fill(0);
    return address;
  }
}

export function scalarValue(board: CaseBoard, argument: Scalar): number {
  if (typeof argument === 'number') return argument;
  if (argument.startsWith('$')) return board.kept(argument.slice(1));
  if (argument.startsWith('@')) return board.tid(board.threadNames.indexOf(argument.slice(1)));
  return argument === 'PID' ? trap.pid : numberOf(argument);
}

export function placed64(arena: Arena, values: readonly bigint[]): number {
  const address = arena.take(values.length * 8);
  values.forEach((value, index) => {
    store64(address + index * 8, value);
  });
  return address;
}

export function placedBytes(arena: Arena, bytes: Uint8Array): number {
  const address = arena.take(bytes.length);
  bytesAt(address, bytes.length).set(bytes);
  return address;
}

export function sigsetOf(board: CaseBoard, signals: readonly Scalar[]): bigint {
  return signals.reduce((mask, signal) => mask | (1n << BigInt(scalarValue(board, signal) - 1)), 0n);
}

/** Events that a wait stored, as results show them. */
export function eventsAt(array: number, count: number): Json {
  return Array.from({ length: count }, (_, index) => [
    namesOf(epollEventsAt(array, index), EPOLL_EVENT_NAMES),
    Number(epollData64At(array, index)),
  ]);
}
