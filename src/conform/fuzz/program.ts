/**
 * What a random program is, and what its steps say about it.
 */
import type { ConformCase } from '../../programs/conform/case.ts';

/** A case whose answers nobody knows yet. */
export type RandomProgram = Omit<ConformCase, 'expect'>;

export function isThreaded(program: RandomProgram): boolean {
  return Object.keys(program.threads).length > 0;
}

/** Does main let all come to rest between any two of its steps, once there are threads? Then few outcomes are possible. */
export function isAlwaysAtRest({ main }: RandomProgram): boolean {
  let acts = 0;
  for (const step of main.slice(
    Math.max(
      0,
      main.findIndex((other) => 'start' in other),
    ),
  )) {
    if ('settle' in step) acts = 0;
    else if ('sys' in step || 'start' in step) acts++;
    if (acts > 1) return false;
  }
  return true;
}
