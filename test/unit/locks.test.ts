/**
 * Promises of the locks: the declared order is the only one that checks let through, a lock is left by who holds it,
 * and each algorithm hands the lock to whom it says: one thread plays all CPUs here, turn by turn.
 */
import { Worker } from 'node:worker_threads';
import fc from 'fast-check';
import { beforeEach, describe, expect, test } from 'vitest';
import type { OrdinaryMachine } from './ordinary-machine.ts';
import { bootOrdinaryMachine, tiny } from './ordinary-machine.ts';
import { Cpu } from '../../src/kernel/cpu/cpu.ts';
import { interruptsOff, interruptsOn, IRQ_RESCHEDULE, raiseInterrupt } from '../../src/kernel/irq/interrupts.ts';
import { lock, lockIrqOff, unlock, unlockIrqOn } from '../../src/kernel/irq/locking.ts';
import { CpuCore } from '../../src/shared-mem/cpu-core.ts';
import {
  CLASS_EPOLL,
  CLASS_FDTABLE,
  CLASS_FILE,
  CLASS_SLAB,
  CLASS_FUTEX,
  CLASS_WAITQUEUE,
  LOCK_CLASSES,
  LOCK_NAMES,
} from '../../src/shared-mem/locks/classes.ts';
import { acquire, awaitTurn, beginAcquire, initLock, lockOps, release } from '../../src/shared-mem/locks/lock.ts';
import type { SpinLockPtr } from '../../src/shared-mem/locks/spin-lock.ts';
import { ACQUIRED, SpinLock } from '../../src/shared-mem/locks/spin-lock.ts';
import { NULL } from '../../src/shared-mem/pointer.ts';
import { becomeCpu, cpu } from '../../src/shared-mem/self.ts';

let machine: OrdinaryMachine;
beforeEach(() => {
  machine = bootOrdinaryMachine({ ...tiny, cpus: 3 });
});

function newLock(lockClass: number, level = 0, kind = 0): SpinLockPtr {
  const l = machine.place(SpinLock);
  initLock(l, kind, lockClass, level);
  return l;
}

/** The locks that this CPU holds, in the order in which it took them. */
function heldLocks(): number[] {
  return Array.from({ length: CpuCore.heldCount.get(cpu) }, (_, i) => CpuCore.held.getAt(cpu, i * 2));
}

/** A thread that rings a doorbell in two seconds, unless it is ended before. */
function ringLater(doorbell: number): Worker {
  const code = `
    const { memory, doorbell } = require('node:worker_threads').workerData;
    const words = new Int32Array(memory);
    setTimeout(() => { Atomics.add(words, doorbell, 1); Atomics.notify(words, doorbell); }, 2000);
  `;
  return new Worker(code, { eval: true, workerData: { memory: machine.memory, doorbell } });
}

const classes = LOCK_CLASSES.map((rule, lockClass) => ({ ...rule, lockClass })).slice(1);

describe('the order of classes', () => {
  test('is kept by every pair that the table allows, and enforced on every other', () => {
    for (const outer of classes) {
      for (const inner of classes) {
        if (outer.lockClass === inner.lockClass) continue;
        const [o, i] = [newLock(outer.lockClass), newLock(inner.lockClass)];
        interruptsOff();
        acquire(o);
        if (outer.lockClass < inner.lockClass) {
          acquire(i);
          expect(heldLocks()).toEqual([o, i]);
          release(i);
        } else {
          expect(() => acquire(i)).toThrow(`lock order: ${inner.name} (${i}) taken while ${outer.name} (${o}) is held`);
          expect(heldLocks()).toEqual([o]);
        }
        release(o);
        interruptsOn();
      }
    }
  });

  test('looks at every held lock, and not only at the last', () => {
    const [outer, inner] = [newLock(CLASS_EPOLL), newLock(CLASS_EPOLL)];
    acquire(outer);
    acquire(inner);
    expect(() => acquire(outer)).toThrow('taken twice by one CPU');
  });

  test.each(classes.filter(({ nesting }) => nesting === 'none'))('lets no second lock of class $name in', (rule) => {
    const [first, second] = [newLock(rule.lockClass), newLock(rule.lockClass, 1)];
    interruptsOff();
    acquire(first);
    expect(() => acquire(second)).toThrow(`lock order: ${rule.name}`);
  });

  test('lets buckets of futexes nest by rising level alone, so deep as the table says', () => {
    const { depth } = LOCK_CLASSES[CLASS_FUTEX]!;
    interruptsOff();
    for (let level = 0; level < depth; level++) {
      acquire(newLock(CLASS_FUTEX, level));
      expect(() => acquire(newLock(CLASS_FUTEX, level))).toThrow(/lock order|nests deeper/);
      if (level > 0) expect(() => acquire(newLock(CLASS_FUTEX, level - 1))).toThrow(/lock order|nests deeper/);
    }
    expect(() => acquire(newLock(CLASS_FUTEX, depth))).toThrow(`nests deeper than ${depth}`);
  });

  test.each([
    ['epolls', CLASS_EPOLL],
    ['wait queues', CLASS_WAITQUEUE],
  ])('lets %s nest so deep as the table says', (_name, lockClass) => {
    const { depth } = LOCK_CLASSES[lockClass]!;
    interruptsOff();
    for (let i = 0; i < depth; i++) acquire(newLock(lockClass));
    expect(() => acquire(newLock(lockClass))).toThrow(`nests deeper than ${depth}`);
  });
});

