/**
 * The event loop as a library: what a program imports. How the parts belong together is drawn in loop.ts; a whole
 * program is src/programs/event-loop.ts.
 */
export type { Async } from './async.ts';
export { Asyncs, sendAsync } from './async.ts';
export type { Callback } from './callback.ts';
export type { Hook, LoopCounts, Watcher } from './loop.ts';
export { closeLoop, Loop, openLoop } from './loop.ts';
export { openPool, Pool, poolThread } from './pool.ts';
export type { SignalWay } from './signals.ts';
export { onPipedSignal, Signals } from './signals.ts';
export { Stream } from './stream.ts';
export type { Timer } from './timer-heap.ts';
