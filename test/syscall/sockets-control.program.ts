// What a guest may rely on of control messages: descriptors and credentials. The answers were read off a Linux 6.18, where
// the same was asked by a user 0 without capabilities. `main` runs the scenario that argv names.
import {
  AF_UNIX,
  alloc,
  allocMessage,
  bytesAt,
  check,
  controlSpace,
  EAGAIN,
  EBADF,
  EFAULT,
  EINVAL,
  ENOBUFS,
  ENOTCONN,
  EPERM,
  ETOOMANYREFS,
  F_GETFD,
  FIONREAD,
  type Guest,
  load32,
  load64,
  type MessageMemory,
  MSG_CMSG_CLOEXEC,
  MSG_CTRUNC,
  MSG_DONTWAIT,
  MSG_PEEK,
  MSG_TRUNC,
  MSG_WAITALL,
  RLIMIT_NOFILE,
  SCM_CREDENTIALS,
  SCM_RIGHTS,
  SCM_TIMESTAMP,
  SCM_TIMESTAMPNS,
  sendFds,
  SHUT_WR,
  SO_PASSCRED,
  SO_PEERCRED,
  SO_TIMESTAMP,
  SO_TIMESTAMPNS,
  SOCK_DGRAM,
  SOCK_SEQPACKET,
  SOCK_STREAM,
  SOL_SOCKET,
  store32,
  store64,
  storeControlHead,
  storeMessage,
  sys,
} from '../../src/programs/libc/index.ts';
import {
  answer,
  BAD_ADDRESS,
  connect,
  EXTRA,
  FD,
  get,
  getOption,
  GOT,
  helper,
  ioctlInt,
  listener,
  nameAt,
  pair,
  receive,
  runNamed,
  same,
  send,
  set,
  setOption,
  socket,
} from './socket-tools.program.ts';

const TYPES = [SOCK_STREAM, SOCK_DGRAM, SOCK_SEQPACKET];

/** Reads a message's control messages back, as `type(words)`. */
function controlText(message: MessageMemory): string {
  const used = Number(load64(message.header + 40));
  const found: string[] = [];
  for (let at = 0; at + 16 <= used; ) {
    const length = Number(load64(message.control + at));
    const words: number[] = [];
    for (let i = 16; i + 4 <= length; i += 4) words.push(load32(message.control + at + i));
    found.push(`${load32(message.control + at + 12)}(${words.join(' ')})`);
    at += controlSpace(length - 16);
  }
  return `${used}${found.length > 0 ? ` ${found.join(' ')}` : ''}`;
}

/** @returns `text, MSG_*, control bytes used and messages`; or -errno */
function* recvmsg(fd: number, room: number, controlRoom: number, flags = 0): Guest<string> {
  const message = allocMessage(Math.max(8, room), Math.max(8, controlRoom));
  storeMessage(message, room, controlRoom);
  const r = yield sys.recvmsg(fd, message.header, flags | MSG_DONTWAIT);
  if (r < 0) return String(r);
  const text = String.fromCharCode(...bytesAt(message.buffer, Math.min(r, room)));
  return `${text}, ${load32(message.header + 48)}, ${controlText(message)}`;
}
const rights = (...fds: number[]): string => `1(${fds.join(' ')})`;
const from = (pid: number, id = 0): string => `2(${pid} ${id} ${id})`;

/** Sends `text` with one control message as it is. */
function* sendControl(
  fd: number,
  type: number,
  words: readonly number[],
  length = 16 + 4 * words.length,
  space = controlSpace(4 * words.length),
  level = SOL_SOCKET,
): Guest {
  const message = allocMessage(8, 4096);
  storeMessage(message, 1, space);
  const at = storeControlHead(message.control, type, 4 * words.length);
  store64(message.control, length);
  store32(message.control + 8, level);
  for (const [i, word] of words.entries()) store32(at + 4 * i, word);
  return yield sys.sendmsg(fd, message.header, 0);
}

