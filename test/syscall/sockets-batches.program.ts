// What a guest may rely on of sendmmsg and recvmmsg; the answers were read off a Linux 6.18. `main` runs the scenario that
// argv names.
import {
  alloc,
  bytesAt,
  EAGAIN,
  EBADF,
  ECONNREFUSED,
  EFAULT,
  EINTR,
  EINVAL,
  ENOTSOCK,
  EPIPE,
  type Guest,
  load32,
  loadTimespec,
  MSG_CTRUNC,
  MSG_DONTWAIT,
  MSG_NOSIGNAL,
  MSG_TRUNC,
  MSG_WAITFORONE,
  POLLERR,
  SA_RESTART,
  SIGUSR1,
  sigaction,
  SO_ERROR,
  SO_RCVTIMEO,
  SO_SNDBUF,
  SOCK_DGRAM,
  SOCK_SEQPACKET,
  SOCK_STREAM,
  sendFds,
  store32,
  store64,
  store8,
  storeTimespec,
  sys,
} from '../../src/programs/libc/index.ts';
import {
  ADDRESS,
  answer,
  BAD_ADDRESS,
  EXTRA,
  FD,
  get,
  getOption,
  GOT,
  helper,
  LENGTH,
  pair,
  polled,
  receive,
  runNamed,
  same,
  send,
  set,
  setOption,
  setTimeout,
  UNFINISHED,
} from './socket-tools.program.ts';

const TYPES = [SOCK_STREAM, SOCK_DGRAM, SOCK_SEQPACKET];
const SIZE = 64;
const ROOM = 16;

/** Headers over buffers of 16 bytes, `length` of which are used; each begins with a letter of its own. */
function headers(count: number, length: number): number {
  const at = alloc(count * SIZE);
  const vectors = alloc(count * 16);
  const buffers = alloc(count * ROOM);
  for (let i = 0; i < count; i++) {
    store8(buffers + i * ROOM, 97 + (i % 26));
    store64(vectors + 16 * i, buffers + i * ROOM);
    store64(vectors + 16 * i + 8, length);
    store64(at + i * SIZE + 16, vectors + 16 * i);
    store64(at + i * SIZE + 24, 1);
    store32(at + i * SIZE + 56, 77);
  }
  return at;
}
function moveBuffer(at: number, index: number, address: number): void {
  store64(load32(at + index * SIZE + 16), address);
}
/** Lengths and flags of the first messages. */
function told(at: number, count: number): string {
  const each: string[] = [];
  for (let i = 0; i < count; i++) each.push(`${load32(at + i * SIZE + 56)}/${load32(at + i * SIZE + 48)}`);
  return each.join(' ');
}
function text(at: number, index: number): string {
  return String.fromCharCode(...bytesAt(load32(load32(at + index * SIZE + 16)), load32(at + index * SIZE + 56)));
}
function* drain(fd: number): Guest<void> {
  while ((yield sys.recvfrom(fd, alloc(64), 64, MSG_DONTWAIT, 0, 0)) > 0);
}

export function* receiver(): Guest {
  set(GOT, yield sys.recvmmsg(get(FD), get(ADDRESS), get(LENGTH), get(EXTRA), 0));
  return 0;
}
export function* onSignal(): Guest<void> {
  yield sys.getpid();
}

