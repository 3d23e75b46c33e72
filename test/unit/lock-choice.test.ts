/**
 * Promises of choosing locks: an algorithm for all classes or for some, every lock made with that of its class, and a
 * wrong word told with what there is.
 */
import { describe, expect, test } from 'vitest';
import { bootOrdinaryMachine, tiny } from './ordinary-machine.ts';
import { checkBootOptions } from '../../src/machine/config.ts';
import { Cpu } from '../../src/kernel/cpu/cpu.ts';
import { createEventfd } from '../../src/kernel/file/eventfd.ts';
import { File } from '../../src/kernel/file/file.ts';
import { MACHINE, Machine } from '../../src/kernel/machine-record.ts';
import { WaitQueue } from '../../src/kernel/wait/wait-queue-struct.ts';
import { LOCK_CLASS_NAMES, parseLockChoice } from '../../src/shared-mem/locks/choice.ts';
import { LOCK_CLASSES, LOCK_NAMES } from '../../src/shared-mem/locks/classes.ts';
import { lockKindOf } from '../../src/shared-mem/locks/spin-lock.ts';
import { cpu } from '../../src/shared-mem/self.ts';
import { Slab } from '../../src/shared-mem/slab.ts';

const ttas = LOCK_NAMES.indexOf('ttas');
const ticket = LOCK_NAMES.indexOf('ticket');

function kindOfClass(text: string, name: string): number | undefined {
  return parseLockChoice(text).kinds[LOCK_CLASSES.findIndex((each) => each.name === name)];
}

describe('a choice of locks', () => {
  test.each(LOCK_NAMES.map((name, kind) => ({ name, kind })))('$name alone is for every class', ({ name, kind }) => {
    expect(parseLockChoice(name).kinds).toEqual(LOCK_CLASSES.map(() => kind));
  });

  test('by class leaves the others with what stands alone, wherever that stands', () => {
    for (const text of [
      'ttas,runqueue=ticket',
      'runqueue=ticket,ttas',
      'runqueue=ticket',
      ' runqueue = ticket , ttas ',
    ]) {
      expect(kindOfClass(text, 'runqueue')).toBe(ticket);
      expect(kindOfClass(text, 'waitqueue')).toBe(ttas);
    }
    expect(kindOfClass('ticket,slab=ttas', 'slab')).toBe(ttas);
    expect(kindOfClass('ticket,slab=ttas', 'file')).toBe(ticket);
  });

  test('knows every class that locks have, with a hyphen for a blank', () => {
    expect(LOCK_CLASS_NAMES).toHaveLength(LOCK_CLASSES.length - 1);
    for (const name of LOCK_CLASS_NAMES) {
      expect(name).not.toContain(' ');
      expect(kindOfClass(`${name}=ticket`, name.replace('-', ' '))).toBe(ticket);
    }
  });

  test.each([
    ['tikcet', /no lock is named 'tikcet'; there is: .*ticket/],
    ['runqueue=spin', /no lock is named 'spin'/],
    ['runqueues=ticket', /no class of locks is named 'runqueues'; there is: .*runqueue/],
    ['none=ticket', /no class of locks is named 'none'/],
    ['ttas,ticket', /names two locks for all classes/],
    ['slab=ttas,slab=ticket', /names two locks for class slab/],
    ['', /no lock is named ''/],
  ])('%j is told, at boot too', (text, message) => {
    expect(parseLockChoice(text).problem?.about).toMatch(message);
    expect(() => checkBootOptions({ lock: text })).toThrow(message);
  });
});

test('every lock of a machine has the algorithm of its class', () => {
  bootOrdinaryMachine({ ...tiny, lock: 'ticket,runqueue=ttas,file=ttas' });
  const f = createEventfd(0, 0, 0);
  expect(lockKindOf(Cpu.runLock.at(cpu))).toBe(ttas);
  expect(lockKindOf(File.lock.at(f))).toBe(ttas);
  expect(lockKindOf(Cpu.timerLock.at(cpu))).toBe(ticket);
  expect(lockKindOf(Slab.lock.at(Machine.files.at(MACHINE)))).toBe(ticket);
  expect(lockKindOf(WaitQueue.lock.at(File.queue.at(f)))).toBe(ticket);
  expect(lockKindOf(Machine.treeLock.at(MACHINE))).toBe(ticket);
});
