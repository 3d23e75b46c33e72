/**
 * A line server on an event loop in the manner of libuv. Timers, a thread pool, an async from other threads and a signal
 * meet in one loop, which is a library of its own, src/programs/event-loop; this is how a program uses it.
 *
 *     smplab run event-loop --set clients=4 --set lines=30 --set threads=2 --set signals=self-pipe
 *
 * A client sends numbered lines, several at a time, and checks what comes back, in whatever order:
 *
 *     7 echo hello   ──▶  7 hello       at once
 *     8 after 3      ──▶  8 after 3     3 ms later, by a timer
 *     9 sum 1000     ──▶  9 500500      from the thread pool
 *
 * The last client sends SIGTERM to its own process; the server lets go of everything, and the loop ends by itself.
 */
import {
  Asyncs,
  closeLoop,
  type Loop,
  openLoop,
  openPool,
  type Pool,
  Signals,
  type SignalWay,
  sendAsync,
  Stream,
} from './event-loop/index.ts';
import {
  abstractAddress,
  AF_UNIX,
  alloc,
  atomicAdd32,
  atomicLoad32,
  check,
  duration,
  EAGAIN,
  EPOLLIN,
  type Guest,
  join,
  load32,
  loadString,
  monotonicNs,
  printFigures,
  SIGTERM,
  SOCK_NONBLOCK,
  SOCK_STREAM,
  startThread,
  store32,
  storeString,
  sys,
  type Thread,
  trap,
  writeAll,
} from './libc/index.ts';

// What the library starts by its place among the exports.
export { onPipedSignal, poolThread } from './event-loop/index.ts';

export interface EventLoopOptions {
  readonly clients?: number;
  /** Lines that each client sends. */
  readonly lines?: number;
  /** Lines that a client has under way at a time. */
  readonly depth?: number;
  /** Threads of the pool. */
  readonly threads?: number;
  readonly signals?: SignalWay;
}

const NAME = 'smplab-event-loop';
const HEARTBEAT_NS = 2e6;
const IDLE_TURNS = 3;
/** Additions between two yields. */
const SHARE = 1000;

/** What all threads share. */
const LINES = 0;
const DEPTH = 4;
const CLIENTS_LEFT = 8;
const ANSWERED = 12;
const WRONG = 16;
const PROGRESS = 20;
const SHARED_BYTES = 24;

/**
 * Work of the pool: 1 + 2 + ... + n, the long way. A task gives up its CPU at system calls only, so long work makes one now
 * and then.
 */
export function* sum(n: number): Guest {
  let total = 0;
  for (let i = 1; i <= n; i++) {
    total += i;
    if (i % SHARE === 0) yield sys.sched_yield();
  }
  return total;
}

/** The line with number i, and what must come back. */
function exchange(i: number): readonly [line: string, answer: string] {
  if (i % 3 === 0) return [`${i} echo hello`, `${i} hello`];
  if (i % 3 === 1) return [`${i} after ${1 + (i % 5)}`, `${i} after ${1 + (i % 5)}`];
  return [`${i} sum ${i * 100}`, `${i} ${(i * 100 * (i * 100 + 1)) / 2}`];
}

export function* client(shared: number): Guest {
  const lines = load32(shared + LINES);
  const depth = load32(shared + DEPTH);
  const { at, length } = abstractAddress(NAME);
  const fd = check(yield sys.socket(AF_UNIX, SOCK_STREAM, 0), 'socket');
  check(yield sys.connect(fd, at, length), 'connect');
  const buffer = alloc(4096);
  const awaited = new Set<string>();
  let sent = 0;
  let rest = '';
  while (sent < lines || awaited.size > 0) {
    for (; sent < lines && awaited.size < depth; sent++) {
      const [line, answer] = exchange(sent);
      awaited.add(answer);
      check(yield* writeAll(fd, buffer, storeString(buffer, `${line}\n`)), 'write');
    }
    const n = check(yield sys.read(fd, buffer, 4096), 'read');
    if (n === 0) break;
    const answers = (rest + loadString(buffer, n)).split('\n');
    rest = answers.pop()!;
    for (const answer of answers) {
      if (!awaited.delete(answer)) atomicAdd32(shared + WRONG, 1);
      atomicAdd32(shared + ANSWERED, 1);
    }
    yield* sendAsync(load32(shared + PROGRESS));
  }
  atomicAdd32(shared + WRONG, awaited.size);
  yield sys.close(fd);
  if (atomicAdd32(shared + CLIENTS_LEFT, -1) === 1) check(yield sys.kill(trap.pid, SIGTERM), 'kill');
  return 0;
}

/** What the server keeps of its life. */
interface Server {
  readonly loop: Loop;
  readonly pool: Pool;
  readonly streams: Set<Stream>;
  early: number;
}

