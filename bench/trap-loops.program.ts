/**
 * The guest side of `bench syscall basic` and of the scans of `bench epoll repoll`: one entry for each benchmark, run as
 * a process of its own for each sample, on CPU 0. The C programs in bench/host do the same on the host.
 *
 * Each entry times its own loop with the host's clock and traps only inside it. The loops stand in the entries
 * themselves: a shared helper would be reached through `yield*`, which costs more than some of the calls measured here.
 */

import { type BenchArguments, BenchBoard } from '../src/bench/board.ts';
import {
  alloc,
  EFD_NONBLOCK,
  EPOLL_CTL_ADD,
  EPOLL_CTL_DEL,
  EPOLL_CTL_MOD,
  EPOLLET,
  EPOLLIN,
  type Guest,
  load32,
  POLLIN,
  SIGUSR1,
  sigaction,
  store16,
  store32,
  store64,
  storeEpollEvent,
  sys,
  trap,
} from '../src/programs/libc/index.ts';

/** As many interests as the C program controls. */
const CONTROLLED_FDS = 64;
const EVENTS_MAX = 64;
const POLLFD_BYTES = 8;

function nowNs(): number {
  return performance.now() * 1e6;
}

/** Ends a sample: the process's exit code says whether the board can be believed. */
function finish(board: BenchBoard, startNs: number, wrong: number, counted = 0): number {
  const totalNs = nowNs() - startNs;
  if (wrong === 0) board.finish(totalNs, counted);
  else board.fail(wrong);
  return wrong === 0 ? 0 : 1;
}

export function* getpid(_argument: number, argv: BenchArguments): Guest {
  const board = new BenchBoard(argv.board);
  const { iterations } = board.read();
  let wrong = 0;
  const pid = trap.pid;
  const startNs = nowNs();
  for (let i = 0; i < iterations; i++) wrong |= (yield sys.getpid()) ^ pid;
  return finish(board, startNs, wrong);
}

export function* getppid(_argument: number, argv: BenchArguments): Guest {
  const board = new BenchBoard(argv.board);
  const { iterations } = board.read();
  let wrong = 0;
  const parent = yield sys.getppid();
  const startNs = nowNs();
  for (let i = 0; i < iterations; i++) wrong |= (yield sys.getppid()) ^ parent;
  return finish(board, startNs, wrong);
}

export function* gettid(_argument: number, argv: BenchArguments): Guest {
  const board = new BenchBoard(argv.board);
  const { iterations } = board.read();
  let wrong = 0;
  const tid = trap.tid;
  const startNs = nowNs();
  for (let i = 0; i < iterations; i++) wrong |= (yield sys.gettid()) ^ tid;
  return finish(board, startNs, wrong);
}

export function* eventfdWriteRead(_argument: number, argv: BenchArguments): Guest {
  const board = new BenchBoard(argv.board);
  const { iterations } = board.read();
  const fd = yield sys.eventfd2(0, 0);
  const value = alloc(8);
  store64(value, 1n);
  let wrong = 0;
  const startNs = nowNs();
  for (let i = 0; i < iterations; i++) {
    wrong |= (yield sys.write(fd, value, 8)) ^ 8;
    wrong |= (yield sys.read(fd, value, 8)) ^ 8;
  }
  return finish(board, startNs, wrong);
}

export function* pipeWriteRead(_argument: number, argv: BenchArguments): Guest {
  const board = new BenchBoard(argv.board);
  const { iterations, bytes } = board.read();
  const ends = alloc(8);
  yield sys.pipe2(ends, 0);
  const reader = load32(ends);
  const writer = load32(ends + 4);
  const buffer = alloc(bytes);
  let wrong = 0;
  const startNs = nowNs();
  for (let i = 0; i < iterations; i++) {
    wrong |= (yield sys.write(writer, buffer, bytes)) ^ bytes;
    wrong |= (yield sys.read(reader, buffer, bytes)) ^ bytes;
  }
  return finish(board, startNs, wrong);
}

/**
 * eventfds, the first `ready` of them readable, watched by an epoll instance. With `edge` each of those is written to
 * before each wait: for designs that tell of what is ready once.
 */
export function* epollWait(_argument: number, argv: BenchArguments): Guest {
  const board = new BenchBoard(argv.board);
  const { iterations, fds, ready, edge, counter } = board.read();
  const counters = new Float64Array(trap.memory);
  const epoll = yield sys.epoll_create1(0);
  const event = alloc(16);
  const written: number[] = [];
  for (let i = 0; i < fds; i++) {
    const fd = yield sys.eventfd2(i < ready ? 1 : 0, EFD_NONBLOCK);
    storeEpollEvent(event, edge === 0 ? EPOLLIN : EPOLLIN | EPOLLET, fd);
    const added = yield sys.epoll_ctl(epoll, EPOLL_CTL_ADD, fd, event);
    if (added < 0) return finish(board, nowNs(), added);
    if (edge !== 0 && i < ready) written.push(fd);
  }
  const events = alloc(16 * EVENTS_MAX);
  const value = alloc(8);
  store64(value, 1n);
  let wrong = 0;
  const before = counters[counter]!;
  const startNs = nowNs();
  for (let i = 0; i < iterations; i++) {
    for (let k = 0; k < written.length; k++) wrong |= (yield sys.write(written[k]!, value, 8)) ^ 8;
    wrong |= (yield sys.epoll_wait(epoll, events, EVENTS_MAX, 0)) ^ ready;
  }
  return finish(board, startNs, wrong, counters[counter]! - before);
}

