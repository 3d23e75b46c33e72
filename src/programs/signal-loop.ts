/**
 * Signals in every way that programs take them: self-pipe, signalfd, EINTR, real-time queues. Each signal is accounted for.
 *
 *     smplab run signal-loop --set senders=3 --set signals=100
 *
 * Standard signals coalesce: while one is pending, others of its number are the same one. So as many are taken as were
 * sent, or fewer, but after each one that was sent at least one is taken; a sender that waited in vain would show as a
 * deadlock. Real-time signals queue: as many come as were sent, in their order.
 */
import { type Guest, print, printFigures, SA_RESTART } from './libc/index.ts';
import { receiveBySignalfd } from './signal-loop/by-signalfd.ts';
import { receiveRealTime } from './signal-loop/realtime.ts';
import { interruptRead } from './signal-loop/restart.ts';
import { receiveBySelfPipe } from './signal-loop/self-pipe.ts';

export { onQueued, queuer } from './signal-loop/realtime.ts';
export { interruptedReader, onInterruption } from './signal-loop/restart.ts';
export { onSignalToPipe } from './signal-loop/self-pipe.ts';
export { sender } from './signal-loop/senders.ts';

export interface SignalLoopOptions {
  readonly senders?: number;
  /** Signals that each sender sends, in each way. */
  readonly signals?: number;
}

export function* main(_argument: number, options: SignalLoopOptions | undefined): Guest {
  const { senders = 3, signals = 100 } = options ?? {};
  const piped = yield* receiveBySelfPipe(senders, signals);
  const read = yield* receiveBySignalfd(senders, signals);
  const wanted = Math.ceil(signals / 10);
  const restarted = yield* interruptRead(SA_RESTART, wanted);
  const interrupted = yield* interruptRead(0, wanted);
  const queued = yield* receiveRealTime(senders, signals);
  printFigures(`signal-loop: ${senders} senders, ${signals} signals each`, [
    ['self-pipe: sent', piped.sent],
    ['self-pipe: handlers run', piped.taken],
    ['signalfd: sent', read.sent],
    ['signalfd: records read', read.taken],
    ['SA_RESTART: handlers run', restarted.handled],
    ['SA_RESTART: reads told EINTR', restarted.interrupted],
    ['without: handlers run', interrupted.handled],
    ['without: reads told EINTR', interrupted.interrupted],
    ['real-time: queued', queued.sent],
    ['real-time: read or handled', queued.received],
    ['real-time: sends at the limit', queued.full],
  ]);
  const complaints = [piped, read, restarted, interrupted, queued].flatMap((each) => each.complaints);
  for (const complaint of complaints) print(`signal-loop: ${complaint}`);
  return complaints.length === 0 ? 0 : 1;
}
