/**
 * Looks once a second whether every CPU still moves. A CPU that stays in kernel code for the limit without a trap, a
 * switch, a tick or an interrupt is lost: it waits for a lock that nobody will release, or loops. That ends the machine
 * with a report. A guest that does not trap is no fault of the kernel: the report names it, and only its owner can say.
 */
import { Cpu, CPU_KERNEL } from '../kernel/cpu/cpu.ts';
import type { Snapshot } from './snapshot.ts';

const LOOK_MS = 1000;

export class Watchdog {
  private readonly timer: NodeJS.Timeout;
  private readonly lastSeen: string[] = [];
  private readonly stillMs: number[] = [];

  /** @param lost called with the index of a CPU that has not moved in the kernel for `limitMs` */
  constructor(look: () => Snapshot, limitMs: number, lost: (cpu: number) => void) {
    const everyMs = Math.min(LOOK_MS, limitMs / 2);
    this.timer = setInterval(() => {
      const snapshot = look();
      for (let c = 0; c < snapshot.config.cpus; c++) {
        const record = snapshot.cpu(c);
        const seen = [Cpu.switches, Cpu.ticksTaken, Cpu.interruptsTaken, Cpu.idleSleeps, Cpu.traps]
          .map((field) => snapshot.float(record, field))
          .join(' ');
        const still = snapshot.word(record, Cpu.activity) === CPU_KERNEL && seen === this.lastSeen[c];
        this.lastSeen[c] = seen;
        this.stillMs[c] = still ? (this.stillMs[c] ?? 0) + everyMs : 0;
        if (this.stillMs[c]! >= limitMs) lost(c);
      }
    }, everyMs);
    this.timer.unref();
  }

  stop(): void {
    clearInterval(this.timer);
  }
}
