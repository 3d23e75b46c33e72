/**
 * Promises of a slab: a record has one owner at a time, a handle to a dead record is known to be stale, a write after
 * death is noticed, running out is 0 and no more, and the census tells what lives.
 */
import fc from 'fast-check';
import { beforeEach, describe, expect, test } from 'vitest';
import type { OrdinaryMachine } from './ordinary-machine.ts';
import { bootOrdinaryMachine, tiny } from './ordinary-machine.ts';
import { slabsOf } from '../../src/kernel/boot/plan.ts';
import { CpuCore } from '../../src/shared-mem/cpu-core.ts';
import { MACHINE, Machine } from '../../src/kernel/machine-record.ts';
import { setWordAt, wordAt } from '../../src/shared-mem/plain.ts';
import type { SlabPtr } from '../../src/shared-mem/slab.ts';
import {
  allocRecord,
  freeRecord,
  generationOf,
  initSlab,
  isAlive,
  RECORD_HEADER_WORDS,
  recordAt,
  recordIndex,
  Slab,
} from '../../src/shared-mem/slab.ts';

const STRIDE = 8;
const CAPACITY = 6;

let machine: OrdinaryMachine;
let slab: SlabPtr;
beforeEach(() => {
  machine = bootOrdinaryMachine();
  slab = freshSlab(CAPACITY);
});

function freshSlab(capacity: number): SlabPtr {
  const s = machine.place(Slab);
  initSlab(s, 0, machine.placeWords(STRIDE * capacity), STRIDE, capacity);
  return s;
}

/** The census may be peeked at without the lock: nothing else runs. */
const census = (s: SlabPtr) => ({ live: Slab.live.peek(s), highWater: Slab.highWater.peek(s) });

const body = (p: number) =>
  Array.from({ length: STRIDE - RECORD_HEADER_WORDS }, (_, i) => wordAt(p + RECORD_HEADER_WORDS + i));

describe('a record', () => {
  test('is all zero behind its header, when it is new and when it was used before', () => {
    const p = allocRecord(slab);
    expect(body(p).every((word) => word === 0)).toBe(true);
    for (let i = RECORD_HEADER_WORDS; i < STRIDE; i++) setWordAt(p + i, -1);
    freeRecord(slab, p);
    expect(allocRecord(slab)).toBe(p);
    expect(body(p).every((word) => word === 0)).toBe(true);
  });

  test('has an odd generation while it lives, and never the same one in two lives', () => {
    const p = allocRecord(slab);
    const first = generationOf(p);
    expect([first & 1, isAlive(p, first)]).toEqual([1, true]);
    freeRecord(slab, p);
    expect([generationOf(p) & 1, isAlive(p, first)]).toEqual([0, false]);
    expect(allocRecord(slab)).toBe(p);
    expect([generationOf(p) & 1, isAlive(p, first)]).toEqual([1, false]);
  });

  test('freed twice is a panic', () => {
    const p = allocRecord(slab);
    freeRecord(slab, p);
    expect(() => freeRecord(slab, p)).toThrow(`record ${p} freed twice`);
  });

  test.each([RECORD_HEADER_WORDS, STRIDE - 1])(
    'written to after its death, at word %i, is a panic at its rebirth',
    (word) => {
      const p = allocRecord(slab);
      freeRecord(slab, p);
      setWordAt(p + word, 0);
      expect(() => allocRecord(slab)).toThrow(`record ${p}: word ${word} was written after the record was freed`);
    },
  );

  test('leads to its index, and the index to it', () => {
    const records = Array.from({ length: CAPACITY }, () => allocRecord(slab));
    expect(records.map((p) => recordIndex(slab, p))).toEqual([0, 1, 2, 3, 4, 5]);
    expect([0, 1, 2, 3, 4, 5].map((i) => recordAt(slab, i))).toEqual(records);
  });
});

describe('an exhausted slab', () => {
  test('answers 0, leaves only a note that it did, and serves again after the next death', () => {
    const records = Array.from({ length: CAPACITY }, () => allocRecord(slab));
    expect(new Set(records).size).toBe(CAPACITY);
    expect(CpuCore.slabWasEmpty.get(machine.cpus[0]!)).toBe(0);
    expect(allocRecord(slab)).toBe(0);
    expect(CpuCore.slabWasEmpty.get(machine.cpus[0]!)).toBe(1);
    const taken = CpuCore.locksTaken.get(machine.cpus[0]!);
    const before = Buffer.from(new Uint8Array(machine.memory));
    expect([allocRecord(slab), allocRecord(slab)]).toEqual([0, 0]);
    // The slab's lock is free again, so nothing at all differs but the count of locks taken.
    expect(CpuCore.locksTaken.get(machine.cpus[0]!)).toBe(taken + 2);
    CpuCore.locksTaken.set(machine.cpus[0]!, taken);
    expect(Buffer.from(new Uint8Array(machine.memory)).equals(before)).toBe(true);
    freeRecord(slab, records[3]!);
    expect(allocRecord(slab)).toBe(records[3]);
    expect(allocRecord(slab)).toBe(0);
    expect(census(slab)).toEqual({ live: CAPACITY, highWater: CAPACITY });
  });

  test('leaves the words behind it alone', () => {
    const last = freshSlab(3);
    const behind = recordAt(last, 3);
    setWordAt(behind, 77);
    for (let i = 0; i < 4; i++) allocRecord(last);
    expect(wordAt(behind)).toBe(77);
  });
});

describe('the census', () => {
  test('agrees with a model after any births and deaths, and no record has two owners', () => {
    const steps = fc.array(fc.oneof(fc.constant('birth' as const), fc.nat(CAPACITY)), { maxLength: 60 });
    fc.assert(
      fc.property(steps, (list) => {
        machine = bootOrdinaryMachine(tiny);
        const s = freshSlab(CAPACITY);
        const living: { p: number; generation: number }[] = [];
        const stale: { p: number; generation: number }[] = [];
        let most = 0;
        for (const step of list) {
          if (step === 'birth') {
            const p = allocRecord(s);
            expect(p === 0).toBe(living.length === CAPACITY);
            if (p === 0) continue;
            expect(living.map((other) => other.p)).not.toContain(p);
            living.push({ p, generation: generationOf(p) });
            most = Math.max(most, living.length);
          } else if (step < living.length) {
            const [dead] = living.splice(step, 1);
            freeRecord(s, dead!.p);
            stale.push(dead!);
          }
          expect(census(s)).toEqual({ live: living.length, highWater: most });
          for (const { p, generation } of living) expect(isAlive(p, generation)).toBe(true);
          for (const { p, generation } of stale) expect(isAlive(p, generation)).toBe(false);
        }
      }),
      { numRuns: 40 },
    );
  });

  test('of a machine just booted is zero in every slab, with the capacities of its configuration', () => {
    for (const [name, , capacity] of slabsOf(machine.config)) {
      const s = Machine[name].at(MACHINE);
      expect([name, census(s), Slab.capacity.get(s)]).toEqual([name, { live: 0, highWater: 0 }, capacity]);
    }
  });
});
