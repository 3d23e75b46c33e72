/**
 * Reading a machine from outside: kernel records in a copy of its memory. Kernel code never runs on the host's thread;
 * this room knows only where fields lie. A copy taken while CPUs run is a moment's picture, field by field.
 */
import { Cpu, HISTOGRAM_BUCKETS } from '../kernel/cpu/cpu.ts';
import type { BootConfig, MemoryPlan, SlabName } from '../kernel/boot/plan.ts';
import { slabsOf } from '../kernel/boot/plan.ts';
import { Machine } from '../kernel/machine-record.ts';
import { FIRST_RECORD } from '../shared-mem/layout.ts';
import { Slab } from '../shared-mem/slab.ts';

interface WordField {
  readonly off: number;
  readonly bits?: never;
}
export interface FloatField {
  readonly off: number;
  readonly bits: 64;
}

/** Words of a machine, live or copied (`copyOf`). */
export class Snapshot {
  readonly words: Int32Array;
  private readonly floats: Float64Array;
  readonly config: BootConfig;
  readonly plan: MemoryPlan;

  constructor(memory: ArrayBufferLike, config: BootConfig, plan: MemoryPlan) {
    this.words = new Int32Array(memory);
    this.floats = new Float64Array(memory);
    this.config = config;
    this.plan = plan;
  }

  /**
   * A copy of all but user memory: what is read from it belongs to one moment, as far as a copy of a moving thing can.
   * Where the host has no room for one, the memory itself.
   */
  static copyOf(memory: SharedArrayBuffer, config: BootConfig, plan: MemoryPlan): Snapshot {
    const bytes = (plan.regions.get('user')?.base ?? memory.byteLength / 4) * 4;
    let copy: ArrayBuffer;
    try {
      copy = new ArrayBuffer(bytes);
    } catch {
      return new Snapshot(memory, config, plan);
    }
    new Uint8Array(copy).set(new Uint8Array(memory, 0, bytes));
    return new Snapshot(copy, config, plan);
  }

  word(record: number, field: WordField, index = 0): number {
    return this.words[record + field.off + index]!;
  }
  float(record: number, field: FloatField): number {
    return this.floats[(record + field.off) >> 1]!;
  }
  machine(field: WordField): number {
    return this.words[FIRST_RECORD + field.off]!;
  }
  cpu(index: number): number {
    return this.plan.regions.get('cpus')!.base + index * Cpu.size;
  }
  /** A histogram summed over all CPUs. */
  histogram(field: WordField): number[] {
    const sum = Array.from({ length: HISTOGRAM_BUCKETS }, () => 0);
    for (let c = 0; c < this.config.cpus; c++) {
      for (let b = 0; b < HISTOGRAM_BUCKETS; b++) sum[b]! += this.word(this.cpu(c), field, b);
    }
    return sum;
  }
  /** Records of a slab that were ever handed out, living ones only. */
  *living(name: SlabName): Generator<number> {
    const slab = FIRST_RECORD + Machine[name].off;
    const base = this.word(slab, Slab.base);
    const stride = this.word(slab, Slab.stride);
    const used = this.word(slab, Slab.untouched);
    for (let i = 0; i < used; i++) {
      const record = base + i * stride;
      if ((this.words[record]! & 1) === 1) yield record;
    }
  }
  /** The leak census: what lives in each slab, the most that ever did, and how many there could be. */
  census(): Record<SlabName, { live: number; highWater: number; capacity: number }> {
    const rows = slabsOf(this.config).map(([name]) => {
      const slab = FIRST_RECORD + Machine[name].off;
      return [
        name,
        {
          live: this.word(slab, Slab.live),
          highWater: this.word(slab, Slab.highWater),
          capacity: this.word(slab, Slab.capacity),
        },
      ] as const;
    });
    return Object.fromEntries(rows) as Record<SlabName, { live: number; highWater: number; capacity: number }>;
  }
}
