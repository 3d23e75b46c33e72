// What a guest may rely on of unix stream sockets; the answers are Linux's, and the figures of the send
// buffer were read off a 6.18. `main` runs the scenario that argv names. A broken promise is thrown, which ends the machine and names it.
import {
  AF_INET,
  AF_UNIX,
  alloc,
  atomicAdd32,
  bytesAt,
  EADDRINUSE,
  EAFNOSUPPORT,
  EAGAIN,
  EBADF,
  ECONNREFUSED,
  ECONNRESET,
  EFAULT,
  EINVAL,
  EISCONN,
  EMFILE,
  ENOENT,
  ENOTCONN,
  ENOTSOCK,
  EOPNOTSUPP,
  EPIPE,
  EPROTONOSUPPORT,
  ESOCKTNOSUPPORT,
  F_GETFD,
  F_GETFL,
  FIONREAD,
  type Guest,
  join,
  load32,
  MSG_DONTWAIT,
  MSG_NOSIGNAL,
  MSG_PEEK,
  MSG_WAITALL,
  O_NONBLOCK,
  O_RDWR,
  POLLERR,
  POLLHUP,
  POLLIN,
  POLLOUT,
  POLLRDHUP,
  RLIMIT_NOFILE,
  SHUT_RD,
  SHUT_RDWR,
  SHUT_WR,
  SOCK_CLOEXEC,
  SOCK_NONBLOCK,
  SOCK_STREAM,
  startThread,
  store32,
  store64,
  sys,
  type Thread,
} from '../../src/programs/libc/index.ts';
import {
  ADDRESS,
  answer,
  ASKED,
  BAD_ADDRESS,
  blockSigpipe,
  EXTRA,
  FD,
  get,
  GOT,
  helper,
  ioctlInt,
  LENGTH,
  listener as listenerOf,
  nameAt,
  pair as pairOf,
  polled,
  runNamed,
  same,
  set,
  sharedAt,
  sigpipePending,
  SIOCOUTQ,
  UNFINISHED,
} from './socket-tools.program.ts';

const pair = (flags = SOCK_NONBLOCK): Guest<[number, number]> => pairOf(SOCK_STREAM, flags);
const listener = (text: string, backlog: number, flags = SOCK_NONBLOCK): Guest =>
  listenerOf(SOCK_STREAM, text, backlog, flags);

function* client(text: string, flags = SOCK_NONBLOCK): Guest {
  const fd = yield sys.socket(AF_UNIX, SOCK_STREAM | flags, 0);
  const r = yield sys.connect(fd, nameAt(text), 2 + text.length);
  return r < 0 ? r : fd;
}

function* sendBytes(fd: number, count: number, flags = MSG_NOSIGNAL): Guest {
  return yield sys.sendto(fd, alloc(count), count, flags, 0, 0);
}

function* receive(fd: number, count: number, flags = 0): Guest {
  return yield sys.recvfrom(fd, alloc(Math.max(8, count)), count, flags, 0, 0);
}

function* fill(fd: number, size: number): Guest {
  const at = alloc(size);
  for (let total = 0; ; ) {
    const r = yield sys.write(fd, at, size);
    if (r < 0) return total;
    total += r;
  }
}

