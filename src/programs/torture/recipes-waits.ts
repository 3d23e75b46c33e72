/**
 * Recipes of calls that wait: epoll, poll, select, futexes, sleeps, timers. None waits for ever by what it is told; what
 * does all the same is interrupted by the process's watcher.
 */
import {
  CLOCK_BOOTTIME,
  CLOCK_MONOTONIC,
  CLOCK_REALTIME,
  EPOLL_CLOEXEC,
  EPOLL_CTL_ADD,
  EPOLL_CTL_DEL,
  EPOLL_CTL_MOD,
  EPOLLET,
  EPOLLIN,
  EPOLLONESHOT,
  EPOLLOUT,
  EPOLLRDHUP,
  TFD_CLOEXEC,
  TFD_NONBLOCK,
  TFD_TIMER_ABSTIME,
  TIMER_ABSTIME,
} from '../../kernel/abi/flags-event.ts';
import {
  FUTEX_CMP_REQUEUE,
  FUTEX_PRIVATE_FLAG,
  FUTEX_REQUEUE,
  FUTEX_WAIT,
  FUTEX_WAIT_BITSET,
  FUTEX_WAKE,
  FUTEX_WAKE_BITSET,
  FUTEX_WAKE_OP,
} from '../../kernel/abi/flags-task.ts';
import { pollfdLayout, sigsetArgumentLayout } from '../../kernel/abi/layout.ts';
import {
  atomicAdd32,
  atomicLoad32,
  epollEventSize,
  load32,
  store16,
  store32,
  store64,
  storeEpollEvent,
} from '../libc/memory.ts';
import { sys } from '../libc/sys.ts';
import type { Guest } from '../libc/thread.ts';
import { shortNs, signalSet, timerSetting, timespec, timeval } from './build-arguments.ts';
import type { Caller, Recipe } from './caller.ts';
import { EPOLL, POLLABLE, TIMERFD } from './descriptors.ts';
import { nonblocking, notesFd } from './recipes-files.ts';

/** Words that the threads of a process wait at. */
export const FUTEX_WORDS = 8;
/** Descriptors that select looks at. */
const SELECT_BITS = 64;

function epollEvents(c: Caller): number {
  return EPOLLIN | c.random.bits(EPOLLOUT | EPOLLRDHUP | EPOLLONESHOT | EPOLLET);
}

function epollCtl(c: Caller): number {
  const op = c.random.pick([EPOLL_CTL_ADD, EPOLL_CTL_ADD, EPOLL_CTL_MOD, EPOLL_CTL_DEL]);
  const event = c.scratch.take(epollEventSize());
  const fd = c.fds.find(POLLABLE);
  storeEpollEvent(event, epollEvents(c), fd);
  return sys.epoll_ctl(c.fds.find([EPOLL]), op, fd, event);
}

/** @returns room for the events that the call may store */
function eventRoom(c: Caller): number {
  c.most = c.random.between(1, 12);
  return c.scratch.take(c.most * epollEventSize());
}

function milliseconds(c: Caller): number {
  return c.random.once(8) ? 1 : 0;
}

function pollfds(c: Caller): [array: number, count: number] {
  const count = c.random.below(9);
  const at = c.scratch.take(count * pollfdLayout.size);
  for (let i = 0; i < count; i++) {
    store32(at + i * pollfdLayout.size, c.fds.find(POLLABLE));
    store16(at + i * pollfdLayout.size + pollfdLayout.events, EPOLLIN | c.random.bits(EPOLLOUT));
    store16(at + i * pollfdLayout.size + pollfdLayout.revents, 0);
  }
  c.most = count;
  return [at, count];
}

