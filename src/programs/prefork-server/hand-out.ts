/**
 * The parent as the one that accepts (how=rights): it hands each connection to the next worker in turn, through a channel
 * of that worker's own. The kernel keeps what is in flight alive; if a worker dies with connections in its channel, they
 * end with it, and their clients ask again.
 */
import {
  AF_UNIX,
  alloc,
  allocMessage,
  check,
  controlSpace,
  EAGAIN,
  type Guest,
  load32,
  type MessageMemory,
  MSG_NOSIGNAL,
  sendFds,
  SOCK_SEQPACKET,
  sys,
} from '../libc/index.ts';
import { HANDED_BYTES } from './shared.ts';

export interface Channels {
  /** The parent's end, by worker; -1 while there is none. */
  readonly ends: number[];
  readonly message: MessageMemory;
  readonly pair: number;
  next: number;
}

export function newChannels(workers: number): Channels {
  return {
    ends: Array.from({ length: workers }, () => -1),
    message: allocMessage(HANDED_BYTES, controlSpace(4)),
    pair: alloc(8),
    next: 0,
  };
}

/** @returns the worker's end, which the parent closes once the worker has been forked */
export function* openChannel({ ends, pair }: Channels, worker: number): Guest {
  check(yield sys.socketpair(AF_UNIX, SOCK_SEQPACKET, 0, pair), 'socketpair');
  ends[worker] = load32(pair);
  return load32(pair + 4);
}

export function* closeChannel({ ends }: Channels, worker: number): Guest<void> {
  check(yield sys.close(ends[worker]!), 'close');
  ends[worker] = -1;
}

/** Accepts until there is nothing more, and hands out what came. */
export function* handOut(channels: Channels, listener: number): Guest<void> {
  for (;;) {
    const fd = yield sys.accept4(listener, 0, 0, 0);
    if (fd === -EAGAIN) return;
    yield* handOver(channels, check(fd, 'accept4'));
    // The message holds the connection from now on; if nobody took it, the client sees its end.
    check(yield sys.close(fd), 'close');
  }
}

function* handOver(channels: Channels, fd: number): Guest<void> {
  const { ends, message } = channels;
  for (let tries = 0; tries < ends.length; tries++) {
    const channel = ends[channels.next]!;
    channels.next = (channels.next + 1) % ends.length;
    // A worker may be dead, and its end not yet told of.
    if (channel >= 0 && (yield* sendFds(channel, [fd], 'take one', MSG_NOSIGNAL, message)) > 0) return;
  }
}
