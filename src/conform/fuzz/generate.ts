/**
 * Random programs, the same for the same seed and number: of one thread (single.ts) and of several (threaded.ts).
 */
import { Random } from '../../programs/torture/random.ts';
import type { RandomProgram } from './program.ts';
import { SingleMaker } from './single.ts';
import { ThreadedMaker } from './threaded.ts';

/** Of five programs, so many have threads. */
const THREADED = 2;

export function randomProgram(seed: number, index: number): RandomProgram {
  const random = new Random(seed, index);
  const name = `fuzz-${seed}-${index}`;
  return random.below(5) < THREADED ? new ThreadedMaker(random).program(name) : new SingleMaker(random).program(name);
}
