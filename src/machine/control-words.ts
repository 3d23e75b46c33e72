/**
 * The few words through which the host steers running CPUs: the machine's state, each CPU's pending word and doorbell,
 * the host's own bell. They are atomic words of the kernel's records; nothing else in the memory is written from here.
 */
import type { BootConfig, MemoryPlan } from '../kernel/boot/plan.ts';
import { Cpu } from '../kernel/cpu/cpu.ts';
import { IRQ_STOP } from '../kernel/irq/interrupts.ts';
import { Machine } from '../kernel/machine-record.ts';
import { CpuCore } from '../shared-mem/cpu-core.ts';
import { FIRST_RECORD } from '../shared-mem/layout.ts';

interface Field {
  readonly off: number;
}

export class ControlWords {
  private readonly words: Int32Array;
  private readonly config: BootConfig;
  private readonly cpus: number;
  private readonly exitLog: number;

  constructor(memory: SharedArrayBuffer, config: BootConfig, plan: MemoryPlan) {
    this.words = new Int32Array(memory);
    this.config = config;
    this.cpus = plan.regions.get('cpus')!.base;
    this.exitLog = plan.regions.get('exitLog')!.base;
  }

  machine(field: Field): number {
    return Atomics.load(this.words, FIRST_RECORD + field.off);
  }
  /** Only from the state that is expected: a machine that died or was stopped meanwhile stays so. */
  changeState(expected: number, state: number): void {
    Atomics.compareExchange(this.words, FIRST_RECORD + Machine.state.off, expected, state);
  }
  /** While this is not 0, a machine in which nothing moves is not deadlocked. */
  setOutsideActors(count: number): void {
    Atomics.store(this.words, FIRST_RECORD + Machine.outsideActors.off, count);
  }

  /** Sets the state, for good, and makes every CPU leave its loop. */
  stop(state: number): void {
    Atomics.store(this.words, FIRST_RECORD + Machine.state.off, state);
    this.interruptAll();
  }

  /** Makes every CPU look at the state at its next boundary. */
  interruptAll(): void {
    for (let i = 0; i < this.config.cpus; i++) {
      const cpu = this.cpus + i * Cpu.size;
      Atomics.or(this.words, cpu + CpuCore.pending.off, IRQ_STOP);
      Atomics.add(this.words, cpu + CpuCore.doorbell.off, 1);
      Atomics.notify(this.words, cpu + CpuCore.doorbell.off);
    }
  }

  /** The host's bell: rung by exits, by started CPUs, by the machine's death. */
  bell(): number {
    return Atomics.load(this.words, FIRST_RECORD + Machine.hostBell.off);
  }
  /** Resolves when the bell differs from `seen`. */
  async bellRings(seen: number): Promise<void> {
    const waiting = Atomics.waitAsync(this.words, FIRST_RECORD + Machine.hostBell.off, seen);
    if (waiting.async) await waiting.value;
  }
  /** Wakes whoever waits for the bell, for the last time. */
  ring(): void {
    Atomics.add(this.words, FIRST_RECORD + Machine.hostBell.off, 1);
    Atomics.notify(this.words, FIRST_RECORD + Machine.hostBell.off);
  }
  async until(holds: () => boolean): Promise<void> {
    for (;;) {
      const seen = this.bell();
      if (holds()) return;
      await this.bellRings(seen);
    }
  }

  /** Exits number `from` and up. */
  *exitsSince(from: number): Generator<{ pid: number; status: number }> {
    const size = this.config.processes * 2;
    const count = this.machine(Machine.exits);
    for (let n = Math.max(from, count - size); n < count; n++) {
      const at = this.exitLog + (n % size) * 2;
      yield { pid: this.words[at]!, status: this.words[at + 1]! };
    }
  }
}
