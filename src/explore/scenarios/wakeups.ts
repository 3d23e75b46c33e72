/**
 * Scenarios of wakeups: one who waits for a file and one who changes it. What they prove is the argument of
 * kernel/wait/sleep.ts and kernel/wait/wait-queue.ts.
 */
import { EPOLL_CTL_ADD, EPOLLIN, POLLIN } from '../../kernel/abi/flags-event.ts';
import { readEventfd, writeEventfd } from '../../stepped/machine.ts';
import type { Scenario } from '../scenario.ts';
import type { GuestBody } from './guests.ts';
import {
  ALL_DESIGNS,
  control,
  endsWith,
  FIRST,
  leave,
  machineOf,
  SECOND,
  setWords,
  shared,
  SLEEPING_DESIGNS,
  wait,
} from './guests.ts';

const reads: GuestBody = function* (guest) {
  yield* readEventfd(guest, FIRST);
};
const writes: GuestBody = function* (guest) {
  yield* writeEventfd(guest, FIRST, 7);
};

const oneWakeup: Scenario = {
  name: 'one-wakeup',
  about: 'two CPUs, one wakeup: one task reads an eventfd, another writes it; the value arrives',
  designs: ALL_DESIGNS,
  // The calls alone: how a process ends is other scenarios' matter, and thrice as long.
  machine: machineOf(
    [
      [1, reads],
      [0, writes],
    ],
    { ends: 'returns' },
  ),
  check: endsWith([[7], []]),
};

const ROUNDS = 3;
const pings: GuestBody = function* (guest) {
  for (let i = 1; i <= ROUNDS; i++) {
    yield* writeEventfd(guest, FIRST, i);
    yield* readEventfd(guest, SECOND);
  }
};
const pongs: GuestBody = function* (guest) {
  for (let i = 0; i < ROUNDS; i++) {
    yield* readEventfd(guest, FIRST);
    yield* writeEventfd(guest, SECOND, guest.results.at(-1)! * 10);
  }
};

const pingPong: Scenario = {
  name: 'ping-pong',
  about: 'two tasks on two CPUs wake each other through two eventfds, three times each; every value arrives once',
  designs: ALL_DESIGNS,
  machine: machineOf(
    [
      [0, pings],
      [1, pongs],
    ],
    { eventfds: [0, 0] },
  ),
  check: endsWith([
    [10, 20, 30],
    [1, 2, 3],
  ]),
};

/** On a CPU with company. */
const busy: GuestBody = function* (guest) {
  yield* readEventfd(guest, SECOND);
  yield* writeEventfd(guest, FIRST, 5);
  yield* leave(guest);
};
const waker: GuestBody = function* (guest) {
  yield* writeEventfd(guest, SECOND, 1);
  yield* writeEventfd(guest, FIRST, 2);
  yield* leave(guest);
};
const companion: GuestBody = function* (guest) {
  for (let i = 0; i < 3; i++) yield* writeEventfd(guest, FIRST, 1);
  yield* leave(guest);
};

const sharedCpu: Scenario = {
  name: 'shared-cpu',
  about: 'two tasks share a CPU; one is woken by another CPU while the other writes to the same eventfd as both wakers',
  designs: SLEEPING_DESIGNS,
  machine: machineOf(
    [
      [0, busy],
      [1, waker],
      [0, companion],
    ],
    { eventfds: [0, 0] },
  ),
  check: endsWith([[1], [], []]),
};

const polls: GuestBody = function* (guest) {
  const at = setWords(shared(guest, 0), FIRST, POLLIN);
  guest.results.push(yield guest.call('poll', at, 1, -1));
};

const pollWakeup: Scenario = {
  name: 'poll-wakeup',
  about: 'one task waits for an eventfd in poll, which looks at it by one load; another writes it',
  designs: ALL_DESIGNS,
  machine: machineOf([
    [1, polls],
    [0, writes],
  ]),
  check: endsWith([[1], []]),
};

/** Each waits in an instance of its own, for every design tells every instance. */
const waits = (place: number): GuestBody =>
  function* (guest) {
    const epoll = yield guest.call('epoll_create1', 0);
    yield* control(guest, place, epoll, EPOLL_CTL_ADD, FIRST, EPOLLIN);
    guest.results.push(yield* wait(guest, place, epoll));
    yield* leave(guest);
  };
const writesAndLeaves: GuestBody = function* (guest) {
  yield* writeEventfd(guest, FIRST, 1);
  yield* leave(guest);
};

/** @param cpus how many, from 2 to 64: on all but one a task waits */
export function herd(cpus: number): Scenario {
  const waiters = cpus - 1;
  const homes = Array.from({ length: waiters }, (_, i) => [i + 1, waits(i)] as const);
  return {
    name: cpus === 4 ? 'herd' : `herd-${cpus}`,
    about: `on each of ${waiters} CPUs a task waits in an epoll for one eventfd, and another CPU writes it; all are told`,
    designs: ALL_DESIGNS,
    machine: machineOf([...homes, [0, writesAndLeaves]], {
      room: {
        epolls: waiters,
        interests: waiters,
        files: 8 + waiters,
        nofile: 8 + waiters,
        userBytes: 8192,
      },
      maxSteps: 20_000 * cpus,
    }),
    check: endsWith([...Array.from({ length: waiters }, () => [FIRST]), []]),
  };
}

export const wakeupScenarios: readonly Scenario[] = [oneWakeup, pingPong, sharedCpu, pollWakeup, herd(4)];
