/**
 * A connected socket (or a pipe's end) of a loop: bytes come by callback, and what cannot be written yet waits here
 * until the descriptor takes it. Writing never blocks the loop.
 */
import { alloc, bytesAt, check, EAGAIN, EPOLLIN, EPOLLOUT, type Guest, sys } from '../libc/index.ts';
import { type Callback, call } from './callback.ts';
import type { Loop, Watcher } from './loop.ts';

const CHUNK_BYTES = 4096;

export class Stream {
  readonly fd: number;
  private readonly loop: Loop;
  private readonly buffer: number;
  private watcher: Watcher | undefined;
  private onData: Callback<[data: Uint8Array | undefined]> = () => {};
  private waiting: Uint8Array[] = [];
  private reading = false;

  /** @param buffer 4096 bytes that this stream may use between two system calls; streams of one loop may share them */
  constructor(loop: Loop, fd: number, buffer = alloc(CHUNK_BYTES)) {
    this.loop = loop;
    this.fd = fd;
    this.buffer = buffer;
  }

  /** Calls back with every piece that comes, and at the end, or on an error, with undefined. The descriptor is nonblocking. */
  *read(onData: Callback<[data: Uint8Array | undefined]>): Guest<void> {
    this.onData = onData;
    this.reading = true;
    yield* this.want();
  }

  /** Takes the bytes over. */
  *write(data: Uint8Array): Guest<void> {
    this.waiting.push(data);
    if (this.waiting.length === 1) yield* this.flush();
  }

  /** What was not written by now is lost. */
  *close(): Guest<void> {
    if (this.watcher !== undefined) yield* this.loop.unwatch(this.watcher);
    this.watcher = undefined;
    this.waiting = [];
    check(yield sys.close(this.fd), 'close');
  }

  private *ready(events: number): Guest<void> {
    if ((events & EPOLLOUT) !== 0) yield* this.flush();
    if (this.watcher === undefined || (events & ~EPOLLOUT) === 0) return;
    const n = yield sys.read(this.fd, this.buffer, CHUNK_BYTES);
    if (n === -EAGAIN) return;
    // A copy: the buffer is used again before the callback may be done with the bytes.
    yield* call(this.onData, n > 0 ? bytesAt(this.buffer, n).slice() : undefined);
  }

  private *flush(): Guest<void> {
    while (this.waiting.length > 0) {
      const data = this.waiting[0]!;
      const bytes = Math.min(data.length, CHUNK_BYTES);
      bytesAt(this.buffer, bytes).set(data.subarray(0, bytes));
      const n = yield sys.write(this.fd, this.buffer, bytes);
      if (n < 0) {
        // Gone (EPIPE) is told by the next read; full is told by EPOLLOUT.
        if (n !== -EAGAIN) this.waiting = [];
        break;
      }
      if (n === data.length) this.waiting.shift();
      else this.waiting[0] = data.subarray(n);
    }
    yield* this.want();
  }

  private *want(): Guest<void> {
    const events = (this.reading ? EPOLLIN : 0) | (this.waiting.length > 0 ? EPOLLOUT : 0);
    if (this.watcher === undefined) {
      this.watcher = yield* this.loop.watch(this.fd, events, (ready) => this.ready(ready));
    } else {
      yield* this.loop.rewatch(this.watcher, events);
    }
  }
}
