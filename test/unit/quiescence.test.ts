/**
 * Promises of the grace periods: a closed file's record is not used again before every CPU has passed a boundary between
 * traps, a CPU that idles holds nobody up, and a dead file is never revived.
 */
import { beforeEach, describe, expect, test } from 'vitest';
import type { OrdinaryMachine } from './ordinary-machine.ts';
import { bootOrdinaryMachine, tiny } from './ordinary-machine.ts';
import { O_RDWR } from '../../src/kernel/abi/flags-file.ts';
import {
  dropFileLater,
  enterIdleQuiescence,
  leaveIdleQuiescence,
  noteQuiescence,
} from '../../src/kernel/cpu/quiescence.ts';
import type { FilePtr } from '../../src/kernel/file/file.ts';
import { KIND_EVENTFD } from '../../src/kernel/file/file.ts';
import { holdFile, newFile, tryHoldFile } from '../../src/kernel/file/lifetime.ts';
import { reclaimDeadFiles, releaseFile } from '../../src/kernel/file/ops-table.ts';
import { MACHINE, Machine } from '../../src/kernel/machine-record.ts';
import { becomeCpu } from '../../src/shared-mem/self.ts';
import { generationOf, isAlive, Slab } from '../../src/shared-mem/slab.ts';

const CPUS = 3;
let machine: OrdinaryMachine;

beforeEach(() => {
  machine = bootOrdinaryMachine({ ...tiny, cpus: CPUS });
  for (let index = 0; index < CPUS; index++) on(index, leaveIdleQuiescence);
});

/** Does something as that CPU; CPU 0 is who runs otherwise. */
function on(index: number, act: () => void): void {
  becomeCpu(machine.cpus[index]!);
  act();
  becomeCpu(machine.cpus[0]!);
}

const filesAlive = () => Slab.live.peek(Machine.files.at(MACHINE));

function newEventfd(): { f: FilePtr; generation: number } {
  const f = newFile(KIND_EVENTFD, O_RDWR);
  return { f, generation: generationOf(f) };
}

describe('a closed file', () => {
  test.each([
    [0, 1, 2],
    [2, 1, 0],
    [1, 0, 2],
  ])('is free once CPUs %i, %i and %i have passed a boundary, and not before', (...order) => {
    const { f, generation } = newEventfd();
    releaseFile(f);
    for (const index of order) {
      reclaimDeadFiles();
      expect(isAlive(f, generation)).toBe(true);
      on(index, noteQuiescence);
    }
    reclaimDeadFiles();
    expect([isAlive(f, generation), filesAlive()]).toEqual([false, 0]);
  });

  test('waits for no CPU that idles, and for one again that idles no more', () => {
    on(1, enterIdleQuiescence);
    on(2, enterIdleQuiescence);
    const first = newEventfd();
    releaseFile(first.f);
    noteQuiescence();
    reclaimDeadFiles();
    expect(isAlive(first.f, first.generation)).toBe(false);
    on(1, leaveIdleQuiescence);
    const second = newEventfd();
    releaseFile(second.f);
    noteQuiescence();
    reclaimDeadFiles();
    expect(isAlive(second.f, second.generation)).toBe(true);
    on(1, noteQuiescence);
    reclaimDeadFiles();
    expect(isAlive(second.f, second.generation)).toBe(false);
  });

  test('is not held up by one that was closed later', () => {
    const early = newEventfd();
    releaseFile(early.f);
    for (let index = 0; index < CPUS; index++) on(index, noteQuiescence);
    const late = newEventfd();
    releaseFile(late.f);
    reclaimDeadFiles();
    expect([isAlive(early.f, early.generation), isAlive(late.f, late.generation)]).toEqual([false, true]);
  });

  test('is given back by the CPU that closed it, on which nobody else depends', () => {
    const { f, generation } = newEventfd();
    on(1, () => releaseFile(f));
    for (let index = 0; index < CPUS; index++) on(index, noteQuiescence);
    reclaimDeadFiles();
    expect(isAlive(f, generation)).toBe(true);
    on(1, reclaimDeadFiles);
    expect(isAlive(f, generation)).toBe(false);
  });

  test('is never revived', () => {
    const { f } = newEventfd();
    expect(tryHoldFile(f)).toBe(1);
    releaseFile(f);
    releaseFile(f);
    expect(tryHoldFile(f)).toBe(0);
  });
});

describe('a file with references left', () => {
  test('does not die, however many boundaries pass', () => {
    const { f, generation } = newEventfd();
    holdFile(f);
    releaseFile(f);
    for (let index = 0; index < CPUS; index++) on(index, noteQuiescence);
    reclaimDeadFiles();
    expect(isAlive(f, generation)).toBe(true);
  });

  test('whose last reference goes with a stand in a queue is released at the next boundary, and freed a period later', () => {
    const { f, generation } = newEventfd();
    dropFileLater(f);
    expect(tryHoldFile(f)).toBe(0);
    for (let index = 0; index < CPUS; index++) on(index, noteQuiescence);
    // Only now it is released, so its grace period begins here.
    reclaimDeadFiles();
    expect(isAlive(f, generation)).toBe(true);
    for (let index = 0; index < CPUS; index++) on(index, noteQuiescence);
    reclaimDeadFiles();
    expect([isAlive(f, generation), filesAlive()]).toEqual([false, 0]);
  });
});
