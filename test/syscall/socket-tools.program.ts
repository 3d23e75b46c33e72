// What the programs that test sockets have in common: promises, names, pairs, and a helper thread that makes one blocking
// call. A helper's function must be exported by the program that starts it.
import {
  AF_UNIX,
  alloc,
  atomicLoad32,
  atomicStore32,
  bytesAt,
  type Guest,
  load16,
  load32,
  load64,
  POLLIN,
  POLLOUT,
  POLLRDHUP,
  SIG_BLOCK,
  SIGPIPE,
  SOCK_NONBLOCK,
  SOL_SOCKET,
  startThread,
  store16,
  store32,
  store64,
  store8,
  sys,
  trap,
} from '../../src/programs/libc/index.ts';

export const BAD_ADDRESS = 1;
export const SIOCOUTQ = 0x5411;
export const FIONBIO = 0x5421;
export const ASKED = POLLIN | POLLOUT | POLLRDHUP;

export function same(found: number | string, wanted: number | string, promise: string): void {
  if (found !== wanted) throw new Error(`broken promise: ${promise} (found ${found}, wanted ${wanted})`);
}

/** The first allocation of `main`, which every thread knows: what the helper thread does, and what it got. */
export const SHARED_BYTES = 64;
const shared = (): number => trap.userBase + 64;
export const GOT = 0;
export const FD = 4;
export const LENGTH = 8;
/** What else a helper has to tell. */
export const EXTRA = 12;
export const ADDRESS = 16;
export const get = (what: number): number => atomicLoad32(shared() + what);
export const set = (what: number, value: number): void => atomicStore32(shared() + what, value);
export const sharedAt = (what: number): number => shared() + what;
export const UNFINISHED = 0x7fffffff;

/** Starts a thread that makes a blocking call, and sees it wait. @returns its tid */
export function* helper(start: unknown, fd: number, length = 0, address = 0): Guest {
  set(GOT, UNFINISHED);
  set(FD, fd);
  set(LENGTH, length);
  set(ADDRESS, address);
  const { tid } = yield* startThread(start, 0);
  yield sys.smplab_settle();
  same(get(GOT), UNFINISHED, 'the call waits');
  return tid;
}
/** What the helper's call answered, once nothing moves any more. */
export function* answer(): Guest {
  yield sys.smplab_settle();
  return get(GOT);
}

export function* pair(type: number, flags = SOCK_NONBLOCK): Guest<[number, number]> {
  const at = alloc(8);
  same(yield sys.socketpair(AF_UNIX, type | flags, 0, at), 0, 'a pair can be made');
  return [load32(at), load32(at + 4)];
}

/** A sockaddr_un; a text that begins with @ is an abstract name. Its length is `2 + text.length`. */
export function nameAt(text: string): number {
  const at = alloc(112);
  store16(at, AF_UNIX);
  for (let i = 0; i < text.length; i++) store8(at + 2 + i, i === 0 && text[0] === '@' ? 0 : text.charCodeAt(i));
  return at;
}
export function* socket(type: number, name = '', flags = SOCK_NONBLOCK): Guest {
  const fd = yield sys.socket(AF_UNIX, type | flags, 0);
  if (name !== '') same(yield sys.bind(fd, nameAt(name), 2 + name.length), 0, `${name} can be bound`);
  return fd;
}
export function* connect(fd: number, name: string): Guest {
  return yield sys.connect(fd, nameAt(name), 2 + name.length);
}
export function* listener(type: number, name: string, backlog: number, flags = SOCK_NONBLOCK): Guest {
  const fd = yield* socket(type, name, flags);
  same(yield sys.listen(fd, backlog), 0, 'a bound socket can listen');
  return fd;
}

/** What poll reports of IN, OUT and RDHUP, and of the rest whatever was asked. */
export function* polled(fd: number): Guest {
  const at = alloc(8);
  store32(at, fd);
  store16(at + 4, ASKED);
  yield sys.poll(at, 1, 0);
  return load16(at + 6);
}
export function* ioctlInt(fd: number, command: number): Guest {
  const at = alloc(8);
  const r = yield sys.ioctl(fd, command, at);
  return r < 0 ? r : load32(at);
}

export function* setOption(fd: number, option: number, value: number, level = SOL_SOCKET, length = 4): Guest {
  const at = alloc(8);
  store32(at, value);
  return yield sys.setsockopt(fd, level, option, at, length);
}
/** @returns the value of an option that is an int, or -errno */
export function* getOption(fd: number, option: number, level = SOL_SOCKET): Guest {
  const at = alloc(8);
  store32(at + 4, 64);
  const r = yield sys.getsockopt(fd, level, option, at, at + 4);
  if (r < 0) return r;
  same(load32(at + 4), 4, 'an int is told');
  return load32(at);
}
/** SO_RCVTIMEO and SO_SNDTIMEO. */
export function* setTimeout(fd: number, option: number, milliseconds: number): Guest {
  const at = alloc(16);
  store64(at, Math.floor(milliseconds / 1000));
  store64(at + 8, (milliseconds % 1000) * 1000);
  return yield sys.setsockopt(fd, SOL_SOCKET, option, at, 16);
}

export function textAt(text: string): number {
  const at = alloc(Math.max(8, text.length));
  for (let i = 0; i < text.length; i++) store8(at + i, text.charCodeAt(i));
  return at;
}
export function* send(fd: number, text: string, flags = 0): Guest {
  return yield sys.sendto(fd, textAt(text), text.length, flags, 0, 0);
}
/** @returns what came, as text; the negative errno as text if nothing did */
export function* receive(fd: number, room = 64, flags = 0): Guest<string> {
  const at = alloc(Math.max(8, room));
  const r = yield sys.recvfrom(fd, at, room, flags, 0, 0);
  return r < 0 ? String(r) : String.fromCharCode(...bytesAt(at, Math.min(r, room)));
}

export function* sigpipePending(): Guest {
  const at = alloc(8);
  yield sys.rt_sigpending(at, 8);
  return Number((load64(at) >> BigInt(SIGPIPE - 1)) & 1n);
}
export function* blockSigpipe(): Guest {
  const at = alloc(8);
  store64(at, 1n << BigInt(SIGPIPE - 1));
  return yield sys.rt_sigprocmask(SIG_BLOCK, at, 0, 8);
}

/** Runs the scenario that argv names; the first memory is what threads share. */
export function* runNamed(scenarios: Record<string, () => Guest<void>>, scenario: string): Guest {
  alloc(SHARED_BYTES);
  yield* scenarios[scenario]!();
  return 0;
}
