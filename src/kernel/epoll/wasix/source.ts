/**
 * WASIX's design, lower half: each file has a queue of its own, in which its blocked readers and writers, its pollers and
 * the handlers of subscriptions stand. A change is told to every handler; of those who are blocked, one exclusive waiter
 * is woken. Deadlines push their wakeups, and ticks wake nobody.
 *
 * A source calls its handlers when something happened to it, and only then: a call that failed says nothing.
 */
import type { ProcessPtr } from '../../process/process.ts';
import { Process } from '../../process/process.ts';
import { detachCallbacks } from '../callback-stand.ts';
import type { SourceOps } from '../source-ops.ts';
import {
  changeUntold,
  ownQueueChanged,
  ownQueueChangedForOne,
  ownQueueFor,
  signalQueueWoken,
  tickUntold,
} from '../source-parts.ts';

/** Handlers in instances of other processes stand in its queue of signals: they go, and nobody is told. */
function wasixProcessGone(process: number): number {
  detachCallbacks(Process.signalQueue.at(process as ProcessPtr));
  return 0;
}

export const wasixSource: SourceOps = {
  changed: ownQueueChanged,
  changedForOne: ownQueueChangedForOne,
  moved: changeUntold,
  refused: changeUntold,
  queueFor: ownQueueFor,
  signalPending: signalQueueWoken,
  processGone: wasixProcessGone,
  tick: tickUntold,
  timersPush: 1,
};
