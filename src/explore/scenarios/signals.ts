/**
 * Scenarios of signals: what is blocked stays pending, what is sent is heard, and a call that has its answer keeps it. What
 * they prove are the arguments of kernel/signal/send.ts, deliver.ts and job-control.ts.
 */
import { EINTR } from '../../kernel/abi/errno.ts';
import { EPOLL_CTL_ADD, EPOLLIN } from '../../kernel/abi/flags-event.ts';
import {
  SA_RESTART,
  SIG_BLOCK,
  SIG_SETMASK,
  SIGCHLD,
  SIGCONT,
  SIGKILL,
  SIGSTOP,
  SIGUSR1,
  SIGUSR2,
  WUNTRACED,
} from '../../kernel/abi/flags-signal.ts';
import { CLONE_FILES, CLONE_VM } from '../../kernel/abi/flags-task.ts';
import { readEventfd, writeEventfd } from '../../stepped/machine.ts';
import type { Scenario } from '../scenario.ts';
import type { Guest } from '../../stepped/machine.ts';
import type { GuestBody } from './guests.ts';
import {
  ALL_DESIGNS,
  control,
  endsWith,
  FIRST,
  handle,
  kept,
  leave,
  machineOf,
  MAIN_PID,
  putSet,
  SECOND,
  setWords,
  THIRD,
  THREAD,
  wait,
  wordAt,
} from './guests.ts';

/** How many handlers ran, a word that they share. */
const ran = (guest: Guest): number => wordAt(kept(guest, 512));
const counts: GuestBody = function* (guest) {
  yield guest.call('getpid');
  setWords(kept(guest, 512), ran(guest) + 1);
};
const family = CLONE_VM | CLONE_FILES;
const births = { room: { tasks: 4, processes: 2 } };

/** The second one's handler does nothing; the first one's counts. */
const blocksOne: GuestBody = function* (guest) {
  yield* handle(guest, SIGUSR1, 1, SA_RESTART);
  yield* handle(guest, SIGUSR2, 2, SA_RESTART);
  yield guest.call('rt_sigprocmask', SIG_BLOCK, putSet(guest, 64, SIGUSR1), 0, 8);
  yield guest.call('kill', MAIN_PID, SIGUSR1);
  yield guest.call('kill', MAIN_PID, SIGUSR2);
  guest.results.push(ran(guest));
  yield guest.call('rt_sigprocmask', SIG_SETMASK, putSet(guest, 64), 0, 8);
  guest.results.push(ran(guest));
};
const ignores: GuestBody = function* (guest) {
  yield guest.call('getpid');
};

const blockedSignal: Scenario = {
  name: 'blocked-signal',
  about: 'a blocked signal and an open one are sent; the open one is handled, and the other once it is opened',
  designs: ALL_DESIGNS,
  machine: machineOf([[0, blocksOne]], { eventfds: [], entries: [counts, ignores] }),
  check: endsWith([[0, 1]]),
};

const EPOLL = 4;
/** What is blocked is no reason to end a wait. */
const waitsBlocked: GuestBody = function* (guest) {
  yield guest.call('rt_sigprocmask', SIG_BLOCK, putSet(guest, 64, SIGUSR1), 0, 8);
  yield guest.call('epoll_create1', 0);
  yield* control(guest, 0, EPOLL, EPOLL_CTL_ADD, FIRST, EPOLLIN);
  yield guest.call('tgkill', MAIN_PID, MAIN_PID, SIGUSR1);
  guest.results.push(yield* wait(guest, 0, EPOLL));
};
const writes: GuestBody = function* (guest) {
  yield* writeEventfd(guest, FIRST, 1);
};

const blockedWait: Scenario = {
  name: 'blocked-wait',
  about: 'a wait for an eventfd that is written, with a blocked signal pending; the wait is told of the file',
  designs: ALL_DESIGNS,
  machine: machineOf(
    [
      [0, waitsBlocked],
      [1, writes],
    ],
    { room: { epolls: 1, interests: 1, files: 6 } },
  ),
  check: endsWith([[FIRST], []]),
};

