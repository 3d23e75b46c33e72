/**
 * Sleepers and wakers: threads that post tokens and threads that take them, through everything that a wait queue stands
 * behind. Started by waits.ts.
 *
 *     round   new channels, new threads; posting for a while; then as many tokens more as there are takers
 *
 * Tokens are numbered as they are taken, and who takes one of the last numbers ends. So all takers end if, and only if,
 * no token was lost or doubled and nobody slept through the arrival of one. In every second round signals interrupt the
 * takers; in the others nothing wakes them but the tokens, and nothing is armed while they are waited for: who sleeps
 * for ever then makes the machine a deadlock.
 */
import {
  alloc,
  allocTimespec,
  atomicAdd32,
  atomicLoad32,
  atomicStore32,
  compareExchange32,
  dataSegment,
  EAGAIN,
  EFD_NONBLOCK,
  EFD_SEMAPHORE,
  EINTR,
  EPOLL_CTL_ADD,
  EPOLLIN,
  ETIMEDOUT,
  F_SETPIPE_SZ,
  FUTEX_PRIVATE_FLAG,
  FUTEX_WAIT,
  FUTEX_WAKE,
  type Guest,
  join,
  load32,
  SIGUSR1,
  sigaction,
  startThread,
  store32,
  store64,
  storeEpollEvent,
  storeTimespec,
  sys,
  type Thread,
  trap,
} from '../programs/libc/index.ts';
import { TortureBoard } from '../programs/torture/board.ts';
import { Random } from '../programs/torture/random.ts';

export interface WaitTortureOptions {
  readonly board: SharedArrayBuffer;
  readonly seed: number;
  readonly cpus: number;
  readonly roundMs: number;
}

/** Words of a channel, and of a round. */
const KIND = 0;
const READ_FD = 4;
const WRITE_FD = 8;
/** Tokens that were posted, or are about to be; and taken. */
const POSTED = 12;
const TAKEN = 16;
/** What was posted before the last ones; -1 until that is known. */
const TOTAL = 20;
const WORD = 24;
const SLEEPERS = 28;
const OVER = 32;
const CHANNEL_BYTES = 40;

const SEMAPHORE = 0;
const PIPE = 1;
const FUTEX = 2;
const POLLED = 3;
const EPOLLED = 4;
const SOCKET = 5;
const KINDS = 6;

const POSTERS = 2;
const TAKERS = 3;
const THREADS = POSTERS + TAKERS;
const SIGNAL_PAUSE_NS = 300_000;

export function* onInterrupt(): Guest {
  yield sys.gettid();
  return 0;
}

function boardOf(options: WaitTortureOptions): TortureBoard {
  return new TortureBoard(options.board);
}

/** The channels, and then scratch for each thread, lie where main put them: the data segment says where. */
function channelAt(index: number): number {
  return load32(dataSegment()) + index * CHANNEL_BYTES;
}
function scratchAt(argument: number): number {
  return load32(dataSegment()) + KINDS * CHANNEL_BYTES + argument * SCRATCH_BYTES;
}
const SCRATCH_BYTES = 64;

/** @returns 0, or what went wrong */
function* post(ch: number, message: number): Guest {
  if (load32(ch + KIND) === FUTEX) {
    atomicAdd32(ch + WORD, 1);
    if (atomicLoad32(ch + SLEEPERS) > 0) yield sys.futex(ch + WORD, FUTEX_WAKE | FUTEX_PRIVATE_FLAG, 1, 0, 0, 0);
    return 0;
  }
  const bytes = isOfBytes(ch) ? 1 : 8;
  for (;;) {
    const n = yield sys.write(load32(ch + WRITE_FD), message, bytes);
    if (n === bytes) return 0;
    if (n !== -EINTR && n !== -EAGAIN) return n;
    yield sys.sched_yield();
  }
}

function isOfBytes(ch: number): boolean {
  const kind = load32(ch + KIND);
  return kind === PIPE || kind === SOCKET;
}

