/**
 * A worker: gets connections in one of three ways, answers one request on each, and ends when SIGTERM comes, but never
 * in the middle of a request.
 *
 *     epoll    listener and signalfd in an epoll of its own; woken, it accepts until there is nothing more
 *     accept   blocks in accept; SIGTERM, whose default action ends it, is blocked but for the time that it waits
 *     rights   the parent accepts, and sends the descriptor through a channel of this worker's (SCM_RIGHTS)
 *
 * With epoll every worker is woken for each connection, and all but one find nothing: those wakeups are counted.
 * EPOLLEXCLUSIVE is what Linux has against that.
 */
import {
  alloc,
  allocEpollEvent,
  allocMessage,
  blockSignals,
  check,
  controlSpace,
  EAGAIN,
  EPOLL_CTL_ADD,
  EPOLLEXCLUSIVE,
  EPOLLIN,
  epollDataAt,
  epollWait,
  type Guest,
  inherited,
  load32,
  type MessageMemory,
  MSG_DONTWAIT,
  MSG_NOSIGNAL,
  openSignalfd,
  readAll,
  receiveFds,
  SFD_NONBLOCK,
  SIGKILL,
  SIGTERM,
  store32,
  sys,
  trap,
  unblockSignals,
} from '../libc/index.ts';
import { tell } from './load.ts';
import {
  ANSWER_BYTES,
  ANSWER_NUMBER,
  ANSWER_WORKER,
  CHILD_CHANNEL,
  CHILD_LISTENER,
  CHILD_REPORT,
  CHILD_WORKER,
  HANDED_BYTES,
  IN_VAIN,
  type PreforkOptions,
  REQUEST_BYTES,
  REQUEST_DEADLY,
  REQUEST_NUMBER,
  settingsOf,
} from './shared.ts';

const EVENTS_MAX = 8;

/** One request. The client is gone if it cannot be read or answered; that is the client's business. */
function* serve(worker: number, fd: number, message: number): Guest<void> {
  if ((yield* readAll(fd, message, REQUEST_BYTES)) === REQUEST_BYTES) {
    if (load32(message + REQUEST_DEADLY) === 1) yield sys.kill(trap.pid, SIGKILL);
    store32(message + ANSWER_NUMBER, load32(message + REQUEST_NUMBER));
    store32(message + ANSWER_WORKER, worker);
    yield sys.sendto(fd, message, ANSWER_BYTES, MSG_NOSIGNAL, 0, 0);
  }
  check(yield sys.close(fd), 'close');
}

/** Takes connections from the listener until there is none. @returns how many */
function* acceptUntilEmpty(worker: number, listener: number, message: number): Guest {
  for (let accepted = 0; ; accepted++) {
    const fd = yield sys.accept4(listener, 0, 0, 0);
    if (fd === -EAGAIN) return accepted;
    yield* serve(worker, check(fd, 'accept4'), message);
  }
}

/** Takes connections from the parent until there is none. @returns how many */
function* receiveUntilEmpty(worker: number, channel: number, message: number, memory: MessageMemory): Guest {
  for (let received = 0; ; received++) {
    const { result, fds } = yield* receiveFds(channel, MSG_DONTWAIT, memory);
    if (result === -EAGAIN || result === 0) return received;
    check(result, 'recvmsg');
    for (const fd of fds) yield* serve(worker, fd, message);
  }
}

/** @param handed the source is the channel and not the listener @returns wakeups that found nothing */
function* serveByEpoll(worker: number, source: number, handed: boolean, exclusive: boolean): Guest {
  const signals = yield* openSignalfd(SFD_NONBLOCK, SIGTERM);
  const epoll = check(yield sys.epoll_create1(0), 'epoll_create1');
  const wanted = EPOLLIN | (exclusive ? EPOLLEXCLUSIVE : 0);
  check(yield sys.epoll_ctl(epoll, EPOLL_CTL_ADD, source, allocEpollEvent(wanted, source)), 'epoll_ctl');
  check(yield sys.epoll_ctl(epoll, EPOLL_CTL_ADD, signals, allocEpollEvent(EPOLLIN, signals)), 'epoll_ctl');
  const events = alloc(16 * EVENTS_MAX);
  const message = alloc(16);
  const memory = allocMessage(HANDED_BYTES, controlSpace(4));
  let inVain = 0;
  for (let stopping = false; !stopping; ) {
    const ready = check(yield epollWait(epoll, events, EVENTS_MAX, -1), 'epoll_wait');
    for (let i = 0; i < ready; i++) {
      if (epollDataAt(events, i) === signals) {
        stopping = true;
        continue;
      }
      const served = handed
        ? yield* receiveUntilEmpty(worker, source, message, memory)
        : yield* acceptUntilEmpty(worker, source, message);
      if (served === 0) inVain++;
    }
  }
  return inVain;
}

function* serveByAccept(worker: number, listener: number): Guest {
  const message = alloc(16);
  for (;;) {
    yield* unblockSignals(SIGTERM);
    const fd = check(yield sys.accept4(listener, 0, 0, 0), 'accept4');
    yield* blockSignals(SIGTERM);
    yield* serve(worker, fd, message);
  }
}

/** A worker process. */
export function* workerProcess(record: number, options: PreforkOptions | undefined): Guest {
  const { how, exclusive } = settingsOf(options);
  const at = inherited(record);
  const worker = load32(at + CHILD_WORKER);
  const listener = load32(at + CHILD_LISTENER);
  if (how === 'accept') return yield* serveByAccept(worker, listener);
  const handed = how === 'rights';
  const source = handed ? load32(at + CHILD_CHANNEL) : listener;
  const inVain = yield* serveByEpoll(worker, source, handed, exclusive && !handed);
  yield* tell(load32(at + CHILD_REPORT), IN_VAIN, worker, inVain);
  return 0;
}
