// What a guest may rely on of datagram and seqpacket sockets; the answers were read off a Linux 6.18. `main` runs the
// scenario that argv names. A broken promise is thrown, which ends the machine and names it.
import {
  AF_UNIX,
  AF_UNSPEC,
  alloc,
  atomicAdd32,
  bytesAt,
  EAGAIN,
  ECONNREFUSED,
  ECONNRESET,
  EFAULT,
  EINVAL,
  EISCONN,
  EMSGSIZE,
  ENOENT,
  ENOTCONN,
  EOPNOTSUPP,
  EPERM,
  EPIPE,
  EPROTOTYPE,
  FIONREAD,
  type Guest,
  join,
  load16,
  load32,
  MSG_DONTWAIT,
  MSG_OOB,
  MSG_PEEK,
  MSG_TRUNC,
  POLLERR,
  POLLHUP,
  POLLIN,
  POLLOUT,
  POLLRDHUP,
  SHUT_RD,
  SHUT_RDWR,
  SHUT_WR,
  SOCK_DGRAM,
  SOCK_NONBLOCK,
  SOCK_RAW,
  SOCK_SEQPACKET,
  SOCK_STREAM,
  startThread,
  store16,
  store32,
  store64,
  store8,
  sys,
  type Thread,
} from '../../src/programs/libc/index.ts';
import {
  ADDRESS,
  answer,
  BAD_ADDRESS,
  blockSigpipe,
  connect,
  FD,
  FIONBIO,
  get,
  GOT,
  helper,
  ioctlInt,
  nameAt,
  pair,
  polled,
  receive,
  runNamed,
  same,
  send,
  set,
  sharedAt,
  sigpipePending,
  SIOCOUTQ,
  socket,
  textAt,
} from './socket-tools.program.ts';

const ENDED = POLLIN | POLLHUP | POLLRDHUP;
const BOTH = POLLIN | POLLOUT;

function* sendTo(fd: number, text: string, name: string): Guest {
  return yield sys.sendto(fd, textAt(text), text.length, 0, nameAt(name), 2 + name.length);
}
/** @returns what came and from whom: `text from name` */
function* receiveFrom(fd: number): Guest<string> {
  const at = alloc(64);
  const name = alloc(112);
  const room = alloc(8);
  store32(room, 110);
  const r = yield sys.recvfrom(fd, at, 64, 0, name, room);
  if (r < 0) return String(r);
  const from = bytesAt(name + 2, Math.max(0, load32(room) - 2));
  return `${String.fromCharCode(...bytesAt(at, r))} from ${String.fromCharCode(...from).replace('\0', '@')}`;
}
function* sendMany(fd: number, name = ''): Guest<string> {
  for (let count = 0; ; count++) {
    const r = name === '' ? yield* send(fd, 'x') : yield* sendTo(fd, 'x', name);
    if (r !== 1) return `${count} then ${r}`;
  }
}
export function* writerToName(): Guest {
  set(GOT, yield sys.sendto(get(FD), textAt('y'), 1, 0, get(ADDRESS), 6));
  return 0;
}
export function* writer(): Guest {
  set(GOT, yield sys.write(get(FD), textAt('y'), 1));
  return 0;
}
export function* reader(): Guest {
  set(GOT, yield sys.recvfrom(get(FD), alloc(8), 8, 0, 0, 0));
  return 0;
}
export function* poller(): Guest {
  const at = alloc(8);
  store32(at, get(FD));
  store16(at + 4, POLLOUT);
  yield sys.poll(at, 1, -1);
  set(GOT, load16(at + 6));
  return 0;
}
const CLIENTS = 4;
const LETTERS = 200;
/** Sends its letters to the office, is answered each time, and changes its socket now and then. */
export function* correspondent(number: number): Guest {
  const office = nameAt('@post');
  const letter = alloc(8);
  const reply = alloc(8);
  let fd = -1;
  for (let i = 0; i < LETTERS; i++) {
    if (i % 20 === 0) {
      if (fd >= 0) yield sys.close(fd);
      fd = yield sys.socket(AF_UNIX, SOCK_DGRAM, 0);
      same(yield sys.bind(fd, nameAt(''), 2), 0, 'a sender gets a name');
      if (i % 40 === 0) same(yield sys.connect(fd, office, 7), 0, 'an office can be connected to');
    }
    store32(letter, number);
    store32(letter + 4, i);
    const sent = i % 40 < 20 ? yield sys.write(fd, letter, 8) : yield sys.sendto(fd, letter, 8, 0, office, 7);
    same(sent, 8, 'a letter is sent');
    same(yield sys.read(fd, reply, 8), 8, 'and answered');
    same(load32(reply), number, 'to its sender');
    same(load32(reply + 4), i, 'once');
  }
  return 0;
}
export function* clerk(office: number): Guest {
  const letter = alloc(64);
  const name = alloc(112);
  const room = alloc(8);
  for (let i = 0; i < (CLIENTS * LETTERS) / 2; i++) {
    store32(room, 110);
    same(yield sys.recvfrom(office, letter, 64, 0, name, room), 8, 'a whole letter arrives');
    same(yield sys.sendto(office, letter, 8, 0, name, load32(room)), 8, 'its sender can be answered');
  }
  atomicAdd32(sharedAt(GOT), 1);
  return 0;
}

