// What programs that test threads have in common.
import { allocTimespec, ESRCH, type Guest, join, sys, type Thread } from '../../src/programs/libc/index.ts';

const TRIES = 2000;

/** join returns when a thread gives up its memory, which is before its number is free: this waits for that too. */
export function* joinWhole(thread: Thread): Guest<void> {
  yield* join(thread);
  const moment = allocTimespec(1e6);
  for (let tries = 0; tries < TRIES; tries++) {
    if ((yield sys.tkill(thread.tid, 0)) === -ESRCH) return;
    yield sys.nanosleep(moment, 0);
  }
  throw new Error(`thread ${thread.tid} is still there`);
}