/** A set in which mostly open descriptors stand; or none. */
function fdSet(c: Caller): number {
  if (c.random.once(3)) return 0;
  const at = c.scratch.takeZeroed(SELECT_BITS / 8);
  for (let i = c.random.below(4); i > 0; i--) {
    const fd = c.fds.find(POLLABLE);
    if (fd >= 0 && fd < SELECT_BITS) store32(at + (fd >> 5) * 4, load32(at + (fd >> 5) * 4) | (1 << (fd & 31)));
  }
  return at;
}

function futexWord(c: Caller): number {
  return c.shared.futexes + c.random.below(FUTEX_WORDS) * 4;
}

/** Waits compare with what is there, mostly; so who wakes may have changed it meanwhile. */
function futex(c: Caller): number {
  const word = futexWord(c);
  const other = futexWord(c);
  const flag = c.random.bits(FUTEX_PRIVATE_FLAG);
  const value = atomicLoad32(word);
  switch (c.random.below(8)) {
    case 0:
      return sys.futex(word, FUTEX_WAIT | flag, value, timespec(c, shortNs(c)), 0, 0);
    case 1:
      return sys.futex(word, FUTEX_WAIT_BITSET | flag, value, timespec(c, shortNs(c)), 0, -1);
    case 2:
      return sys.futex(word, FUTEX_REQUEUE | flag, 1, 2, other, 0);
    case 3:
      return sys.futex(word, FUTEX_CMP_REQUEUE | flag, 1, 2, other, value);
    case 4:
      // other += 1, and both are woken if it was 0.
      return sys.futex(word, FUTEX_WAKE_OP | flag, 1, 1, other, (1 << 28) | (1 << 12));
    case 5:
      return sys.futex(word, FUTEX_WAKE_BITSET | flag, 1, 0, 0, -1);
    default:
      atomicAdd32(word, 1);
      return sys.futex(word, FUTEX_WAKE | flag, c.random.between(1, 4), 0, 0, 0);
  }
}

function* ofTimer(c: Caller): Guest<void> {
  if (c.fds.findOf(TIMERFD) < 0) yield* c.perform(TIMERFD_CREATE);
}
function* ofEpoll(c: Caller): Guest<void> {
  if (c.fds.findOf(EPOLL) < 0) yield* c.perform(EPOLL_CREATE1);
}

function clock(c: Caller): number {
  return c.random.pick([CLOCK_REALTIME, CLOCK_MONOTONIC, CLOCK_BOOTTIME]);
}

const TIMERFD_CREATE: Recipe = {
  name: 'timerfd_create',
  weight: 2,
  make: (c) => sys.timerfd_create(clock(c), nonblocking(c, TFD_NONBLOCK) | c.random.bits(TFD_CLOEXEC)),
  after: notesFd(TIMERFD),
};
const EPOLL_CREATE1: Recipe = {
  name: 'epoll_create1',
  weight: 2,
  make: (c) => sys.epoll_create1(c.random.bits(EPOLL_CLOEXEC)),
  after: notesFd(EPOLL),
};

function timerfdSettime(c: Caller): number {
  const interval = c.random.once(3) ? c.random.below(3_000_000) : 0;
  const value = c.random.once(5) ? 0 : c.random.below(2_000_000);
  const setting = timerSetting(c, interval, value);
  const old = c.random.once(2) ? 0 : c.scratch.take(32);
  return sys.timerfd_settime(c.fds.find([TIMERFD]), c.random.once(6) ? TFD_TIMER_ABSTIME : 0, setting, old);
}

/** Nothing is left of a sleep that was not interrupted. */
function sleepRest(c: Caller): number {
  return c.random.once(2) ? 0 : c.scratch.take(16);
}

/** pselect6's sixth argument: no mask, or one that lets everything through that is not in it. */
function maskArgument(c: Caller): number {
  if (c.random.once(2)) return 0;
  const at = c.scratch.take(sigsetArgumentLayout.size);
  store64(at, signalSet(c));
  store64(at + sigsetArgumentLayout.maskSize, 8);
  return at;
}