/** Waits until there is a token, and takes it, or several. @returns how many; 0: it was interrupted; negative: an error */
function* take(ch: number, buffer: number, entry: number, epoll: number, timeout: number): Guest {
  const kind = load32(ch + KIND);
  if (kind === FUTEX) return yield* takeByFutex(ch, timeout);
  if (kind === POLLED || kind === EPOLLED) {
    store64(entry, BigInt(load32(ch + READ_FD)) | (BigInt(EPOLLIN) << 32n));
    const ready = yield kind === POLLED ? sys.poll(entry, 1, -1) : sys.epoll_wait(epoll, entry, 1, -1);
    if (ready < 0) return ready === -EINTR ? 0 : ready;
  }
  const n = yield sys.read(load32(ch + READ_FD), buffer, 8);
  if (n === -EINTR || n === -EAGAIN) return 0;
  if (n < 0) return n;
  // A stream gives what is there: as many tokens as bytes.
  return isOfBytes(ch) ? n : load32(buffer);
}

function* takeByFutex(ch: number, timeout: number): Guest {
  for (;;) {
    const value = atomicLoad32(ch + WORD);
    if (value > 0) {
      if (compareExchange32(ch + WORD, value, value - 1) === value) return 1;
      continue;
    }
    atomicAdd32(ch + SLEEPERS, 1);
    const r = yield sys.futex(ch + WORD, FUTEX_WAIT | FUTEX_PRIVATE_FLAG, 0, timeout, 0, 0);
    atomicAdd32(ch + SLEEPERS, -1);
    if (r === -EINTR || r === -ETIMEDOUT) return 0;
    if (r !== 0 && r !== -EAGAIN) return r;
  }
}

export function* poster(argument: number, options: WaitTortureOptions): Guest {
  const board = boardOf(options);
  const random = new Random(options.seed, argument + 1000 * board.operationsOf(argument));
  const ch = channelAt(Math.floor(argument / THREADS));
  const message = scratchAt(argument);
  store64(message, 1);
  board.begin(argument);
  while (atomicLoad32(ch + OVER) === 0) {
    // Mostly so few that takers have to wait; now and then so many that a poster has to.
    for (let burst = random.once(10) ? 60 : random.between(1, 3); burst > 0; burst--) {
      atomicAdd32(ch + POSTED, 1);
      const r = yield* post(ch, message);
      board.count(argument, r === 0);
      if (r !== 0) board.fail(`channel of kind ${load32(ch + KIND)}: posting answered ${r}`);
    }
    yield sys.sched_yield();
  }
  board.end(argument);
  return 0;
}

export function* taker(argument: number, options: WaitTortureOptions): Guest {
  const board = boardOf(options);
  const random = new Random(options.seed, argument + 1000 * board.operationsOf(argument));
  const ch = channelAt(Math.floor(argument / THREADS));
  const buffer = scratchAt(argument);
  const entry = buffer + 8;
  const timeout = buffer + 40;
  const kind = load32(ch + KIND);
  const epoll = kind === EPOLLED ? yield sys.epoll_create1(0) : -1;
  if (epoll >= 0) {
    storeEpollEvent(entry, EPOLLIN, 1);
    yield sys.epoll_ctl(epoll, EPOLL_CTL_ADD, load32(ch + READ_FD), entry);
  }
  board.begin(argument);
  for (;;) {
    storeTimespec(timeout, random.between(1, 2_000_000));
    const isShort = kind === FUTEX && random.once(8) && atomicLoad32(ch + TOTAL) < 0;
    const n = yield* take(ch, buffer, entry, epoll, isShort ? timeout : 0);
    board.count(argument, n > 0);
    if (n < 0) board.fail(`channel of kind ${kind}: taking answered ${n}`);
    if (n < 0) break;
    if (n === 0) continue;
    const first = atomicAdd32(ch + TAKEN, n);
    const total = atomicLoad32(ch + TOTAL);
    if (total < 0 && first + n > atomicLoad32(ch + POSTED)) {
      board.fail(`channel of kind ${kind}: token ${first + n} was taken, and ${atomicLoad32(ch + POSTED)} were posted`);
    }
    const last = total < 0 ? 0 : first + n - Math.max(total, first);
    if (last <= 0) continue;
    // Of the last ones each taker gets one; who was given more passes them on.
    if (last > 1) yield* giveBack(ch, buffer, last - 1);
    break;
  }
  if (epoll >= 0) yield sys.close(epoll);
  board.end(argument);
  return 0;
}

function* giveBack(ch: number, buffer: number, count: number): Guest<void> {
  atomicAdd32(ch + TAKEN, -count);
  store64(buffer, 1);
  for (let i = 0; i < count; i++) yield* post(ch, buffer);
}