const scenarios: Record<string, () => Guest<void>> = {
  *messagesStayWhole() {
    for (const type of [SOCK_DGRAM, SOCK_SEQPACKET, SOCK_RAW]) {
      if (type === SOCK_RAW) continue;
      const [a, b] = yield* pair(type);
      same(yield* polled(a), POLLOUT, 'a fresh pair');
      for (const text of ['hello', '', 'wd']) same(yield* send(a, text), text.length, 'a message is sent');
      same(yield* ioctlInt(b, FIONREAD), type === SOCK_DGRAM ? 5 : 7, 'unread: of datagrams, the first');
      same(yield* ioctlInt(a, SIOCOUTQ), 2304, 'and what they cost');
      same(yield* receive(b, 2, MSG_PEEK), 'he', 'a look takes nothing');
      const at = alloc(8);
      same(yield sys.recvfrom(b, at, 2, MSG_PEEK | MSG_TRUNC, 0, 0), 5, 'MSG_TRUNC tells the whole length');
      same(yield sys.read(b, at, 2), 2, 'a short read');
      same(yield* ioctlInt(b, FIONREAD), type === SOCK_DGRAM ? 0 : 2, 'drops the rest');
      same(yield* polled(b), BOTH, 'an empty message is one');
      same(yield sys.read(b, at, 8), 0, 'and is read');
      same(yield* receive(b), 'wd', 'the next one');
      same(yield* receive(b), String(-EAGAIN), 'no more');
      same(yield* ioctlInt(a, SIOCOUTQ), 0, 'all was paid back');
      yield* send(a, 'abc');
      same(yield sys.read(b, at, 0), 0, 'read of nothing asks nothing');
      same(yield sys.recvfrom(b, 0, 0, 0, 0, 0), 0, 'recv of nothing takes a message');
      same(yield* receive(b), String(-EAGAIN), 'which is gone');
      same(yield* send(a, 'x', MSG_OOB), -EOPNOTSUPP, 'nothing is urgent');
      same(yield sys.recvfrom(b, at, 8, MSG_OOB, 0, 0), -EOPNOTSUPP, 'nor received so');
      yield* send(a, 'lost');
      same(yield sys.recvfrom(b, BAD_ADDRESS, 8, MSG_PEEK, 0, 0), -EFAULT, 'a look at a bad address');
      same(yield sys.recvfrom(b, BAD_ADDRESS, 8, 0, 0, 0), -EFAULT, 'a bad address');
      same(yield* receive(b), String(-EAGAIN), 'costs the message');
      same(yield sys.sendto(a, BAD_ADDRESS, 8, 0, 0, 0), -EFAULT, 'nothing is sent from one');
      same(yield* polled(b), POLLOUT, 'nothing came');
      const vector = alloc(32);
      store64(vector, textAt('scat'));
      store64(vector + 8, 4);
      store64(vector + 16, textAt('tered'));
      store64(vector + 24, 5);
      same(yield sys.writev(a, vector, 2), 9, 'a vector is one message');
      store64(vector + 8, 2);
      store64(vector + 24, 3);
      same(yield sys.readv(b, vector, 2), 5, 'and may be received into one');
      same(yield* receive(b, 64, MSG_DONTWAIT), String(-EAGAIN), 'with the rest dropped');
    }
    const raw = yield* pair(SOCK_RAW);
    same(yield* send(raw[0], ''), 0, 'a raw socket is a datagram socket');
    same(yield* polled(raw[1]), BOTH, 'and hears');
  },

  *buffersHaveTheirShape() {
    for (const type of [SOCK_DGRAM, SOCK_SEQPACKET]) {
      const [a, b] = yield* pair(type);
      same(yield* sendMany(a), `278 then ${-EAGAIN}`, 'small messages cost far more than their bytes');
      same(yield* polled(a), 0, 'full');
      let read = 0;
      for (; (yield* polled(a)) === 0; read++) yield* receive(b);
      same(read, 209, 'writable when three quarters were read');
      for (const [size, cost] of [
        [100, 768],
        [4096, 8448],
        [16_384, 20_736],
        [60_000, 61_696],
        [150_000, 200_960],
        [212_960, 332_032],
      ] as const) {
        const [c, d] = yield* pair(type);
        const at = alloc(size);
        store8(at + size - 1, size & 255);
        same(yield sys.write(c, at, size), size, `${size} bytes are sent`);
        same(yield* ioctlInt(c, SIOCOUTQ), cost, `what ${size} bytes cost`);
        store8(at + size - 1, 0);
        same(yield sys.read(d, at, size), size, 'and arrive');
        same(bytesAt(at + size - 1, 1).join(), String(size & 255), 'to the last');
        yield sys.close(c);
        yield sys.close(d);
      }
      same(yield sys.write(a, 0, 212_961), -EMSGSIZE, 'longer ones are not sent');
    }
  },

  *endsAreReported() {
    yield* blockSigpipe();
    const lone = yield* socket(SOCK_DGRAM);
    same(yield* polled(lone), POLLOUT, 'a datagram socket needs no connection');
    same(yield* send(lone, 'x'), -ENOTCONN, 'but must know where to');
    same(yield* receive(lone), String(-EAGAIN), 'it waits for anybody');
    const packet = yield* socket(SOCK_SEQPACKET);
    same(yield* polled(packet), POLLOUT | POLLHUP, 'a seqpacket socket does');
    same(yield* send(packet, 'x'), -ENOTCONN, 'to send');
    same(yield* receive(packet), String(-ENOTCONN), 'and to receive');

    let [a, b] = yield* pair(SOCK_DGRAM);
    yield* send(a, 'x');
    yield* send(b, 'y');
    yield sys.close(b);
    same(yield* polled(a), BOTH, 'a datagram socket is not told that its peer was closed');
    same(yield* send(a, 'z'), -ECONNREFUSED, 'until it sends, once');
    same(yield* send(a, 'z'), -ENOTCONN, 'then it has no peer');
    same(yield* receive(a), String(-EAGAIN), 'and what came from it is gone');
    [a, b] = yield* pair(SOCK_DGRAM);
    yield* send(b, 'y');
    yield sys.close(b);
    same(yield* receive(a), 'y', 'before that it can be read');

    [a, b] = yield* pair(SOCK_SEQPACKET);
    yield* send(a, 'x');
    yield* send(b, 'y');
    yield sys.close(b);
    same(yield* polled(a), ENDED | POLLOUT | POLLERR, 'a seqpacket socket is, and that something was unread');
    same(yield* send(a, 'z'), -ECONNRESET, 'which is said once');
    same(yield* send(a, 'z'), -EPIPE, 'then nobody reads');
    same(yield* receive(a), 'y', 'what had come stays');
    same(yield* receive(a), '', 'then it is the end');

    [a, b] = yield* pair(SOCK_SEQPACKET);
    yield* send(a, '');
    yield sys.close(b);
    same(yield* polled(a), ENDED | POLLOUT, 'an empty message that nobody read is no loss');
    [a, b] = yield* pair(SOCK_SEQPACKET);
    yield* send(a, '');
    yield* send(a, '');
    yield sys.close(b);
    same(yield* polled(a), ENDED | POLLOUT | POLLERR, 'but two are');

    const shut = { [SHUT_RD]: POLLIN | POLLOUT | POLLRDHUP, [SHUT_WR]: BOTH, [SHUT_RDWR]: ENDED | POLLOUT };
    const peer = { [SHUT_RD]: BOTH, [SHUT_WR]: BOTH | POLLRDHUP, [SHUT_RDWR]: ENDED | POLLOUT };
    for (const type of [SOCK_DGRAM, SOCK_SEQPACKET]) {
      for (const how of [SHUT_RD, SHUT_WR, SHUT_RDWR] as const) {
        [a, b] = yield* pair(type);
        yield* send(a, '1');
        yield* send(b, '2');
        yield sys.shutdown(a, how);
        same(yield* polled(a), shut[how]!, `shutdown ${how}, here`);
        same(yield* polled(b), type === SOCK_DGRAM ? BOTH : peer[how]!, `shutdown ${how}, there`);
        same(yield* send(a, 'x'), how === SHUT_RD ? 1 : -EPIPE, 'sending');
        same(yield* send(b, 'x'), how === SHUT_WR ? 1 : -EPIPE, 'being sent to');
        same(yield* receive(a), '2', 'what is unread stays');
        if (how !== SHUT_WR) {
          same(
            yield* receive(a),
            type === SOCK_DGRAM ? String(-EAGAIN) : '',
            'datagrams never end for who cannot wait',
          );
          yield sys.ioctl(a, FIONBIO, alloc(8));
          same(yield* receive(a), '', 'and end for who can');
        }
      }
    }
    same(yield* sigpipePending(), 0, 'no message raises SIGPIPE');
  },

  *anybodySends() {
    const office = yield* socket(SOCK_DGRAM, '@office');
    const nobody = yield* socket(SOCK_DGRAM);
    const named = yield* socket(SOCK_DGRAM, '@named');
    same(yield* sendTo(nobody, 'hi', '@office'), 2, 'a socket without a name sends');
    same(yield* receiveFrom(office), 'hi from ', 'and is nobody');
    same(yield* sendTo(named, 'hi', '@office'), 2, 'one with a name');
    same(yield* receiveFrom(office), 'hi from @named', 'is named');
    yield* sendTo(named, '', '@office');
    same(yield* receiveFrom(office), ' from @named', 'even if it says nothing');
    yield* sendTo(named, 'last', '@office');
    yield sys.close(named);
    same(yield* receiveFrom(office), 'last from @named', 'and when it is gone');
    const again = yield* socket(SOCK_DGRAM, '@named');
    same(yield* sendMany(nobody, '@office'), `11 then ${-EAGAIN}`, 'a stranger may leave ten messages and one');
    same(yield* polled(nobody), POLLOUT, 'of which poll knows nothing');
    same(yield* connect(nobody, '@office'), 0, 'until it is connected');
    same(yield* polled(nobody), 0, 'then it waits for room');
    same(yield* send(nobody, 'y'), -EAGAIN, 'as send does');
    same(yield* sendTo(office, 'self', '@office'), 4, 'to oneself there is always room');
    same((yield* receive(office)).length, 1, 'a message is read');
    same(yield* polled(nobody), 0, 'one too few');
    yield* receive(office);
    same(yield* polled(nobody), POLLOUT, 'room again');
    same(yield* sendTo(nobody, 'x', '@missing'), -ECONNREFUSED, 'an abstract name that nobody has');
    same(yield* sendTo(nobody, 'x', '/missing'), -ENOENT, 'a path that is not there');
    same(yield* sendTo(nobody, 'x', ''), -EINVAL, 'no name');
    same(
      yield sys.sendto(nobody, 0, 212_961, 0, nameAt('@missing'), 10),
      -EMSGSIZE,
      'the length comes before the name',
    );
    same(yield sys.sendto(nobody, 0, 1, 0, nameAt('@missing'), 10), -EFAULT, 'and so do the bytes');
    const deaf = yield* socket(SOCK_DGRAM, '@deaf');
    yield sys.shutdown(deaf, SHUT_RD);
    same(yield* sendTo(again, 'x', '@deaf'), -EPIPE, 'one that hears nothing');
    yield sys.shutdown(again, SHUT_WR);
    same(yield* sendTo(again, 'x', '@office'), -EPIPE, 'one that says nothing');
    same(yield* ioctlInt(again, SIOCOUTQ), 0, 'what was not sent costs nothing');
    same(yield sys.listen(office, 1), -EOPNOTSUPP, 'datagram sockets do not listen');
    same(yield sys.accept(office, 0, 0), -EOPNOTSUPP, 'nor accept');
  },

  *peersComeAndGo() {
    const a = yield* socket(SOCK_DGRAM, '@a');
    const b = yield* socket(SOCK_DGRAM, '@b');
    const c = yield* socket(SOCK_DGRAM);
    const nowhere = alloc(16);
    store16(nowhere, AF_UNSPEC);
    const room = alloc(8);
    store32(room, 110);
    same(yield sys.getpeername(a, alloc(112), room), -ENOTCONN, 'no peer');
    same(yield* connect(a, '@b'), 0, 'a is connected to b');
    same(yield sys.getpeername(a, alloc(112), room), 0, 'which is its peer');
    same(load32(room), 4, 'by name');
    same(yield* sendTo(c, 'x', '@a'), -EPERM, 'it hears nobody else');
    same(yield* connect(c, '@a'), -EPERM, 'who cannot be connected to it either');
    same(yield* sendTo(b, 'x', '@a'), 1, 'but its peer');
    same(yield sys.connect(a, nowhere, 1), -EINVAL, 'half a family');
    same(yield sys.connect(a, nowhere, 16), 0, 'AF_UNSPEC ends it');
    same(yield* receive(a), String(-EAGAIN), 'what came from the peer is gone');
    same(yield sys.getpeername(a, alloc(112), room), -ENOTCONN, 'no peer any more');
    yield* connect(a, '@b');
    yield* connect(b, '@a');
    yield* send(b, 'lost');
    same(yield sys.connect(a, nowhere, 16), 0, 'a leaves what b sent');
    same(yield* polled(b), POLLOUT | POLLERR, 'b learns of it');
    same(yield* send(b, 'x'), -ECONNRESET, 'once');
    same(yield* send(b, 'x'), 1, 'and may send on');
    same(yield* receiveFrom(a), 'x from @b', 'to who hears all again');
    yield* connect(c, '@a');
    yield sys.close(a);
    same(yield* send(c, 'x'), -ECONNREFUSED, 'a peer that is gone');
    same(yield* send(c, 'x'), -ENOTCONN, 'is one no more');
    same(yield* sendTo(c, 'x', '@a'), -ECONNREFUSED, 'its name is free');
    const self = yield* socket(SOCK_DGRAM, '@self');
    same(yield* connect(self, '@self'), 0, 'a socket may be its own peer');
    same(yield* sendMany(self), `278 then ${-EAGAIN}`, 'with room as a peer has');
    const [p, q] = yield* pair(SOCK_DGRAM);
    same(yield sys.bind(p, nameAt('@pair'), 7), 0, 'one of a pair may get a name');
    yield* send(p, '1');
    yield* send(q, '2');
    same(yield* receiveFrom(q), '1 from @pair', 'which its peer sees');
    same(yield* sendTo(c, 'x', '@pair'), -EPERM, 'and strangers in vain');
    same(yield* connect(p, '@self'), -EPERM, 'who is another peer already is not free');
    same(yield* connect(p, '@b'), -EPERM, 'nor who was left without leaving');
    const stranger = yield* socket(SOCK_DGRAM, '@free');
    yield* send(p, 'stays');
    same(yield* connect(p, '@free'), 0, 'a pair can be parted');
    same(yield* polled(q), BOTH | POLLERR, 'the other learns what it lost');
    same(yield* send(q, 'x'), -ECONNRESET, 'once');
    same(yield* send(q, 'x'), -EPERM, 'and is not heard any more');
    same(yield* receive(p), String(-EAGAIN), 'what it had said is gone');
    same(yield* receive(q), 'stays', 'what it was told stays');
    yield sys.close(stranger);
  },

  *typesAreApart() {
    const c = yield* socket(SOCK_DGRAM);
    yield* socket(SOCK_STREAM, '@type');
    same(yield* connect(c, '@type'), -ECONNREFUSED, 'abstract names of another type are not seen');
    yield* socket(SOCK_DGRAM, '@type');
    same(yield* sendTo(c, 'x', '@type'), 1, 'and are free');
    yield* socket(SOCK_STREAM, '/stream');
    yield* socket(SOCK_DGRAM, '/datagram');
    same(yield* connect(c, '/stream'), -EPROTOTYPE, 'paths are seen by all');
    same(yield* sendTo(c, 'x', '/stream'), -EPROTOTYPE, 'by sendto too');
    same(yield* connect(yield* socket(SOCK_STREAM), '/datagram'), -EPROTOTYPE, 'by streams');
    same(yield* connect(yield* socket(SOCK_SEQPACKET), '/datagram'), -EPROTOTYPE, 'by seqpackets');
  },

  *packetsConnect() {
    const server = yield* socket(SOCK_SEQPACKET, '@server');
    same(yield sys.listen(server, 1), 0, 'a seqpacket socket listens');
    const client = yield* socket(SOCK_SEQPACKET);
    same(yield* connect(client, '@server'), 0, 'and is connected to');
    same(yield* polled(client), POLLOUT, 'at once');
    same(yield* polled(server), POLLIN, 'somebody waits');
    same(yield* send(client, 'early'), 5, 'messages may come before accept');
    same(yield* sendTo(client, 'anywhere', '@missing'), 8, 'an address is not looked at');
    same(yield* connect(client, '@server'), -EISCONN, 'once is enough');
    same(yield* connect(yield* socket(SOCK_SEQPACKET), '@server'), 0, 'the backlog');
    same(yield* connect(yield* socket(SOCK_SEQPACKET), '@server'), -EAGAIN, 'is full');
    const accepted = yield sys.accept4(server, 0, 0, SOCK_NONBLOCK);
    same(yield* receive(accepted, 3), 'ear', 'a short read');
    same(yield* receiveFrom(accepted), 'anywhere from ', 'drops the rest');
    yield* send(accepted, 'zz');
    same(yield* receiveFrom(client), 'zz from @server', 'the accepted socket is called as the listener is');
    yield sys.close(accepted);
    same(yield* polled(client), ENDED | POLLOUT, 'an end');
    const late = yield* socket(SOCK_SEQPACKET);
    yield* connect(late, '@server');
    yield sys.close(server);
    same(yield* polled(late), ENDED | POLLOUT | POLLERR, 'never accepted');
    same(yield* receive(late), String(-ECONNRESET), 'is a reset');
    same(yield* receive(late), '', 'told once');
  },

  *blockedCallsAreWoken() {
    const office = yield* socket(SOCK_DGRAM, '@off');
    const stranger = yield* socket(SOCK_DGRAM, '', 0);
    for (let i = 0; i < 11; i++) yield* sendTo(stranger, 'x', '@off');
    yield* helper(writerToName, stranger, 0, nameAt('@off'));
    yield* receive(office);
    same(yield* answer(), 1, 'a stranger goes on when there is room');
    same(yield* connect(stranger, '@off'), 0, 'connected');
    yield* helper(writer, stranger);
    yield* receive(office);
    same(yield* answer(), 1, 'so does one that is connected');
    yield* helper(poller, stranger);
    yield* receive(office);
    same(yield* answer(), POLLOUT, 'and one that polls');
    yield* send(stranger, 'x');
    yield* helper(writer, stranger);
    yield sys.close(office);
    same(yield* answer(), -ECONNREFUSED, 'a close ends it');
    for (const type of [SOCK_DGRAM, SOCK_SEQPACKET]) {
      const [a, b] = yield* pair(type, 0);
      yield* helper(reader, a);
      yield* send(b, 'abc');
      same(yield* answer(), 3, 'a message ends a wait');
      yield* helper(reader, a);
      yield sys.shutdown(a, SHUT_RD);
      same(yield* answer(), 0, 'and so does a shutdown');
      const [c, d] = yield* pair(type, 0);
      for (let i = 0; i < 278; i++) yield* send(c, 'x');
      yield* helper(writer, c);
      for (let i = 0; i < 209; i++) yield* receive(d);
      same(yield* answer(), 1, 'room in the buffer');
      for (let i = 0; i < 208; i++) yield* send(c, 'x');
      yield* helper(writer, c);
      yield sys.close(d);
      same(yield* answer(), type === SOCK_DGRAM ? -ECONNREFUSED : -ECONNRESET, 'a close there');
    }
  },

  /** More letters than an office takes at once, from sockets that come and go; each is answered to its sender. */
  *lettersAreAnswered() {
    const office = yield* socket(SOCK_DGRAM, '@post', 0);
    const threads: Thread[] = [];
    for (let i = 0; i < 2; i++) threads.push(yield* startThread(clerk, office, i));
    for (let i = 0; i < CLIENTS; i++) threads.push(yield* startThread(correspondent, i, i % 2));
    for (const thread of threads) yield* join(thread);
    same(get(GOT), 2, 'both clerks did their half');
    yield sys.close(office);
  },
};

export function* main(_argument: number, scenario: string): Guest {
  return yield* runNamed(scenarios, scenario);
}
