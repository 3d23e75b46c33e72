/**
 * Promises of shared memory: fields lie where they are declared, a guarded field is touched by its guard's holder
 * alone, and attaching a second time changes nothing.
 */
import fc from 'fast-check';
import { beforeEach, describe, expect, test } from 'vitest';
import type { OrdinaryMachine } from './ordinary-machine.ts';
import { bootOrdinaryMachine, bootTimes } from './ordinary-machine.ts';
import { Cpu } from '../../src/kernel/cpu/cpu.ts';
import { formatMemory, startCpu } from '../../src/kernel/boot/format.ts';
import { planMemory } from '../../src/kernel/boot/plan.ts';
import { File } from '../../src/kernel/file/file.ts';
import { MACHINE, Machine } from '../../src/kernel/machine-record.ts';
import { Process } from '../../src/kernel/process/process.ts';
import { Frame, Task } from '../../src/kernel/task/task.ts';
import { CpuCore } from '../../src/shared-mem/cpu-core.ts';
import { EventRing, RING_RECORD_WORDS, RING_RECORDS, ringWrite } from '../../src/shared-mem/event-ring.ts';
import { placeRegions } from '../../src/shared-mem/layout.ts';
import { CLASS_FILE, CLASS_FDTABLE } from '../../src/shared-mem/locks/classes.ts';
import { acquire, initLock, release } from '../../src/shared-mem/locks/lock.ts';
import { SpinLock } from '../../src/shared-mem/locks/spin-lock.ts';
import { KernelPanic } from '../../src/shared-mem/panic.ts';
import { NULL } from '../../src/shared-mem/pointer.ts';
import { attach, becomeCpu, I32 } from '../../src/shared-mem/self.ts';
import type { Spec } from '../../src/shared-mem/struct.ts';
import { atomic, atomics, cacheLine, embed, f64, f64s, plain, plains, struct } from '../../src/shared-mem/struct.ts';

const Inner = struct('Inner', { a: atomic(), b: plain('immutable'), c: plain('immutable') });
const Guarded = struct('Guarded', {
  line: cacheLine(),
  lock: embed(SpinLock),
  open: plain('immutable'),
  one: plain('lock'),
  some: plains(4, 'lock'),
  timeNs: f64('lock'),
  times: f64s(2, 'lock'),
  elsewhere: plain(`class:${CLASS_FILE}:file`),
  mine: plain('owned:cpu'),
});

let machine: OrdinaryMachine;
beforeEach(() => {
  machine = bootOrdinaryMachine();
});

describe('a struct', () => {
  test('lays its fields out in the order of declaration', () => {
    const S = struct('S', { a: atomic(), b: plain('immutable'), c: plains(3, 'immutable'), d: atomics(2) });
    expect(S.layout).toEqual([
      { name: 'a', off: 0, words: 1, guard: 'atomic' },
      { name: 'b', off: 1, words: 1, guard: 'immutable' },
      { name: 'c', off: 2, words: 3, guard: 'immutable' },
      { name: 'd', off: 5, words: 2, guard: 'atomic' },
    ]);
    expect([S.size, S.aligned]).toEqual([8, false]);
  });

  test('puts 64-bit fields on even words, lines on 16, and embedded structs as their own fields want', () => {
    const Lined = struct('Lined', { x: atomic(), line: cacheLine(), y: atomic() });
    expect([Lined.y.off, Lined.line, Lined.size, Lined.aligned]).toEqual([16, 16, 32, true]);
    const S = struct('S', { a: atomic(), n: f64('immutable'), b: atomic(), inner: embed(Inner), far: embed(Lined) });
    expect([S.n.off, S.b.off, S.inner.off, S.far.off]).toEqual([2, 4, 6, 16]);
    expect([S.size, S.aligned]).toEqual([48, true]);
  });

  test('leads from an embedded struct back to the outer one', () => {
    const p = machine.place(Guarded);
    expect(Guarded.lock.outer(Guarded.lock.at(p))).toBe(p);
  });

  test('of any fields: none overlaps another, each is aligned, all are inside', () => {
    const specs: fc.Arbitrary<Spec> = fc.oneof(
      fc.constant(atomic()),
      fc.constant(plain('immutable')),
      fc.constant(f64('immutable')),
      fc.constant(cacheLine()),
      fc.constant(embed(Inner)),
      fc.constant(embed(Guarded)),
      fc.integer({ min: 1, max: 9 }).map((n) => plains(n, 'immutable')),
      fc.integer({ min: 1, max: 9 }).map((n) => atomics(n)),
      fc.integer({ min: 1, max: 9 }).map((n) => f64s(n, 'immutable')),
    );
    fc.assert(
      fc.property(fc.array(specs, { minLength: 1, maxLength: 20 }), (list) => {
        const S = struct('Any', Object.fromEntries(list.map((spec, i) => [`field${i}`, spec])));
        let end = 0;
        for (const { name, off, words } of S.layout) {
          expect(off).toBeGreaterThanOrEqual(end);
          end = off + words;
          const spec = list[Number(name.slice('field'.length))]!;
          if (spec.spec === 'f64' || spec.spec === 'f64s' || spec.spec === 'embed') expect(off % 2).toBe(0);
          if (spec.spec === 'embed' && spec.type.aligned) expect(off % 16).toBe(0);
        }
        expect(S.size).toBeGreaterThanOrEqual(end);
        expect(S.size % (S.aligned ? 16 : 2)).toBe(0);
      }),
    );
  });

  test('refuses a guard that is no lock declared before', () => {
    expect(() => struct('Bad', { a: plain('lock'), lock: embed(SpinLock) })).toThrow('Bad.a: no lock named lock');
  });

  test('keeps what is written to one field out of every other', () => {
    const p = machine.place(Guarded);
    acquireGuarded(p);
    Guarded.one.set(p, -1);
    Guarded.some.setAt(p, 3, -2);
    Guarded.timeNs.set(p, Number.POSITIVE_INFINITY);
    Guarded.times.setAt(p, 0, 0.1);
    Guarded.times.setAt(p, 1, 2 ** 53);
    Guarded.mine.set(p, 5);
    const some = [0, 1, 2, 3].map((i) => Guarded.some.getAt(p, i));
    expect([Guarded.open.get(p), Guarded.one.get(p), some]).toEqual([0, -1, [0, 0, 0, -2]]);
    expect([Guarded.timeNs.get(p), Guarded.times.getAt(p, 0), Guarded.times.getAt(p, 1)]).toEqual([
      Number.POSITIVE_INFINITY,
      0.1,
      2 ** 53,
    ]);
    expect(Guarded.mine.get(p)).toBe(5);
    release(Guarded.lock.at(p));
  });
});