describe('a lock', () => {
  test.each(LOCK_NAMES.map((name, kind) => ({ name, kind })))('$name, taken twice by one CPU, panics', ({ kind }) => {
    const l = newLock(CLASS_FILE, 0, kind);
    acquire(l);
    expect(() => acquire(l)).toThrow(`lock file (${l}) taken twice by one CPU`);
  });

  test('that interrupts share is taken with interrupts off only', () => {
    for (const { lockClass, irqSafe, name } of classes) {
      // The free list of a slab is exempt: no handler allocates.
      if (!irqSafe || lockClass === CLASS_SLAB) continue;
      const l = newLock(lockClass);
      expect(() => acquire(l)).toThrow(`lock ${name} (${l}) is shared with interrupts`);
      interruptsOff();
      acquire(l);
      release(l);
      interruptsOn();
    }
  });

  test('is released by its holder alone', () => {
    const l = newLock(CLASS_FILE);
    expect(() => release(l)).toThrow('released by a CPU that does not hold it');
    acquire(l);
    becomeCpu(machine.cpus[1]!);
    expect(() => release(l)).toThrow(`lock file (${l}) released by a CPU that does not hold it`);
    becomeCpu(machine.cpus[0]!);
    release(l);
    expect(() => release(l)).toThrow('released by a CPU that does not hold it');
  });

  test('that was never initialised panics', () => {
    expect(() => acquire(machine.place(SpinLock))).toThrow('was never initialised');
  });

  test('may be released before one that was taken later', () => {
    const [table, file, slab] = [newLock(CLASS_FDTABLE), newLock(CLASS_FILE), newLock(CLASS_SLAB)];
    for (const l of [table, file, slab]) acquire(l);
    release(file);
    expect(heldLocks()).toEqual([table, slab]);
    release(table);
    release(slab);
    expect(heldLocks()).toEqual([]);
  });

  test.each(LOCK_NAMES.map((name, kind) => ({ name, kind })))(
    '$name: whatever is taken and released in order, nothing is held in the end and every word is free',
    ({ kind }) => {
      fc.assert(
        fc.property(fc.uniqueArray(fc.integer({ min: 1, max: CLASS_SLAB }), { minLength: 1 }), (wanted) => {
          machine = bootOrdinaryMachine(tiny);
          const locks = [...wanted].sort((a, b) => a - b).map((lockClass) => newLock(lockClass, 0, kind));
          interruptsOff();
          for (const l of locks) acquire(l);
          expect(heldLocks()).toEqual(locks);
          // Released in the order in which the classes were drawn: any.
          const byClass = [...wanted].sort((a, b) => a - b);
          for (const lockClass of wanted) release(locks[byClass.indexOf(lockClass)]!);
          expect(heldLocks()).toEqual([]);
          for (const l of locks) {
            acquire(l);
            release(l);
          }
          interruptsOn();
        }),
        { numRuns: 30 },
      );
    },
  );
});

describe('interrupts', () => {
  test('that come while a lock is held with interrupts off are taken when it is released', () => {
    const l = newLock(CLASS_WAITQUEUE);
    lockIrqOff(l);
    raiseInterrupt(cpu, IRQ_RESCHEDULE);
    expect([Cpu.interruptsTaken.get(cpu), Cpu.needResched.get(cpu)]).toEqual([0, 0]);
    unlockIrqOn(l);
    expect([Cpu.interruptsTaken.get(cpu), Cpu.needResched.get(cpu)]).toEqual([1, 1]);
    expect(CpuCore.pending.load(cpu)).toBe(0);
  });

  test('wait for the outermost of two such locks', () => {
    const [queue, slab] = [newLock(CLASS_WAITQUEUE), newLock(CLASS_SLAB)];
    lockIrqOff(queue);
    lockIrqOff(slab);
    raiseInterrupt(cpu, IRQ_RESCHEDULE);
    unlockIrqOn(slab);
    expect(Cpu.interruptsTaken.get(cpu)).toBe(0);
    unlockIrqOn(queue);
    expect(Cpu.interruptsTaken.get(cpu)).toBe(1);
  });

  test('are taken after an ordinary lock too', () => {
    const l = newLock(CLASS_FILE);
    lock(l);
    raiseInterrupt(cpu, IRQ_RESCHEDULE);
    unlock(l);
    expect(Cpu.interruptsTaken.get(cpu)).toBe(1);
  });
});

