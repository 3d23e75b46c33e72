/**
 * Gardens of the epoll torture: one thread with an instance and sources of its own. In a plain garden it knows what every
 * wait must answer; in a wild one, where descriptors are duplicated and closed and instances nest, it knows what no wait
 * may answer.
 */
import {
  EFD_NONBLOCK,
  EPOLL_CTL_ADD,
  EPOLL_CTL_DEL,
  EPOLL_CTL_MOD,
  EPOLLERR,
  EPOLLET,
  EPOLLHUP,
  EPOLLIN,
  EPOLLONESHOT,
  EPOLLOUT,
  EPOLLRDHUP,
  epollDataAt,
  epollEventsAt,
  type Guest,
  load32,
  store64,
  storeEpollEvent,
  sys,
} from '../libc/index.ts';
import type { TortureBoard } from './board.ts';
import type { Random } from './random.ts';

/** In the data of every event of a garden's: no other may come to it. */
const TAG = 0x6a00_0000;
const SOURCES = 6;
const EVENTS = 8;
const ALWAYS = EPOLLERR | EPOLLHUP;
const EDGE = EPOLLET | 0;

/** A source of a plain garden, as its gardener knows it. */
interface Plant {
  readonly fd: number;
  count: number;
  /** What it is watched for; 0: it is not. */
  mask: number;
  /** It fires once, and has. */
  isSpent: boolean;
}

/** What a wait must tell of it: everything that is asked for and there. */
function readyBits(plant: Plant): number {
  const there = (plant.count > 0 ? EPOLLIN : 0) | EPOLLOUT;
  return plant.mask & there;
}

function* counted(board: TortureBoard, place: number, call: number): Guest {
  const r = yield call;
  board.count(place, r >= 0);
  return r;
}

/** @param at scratch: an event, a token or a value; room for events 32 bytes further */
export function* plainGarden(board: TortureBoard, place: number, random: Random, at: number): Guest<void> {
  const epoll = yield sys.epoll_create1(0);
  const plants: Plant[] = [];
  for (let i = random.between(1, SOURCES); i > 0; i--) {
    const count = random.below(2);
    plants.push({ fd: yield sys.eventfd2(count, EFD_NONBLOCK), count, mask: 0, isSpent: false });
  }
  for (let turn = random.between(20, 100); turn > 0; turn--) {
    yield* tend(board, place, random, at, epoll, random.pick(plants));
    if (random.once(2)) yield* lookAtAll(board, place, at, epoll, plants);
  }
  for (const fd of random.once(2)
    ? [epoll, ...plants.map((each) => each.fd)]
    : [...plants.map((each) => each.fd), epoll]) {
    yield sys.close(fd);
  }
}

/** One change of one source, and what it must have answered. */
function* tend(
  board: TortureBoard,
  place: number,
  random: Random,
  at: number,
  epoll: number,
  plant: Plant,
): Guest<void> {
  const mask = random.bits(EPOLLOUT | EPOLLRDHUP | EPOLLET | EPOLLONESHOT) | EPOLLIN;
  const wasWatched = plant.mask !== 0;
  storeEpollEvent(at, mask, TAG | plant.fd);
  switch (random.below(5)) {
    case 0: {
      const r = yield* counted(board, place, sys.epoll_ctl(epoll, EPOLL_CTL_ADD, plant.fd, at));
      if ((r === 0) === wasWatched) board.fail(`adding what is ${wasWatched ? '' : 'not '}watched answered ${r}`);
      if (r === 0) watch(plant, mask);
      return;
    }
    case 1: {
      const r = yield* counted(board, place, sys.epoll_ctl(epoll, EPOLL_CTL_MOD, plant.fd, at));
      if ((r === 0) !== wasWatched) board.fail(`modifying what is ${wasWatched ? '' : 'not '}watched answered ${r}`);
      if (r === 0) watch(plant, mask);
      return;
    }
    case 2: {
      const r = yield* counted(board, place, sys.epoll_ctl(epoll, EPOLL_CTL_DEL, plant.fd, at));
      if ((r === 0) !== wasWatched) board.fail(`deleting what is ${wasWatched ? '' : 'not '}watched answered ${r}`);
      plant.mask = 0;
      return;
    }
    case 3: {
      const value = random.below(3);
      store64(at, value);
      if ((yield* counted(board, place, sys.write(plant.fd, at, 8))) === 8) plant.count += value;
      return;
    }
    default: {
      const r = yield* counted(board, place, sys.read(plant.fd, at, 8));
      if ((r === 8 ? load32(at) : 0) !== plant.count) board.fail(`read ${load32(at)} of ${plant.count}, answered ${r}`);
      plant.count = 0;
    }
  }
}

function watch(plant: Plant, mask: number): void {
  plant.mask = mask;
  plant.isSpent = false;
}

