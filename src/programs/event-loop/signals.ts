/**
 * Signals as callbacks of a loop, by one of two ways that programs know:
 *
 *     signalfd    the signal is blocked, in every thread; the loop reads what is pending as records of 128 bytes
 *     self-pipe   a handler writes the signal's number into a pipe; the loop reads numbers
 *
 * Either way standard signals coalesce: a callback says that the signal came, not how often. A self-pipe needs its
 * handler among the program's exports: `export { onPipedSignal } from 'smplab/event-loop'`. Start watching before
 * other threads are made, for a thread inherits the mask.
 */
import {
  alloc,
  blockSignals,
  check,
  dataSegment,
  EAGAIN,
  EPOLLIN,
  type Guest,
  load8,
  load32,
  makePipe,
  NSIG,
  O_CLOEXEC,
  O_NONBLOCK,
  type PipeEnds,
  SA_RESTART,
  SFD_NONBLOCK,
  SIG_DFL,
  SIGINFO_BYTES,
  sigaction,
  signalSet,
  store8,
  store32,
  store64,
  sys,
  unblockSignals,
} from '../libc/index.ts';
import { type Callback, call } from './callback.ts';
import type { Loop, Watcher } from './loop.ts';

export type SignalWay = 'signalfd' | 'self-pipe';

/** In the process's data segment, which is all that a handler knows: the pipe's write end, and where the numbers lie. */
const PIPE_FD = 0;
const NUMBERS = 4;

/** The handler. It may run between any two system calls of any thread, so it does but this. */
export function* onPipedSignal(signal: number): Guest {
  const data = dataSegment();
  // A full pipe loses the number: the loop has others to read then, and signals coalesce.
  yield sys.write(load32(data + PIPE_FD), data + load32(data + NUMBERS) + signal, 1);
  return 0;
}

export class Signals {
  private readonly loop: Loop;
  private readonly way: SignalWay;
  private readonly callbacks = new Map<number, Callback<[signal: number]>>();
  private readonly buffer = alloc(SIGINFO_BYTES);
  private readonly maskAt = alloc(8);
  private pipe: PipeEnds | undefined;
  private fd = -1;
  private watcher: Watcher | undefined;

  constructor(loop: Loop, way: SignalWay = 'signalfd') {
    this.loop = loop;
    this.way = way;
  }

  /** Does not keep the loop alive. */
  *start(signal: number, callback: Callback<[signal: number]>): Guest<void> {
    this.callbacks.set(signal, callback);
    if (this.way === 'signalfd') yield* this.blockAndRead(signal);
    else yield* this.handleAndPipe(signal);
  }

  *stop(signal: number): Guest<void> {
    this.callbacks.delete(signal);
    if (this.way === 'self-pipe') {
      yield* sigaction(signal, SIG_DFL);
    } else {
      // What is pending would meet the default action once it is no longer blocked: so read it first.
      yield* this.dispatch();
      yield* unblockSignals(signal);
    }
  }

  *close(): Guest<void> {
    for (const signal of this.callbacks.keys()) yield* this.stop(signal);
    if (this.watcher === undefined) return;
    yield* this.loop.unwatch(this.watcher);
    yield sys.close(this.fd);
    if (this.pipe !== undefined) yield sys.close(this.pipe.write);
    this.watcher = undefined;
  }

  private *blockAndRead(signal: number): Guest<void> {
    yield* blockSignals(signal);
    store64(this.maskAt, signalSet(...this.callbacks.keys()));
    this.fd = check(yield sys.signalfd4(this.fd, this.maskAt, 8, SFD_NONBLOCK), 'signalfd4');
    yield* this.watchOnce();
  }

  private *handleAndPipe(signal: number): Guest<void> {
    if (this.pipe === undefined) {
      this.pipe = yield* makePipe(O_NONBLOCK | O_CLOEXEC);
      this.fd = this.pipe.read;
      // A byte for each signal, for a handler must not allocate. The place is a distance, so that it holds in a child.
      const numbers = alloc(NSIG);
      for (let each = 1; each < NSIG; each++) store8(numbers + each, each);
      store32(dataSegment() + NUMBERS, numbers - dataSegment());
      store32(dataSegment() + PIPE_FD, this.pipe.write);
    }
    check(yield* sigaction(signal, onPipedSignal, SA_RESTART), 'rt_sigaction');
    yield* this.watchOnce();
  }

  private *watchOnce(): Guest<void> {
    this.watcher ??= yield* this.loop.watch(this.fd, EPOLLIN, () => this.dispatch(), false);
  }

  private *dispatch(): Guest<void> {
    const bytes = this.way === 'signalfd' ? SIGINFO_BYTES : 1;
    for (;;) {
      const n = yield sys.read(this.fd, this.buffer, bytes);
      if (n === -EAGAIN) return;
      check(n, 'reading signals');
      const signal = this.way === 'signalfd' ? load32(this.buffer) : load8(this.buffer);
      const callback = this.callbacks.get(signal);
      if (callback !== undefined) yield* call(callback, signal);
    }
  }
}