export function* writer(): Guest {
  yield* blockSigpipe();
  set(GOT, yield sys.write(get(FD), alloc(get(LENGTH)), get(LENGTH)));
  set(EXTRA, yield* sigpipePending());
  return 0;
}
export function* reader(): Guest {
  set(GOT, yield sys.recvfrom(get(FD), alloc(get(LENGTH)), get(LENGTH), MSG_WAITALL, 0, 0));
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
/** Clients of the crowd: each connects, sends its number many times over, and closes. */
const CLIENTS = 4;
const VISITS = 150;
export function* visitor(number: number): Guest {
  const name = nameAt('@crowd');
  const message = alloc(8);
  const room = alloc(8);
  for (let visit = 0; visit < VISITS; visit++) {
    store32(message, number);
    store32(message + 4, visit);
    const fd = yield sys.socket(AF_UNIX, SOCK_STREAM, 0);
    same(yield sys.connect(fd, name, 8), 0, 'a visitor gets in');
    for (let i = 0; i < 3; i++) same(yield sys.write(fd, message, 8), 8, 'and says something');
    same(yield sys.read(fd, room, 8), 4, 'and is answered');
    same(load32(room), visit, 'in person');
    yield sys.close(fd);
  }
  return 0;
}
export function* host(server: number): Guest {
  const message = alloc(24);
  for (let visit = 0; visit < (CLIENTS * VISITS) / 2; visit++) {
    const fd = yield sys.accept(server, 0, 0);
    same(fd > 0 ? 1 : 0, 1, 'somebody comes');
    same(yield sys.recvfrom(fd, message, 24, MSG_WAITALL, 0, 0), 24, 'all that it says arrives');
    same(load32(message + 20), load32(message + 4), 'untorn');
    same(yield sys.write(fd, message + 4, 4), 4, 'an answer');
    same(yield sys.read(fd, message, 24), 0, 'it leaves');
    yield sys.close(fd);
  }
  atomicAdd32(sharedAt(GOT), 1);
  return 0;
}

const scenarios: Record<string, () => Guest<void>> = {
  /** A backlog of one, two threads that accept, four that connect: nobody is lost, and all calls end. */
  *crowdsAreServed() {
    const server = yield* listener('@crowd', 1, 0);
    const threads: Thread[] = [];
    for (let i = 0; i < 2; i++) threads.push(yield* startThread(host, server, i));
    for (let i = 0; i < CLIENTS; i++) threads.push(yield* startThread(visitor, i, i % 2));
    for (const thread of threads) yield* join(thread);
    same(get(GOT), 2, 'both served their half');
    yield sys.close(server);
  },

  *creationIsChecked() {
    const at = alloc(8);
    const cases: [number, number, number, number][] = [
      [AF_UNIX, SOCK_STREAM | 0x100, 0, -EINVAL],
      [AF_UNIX, -1, 0, -EINVAL],
      [AF_INET, SOCK_STREAM, 0, -EAFNOSUPPORT],
      [99, 12, 0, -EAFNOSUPPORT],
      [AF_UNIX, 12, 0, -EINVAL],
      [AF_UNIX, 7, 0, -ESOCKTNOSUPPORT],
      [AF_UNIX, SOCK_STREAM, 6, -EPROTONOSUPPORT],
    ];
    for (const [family, type, protocol, wanted] of cases) {
      same(yield sys.socket(family, type, protocol), wanted, `socket(${family}, ${type}, ${protocol})`);
      same(yield sys.socketpair(family, type, protocol, at), wanted, `socketpair(${family}, ${type}, ${protocol})`);
    }
    same(yield sys.socketpair(99, SOCK_STREAM, 0, BAD_ADDRESS), -EFAULT, 'a bad array comes before a bad family');
    const fd = yield sys.socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, AF_UNIX);
    same(yield sys.fcntl(fd, F_GETFD, 0), 1, 'SOCK_CLOEXEC');
    same(yield sys.fcntl(fd, F_GETFL, 0), O_RDWR | O_NONBLOCK, 'SOCK_NONBLOCK');
    same(yield sys.close(fd), 0, 'close');
    const limit = alloc(16);
    store64(limit, fd + 1);
    store64(limit + 8, fd + 1);
    same(yield sys.setrlimit(RLIMIT_NOFILE, limit), 0, 'a limit that leaves one descriptor');
    same(
      yield sys.socketpair(AF_UNIX, SOCK_STREAM, 0, BAD_ADDRESS),
      -EMFILE,
      'no two descriptors come before all else',
    );
    same(yield sys.socket(AF_UNIX, SOCK_STREAM, 0), fd, 'nothing was left behind');
  },

  *addressesAreChecked() {
    const pipe = alloc(8);
    yield sys.pipe2(pipe, 0);
    const p = load32(pipe);
    same(yield sys.connect(p, 0, 200), -EINVAL, 'connect: the length comes before the kind of file');
    same(yield sys.connect(p, 0, 10), -EFAULT, 'connect: so does the address');
    same(yield sys.connect(p, nameAt('@a'), 4), -ENOTSOCK, 'connect on a pipe');
    same(yield sys.bind(p, 0, 200), -ENOTSOCK, 'bind: the kind of file comes first');
    same(yield sys.listen(p, 1), -ENOTSOCK, 'listen on a pipe');
    same(yield sys.accept4(p, 0, 0, 1), -EINVAL, 'accept4: flags come before the kind of file');
    same(yield sys.accept4(999, 0, 0, 1), -EBADF, 'accept4: the descriptor comes before flags');
    const fd = yield sys.socket(AF_UNIX, SOCK_STREAM, 0);
    same(yield sys.listen(fd, 1), -EINVAL, 'a socket without a name cannot listen');
    same(yield sys.accept(fd, 0, 0), -EINVAL, 'nor accept');
    const noFamily = alloc(8);
    for (const [address, length, wanted] of [
      [nameAt(''), 2, -EINVAL],
      [noFamily, 4, -EINVAL],
      [nameAt('a'), 111, -EINVAL],
      [nameAt('/nobody'), 9, -ENOENT],
      [nameAt('@nobody'), 9, -ECONNREFUSED],
    ] as const) {
      same(yield sys.connect(fd, address, length), wanted, `connect, length ${length}`);
    }
    same(yield* sendBytes(fd, 1), -ENOTCONN, 'send unconnected');
    same(yield sys.write(fd, 0, 0), -ENOTCONN, 'write of nothing, unconnected');
    same(yield* receive(fd, 1), -EINVAL, 'receive unconnected');
    same(yield sys.read(fd, 0, 0), 0, 'read of nothing asks nothing');
    same(yield sys.shutdown(fd, 3), -EINVAL, 'an unknown direction');
    same(yield sys.shutdown(fd, SHUT_RDWR), 0, 'shutdown needs no connection');
    same(yield sys.getpeername(fd, alloc(112), pipe), -ENOTCONN, 'nobody is at the other end');
  },

  *namesAreTaken() {
    const abstract = yield* listener('@name', 1);
    const other = yield sys.socket(AF_UNIX, SOCK_STREAM, 0);
    same(yield sys.bind(other, nameAt('@name'), 7), -EADDRINUSE, 'an abstract name has one owner');
    same(yield sys.bind(abstract, nameAt('@more'), 7), -EINVAL, 'a socket has one name');
    same(yield sys.bind(other, nameAt('/path'), 7), 0, 'a path');
    same(yield sys.bind(other, nameAt('/path'), 7), -EADDRINUSE, 'a path in use is reported before a second name');
    same(yield sys.bind(other, nameAt('/other'), 8), -EINVAL, 'a second name');
    same(yield* client('/path'), -ECONNREFUSED, 'bound but not listening');
    const at = alloc(112);
    const room = alloc(8);
    store32(room, 110);
    same(yield sys.getsockname(other, at, room), 0, 'getsockname');
    same(load32(room), 8, 'a path ends in NUL, which counts');
    same(bytesAt(at + 2, 6).join(), [...'/path\0'].map((c) => c.charCodeAt(0)).join(), 'the path itself');
    store32(room, -1);
    same(yield sys.getsockname(other, at, room), -EINVAL, 'a negative length');
    store32(room, 5);
    same(yield sys.getsockname(other, BAD_ADDRESS, room), -EFAULT, 'a bad address');
    store32(room, 0);
    same(yield sys.getsockname(other, BAD_ADDRESS, room), 0, 'no room, no fault');
    same(load32(room), 8, 'the whole length is told');
    yield sys.close(abstract);
    yield sys.close(other);
    const again = yield sys.socket(AF_UNIX, SOCK_STREAM, 0);
    same(yield sys.bind(again, nameAt('/path'), 7), -EADDRINUSE, 'a path outlives its socket');
    same(yield* client('/path'), -ECONNREFUSED, 'and refuses');
    same(yield sys.bind(again, nameAt('@name'), 7), 0, 'an abstract name does not');
    const automatic = yield sys.socket(AF_UNIX, SOCK_STREAM, 0);
    same(yield sys.bind(automatic, nameAt(''), 2), 0, 'autobind');
    store32(room, 110);
    yield sys.getsockname(automatic, at, room);
    same(load32(room), 8, 'NUL and five digits');
  },

  *pairsReport() {
    let [a, b] = yield* pair();
    same(yield* polled(a), POLLOUT, 'fresh');
    yield* sendBytes(b, 1);
    same(yield* polled(a), POLLIN | POLLOUT, 'data');
    same(yield* polled(b), POLLOUT, 'the sender');
    yield* receive(a, 8);
    yield sys.shutdown(b, SHUT_WR);
    same(yield* polled(a), POLLIN | POLLOUT | POLLRDHUP, 'the peer shut its writing');
    same(yield* receive(a, 8), 0, 'end of stream');
    yield sys.close(b);
    same(yield* polled(a), POLLIN | POLLOUT | POLLHUP | POLLRDHUP, 'the peer closed');
    [a, b] = yield* pair();
    yield* sendBytes(a, 10);
    yield* sendBytes(b, 1);
    yield sys.close(b);
    same(yield* polled(a), ASKED | POLLHUP | POLLERR, 'the peer closed with our data unread');
    same(yield* receive(a, 8), 1, 'what it sent is still there');
    same(yield* receive(a, 8), -ECONNRESET, 'then the reset, once');
    same(yield* receive(a, 8), 0, 'then the end');
    same(yield* polled(a), ASKED | POLLHUP, 'and no error is left');
    same(yield* sendBytes(a, 1), -EPIPE, 'nobody will read');
    [a, b] = yield* pair();
    yield sys.shutdown(a, SHUT_RDWR);
    same(yield* polled(a), ASKED | POLLHUP, 'own SHUT_RDWR');
    same(yield* polled(b), ASKED | POLLHUP, 'at the other end too');
    [a, b] = yield* pair();
    yield* sendBytes(b, 2);
    yield sys.shutdown(a, SHUT_RD);
    same(yield* polled(a), ASKED, 'own SHUT_RD');
    same(yield* polled(b), POLLOUT, 'the peer notices nothing');
    same(yield* receive(a, 1), 1, 'what came before stays readable');
    same(yield* receive(a, 8), 1, 'all of it');
    same(yield* receive(a, 8), 0, 'then the end');
    same(yield* sendBytes(b, 1), -EPIPE, 'more is refused');
  },

  *brokenPipesSignal() {
    yield* blockSigpipe();
    const [a, b] = yield* pair();
    yield sys.shutdown(b, SHUT_RD);
    same(yield* sendBytes(a, 1), -EPIPE, 'MSG_NOSIGNAL');
    same(yield* sigpipePending(), 0, 'raises no signal');
    same(yield sys.write(a, alloc(8), 0), -EPIPE, 'a write of nothing is refused too');
    same(yield* sigpipePending(), 1, 'and raises SIGPIPE');
  },

  *bytesArrive() {
    const [a, b] = yield* pair();
    const text = alloc(16);
    bytesAt(text, 6).set([1, 2, 3, 4, 5, 6]);
    same(yield sys.write(a, text, 3), 3, 'one send');
    same(yield sys.write(a, text + 3, 3), 3, 'and another');
    same(yield* ioctlInt(b, FIONREAD), 6, 'FIONREAD');
    same(yield* ioctlInt(a, SIOCOUTQ), 2 * 768, 'SIOCOUTQ: each send has a cost of its own');
    const into = alloc(16);
    same(yield sys.recvfrom(b, into, 6, MSG_PEEK, 0, 0), 6, 'a look crosses sends');
    same(bytesAt(into, 6).join(), '1,2,3,4,5,6', 'and sees the bytes');
    same(yield sys.recvfrom(b, into, 4, 0, 0, 0), 4, 'a stream has no boundaries');
    same(yield* ioctlInt(a, SIOCOUTQ), 768, 'a send is paid back when its last byte was read');
    same(yield sys.recvfrom(b, BAD_ADDRESS, 8, 0, 0, 0), -EFAULT, 'a bad buffer');
    same(yield sys.recvfrom(b, into, 9, MSG_WAITALL | MSG_DONTWAIT, 0, 0), 2, 'took nothing');
    same(bytesAt(into, 2).join(), '5,6', 'the rest, in order');
    same(yield* receive(b, 0), -EAGAIN, 'a receive of nothing waits for something');
    same(yield sys.sendto(a, BAD_ADDRESS, 8, 0, 0, 0), -EFAULT, 'a bad buffer to send from');
    same(yield* ioctlInt(b, FIONREAD), 0, 'leaves nothing behind');
    same(yield sys.sendto(a, text, 1, 0, nameAt('@x'), 4), -EISCONN, 'a stream has one peer');
    const lone = yield sys.socket(AF_UNIX, SOCK_STREAM, 0);
    same(yield sys.sendto(lone, text, 1, 0, nameAt('@x'), 4), -EOPNOTSUPP, 'or none');
  },

  /** Long sends lie in many pages: every byte must come out where it went in. */
  *longSendsKeepTheirBytes() {
    const [a, b] = yield* pair();
    const size = 100_000;
    const from = alloc(size);
    const to = alloc(size);
    bytesAt(from, size).forEach((_, i, all) => {
      all[i] = (i * 7 + (i >> 8)) & 0xff;
    });
    for (let round = 0; round < 3; round++) {
      let sent = 0;
      let got = 0;
      for (let step = 1; got < size; step = (step * 3 + 1) % 9973) {
        if (sent < size) {
          const r = yield sys.write(a, from + sent, Math.min(size - sent, step * 11));
          if (r > 0) sent += r;
        }
        const r = yield sys.read(b, to + got, step * 5);
        if (r > 0) got += r;
      }
      same(Buffer.compare(bytesAt(from, size), bytesAt(to, size)), 0, 'the same bytes in the same order');
      bytesAt(to, size).fill(0);
    }
  },

  *theSendBufferHasItsShape() {
    let [a, b] = yield* pair();
    same(yield* fill(a, 4096), 180_224, '4096-byte sends until EAGAIN');
    same(yield* ioctlInt(a, SIOCOUTQ), 214_016, 'their cost');
    same(yield* polled(a), 0, 'not writable');
    let read = 0;
    while ((yield* polled(a)) === 0) read += yield* receive(b, 1024);
    same(read, 139_264, 'writable again after so much was read');
    [a, b] = yield* pair();
    same(yield* fill(a, 1), 278, 'one-byte sends');
    [a, b] = yield* pair();
    same(yield* sendBytes(a, 300_000), 219_264, 'one long send takes what fits');
    same(yield* ioctlInt(a, SIOCOUTQ), 222_720, 'its cost');
    for (const [size, cost] of [
      [192, 768],
      [193, 1280],
      [1728, 2304],
      [3776, 4352],
      [3777, 4864],
      [5000, 6400],
      [40_000, 41_472],
      [65_536, 67_072],
    ] as const) {
      [a, b] = yield* pair();
      yield* sendBytes(a, size);
      same(yield* ioctlInt(a, SIOCOUTQ), cost, `the cost of ${size} bytes`);
      yield sys.close(a);
      yield sys.close(b);
    }
  },

  *connectionsAreMade() {
    const server = yield* listener('@server', 0);
    same(yield* polled(server), 0, 'a listener that waits');
    const fresh = yield sys.socket(AF_UNIX, SOCK_STREAM, 0);
    same(yield* polled(fresh), POLLOUT | POLLHUP, 'an unconnected socket');
    same(yield sys.accept(server, 0, 0), -EAGAIN, 'nobody has come');
    const c = yield* client('@server');
    same(yield* polled(server), POLLIN, 'somebody has');
    same(yield* polled(c), POLLOUT, 'the client is connected already');
    same(yield* client('@server'), -EAGAIN, 'the backlog is full');
    same(yield sys.connect(c, nameAt('@server'), 9), -EAGAIN, 'which is found before a second connect');
    same(yield* sendBytes(c, 3), 3, 'it need not wait to send');
    const at = alloc(112);
    const room = alloc(8);
    store32(room, 110);
    const s = yield sys.accept4(server, at, room, SOCK_NONBLOCK | SOCK_CLOEXEC);
    same(yield sys.fcntl(s, F_GETFL, 0), O_RDWR | O_NONBLOCK, 'accept4 sets flags');
    same(load32(room), 2, 'a client without a name');
    same(yield* receive(s, 8), 3, 'what was sent before');
    same(yield sys.connect(c, nameAt('@server'), 9), -EISCONN, 'a second connect');
    same(yield sys.connect(server, nameAt('@server'), 9), -EINVAL, 'a listener connects to nobody');
    store32(room, 110);
    same(yield sys.getpeername(c, at, room), 0, 'the server has a name');
    same(load32(room), 9, 'the listener gave it');
    same(yield sys.listen(c, 1), -EINVAL, 'a client does not listen');
    same(yield* sendBytes(server, 1), -ENOTCONN, 'nor does a listener send');
    same(yield* ioctlInt(server, FIONREAD), -EINVAL, 'or have bytes');
    yield sys.close(c);
    same(yield* polled(s), ASKED | POLLHUP, 'the client is gone');
    const gone = yield* client('@server');
    yield* sendBytes(gone, 2);
    yield sys.close(gone);
    const late = yield sys.accept(server, 0, 0);
    same(yield* receive(late, 8), 2, 'it left something before it went');
    same(yield* receive(late, 8), 0, 'and nothing more');
    store32(room, 110);
    same(yield sys.accept(server, BAD_ADDRESS, room), -EAGAIN, 'a bad address is not looked at while nobody waits');
    const lost = yield* client('@server');
    same(yield sys.accept(server, BAD_ADDRESS, room), -EFAULT, 'and then costs the connection');
    same((yield* polled(lost)) & POLLHUP, POLLHUP, 'as its client finds');
  },

  *closedListenersReset() {
    const server = yield* listener('@reset', 5);
    const c = yield* client('@reset');
    yield sys.close(server);
    same(yield* polled(c), ASKED | POLLHUP | POLLERR, 'never accepted');
    same(yield* receive(c, 8), -ECONNRESET, 'reset, once');
    same(yield* receive(c, 8), 0, 'then the end');
    same(yield* client('@reset'), -ECONNREFUSED, 'the name leads nowhere');
    const half = yield* listener('@half', 5);
    const waiting = yield* client('@half');
    yield sys.shutdown(half, SHUT_RD);
    same(yield* polled(half), POLLIN | POLLRDHUP, 'a listener that receives nothing more');
    same(yield* client('@half'), -ECONNREFUSED, 'refuses');
    same((yield sys.accept(half, 0, 0)) > waiting ? 1 : 0, 1, 'who came before is still given');
  },

  *blockedCallsAreWoken() {
    const server = yield* listener('@wakes', 0, 0);
    yield* helper(acceptor, server, 0);
    const first = yield* client('@wakes');
    const accepted = yield* answer();
    same(accepted > first ? 1 : 0, 1, 'accept answers when somebody comes');
    yield* client('@wakes');
    const c = yield sys.socket(AF_UNIX, SOCK_STREAM, 0);
    yield* helper(connector, c, 8, nameAt('@wakes'));
    yield sys.accept(server, 0, 0);
    same(yield* answer(), 0, 'connect answers when there is room');
    const d = yield sys.socket(AF_UNIX, SOCK_STREAM, 0);
    yield* helper(connector, d, 8, nameAt('@wakes'));
    yield sys.listen(server, 5);
    same(yield* answer(), 0, 'or when the backlog grows');
    yield sys.listen(server, 1);
    const e = yield sys.socket(AF_UNIX, SOCK_STREAM, 0);
    yield* helper(connector, e, 8, nameAt('@wakes'));
    yield sys.close(server);
    same(yield* answer(), -ECONNREFUSED, 'or when the listener is gone');
    const half = yield* listener('@shuts', 0, 0);
    yield* helper(acceptor, half, 0);
    yield sys.shutdown(half, SHUT_RD);
    same(yield* answer(), -EINVAL, 'a blocked accept of a listener that is shut');
    let [a, b] = yield* pair(0);
    yield* helper(reader, b, 5);
    yield* sendBytes(a, 3);
    yield sys.smplab_settle();
    same(get(GOT), UNFINISHED, 'MSG_WAITALL waits for all');
    yield* sendBytes(a, 3);
    same(yield* answer(), 5, 'and takes no more');
    [a, b] = yield* pair(0);
    yield* helper(reader, b, 5);
    yield* sendBytes(a, 3);
    yield sys.close(a);
    same(yield* answer(), 3, 'or what came before the end');
  },

  *blockedWritersLearn() {
    let [a, b] = yield* pair();
    yield* fill(a, 4096);
    const blocking = alloc(8);
    yield sys.ioctl(a, 0x5421, blocking);
    yield* helper(writer, a, 5000);
    yield* receive(b, 180_224);
    same(yield* answer(), 5000, 'room lets a writer go on');
    [a, b] = yield* pair();
    yield* fill(a, 4096);
    yield sys.ioctl(a, 0x5421, blocking);
    yield* helper(writer, a, 5000);
    yield sys.close(b);
    same(yield* answer(), -ECONNRESET, 'a close resets it');
    same(get(EXTRA), 0, 'without a signal');
    same(yield* sendBytes(a, 1), -EPIPE, 'the next write is refused');
    same(yield* receive(a, 1), 0, 'the reset was told');
    [a, b] = yield* pair();
    yield* fill(a, 4096);
    yield sys.ioctl(a, 0x5421, blocking);
    yield* helper(writer, a, 5000);
    yield sys.shutdown(b, SHUT_RD);
    same(yield* answer(), -EPIPE, 'a shut direction ends it');
    same(get(EXTRA), 0, 'without a signal too');
    [a, b] = yield* pair(0);
    yield* helper(writer, a, 300_000);
    yield sys.close(b);
    same(yield* answer(), 219_264, 'what was sent counts');
  },
};

export function* main(_argument: number, scenario: string): Guest {
  return yield* runNamed(scenarios, scenario);
}