export function* poll(_argument: number, argv: BenchArguments): Guest {
  const board = new BenchBoard(argv.board);
  const { iterations, fds, ready } = board.read();
  const polled = alloc(fds * POLLFD_BYTES);
  for (let i = 0; i < fds; i++) {
    const fd = yield sys.eventfd2(i < ready ? 1 : 0, EFD_NONBLOCK);
    if (fd < 0) return finish(board, nowNs(), fd);
    store32(polled + i * POLLFD_BYTES, fd);
    store16(polled + i * POLLFD_BYTES + 4, POLLIN);
  }
  let wrong = 0;
  const startNs = nowNs();
  for (let i = 0; i < iterations; i++) wrong |= (yield sys.poll(polled, fds, 0)) ^ ready;
  return finish(board, startNs, wrong);
}

/**
 * As the C program: batches of one operation, the opposite of which is done outside the time, or of all three. `fds` are
 * watched at most, those that are controlled among them.
 */
export function* epollCtl(_argument: number, argv: BenchArguments): Guest {
  const board = new BenchBoard(argv.board);
  const { iterations, op, fds: watched, counter } = board.read();
  const counters = new Float64Array(trap.memory);
  const epoll = yield sys.epoll_create1(0);
  const event = alloc(16);
  storeEpollEvent(event, EPOLLIN, 0);
  for (let i = CONTROLLED_FDS; i < watched; i++) {
    const added = yield sys.epoll_ctl(epoll, EPOLL_CTL_ADD, yield sys.eventfd2(0, EFD_NONBLOCK), event);
    if (added < 0) return finish(board, nowNs(), added);
  }
  const fds: number[] = [];
  const isWatched = op === EPOLL_CTL_DEL || op === EPOLL_CTL_MOD;
  for (let i = 0; i < CONTROLLED_FDS; i++) {
    const fd = yield sys.eventfd2(0, EFD_NONBLOCK);
    fds.push(fd);
    if (isWatched) yield sys.epoll_ctl(epoll, EPOLL_CTL_ADD, fd, event);
  }
  const operations = op === 0 ? [EPOLL_CTL_ADD, EPOLL_CTL_MOD, EPOLL_CTL_DEL] : [op];
  const opposite = op === EPOLL_CTL_ADD ? EPOLL_CTL_DEL : EPOLL_CTL_ADD;
  let wrong = 0;
  let totalNs = 0;
  let counted = 0;
  for (let done = 0; done < iterations; done += CONTROLLED_FDS) {
    const batch = Math.min(CONTROLLED_FDS, iterations - done);
    const before = counters[counter]!;
    const startNs = nowNs();
    for (let each = 0; each < operations.length; each++) {
      const operation = operations[each]!;
      for (let i = 0; i < batch; i++) wrong |= yield sys.epoll_ctl(epoll, operation, fds[i]!, event);
    }
    totalNs += nowNs() - startNs;
    counted += counters[counter]! - before;
    if (op === 0 || op === EPOLL_CTL_MOD) continue;
    for (let i = 0; i < batch; i++) yield sys.epoll_ctl(epoll, opposite, fds[i]!, event);
  }
  return finish(board, nowNs() - totalNs, wrong, counted);
}

export function* schedYield(_argument: number, argv: BenchArguments): Guest {
  const board = new BenchBoard(argv.board);
  const { iterations } = board.read();
  let wrong = 0;
  const startNs = nowNs();
  for (let i = 0; i < iterations; i++) wrong |= yield sys.sched_yield();
  return finish(board, startNs, wrong);
}

/** JavaScript state, which the handler and its task share: they run on one CPU. */
let delivered = 0;

// biome-ignore lint/correctness/useYield: a handler is a generator; this one makes no system call
export function* countDelivery(_signal: number): Guest {
  delivered++;
  return 0;
}

export function* signalDelivery(_argument: number, argv: BenchArguments): Guest {
  const board = new BenchBoard(argv.board);
  const { iterations } = board.read();
  yield* sigaction(SIGUSR1, countDelivery);
  const { pid, tid } = trap;
  delivered = 0;
  let wrong = 0;
  const startNs = nowNs();
  for (let i = 0; i < iterations; i++) wrong |= yield sys.tgkill(pid, tid, SIGUSR1);
  return finish(board, startNs, wrong | (delivered ^ iterations));
}