/** One wait with room for all: what is level-triggered and ready is there, what is there is ready. */
function* lookAtAll(
  board: TortureBoard,
  place: number,
  at: number,
  epoll: number,
  plants: readonly Plant[],
): Guest<void> {
  const events = at + 32;
  const n = yield* counted(board, place, sys.epoll_wait(epoll, events, EVENTS, 0));
  if (n < 0) board.fail(`a gardener's wait answered ${n}`);
  const seen = new Set<Plant>();
  for (let i = 0; i < n; i++) {
    const data = epollDataAt(events, i);
    const bits = epollEventsAt(events, i);
    const plant = plants.find(({ fd }) => (TAG | fd) === data);
    if (plant === undefined || plant.mask === 0) {
      board.fail(`an event bears ${data}, which is not watched`);
      return;
    }
    if (seen.has(plant)) board.fail(`descriptor ${plant.fd} came twice in one wait`);
    if (plant.isSpent) board.fail(`descriptor ${plant.fd} fires once, and fired again`);
    if (bits !== readyBits(plant)) board.fail(`an event has bits ${bits}; ${readyBits(plant)} are asked for and there`);
    seen.add(plant);
  }
  for (const plant of plants) {
    const isDue = (plant.mask & EDGE) === 0 && !plant.isSpent && readyBits(plant) !== 0;
    if (isDue && !seen.has(plant))
      board.fail(`descriptor ${plant.fd} is ready for ${readyBits(plant)}, and did not come`);
    if (seen.has(plant) && (plant.mask & EPOLLONESHOT) !== 0) plant.isSpent = true;
  }
}

export function* wildGarden(board: TortureBoard, place: number, random: Random, at: number): Guest<void> {
  const events = at + 32;
  const epoll = yield sys.epoll_create1(0);
  const outer = yield sys.epoll_create1(0);
  const sources: number[] = [];
  // Ever asked for, by descriptor: an interest may outlive its descriptor's number.
  const asked = new Map<number, number>();
  for (let turn = random.between(20, 120); turn > 0; turn--) {
    const r = yield* runWild(random, at, epoll, outer, sources, asked);
    board.count(place, r >= 0);
    if (!random.once(3)) continue;
    const n = yield* counted(board, place, sys.epoll_wait(epoll, events, EVENTS, 0));
    if (n < 0) board.fail(`a gardener's wait answered ${n}`);
    for (let i = 0; i < n; i++) lookAt(board, epollDataAt(events, i), epollEventsAt(events, i), asked);
  }
  // Which of them is closed first, the instance or what it watches, is chance.
  for (const fd of random.once(2) ? [epoll, outer, ...sources] : [...sources, outer, epoll]) yield sys.close(fd);
}

/** One change of a wild garden. @returns what the call answered */
function* runWild(
  random: Random,
  at: number,
  epoll: number,
  outer: number,
  sources: number[],
  asked: Map<number, number>,
): Guest {
  const choice = random.below(9);
  if (sources.length < 2 || (choice === 0 && sources.length < SOURCES)) {
    const fd = yield sys.eventfd2(random.below(2), EFD_NONBLOCK);
    if (fd >= 0) sources.push(fd);
    return fd;
  }
  const index = random.below(sources.length);
  const fd = sources[index]!;
  const mask = EPOLLIN | random.bits(EPOLLOUT | EPOLLRDHUP | EPOLLET | EPOLLONESHOT);
  storeEpollEvent(at, mask, TAG | fd);
  switch (choice) {
    case 1:
    case 2:
      asked.set(fd, (asked.get(fd) ?? 0) | mask);
      return yield sys.epoll_ctl(epoll, EPOLL_CTL_ADD, fd, at);
    case 3:
      asked.set(fd, (asked.get(fd) ?? 0) | mask);
      return yield sys.epoll_ctl(epoll, EPOLL_CTL_MOD, fd, at);
    case 4:
      return yield sys.epoll_ctl(epoll, EPOLL_CTL_DEL, fd, at);
    case 5:
      store64(at, random.below(3));
      return yield sys.write(fd, at, 8);
    case 6:
      return yield sys.read(fd, at, 8);
    case 7: {
      const copy = yield sys.dup(fd);
      if (copy >= 0) sources.push(copy);
      return copy;
    }
    default: {
      if (random.once(3)) {
        storeEpollEvent(at, EPOLLIN, 0);
        return yield sys.epoll_ctl(outer, random.once(2) ? EPOLL_CTL_ADD : EPOLL_CTL_DEL, epoll, at);
      }
      // Closed, but perhaps watched on: a design may keep what an interest holds, or a duplicate keeps it.
      sources.splice(index, 1);
      return yield sys.close(fd);
    }
  }
}

function lookAt(board: TortureBoard, data: number, bits: number, asked: ReadonlyMap<number, number>): void {
  if ((data & TAG) !== TAG) {
    board.fail(`a gardener's event bears ${data}, which it never gave`);
    return;
  }
  const mask = asked.get(data & ~TAG);
  if (mask === undefined) board.fail(`an event came for descriptor ${data & ~TAG}, which was never watched`);
  else if ((bits & ~(mask | ALWAYS)) !== 0) board.fail(`an event has bits ${bits}, and ${mask} were asked for`);
}