function acquireGuarded(p: ReturnType<typeof machine.place<'Guarded'>>): void {
  initLock(Guarded.lock.at(p), 0, CLASS_FILE, 0);
  acquire(Guarded.lock.at(p));
}

describe('a field that a lock guards', () => {
  const touches = [
    ['a read', (p: never) => Guarded.one.get(p)],
    ['a write', (p: never) => Guarded.one.set(p, 1)],
    ['a read of an array', (p: never) => Guarded.some.getAt(p, 0)],
    ['a write of an array', (p: never) => Guarded.some.setAt(p, 0, 1)],
    ['a read of a time', (p: never) => Guarded.timeNs.get(p)],
    ['a write of a time', (p: never) => Guarded.timeNs.set(p, 1)],
    ['a read of a time among many', (p: never) => Guarded.times.getAt(p, 0)],
    ['a write of a time among many', (p: never) => Guarded.times.setAt(p, 0, 1)],
  ] as const;

  test.each(touches)('%s without the lock panics and names it', (_what, touch) => {
    const p = machine.place(Guarded);
    expect(() => touch(p as never)).toThrow(KernelPanic);
    expect(() => touch(p as never)).toThrow(/without its lock Guarded\.lock/);
    expect(I32.subarray(p, p + Guarded.size).every((word) => word === 0)).toBe(true);
  });

  test.each(touches)('%s with the lock is let through, and no longer after it', (_what, touch) => {
    const p = machine.place(Guarded);
    acquireGuarded(p);
    touch(p as never);
    release(Guarded.lock.at(p));
    expect(() => touch(p as never)).toThrow(/without its lock/);
  });

  test('is not opened by the same lock of another record, nor by another CPU that holds it', () => {
    const p = machine.place(Guarded);
    const q = machine.place(Guarded);
    acquireGuarded(q);
    expect(() => Guarded.one.get(p)).toThrow(/without its lock/);
    becomeCpu(machine.cpus[1]!);
    expect(() => Guarded.one.get(q)).toThrow(/without its lock/);
  });

  test('may be peeked at by anybody', () => {
    expect(Guarded.one.peek(machine.place(Guarded))).toBe(0);
  });
});

describe('a field that a class of locks guards', () => {
  test('is opened by any lock of the class and by no other', () => {
    const p = machine.place(Guarded);
    const ofClass = machine.place(SpinLock);
    const ofOther = machine.place(SpinLock);
    initLock(ofClass, 0, CLASS_FILE, 0);
    initLock(ofOther, 0, CLASS_FDTABLE, 0);
    acquire(ofOther);
    expect(() => Guarded.elsewhere.get(p)).toThrow(/without a lock of class file/);
    acquire(ofClass);
    Guarded.elsewhere.set(p, 3);
    release(ofClass);
    expect(() => Guarded.elsewhere.set(p, 4)).toThrow(/without a lock of class file/);
    expect(Guarded.elsewhere.peek(p)).toBe(3);
  });
});

