/**
 * Recipes of calls on unix sockets: pairs, names, listeners and who connects to them, messages with descriptors in them.
 */
import {
  AF_UNIX,
  SHUT_RDWR,
  SO_ERROR,
  SO_PASSCRED,
  SO_PEEK_OFF,
  SO_RCVBUF,
  SO_RCVLOWAT,
  SO_RCVTIMEO,
  SO_REUSEADDR,
  SO_SNDBUF,
  SO_SNDTIMEO,
  SO_TYPE,
  SOCK_CLOEXEC,
  SOCK_DGRAM,
  SOCK_NONBLOCK,
  SOCK_SEQPACKET,
  SOCK_STREAM,
  SOL_SOCKET,
} from '../../kernel/abi/flags-socket.ts';
import { store32 } from '../libc/memory.ts';
import { sys } from '../libc/sys.ts';
import type { Guest } from '../libc/thread.ts';
import { ADDRESS_BYTES, address, roomOf, SOCKET_NAMES, timeval } from './build-arguments.ts';
import type { Caller, Recipe } from './caller.ts';
import { DATAGRAM, LISTENER, SOCKETS, STREAM, STREAM_NEW } from './descriptors.ts';
import { nonblocking, notesFd, notesPair } from './recipes-files.ts';

const NAME_BYTES = 32;

function flagsOfNew(c: Caller): number {
  return nonblocking(c, SOCK_NONBLOCK) | c.random.bits(SOCK_CLOEXEC);
}

const SOCKET: Recipe = {
  name: 'socket',
  weight: 4,
  make: (c) => {
    const datagram = c.random.once(3);
    c.notes[0] = datagram ? DATAGRAM : STREAM_NEW;
    const type = datagram ? SOCK_DGRAM : c.random.once(4) ? SOCK_SEQPACKET : SOCK_STREAM;
    return sys.socket(AF_UNIX, type | flagsOfNew(c), 0);
  },
  after: (c, result) => {
    if (result >= 0) c.fds.note(result, c.notes[0]);
    c.notes[1] = result;
    return undefined;
  },
};

const STREAM_SOCKET: Recipe = {
  name: 'socket',
  weight: 0,
  make: (c) => sys.socket(AF_UNIX, SOCK_STREAM | flagsOfNew(c), 0),
  after: notesFd(STREAM_NEW),
  isWhole: true,
};

const SOCKETPAIR: Recipe = {
  name: 'socketpair',
  weight: 4,
  make: (c) => {
    c.notes[0] = c.scratch.take(8);
    const type = c.random.pick([SOCK_STREAM, SOCK_STREAM, SOCK_SEQPACKET]);
    return sys.socketpair(AF_UNIX, type | flagsOfNew(c), 0, c.notes[0]);
  },
  after: notesPair(STREAM, STREAM),
};

const DATAGRAM_PAIR: Recipe = {
  ...SOCKETPAIR,
  weight: 2,
  make: (c) => {
    c.notes[0] = c.scratch.take(8);
    return sys.socketpair(AF_UNIX, SOCK_DGRAM | flagsOfNew(c), 0, c.notes[0]);
  },
  after: notesPair(DATAGRAM, DATAGRAM),
};

function bindTo(fd: number, number: number): Recipe {
  return {
    name: 'bind',
    weight: 0,
    make: (c) => sys.bind(fd, address(c, number), ADDRESS_BYTES),
    after: (c, result) => {
      if (result === 0) c.fds.noteName(fd, number);
      return undefined;
    },
    isWhole: true,
  };
}

/** A fresh socket, for calls that want one without a past. It is left in `notes[2]`. */
function* freshSocket(c: Caller): Guest<void> {
  c.notes[2] = yield* c.perform(c.random.once(3) ? SOCKET : STREAM_SOCKET);
}

/** A stream with a name, or one that listens already. It is left in `notes[2]`. */
function* namedSocket(c: Caller): Guest<void> {
  const old = c.fds.findOf(LISTENER);
  const fd = old >= 0 && !c.random.once(8) ? old : yield* c.perform(STREAM_SOCKET);
  if (fd >= 0 && fd !== old) {
    for (let tries = 0; tries < 3; tries++) {
      if ((yield* c.perform(bindTo(fd, c.random.below(SOCKET_NAMES)))) === 0) break;
    }
  }
  c.notes[2] = fd;
}

const LISTEN: Recipe = {
  name: 'listen',
  weight: 3,
  before: namedSocket,
  make: (c) => sys.listen(c.notes[2], c.random.between(1, 8)),
  after: (c, result) => {
    if (result !== 0 || c.spoiled) return undefined;
    const name = c.fds.nameOf(c.notes[2]);
    c.fds.note(c.notes[2], LISTENER);
    if (name >= 0) c.fds.noteName(c.notes[2], name);
    return undefined;
  },
};