const readsUnderSignal: GuestBody = function* (guest) {
  yield* handle(guest, SIGUSR1, 2, 0);
  yield* writeEventfd(guest, SECOND, 1);
  guest.results.push(yield guest.call('read', FIRST, guest.buffer, 8));
};
const writesThenSignals: GuestBody = function* (guest) {
  yield* readEventfd(guest, SECOND);
  yield* writeEventfd(guest, FIRST, 1);
  yield guest.call('tgkill', MAIN_PID, MAIN_PID, SIGUSR1);
};

const dataThenSignal: Scenario = {
  name: 'data-then-signal',
  about: 'an eventfd is written, and only then is its reader sent a signal; the read has its answer',
  designs: ALL_DESIGNS,
  machine: machineOf(
    [
      [0, readsUnderSignal],
      [1, writesThenSignals],
    ],
    { eventfds: [0, 0], entries: [counts] },
  ),
  check: endsWith([[8], [1]]),
};

/** Waits for two signals in the call that opens them, ready from the time on that it says so. */
const suspends: GuestBody = function* (guest) {
  yield* handle(guest, SIGUSR1, 2, SA_RESTART);
  yield* handle(guest, SIGUSR2, 2, SA_RESTART);
  yield guest.call('rt_sigprocmask', SIG_BLOCK, putSet(guest, 64, SIGUSR1, SIGUSR2), 0, 8);
  yield* writeEventfd(guest, FIRST, 1);
  while (ran(guest) < 2) yield guest.call('rt_sigsuspend', putSet(guest, 72), 8);
};
const sendsTwo: GuestBody = function* (guest) {
  yield* readEventfd(guest, FIRST);
  yield guest.call('kill', MAIN_PID, SIGUSR1);
  yield guest.call('tgkill', MAIN_PID, MAIN_PID, SIGUSR2);
};

const twoSignals: Scenario = {
  name: 'two-signals',
  about: 'a process and its thread are sent a signal each while it is about to sleep until they come; both are handled',
  designs: ALL_DESIGNS,
  machine: machineOf(
    [
      [1, suspends],
      [0, sendsTwo],
    ],
    { ...births, entries: [counts] },
  ),
  check: endsWith([[], [1]]),
};

/** The children of these stand behind the handler in the table. */
const readsThroughStop: GuestBody = function* (guest) {
  yield* handle(guest, SIGUSR1, 3, SA_RESTART);
  yield guest.call('clone', family, guest.newborn(1, 0), 0, 0, 0);
  yield* readEventfd(guest, FIRST);
};
const stopsAndSignals: GuestBody = function* (guest) {
  for (const signal of [SIGSTOP, SIGCONT, SIGUSR1]) yield guest.call('kill', MAIN_PID, signal);
};
const writesReady: GuestBody = function* (guest) {
  yield* writeEventfd(guest, FIRST, 1);
};
/** Entry 3: the handler, which writes what the read waits for. */
const signalAfterStop: Scenario = {
  name: 'signal-after-stop',
  about: 'a reader is stopped, continued and sent a signal whose handler writes what it reads; the read is made anew',
  designs: ALL_DESIGNS,
  machine: machineOf([[1, readsThroughStop]], { ...births, entries: [stopsAndSignals, ignores, writesReady] }),
  check: endsWith([[1]]),
};

const goesOn: GuestBody = function* (guest) {
  yield guest.call('getpid');
  yield* readEventfd(guest, FIRST);
  yield guest.call('exit_group', 5);
};
const stopsAndContinues: GuestBody = function* (guest) {
  const pid = yield guest.call('clone', family | SIGCHLD, guest.newborn(1, 1), 0, 0, 0);
  yield* writeEventfd(guest, FIRST, 1);
  guest.results.push(yield guest.call('kill', pid, SIGSTOP));
  guest.results.push(yield guest.call('kill', pid, SIGCONT));
  const ended = yield guest.call('wait4', pid, guest.buffer, 0, 0);
  guest.results.push(Number(ended === pid), guest.get());
};

