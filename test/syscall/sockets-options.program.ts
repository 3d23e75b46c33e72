// What a guest may rely on of the options of sockets; the answers were read off a Linux 6.18, where the same was asked by a
// user 0 without capabilities. `main` runs the scenario that argv names.
import {
  alloc,
  bytesAt,
  check,
  EACCES,
  EAGAIN,
  EDOM,
  EFAULT,
  EINTR,
  EINVAL,
  ENOPROTOOPT,
  EOPNOTSUPP,
  EPERM,
  type Guest,
  load32,
  load64,
  MSG_DONTWAIT,
  MSG_PEEK,
  MSG_TRUNC,
  MSG_WAITALL,
  POLLIN,
  SA_RESTART,
  SIGUSR1,
  sigaction,
  SO_BROADCAST,
  SO_BUSY_POLL,
  SO_COOKIE,
  SO_DEBUG,
  SO_DONTROUTE,
  SO_INCOMING_CPU,
  SO_KEEPALIVE,
  SO_LINGER,
  SO_MARK,
  SO_MEMINFO,
  SO_NO_CHECK,
  SO_OOBINLINE,
  SO_PASSCRED,
  SO_PASSSEC,
  SO_PEEK_OFF,
  SO_PEERCRED,
  SO_PEERSEC,
  SO_PRIORITY,
  SO_RCVBUFFORCE,
  SO_RCVLOWAT,
  SO_RCVTIMEO,
  SO_REUSEADDR,
  SO_RXQ_OVFL,
  SO_SELECT_ERR_QUEUE,
  SO_SNDBUF,
  SO_SNDBUFFORCE,
  SO_SNDLOWAT,
  SO_SNDTIMEO,
  SO_TIMESTAMP,
  SO_TIMESTAMPNS,
  SO_ZEROCOPY,
  SOCK_DGRAM,
  SOCK_SEQPACKET,
  SOCK_STREAM,
  SOL_SOCKET,
  store32,
  store64,
  sys,
} from '../../src/programs/libc/index.ts';
import {
  ADDRESS,
  answer,
  BAD_ADDRESS,
  connect,
  FD,
  get,
  getOption,
  GOT,
  helper,
  LENGTH,
  listener,
  nameAt,
  pair,
  polled,
  receive,
  runNamed,
  same,
  send,
  set,
  setOption,
  setTimeout,
  socket,
  UNFINISHED,
} from './socket-tools.program.ts';

const TYPES = [SOCK_STREAM, SOCK_DGRAM, SOCK_SEQPACKET];

/** @returns an option's answer as words, cut to `room` bytes of them; or -errno */
function* words(fd: number, option: number, room = 64): Guest<string> {
  const at = alloc(72);
  bytesAt(at, 72).fill(0xee);
  store32(at + 64, room);
  const r = yield sys.getsockopt(fd, SOL_SOCKET, option, at, at + 64);
  if (r < 0) return String(r);
  const length = load32(at + 64);
  const found: number[] = [];
  for (let i = 0; i + 4 <= length; i += 4) found.push(load32(at + i));
  return `${length}: ${found.join(' ')}`;
}
function* setWords(fd: number, option: number, values: readonly number[], length = 4 * values.length): Guest {
  const at = alloc(32);
  for (const [i, value] of values.entries()) store32(at + 4 * i, value);
  return yield sys.setsockopt(fd, SOL_SOCKET, option, at, length);
}
/** Sets a timeout, and says what it is then. */
function* timeout(fd: number, seconds: bigint | number, microseconds: number, length = 16): Guest<string> {
  const at = alloc(32);
  store64(at, seconds);
  store64(at + 8, microseconds);
  const r = yield sys.setsockopt(fd, SOL_SOCKET, SO_RCVTIMEO, at, length);
  if (r < 0) return String(r);
  store32(at + 16, 16);
  check(yield sys.getsockopt(fd, SOL_SOCKET, SO_RCVTIMEO, at, at + 16), 'SO_RCVTIMEO');
  return `${load64(at)}.${load64(at + 8)}`;
}

