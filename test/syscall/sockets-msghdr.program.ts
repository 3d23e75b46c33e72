// What a guest may rely on of sendmsg, recvmsg and the options of sockets; the answers were read off a Linux 6.18. `main`
// runs the scenario that argv names. A broken promise is thrown, which ends the machine and names it.
import {
  AF_UNIX,
  alloc,
  bytesAt,
  EAGAIN,
  EBADF,
  ECONNREFUSED,
  ECONNRESET,
  EFAULT,
  EINVAL,
  EISCONN,
  EMSGSIZE,
  ENOPROTOOPT,
  ENOTSOCK,
  EOPNOTSUPP,
  type Guest,
  IPPROTO_TCP,
  load32,
  MSG_CMSG_CLOEXEC,
  MSG_PEEK,
  MSG_TRUNC,
  POLLERR,
  POLLOUT,
  SO_ACCEPTCONN,
  SO_DOMAIN,
  SO_ERROR,
  SO_KEEPALIVE,
  SO_PASSCRED,
  SO_PROTOCOL,
  SO_RCVBUF,
  SO_REUSEADDR,
  SO_REUSEPORT,
  SO_SNDBUF,
  SO_SNDLOWAT,
  SO_TYPE,
  SOCK_DGRAM,
  SOCK_NONBLOCK,
  SOCK_SEQPACKET,
  SOCK_STREAM,
  SOL_SOCKET,
  store32,
  store64,
  store8,
  sys,
  TCP_NODELAY,
} from '../../src/programs/libc/index.ts';
import { BAD_ADDRESS, getOption, nameAt, pair, polled, runNamed, same, setOption } from './socket-tools.program.ts';

/** A msghdr over buffers of these lengths, each with a byte of its own to begin with. */
function header(lengths: readonly number[], name = 0, nameLength = 0): number {
  const at = alloc(56);
  const vector = alloc(16 * Math.max(1, lengths.length));
  for (const [i, length] of lengths.entries()) {
    const buffer = alloc(Math.max(8, length));
    store8(buffer, 97 + i);
    store64(vector + 16 * i, buffer);
    store64(vector + 16 * i + 8, length);
  }
  store64(at, name);
  store32(at + 8, nameLength);
  store64(at + 16, vector);
  store64(at + 24, lengths.length);
  store64(at + 32, 0);
  store64(at + 40, 0);
  store32(at + 48, 77);
  return at;
}
function* sendmsg(fd: number, at: number): Guest {
  return yield sys.sendmsg(fd, at, 0);
}
/** @returns `result, length of the name, flags` */
function* recvmsg(fd: number, at: number, flags = 0): Guest<string> {
  const r = yield sys.recvmsg(fd, at, flags);
  return `${r}, ${load32(at + 8)}, ${load32(at + 48)}`;
}

