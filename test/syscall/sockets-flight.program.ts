// What a guest may rely on of descriptors in flight: they keep their files open, go with the queue that they lie in, and do
// not keep alive what nobody can reach. A pipe tells: its reader finds POLLHUP as soon as no descriptor of the writing end
// is left, in a table or in flight. `main` runs the scenario that argv names.
import {
  AF_UNSPEC,
  alloc,
  allocEpollEvent,
  allocMessage,
  check,
  EPOLL_CTL_ADD,
  epollDataAt,
  EPOLLIN,
  fork,
  type Guest,
  join,
  load16,
  load32,
  MSG_DONTWAIT,
  MSG_PEEK,
  POLLHUP,
  POLLIN,
  receiveFds,
  SCM_RIGHTS,
  sendFds,
  SIGKILL,
  SO_PASSCRED,
  SOCK_DGRAM,
  SOCK_SEQPACKET,
  SOCK_STREAM,
  startThread,
  store16,
  store32,
  storeControlHead,
  storeMessage,
  controlSpace,
  sys,
  type Thread,
  waitpid,
} from '../../src/programs/libc/index.ts';
import {
  connect,
  FD,
  get,
  GOT,
  helper,
  listener,
  pair,
  receive,
  runNamed,
  same,
  set,
  setOption,
  socket,
} from './socket-tools.program.ts';

const TYPES = [SOCK_STREAM, SOCK_DGRAM, SOCK_SEQPACKET];

function* pipe(): Guest<[number, number]> {
  const at = alloc(8);
  check(yield sys.pipe2(at, 0), 'pipe2');
  return [load32(at), load32(at + 4)];
}
function* closeAll(...fds: readonly number[]): Guest<void> {
  for (const fd of fds) check(yield sys.close(fd), 'close');
}
function* give(channel: number, ...fds: readonly number[]): Guest<void> {
  same(yield* sendFds(channel, fds, 'x'), 1, 'descriptors are sent');
}
/** @returns POLLHUP if no writing end is left */
function* hungUp(reader: number): Guest {
  const at = alloc(8);
  store32(at, reader);
  store16(at + 4, POLLIN);
  yield sys.poll(at, 1, 0);
  return load16(at + 6);
}

export function* messenger(): Guest {
  const [r, w] = yield* pipe();
  yield sys.write(w, alloc(8), 3);
  same(yield* sendFds(get(FD), [r], 'from a child'), 12, 'a child sends');
  return 7;
}
export function* blockedSender(): Guest {
  const [, w] = yield* pipe();
  const message = allocMessage();
  storeMessage(message, 100, controlSpace(4));
  store32(storeControlHead(message.control, SCM_RIGHTS, 4), w);
  set(GOT, yield sys.sendmsg(get(FD), message.header, 0));
  return 0;
}

const ROUNDS = 120;
/** Passes sockets round and into their own queues, and takes what others passed. */
export function* juggler(number: number): Guest {
  const channel = get(FD);
  const other = get(FD + 4);
  const message = allocMessage(8);
  let seed = number + 1;
  for (let i = 0; i < ROUNDS; i++) {
    seed = (seed * 1103515245 + 12345) & 0x7fffffff;
    const type = TYPES[seed % 3]!;
    const [a, b] = yield* pair(type);
    const [c, d] = yield* pair(type);
    yield* sendFds(b, [a], 'x', 0, message);
    if ((seed & 16) !== 0) {
      yield* sendFds(b, [c], 'x', 0, message);
      yield* sendFds(d, [a], 'x', 0, message);
    }
    yield* sendFds(number === 0 ? channel : other, [a, c], 'x', MSG_DONTWAIT, message);
    yield* closeAll(a, b);
    const { fds } = yield* receiveFds(number === 0 ? other : channel, (seed & 32) !== 0 ? MSG_PEEK : 0, message);
    for (const fd of fds) {
      const inner = yield* receiveFds(fd, 0, message);
      yield* closeAll(...inner.fds, fd);
    }
    yield* closeAll(c, d);
  }
  return 0;
}

