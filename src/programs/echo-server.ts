/**
 * An echo server on epoll, and its clients, in one process: the shape of every event loop. The server accepts, reads
 * until EAGAIN, writes back; each client is a thread that sends numbered messages and checks what comes back.
 *
 *     smplab run echo-server --set clients=4 --set messages=100
 */
import {
  abstractAddress,
  AF_UNIX,
  alloc,
  allocEpollEvent,
  EAGAIN,
  EPOLL_CTL_ADD,
  EPOLL_CTL_DEL,
  EPOLLIN,
  epollDataAt,
  epollWait,
  type Guest,
  join,
  load32,
  print,
  SOCK_NONBLOCK,
  SOCK_STREAM,
  startThread,
  store32,
  sys,
  type Thread,
} from './libc/index.ts';

const NAME = 'smplab-echo';
const MESSAGE_BYTES = 8;

export interface EchoOptions {
  readonly clients?: number;
  readonly messages?: number;
}

export function* client(argument: number): Guest {
  const messages = argument;
  const { at, length } = abstractAddress(NAME);
  const fd = yield sys.socket(AF_UNIX, SOCK_STREAM, 0);
  const connected = yield sys.connect(fd, at, length);
  if (connected < 0) return connected;
  const buffer = alloc(MESSAGE_BYTES);
  for (let i = 0; i < messages; i++) {
    store32(buffer, i);
    store32(buffer + 4, fd);
    yield sys.write(fd, buffer, MESSAGE_BYTES);
    let got = 0;
    while (got < MESSAGE_BYTES) {
      const n = yield sys.read(fd, buffer + got, MESSAGE_BYTES - got);
      if (n <= 0) return n - 1;
      got += n;
    }
    if (load32(buffer) !== i) throw new Error(`client got message ${load32(buffer)} back instead of ${i}`);
  }
  yield sys.close(fd);
  return 0;
}

export function* main(_argument: number, options: EchoOptions | undefined): Guest {
  const clients = options?.clients ?? 4;
  const messages = options?.messages ?? 100;
  const { at, length } = abstractAddress(NAME);
  const listener = yield sys.socket(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK, 0);
  yield sys.bind(listener, at, length);
  yield sys.listen(listener, 128);
  const epoll = yield sys.epoll_create1(0);
  yield sys.epoll_ctl(epoll, EPOLL_CTL_ADD, listener, allocEpollEvent(EPOLLIN, listener));
  const threads: Thread[] = [];
  for (let i = 0; i < clients; i++) threads.push(yield* startThread(client, messages));

  const events = alloc(16 * 64);
  const buffer = alloc(4096);
  let closed = 0;
  let echoed = 0;
  while (closed < clients) {
    const ready = yield epollWait(epoll, events, 64, -1);
    for (let i = 0; i < ready; i++) {
      const fd = epollDataAt(events, i);
      if (fd === listener) {
        for (;;) {
          const peer = yield sys.accept4(listener, 0, 0, SOCK_NONBLOCK);
          if (peer < 0) break;
          yield sys.epoll_ctl(epoll, EPOLL_CTL_ADD, peer, allocEpollEvent(EPOLLIN, peer));
        }
        continue;
      }
      for (;;) {
        const n = yield sys.read(fd, buffer, 4096);
        if (n === -EAGAIN) break;
        if (n <= 0) {
          yield sys.epoll_ctl(epoll, EPOLL_CTL_DEL, fd, 0);
          yield sys.close(fd);
          closed++;
          break;
        }
        yield sys.write(fd, buffer, n);
        echoed += n;
      }
    }
  }
  for (const thread of threads) yield* join(thread);
  print(`${clients} clients, ${messages} messages each: ${echoed} bytes echoed`);
  return echoed === clients * messages * MESSAGE_BYTES ? 0 : 1;
}
