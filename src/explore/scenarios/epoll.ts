/**
 * Scenarios of epoll that every design has to get right, or those that tell edges: files that change while they are added,
 * changed or handed out. Four eventfds are open when a guest begins; what it makes comes after them.
 */
import {
  EPOLL_CTL_ADD,
  EPOLL_CTL_MOD,
  EPOLLET,
  EPOLLHUP,
  EPOLLIN,
  EPOLLONESHOT,
} from '../../kernel/abi/flags-event.ts';
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
  SLEEPING_DESIGNS,
  toldAt,
  wait,
} from './guests.ts';

/** The first descriptor that a guest makes, behind two eventfds. */
const EPOLL = 5;
const AFTER = 6;
const room = { epolls: 2, interests: 4, files: 10, nofile: 10 };
const two = { eventfds: [0, 0], room };

const adds: GuestBody = function* (guest) {
  yield guest.call('epoll_create1', 0);
  yield* control(guest, 0, EPOLL, EPOLL_CTL_ADD, FIRST, EPOLLIN | EPOLLET);
  guest.results.push(yield* wait(guest, 0, EPOLL));
};
const writes: GuestBody = function* (guest) {
  yield* writeEventfd(guest, FIRST, 1);
};

const add: Scenario = {
  name: 'add',
  about: 'an eventfd is written while an epoll begins to watch it; the wait is told',
  designs: ALL_DESIGNS,
  machine: machineOf(
    [
      [0, adds],
      [1, writes],
    ],
    two,
  ),
  check: endsWith([[FIRST], []]),
};

const rearms: GuestBody = function* (guest) {
  yield guest.call('epoll_create1', 0);
  yield* control(guest, 0, EPOLL, EPOLL_CTL_ADD, FIRST, EPOLLIN | EPOLLONESHOT);
  guest.results.push(yield* wait(guest, 0, EPOLL));
  yield* readEventfd(guest, FIRST);
  yield* writeEventfd(guest, SECOND, 1);
  yield* control(guest, 0, EPOLL, EPOLL_CTL_MOD, FIRST, EPOLLIN | EPOLLONESHOT);
  guest.results.push(yield* wait(guest, 0, EPOLL));
  yield* leave(guest);
};
const writesTwice: GuestBody = function* (guest) {
  yield* writeEventfd(guest, FIRST, 1);
  yield* readEventfd(guest, SECOND);
  yield* writeEventfd(guest, FIRST, 1);
  yield* leave(guest);
};

const rearm: Scenario = {
  name: 'rearm',
  about: 'an eventfd is written again while its one-shot interest is armed anew; it is told again',
  designs: ALL_DESIGNS,
  machine: machineOf(
    [
      [0, rearms],
      [1, writesTwice],
    ],
    two,
  ),
  check: endsWith([[FIRST, 1, FIRST], [1]]),
};

const takesEdges: GuestBody = function* (guest) {
  yield guest.call('epoll_create1', 0);
  yield* control(guest, 0, EPOLL, EPOLL_CTL_ADD, FIRST, EPOLLIN | EPOLLET);
  yield* control(guest, 0, EPOLL, EPOLL_CTL_ADD, SECOND, EPOLLIN | EPOLLET);
  while ((yield* wait(guest, 0, EPOLL)) !== SECOND) {}
  guest.results.push(SECOND);
};
const makesEdges: GuestBody = function* (guest) {
  yield* writeEventfd(guest, FIRST, 1);
  yield* writeEventfd(guest, SECOND, 1);
};

const twoEdges: Scenario = {
  name: 'two-edges',
  about: 'an edge comes while another is handed out; the next wait is told of it',
  designs: SLEEPING_DESIGNS,
  machine: machineOf(
    [
      [0, takesEdges],
      [1, makesEdges],
    ],
    two,
  ),
  check: endsWith([[SECOND], []]),
};

