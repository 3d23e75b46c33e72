/**
 * Waking a loop from another thread, the only thing that others may do to it.
 *
 *     any thread                         the loop's thread
 *       pending 0 -> 1                     eventfd readable: read it
 *       was it 0: write the eventfd        each async: pending 1 -> 0, call back
 *
 * All asyncs of a loop share one eventfd. Sends may coalesce: between two of them at least one callback runs, no more is
 * promised. None is lost: the loop empties the eventfd before it looks at the words, so that a send that it does not see
 * finds pending 0 and writes again. Origin: libuv src/unix/async.c.
 */
import {
  alloc,
  check,
  compareExchange32,
  EFD_NONBLOCK,
  EPOLLIN,
  type Guest,
  load32,
  store32,
  store64,
  sys,
} from '../libc/index.ts';
import { type Callback, call } from './callback.ts';
import type { Loop, Watcher } from './loop.ts';

/** An async's record in user memory: what another thread needs to know of it. */
const PENDING = 0;
const EVENTFD = 4;
const ONE = 8;
const ASYNC_BYTES = 16;

export interface Async {
  /** For `sendAsync`, in any thread. */
  readonly address: number;
  readonly callback: Callback;
}

export class Asyncs {
  private readonly loop: Loop;
  private readonly asyncs: Async[] = [];
  private eventfd = -1;
  private watcher: Watcher | undefined;
  private readonly value = alloc(8);

  constructor(loop: Loop) {
    this.loop = loop;
  }

  /** Does not keep the loop alive. */
  *start(callback: Callback): Guest<Async> {
    if (this.watcher === undefined) {
      this.eventfd = check(yield sys.eventfd2(0, EFD_NONBLOCK), 'eventfd2');
      this.watcher = yield* this.loop.watch(this.eventfd, EPOLLIN, () => this.dispatch(), false);
    }
    const address = alloc(ASYNC_BYTES);
    store32(address + EVENTFD, this.eventfd);
    store64(address + ONE, 1n);
    const async = { address, callback };
    this.asyncs.push(async);
    return async;
  }

  /** No thread may send any more. */
  *close(): Guest<void> {
    if (this.watcher === undefined) return;
    yield* this.loop.unwatch(this.watcher);
    yield sys.close(this.eventfd);
    this.watcher = undefined;
  }

  private *dispatch(): Guest<void> {
    yield sys.read(this.eventfd, this.value, 8);
    for (const { address, callback } of this.asyncs) {
      if (compareExchange32(address + PENDING, 1, 0) === 1) yield* call(callback);
    }
  }
}

/** From any thread of the process: the async's callback will run. */
export function* sendAsync(address: number): Guest<void> {
  if (compareExchange32(address + PENDING, 0, 1) !== 0) return;
  check(yield sys.write(load32(address + EVENTFD), address + ONE, 8), 'waking a loop');
}
