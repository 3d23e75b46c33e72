/**
 * What the CPUs of a lock torture share: the lock, what it guards, and a record for each of them. The records lie in the
 * user memory of a machine without processes. The hammers write them (lock-hammer.ts), the host looks (lock.ts).
 */
import { defaultBootConfig, planMemory } from '../kernel/boot/plan.ts';
import type { BootConfig, MemoryPlan } from '../kernel/boot/plan.ts';
import { HISTOGRAM_BUCKETS } from '../kernel/cpu/cpu.ts';
import { SpinLock } from '../shared-mem/locks/spin-lock.ts';
import type { Ptr } from '../shared-mem/pointer.ts';
import { atomic, cacheLine, embed, f64, plain, plains, struct } from '../shared-mem/struct.ts';

export const LockTorture = struct('LockTorture', {
  line: cacheLine(),
  lock: embed(SpinLock),
  dataLine: cacheLine(),
  /** Acquisitions, counted as no two CPUs at once could: read, and later written. */
  counter: f64('lock'),
  /** When the last holder let go, ns; 0: it did not look at the clock. */
  releasedAtNs: f64('lock'),
  /** Who is inside, and who was last: a CPU's index plus one. */
  owner: plain('lock'),
  lastOwner: plain('lock'),
  controlLine: cacheLine(),
  /** CPUs that wait to begin; all begin together. */
  ready: atomic(),
  stop: atomic(),
});
export type LockTorturePtr = Ptr<'LockTorture'>;

export const LockTortureCpu = struct('LockTortureCpu', {
  line: cacheLine(),
  acquisitions: f64('owned:cpu'),
  /** DOING_* below. */
  doing: plain('owned:cpu'),
  /** Times that another CPU was inside as well, and who it was first (index plus one). */
  intrusions: plain('owned:cpu'),
  intruder: plain('owned:cpu'),
  /** Interrupts taken while the lock was held with interrupts off. */
  interruptsInside: plain('owned:cpu'),
  /** From a release by one CPU to the acquisition by this one. */
  handoffs: plains(HISTOGRAM_BUCKETS, 'owned:cpu'),
});
export type LockTortureCpuPtr = Ptr<'LockTortureCpu'>;

export const DOING_NOTHING = 0;
export const DOING_REST = 1;
export const DOING_WAIT = 2;
export const DOING_HOLD = 3;
export const DOING_ENDED = 4;

/** What a hammer is started with, besides memory and boot constants. */
export interface HammerOrder {
  readonly index: number;
  /** Place in LOCK_NAMES. */
  readonly kind: number;
  readonly config: BootConfig;
  readonly times: { readonly hostNs: number; readonly wallSeconds: number; readonly wallNs: number };
  readonly seed: number;
  /** Random times up to these: inside, and asleep outside (one round of 16). 0: none. */
  readonly holdNs: number;
  readonly restNs: number;
  /** The lock is one that interrupt handlers take; CPUs interrupt each other meanwhile. */
  readonly irqOff: boolean;
}

/** A machine that has CPUs and locks, and as little as possible of the rest. */
export function lockTortureConfig(cpus: number, lockSpins: number, seed: number): BootConfig {
  const least = {
    tasks: 1,
    processes: 1,
    files: 8,
    nofile: 8,
    epolls: 1,
    interests: 1,
    pipes: 1,
    sockets: 1,
    pages: 1,
  };
  return { ...defaultBootConfig, ...least, cpus, lockSpins, seed, userBytes: 1 << 18 };
}

export interface LockTorturePlaces {
  readonly torture: LockTorturePtr;
  readonly cpus: readonly LockTortureCpuPtr[];
  readonly plan: MemoryPlan;
}

export function placesOf(config: BootConfig): LockTorturePlaces {
  const plan = planMemory(config);
  const torture = (Math.ceil(plan.regions.get('user')!.base / 16) * 16) as LockTorturePtr;
  const first = torture + LockTorture.size;
  const cpus = Array.from({ length: config.cpus }, (_, i) => (first + i * LockTortureCpu.size) as LockTortureCpuPtr);
  return { torture, cpus, plan };
}
