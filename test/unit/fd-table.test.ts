/**
 * Promises of a descriptor table: the lowest free number is handed out, a number leads to the file it was given to,
 * close-on-exec belongs to the number, and a full table is EMFILE.
 */
import fc from 'fast-check';
import { beforeEach, describe, expect, test } from 'vitest';
import { bootOrdinaryMachine, tiny } from './ordinary-machine.ts';
import { EBADF, EMFILE } from '../../src/kernel/abi/errno.ts';
import { O_RDWR } from '../../src/kernel/abi/flags-file.ts';
import type { FilePtr } from '../../src/kernel/file/file.ts';
import { File, KIND_DEVICE, KIND_EVENTFD } from '../../src/kernel/file/file.ts';
import { newFile } from '../../src/kernel/file/lifetime.ts';
import { lock, unlock } from '../../src/kernel/irq/locking.ts';
import { MACHINE, Machine } from '../../src/kernel/machine-record.ts';
import type { FdTablePtr } from '../../src/kernel/process/fd-table.ts';
import {
  FdTable,
  getCloexec,
  installFd,
  lookupFile,
  nextOpenFd,
  removeFd,
  replaceFd,
  setCloexec,
} from '../../src/kernel/process/fd-table.ts';
import { ANY_CPU, spawnProcess } from '../../src/kernel/process/spawn.ts';
import type { TaskPtr } from '../../src/kernel/task/task.ts';
import { Task } from '../../src/kernel/task/task.ts';
import { taskByTid } from '../../src/kernel/task/tid.ts';
import { freeRecord } from '../../src/shared-mem/slab.ts';

const NOFILE = 12;
const FILES = 5;

let task: TaskPtr;
let table: FdTablePtr;
let files: FilePtr[];
beforeEach(fresh);

/** A process of two, with its three descriptors closed, so that the table is empty. */
function fresh(): void {
  bootOrdinaryMachine({ ...tiny, tasks: 2, processes: 2, nofile: NOFILE, files: 6 + FILES });
  task = taskByTid(spawnProcess(0, 0, 0, ANY_CPU));
  table = Task.fdTable.get(task);
  for (let fd = 0; fd < 3; fd++) removeFd(table, fd);
  files = Array.from({ length: FILES }, () => newFile(KIND_EVENTFD, O_RDWR));
}

function setLimit(limit: number): void {
  lock(FdTable.lock.at(table));
  FdTable.limit.set(table, limit);
  unlock(FdTable.lock.at(table));
}

describe('a new process', () => {
  test('has three descriptors on a device, and nothing else', () => {
    const second = taskByTid(spawnProcess(0, 0, 0, ANY_CPU));
    expect([0, 1, 2].map((fd) => File.kind.get(lookupFile(second, fd)))).toEqual([
      KIND_DEVICE,
      KIND_DEVICE,
      KIND_DEVICE,
    ]);
    expect(nextOpenFd(Task.fdTable.get(second), 3)).toBe(-1);
    expect([lookupFile(task, 0), nextOpenFd(table, 0)]).toEqual([0, -1]);
  });
});

