/**
 * Epoll under many hands. Started by waits.ts. Two things go on at once, round by round:
 *
 *     lines     writers put tokens into sources, readers wait for them in shared instances and read each source dry
 *     gardens   gardeners add, modify, delete, duplicate, close and nest what is theirs, and look at every event
 *
 * What is held against the machine: every token that was written is read, so no readiness is lost for good; an event
 * bears the data of something that was watched, and no bit that nobody asked for; an interest that fires once is
 * delivered at most as often as it was armed. A reader always reads until nothing is left, so that edges suffice.
 */
import {
  alloc,
  atomicAdd32,
  atomicLoad32,
  atomicStore32,
  dataSegment,
  EAGAIN,
  EFD_NONBLOCK,
  EINTR,
  EPOLL_CTL_ADD,
  EPOLL_CTL_MOD,
  EPOLLERR,
  EPOLLET,
  EPOLLHUP,
  EPOLLIN,
  EPOLLONESHOT,
  epollDataAt,
  epollEventsAt,
  type Guest,
  join,
  load32,
  O_NONBLOCK,
  SOCK_NONBLOCK,
  startThread,
  store32,
  store64,
  storeEpollEvent,
  sys,
  type Thread,
} from '../programs/libc/index.ts';
import { TortureBoard } from '../programs/torture/board.ts';
import { plainGarden, wildGarden } from '../programs/torture/gardens.ts';
import { Random } from '../programs/torture/random.ts';

export interface EpollTortureOptions {
  readonly board: SharedArrayBuffer;
  readonly seed: number;
  readonly cpus: number;
  readonly roundMs: number;
  /** The design answers as Linux does where one thread looks at what it has done itself. */
  readonly isExact: boolean;
  /** The design looks at EPOLLONESHOT. */
  readonly disarms: boolean;
}

/** Words of a line. */
const READ_FD = 0;
const WRITE_FD = 4;
const EPOLL_FD = 8;
const MODE = 12;
const WRITTEN = 16;
const READ = 20;
/** Of one that fires once: how often it was armed, and delivered. */
const ARMED = 24;
const DELIVERED = 28;
/** An eventfd's tokens come together. */
const IS_COUNTER = 32;
const LINE_BYTES = 40;

/** What lines are watched for. */
const MODES: readonly number[] = [EPOLLIN, EPOLLIN | EPOLLONESHOT, EPOLLIN | EPOLLET, EPOLLIN | EPOLLET | EPOLLONESHOT];

const INSTANCES = 3;
const LINES = 12;
const READERS = 6;
const WRITERS = 4;
const GARDENERS = 4;
const EVENTS = 8;
const READ_TIMEOUT_MS = 20;
const ALL_READ_LIMIT = 4000;

/** The data segment: where the lines lie, and whether a round is over for writers, and for readers. */
const LINES_AT = 0;
const WRITING_OVER = 4;
const READING_OVER = 8;

const ALWAYS = EPOLLERR | EPOLLHUP;

function lineAt(index: number): number {
  return load32(dataSegment() + LINES_AT) + index * LINE_BYTES;
}

/** Scratch of each thread behind the lines: an event or a token, then room for events. */
const SCRATCH_BYTES = 192;
function scratchAt(place: number): number {
  return lineAt(LINES) + place * SCRATCH_BYTES;
}

function* openLine(line: number, index: number, epolls: readonly number[]): Guest<void> {
  const pair = scratchAt(0);
  const kind = index % 3;
  if (kind === 0) {
    const fd = yield sys.eventfd2(0, EFD_NONBLOCK);
    store32(line + READ_FD, fd);
    store32(line + WRITE_FD, fd);
  } else {
    yield kind === 1 ? sys.pipe2(pair, O_NONBLOCK) : sys.socketpair(1, 1 | SOCK_NONBLOCK, 0, pair);
    store32(line + READ_FD, load32(pair));
    store32(line + WRITE_FD, load32(pair + 4));
  }
  const mode = Math.floor(index / 3) % MODES.length;
  const epoll = epolls[index % epolls.length]!;
  store32(line + EPOLL_FD, epoll);
  store32(line + MODE, mode);
  store32(line + IS_COUNTER, kind === 0 ? 1 : 0);
  for (const word of [WRITTEN, READ, DELIVERED]) atomicStore32(line + word, 0);
  atomicStore32(line + ARMED, 1);
  storeEpollEvent(pair, MODES[mode]!, index);
  yield sys.epoll_ctl(epoll, EPOLL_CTL_ADD, load32(line + READ_FD), pair);
}

function firesOnce(line: number): boolean {
  return (MODES[load32(line + MODE)]! & EPOLLONESHOT) !== 0;
}

export function* writer(place: number, options: EpollTortureOptions): Guest {
  const board = new TortureBoard(options.board);
  const random = new Random(options.seed, place + board.operationsOf(place));
  const token = scratchAt(place);
  board.begin(place);
  while (atomicLoad32(dataSegment() + WRITING_OVER) === 0) {
    const line = lineAt(random.below(LINES));
    const bytes = load32(line + IS_COUNTER) === 1 ? 8 : 1;
    store64(token, 1);
    atomicAdd32(line + WRITTEN, 1);
    const n = yield sys.write(load32(line + WRITE_FD), token, bytes);
    if (n !== bytes) atomicAdd32(line + WRITTEN, -1);
    board.count(place, n === bytes);
    if (n < 0 && n !== -EAGAIN) board.fail(`a write answered ${n}`);
    if (n === -EAGAIN || random.once(20)) yield sys.sched_yield();
  }
  board.end(place);
  return 0;
}