const CONNECT: Recipe = {
  name: 'connect',
  weight: 0,
  make: (c) => {
    const name = c.fds.nameOf(c.notes[1]);
    return sys.connect(c.notes[2], address(c, name >= 0 ? name : c.random.below(SOCKET_NAMES)), ADDRESS_BYTES);
  },
  after: (c, result) => {
    if (result === 0 && !c.spoiled && c.fds.kindOf(c.notes[2]) === STREAM_NEW) c.fds.note(c.notes[2], STREAM);
    return undefined;
  },
};

/** A fresh socket, and in `notes[1]` a listener for it to connect to. */
function* beforeConnect(c: Caller): Guest<void> {
  yield* freshSocket(c);
  const fd = c.notes[2];
  c.notes[1] = c.fds.findOf(c.fds.kindOf(fd) === DATAGRAM ? DATAGRAM : LISTENER);
  c.notes[2] = fd;
}

/** Somebody connects first, mostly. */
function* beforeAccept(c: Caller): Guest<void> {
  if (c.fds.findOf(LISTENER) < 0) {
    yield* namedSocket(c);
    yield* c.perform({ ...LISTEN, isWhole: true });
  }
  const fd = c.fds.findOf(LISTENER);
  if (fd >= 0 && !c.random.once(4)) {
    const client = yield* c.perform(STREAM_SOCKET);
    c.notes[1] = fd;
    c.notes[2] = client;
    if (client >= 0) yield* c.perform({ ...CONNECT, isWhole: true });
  }
  c.notes[2] = fd;
}

function accept(c: Caller): [number, number] {
  return c.random.once(2) ? [0, 0] : [c.scratch.take(NAME_BYTES), roomOf(c, NAME_BYTES)];
}

const OPTIONS: readonly number[] = [
  SO_REUSEADDR,
  SO_SNDBUF,
  SO_RCVBUF,
  SO_PASSCRED,
  SO_RCVLOWAT,
  SO_PEEK_OFF,
  SO_TYPE,
  SO_ERROR,
];

function setsockopt(c: Caller): number {
  const fd = c.fds.find(SOCKETS);
  if (c.random.once(4)) {
    const option = c.random.pick([SO_RCVTIMEO, SO_SNDTIMEO]);
    return sys.setsockopt(fd, SOL_SOCKET, option, timeval(c, c.random.below(3000)), 16);
  }
  const at = c.scratch.takeZeroed(16);
  const option = c.random.pick(OPTIONS);
  const onOff = option === SO_REUSEADDR || option === SO_PASSCRED || option === SO_PEEK_OFF;
  store32(at, onOff ? c.random.below(2) : c.random.below(300_000));
  return sys.setsockopt(fd, SOL_SOCKET, option, at, 4);
}

function getsockopt(c: Caller): number {
  const bytes = c.random.pick([4, 4, 16, 2]);
  return sys.getsockopt(
    c.fds.find(SOCKETS),
    SOL_SOCKET,
    c.random.pick(OPTIONS),
    c.scratch.take(bytes),
    roomOf(c, bytes),
  );
}

/** A name of their own for what is already open, so that datagrams find somebody. */
function bind(c: Caller): number {
  c.notes[0] = c.random.below(SOCKET_NAMES);
  c.notes[1] = c.notes[2];
  return sys.bind(c.notes[2], address(c, c.notes[0]), ADDRESS_BYTES);
}

export const SOCKET_RECIPES: readonly Recipe[] = [
  SOCKET,
  SOCKETPAIR,
  DATAGRAM_PAIR,
  {
    name: 'bind',
    weight: 3,
    before: freshSocket,
    make: bind,
    after: (c, result) => {
      if (result === 0 && !c.spoiled) c.fds.noteName(c.notes[1], c.notes[0]);
      return undefined;
    },
  },
  LISTEN,
  { ...CONNECT, weight: 4, before: beforeConnect },
  {
    name: 'accept',
    weight: 3,
    before: beforeAccept,
    make: (c) => sys.accept(c.notes[2], ...accept(c)),
    after: notesFd(STREAM),
  },
  {
    name: 'accept4',
    weight: 3,
    before: beforeAccept,
    make: (c) => sys.accept4(c.notes[2], ...accept(c), flagsOfNew(c)),
    after: notesFd(STREAM),
  },
  { name: 'shutdown', weight: 1, make: (c) => sys.shutdown(c.fds.find([STREAM]), c.random.below(SHUT_RDWR + 1)) },
  { name: 'setsockopt', weight: 3, make: setsockopt },
  { name: 'getsockopt', weight: 3, make: getsockopt },
  {
    name: 'getsockname',
    weight: 2,
    make: (c) => sys.getsockname(c.fds.find(SOCKETS), c.scratch.take(NAME_BYTES), roomOf(c, NAME_BYTES)),
  },
  {
    name: 'getpeername',
    weight: 2,
    make: (c) => sys.getpeername(c.fds.find([STREAM]), c.scratch.take(NAME_BYTES), roomOf(c, NAME_BYTES)),
  },
];