/** The pipe's ends stand behind the instance. A hangup is asked for by name, since VeridianOS tells it only then. */
const hearsHangup: GuestBody = function* (guest) {
  yield guest.call('epoll_create1', 0);
  yield guest.call('pipe2', guest.buffer, 0);
  yield* control(guest, 0, EPOLL, EPOLL_CTL_ADD, AFTER, EPOLLIN | EPOLLHUP);
  yield* writeEventfd(guest, FIRST, 1);
  do yield* wait(guest, 0, EPOLL);
  while ((toldAt(guest, 0) & EPOLLHUP) === 0);
};
const hangsUp: GuestBody = function* (guest) {
  yield* readEventfd(guest, FIRST);
  yield guest.call('write', AFTER + 1, guest.buffer, 1);
  yield guest.call('close', AFTER + 1);
};

const hangup: Scenario = {
  name: 'hangup',
  about: 'a pipe hangs up while the write before is handed out; the hangup is told',
  designs: ALL_DESIGNS,
  machine: machineOf(
    [
      [0, hearsHangup],
      [1, hangsUp],
    ],
    two,
  ),
  check: endsWith([[], [1]]),
};

/** Looks once while the pipe is empty, and then waits. */
const looksThenWaits: GuestBody = function* (guest) {
  yield guest.call('epoll_create1', 0);
  yield guest.call('pipe2', guest.buffer, 0);
  yield* control(guest, 0, EPOLL, EPOLL_CTL_ADD, AFTER, EPOLLIN);
  yield* writeEventfd(guest, FIRST, 1);
  guest.results.push(yield* wait(guest, 0, EPOLL, 0));
  guest.results.push(yield* wait(guest, 0, EPOLL));
};
const fills: GuestBody = function* (guest) {
  yield* readEventfd(guest, FIRST);
  yield guest.call('write', AFTER + 1, guest.buffer, 1);
};

const levelPipe: Scenario = {
  name: 'level-pipe',
  about: 'a level-triggered pipe is looked at, then written; the wait that follows finds it ready',
  // WASIX tells what was told once, level-triggered or not: after a look that found it there is nothing to wait for.
  designs: ['kevlar', 'linux', 'veridian'],
  machine: machineOf(
    [
      [0, looksThenWaits],
      [1, fills],
    ],
    two,
  ),
  check: endsWith([[0, AFTER], [1]], [[AFTER, AFTER], [1]]),
};

const watchesIdle: GuestBody = function* (guest) {
  yield guest.call('epoll_create1', 0);
  const timer = yield guest.call('timerfd_create', 1, 0);
  yield* control(guest, 0, EPOLL, EPOLL_CTL_ADD, timer, EPOLLIN);
  yield* control(guest, 0, EPOLL, EPOLL_CTL_ADD, FIRST, EPOLLIN);
  let inVain = 0;
  while ((yield* wait(guest, 0, EPOLL)) !== FIRST && inVain < 3) inVain++;
  guest.results.push(inVain);
};

const idleSource: Scenario = {
  name: 'idle-source',
  about: 'an epoll watches an eventfd and a timerfd that was never armed; it tells of the eventfd alone',
  designs: ALL_DESIGNS,
  machine: machineOf(
    [
      [0, watchesIdle],
      [1, writes],
    ],
    two,
  ),
  check: endsWith([[0], []]),
};

const watchesItself: GuestBody = function* (guest) {
  yield guest.call('epoll_create1', 0);
  guest.results.push(yield* control(guest, 0, EPOLL, EPOLL_CTL_ADD, EPOLL, EPOLLIN));
  guest.results.push(yield* wait(guest, 0, EPOLL, 0));
};

const selfAdd: Scenario = {
  name: 'self-add',
  about: 'an epoll is asked to watch itself; it refuses, and its waits return',
  // VeridianOS's may: nobody looks what lies behind the number, and a node is ready always.
  designs: ['kevlar', 'linux', 'wasix'],
  machine: machineOf([[0, watchesItself]], two),
  check: endsWith([[-22, 0]]),
};

export const epollScenarios: readonly Scenario[] = [add, rearm, twoEdges, hangup, levelPipe, idleSource, selfAdd];
