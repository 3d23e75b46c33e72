// Names and connections in the order in which Linux 6.18 checks them, asked there call by call. `main` runs the scenario
// that argv names.
import {
  AF_INET,
  AF_UNSPEC,
  alloc,
  bytesAt,
  EADDRINUSE,
  EAGAIN,
  ECONNREFUSED,
  EFAULT,
  EINVAL,
  EISCONN,
  EMSGSIZE,
  ENOENT,
  ENOTCONN,
  EOPNOTSUPP,
  EPIPE,
  EPROTOTYPE,
  type Guest,
  load32,
  MSG_NOSIGNAL,
  SHUT_RD,
  SHUT_RDWR,
  SOCK_DGRAM,
  SOCK_SEQPACKET,
  SOCK_STREAM,
  store16,
  store32,
  store64,
  sys,
} from '../../src/programs/libc/index.ts';
import { BAD_ADDRESS, connect, nameAt, pair, runNamed, same, send, socket } from './socket-tools.program.ts';

/** A name of another family, or of none. */
function family(number: number): number {
  const at = alloc(112);
  store16(at, number);
  return at;
}
function* bind(fd: number, name: string, length = 2 + name.length): Guest {
  return yield sys.bind(fd, nameAt(name), length);
}
function* nameOf(fd: number): Guest<string> {
  const at = alloc(112);
  const room = alloc(8);
  store32(room, 110);
  yield sys.getsockname(fd, at, room);
  return String.fromCharCode(...bytesAt(at + 2, Math.max(0, load32(room) - 2)));
}
function* sendTo(fd: number, at: number, length: number, from = alloc(8), bytes = 1): Guest {
  return yield sys.sendto(fd, from, bytes, MSG_NOSIGNAL, at, length);
}