export const WAIT_RECIPES: readonly Recipe[] = [
  { name: 'epoll_create', weight: 1, make: (c) => sys.epoll_create(c.random.between(1, 9)), after: notesFd(EPOLL) },
  EPOLL_CREATE1,
  { name: 'epoll_ctl', weight: 14, before: ofEpoll, make: epollCtl },
  {
    name: 'epoll_wait',
    weight: 5,
    before: ofEpoll,
    make: (c) => sys.epoll_wait(c.fds.find([EPOLL]), eventRoom(c), c.most, milliseconds(c)),
  },
  {
    name: 'epoll_pwait',
    weight: 3,
    make: (c) =>
      sys.epoll_pwait(
        c.fds.find([EPOLL]),
        eventRoom(c),
        c.most,
        milliseconds(c),
        c.random.once(2) ? 0 : signalSet(c),
        8,
      ),
  },
  {
    name: 'epoll_pwait2',
    weight: 3,
    make: (c) =>
      sys.epoll_pwait2(
        c.fds.find([EPOLL]),
        eventRoom(c),
        c.most,
        timespec(c, shortNs(c)),
        c.random.once(2) ? 0 : signalSet(c),
        8,
      ),
  },
  { name: 'poll', weight: 5, make: (c) => sys.poll(...pollfds(c), milliseconds(c)) },
  {
    name: 'ppoll',
    weight: 3,
    make: (c) => sys.ppoll(...pollfds(c), timespec(c, shortNs(c)), c.random.once(2) ? 0 : signalSet(c), 8),
  },
  {
    name: 'select',
    weight: 3,
    make: (c) => sys.select(SELECT_BITS, fdSet(c), fdSet(c), fdSet(c), timeval(c, c.random.once(3) ? 200 : 0)),
  },
  {
    name: 'pselect6',
    weight: 3,
    make: (c) => sys.pselect6(SELECT_BITS, fdSet(c), fdSet(c), fdSet(c), timespec(c, shortNs(c)), maskArgument(c)),
  },
  { name: 'futex', weight: 12, make: futex },
  TIMERFD_CREATE,
  { name: 'timerfd_settime', weight: 5, before: ofTimer, make: timerfdSettime },
  {
    name: 'timerfd_gettime',
    weight: 3,
    before: ofTimer,
    make: (c) => sys.timerfd_gettime(c.fds.find([TIMERFD]), c.scratch.take(32)),
  },
  { name: 'nanosleep', weight: 1, make: (c) => sys.nanosleep(timespec(c, shortNs(c)), sleepRest(c)) },
  {
    name: 'clock_nanosleep',
    weight: 1,
    make: (c) => {
      const absolute = c.random.once(3);
      const flags = absolute ? TIMER_ABSTIME : 0;
      return sys.clock_nanosleep(clock(c), flags, timespec(c, shortNs(c)), sleepRest(c));
    },
  },
  { name: 'clock_gettime', weight: 4, make: (c) => sys.clock_gettime(clock(c), c.scratch.take(16)) },
  { name: 'clock_getres', weight: 2, make: (c) => sys.clock_getres(clock(c), c.scratch.take(16)) },
  { name: 'gettimeofday', weight: 2, make: (c) => sys.gettimeofday(c.scratch.take(16), 0) },
  {
    name: 'setitimer',
    weight: 2,
    make: (c) => {
      const setting = c.scratch.take(32);
      store64(setting, 0);
      store64(setting + 8, c.random.once(3) ? c.random.below(5000) : 0);
      store64(setting + 16, 0);
      store64(setting + 24, c.random.below(3000));
      return sys.setitimer(0, setting, c.random.once(2) ? 0 : c.scratch.take(32));
    },
  },
  { name: 'getitimer', weight: 2, make: (c) => sys.getitimer(c.random.below(3), c.scratch.take(32)) },
  { name: 'alarm', weight: 1, make: (c) => sys.alarm(c.random.below(2)) },
];
