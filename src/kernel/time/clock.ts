/**
 * The clock door: nanoseconds since boot, the same for all CPUs, never going back.
 *
 * A host thread's performance.now() counts from its own origin, so each CPU keeps its distance to the machine's boot
 * (`clockOffsetNs`, calibrated by the worker).
 *
 * With warp on, time is what the clock jumped over while every CPU idled; the float64 is guarded by a sequence count,
 * odd while it is being written. Between jumps it only creeps: were it to run on while CPUs work, a host that is busy
 * with other things would let timeouts expire that the program would have met. It must not stand still either, or a
 * guest that polls the clock would do so for ever.
 */
import { WARP } from '../../shared-mem/boot-constants.ts';
import { cpu } from '../../shared-mem/self.ts';
import { Cpu } from '../cpu/cpu.ts';
import { MACHINE, Machine } from '../machine-record.ts';

/** With warp on, the machine's clock is so much slower than the host's between jumps. */
const CREEP = 1 / 128;

/** Reads the clock: about 40 ns on the host, so callers count work instead where they can. */
export function clockNow(): number {
  const hostNs = hostNow();
  const now = WARP ? hostNs * CREEP + warpedNs() : hostNs;
  Cpu.lastNowNs.set(cpu, now);
  return now;
}

/** The host's time since boot, for what is measured and not simulated: how long a wakeup took, how long to spin. */
export function hostNow(): number {
  return performance.now() * 1e6 - Cpu.clockOffsetNs.get(cpu);
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
