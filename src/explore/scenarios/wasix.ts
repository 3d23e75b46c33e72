/**
 * Scenarios of WASIX's design: a queue of subscriptions that have something to report, and sources that push. Each shows
 * one promise of kernel/epoll/wasix; where other designs promise the same, they are held to it too.
 */
import { EPOLL_CTL_ADD, EPOLL_CTL_MOD, EPOLLET, EPOLLIN, EPOLLOUT } from '../../kernel/abi/flags-event.ts';
import { readEventfd, writeEventfd } from '../../stepped/machine.ts';
import type { Scenario } from '../scenario.ts';
import type { GuestBody } from './guests.ts';
import { control, endsWith, FIRST, kept, leave, machineOf, SECOND, toldAt, wait, wordAt } from './guests.ts';

/** The descriptor of the instance, behind two eventfds. */
const EPOLL = 5;
const two = { eventfds: [0, 0], room: { epolls: 1, interests: 2, files: 8 } };

const changesAfterRead: GuestBody = function* (guest) {
  yield guest.call('epoll_create1', 0);
  yield* writeEventfd(guest, FIRST, 1);
  yield* control(guest, 0, EPOLL, EPOLL_CTL_ADD, FIRST, EPOLLIN);
  yield* readEventfd(guest, FIRST);
  yield* control(guest, 0, EPOLL, EPOLL_CTL_MOD, FIRST, EPOLLIN);
  guest.results.push(yield* wait(guest, 0, EPOLL, 0));
};

const changedAfterRead: Scenario = {
  name: 'changed-after-read',
  about: 'an eventfd that was ready is read, and its interest changed; there is nothing to tell',
  designs: ['wasix', 'kevlar', 'linux', 'veridian'],
  machine: machineOf([[0, changesAfterRead]], two),
  check: endsWith([[1, 0]]),
};

const takesOneByOne: GuestBody = function* (guest) {
  yield guest.call('epoll_create1', 0);
  yield* control(guest, 0, EPOLL, EPOLL_CTL_ADD, FIRST, EPOLLIN | EPOLLET);
  yield* control(guest, 0, EPOLL, EPOLL_CTL_ADD, SECOND, EPOLLIN | EPOLLET);
  // What is told while the interest is made may be told twice.
  const seen = new Set<number>();
  while (seen.size < 2) seen.add(yield* wait(guest, 0, EPOLL));
  guest.results.push(...[...seen].sort());
};
const writesBoth: GuestBody = function* (guest) {
  yield* writeEventfd(guest, FIRST, 1);
  yield* writeEventfd(guest, SECOND, 1);
};

const oneByOne: Scenario = {
  name: 'one-by-one',
  about: 'two files become ready, and waits take one event each; both are told',
  designs: ['wasix', 'kevlar', 'linux'],
  machine: machineOf(
    [
      [0, takesOneByOne],
      [1, writesBoth],
    ],
    two,
  ),
  check: endsWith([[FIRST, SECOND], []]),
};

const asksForBoth: GuestBody = function* (guest) {
  yield guest.call('epoll_create1', 0);
  yield* writeEventfd(guest, FIRST, 1);
  yield* control(guest, 0, EPOLL, EPOLL_CTL_ADD, FIRST, EPOLLIN | EPOLLOUT);
  const at = kept(guest, 0);
  const count = yield guest.call('epoll_wait', EPOLL, at, 2, -1);
  guest.results.push(count, wordAt(at));
};

const bothWays: Scenario = {
  name: 'both-ways',
  about: 'an eventfd is ready for reading and writing; one event tells both',
  designs: ['wasix', 'kevlar', 'linux', 'veridian'],
  machine: machineOf([[0, asksForBoth]], two),
  check: endsWith([[1, EPOLLIN | EPOLLOUT]]),
};

const changes: GuestBody = function* (guest) {
  yield guest.call('epoll_create1', 0);
  yield* control(guest, 0, EPOLL, EPOLL_CTL_ADD, FIRST, EPOLLIN);
  yield* control(guest, 0, EPOLL, EPOLL_CTL_MOD, FIRST, EPOLLIN);
  guest.results.push(yield* wait(guest, 0, EPOLL), toldAt(guest, 0));
};
const writes: GuestBody = function* (guest) {
  yield* writeEventfd(guest, FIRST, 1);
};

const changedInterest: Scenario = {
  name: 'changed-interest',
  about: 'an interest is changed while its eventfd is written; the wait is told',
  designs: ['wasix', 'kevlar', 'linux', 'veridian'],
  machine: machineOf(
    [
      [0, changes],
      [1, writes],
    ],
    two,
  ),
  check: endsWith([[FIRST, EPOLLIN], []]),
};

/** Does not read in between: the counter stays above 0. */
const waitsTwice: GuestBody = function* (guest) {
  yield guest.call('epoll_create1', 0);
  yield* control(guest, 0, EPOLL, EPOLL_CTL_ADD, FIRST, EPOLLIN | EPOLLET);
  guest.results.push(yield* wait(guest, 0, EPOLL));
  yield* writeEventfd(guest, SECOND, 1);
  guest.results.push(yield* wait(guest, 0, EPOLL));
  yield* leave(guest);
};
const writesAgain: GuestBody = function* (guest) {
  yield* writeEventfd(guest, FIRST, 1);
  yield* readEventfd(guest, SECOND);
  yield* writeEventfd(guest, FIRST, 1);
  yield* leave(guest);
};

const secondWrite: Scenario = {
  name: 'second-write',
  about: 'an eventfd that nobody reads is written a second time, after the first was told; that is told too',
  designs: ['wasix', 'kevlar', 'linux'],
  machine: machineOf(
    [
      [0, waitsTwice],
      [1, writesAgain],
    ],
    two,
  ),
  check: endsWith([[FIRST, FIRST], [1]]),
};

export const wasixScenarios: readonly Scenario[] = [changedAfterRead, oneByOne, bothWays, changedInterest, secondWrite];
