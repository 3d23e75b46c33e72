/**
 * Telling the parent that a process has stopped or goes on. Who completes a stop, and whoever first goes on after it,
 * finds a note (`stopTelling`, job-control.ts) and tells; called without locks, for the parent is another process.
 */
import { CLD_CONTINUED, CLD_STOPPED, SIGCONT } from '../abi/flags-signal.ts';
import { lockIrqOff, unlockIrqOn } from '../irq/locking.ts';
import { childStateChanged } from '../process/children.ts';
import type { ProcessPtr } from '../process/process.ts';
import { Process } from '../process/process.ts';

/** Tells what there is to tell. A stop that was continued before it was complete is told without its signal. */
export function tellParent(p: ProcessPtr): void {
  lockIrqOff(Process.signalLock.at(p));
  const how = Process.stopTelling.get(p);
  const status = how === CLD_CONTINUED ? SIGCONT : Process.stopSignal.load(p);
  Process.stopTelling.set(p, 0);
  unlockIrqOn(Process.signalLock.at(p));
  if (how === CLD_STOPPED || how === CLD_CONTINUED) childStateChanged(p, how, status);
}