describe('the table', () => {
  test('is what a model is after any operations: lowest free number first', () => {
    const fd = fc.integer({ min: 0, max: NOFILE - 1 });
    const file = fc.nat(FILES - 1);
    const cloexec = fc.nat(1);
    const step = fc.oneof(
      {
        weight: 3,
        arbitrary: fc.record({ kind: fc.constant('install' as const), file, cloexec, from: fc.constant(0) }),
      },
      fc.record({ kind: fc.constant('install' as const), file, cloexec, from: fd }),
      fc.record({ kind: fc.constant('replace' as const), file, cloexec, fd }),
      { weight: 2, arbitrary: fc.record({ kind: fc.constant('remove' as const), fd }) },
      fc.record({ kind: fc.constant('mark' as const), fd, cloexec }),
      fc.record({ kind: fc.constant('limit' as const), limit: fc.integer({ min: 1, max: NOFILE }) }),
    );
    fc.assert(
      fc.property(fc.array(step, { maxLength: 60 }), (steps) => {
        fresh();
        let limit = NOFILE;
        const model = new Map<number, { file: number; cloexec: number }>();
        const fileOf = (at: number) => (model.has(at) ? files[model.get(at)!.file]! : 0);
        for (const s of steps) {
          if (s.kind === 'install') {
            let lowest = s.from;
            while (model.has(lowest)) lowest++;
            const got = installFd(table, files[s.file]!, s.cloexec, s.from);
            expect(got).toBe(lowest < limit ? lowest : -EMFILE);
            if (got >= 0) model.set(got, s);
          } else if (s.kind === 'replace') {
            expect(replaceFd(table, files[s.file]!, s.cloexec, s.fd)).toBe(fileOf(s.fd));
            model.set(s.fd, s);
          } else if (s.kind === 'remove') {
            expect(removeFd(table, s.fd)).toBe(fileOf(s.fd));
            model.delete(s.fd);
          } else if (s.kind === 'mark') {
            const entry = model.get(s.fd);
            expect(setCloexec(table, s.fd, s.cloexec)).toBe(entry === undefined ? -EBADF : 0);
            if (entry !== undefined) model.set(s.fd, { ...entry, cloexec: s.cloexec });
          } else {
            limit = s.limit;
            setLimit(limit);
          }
          const open: number[] = [];
          for (let at = nextOpenFd(table, 0); at >= 0; at = nextOpenFd(table, at + 1)) open.push(at);
          expect(open).toEqual([...model.keys()].sort((a, b) => a - b));
          for (let at = 0; at < NOFILE; at++) {
            expect(lookupFile(task, at)).toBe(fileOf(at));
            expect(getCloexec(table, at)).toBe(model.get(at)?.cloexec ?? -EBADF);
          }
        }
      }),
      { numRuns: 100 },
    );
  });

  test('gives the lowest number again that was closed, and then the next one', () => {
    for (let fd = 0; fd < 6; fd++) expect(installFd(table, files[0]!, 0, 0)).toBe(fd);
    removeFd(table, 4);
    removeFd(table, 1);
    expect([1, 2, 3].map(() => installFd(table, files[1]!, 0, 0))).toEqual([1, 4, 6]);
  });

  test('that is full is EMFILE, and so is a number beyond the limit', () => {
    setLimit(2);
    expect([0, 0, 0].map((from) => installFd(table, files[0]!, 0, from))).toEqual([0, 1, -EMFILE]);
    removeFd(table, 0);
    expect(installFd(table, files[0]!, 0, 2)).toBe(-EMFILE);
    expect(installFd(table, files[0]!, 0, 0)).toBe(0);
  });
});

describe('a number', () => {
  test.each([-1, NOFILE, NOFILE + 1, 2 ** 31 - 1, -(2 ** 31)])('that no table has, %i, leads nowhere', (fd) => {
    expect([lookupFile(task, fd), removeFd(table, fd)]).toEqual([0, 0]);
    expect([getCloexec(table, fd), setCloexec(table, fd, 1)]).toEqual([-EBADF, -EBADF]);
  });

  test("of one process does not lead to another's file", () => {
    const second = taskByTid(spawnProcess(0, 0, 0, ANY_CPU));
    for (let fd = 0; fd < 5; fd++) installFd(table, files[0]!, 0, 0);
    expect([lookupFile(task, 4), lookupFile(second, 4)]).toEqual([files[0], 0]);
  });

  test('that leads to a reused record is a panic: a file was freed under its descriptor', () => {
    const fd = installFd(table, files[0]!, 0, 0);
    freeRecord(Machine.files.at(MACHINE), files[0]!);
    expect(() => lookupFile(task, fd)).toThrow('a descriptor leads to a record that was reused');
  });
});