const scenarios: Record<string, () => Guest<void>> = {
  *messagesHaveHeaders() {
    for (const type of [SOCK_STREAM, SOCK_DGRAM, SOCK_SEQPACKET]) {
      const [a, b] = yield* pair(type);
      const stream = type === SOCK_STREAM;
      same(yield* sendmsg(a, header([2, 3])), 5, 'a vector is sent');
      const room = header([1, 2], alloc(112), 110);
      same(yield* recvmsg(b, room), `3, 0, ${stream ? 0 : MSG_TRUNC}`, 'a message that was cut says so');
      same(bytesAt(Number(load32(load32(room + 16))), 1).join(), '97', 'the bytes come to the vector');
      same(yield* recvmsg(b, header([9])), stream ? '2, 0, 0' : `${-EAGAIN}, 0, 77`, 'the rest stays in a stream only');
      yield* sendmsg(a, header([5]));
      same(yield* recvmsg(b, header([2]), MSG_PEEK), `2, 0, ${stream ? 0 : MSG_TRUNC}`, 'a look says so too');
      same(yield* recvmsg(b, header([5]), MSG_CMSG_CLOEXEC), `5, 0, ${MSG_CMSG_CLOEXEC}`, 'a flag that is handed back');
      same(yield* recvmsg(b, header([5])), `${-EAGAIN}, 0, 77`, 'a header is left alone where nothing came');
      const many = header([2]);
      store64(many + 24, 1025);
      same(yield* sendmsg(a, many), -EMSGSIZE, 'too many buffers to send');
      same(yield* recvmsg(b, many), `${-EMSGSIZE}, 0, 77`, 'or to receive');
      same(yield* sendmsg(a, header([2], alloc(112), -1)), -EINVAL, 'a negative length');
      same(yield* sendmsg(a, header([2], BAD_ADDRESS, 4)), -EFAULT, 'a name at a bad address');
      same(yield* sendmsg(a, header([2], 0, -1)), 2, 'no name has no length');
      same(yield* recvmsg(b, header([2], 0, -1)), '2, -1, 0', 'nor is one told');
      const bad = header([2]);
      store64(bad + 16, BAD_ADDRESS);
      same(yield* sendmsg(a, bad), -EFAULT, 'a vector at a bad address');
      same(yield sys.sendmsg(a, BAD_ADDRESS, 0), -EFAULT, 'a header at a bad address');
      same(yield sys.recvmsg(b, BAD_ADDRESS, 0), -EFAULT, 'to receive, too');
      const missing = stream ? -EISCONN : type === SOCK_DGRAM ? -ECONNREFUSED : 2;
      same(yield* sendmsg(a, header([2], nameAt('@zzz'), 6)), missing, 'a name: each type has its answer');
    }
    same(yield sys.sendmsg(1, BAD_ADDRESS, 0), -ENOTSOCK, 'the kind of file comes first');
    same(yield sys.recvmsg(999, BAD_ADDRESS, 0), -EBADF, 'and the descriptor');
    const receiver = yield sys.socket(AF_UNIX, SOCK_DGRAM | SOCK_NONBLOCK, 0);
    const sender = yield sys.socket(AF_UNIX, SOCK_DGRAM | SOCK_NONBLOCK, 0);
    yield sys.bind(receiver, nameAt('@to'), 5);
    yield sys.bind(sender, nameAt('@from'), 7);
    same(yield* sendmsg(sender, header([4], nameAt('@to'), 5)), 4, 'a datagram to a name');
    same(yield* recvmsg(receiver, header([9], alloc(112), 110)), '4, 7, 0', 'and from one');
  },

  *optionsAreKept() {
    for (const type of [SOCK_STREAM, SOCK_DGRAM, SOCK_SEQPACKET]) {
      const fd = yield sys.socket(AF_UNIX, type, 0);
      same(yield* getOption(fd, SO_TYPE), type, 'the type');
      same(yield* getOption(fd, SO_DOMAIN), AF_UNIX, 'the family');
      same(yield* getOption(fd, SO_PROTOCOL), 0, 'the protocol');
      same(yield* getOption(fd, SO_SNDLOWAT), 1, 'what cannot be set');
      same(yield* setOption(fd, SO_TYPE, 1), -ENOPROTOOPT, 'is not set');
      for (const name of [SO_REUSEADDR, SO_KEEPALIVE, SO_PASSCRED]) {
        same(yield* getOption(fd, name), 0, 'off at first');
        same(yield* setOption(fd, name, 5000), 0, 'anything');
        same(yield* getOption(fd, name), 1, 'is on');
        same(yield* setOption(fd, name, 0), 0, 'and nothing');
        same(yield* getOption(fd, name), 0, 'off');
      }
      same(yield* setOption(fd, SO_REUSEPORT, 0), 0, 'no ports');
      same(yield* setOption(fd, SO_REUSEPORT, 1), -EOPNOTSUPP, 'to share');
      for (const level of [IPPROTO_TCP, 0, 41]) {
        same(yield* setOption(fd, TCP_NODELAY, 1, level), -EOPNOTSUPP, 'no other level to set');
        same(yield* getOption(fd, TCP_NODELAY, level), -EOPNOTSUPP, 'or to ask');
      }
      same(yield* getOption(fd, 999), -ENOPROTOOPT, 'an unknown option');
      same(yield* setOption(fd, 999, 1), -ENOPROTOOPT, 'likewise');
      same(yield* setOption(fd, 999, 1, SOL_SOCKET, 2), -EINVAL, 'the length comes before');
      same(yield* setOption(fd, SO_REUSEADDR, 1, IPPROTO_TCP, -1), -EINVAL, 'a negative one before the level');
      same(yield sys.setsockopt(fd, SOL_SOCKET, SO_REUSEADDR, BAD_ADDRESS, 4), -EFAULT, 'a bad address');
      same(yield sys.getsockopt(fd, SOL_SOCKET, SO_TYPE, BAD_ADDRESS, BAD_ADDRESS), -EFAULT, 'two of them');
      const room = alloc(8);
      store32(room, -1);
      same(yield sys.getsockopt(fd, SOL_SOCKET, SO_TYPE, room, room), -EINVAL, 'negative room');
      store32(room, 2);
      const value = alloc(8);
      store32(value, -1);
      same(yield sys.getsockopt(fd, SOL_SOCKET, SO_SNDBUF, value, room), 0, 'little room');
      same(load32(value), 0xffff4000 | 0, 'gets little');
      same(yield sys.close(fd), 0, 'close');
    }
    same(yield sys.setsockopt(1, SOL_SOCKET, SO_REUSEADDR, BAD_ADDRESS, -4), -ENOTSOCK, 'the kind of file comes first');
    same(yield sys.getsockopt(999, SOL_SOCKET, SO_TYPE, 0, 0), -EBADF, 'and the descriptor');
    const listener = yield sys.socket(AF_UNIX, SOCK_STREAM, 0);
    yield sys.bind(listener, nameAt('@l'), 4);
    same(yield* getOption(listener, SO_ACCEPTCONN), 0, 'a bound socket');
    yield sys.listen(listener, 1);
    same(yield* getOption(listener, SO_ACCEPTCONN), 1, 'and one that listens');
    const [a, b] = yield* pair(SOCK_STREAM);
    yield sys.write(a, alloc(8), 8);
    yield sys.close(b);
    same((yield* polled(a)) & POLLERR, POLLERR, 'an error waits');
    same(yield* getOption(a, SO_ERROR), ECONNRESET, 'which can be asked for');
    same(yield* getOption(a, SO_ERROR), 0, 'once');
    same((yield* polled(a)) & POLLERR, 0, 'then there is none');
  },

  *buffersAreSized() {
    const fd = yield sys.socket(AF_UNIX, SOCK_DGRAM, 0);
    same(yield* getOption(fd, SO_RCVBUF), 212_992, 'as it is at first');
    for (const [asked, send, receive] of [
      [0, 4608, 2304],
      [1000, 4608, 2304],
      [4608, 9216, 9216],
      [100_000, 200_000, 200_000],
      [0x7fffffff, 8_388_608, 8_388_608],
      [-5, 8_388_608, 8_388_608],
    ] as const) {
      yield* setOption(fd, SO_SNDBUF, asked);
      yield* setOption(fd, SO_RCVBUF, asked);
      same(yield* getOption(fd, SO_SNDBUF), send, `SO_SNDBUF ${asked}`);
      same(yield* getOption(fd, SO_RCVBUF), receive, `SO_RCVBUF ${asked}`);
    }
    const [a] = yield* pair(SOCK_STREAM);
    yield* setOption(a, SO_SNDBUF, 10_000);
    const at = alloc(20_000);
    let sends = 0;
    while ((yield sys.write(a, at, 1000)) === 1000) sends++;
    same(sends, 9, 'a stream fills the buffer that it was given');
    same((yield* polled(a)) & POLLOUT, 0, 'and waits');
    yield* setOption(a, SO_SNDBUF, 100_000);
    same((yield* polled(a)) & POLLOUT, POLLOUT, 'until it is given more');
    const [c] = yield* pair(SOCK_SEQPACKET);
    yield* setOption(c, SO_SNDBUF, 10_000);
    same(yield sys.write(c, at, 20_000), -EMSGSIZE, 'a message must fit');
    same(yield sys.write(c, at, 19_968), 19_968, 'nearly all of it');
  },
};

export function* main(_argument: number, scenario: string): Guest {
  return yield* runNamed(scenarios, scenario);
}
