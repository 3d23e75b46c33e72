/**
 * `Machine.idling`: how many CPUs idle (or rest), and above that the stops: how often one stopped idling, or did something
 * else after which others must look again. What the word is good for stands in idle.ts and rest.ts.
 */
import { cpu } from '../../shared-mem/self.ts';
import { MACHINE, Machine } from '../machine-record.ts';
import { Cpu } from './cpu.ts';

export const IDLERS = 0xff;
/** What one stop adds. */
export const STOPPED = 0x100;

/** The stops in a value of the word. */
export function stopsOf(idling: number): number {
  return idling >>> 8;
}

/** Something is about to be done on this CPU: who rests, here or elsewhere, has not seen it. */
export function endInVain(): void {
  if (Cpu.inVain.get(cpu) === 0) return;
  Cpu.inVain.set(cpu, 0);
  Machine.idling.add(MACHINE, STOPPED);
}
