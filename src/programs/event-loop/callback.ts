/**
 * What a loop calls: a plain function, or a generator function where the callback itself makes system calls.
 */
import type { Guest } from '../libc/index.ts';

export type Callback<Arguments extends readonly unknown[] = []> = (...args: Arguments) => Guest<void> | void;

/** Calls it to its end: `yield* call(callback, value)`. */
export function* call<Arguments extends readonly unknown[]>(
  callback: Callback<Arguments>,
  ...args: Arguments
): Guest<void> {
  const running = callback(...args);
  if (running !== undefined) yield* running;
}