function* pipe(): Guest<[number, number]> {
  const at = alloc(8);
  check(yield sys.pipe2(at, 0), 'pipe2');
  return [load32(at), load32(at + 4)];
}
function* closeAll(...fds: readonly number[]): Guest<void> {
  for (const fd of fds) check(yield sys.close(fd), 'close');
}
function* setLimit(descriptors: number): Guest<void> {
  const at = alloc(16);
  store64(at, descriptors);
  store64(at + 8, 1024);
  check(yield sys.setrlimit(RLIMIT_NOFILE, at), 'setrlimit');
}
/** @returns what SO_PEERCRED says: `pid user group` */
function* peerOf(fd: number): Guest<string> {
  const at = alloc(16);
  store32(at + 12, 12);
  check(yield sys.getsockopt(fd, SOL_SOCKET, SO_PEERCRED, at, at + 12), 'SO_PEERCRED');
  return [load32(at), load32(at + 4), load32(at + 8)].join(' ');
}

export function* sender(): Guest {
  const [r, w] = yield* pipe();
  const message = allocMessage();
  storeMessage(message, 100, controlSpace(4));
  store32(storeControlHead(message.control, SCM_RIGHTS, 4), r);
  set(EXTRA, w);
  set(GOT, yield sys.sendmsg(get(FD), message.header, 0));
  return 0;
}