const scenarios: Record<string, () => Guest<void>> = {
  *severalAtOnce() {
    for (const type of TYPES) {
      const stream = type === SOCK_STREAM;
      const [a, b] = yield* pair(type);
      const out = headers(3, 3);
      same(yield sys.sendmmsg(a, out, 3, 0), 3, 'three messages');
      same(told(out, 3), '3/0 3/0 3/0', 'are counted each');
      const into = headers(5, 4);
      same(yield sys.recvmmsg(b, into, 5, MSG_DONTWAIT, 0), 3, 'and received, with what there is');
      same(told(into, 4), stream ? '4/0 4/0 1/0 77/0' : '3/0 3/0 3/0 77/0', 'each for itself');
      if (!stream) same(text(into, 2), 'c\0\0', 'in order');
      same(yield sys.recvmmsg(b, into, 5, MSG_DONTWAIT, 0), -EAGAIN, 'nothing is there');
      const short = headers(2, 2);
      yield sys.sendmmsg(a, headers(2, 3), 2, 0);
      yield sys.recvmmsg(b, short, 2, 0, 0);
      same(told(short, 2), stream ? '2/0 2/0' : `2/${MSG_TRUNC} 2/${MSG_TRUNC}`, 'flags are told');
      yield* drain(b);
      yield* sendFds(a, [a], 'fd');
      yield sys.recvmmsg(b, short, 1, 0, 0);
      same(told(short, 1), `2/${MSG_CTRUNC}`, 'of descriptors too');
      same(yield sys.sendmmsg(a, out, 0, 0), 0, 'none');
      same(yield sys.recvmmsg(b, into, 0, 0, 0), 0, 'at all');
      same(yield sys.sendmmsg(999, out, 0, 0), -EBADF, 'of nobody');
      same(yield sys.recvmmsg(1, into, 1, 0, 0), -ENOTSOCK, 'a pipe');
      same(yield sys.sendmmsg(a, out, 1, 0x80000000), -EINVAL, 'a flag of other programs');
      same(yield sys.recvmmsg(b, into, 1, 0x80000000, 0), -EINVAL, 'here too');
      same(yield sys.sendmmsg(a, BAD_ADDRESS, 1, 0), -EFAULT, 'a bad address');
      same(yield sys.recvmmsg(b, BAD_ADDRESS, 1, 0, 0), -EFAULT, 'to receive at');
      yield* setOption(a, SO_SNDBUF, 4_000_000);
      const many = headers(1100, 1);
      same(yield sys.sendmmsg(a, many, 1100, MSG_DONTWAIT), 1024, 'not more than 1024 are sent');
      same(yield sys.sendmmsg(a, many, 76, MSG_DONTWAIT), 76, 'at once');
      same(yield sys.recvmmsg(b, many, 1100, MSG_DONTWAIT, 0), 1100, 'but received');
      const none = headers(3, 0);
      same(yield sys.sendmmsg(a, none, 3, 0), 3, 'empty messages');
      same(yield sys.recvmmsg(b, into, 5, MSG_DONTWAIT, 0), stream ? -EAGAIN : 3, 'are none to a stream');
      yield sys.close(a);
    }
    const [a, b] = yield* pair(SOCK_STREAM);
    const long = headers(2, 1);
    store64(load32(long + 16) + 8, 300_000);
    moveBuffer(long, 0, alloc(300_000));
    same(yield sys.sendmmsg(a, long, 2, 0), 1, 'one that went in part is the last');
    same(load32(long + 56), 219_264, 'and its part is told');
    yield sys.close(b);
  },

  *errorsAreKept() {
    for (const type of TYPES) {
      const stream = type === SOCK_STREAM;
      const [a, b] = yield* pair(type);
      const bad = headers(3, 3);
      moveBuffer(bad, 1, BAD_ADDRESS);
      same(yield sys.sendmmsg(a, bad, 3, 0), 1, 'an error behind the first message ends it');
      same(told(bad, 3), '3/0 77/0 77/0', 'untold');
      yield* drain(b);
      for (const how of ['option', 'recv', 'recvmmsg'] as const) {
        yield sys.sendmmsg(a, headers(3, 3), 3, 0);
        same(yield sys.recvmmsg(b, bad, 3, 0, 0), 1, 'of receiving too');
        same((yield* polled(b)) & POLLERR, POLLERR, 'and waits');
        if (how === 'option') same(yield* getOption(b, SO_ERROR), EFAULT, 'for SO_ERROR');
        // A stream tells of it when it has nothing else to say.
        if (how === 'recv' && stream) same((yield* receive(b)).length, 6, 'after all that is there');
        if (how === 'recv') same(yield* receive(b), String(-EFAULT), 'or for the next call');
        if (how === 'recvmmsg') same(yield sys.recvmmsg(b, bad, 0, 0, 0), -EFAULT, 'whatever it wants');
        same(yield* getOption(b, SO_ERROR), 0, 'once');
        yield* drain(b);
      }
      store64(bad + 16, BAD_ADDRESS);
      same(yield sys.sendmmsg(a, bad, 3, 0), -EFAULT, 'of the first it is the answer');
      same(yield sys.recvmmsg(b, bad, 3, 0, 0), -EFAULT, 'here too');
      same(yield* getOption(b, SO_ERROR), 0, 'and nothing is kept');
      yield sys.sendmmsg(a, headers(2, 3), 2, 0);
      yield sys.close(a);
      const into = headers(5, 3);
      same(yield sys.recvmmsg(b, into, 5, 0, 0), type === SOCK_DGRAM ? 2 : 5, 'the end is a message, again and again');
      const gone = type === SOCK_DGRAM ? -ECONNREFUSED : -EPIPE;
      same(yield sys.sendmmsg(b, into, 2, MSG_NOSIGNAL), gone, 'nobody is there to send to');
    }
  },

  *timesArePassed() {
    for (const type of TYPES) {
      const [a, b] = yield* pair(type, 0);
      const time = alloc(16);
      const into = headers(5, 3);
      for (const [seconds, ns] of [
        [0, 1e9],
        [0, -1],
        [-1, 0],
      ] as const) {
        store64(time, seconds);
        store64(time + 8, ns);
        same(yield sys.recvmmsg(999, into, 1, 0, time), -EINVAL, 'a time that is none comes first');
      }
      same(yield sys.recvmmsg(999, into, 1, 0, BAD_ADDRESS), -EFAULT, 'or one at a bad address');
      yield sys.sendmmsg(a, headers(3, 3), 3, 0);
      storeTimespec(time, 0);
      same(yield sys.recvmmsg(b, into, 3, 0, time), 1, 'without time one message is received');
      same(loadTimespec(time), 0, 'nothing is left');
      storeTimespec(time, 5e9);
      same(yield sys.recvmmsg(b, into, 2, 0, time), 2, 'with time all');
      const left = loadTimespec(time);
      same(left > 0 && left < 5e9 ? 1 : 0, 1, 'and what is left is told');
      // It is looked at when a message comes: a wait for one goes on until SO_RCVTIMEO ends it.
      yield* setTimeout(b, SO_RCVTIMEO, 40);
      yield* send(a, 'one');
      storeTimespec(time, 10e6);
      same(yield sys.recvmmsg(b, into, 2, 0, time), 1, 'one came');
      same(yield* getOption(b, SO_ERROR), 0, 'that no other did is no error');
      storeTimespec(time, 10e6);
      same(yield sys.recvmmsg(b, into, 2, 0, time), -EAGAIN, 'none came');
      same(loadTimespec(time), 10e6, 'and the time is left alone');
      yield sys.close(a);
    }
  },

  *waitsAreForEach() {
    for (const type of TYPES) {
      const [a, b] = yield* pair(type, 0);
      const into = headers(3, 3);
      set(EXTRA, 0);
      yield* helper(receiver, b, 2, into);
      yield* send(a, 'one');
      yield sys.smplab_settle();
      same(get(GOT), UNFINISHED, 'one is not enough');
      yield* send(a, 'two');
      same(yield* answer(), 2, 'two are');
      set(EXTRA, MSG_WAITFORONE);
      yield* helper(receiver, b, 3, into);
      yield* send(a, 'one');
      same(yield* answer(), 1, 'MSG_WAITFORONE waits for one');
      yield sys.close(a);
    }
  },

  *signalsEndThem() {
    const pid = yield sys.getpid();
    for (const type of TYPES) {
      const [a, b] = yield* pair(type, 0);
      const into = headers(3, 3);
      set(EXTRA, 0);
      for (const flags of [0, SA_RESTART]) {
        yield* sigaction(SIGUSR1, onSignal, flags);
        yield* send(a, 'one');
        const tid = yield* helper(receiver, b, 2, into);
        yield sys.tgkill(pid, tid, SIGUSR1);
        same(yield* answer(), 1, 'a signal ends it with what there is');
        same(yield* getOption(b, SO_ERROR), 0, 'and leaves no error');
      }
      const restarted = yield* helper(receiver, b, 1, into);
      yield sys.tgkill(pid, restarted, SIGUSR1);
      yield sys.smplab_settle();
      same(get(GOT), UNFINISHED, 'with nothing there it begins anew');
      yield* send(a, 'one');
      same(yield* answer(), 1, 'and receives');
      yield* setTimeout(b, SO_RCVTIMEO, 60_000);
      const bounded = yield* helper(receiver, b, 1, into);
      yield sys.tgkill(pid, bounded, SIGUSR1);
      same(yield* answer(), -EINTR, 'unless its time is bounded');
      yield* send(a, 'one');
      const second = yield* helper(receiver, b, 2, into);
      yield sys.tgkill(pid, second, SIGUSR1);
      same(yield* answer(), 1, 'then what there is');
      same(yield* getOption(b, SO_ERROR), EINTR, 'comes with an error for the next call');
      yield sys.close(a);
    }
  },
};

export function* main(_argument: number, scenario: string): Guest {
  return yield* runNamed(scenarios, scenario);
}
