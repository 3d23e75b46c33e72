/**
 * A server that forks its workers before the load comes, and restarts those that die. They share a listener; the parent
 * only watches over them, and ends all on SIGTERM.
 *
 *     smplab run prefork-server --set workers=3 --set clients=4 --set requests=25 --set how=epoll --set exclusive=true
 *
 *     parent ── fork ─┬─▶ worker 0 ┐                               how: epoll | accept | rights
 *       ▲             ├─▶ worker 1 ├─ accept ◀── listener ◀── connect ── clients (threads of the load)
 *       │ SIGCHLD     ├─▶ worker 2 ┘
 *       └─ SIGTERM ── └─▶ load
 *
 * One request is deadly: the worker that gets it dies in the middle of it. Nothing is lost all the same, for the client
 * asks again, and a new worker takes the place.
 */
import {
  abstractAddress,
  AF_UNIX,
  alloc,
  allocEpollEvent,
  check,
  EAGAIN,
  EPOLL_CTL_ADD,
  EPOLLIN,
  epollDataAt,
  fork,
  epollWait,
  type Guest,
  load32,
  makePipe,
  openSignalfd,
  type PipeEnds,
  printFigures,
  readAll,
  SFD_NONBLOCK,
  SIGCHLD,
  SIGINFO_BYTES,
  SIGTERM,
  SOCK_NONBLOCK,
  SOCK_STREAM,
  store32,
  sys,
  waitpid,
  WNOHANG,
} from './libc/index.ts';
import { type Channels, closeChannel, handOut, newChannels, openChannel } from './prefork-server/hand-out.ts';
import { loadProcess } from './prefork-server/load.ts';
import {
  ADDRESS,
  ANSWERS,
  CHILD_BYTES,
  CHILD_CHANNEL,
  CHILD_LISTENER,
  CHILD_REPORT,
  CHILD_WORKER,
  IN_VAIN,
  type PreforkOptions,
  REPORT_BYTES,
  REPORT_COUNT,
  REPORT_KIND,
  REPORT_WORKER,
  RETRIES,
  settingsOf,
} from './prefork-server/shared.ts';
import { workerProcess } from './prefork-server/worker.ts';

export { client, loadProcess } from './prefork-server/load.ts';
export { workerProcess } from './prefork-server/worker.ts';

const BACKLOG = 64;

/** What the parent knows of its children. */
interface Family {
  readonly settings: Required<PreforkOptions>;
  readonly listener: number;
  readonly signals: number;
  readonly report: PipeEnds;
  readonly channels: Channels;
  /** Worker by pid. */
  readonly alive: Map<number, number>;
  load: number;
  loadFailed: boolean;
  stopping: boolean;
  /** Workers forked, those that ended as they were told to, and those that died. */
  started: number;
  orderly: number;
  died: number;
  /** Of the dead, those whose end was only told once the server was stopping: nobody takes their place. */
  diedLate: number;
}

function* openListener(how: string): Guest {
  const { at, length } = abstractAddress(ADDRESS);
  const listener = check(yield sys.socket(AF_UNIX, SOCK_STREAM | (how === 'accept' ? 0 : SOCK_NONBLOCK), 0), 'socket');
  check(yield sys.bind(listener, at, length), 'bind');
  check(yield sys.listen(listener, BACKLOG), 'listen');
  return listener;
}

function* startWorker(family: Family, worker: number): Guest<void> {
  const record = alloc(CHILD_BYTES);
  store32(record + CHILD_WORKER, worker);
  store32(record + CHILD_LISTENER, family.listener);
  store32(record + CHILD_REPORT, family.report.write);
  const channel = family.settings.how === 'rights' ? yield* openChannel(family.channels, worker) : -1;
  store32(record + CHILD_CHANNEL, channel);
  family.alive.set(check(yield* fork(workerProcess, record), 'fork'), worker);
  family.started++;
  if (channel >= 0) check(yield sys.close(channel), 'close');
}

function* startLoad(family: Family): Guest<void> {
  const record = alloc(CHILD_BYTES);
  store32(record + CHILD_REPORT, family.report.write);
  family.load = check(yield* fork(loadProcess, record), 'fork');
}

