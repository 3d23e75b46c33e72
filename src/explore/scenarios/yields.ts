/**
 * Scenarios of waits that look again, as VeridianOS's do, or until others have looked: a CPU that rests between looks in vain is quiet only
 * if nothing was done that its tasks have not seen (kernel/cpu/rest.ts).
 */
import { EINTR } from '../../kernel/abi/errno.ts';
import { SIGUSR1 } from '../../kernel/abi/flags-signal.ts';
import { readEventfd, writeEventfd } from '../../stepped/machine.ts';
import type { Scenario } from '../scenario.ts';
import type { GuestBody } from './guests.ts';
import { endsWith, FIRST, handle, kept, leave, machineOf, MAIN_PID, SECOND, setWords, wordAt } from './guests.ts';

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

const handler: GuestBody = function* (guest) {
  yield guest.call('getpid');
};
/** Says in a word what it has been told. */
const isInterrupted: GuestBody = function* (guest) {
  yield* handle(guest, SIGUSR1, 2, 0);
  guest.results.push(yield guest.call('read', FIRST, guest.buffer, 8));
  setWords(kept(guest, 512), 1);
  yield* leave(guest);
};
const signalsAndSettles: GuestBody = function* (guest) {
  // Who has not begun is as quiet as who has looked.
  yield guest.call('getpid');
  yield guest.call('smplab_settle');
  yield guest.call('tgkill', MAIN_PID, MAIN_PID, SIGUSR1);
  yield guest.call('smplab_settle');
  guest.results.push(wordAt(kept(guest, 512)));
  yield* leave(guest);
};

const settledSignal: Scenario = {
  name: 'settled-signal',
  about: 'a task interrupts another and waits until that has nothing left to do; by then it has had its answer',
  // Two that yield to each other can do so for ever, in a rhythm in which neither sees the other at rest.
  designs: ['linux', 'kevlar', 'wasix'],
  machine: machineOf(
    [
      [1, isInterrupted],
      [0, signalsAndSettles],
    ],
    { entries: [handler] },
  ),
  check: endsWith([[-EINTR], [1]]),
};

export const yieldScenarios: readonly Scenario[] = [settled, settledSignal];