test('the null pointer is read and written by nobody', () => {
  expect(() => Guarded.open.get(NULL)).toThrow('null pointer read');
  expect(() => Guarded.mine.set(NULL, 1)).toThrow('null pointer write');
});

describe('the kernel records', () => {
  test.each([Machine, Cpu, Task, Frame, File, Process])('$structName: no field overlaps another', (type) => {
    let end = 0;
    for (const { off, words } of type.layout) {
      expect(off).toBeGreaterThanOrEqual(end);
      end = off + words;
    }
    expect(type.size).toBeGreaterThanOrEqual(end);
  });

  test("a CPU's doorbell shares its line with nothing that only its owner writes", () => {
    const owned = CpuCore.layout.filter(({ guard }) => guard !== 'atomic');
    const lineOf = (off: number) => Math.floor(off / 16);
    for (const { off, words } of owned) {
      for (let word = off; word < off + words; word++) expect(lineOf(word)).not.toBe(lineOf(CpuCore.doorbell.off));
    }
  });
});

describe('regions', () => {
  test('follow each other on cache lines, and none overlaps', () => {
    const sizes = fc.array(fc.integer({ min: 1, max: 1000 }), { minLength: 1, maxLength: 20 });
    fc.assert(
      fc.property(sizes, (words) => {
        const regions = placeRegions(
          16,
          words.map((n, i) => [`${i}`, n] as const),
        );
        let end = 16;
        for (const region of regions) {
          expect(region.base % 16).toBe(0);
          expect(region.base).toBeGreaterThanOrEqual(end);
          end = region.base + region.words;
        }
      }),
    );
  });

  test('lie inside the memory that the plan asks for', () => {
    const { plan, memory } = machine;
    expect(memory.byteLength).toBe(plan.bytes);
    for (const { base, words } of plan.regions.values()) expect((base + words) * 4).toBeLessThanOrEqual(plan.bytes);
  });

  test('user memory of every process lies inside the user region', () => {
    const { config, plan } = machine;
    const user = plan.regions.get('user')!;
    const first = Machine.userBase.get(MACHINE);
    expect(first).toBeGreaterThanOrEqual(user.base * 4);
    expect(first + config.processes * config.userBytes).toBeLessThanOrEqual((user.base + user.words) * 4);
  });
});

describe('attaching', () => {
  const bytesOf = (memory: SharedArrayBuffer) => Buffer.from(new Uint8Array(memory));

  test('twice leaves every byte as it was', () => {
    const before = bytesOf(machine.memory);
    attach(machine.memory);
    expect(formatMemory(machine.config, bootTimes)).toBe(false);
    expect(bytesOf(machine.memory).equals(before)).toBe(true);
  });

  test('as another thread does, which finds the memory laid out, changes nothing, not even a held lock', () => {
    const lock = machine.place(SpinLock);
    initLock(lock, 0, CLASS_FILE, 0);
    acquire(lock);
    const [first] = machine.cpus;
    const before = bytesOf(machine.memory);
    // Views and CPU are all that a thread has of its own.
    attach(new SharedArrayBuffer(64));
    becomeCpu(NULL);
    attach(machine.memory);
    expect(formatMemory({ ...machine.config, cpus: 7, lock: 'ticket' }, { ...bootTimes, hostNs: 1 })).toBe(false);
    expect(bytesOf(machine.memory).equals(before)).toBe(true);
    becomeCpu(first!);
    expect(() => acquire(lock)).toThrow('taken twice by one CPU');
    release(lock);
  });

  test('to memory that is no machine is refused', () => {
    attach(new SharedArrayBuffer(planMemory(machine.config).bytes));
    expect(() => startCpu(0, 0)).toThrow('not that of a machine of this version');
  });

  test('formats two machines of one configuration alike', () => {
    const before = bytesOf(machine.memory);
    expect(bytesOf(bootOrdinaryMachine().memory).equals(before)).toBe(true);
  });
});

describe('the flight recorder', () => {
  test('keeps the newest records, and counts those that it dropped', () => {
    const ring = machine.place(EventRing);
    for (let n = 0; n < RING_RECORDS + 5; n++) ringWrite(ring, 1, n, -n, 2 * n);
    expect(EventRing.written.load(ring)).toBe(RING_RECORDS + 5);
    expect(EventRing.dropped.get(ring)).toBe(5);
    const record = (n: number) =>
      [0, 1, 2, 3].map((i) => EventRing.records.getAt(ring, (n % RING_RECORDS) * RING_RECORD_WORDS + i));
    for (let n = 5; n < RING_RECORDS + 5; n++) expect(record(n)).toEqual([1, n, -n, 2 * n]);
  });
});
