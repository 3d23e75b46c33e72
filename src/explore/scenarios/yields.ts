/**
 * Scenarios of VeridianOS's waits, which stay runnable and look again: a CPU that rests between looks in vain is quiet only
 * if nothing was done that its tasks have not seen (kernel/cpu/rest.ts).
 */
import { readEventfd, writeEventfd } from '../../stepped/machine.ts';
import type { Scenario } from '../scenario.ts';
import type { GuestBody } from './guests.ts';
import { endsWith, FIRST, machineOf, SECOND } from './guests.ts';

/** Waits until the other looks in vain; then asks. */
const settles: GuestBody = function* (guest) {
  guest.results.push(yield guest.call('smplab_settle'));
  yield* writeEventfd(guest, FIRST, 1);
  yield* readEventfd(guest, SECOND);
};
const answers: GuestBody = function* (guest) {
  yield* readEventfd(guest, FIRST);
  yield* writeEventfd(guest, SECOND, 1);
};

const settled: Scenario = {
  name: 'settled',
  about: 'a task waits until another looks in vain, and then asks it; it is answered',
  designs: ['veridian', 'kevlar', 'linux', 'wasix'],
  machine: machineOf(
    [
      [0, settles],
      [1, answers],
    ],
    { eventfds: [0, 0], lockSpins: 0 },
  ),
  check: endsWith([[0, 1], [1]]),
};

export const yieldScenarios: readonly Scenario[] = [settled];