function* now(): Guest {
  const at = alloc(16);
  yield sys.clock_gettime(1, at);
  return Number(load64(at)) * 1000 + Number(load64(at + 8)) / 1e6;
}
/** Makes a call that waits 40 ms and not much longer. */
function* bounded(call: () => number, wanted: number, promise: string): Guest<void> {
  const began = yield* now();
  same(yield call(), wanted, promise);
  const tookMs = (yield* now()) - began;
  same(tookMs >= 39 && tookMs < 5000 ? 1 : 0, 1, `${promise}, after its time (${tookMs} ms)`);
}

export function* receiver(): Guest {
  set(GOT, yield sys.recvfrom(get(FD), alloc(64), get(LENGTH), get(ADDRESS), 0, 0));
  return 0;
}
export function* writer(): Guest {
  set(GOT, yield sys.write(get(FD), alloc(get(LENGTH)), get(LENGTH)));
  return 0;
}
export function* acceptor(): Guest {
  set(GOT, yield sys.accept(get(FD), 0, 0));
  return 0;
}
export function* connector(): Guest {
  set(GOT, yield sys.connect(get(FD), get(ADDRESS), get(LENGTH)));
  return 0;
}
export function* onSignal(): Guest<void> {
  yield sys.getpid();
}

const scenarios: Record<string, () => Guest<void>> = {
  *valuesAreKept() {
    for (const type of TYPES) {
      const fd = yield* socket(type);
      for (const name of [
        SO_DONTROUTE,
        SO_BROADCAST,
        SO_KEEPALIVE,
        SO_OOBINLINE,
        SO_NO_CHECK,
        SO_PASSSEC,
        SO_REUSEADDR,
      ]) {
        same(yield* getOption(fd, name), 0, `option ${name} is off`);
        same(yield* setOption(fd, name, -3), 0, 'anything');
        same(yield* getOption(fd, name), 1, 'is on');
      }
      for (const name of [SO_RXQ_OVFL, SO_SELECT_ERR_QUEUE, SO_PASSCRED]) {
        yield* setOption(fd, name, 1);
        same(yield* getOption(fd, name), 1, `option ${name} is on`);
        yield* setOption(fd, name, 0);
        same(yield* getOption(fd, name), 0, 'and off');
      }
      for (const [name, first, value, kept] of [
        [SO_PRIORITY, 0, 6, 6],
        [SO_RCVLOWAT, 1, 10, 10],
        [SO_RCVLOWAT, 10, 0, 1],
        [SO_RCVLOWAT, 1, -5, 0x7fffffff],
        [SO_PEEK_OFF, -1, 5, 5],
        [SO_PEEK_OFF, 5, -9, -9],
        [SO_BUSY_POLL, 0, 5, 5],
        [SO_INCOMING_CPU, -1, 1, 1],
      ] as const) {
        same(yield* getOption(fd, name), first, `option ${name}`);
        same(yield* setOption(fd, name, value), 0, `is set to ${value}`);
        same(yield* getOption(fd, name), kept, 'and kept');
      }
      for (const [name, value, wanted] of [
        [SO_PRIORITY, 7, -EPERM],
        [SO_PRIORITY, -1, -EPERM],
        [SO_BUSY_POLL, -1, -EINVAL],
        [SO_DEBUG, 1, -EACCES],
        [SO_DEBUG, 0, 0],
        [SO_MARK, 0, -EPERM],
        [SO_SNDBUFFORCE, 5000, -EPERM],
        [SO_RCVBUFFORCE, 5000, -EPERM],
        [SO_ZEROCOPY, 0, -EOPNOTSUPP],
        [SO_SNDLOWAT, 2, -ENOPROTOOPT],
        [SO_PEERCRED, 1, -ENOPROTOOPT],
        [SO_PEERSEC, 1, -ENOPROTOOPT],
        [SO_COOKIE, 1, -ENOPROTOOPT],
      ] as const) {
        same(yield* setOption(fd, name, value), wanted, `option ${name} set to ${value}`);
      }
      same(yield* getOption(fd, SO_PEERSEC), -ENOPROTOOPT, 'nobody labels sockets');
      same(yield* getOption(fd, SO_MARK), 0, 'nor marks them');
      yield* setOption(fd, SO_TIMESTAMP, 3);
      yield* setOption(fd, SO_TIMESTAMPNS, 1);
      same(yield* getOption(fd, SO_TIMESTAMP), 0, 'one kind of time');
      same(yield* getOption(fd, SO_TIMESTAMPNS), 1, 'at a time');
      yield* setOption(fd, SO_TIMESTAMP, 0);
      same(yield* getOption(fd, SO_TIMESTAMPNS), 0, 'or none');
      yield sys.close(fd);
    }
  },

  *longAnswersAreCut() {
    const fd = yield* socket(SOCK_STREAM);
    same(yield* setWords(fd, SO_LINGER, [5, 7]), 0, 'lingering');
    same(yield* words(fd, SO_LINGER), '8: 1 7', 'is kept');
    same(yield* setWords(fd, SO_LINGER, [0, 9]), 0, 'not lingering');
    same(yield* words(fd, SO_LINGER), '8: 0 7', 'keeps the time');
    same(yield* words(fd, SO_LINGER, 4), '4: 0', 'as much as there is room for');
    same(yield* setWords(fd, SO_LINGER, [1]), -EINVAL, 'half of it');
    same(yield sys.setsockopt(fd, SOL_SOCKET, SO_LINGER, BAD_ADDRESS, 8), -EFAULT, 'at a bad address');
    same(yield* words(fd, SO_PEERCRED), '12: 0 -1 -1', 'nobody is there');
    same(yield* words(fd, SO_PEERCRED, 5), '5: 0', 'cut');
    same(yield* words(fd, SO_PEERCRED, 0), '0: ', 'to nothing');
    same(yield* words(fd, SO_COOKIE, 7), String(-EINVAL), 'a cookie is given whole');
    const other = yield* socket(SOCK_STREAM);
    const cookie = yield* words(fd, SO_COOKIE);
    same(cookie === (yield* words(fd, SO_COOKIE)) ? 1 : 0, 1, 'and is always the same');
    same(cookie === (yield* words(other, SO_COOKIE)) ? 1 : 0, 0, 'to nobody else');
    const [a, b] = yield* pair(SOCK_STREAM);
    yield* send(a, 'x');
    same(yield* words(a, SO_MEMINFO), '36: 0 212992 768 212992 0 0 0 0 0', 'what was sent is on the sender');
    same(yield* words(b, SO_MEMINFO), '36: 0 212992 0 212992 0 0 0 0 0', 'not on the receiver');
  },

  *timeoutsAreChecked() {
    const fd = yield* socket(SOCK_STREAM);
    for (const [seconds, microseconds, wanted] of [
      [1, 500_000, '1.500000'],
      [0, 1, '0.4000'],
      [0, 999_999, '1.0'],
      [0, 1_000_000, String(-EDOM)],
      [0, -1, String(-EDOM)],
      [-1, 0, '0.0'],
      [-1, -1, String(-EDOM)],
      [4_000_000_000, 1, '4000000000.4000'],
      [9223372036854775807n, 1, '0.0'],
      [0, 0, '0.0'],
    ] as const) {
      same(yield* timeout(fd, seconds, microseconds), wanted, `${seconds} s and ${microseconds} us`);
    }
    same(yield* timeout(fd, 1, 0, 15), String(-EINVAL), 'too short');
    same(yield* timeout(fd, 1, 0, 17), '1.0', 'longer than needed');
    same(yield* words(fd, SO_RCVTIMEO, 8), '8: 1 0', 'half an answer');
    same(yield* words(fd, SO_SNDTIMEO), '16: 0 0 0 0', 'the other one is another');
    same(yield sys.setsockopt(fd, SOL_SOCKET, SO_SNDTIMEO, BAD_ADDRESS, 16), -EFAULT, 'a bad address');
  },

  /** The last argument of `helper` is flags here. */
  *waitsAreBounded() {
    const at = alloc(4096);
    for (const type of TYPES) {
      const stream = type === SOCK_STREAM;
      const [a, b] = yield* pair(type, 0);
      yield* setTimeout(b, SO_RCVTIMEO, 40);
      yield* setTimeout(b, SO_SNDTIMEO, 40);
      yield* bounded(() => sys.recvfrom(b, at, 9, 0, 0, 0), -EAGAIN, 'recv');
      yield* bounded(() => sys.read(b, at, 9), -EAGAIN, 'read');
      same(yield sys.recvfrom(b, at, 9, MSG_DONTWAIT, 0, 0), -EAGAIN, 'who does not wait needs no bound');
      yield* send(a, 'one');
      if (stream) yield* bounded(() => sys.recvfrom(b, at, 9, MSG_WAITALL, 0, 0), 3, 'what came counts');
      else same(yield sys.recvfrom(b, at, 9, MSG_WAITALL, 0, 0), 3, 'a message is all');
      for (let full = false; !full; ) full = (yield sys.sendto(b, at, 1000, MSG_DONTWAIT, 0, 0)) < 0;
      yield* bounded(() => sys.sendto(b, at, 1000, 0, 0, 0), -EAGAIN, 'send');
      yield* bounded(() => sys.write(b, at, 1000), -EAGAIN, 'write');
      yield* setTimeout(b, SO_RCVTIMEO, 60_000);
      yield* setTimeout(b, SO_SNDTIMEO, 60_000);
      yield* sigaction(SIGUSR1, onSignal, SA_RESTART);
      const pid = yield sys.getpid();
      const reader = yield* helper(receiver, b, 9, 0);
      yield sys.tgkill(pid, reader, SIGUSR1);
      same(yield* answer(), -EINTR, 'a bounded call is not begun anew');
      const sender = yield* helper(writer, b, 1000);
      yield sys.tgkill(pid, sender, SIGUSR1);
      same(yield* answer(), -EINTR, 'nor is a send');
      yield* helper(receiver, b, 9, 0);
      yield* send(a, 'two');
      same(yield* answer(), 3, 'in time all is as ever');
      yield* setTimeout(b, SO_RCVTIMEO, -1000);
      same(yield sys.recvfrom(b, at, 9, 0, 0, 0), -EAGAIN, 'a time before now is none');
      yield sys.close(a);
      yield sys.close(b);
    }
    const [a, b] = yield* pair(SOCK_STREAM, 0);
    yield* setTimeout(a, SO_SNDTIMEO, 40);
    const long = alloc(300_000);
    yield* bounded(() => sys.sendto(a, long, 300_000, 0, 0, 0), 219_264, 'what was sent counts');
    yield sys.close(b);
    const server = yield* listener(SOCK_STREAM, '@bound', 0, 0);
    yield* setTimeout(server, SO_RCVTIMEO, 40);
    yield* bounded(() => sys.accept(server, 0, 0), -EAGAIN, 'accept');
    same(yield* connect(yield* socket(SOCK_STREAM), '@bound'), 0, 'the backlog');
    const client = yield* socket(SOCK_STREAM, '', 0);
    yield* setTimeout(client, SO_SNDTIMEO, 40);
    const name = nameAt('@bound');
    yield* bounded(() => sys.connect(client, name, 8), -EAGAIN, 'connect');
    yield* setTimeout(client, SO_SNDTIMEO, 60_000);
    const waiting = yield* helper(connector, client, 8, name);
    yield sys.tgkill(yield sys.getpid(), waiting, SIGUSR1);
    same(yield* answer(), -EINTR, 'nor is a connect');
    yield sys.accept(server, 0, 0);
    yield* setTimeout(server, SO_RCVTIMEO, 60_000);
    const accepting = yield* helper(acceptor, server);
    yield sys.tgkill(yield sys.getpid(), accepting, SIGUSR1);
    same(yield* answer(), -EINTR, 'nor an accept');
    const office = yield* socket(SOCK_DGRAM, '@post');
    const stranger = yield* socket(SOCK_DGRAM, '', 0);
    yield* setTimeout(stranger, SO_SNDTIMEO, 40);
    const post = nameAt('@post');
    for (let i = 0; i < 11; i++) yield sys.sendto(stranger, at, 1, 0, post, 7);
    yield* bounded(() => sys.sendto(stranger, at, 1, 0, post, 7), -EAGAIN, 'sendto');
    yield sys.close(office);
  },

  *lowMarksAreAwaited() {
    const [a, b] = yield* pair(SOCK_STREAM, 0);
    yield* setOption(b, SO_RCVLOWAT, 5);
    yield* helper(receiver, b, 10, 0);
    yield* send(a, 'abc');
    yield sys.smplab_settle();
    same(get(GOT), UNFINISHED, 'three bytes are not five');
    same((yield* polled(b)) & POLLIN, 0, 'although they were taken');
    yield* send(a, 'def');
    same(yield* answer(), 6, 'six are');
    yield* send(a, 'abc');
    same((yield* polled(b)) & POLLIN, POLLIN, 'poll does not know of it');
    same(yield* receive(b, 2), 'ab', 'who wants less waits for less');
    same(yield* receive(b, 9, MSG_DONTWAIT), 'c', 'and who does not wait takes what there is');
    yield* send(a, 'abc');
    same(yield* receive(b, 9, MSG_PEEK), 'abc', 'as a look does');
    yield* send(a, 'de');
    same(yield* receive(b, 9), 'abcde', 'all in all');
    for (const type of [SOCK_DGRAM, SOCK_SEQPACKET]) {
      const [c, d] = yield* pair(type, 0);
      yield* setOption(d, SO_RCVLOWAT, 5);
      yield* send(c, 'abc');
      same(yield* receive(d, 10), 'abc', 'a message is enough');
    }
  },

  *looksBeginAtOffsets() {
    const PEEK = MSG_PEEK;
    const expected = {
      [SOCK_STREAM]:
        'abc -1|:=0|abc 3|def 6|ghi 9|j 10|-11 10|-11 10|-11 10|:=6|ghi 9|abc 6|j 7|defghij 0|-11 0|-11 0|:=1|lm 3|:=-1|klm -1',
      [SOCK_DGRAM]:
        'abc -1|:=0|abc 3|d 4|efg 7|h 8| 8|ij 10|-11 10|:=6|gh 8|abc 4|ij 6|efgh 2|-11 2| 2|:=1|lm 3|:=-1|klm -1',
    };
    const want: [number, number | 'offset' | 'send'][] = [
      [3, PEEK],
      [0, 'offset'],
      [3, PEEK],
      [3, PEEK],
      [3, PEEK | MSG_TRUNC],
      [3, PEEK],
      [3, PEEK],
      [3, PEEK],
      [3, PEEK],
      [6, 'offset'],
      [3, PEEK],
      [3, 0],
      [3, PEEK],
      [9, 0],
      [3, PEEK],
      [9, 0],
      [0, 'send'],
      [1, 'offset'],
      [9, PEEK],
      [-1, 'offset'],
      [9, PEEK],
    ];
    for (const type of TYPES) {
      const [a, b] = yield* pair(type);
      for (const text of ['abcd', 'efgh', '', 'ij']) yield* send(a, text);
      const found: string[] = [];
      for (const [value, what] of want) {
        if (what === 'send') {
          // Nothing but what is sent now is there from here on.
          while (!(yield* receive(b)).startsWith('-'));
          yield* send(a, 'klm');
        } else if (what === 'offset') {
          yield* setOption(b, SO_PEEK_OFF, value);
          found.push(`:=${value}`);
        } else found.push(`${yield* receive(b, value, what | MSG_DONTWAIT)} ${yield* getOption(b, SO_PEEK_OFF)}`);
      }
      same(found.join('|'), expected[type === SOCK_STREAM ? SOCK_STREAM : SOCK_DGRAM], `looks at type ${type}`);
    }
    const [a, b] = yield* pair(SOCK_STREAM, 0);
    yield* setOption(b, SO_PEEK_OFF, 2);
    yield* send(a, 'ab');
    yield* helper(receiver, b, 9, MSG_PEEK);
    yield* send(a, 'cde');
    same(yield* answer(), 3, 'a look waits for what lies at its offset');
    yield* setOption(b, SO_PEEK_OFF, -1);
    yield* setOption(a, SO_SNDBUF, 1);
  },
};

export function* main(_argument: number, scenario: string): Guest {
  return yield* runNamed(scenarios, scenario);
}