describe.each(LOCK_NAMES.map((name, kind) => ({ name, kind })))('$name', ({ kind }) => {
  const ops = lockOps[kind]!;

  test('is had at once when it is free, and by one at a time', () => {
    const l = newLock(CLASS_FILE, 0, kind);
    expect(ops.begin(l)).toBe(ACQUIRED);
    const turn = ops.begin(l);
    expect(turn).not.toBe(ACQUIRED);
    for (let look = 0; look < 5; look++) expect(ops.step(l, turn)).not.toBe(ACQUIRED);
    expect(ops.leave(l)).toBe(0);
    expect(ops.step(l, turn)).toBe(ACQUIRED);
    expect(ops.begin(l)).not.toBe(ACQUIRED);
  });

  test('tells who leaves whether somebody sleeps for it, and forgets one who no longer does', () => {
    const l = newLock(CLASS_FILE, 0, kind);
    ops.begin(l);
    const turn = ops.begin(l);
    ops.announce(l, 1);
    expect(ops.leave(l)).not.toBe(0);
    expect(ops.step(l, turn)).toBe(ACQUIRED);
    ops.announce(l, -1);
    expect(ops.leave(l)).toBe(0);
    expect(ops.begin(l)).toBe(ACQUIRED);
  });

  test('rings one CPU that sleeps for it, and that one may have it', () => {
    const l = newLock(CLASS_FILE, 0, kind);
    const [first, second, third] = machine.cpus as [typeof cpu, typeof cpu, typeof cpu];
    acquire(l);
    const turns = new Map<number, number>();
    // The third CPU asks before the second one does.
    for (const sleeper of [third, second]) {
      becomeCpu(sleeper);
      const turn = beginAcquire(l);
      turns.set(sleeper, turn);
      CpuCore.sleepToken.store(sleeper, turn);
      CpuCore.sleepLock.store(sleeper, l);
      ops.announce(l, 1);
    }
    becomeCpu(first);
    const bells = () => machine.cpus.map((each) => CpuCore.doorbell.load(each));
    const before = bells();
    release(l);
    const rung = machine.cpus.filter((_, i) => bells()[i] !== before[i]);
    expect(rung).toHaveLength(1);
    expect(rung[0]).toBe(LOCK_NAMES[kind] === 'ticket' ? third : second);
    expect(ops.step(l, turns.get(rung[0]!)!)).toBe(ACQUIRED);
  });

  test('wastes no sleep on a lock that became free while the CPU announced itself', async () => {
    const l = newLock(CLASS_FILE, 0, kind);
    const [first, second] = machine.cpus as [typeof cpu, typeof cpu];
    acquire(l);
    becomeCpu(second);
    const turn = beginAcquire(l);
    becomeCpu(first);
    release(l);
    becomeCpu(second);
    // Past its spin budget a wait goes to sleep; this one must look once more first. If it does not, the thread is
    // blocked, and only another one can wake it to say so.
    CpuCore.spun.set(cpu, CpuCore.spinBudget.get(cpu));
    const alarm = ringLater(CpuCore.doorbell.at(second));
    expect(awaitTurn(l, turn)).toBe(ACQUIRED);
    await alarm.terminate();
    expect([CpuCore.lockSleeps.get(cpu), CpuCore.sleepLock.load(cpu)]).toEqual([0, NULL]);
    expect(ops.leave(l)).toBe(0);
  });
});

describe('the ticket lock', () => {
  const ops = lockOps[LOCK_NAMES.indexOf('ticket')]!;

  test.each([0, 0x7ffffffe, 0x7fffffff])('serves in the order of asking, from ticket %i on', (from) => {
    const l = newLock(CLASS_FILE, 0, LOCK_NAMES.indexOf('ticket'));
    SpinLock.word.store(l, from);
    SpinLock.serving.store(l, from);
    expect(ops.begin(l)).toBe(ACQUIRED);
    const waiting = Array.from({ length: 4 }, () => ops.begin(l));
    for (const turn of waiting) expect(turn).toBeGreaterThanOrEqual(0);
    for (let served = 0; served < waiting.length; served++) {
      ops.leave(l);
      const may = waiting.map((turn) => ops.isNext(l, turn));
      expect(may).toEqual(waiting.map((_, i) => (i === served ? 1 : 0)));
      expect(waiting.map((turn) => ops.step(l, turn) === ACQUIRED)).toEqual(may.map((one) => one === 1));
    }
  });
});

describe('the ttas lock', () => {
  const ops = lockOps[LOCK_NAMES.indexOf('ttas')]!;

  test('goes to whoever looks first, sleepers or not', () => {
    const l = newLock(CLASS_FILE, 0, LOCK_NAMES.indexOf('ttas'));
    ops.begin(l);
    const [early, late] = [ops.begin(l), ops.begin(l)];
    ops.announce(l, 1);
    ops.leave(l);
    expect(ops.step(l, late)).toBe(ACQUIRED);
    expect(ops.step(l, early)).not.toBe(ACQUIRED);
    ops.announce(l, -1);
  });
});
