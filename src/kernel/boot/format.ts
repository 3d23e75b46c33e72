/**
 * Lays the memory out, once. The first CPU does it before any other looks; a second call finds the seal and changes
 * nothing, so attaching again never zeroes a lock word.
 */
import { CpuCore } from '../../shared-mem/cpu-core.ts';
import { MEMORY_MAGIC, MEMORY_VERSION } from '../../shared-mem/layout.ts';
import { parseLockChoice } from '../../shared-mem/locks/choice.ts';
import {
  CLASS_EPOLL,
  CLASS_EPOLL_NESTING,
  CLASS_FLIGHT,
  CLASS_FUTEX,
  CLASS_RUNQUEUE,
  CLASS_TIMERS,
  CLASS_TREE,
  CLASS_SLAB,
} from '../../shared-mem/locks/classes.ts';
import { panic } from '../../shared-mem/panic.ts';
import type { CpuPtr } from '../../shared-mem/pointer.ts';
import type { Address } from '../../shared-mem/pointer.ts';
import { becomeCpu, I32 } from '../../shared-mem/self.ts';
import type { SlabPtr } from '../../shared-mem/slab.ts';
import { initSlab } from '../../shared-mem/slab.ts';
import { Cpu, IDLE_EPOCH } from '../cpu/cpu.ts';
import { VeridianRegistry } from '../epoll/veridian/records.ts';
import { DESIGN_NAMES } from '../epoll/source-ops.ts';
import { initSocketNames } from '../file/socket-names.ts';
import { initClassLock } from '../irq/locking.ts';
import { MACHINE, MACHINE_PAUSED, Machine } from '../machine-record.ts';
import { FUTEX_BUCKETS } from '../syscall/futex-buckets.ts';
import { initWaitQueue } from '../wait/wait-queue.ts';
import type { WaitQueuePtr } from '../wait/wait-queue-struct.ts';
import { WaitQueue } from '../wait/wait-queue-struct.ts';
import type { BootConfig, MemoryPlan } from './plan.ts';
import { planMemory, slabsOf, timersPerCpu } from './plan.ts';

/** The host's clocks at boot. */
export interface BootTimes {
  readonly hostNs: number;
  readonly wallSeconds: number;
  readonly wallNs: number;
}

/** @returns false if the memory was laid out before, in which case nothing is touched */
export function formatMemory(config: BootConfig, times: BootTimes): boolean {
  if (Machine.sealed.load(MACHINE) !== 0) return false;
  const plan = planMemory(config);
  if (plan.bytes !== I32.byteLength) {
    panic(`the host laid out ${I32.byteLength} bytes and this CPU ${plan.bytes}: they are not of one build`);
  }
  const lockKinds = parseLockChoice(config.lock);
  const design = DESIGN_NAMES.indexOf(config.epoll);
  if (lockKinds.problem !== undefined) panic(lockKinds.problem.about);
  if (design < 0) panic(`no epoll design is named ${config.epoll}`);
  for (let i = 0; i < lockKinds.kinds.length; i++) Machine.lockKinds.setAt(MACHINE, i, lockKinds.kinds[i]!);
  formatMachine(config, plan, times, design);
  formatCpus(config, plan);
  for (const [name, stride, capacity] of slabsOf(config)) {
    const slab = Machine[name].at(MACHINE) as SlabPtr;
    initSlab(slab, Machine.lockKinds.getAt(MACHINE, CLASS_SLAB), baseOf(plan, `slab ${name}`), stride, capacity);
  }
  const futexes = baseOf(plan, 'futexes');
  for (let i = 0; i < FUTEX_BUCKETS; i++) {
    initClassLock(WaitQueue.lock.at((futexes + i * WaitQueue.size) as WaitQueuePtr), CLASS_FUTEX, i);
  }
  Machine.sealed.store(MACHINE, 1);
  Machine.sealed.notify(MACHINE);
  return true;
}

