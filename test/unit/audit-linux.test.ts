// Promises of the audit where the machine runs Linux's design: the same machine is sound, also while programs are at work,
// and damage to instances, items and lists is named.
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { auditMemory } from '../../src/kernel/audit/audit.ts';
import { LinuxEpoll, LinuxItem } from '../../src/kernel/epoll/linux/records.ts';
import { File } from '../../src/kernel/file/file.ts';
import { Task, TASK_SLEEPING } from '../../src/kernel/task/task.ts';
import { WaitEntry, WaitQueue } from '../../src/kernel/wait/wait-queue-struct.ts';
import { Machine } from '../../src/machine/machine.ts';
import type { Snapshot } from '../../src/machine/snapshot.ts';
import { ListNode } from '../../src/shared-mem/list.ts';
import { Patient } from './patient.ts';
import { testProgram } from '../test-programs.ts';

let machine: Machine;
let healthy: Snapshot;
beforeAll(async () => {
  machine = await Machine.boot({ epoll: 'linux', cpus: 2, checks: true });
  await machine.spawn(testProgram(new URL('./audit.program.ts', import.meta.url)));
  const allAsleep = (s: Snapshot): boolean => {
    const tasks = [...s.living('tasks')];
    return tasks.length === 5 && tasks.every((t) => s.word(t, Task.state) === TASK_SLEEPING);
  };
  do healthy = await machine.atRest();
  while (!allAsleep(healthy));
});
afterAll(() => machine.shutdown());

function patient(): Patient {
  return new Patient(healthy.words.slice().buffer, healthy.config, healthy.plan);
}
const watched = (p: Patient): number => p.first('files', (f) => p.word(f, File.watcherCount) > 0);
const outer = (p: Patient): number => p.first('epolls', (e) => p.word(e, LinuxEpoll.nested) > 0);

test('a machine that has something of everything is sound', () => {
  expect(auditMemory(patient().words.buffer)).toEqual([]);
});

const damages: readonly (readonly [name: string, harm: (p: Patient) => void, says: RegExp])[] = [
  [
    'a file that counts a watcher too many',
    (p) => p.add(watched(p), File.watcherCount),
    /file \d+: counts 2 watchers, and has 1/,
  ],
  [
    'an item of another file',
    (p) => p.set(p.first('interests'), LinuxItem.file, watched(p) + 4),
    /watches a file that was freed|is watched by an item of another file/,
  ],
  [
    'an item that stands for another',
    (p) => p.add(p.first('interests') + LinuxItem.stand.off, WaitEntry.item),
    /item \d+: stands in a queue for another/,
  ],
  [
    'an item that does not know that it stands',
    (p) => p.set(p.first('interests') + LinuxItem.stand.off, WaitEntry.queue, 0),
    /item \d+: stands in a queue of which it does not know/,
  ],
  [
    'a queue that counts a callback too few',
    (p) => p.add(watched(p) + File.queue.off, WaitQueue.waiterCount, -1),
    /counts -?\d+ waiters, and \d+ stand there/,
  ],
  [
    'a harvest that nobody does',
    (p) => p.set(p.first('epolls'), LinuxEpoll.harvesting, 1),
    /epoll \d+: a harvest is under way, and nobody's/,
  ],
  [
    'a ready list that lost its item',
    (p) => p.set(p.first('interests') + LinuxItem.readyNode.off, ListNode.list, outer(p) + LinuxEpoll.ready.off),
    /epoll \d+: an item says that it is ready, and is not listed/,
  ],
  [
    'an instance that is dead, and watches',
    (p) => p.set(outer(p), LinuxEpoll.dead, 1),
    /epoll \d+: is dead, and watches/,
  ],
  [
    'an instance that counts its nested ones wrong',
    (p) => p.add(outer(p), LinuxEpoll.nested),
    /epoll \d+: counts 2 epolls that it watches, and has 1/,
  ],
];

describe('damage is named', () => {
  test.each(damages)('%s', (_name, harm, says) => {
    const p = patient();
    harm(p);
    expect(auditMemory(p.words.buffer).join('\n')).toMatch(says);
  });
});