function* acceptAll(server: Server, listener: number): Guest<void> {
  for (;;) {
    const fd = yield sys.accept4(listener, 0, 0, SOCK_NONBLOCK);
    if (fd === -EAGAIN) return;
    const stream = new Stream(server.loop, check(fd, 'accept4'));
    server.streams.add(stream);
    let rest = '';
    const decoder = new TextDecoder();
    yield* stream.read(function* (data) {
      if (data === undefined) {
        server.streams.delete(stream);
        yield* stream.close();
        return;
      }
      const lines = (rest + decoder.decode(data)).split('\n');
      rest = lines.pop()!;
      for (const line of lines) yield* answer(server, stream, line);
    });
  }
}

function* answer(server: Server, stream: Stream, line: string): Guest<void> {
  const [id, verb, word] = line.split(' ');
  const reply = (text: string): Guest<void> => stream.write(new TextEncoder().encode(`${id} ${text}\n`));
  if (verb === 'echo') {
    yield* reply(word!);
  } else if (verb === 'after') {
    const askedNs = yield* monotonicNs();
    const waitNs = Number(word) * 1e6;
    // From now, and not from the beginning of the turn, or time spent in it would be taken off.
    yield* server.loop.updateTime();
    server.loop.startTimer(waitNs, function* () {
      if ((yield* monotonicNs()) < askedNs + waitNs) server.early++;
      yield* reply(`after ${word}`);
    });
  } else {
    yield* server.pool.start(sum, Number(word), (total) => reply(String(total)));
  }
}

export function* main(_argument: number, options: EventLoopOptions | undefined): Guest {
  const { clients = 4, lines = 30, depth = 4, threads = 2, signals: way = 'signalfd' } = options ?? {};
  const loop = yield* openLoop();
  const signals = new Signals(loop, way);
  const asyncs = new Asyncs(loop);

  const address = abstractAddress(NAME);
  const listener = check(yield sys.socket(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK, 0), 'socket');
  check(yield sys.bind(listener, address.at, address.length), 'bind');
  check(yield sys.listen(listener, 128), 'listen');
  const accepting = yield* loop.watch(listener, EPOLLIN, () => acceptAll(server, listener));

  const turns = { idle: 0, prepare: 0, check: 0 };
  const idle = loop.startHook('idle', () => {
    if (++turns.idle === IDLE_TURNS) loop.stopHook(idle);
  });
  const prepare = loop.startHook('prepare', () => void turns.prepare++);
  const checking = loop.startHook('check', () => void turns.check++);
  let beats = 0;
  const heartbeat = loop.startTimer(HEARTBEAT_NS, () => void beats++, HEARTBEAT_NS);

  const shared = alloc(SHARED_BYTES);
  let reports = 0;
  let answeredAsReported = 0;
  const progress = yield* asyncs.start(() => {
    reports++;
    answeredAsReported = atomicLoad32(shared + ANSWERED);
  });
  let terminations = 0;
  yield* signals.start(SIGTERM, function* () {
    terminations++;
    loop.stopTimer(heartbeat);
    yield* loop.unwatch(accepting);
    check(yield sys.close(listener), 'close');
    // At the end of this turn, or it would have had its prepare and not its check.
    loop.whenClosed(() => [idle, prepare, checking].forEach((hook) => void loop.stopHook(hook)));
  });
  // Threads inherit the mask, so the signals come first.
  const pool = yield* openPool(loop, asyncs, threads);
  const server: Server = { loop, pool, streams: new Set(), early: 0 };

  store32(shared + LINES, lines);
  store32(shared + DEPTH, depth);
  store32(shared + CLIENTS_LEFT, clients);
  store32(shared + PROGRESS, progress.address);
  const started: Thread[] = [];
  for (let i = 0; i < clients; i++) started.push(yield* startThread(client, shared));
  yield* loop.run();

  for (const thread of started) yield* join(thread);
  yield* pool.close();
  yield* signals.close();
  yield* asyncs.close();
  yield* closeLoop(loop);

  const answered = atomicLoad32(shared + ANSWERED);
  const wrong = atomicLoad32(shared + WRONG);
  printFigures(`event-loop: ${clients} clients, ${lines} lines each, ${threads} threads in the pool, ${way}`, [
    ['lines answered', answered],
    ['turns of the loop', loop.counts.turns],
    ['events from epoll', loop.counts.events],
    ['timers fired', loop.counts.timersFired],
    ['latest timer', duration(loop.counts.timerLateNs)],
    ['heartbeats', beats],
    ['asyncs coalesced to', `${reports} callbacks`],
  ]);
  const sound =
    answered === clients * lines &&
    wrong === 0 &&
    server.early === 0 &&
    server.streams.size === 0 &&
    terminations === 1 &&
    turns.prepare === turns.check &&
    turns.idle >= Math.min(IDLE_TURNS, loop.counts.turns) &&
    answeredAsReported === answered;
  return sound ? 0 : 1;
}
