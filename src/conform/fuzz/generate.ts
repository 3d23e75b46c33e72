/**
 * Random programs, the same for the same seed and number: of one thread (single.ts) and of several (threaded.ts).
 */
import type { ConformCase } from '../../programs/conform/case.ts';
import { Random } from '../../programs/torture/random.ts';
import { SingleMaker } from './single.ts';
import { ThreadedMaker } from './threaded.ts';

/** A case whose answers nobody knows yet. */
export type RandomProgram = Omit<ConformCase, 'expect'>;

/** Of five programs, so many have threads. */
const THREADED = 2;

export function randomProgram(seed: number, index: number): RandomProgram {
  const random = new Random(seed, index);
  const name = `fuzz-${seed}-${index}`;
  return random.below(5) < THREADED ? new ThreadedMaker(random).program(name) : new SingleMaker(random).program(name);
}

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
