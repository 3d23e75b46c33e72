/**
 * A CPU whose tasks all just yielded rests for a moment, or it would burn its core; and while it rests, it may be as quiet
 * as one that idles: then nothing but time can start anything, which decides about warp and deadlock (idle.ts).
 *
 * It is, if each of its tasks looked in vain after the last thing that anybody did. All that is done is followed by a stop
 * in `Machine.idling`: by a CPU that begins to idle, that finds itself doing something after passes in vain, or that rests
 * for the first time after it did something. So a CPU notes the stops when a rest ends; if all its tasks have looked since
 * and found nothing, and at the end of it the stops are the same, nobody did anything that one of them has not seen.
 *
 *     rest ends: note stops ─▶ each task looks in vain ─▶ rest: "looked after those stops" ─▶ all quiet?
 *                                    └─ one gets on: a stop, and the next rest says nothing
 *
 * Called by the trap loop, between traps.
 */
import { CpuCore, sleepOnDoorbell } from '../../shared-mem/cpu-core.ts';
import { cpu } from '../../shared-mem/self.ts';
import { MACHINE, Machine } from '../machine-record.ts';
import { checkClock } from '../time/tick.ts';
import { setRestDeadline } from '../time/timers.ts';
import { Cpu } from './cpu.ts';
import { allQuiet } from './idle.ts';
import { enterIdleQuiescence, leaveIdleQuiescence } from './quiescence.ts';
import { STOPPED, stopsOf } from './stops.ts';

/** Unless it is rung. */
const YIELD_REST_NS = 50_000;
const NOTHING_SAID = -1;

/** @param seen the doorbell as it was before the last of the tasks yielded */
export function restAfterYields(seen: number): void {
  const inVain = Cpu.inVain.get(cpu) === 1;
  Cpu.yieldRests.set(cpu, Cpu.yieldRests.get(cpu) + 1);
  Cpu.lookedAfter.store(cpu, inVain ? Cpu.stopsSeen.get(cpu) : NOTHING_SAID);
  if (inVain) setRestDeadline(Cpu.yieldDeadlineNs.get(cpu));
  enterIdleQuiescence();
  Machine.idling.add(MACHINE, inVain ? 1 : STOPPED + 1);
  if (CpuCore.pending.load(cpu) === 0) {
    // Whatever it answers: two that rest in step would else go on looking, each just when the other has left.
    allQuiet();
    sleepOnDoorbell(cpu, seen, YIELD_REST_NS);
  }
  const idling = Machine.idling.sub(MACHINE, 1);
  leaveIdleQuiescence();
  Cpu.stopsSeen.set(cpu, stopsOf(idling));
  Cpu.inVain.set(cpu, 1);
  Cpu.yieldDeadlineNs.set(cpu, Number.POSITIVE_INFINITY);
  checkClock();
}
