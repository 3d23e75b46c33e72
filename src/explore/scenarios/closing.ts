/**
 * Scenarios of closing: an instance or a file goes while another CPU is in the midst of a call on it. Two eventfds are open
 * when a guest begins; what it makes comes after them.
 */
import { EBADF } from '../../kernel/abi/errno.ts';
import { EPOLL_CTL_ADD, EPOLLIN } from '../../kernel/abi/flags-event.ts';
import { readEventfd, writeEventfd } from '../../stepped/machine.ts';
import type { Scenario } from '../scenario.ts';
import type { GuestBody } from './guests.ts';
import { ALL_DESIGNS, control, endsWith, FIRST, leave, machineOf, SECOND, wait } from './guests.ts';

const EPOLL = 5;
const AFTER = 6;
const room = { epolls: 2, interests: 4, files: 10, nofile: 10 };
const two = { eventfds: [0, 0], room };

/** Both ends of the race close what the other looks at. */
const scans: GuestBody = function* (guest) {
  yield guest.call('epoll_create1', 0);
  yield guest.call('epoll_create1', 0);
  yield* control(guest, 0, EPOLL, EPOLL_CTL_ADD, FIRST, EPOLLIN);
  yield* writeEventfd(guest, SECOND, 1);
  yield* writeEventfd(guest, FIRST, 1);
  guest.results.push(yield* wait(guest, 0, EPOLL));
  yield* leave(guest);
};
const closes: GuestBody = function* (guest) {
  yield* readEventfd(guest, SECOND);
  guest.results.push(yield guest.call('close', AFTER));
  yield* leave(guest);
};

const waitAndClose: Scenario = {
  name: 'wait-and-close',
  about: 'one task waits in an epoll while another closes an instance; both come through',
  designs: ALL_DESIGNS,
  machine: machineOf(
    [
      [0, scans],
      [1, closes],
    ],
    two,
  ),
  check: endsWith([[FIRST], [1, 0]]),
};

/** The other CPU may be anywhere in its call when the descriptor goes. */
const closesAndMakes: GuestBody = function* (guest) {
  guest.results.push(yield guest.call('close', FIRST));
  yield guest.call('close', yield guest.call('eventfd2', 0, 0));
  yield guest.call('eventfd2', 0, 0);
  yield* leave(guest);
};
const writesMeanwhile: GuestBody = function* (guest) {
  for (let i = 0; i < 3; i++) {
    const r = yield* writeEventfd(guest, FIRST, 1);
    if (r !== 8 && r !== -EBADF) guest.results.push(r);
  }
  yield* leave(guest);
};

const closeAndWrite: Scenario = {
  name: 'close-and-write',
  about:
    'an eventfd is closed while another CPU writes it, and its number is used anew; the write finds one or the other',
  designs: ALL_DESIGNS,
  machine: machineOf(
    [
      [0, closesAndMakes],
      [1, writesMeanwhile],
    ],
    { room: { files: 4 } },
  ),
  check: endsWith([[0], []]),
};

const makesAndCloses: GuestBody = function* (guest) {
  yield guest.call('epoll_create1', 0);
  yield* writeEventfd(guest, SECOND, 1);
  yield guest.call('close', EPOLL);
  yield* leave(guest);
};
const addsMeanwhile: GuestBody = function* (guest) {
  yield* readEventfd(guest, SECOND);
  const r = yield* control(guest, 0, EPOLL, EPOLL_CTL_ADD, FIRST, EPOLLIN);
  if (r !== 0 && r !== -EBADF) guest.results.push(r);
  yield* leave(guest);
};

const addAndClose: Scenario = {
  name: 'add-and-close',
  about: 'an epoll is closed while another CPU adds to it; nothing is left behind',
  designs: ALL_DESIGNS,
  machine: machineOf(
    [
      [0, makesAndCloses],
      [1, addsMeanwhile],
    ],
    two,
  ),
  check: endsWith([[], [1]]),
};

export const closingScenarios: readonly Scenario[] = [waitAndClose, closeAndWrite, addAndClose];