/** One SIGCHLD may stand for several ends. */
function* reap(family: Family): Guest<void> {
  for (;;) {
    const { pid, code, signal } = yield* waitpid(-1, WNOHANG);
    if (pid <= 0) return;
    if (pid === family.load) {
      family.load = 0;
      family.loadFailed = code !== 0;
      continue;
    }
    const worker = family.alive.get(pid)!;
    family.alive.delete(pid);
    if (family.settings.how === 'rights') yield* closeChannel(family.channels, worker);
    const told = family.settings.how === 'accept' ? signal === SIGTERM : code === 0;
    if (family.stopping && told) {
      family.orderly++;
      continue;
    }
    family.died++;
    if (family.stopping) family.diedLate++;
    else yield* startWorker(family, worker);
  }
}

function* takeSignals(family: Family, siginfo: number): Guest<void> {
  for (;;) {
    const n = yield sys.read(family.signals, siginfo, SIGINFO_BYTES);
    if (n === -EAGAIN) return;
    check(n, 'reading signals');
    if (load32(siginfo) === SIGCHLD) {
      yield* reap(family);
    } else {
      family.stopping = true;
      for (const pid of family.alive.keys()) check(yield sys.kill(pid, SIGTERM), 'kill');
    }
  }
}

/** Until the load and all workers have ended. */
function* watchOver(family: Family): Guest<void> {
  const { signals, listener } = family;
  const epoll = check(yield sys.epoll_create1(0), 'epoll_create1');
  for (const fd of family.settings.how === 'rights' ? [signals, listener] : [signals]) {
    check(yield sys.epoll_ctl(epoll, EPOLL_CTL_ADD, fd, allocEpollEvent(EPOLLIN, fd)), 'epoll_ctl');
  }
  const events = alloc(16 * 2);
  const siginfo = alloc(SIGINFO_BYTES);
  while (family.load !== 0 || family.alive.size > 0) {
    const ready = check(yield epollWait(epoll, events, 2, -1), 'epoll_wait');
    for (let i = 0; i < ready; i++) {
      if (epollDataAt(events, i) === signals) yield* takeSignals(family, siginfo);
      else yield* handOut(family.channels, listener);
    }
  }
}

interface Told {
  readonly answers: number[];
  readonly inVain: number[];
  retries: number;
}

/** Everybody else has ended: what they left in the pipe. */
function* readReport({ settings, report }: Family): Guest<Told> {
  check(yield sys.close(report.write), 'close');
  const zeros = (): number[] => Array.from({ length: settings.workers }, () => 0);
  const told: Told = { answers: zeros(), inVain: zeros(), retries: 0 };
  const at = alloc(REPORT_BYTES);
  while ((yield* readAll(report.read, at, REPORT_BYTES)) === REPORT_BYTES) {
    const kind = load32(at + REPORT_KIND);
    const worker = load32(at + REPORT_WORKER);
    const count = load32(at + REPORT_COUNT);
    if (kind === ANSWERS) told.answers[worker]! += count;
    if (kind === IN_VAIN) told.inVain[worker]! += count;
    if (kind === RETRIES) told.retries += count;
  }
  return told;
}

export function* main(_argument: number, options: PreforkOptions | undefined): Guest {
  const settings = settingsOf(options);
  const { workers, clients, requests, how, exclusive, crash } = settings;
  const family: Family = {
    settings,
    // Blocked before the first fork: a child that ends at once is told of all the same.
    signals: yield* openSignalfd(SFD_NONBLOCK, SIGCHLD, SIGTERM),
    listener: yield* openListener(how),
    report: yield* makePipe(),
    channels: newChannels(workers),
    alive: new Map(),
    load: 0,
    loadFailed: false,
    stopping: false,
    started: 0,
    orderly: 0,
    died: 0,
    diedLate: 0,
  };
  for (let worker = 0; worker < workers; worker++) yield* startWorker(family, worker);
  yield* startLoad(family);
  yield* watchOver(family);
  const { answers, inVain, retries } = yield* readReport(family);
  const total = answers.reduce((sum, n) => sum + n, 0);
  printFigures(`prefork-server: ${workers} workers, ${clients} clients, ${how}${exclusive ? ', exclusive' : ''}`, [
    ['requests answered', total],
    ['by each worker', answers.join(' ')],
    ['wakeups that found nothing', how === 'accept' ? 'the kernel has them' : inVain.join(' ')],
    ['workers restarted', family.started - workers],
    ['requests made again', retries],
  ]);
  const sound =
    total === clients * requests &&
    !family.loadFailed &&
    family.died === (crash ? 1 : 0) &&
    family.started === workers + family.died - family.diedLate &&
    family.orderly === family.started - family.died &&
    (crash ? retries >= 1 : retries === 0);
  return sound ? 0 : 1;
}