const scenarios: Record<string, () => Guest<void>> = {
  *namesAreGivenOnce() {
    for (const type of [SOCK_STREAM, SOCK_DGRAM, SOCK_SEQPACKET]) {
      const fd = yield* socket(type);
      same(yield sys.bind(fd, family(AF_UNSPEC), 2), -EINVAL, 'a name of no family');
      same(yield* bind(fd, ''), 0, 'a family alone');
      const name = yield* nameOf(fd);
      same(/^\0[0-9a-f]{5}$/.test(name) ? 1 : 0, 1, 'is NUL and five digits');
      same(yield* bind(fd, ''), 0, 'asked for again');
      same(yield* nameOf(fd), name, 'it stays');
      same(yield* bind(fd, '@pn'), -EINVAL, 'another is refused');
      same(yield* bind(fd, '', 1), -EINVAL, 'half a family');
      same(yield* bind(fd, '', 0), -EINVAL, 'nothing');
      const named = yield* socket(type, '@pn');
      same(yield* bind(yield* socket(type), '@pn'), -EADDRINUSE, 'a name in use');
      same(yield* bind(named, ''), 0, 'a family alone, to one with a name');
      same(yield* nameOf(named), '\0pn', 'changes nothing');
      yield sys.close(fd);
      yield sys.close(named);
    }
  },

  *streamsAreConnectedInOrder() {
    for (const type of [SOCK_STREAM, SOCK_SEQPACKET]) {
      const fd = yield* socket(type);
      const server = yield* socket(type, '@sp');
      for (const [at, length] of [
        [nameAt(''), 2],
        [family(AF_UNSPEC), 2],
        [family(AF_UNSPEC), 1],
        [family(AF_UNSPEC), 110],
        [family(AF_INET), 16],
      ] as const) {
        same(yield sys.connect(fd, at, length), -EINVAL, 'no name of a unix socket');
      }
      same(yield* connect(fd, '@sp'), -ECONNREFUSED, 'bound, but nobody listens');
      same(yield sys.listen(server, 0), 0, 'somebody does');
      same(yield* connect(fd, '@sp'), 0, 'connected');
      const late = yield* socket(type);
      for (const who of [fd, late, server]) same(yield* connect(who, '@sp'), -EAGAIN, 'a full backlog is found first');
      same(yield* connect(fd, '@none'), -ECONNREFUSED, 'then a name that nobody has');
      same(yield* connect(server, '@none'), -ECONNREFUSED, 'whoever asks');
      same(yield sys.listen(fd, 1), -EINVAL, 'a client does not listen');
      same(yield sys.listen(server, 3), 0, 'a longer backlog');
      same(yield* connect(fd, '@sp'), -EISCONN, 'then that it is connected');
      same(yield* connect(server, '@sp'), -EINVAL, 'or listens');
      same(yield sys.connect(fd, family(AF_UNSPEC), 16), -EINVAL, 'a connection is for good');
      const [a, b] = yield* pair(type);
      same(yield* connect(a, '@sp'), -EISCONN, 'a pair is connected');
      same(yield sys.listen(a, 1), -EINVAL, 'and has no name');
      same(yield* bind(a, '@sq'), 0, 'until it is given one');
      same(yield sys.listen(a, 1), -EINVAL, 'with which it does not listen either');
      same(yield* connect(b, '@sq'), -ECONNREFUSED, 'nor is connected to');
      yield sys.close(b);
      same(yield* connect(a, '@sp'), -EISCONN, 'one whose peer is gone is connected');
      same(yield* send(a, 'x', MSG_NOSIGNAL), -EPIPE, 'to nobody');
      same(yield sys.accept(a, 0, 0), -EINVAL, 'accepting nothing');
      same(yield sys.accept(fd, 0, 0), -EINVAL, 'as a client does');
      const shut = yield* socket(type);
      same(yield sys.shutdown(shut, SHUT_RDWR), 0, 'one that was shut');
      same(yield* connect(shut, '@sp'), 0, 'is connected all the same');
      same(yield* send(shut, 'x', MSG_NOSIGNAL), -EPIPE, 'and stays shut');
      same(yield sys.recvfrom(shut, alloc(8), 1, 0, 0, 0), 0, 'in both directions');
      const deaf = yield* socket(type, '@deaf');
      yield sys.listen(deaf, 1);
      yield sys.shutdown(deaf, SHUT_RD);
      same(yield sys.listen(deaf, 1), 0, 'a listener that is shut may listen');
      same(yield* connect(yield* socket(type), '@deaf'), -ECONNREFUSED, 'to nobody');
      const stream = type === SOCK_STREAM;
      same(
        yield sys.recvfrom(server, alloc(8), 1, 0, 0, 0),
        stream ? -EINVAL : -ENOTCONN,
        'a listener receives nothing',
      );
      same(yield* send(server, 'x', MSG_NOSIGNAL), -ENOTCONN, 'and sends nothing');
      const name = nameAt('@sp');
      same(yield* sendTo(fd, name, 5), stream ? -EISCONN : 1, 'a name to one that has a peer');
      same(yield* sendTo(fd, name, 1), stream ? -EISCONN : 1, 'be it none');
      same(yield* sendTo(fd, name, 0), 1, 'or not even that');
      const lone = yield* socket(type);
      const refused = stream ? -EOPNOTSUPP : -ENOTCONN;
      same(yield* sendTo(server, name, 5), refused, 'to a listener');
      same(yield* sendTo(lone, name, 5), refused, 'to one without a peer');
      same(yield* sendTo(lone, name, 111), refused, 'whatever it is');
      same(yield* sendTo(lone, name, 129), -EINVAL, 'unless it is too long to be any');
      same(yield* sendTo(lone, BAD_ADDRESS, 5), -EFAULT, 'or at a bad address');
      same(yield* sendTo(lone, name, 5, BAD_ADDRESS), refused, 'before the bytes are looked at');
      same(yield* sendTo(lone, name, 5, -9), -EFAULT, 'but for where they cannot be');
      same(yield sys.accept(server, BAD_ADDRESS, 0), -EFAULT, 'an address that cannot be told');
      for (const used of [fd, server, late, a, shut, deaf, lone]) yield sys.close(used);
    }
  },

  *datagramsAreConnectedInOrder() {
    const fd = yield* socket(SOCK_DGRAM);
    const other = yield* socket(SOCK_DGRAM, '@dp');
    const nowhere = family(AF_UNSPEC);
    for (const [at, length, wanted] of [
      [nameAt(''), 2, -EINVAL],
      [nowhere, 2, 0],
      [nowhere, 1, -EINVAL],
      [nowhere, 110, 0],
      [family(AF_INET), 16, -EINVAL],
    ] as const) {
      same(yield sys.connect(fd, at, length), wanted, `connect, ${length} bytes`);
    }
    for (let i = 0; i < 3; i++) same(yield* connect(fd, '@dp'), 0, 'again and again');
    same(yield* send(fd, 'x'), 1, 'connected');
    same(yield sys.connect(fd, family(AF_INET), 16), -EINVAL, 'another family');
    same(yield* send(fd, 'x'), 1, 'leaves it so');
    same(yield sys.connect(fd, nowhere, 2), 0, 'no family');
    same(yield* send(fd, 'x'), -ENOTCONN, 'does not');
    same(yield sys.listen(fd, 1), -EOPNOTSUPP, 'it does not listen');
    same(yield sys.accept(fd, 0, 0), -EOPNOTSUPP, 'nor accept');
    const stream = yield* socket(SOCK_STREAM);
    same(yield* connect(stream, '@dp'), -ECONNREFUSED, 'names of types are apart');
    same(yield* bind(stream, '@dp'), 0, 'and may be the same');
    same(yield* connect(fd, '@dp'), 0, 'without being mistaken');
    const path = yield* socket(SOCK_STREAM, '/dp');
    same(yield* connect(fd, '/dp'), -EPROTOTYPE, 'a path is of one type');
    const at = nameAt('/dp');
    same(yield* sendTo(fd, at, 5), -EPROTOTYPE, 'to sendto too');
    same(yield* sendTo(fd, at, 2), -EINVAL, 'a family alone');
    same(yield* sendTo(fd, at, 111), -EINVAL, 'a name that is too long');
    same(yield* sendTo(fd, at, 0), 1, 'none: the peer');
    same(yield* sendTo(fd, family(AF_INET), 16), -EINVAL, 'another family');
    same(yield* sendTo(fd, nameAt('/dq'), 5), -ENOENT, 'a path that is not there');
    yield sys.close(path);
    same(yield* sendTo(fd, at, 5), -ECONNREFUSED, 'one whose owner is gone');
    same(yield* bind(yield* socket(SOCK_DGRAM), '/dp'), -EADDRINUSE, 'and which stays');
    const shut = yield* socket(SOCK_DGRAM);
    yield sys.shutdown(shut, SHUT_RDWR);
    same(yield* send(shut, 'x'), -EPIPE, 'one that is shut');
    same(yield* sendTo(shut, nameAt('@dp'), 5), -EPIPE, 'says nothing to anybody');
    const lone = yield* socket(SOCK_DGRAM);
    same(yield* sendTo(lone, at, 5, BAD_ADDRESS), -EFAULT, 'the bytes come before the name is looked up');
    same(
      yield* sendTo(lone, family(AF_INET), 5, BAD_ADDRESS, 300_000),
      -EINVAL,
      'what it is comes before their number',
    );
    same(yield* sendTo(lone, at, 5, BAD_ADDRESS, 300_000), -EMSGSIZE, 'which comes before them');
    const header = alloc(56);
    const vector = alloc(16);
    store64(vector, alloc(8));
    store64(vector + 8, 1);
    store64(header + 16, vector);
    store64(header + 24, 1);
    for (const [name, length, wanted] of [
      [at, 0, -ENOTCONN],
      [at, 500, -EINVAL],
      [0, 5, -ENOTCONN],
    ] as const) {
      store64(header, name);
      store32(header + 8, length);
      same(yield sys.sendmsg(lone, header, 0), wanted, `a header with a name of ${length}`);
    }
    store64(header + 24, 0);
    while ((yield sys.recvfrom(other, alloc(8), 8, 0, 0, 0)) > 0);
    same(yield sys.sendmsg(fd, header, 0), 0, 'no buffer is an empty message');
    same(yield sys.recvmsg(other, header, 0), 0, 'which arrives');
    same(yield sys.recvmsg(other, header, 0), -EAGAIN, 'once');
  },
};

export function* main(_argument: number, scenario: string): Guest {
  return yield* runNamed(scenarios, scenario);
}