const stopAndContinue: Scenario = {
  name: 'stop-and-continue',
  about: 'a process on another CPU is stopped and at once continued; it goes on to its end',
  designs: ALL_DESIGNS,
  machine: machineOf([[0, stopsAndContinues]], { ...births, cpus: 2, entries: [goesOn] }),
  check: endsWith([[0, 0, 1, 5 << 8]]),
};

const bearsAThread: GuestBody = function* (guest) {
  yield guest.call('clone', THREAD, guest.newborn(2, 0), 0, 0, 0);
  for (;;) yield guest.call('pause');
};
const stopsThenKills: GuestBody = function* (guest) {
  const pid = yield guest.call('clone', family | SIGCHLD, guest.newborn(1, 1), 0, 0, 0);
  for (const [signal, options] of [
    [SIGSTOP, WUNTRACED],
    [SIGKILL, 0],
  ] as const) {
    yield guest.call('kill', pid, signal);
    yield guest.call('wait4', pid, guest.buffer, options, 0);
    guest.results.push(guest.get());
  }
};

const stopOfThreads: Scenario = {
  name: 'stop-of-threads',
  about: 'a process is stopped while a thread of it is born and ends; the stop is told, and then its end',
  designs: ALL_DESIGNS,
  machine: machineOf([[0, stopsThenKills]], { ...births, cpus: 2, eventfds: [], entries: [bearsAThread, ignores] }),
  check: endsWith([[(SIGSTOP << 8) | 0x7f, SIGKILL]]),
};

/** Their epoll comes behind four eventfds. Its signal is open in the wait alone, so the wait is what it ends. */
const FOURTH = 6;
const WATCHED = 7;
const leaver: GuestBody = function* (guest) {
  yield guest.call('rt_sigprocmask', SIG_BLOCK, putSet(guest, 64, SIGUSR1), 0, 8);
  yield* readEventfd(guest, SECOND);
  yield* writeEventfd(guest, THIRD, 1);
  guest.results.push(yield guest.call('epoll_pwait', WATCHED, kept(guest, 128), 1, -1, putSet(guest, 80), 8));
  yield* writeEventfd(guest, THIRD, 1);
  yield* readEventfd(guest, FOURTH);
  yield* leave(guest);
};
const stayer: GuestBody = function* (guest) {
  yield* readEventfd(guest, SECOND);
  guest.results.push(yield* wait(guest, 1, WATCHED));
  yield* writeEventfd(guest, FOURTH, 1);
  yield* leave(guest);
};
const director: GuestBody = function* (guest) {
  yield* handle(guest, SIGUSR1, 3, 0);
  yield guest.call('epoll_create1', 0);
  yield* control(guest, 2, WATCHED, EPOLL_CTL_ADD, FIRST, EPOLLIN);
  yield* writeEventfd(guest, SECOND, 2);
  yield* readEventfd(guest, THIRD);
  yield guest.call('tgkill', MAIN_PID, MAIN_PID + 1, SIGUSR1);
  yield* readEventfd(guest, THIRD);
  yield* writeEventfd(guest, FIRST, 1);
  yield* leave(guest);
};

const leaverAndStayer: Scenario = {
  name: 'leaver-and-stayer',
  about: 'of two who wait in one epoll a signal ends the wait of one; the event that comes then wakes the other',
  designs: ['linux', 'wasix'],
  machine: machineOf(
    [
      [0, director],
      [1, leaver],
      [2, stayer],
    ],
    { eventfds: [0, 1, 0, 0], room: { epolls: 1, interests: 1, files: 9, nofile: 9 }, entries: [counts] },
  ),
  check: endsWith([
    [1, 1],
    [1, -EINTR, 1],
    [1, FIRST],
  ]),
};

export const signalScenarios: readonly Scenario[] = [
  blockedSignal,
  blockedWait,
  dataThenSignal,
  twoSignals,
  signalAfterStop,
  stopAndContinue,
  stopOfThreads,
  leaverAndStayer,
];
