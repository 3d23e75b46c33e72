/**
 * An eventfd as a semaphore: a write adds, a read takes one. Who finds 0 waits in one of two ways:
 *
 *     blocking   in read; the kernel keeps a waiter asleep that was not fast enough, and nobody here sees it
 *     epoll      in epoll_wait, each thread with an instance of its own; all are told of every write, and who comes too
 *                late waits again. EPOLLEXCLUSIVE is what Linux has against that
 */
import {
  alloc,
  allocEpollEvent,
  atomicAdd32,
  check,
  EAGAIN,
  EFD_NONBLOCK,
  EFD_SEMAPHORE,
  EPOLL_CTL_ADD,
  EPOLLEXCLUSIVE,
  EPOLLIN,
  epollWait,
  type Guest,
  store64,
  sys,
} from '../libc/index.ts';
import { IN_VAIN, WAITED } from './counts.ts';

export type SemaphoreWay = 'blocking' | 'epoll';

/** One thread's access to a semaphore. */
export interface Gate {
  readonly fd: number;
  /** -1: it blocks in read. */
  readonly epoll: number;
  readonly events: number;
  /** 8 bytes to read into, and 8 that hold 1. */
  readonly value: number;
  readonly one: number;
}

export function* newSemaphore(count: number, way: SemaphoreWay): Guest {
  return check(yield sys.eventfd2(count, EFD_SEMAPHORE | (way === 'epoll' ? EFD_NONBLOCK : 0)), 'eventfd2');
}

export function* openGate(fd: number, way: SemaphoreWay, exclusive: boolean): Guest<Gate> {
  const one = alloc(8);
  store64(one, 1n);
  const gate = { fd, epoll: -1, events: alloc(16), value: alloc(8), one };
  if (way === 'blocking') return gate;
  const epoll = check(yield sys.epoll_create1(0), 'epoll_create1');
  const wanted = EPOLLIN | (exclusive ? EPOLLEXCLUSIVE : 0);
  check(yield sys.epoll_ctl(epoll, EPOLL_CTL_ADD, fd, allocEpollEvent(wanted, fd)), 'epoll_ctl');
  return { ...gate, epoll };
}

/** @param counts the thread's record, where its waits are counted */
export function* down({ fd, epoll, events, value }: Gate, counts: number): Guest<void> {
  for (let waits = 0; ; waits++) {
    const n = yield sys.read(fd, value, 8);
    if (n === 8) return;
    if (n !== -EAGAIN) check(n, 'read');
    atomicAdd32(counts + (waits === 0 ? WAITED : IN_VAIN), 1);
    check(yield epollWait(epoll, events, 1, -1), 'epoll_wait');
  }
}

export function* up({ fd, one }: Gate): Guest<void> {
  check(yield sys.write(fd, one, 8), 'write');
}
