/**
 * The clock door: nanoseconds since boot, the same for all CPUs, never going back.
 *
 * A host thread's performance.now() counts from its own origin, so each CPU keeps its distance to the machine's boot
 * (`clockOffsetNs`, calibrated by the worker). With warp on, what the clock jumped over while every CPU idled is added:
 * the float64 is guarded by a sequence count, odd while it is being written.
 */
import { WARP } from '../../shared-mem/boot-constants.ts';
import { cpu } from '../../shared-mem/self.ts';
import { Cpu } from '../cpu/cpu.ts';
import { MACHINE, Machine } from '../machine-record.ts';

/** Reads the clock: about 40 ns on the host, so callers count work instead where they can. */
export function clockNow(): number {
  const hostNs = performance.now() * 1e6 - Cpu.clockOffsetNs.get(cpu);
  const now = WARP ? hostNs + warpedNs() : hostNs;
  Cpu.lastNowNs.set(cpu, now);
  return now;
}

/** The clock as this CPU last read it: at most 64 units of work old. */
export function clockRecent(): number {
  return Cpu.lastNowNs.get(cpu);
}

/**
 * Opens a pass over many files: whichever of them ask for the time share one reading, taken when the first one asks. The
 * pass ends with `closeClockPass`, in the same trap, or later passes would see an old time.
 */
export function openClockPass(): void {
  if (Cpu.clockPass.get(cpu) === 0) Cpu.clockPass.set(cpu, 1);
}
export function closeClockPass(): void {
  Cpu.clockPass.set(cpu, 0);
}
/** The time of the pass now open; outside of one, the time. */
export function clockOfPass(): number {
  const pass = Cpu.clockPass.get(cpu);
  if (pass === 2) return Cpu.lastNowNs.get(cpu);
  if (pass === 1) Cpu.clockPass.set(cpu, 2);
  return clockNow();
}

function warpedNs(): number {
  for (;;) {
    const before = Machine.warpSequence.load(MACHINE);
    const ns = Machine.warpNs.get(MACHINE);
    if ((before & 1) === 0 && Machine.warpSequence.load(MACHINE) === before) return ns;
    Machine.warpSequence.spin(MACHINE, before);
  }
}

/** Moves the clock to `deadlineNs`, if it is still behind. Several idle CPUs may ask at once; one of them does it. */
export function warpTo(deadlineNs: number): void {
  const before = Machine.warpSequence.load(MACHINE);
  if ((before & 1) !== 0) return;
  const gap = deadlineNs - clockNow();
  if (gap <= 0) return;
  if (Machine.warpSequence.compareExchange(MACHINE, before, before + 1) !== before) return;
  Machine.warpNs.set(MACHINE, Machine.warpNs.get(MACHINE) + gap);
  Machine.warpSequence.store(MACHINE, (before + 2) & 0x7ffffffe);
}
