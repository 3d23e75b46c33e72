/**
 * Scenarios of time: deadlines that pass while their task is on its way to sleep, timeouts that only a tick can notice,
 * timers that count a process's time. The virtual clock moves 10 ns a step, or to the end of a sleep.
 */
import { ITIMER_VIRTUAL, POLLIN } from '../../kernel/abi/flags-event.ts';
import { readEventfd, writeEventfd } from '../../stepped/machine.ts';
import type { Scenario } from '../scenario.ts';
import type { GuestBody } from './guests.ts';
import {
  ALL_DESIGNS,
  clearBytes,
  endsWith,
  FIRST,
  kept,
  leave,
  machineOf,
  SECOND,
  setWords,
  timespec,
} from './guests.ts';

/** So many entries of a poll are as much work as there is between two looks at the clock: it is read when the call is through. */
const MANY = 64;
/** About as long as a poll of so many takes, so that it passes before, during and after it. */
const SHORT_NS = 300;
const pollsForAMoment = (offset: number): GuestBody =>
  function* (guest) {
    // No descriptor: -1 is passed over, and costs no look at a file.
    const array = kept(guest, 256);
    for (let i = 0; i < MANY; i++) setWords(array + 8 * i, -1, 0);
    guest.results.push(yield guest.call('ppoll', array, MANY, timespec(guest, offset, SHORT_NS), 0, 8));
    yield* leave(guest);
  };

const shortTimeout: Scenario = {
  name: 'short-timeout',
  about: 'the deadlines of two tasks on two CPUs pass while they are on their way to sleep; both wake up',
  designs: ALL_DESIGNS,
  machine: machineOf(
    [
      [0, pollsForAMoment(0)],
      [1, pollsForAMoment(32)],
    ],
    { eventfds: [], room: { nofile: MANY } },
  ),
  check: endsWith([[0], [0]]),
};

const pollsAlone: GuestBody = function* (guest) {
  guest.results.push(yield guest.call('poll', setWords(kept(guest, 0), FIRST, POLLIN), 1, 1));
};

const lonelyTimeout: Scenario = {
  name: 'lonely-timeout',
  about: 'a poll with a timeout waits for a file that nothing ever happens to; it times out',
  designs: ['kevlar', 'linux', 'wasix'],
  machine: machineOf([[0, pollsAlone]], { room: { hz: 100 }, maxSteps: 3000 }),
  check: endsWith([[0]]),
};

const pollsAtOnce: GuestBody = function* (guest) {
  yield* writeEventfd(guest, FIRST, 1);
  guest.results.push(yield guest.call('poll', setWords(kept(guest, 0), FIRST, POLLIN), 1, 0));
};

const pollAtOnce: Scenario = {
  name: 'poll-at-once',
  about: 'a poll with a timeout of 0 looks at a file that is ready; it says so',
  designs: ALL_DESIGNS,
  machine: machineOf([[0, pollsAtOnce]]),
  check: endsWith([[1]]),
};

/** Ticks come every 20 us here, or nobody could live through some. */
const HZ = 50_000;
const TIMER_US = 200;
const SLEEP_NS = 300_000;
const sleepsWithTimer: GuestBody = function* (guest) {
  const setting = clearBytes(kept(guest, 64), 32);
  setWords(setting + 24, TIMER_US);
  yield guest.call('setitimer', ITIMER_VIRTUAL, setting, 0);
  guest.results.push(yield guest.call('nanosleep', timespec(guest, 0, SLEEP_NS), 0));
};

const idleProcess: Scenario = {
  name: 'idle-process',
  about: 'a process sets a timer that counts its work, and then sleeps for longer than that; the timer does not expire',
  designs: ['kevlar', 'linux', 'wasix', 'veridian'],
  machine: machineOf([[0, sleepsWithTimer]], { cpus: 2, eventfds: [], room: { hz: HZ } }),
  check: endsWith([[0]]),
};

/** A nap of 5 us is longer than all that the other CPU has left to do: it idles, and so does this one. */
const NAPS = 4;
const naps: GuestBody = function* (guest) {
  for (let i = 0; i < NAPS; i++) {
    yield* readEventfd(guest, FIRST);
    guest.results.push(yield guest.call('nanosleep', timespec(guest, 0, 5000), 0));
    yield* writeEventfd(guest, SECOND, 1);
  }
  yield* leave(guest);
};
const wakesAndIdles: GuestBody = function* (guest) {
  for (let i = 0; i < NAPS; i++) {
    yield* writeEventfd(guest, FIRST, 1);
    yield* readEventfd(guest, SECOND);
  }
  yield* leave(guest);
};

const nap: Scenario = {
  name: 'nap',
  about:
    'two CPUs fall idle one after the other, and a task on one of them sleeps until a deadline; that is no deadlock',
  designs: ALL_DESIGNS,
  machine: machineOf(
    [
      [1, naps],
      [0, wakesAndIdles],
    ],
    { eventfds: [0, 0], lockSpins: 0 },
  ),
  check: endsWith([Array.from({ length: 2 * NAPS }, (_, i) => 1 - (i % 2)), Array.from({ length: NAPS }, () => 1)]),
};

export const timerScenarios: readonly Scenario[] = [shortTimeout, lonelyTimeout, pollAtOnce, idleProcess, nap];