function formatMachine(config: BootConfig, plan: MemoryPlan, times: BootTimes, design: number): void {
  Machine.magic.set(MACHINE, MEMORY_MAGIC);
  Machine.version.set(MACHINE, MEMORY_VERSION);
  Machine.words.set(MACHINE, plan.bytes / 4);
  Machine.cpus.set(MACHINE, config.cpus);
  Machine.hz.set(MACHINE, config.hz);
  Machine.design.set(MACHINE, design);
  Machine.abi.set(MACHINE, config.abi === 'x86_64' ? 0 : 1);
  Machine.firstCpu.set(MACHINE, baseOf(plan, 'cpus') as CpuPtr);
  Machine.nofile.set(MACHINE, config.nofile);
  Machine.userBytes.set(MACHINE, config.userBytes);
  Machine.userBase.set(MACHINE, Math.ceil((baseOf(plan, 'user') * 4) / 4096) * 4096);
  Machine.fdSlots.set(MACHINE, baseOf(plan, 'fdSlots'));
  Machine.futexQueues.set(MACHINE, baseOf(plan, 'futexes'));
  Machine.exitLog.set(MACHINE, baseOf(plan, 'exitLog'));
  Machine.exitLogSize.set(MACHINE, config.processes * 2);
  Machine.sliceTicks.set(MACHINE, config.sliceTicks);
  Machine.seed.set(MACHINE, config.seed);
  Machine.tickNs.set(MACHINE, 1e9 / config.hz);
  Machine.idleSpinNs.set(MACHINE, config.idleSpinNs);
  Machine.bootHostNs.set(MACHINE, times.hostNs);
  Machine.bootWallSeconds.set(MACHINE, times.wallSeconds);
  Machine.bootWallNs.set(MACHINE, times.wallNs);
  Machine.state.store(MACHINE, MACHINE_PAUSED);
  initClassLock(Machine.nestingLock.at(MACHINE), CLASS_EPOLL_NESTING, 0);
  initClassLock(VeridianRegistry.lock.at(Machine.epollRegistry.at(MACHINE)), CLASS_EPOLL, 0);
  initClassLock(Machine.treeLock.at(MACHINE), CLASS_TREE, 0);
  initClassLock(Machine.flightLock.at(MACHINE), CLASS_FLIGHT, 0);
  initWaitQueue(Machine.globalQueue.at(MACHINE));
  initSocketNames();
}

function formatCpus(config: BootConfig, plan: MemoryPlan): void {
  const first = baseOf(plan, 'cpus');
  for (let i = 0; i < config.cpus; i++) {
    const c = (first + i * Cpu.size) as CpuPtr;
    CpuCore.index.set(c, i);
    CpuCore.cpus.set(c, config.cpus);
    CpuCore.stride.set(c, Cpu.size);
    CpuCore.first.set(c, first as CpuPtr);
    CpuCore.spinBudget.set(c, config.lockSpins);
    initClassLock(Cpu.runLock.at(c), CLASS_RUNQUEUE, 0);
    initClassLock(Cpu.timerLock.at(c), CLASS_TIMERS, 0);
    Cpu.timerHeap.set(c, baseOf(plan, 'timers') + i * timersPerCpu(config));
    Cpu.timerCapacity.set(c, timersPerCpu(config));
    Cpu.nextDeadlineNs.set(c, Number.POSITIVE_INFINITY);
    Cpu.seenEpoch.store(c, IDLE_EPOCH);
  }
}

/** This thread is CPU `index` from here on. @param clockOffsetNs performance.now() and the boot clock are this far apart */
export function startCpu(index: number, clockOffsetNs: number): void {
  if (Machine.magic.get(MACHINE) !== MEMORY_MAGIC || Machine.version.get(MACHINE) !== MEMORY_VERSION) {
    panic('the memory is not that of a machine of this version');
  }
  const self = (Machine.firstCpu.get(MACHINE) + index * Cpu.size) as CpuPtr;
  becomeCpu(self);
  Cpu.clockOffsetNs.set(self, clockOffsetNs);
  // Ticks of the CPUs are spread over the period, as on hardware, so that they do not all wake at once.
  const tickNs = Machine.tickNs.get(MACHINE);
  Cpu.nextTickNs.set(self, tickNs * (1 + index / Machine.cpus.get(MACHINE)));
}

function baseOf(plan: MemoryPlan, region: string): Address {
  const found = plan.regions.get(region);
  if (found === undefined) panic(`no region is named ${region}`);
  return found.base;
}
