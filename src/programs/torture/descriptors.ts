/**
 * What the threads of a process believe about its descriptors: a byte a number in their shared memory, saying what was
 * last opened there. They are hints, for others open and close meanwhile; and they are what lets most calls find a
 * descriptor that suits them. A forked child inherits them with the memory.
 */
import { load8, load32, store8, store32 } from '../libc/memory.ts';
import type { Random } from './random.ts';

export const CLOSED = 0;
export const EVENTFD = 1;
export const PIPE_READ = 2;
export const PIPE_WRITE = 3;
export const TIMERFD = 4;
export const SIGNALFD = 5;
export const MEMFD = 6;
export const DEVICE = 7;
export const EPOLL = 8;
/** Sockets: never connected; connected; listening; of datagrams. */
export const STREAM_NEW = 9;
export const STREAM = 10;
export const LISTENER = 11;
export const DATAGRAM = 12;
/** Came with a message, or from a call made worse. */
export const UNKNOWN = 13;

/** Descriptors that are looked at; a process of a torture may have no more. */
export const DESCRIPTORS_MAX = 256;
/** A byte each, then a word each: the number of the name that it was bound to, plus one. */
export const HINTS_BYTES: number = DESCRIPTORS_MAX * 5;

export const READABLE: readonly number[] = [EVENTFD, PIPE_READ, TIMERFD, SIGNALFD, MEMFD, DEVICE, STREAM, DATAGRAM];
export const WRITABLE: readonly number[] = [EVENTFD, PIPE_WRITE, MEMFD, DEVICE, STREAM, DATAGRAM];
export const POLLABLE: readonly number[] = [
  EVENTFD,
  PIPE_READ,
  PIPE_WRITE,
  TIMERFD,
  SIGNALFD,
  STREAM,
  LISTENER,
  DATAGRAM,
  EPOLL,
];
export const SOCKETS: readonly number[] = [STREAM_NEW, STREAM, LISTENER, DATAGRAM];

export class Descriptors {
  private readonly at: number;
  private readonly random: Random;

  /** @param at HINTS_BYTES of user memory, which all threads share */
  constructor(at: number, random: Random) {
    this.at = at;
    this.random = random;
  }

  note(fd: number, kind: number): void {
    if (fd < 0 || fd >= DESCRIPTORS_MAX) return;
    store8(this.at + fd, kind);
    store32(this.nameAt(fd), 0);
  }
  kindOf(fd: number): number {
    return fd >= 0 && fd < DESCRIPTORS_MAX ? load8(this.at + fd) : CLOSED;
  }
  noteName(fd: number, name: number): void {
    if (fd >= 0 && fd < DESCRIPTORS_MAX) store32(this.nameAt(fd), name + 1);
  }
  /** The number of the name that it was bound to, or -1. */
  nameOf(fd: number): number {
    return fd >= 0 && fd < DESCRIPTORS_MAX ? load32(this.nameAt(fd)) - 1 : -1;
  }

  /** One that suits, from a random place on; any open one where none does; -1 where nothing is open. */
  find(kinds: readonly number[]): number {
    const from = this.random.below(DESCRIPTORS_MAX);
    let any = -1;
    for (let i = 0; i < DESCRIPTORS_MAX; i++) {
      const fd = (from + i) % DESCRIPTORS_MAX;
      const kind = load8(this.at + fd);
      if (kind === CLOSED) continue;
      if (kinds.includes(kind)) return fd;
      any = fd;
    }
    return any;
  }
  findOf(kind: number): number {
    const from = this.random.below(DESCRIPTORS_MAX);
    for (let i = 0; i < DESCRIPTORS_MAX; i++) {
      const fd = (from + i) % DESCRIPTORS_MAX;
      if (load8(this.at + fd) === kind) return fd;
    }
    return -1;
  }
  get open(): number {
    let count = 0;
    for (let fd = 0; fd < DESCRIPTORS_MAX; fd++) if (load8(this.at + fd) !== CLOSED) count++;
    return count;
  }

  private nameAt(fd: number): number {
    return this.at + DESCRIPTORS_MAX + fd * 4;
  }
}