const scenarios: Record<string, () => Guest<void>> = {
  *descriptorsArrive() {
    for (const type of TYPES) {
      const [a, b] = yield* pair(type);
      const [r, w] = yield* pipe();
      const free = w + 1;
      same(yield* sendFds(a, [r], 'one'), 3, 'a message with a descriptor');
      same(yield* recvmsg(b, 10, 64), `one, 0, 24 ${rights(free)}`, 'which arrives at the lowest free number');
      same(yield sys.write(w, nameAt('pipe'), 4), 4, 'the file is the same');
      same(yield sys.read(free, alloc(8), 8), 4, 'under another number');
      same(yield sys.fcntl(free, F_GETFD, 0), 0, 'open across execve');
      yield* closeAll(free);
      yield* sendFds(a, [r, w], 'two');
      same(
        yield* recvmsg(b, 10, 64, MSG_CMSG_CLOEXEC),
        `two, ${MSG_CMSG_CLOEXEC}, 24 ${rights(free, free + 1)}`,
        'two',
      );
      same(yield sys.fcntl(free + 1, F_GETFD, 0), 1, 'closed by execve, if asked');
      yield* closeAll(free, free + 1);
      yield* sendFds(a, [], 'none');
      same(yield* recvmsg(b, 10, 64), 'none, 0, 0', 'a message may carry none');
      for (const [room, stored, cut] of [
        [controlSpace(4), 2, 24],
        [20, 1, 20],
        [16, 0, 0],
        [12, 0, 0],
        [0, 0, 0],
      ] as const) {
        yield* sendFds(a, [r, w, r], 'cut');
        const fds = [free, free + 1].slice(0, stored);
        const list = stored > 0 ? ` ${rights(...fds)}` : '';
        same(yield* recvmsg(b, 10, room), `cut, ${MSG_CTRUNC}, ${cut}${list}`, `room of ${room} for three`);
        same(yield sys.fcntl(free + stored, F_GETFD, 0), -EBADF, 'those without room are dropped');
        yield* closeAll(...fds);
      }
      const message = allocMessage(8, 64);
      storeMessage(message, 8, 64);
      store64(message.header + 32, BAD_ADDRESS);
      yield* sendFds(a, [r], 'bad');
      same(yield sys.recvmsg(b, message.header, 0), 3, 'control messages at a bad address');
      same(load32(message.header + 48), MSG_CTRUNC, 'are dropped');
      same(yield sys.fcntl(free, F_GETFD, 0), -EBADF, 'with their descriptors');
      yield* sendFds(a, [r], 'lost');
      same((yield* receive(b)).length, 4, 'recv takes no descriptors');
      same(yield* recvmsg(b, 10, 64), String(-EAGAIN), 'they are gone');
      same(yield* sendFds(a, [r], ''), 0, 'an empty message');
      const empty = type === SOCK_STREAM ? String(-EAGAIN) : `, 0, 24 ${rights(free)}`;
      same(yield* recvmsg(b, 10, 64), empty, 'is one where messages are whole');
      if (type !== SOCK_STREAM) yield* closeAll(free);
      yield* closeAll(a, b, r, w);
    }
  },

  *badOnesAreRefused() {
    for (const type of TYPES) {
      const [a, b] = yield* pair(type);
      const [r, w] = yield* pipe();
      const many = Array.from({ length: 253 }, () => r);
      same(yield* sendFds(a, many, 'x'), 1, 'as many as fit');
      same(yield* sendFds(a, [...many, r], 'x'), -EINVAL, 'one more');
      same((yield* recvmsg(b, 1, 0)).slice(0, 1), 'x', 'the first came');
      for (const bad of [-1, 999, w + 7]) {
        same(yield* sendFds(a, [r, bad], 'x'), -EBADF, `one of them is ${bad}`);
      }
      same(yield* ioctlInt(b, FIONREAD), 0, 'all or nothing was sent');
      for (const [words, length, space, kind, level, wanted] of [
        [[r], 20, 19, SCM_RIGHTS, 1, -EINVAL],
        [[r], 20, 20, SCM_RIGHTS, 1, 1],
        [[r], 15, 24, SCM_RIGHTS, 1, -EINVAL],
        [[r], 16, 15, SCM_RIGHTS, 1, 1],
        [[r], 18, 24, SCM_RIGHTS, 1, 1],
        [[r], 100, 24, SCM_RIGHTS, 1, -EINVAL],
        [[r], 20, 24, 0, 1, -EINVAL],
        [[r], 20, 24, 5, 1, -EINVAL],
        [[r], 20, 24, SCM_RIGHTS, 0, 1],
        [[r], 12, 24, SCM_RIGHTS, 6, -EINVAL],
      ] as const) {
        const name = `type ${kind}, level ${level}, length ${length} of ${space}`;
        same(yield* sendControl(a, kind, words, length, space, level), wanted, name);
      }
      const message = allocMessage();
      storeMessage(message, 1, 24);
      store64(message.header + 32, BAD_ADDRESS);
      same(yield sys.sendmsg(a, message.header, 0), -EFAULT, 'control messages at a bad address');
      for (const length of [131_072, 0x80000000, -1]) {
        store64(message.header + 40, length);
        same(yield sys.sendmsg(a, message.header, 0), -ENOBUFS, `${length} bytes of them`);
      }
      yield* closeAll(a, b, r, w);
      const lone = yield* socket(type);
      same(yield* sendFds(lone, [999], 'x'), type === SOCK_SEQPACKET ? -ENOTCONN : -EBADF, 'what is looked at first');
      yield* closeAll(lone);
    }
  },

  /** A stream has no boundaries but these: a read ends with the send that carries descriptors. */
  *streamsStop() {
    const [a, b] = yield* pair(SOCK_STREAM);
    const [r, w] = yield* pipe();
    const free = w + 1;
    yield* send(a, 'abc');
    yield* sendFds(a, [r], 'def');
    yield* send(a, 'ghi');
    yield* sendFds(a, [r, w], 'jk');
    same(yield* recvmsg(b, 20, 64), `abcdef, 0, 24 ${rights(free)}`, 'what came before is read with them');
    same(yield* recvmsg(b, 20, 64), `ghijk, 0, 24 ${rights(free + 1, free + 2)}`, 'what comes behind is not');
    yield* closeAll(free, free + 1, free + 2);
    yield* sendFds(a, [r], 'hello');
    yield* send(a, 'xyz');
    same(yield* recvmsg(b, 2, 64), `he, 0, 24 ${rights(free)}`, 'they come with the first byte');
    same(yield* recvmsg(b, 20, 64), 'lloxyz, 0, 0', 'and once');
    yield* closeAll(free);
    yield* sendFds(a, [r], 'none');
    same(yield* recvmsg(b, 0, 64), `, 0, 24 ${rights(free)}`, 'even without a byte');
    same(yield* receive(b), 'none', 'which stay');
    yield* closeAll(free);
    yield* sendFds(a, [r], 'ab');
    yield* send(a, 'cde');
    same(yield* recvmsg(b, 5, 64, MSG_WAITALL), `ab, 0, 24 ${rights(free)}`, 'MSG_WAITALL ends there');
    same(yield* receive(b), 'cde', 'too');
    yield* closeAll(free);
    // Longer than one segment: the descriptors go with the first.
    same(yield* sendFds(a, [r], new Uint8Array(50_000)), 50_000, 'a long send');
    const [bytes] = (yield* recvmsg(b, 50_000, 64)).split(`, 0, 24 ${rights(free)}`);
    same(bytes!.length, 36_544, 'arrives with its descriptors in the first piece');
    same((yield* receive(b, 50_000)).length, 50_000 - 36_544, 'and goes on');
    yield* closeAll(free, a, b, r, w);
  },

  *looksDuplicate() {
    for (const type of TYPES) {
      const [a, b] = yield* pair(type);
      const [r, w] = yield* pipe();
      const free = w + 1;
      const before = type === SOCK_STREAM ? 'abc' : '';
      if (before !== '') yield* send(a, before);
      yield* sendFds(a, [r], 'with');
      yield* send(a, 'q');
      for (let i = 0; i < 2; i++) {
        same(yield* recvmsg(b, 20, 64, MSG_PEEK), `${before}with, 0, 24 ${rights(free + i)}`, 'a look gives a copy');
      }
      const short = type === SOCK_STREAM ? 0 : MSG_TRUNC;
      const first = type === SOCK_STREAM ? 'a' : 'w';
      same(yield* recvmsg(b, 1, 64, MSG_PEEK), `${first}, ${short}, 24 ${rights(free + 2)}`, 'of those ahead too');
      same(yield* recvmsg(b, 20, 64), `${before}with, 0, 24 ${rights(free + 3)}`, 'and leaves the original');
      same(yield* recvmsg(b, 20, 64), 'q, 0, 0', 'once');
      yield* closeAll(free, free + 1, free + 2, free + 3, a, b, r, w);
    }
  },

  *limitsAreKept() {
    const [a, b] = yield* pair(SOCK_STREAM);
    const [r, w] = yield* pipe();
    const free = w + 1;
    yield* sendFds(a, [r, w, r, w], 'abc');
    yield* setLimit(free + 2);
    same(yield* recvmsg(b, 10, 64), `abc, ${MSG_CTRUNC}, 24 ${rights(free, free + 1)}`, 'as many as there are numbers');
    yield* sendFds(a, [r, w], 'abc');
    same(yield* recvmsg(b, 10, 64), `abc, ${MSG_CTRUNC}, 0`, 'perhaps none');
    yield* closeAll(free, free + 1);
    yield* setLimit(40);
    let messages = 0;
    while ((yield* sendFds(a, [r, w, r, w, r, w], 'x')) === 1) messages++;
    same(messages, 7, 'more descriptors than a process may have open are not in flight');
    same(yield* sendFds(a, [r], 'x'), -ETOOMANYREFS, 'not one more');
    const [c, d] = yield* pair(SOCK_DGRAM);
    same(yield* sendFds(c, [r], 'x'), -ETOOMANYREFS, 'nor elsewhere');
    same(yield* sendFds(a, [r], ''), 0, 'one that is not sent is none');
    yield* receive(b, 1);
    same(yield* sendFds(c, [r], 'x'), 1, 'until some were received');
    yield* closeAll(a, b, c, d, r, w);
  },

  *sendersAreTold() {
    const pid = yield sys.getpid();
    for (const type of TYPES) {
      const [a, b] = yield* pair(type);
      const cred = (p: number, u = 0, g = 0): Guest => sendControl(a, SCM_CREDENTIALS, [p, u, g]);
      same(yield* cred(pid), 1, 'one may name oneself');
      for (const [p, u, g, wanted] of [
        [pid + 1, 0, 0, -EPERM],
        [999_999, 0, 0, -EPERM],
        [pid, 1, 0, -EPERM],
        [pid, 0, 1, -EPERM],
        [0, 0, 0, -EPERM],
        [pid, -1, 0, -EINVAL],
        [pid, 0, -1, -EINVAL],
      ] as const) {
        same(yield* cred(p, u, g), wanted, `but not as ${p} ${u} ${g}`);
      }
      same(yield* sendControl(a, SCM_CREDENTIALS, [pid, 0]), -EINVAL, 'nor by half');
      same((yield* recvmsg(b, 20, 100)).slice(1), ', 0, 0', 'who does not ask is not told');
      same(yield* setOption(b, SO_PASSCRED, 1), 0, 'one may ask');
      yield* cred(pid);
      same((yield* recvmsg(b, 20, 100)).slice(1), `, 0, 32 ${from(pid)}`, 'and is told');
      yield* send(a, 'x');
      same(yield* recvmsg(b, 20, 100), `x, 0, 32 ${from(pid)}`, 'of every message');
      same(yield* sendFds(a, [b], 'x'), 1, 'with descriptors');
      const [r, w] = yield* pipe();
      same(yield* recvmsg(b, 20, 100), `x, 0, 56 ${from(pid)} ${rights(w + 1)}`, 'first the sender');
      yield* closeAll(w + 1, r, w);
      for (const [room, told] of [
        [32, `32 ${from(pid)}`],
        [28, `28 ${from(pid)}`],
        [20, `20 2(${pid})`],
        [0, '0'],
      ] as const) {
        yield* sendFds(a, [b], 'x');
        same(yield* recvmsg(b, 20, room), `x, ${MSG_CTRUNC}, ${told}`, `in a room of ${room}`);
      }
      same(yield* setOption(b, SO_PASSCRED, 0), 0, 'not to be told');
      yield* send(a, 'x');
      same(yield* setOption(b, SO_PASSCRED, 1), 0, 'and told again');
      yield* send(a, 'y');
      same(yield* recvmsg(b, 20, 100), `x, 0, 32 ${from(0, 65_534)}`, 'nobody was noted then');
      same(yield* recvmsg(b, 20, 100), `y, 0, 32 ${from(pid)}`, 'and messages of two senders are not joined');
      yield sys.shutdown(a, SHUT_WR);
      const end = type === SOCK_STREAM ? `, 0, 32 ${from(0)}` : type === SOCK_DGRAM ? String(-EAGAIN) : ', 0, 0';
      same(yield* recvmsg(b, 20, 100), end, 'the end has no sender');
      yield* closeAll(a, b);
    }
  },

  *peersAreNamed() {
    const pid = yield sys.getpid();
    const server = yield* listener(SOCK_STREAM, '@peers', 5);
    same(yield* peerOf(server), `${pid} 0 0`, 'a listener is its own');
    same(yield* setOption(server, SO_PASSCRED, 1), 0, 'it asks who sends');
    const client = yield* socket(SOCK_STREAM);
    same(yield* peerOf(client), '0 -1 -1', 'nobody yet');
    yield* connect(client, '@peers');
    same(yield* peerOf(client), `${pid} 0 0`, 'who listens');
    yield* send(client, 'early');
    const accepted = yield sys.accept(server, 0, 0);
    same(yield* peerOf(accepted), `${pid} 0 0`, 'who connected');
    same(yield* getOption(accepted, SO_PASSCRED), 1, 'what is accepted asks as its listener did');
    same(yield* recvmsg(accepted, 20, 100), `early, 0, 32 ${from(pid)}`, 'from the first message on');
    for (const type of TYPES) {
      const [a] = yield* pair(type);
      same(yield* peerOf(a), `${pid} 0 0`, 'who made the pair');
    }
    const office = yield* socket(SOCK_DGRAM, '@answers');
    const nameLength = function* (fd: number): Guest {
      const room = alloc(8);
      store32(room, 110);
      yield sys.getsockname(fd, alloc(112), room);
      return load32(room);
    };
    for (const how of ['sendto', 'connect', 'send'] as const) {
      const fd = yield* socket(SOCK_DGRAM);
      yield* setOption(fd, SO_PASSCRED, 1);
      same(yield* nameLength(fd), 2, 'no name yet');
      if (how === 'sendto') yield sys.sendto(fd, alloc(8), 1, 0, nameAt('@answers'), 10);
      else if (how === 'connect') yield* connect(fd, '@answers');
      else same(yield* send(fd, 'x'), -ENOTCONN, 'nowhere to go');
      same(yield* nameLength(fd), 8, `one that asks has a name after ${how}`);
      same(yield* peerOf(fd), '0 -1 -1', 'and no peer to speak of');
    }
    same(yield* receive(office), '\0', 'it was sent');
    const late = yield sys.socket(AF_UNIX, SOCK_STREAM, 0);
    yield* setOption(late, SO_PASSCRED, 1);
    yield* connect(late, '@peers');
    same(yield* nameLength(late), 8, 'so has a stream that connects');
  },

  *timesAreTold() {
    const seconds = alloc(16);
    yield sys.clock_gettime(0, seconds);
    for (const type of [SOCK_DGRAM, SOCK_SEQPACKET]) {
      const [a, b] = yield* pair(type);
      for (const [option, kind] of [
        [SO_TIMESTAMP, SCM_TIMESTAMP],
        [SO_TIMESTAMPNS, SCM_TIMESTAMPNS],
      ] as const) {
        same(yield* setOption(b, option, 1), 0, 'one may ask for the time');
        yield* send(a, 'x');
        const told = /^x, 0, 32 (\d+)\((\d+) 0 (\d+) 0\)$/.exec(yield* recvmsg(b, 20, 100)) ?? [];
        same(Number(told[1]), kind, 'it is told with the message');
        const late = Number(told[2]) - load32(seconds);
        same(late >= 0 && late < 60 ? 1 : 0, 1, 'in seconds');
        same(Number(told[3]) < (kind === SCM_TIMESTAMP ? 1e6 : 1e9) ? 1 : 0, 1, 'and what is below');
      }
      same(yield* getOption(b, SO_TIMESTAMP), 0, 'in one unit at a time');
      yield* send(a, 'x');
      same(yield* recvmsg(b, 20, 0), `x, ${MSG_CTRUNC}, 0`, 'if there is room');
    }
    const [a, b] = yield* pair(SOCK_STREAM);
    yield* setOption(b, SO_TIMESTAMP, 1);
    yield* send(a, 'x');
    same(yield* recvmsg(b, 20, 100), 'x, 0, 0', 'a stream has no time');
  },

  /** Descriptors that a blocked send holds go out with it, whoever closes them meanwhile. */
  *blockedSendersHold() {
    const [a, b] = yield* pair(SOCK_STREAM, 0);
    const at = alloc(4096);
    for (const closes of [false, true]) {
      let sends = 0;
      while ((yield sys.sendto(a, at, 4096, MSG_DONTWAIT, 0, 0)) > 0) sends++;
      yield* helper(sender, a);
      const writing = get(EXTRA);
      yield* closeAll(writing, writing - 1);
      if (closes) yield* closeAll(b);
      else for (let i = 0; i < sends; i++) same(yield sys.recvfrom(b, at, 4096, 0, 0, 0), 4096, 'room is made');
      same((yield* answer()) > 0 ? 1 : 0, closes ? 0 : 1, 'the send goes on, or fails');
      if (closes) return;
      const received = yield* recvmsg(b, 4096, 64);
      same(received, `${'\0'.repeat(100)}, 0, 24 ${rights(writing - 1)}`, 'with what it had');
      same(yield sys.read(writing - 1, at, 8), 0, 'a pipe whose writer was closed');
      yield* closeAll(writing - 1);
    }
  },
};

export function* main(_argument: number, scenario: string): Guest {
  return yield* runNamed(scenarios, scenario);
}
