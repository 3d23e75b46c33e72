/**
 * The machine's clock, as a guest reads it: a system call, and so the same clock that its timers and timeouts go by.
 */
import { CLOCK_MONOTONIC } from '../../kernel/abi/flags-event.ts';
import { check } from './errors.ts';
import { alloc, loadTimespec, storeTimespec } from './memory.ts';
import { sys } from './sys.ts';
import type { Guest } from './thread.ts';

/** Nanoseconds since boot. @param at 16 bytes of one's own, for who asks often */
export function* monotonicNs(at = alloc(16)): Guest {
  check(yield sys.clock_gettime(CLOCK_MONOTONIC, at), 'clock_gettime');
  return loadTimespec(at);
}

/** Sleeps at least so long; a signal's handler may run meanwhile. @param at 16 bytes of one's own */
export function* sleepNs(ns: number, at = alloc(16)): Guest<void> {
  storeTimespec(at, ns);
  // What remains is stored where the time stood, and slept after an interruption.
  while ((yield sys.nanosleep(at, at)) < 0);
}