export function* reader(place: number, options: EpollTortureOptions): Guest {
  const board = new TortureBoard(options.board);
  const random = new Random(options.seed, place + board.operationsOf(place));
  const at = scratchAt(place);
  const events = at + 32;
  board.begin(place);
  while (atomicLoad32(dataSegment() + READING_OVER) === 0) {
    const epoll = load32(lineAt(random.below(INSTANCES)) + EPOLL_FD);
    const max = random.between(1, EVENTS);
    const n = yield sys.epoll_wait(epoll, events, max, READ_TIMEOUT_MS);
    board.count(place, n > 0);
    if (n < 0 && n !== -EINTR) board.fail(`a wait answered ${n}`);
    if (n > max) board.fail(`a wait for ${max} events answered ${n}`);
    for (let i = 0; i < n; i++) {
      const index = epollDataAt(events, i);
      const bits = epollEventsAt(events, i);
      if (index < 0 || index >= LINES) board.fail(`an event bears ${index}, which nobody gave`);
      else if ((bits & ~(EPOLLIN | ALWAYS)) !== 0)
        board.fail(`an event has bits ${bits.toString(16)}, asked for was 1`);
      else yield* readDry(board, lineAt(index), at, index, options.disarms);
    }
  }
  board.end(place);
  return 0;
}

/** Reads until nothing is left, and arms again what fires once. */
function* readDry(board: TortureBoard, line: number, at: number, index: number, disarms: boolean): Guest<void> {
  if (firesOnce(line)) {
    const delivered = atomicAdd32(line + DELIVERED, 1) + 1;
    const armed = atomicLoad32(line + ARMED);
    if (disarms && delivered > armed)
      board.fail(`line ${index} was armed ${armed} times, and delivered ${delivered} times`);
  }
  for (;;) {
    const n = yield sys.read(load32(line + READ_FD), at, 8);
    if (n === -EAGAIN) break;
    if (n < 0) {
      board.fail(`a read answered ${n}`);
      return;
    }
    atomicAdd32(line + READ, load32(line + IS_COUNTER) === 1 ? load32(at) : n);
  }
  if (!firesOnce(line)) return;
  atomicAdd32(line + ARMED, 1);
  storeEpollEvent(at, MODES[load32(line + MODE)]!, index);
  const r = yield sys.epoll_ctl(load32(line + EPOLL_FD), EPOLL_CTL_MOD, load32(line + READ_FD), at);
  if (r !== 0) board.fail(`arming line ${index} again answered ${r}`);
}

/** Has instances and sources of its own; what others do meanwhile must not show in what it sees. */
export function* gardener(place: number, options: EpollTortureOptions): Guest {
  const board = new TortureBoard(options.board);
  const random = new Random(options.seed, place + board.operationsOf(place));
  const at = scratchAt(place);
  board.begin(place);
  while (atomicLoad32(dataSegment() + READING_OVER) === 0) {
    const exact = options.isExact && random.once(2);
    yield* exact ? plainGarden(board, place, random, at) : wildGarden(board, place, random, at);
  }
  board.end(place);
  return 0;
}

function* round(options: EpollTortureOptions, turn: number): Guest<void> {
  const board = new TortureBoard(options.board);
  atomicStore32(dataSegment() + WRITING_OVER, 0);
  atomicStore32(dataSegment() + READING_OVER, 0);
  const epolls: number[] = [];
  for (let i = 0; i < INSTANCES; i++) epolls.push(yield sys.epoll_create1(0));
  for (let index = 0; index < LINES; index++) yield* openLine(lineAt(index), index, epolls);
  const writers: Thread[] = [];
  const readers: Thread[] = [];
  for (let place = 0; place < WRITERS + READERS + GARDENERS; place++) {
    const start = place < WRITERS ? writer : place < WRITERS + READERS ? reader : gardener;
    const thread = yield* startThread(start, place, (place + turn) % options.cpus);
    (place < WRITERS ? writers : readers).push(thread);
  }
  const pause = scratchAt(WRITERS + READERS + GARDENERS);
  store64(pause, 0);
  store64(pause + 8, 2_000_000);
  for (let waited = 0; waited < options.roundMs && !board.stopped; waited += 2) yield sys.nanosleep(pause, 0);
  atomicStore32(dataSegment() + WRITING_OVER, 1);
  for (const thread of writers) yield* join(thread);
  for (let tries = 0; tries < ALL_READ_LIMIT && board.failures === 0 && !allRead(); tries++)
    yield sys.nanosleep(pause, 0);
  for (let index = 0; index < LINES; index++) {
    const line = lineAt(index);
    const [written, read] = [atomicLoad32(line + WRITTEN), atomicLoad32(line + READ)];
    if (written !== read && board.failures === 0) {
      board.fail(`line ${index} (mode ${load32(line + MODE)}): ${written} tokens were written, and ${read} were read`);
    }
  }
  atomicStore32(dataSegment() + READING_OVER, 1);
  for (const thread of readers) yield* join(thread);
  for (const epoll of epolls) yield sys.close(epoll);
  for (let index = 0; index < LINES; index++) {
    const line = lineAt(index);
    yield sys.close(load32(line + READ_FD));
    if (load32(line + IS_COUNTER) === 0) yield sys.close(load32(line + WRITE_FD));
  }
}

function allRead(): boolean {
  for (let index = 0; index < LINES; index++) {
    const line = lineAt(index);
    if (atomicLoad32(line + WRITTEN) !== atomicLoad32(line + READ)) return false;
  }
  return true;
}

export function* main(_: number, options: EpollTortureOptions): Guest {
  const board = new TortureBoard(options.board);
  store32(dataSegment() + LINES_AT, alloc(LINES * LINE_BYTES + (WRITERS + READERS + GARDENERS + 1) * SCRATCH_BYTES));
  for (let turn = 0; !board.stopped; turn++) yield* round(options, turn);
  return 0;
}