const scenarios: Record<string, () => Guest<void>> = {
  /** A socket has an epoll in its queue that watches it; then nobody has either. */
  *anEpollWatchesItsCarrier() {
    const [a, b] = yield* pair(SOCK_DGRAM);
    const epoll = check(yield sys.epoll_create1(0), 'epoll_create1');
    same(yield sys.epoll_ctl(epoll, EPOLL_CTL_ADD, b, allocEpollEvent(EPOLLIN, 0)), 0, 'ADD');
    same(yield* sendFds(a, [epoll]), 1, 'sendmsg');
  },

  /** G1: an epoll item lives as long as its file, and a file as long as it is in flight. */
  *filesLiveOn() {
    for (const type of TYPES) {
      const [a, b] = yield* pair(type);
      const [r, w] = yield* pipe();
      const epfd = check(yield sys.epoll_create1(0), 'epoll_create1');
      check(yield sys.epoll_ctl(epfd, EPOLL_CTL_ADD, r, allocEpollEvent(EPOLLIN, 42)), 'epoll_ctl');
      yield* give(a, r);
      yield* closeAll(r);
      same(yield sys.write(w, alloc(8), 1), 1, 'a pipe can be written whose reader is in flight');
      const events = alloc(64);
      same(yield sys.epoll_wait(epfd, events, 4, 0), 1, 'and who watched it is told');
      same(epollDataAt(events, 0), 42, 'under its old number');
      const received = yield* receiveFds(b);
      same(yield sys.read(received.fds[0]!, alloc(8), 8), 1, 'it arrives with what was written');
      yield* closeAll(received.fds[0]!, a, b, w, epfd);
    }
  },

  *childrenSend() {
    const [a, b] = yield* pair(SOCK_STREAM, 0);
    yield* setOption(b, SO_PASSCRED, 1);
    set(FD, a);
    const pid = check(yield* fork(messenger), 'fork');
    const received = yield* receiveFds(b);
    same(received.sender?.pid ?? 0, pid, 'who sent it');
    same((yield* waitpid(pid)).code ?? -1, 7, 'the child ends');
    same(yield sys.read(received.fds[0]!, alloc(8), 8), 3, 'its descriptor lives on');
  },

  *queuesLetGo() {
    for (const type of TYPES) {
      for (const how of ['close', 'read', 'short', 'leave'] as const) {
        const [a, b] = yield* pair(type);
        const [r, w] = yield* pipe();
        yield* give(a, w, w);
        yield* closeAll(w);
        same(yield* hungUp(r), 0, 'a descriptor in flight is one');
        if (how === 'close') yield* closeAll(b);
        else if (how === 'read') yield sys.read(b, alloc(8), 1);
        else if (how === 'short') yield* receiveFds(b, 0, allocMessage(8, 8));
        else if (type === SOCK_DGRAM) {
          const nowhere = alloc(8);
          store16(nowhere, AF_UNSPEC);
          yield sys.connect(b, nowhere, 2);
        } else yield* closeAll(b);
        same(yield* hungUp(r), POLLHUP, `and goes with its queue (${how})`);
        yield* closeAll(r, a);
        if (how === 'read' || how === 'short' || (how === 'leave' && type === SOCK_DGRAM)) yield* closeAll(b);
      }
    }
    const server = yield* listener(SOCK_STREAM, '@queues', 5);
    const [r, w] = yield* pipe();
    const client = yield* socket(SOCK_STREAM);
    yield* connect(client, '@queues');
    yield* give(client, w);
    yield* closeAll(w);
    same(yield* hungUp(r), 0, 'sent to a connection that nobody has accepted');
    yield* closeAll(server);
    same(yield* hungUp(r), POLLHUP, 'nor will');
  },

  *cyclesAreCollected() {
    for (const type of TYPES) {
      for (const last of [0, 1]) {
        // A socket in its own queue.
        const [r, w] = yield* pipe();
        const [a, b] = yield* pair(type);
        yield* give(b, a, w);
        yield* closeAll(w);
        yield* closeAll(...(last === 0 ? [b, a] : [a, b]));
        same(yield* hungUp(r), POLLHUP, 'a socket that only it leads to');
        yield* closeAll(r);
      }
      // Two in each other's queues, and one more that they lead to.
      const [r, w] = yield* pipe();
      const [a, b] = yield* pair(type);
      const [c, d] = yield* pair(type);
      const [e, f] = yield* pair(type);
      yield* give(b, c, e);
      yield* give(d, a);
      yield* give(f, w);
      yield* closeAll(w, b, d, e, f, c);
      same(yield* hungUp(r), 0, 'as long as one is open, all are');
      yield* closeAll(a);
      same(yield* hungUp(r), POLLHUP, 'then none is');
      yield* closeAll(r);
    }
    // A datagram socket that sends to itself.
    const [r, w] = yield* pipe();
    const self = yield* socket(SOCK_DGRAM, '@self');
    yield* connect(self, '@self');
    yield* give(self, self, w);
    yield* closeAll(w, self);
    same(yield* hungUp(r), POLLHUP, 'one that is its own peer');
    yield* closeAll(r);
    // A listener in the queue of a connection that waits to be accepted by it.
    const [r2, w2] = yield* pipe();
    const server = yield* listener(SOCK_STREAM, '@cycle', 5);
    const client = yield* socket(SOCK_STREAM);
    yield* connect(client, '@cycle');
    yield* give(client, server, w2);
    yield* closeAll(w2, server);
    yield* closeAll(client);
    same(yield* hungUp(r2), POLLHUP, 'one that waits in its own backlog');
    yield* closeAll(r2);
  },

  *reachableOnesStay() {
    for (const type of TYPES) {
      const [r, w] = yield* pipe();
      const [a, b] = yield* pair(type);
      const [c, d] = yield* pair(type);
      yield* give(b, c);
      yield* give(d, a, w);
      yield* give(b, c);
      yield* closeAll(w, b, d, c);
      const held = check(yield sys.dup(a), 'dup');
      yield* closeAll(a);
      same(yield* hungUp(r), 0, 'one descriptor is enough');
      const first = yield* receiveFds(held);
      same(first.fds.length, 1, 'what lies in its queue can be had');
      const second = yield* receiveFds(first.fds[0]!);
      same(second.fds.length, 2, 'and what lies in the queue of that');
      yield* closeAll(second.fds[1]!);
      same(yield* hungUp(r), POLLHUP, 'the last descriptor of the pipe');
      yield* closeAll(r, held, second.fds[0]!, first.fds[0]!);
      // A look gives a way back into what is about to be garbage.
      const [x, y] = yield* pair(type);
      const [r2, w2] = yield* pipe();
      yield* give(y, x, w2);
      const look = yield* receiveFds(x, MSG_PEEK);
      yield* closeAll(x, y, w2, look.fds[1]!);
      same(yield* hungUp(r2), 0, 'a copy of a descriptor is one');
      same((yield* receiveFds(look.fds[0]!)).fds.length, 2, 'through which the original can be had');
    }
  },

  /** Each socket in the queue of the next: letting go of the last lets go of all, however many. */
  *chainsAreLetGo() {
    const [r, w] = yield* pipe();
    const message = allocMessage(8);
    const first = yield* pair(SOCK_STREAM);
    let inner = first[0];
    yield* give(first[1], w);
    yield* closeAll(w, first[1]);
    for (let i = 0; i < 250; i++) {
      const [outer, other] = yield* pair(SOCK_STREAM);
      same(yield* sendFds(other, [inner], 'x', 0, message), 1, 'one more');
      yield* closeAll(inner, other);
      inner = outer;
    }
    same(yield* hungUp(r), 0, 'all are open');
    yield* closeAll(inner);
    same(yield* hungUp(r), POLLHUP, 'none is');
  },

  *killedSendersLetGo() {
    const [a, b] = yield* pair(SOCK_STREAM, 0);
    const at = alloc(4096);
    for (let full = false; !full; ) full = (yield sys.sendto(a, at, 4096, MSG_DONTWAIT, 0, 0)) < 0;
    set(FD, a);
    const pid = check(yield* fork(blockedSender), 'fork');
    const thread: Thread = yield* startThread(waiter, pid);
    yield sys.smplab_settle();
    yield sys.kill(pid, SIGKILL);
    yield* join(thread);
    same((yield* receive(b, 8)).length, 8, 'the queue is as it was');
    yield* helper(blockedSender, a);
    // The process ends with a call that holds a descriptor of its own.
  },

  *crowdsJuggle() {
    const [a, b] = yield* pair(SOCK_SEQPACKET);
    set(FD, a);
    set(FD + 4, b);
    const threads: Thread[] = [];
    for (let i = 0; i < 2; i++) threads.push(yield* startThread(juggler, i, i));
    for (const thread of threads) yield* join(thread);
    yield* closeAll(a, b);
  },
};

export function* waiter(pid: number): Guest {
  same((yield* waitpid(pid)).signal ?? 0, SIGKILL, 'killed');
  return 0;
}

export function* main(_argument: number, scenario: string): Guest {
  return yield* runNamed(scenarios, scenario);
}