function* openChannel(ch: number, kind: number): Guest<void> {
  const pair = alloc(8);
  store32(ch + KIND, kind);
  for (const word of [POSTED, TAKEN, WORD, SLEEPERS, OVER]) atomicStore32(ch + word, 0);
  atomicStore32(ch + TOTAL, -1);
  if (kind === FUTEX) return;
  if (kind === PIPE || kind === SOCKET) {
    yield kind === PIPE ? sys.pipe2(pair, 0) : sys.socketpair(1, 1, 0, pair);
    store32(ch + READ_FD, load32(pair));
    store32(ch + WRITE_FD, load32(pair + 4));
    // So small that posters wait as well.
    if (kind === PIPE) yield sys.fcntl(load32(pair), F_SETPIPE_SZ, 4096);
    return;
  }
  const fd = yield sys.eventfd2(0, kind === SEMAPHORE ? EFD_SEMAPHORE : EFD_NONBLOCK);
  store32(ch + READ_FD, fd);
  store32(ch + WRITE_FD, fd);
}

function* closeChannel(ch: number): Guest<void> {
  const kind = load32(ch + KIND);
  if (kind === FUTEX) return;
  yield sys.close(load32(ch + READ_FD));
  if (isOfBytes(ch)) yield sys.close(load32(ch + WRITE_FD));
}

/** One round of all channels. */
function* round(options: WaitTortureOptions, noisy: boolean): Guest<void> {
  const board = boardOf(options);
  const posters: Thread[] = [];
  const takers: Thread[] = [];
  for (let kind = 0; kind < KINDS; kind++) yield* openChannel(channelAt(kind), kind);
  for (let channel = 0; channel < KINDS; channel++) {
    for (let thread = 0; thread < THREADS; thread++) {
      // Which thread of which channel: one number, as a thread gets one.
      const argument = channel * THREADS + thread;
      const isPoster = thread < POSTERS;
      const started = yield* startThread(isPoster ? poster : taker, argument, argument % options.cpus);
      (isPoster ? posters : takers).push(started);
    }
  }
  yield* letThemWork(options, noisy ? takers : []);
  for (let kind = 0; kind < KINDS; kind++) atomicStore32(channelAt(kind) + OVER, 1);
  for (const thread of posters) yield* join(thread);
  const message = alloc(8);
  store64(message, 1);
  for (let kind = 0; kind < KINDS; kind++) {
    const ch = channelAt(kind);
    const posted = atomicLoad32(ch + POSTED);
    atomicAdd32(ch + POSTED, TAKERS);
    atomicStore32(ch + TOTAL, posted);
    for (let i = 0; i < TAKERS; i++) yield* post(ch, message);
  }
  for (const thread of takers) yield* join(thread);
  for (let kind = 0; kind < KINDS; kind++) {
    const ch = channelAt(kind);
    const [posted, taken] = [atomicLoad32(ch + POSTED), atomicLoad32(ch + TAKEN)];
    if (posted !== taken) board.fail(`channel of kind ${kind}: ${posted} tokens were posted, and ${taken} taken`);
    yield* closeChannel(ch);
  }
}

/** The time of a round; noisy ones interrupt the takers. */
function* letThemWork(options: WaitTortureOptions, interrupted: readonly Thread[]): Guest<void> {
  const board = boardOf(options);
  const random = new Random(options.seed, 77);
  const pause = allocTimespec(interrupted.length > 0 ? SIGNAL_PAUSE_NS : 5e6);
  const turns = Math.ceil((options.roundMs * 1e6) / (interrupted.length > 0 ? SIGNAL_PAUSE_NS : 5e6));
  for (let turn = 0; turn < turns && !board.stopped; turn++) {
    yield sys.nanosleep(pause, 0);
    if (interrupted.length === 0) continue;
    const target = random.pick(interrupted);
    if (atomicLoad32(target.aliveAt) !== 0) yield sys.tgkill(trap.pid, target.tid, SIGUSR1);
  }
}

export function* main(_: number, options: WaitTortureOptions): Guest {
  const board = boardOf(options);
  store32(dataSegment(), alloc(KINDS * (CHANNEL_BYTES + THREADS * SCRATCH_BYTES)));
  yield* sigaction(SIGUSR1, onInterrupt);
  for (let turn = 0; !board.stopped; turn++) yield* round(options, turn % 2 === 1);
  return 0;
}
