/**
 * Promises of the audit: it finds nothing wrong with a machine that works, at whatever moment that rests, and each kind
 * of damage is named. The damage is done to copies of a machine's memory.
 */
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { auditMemory } from '../../src/kernel/audit/audit.ts';
import { Cpu } from '../../src/kernel/cpu/cpu.ts';
import { KevlarEpoll, KevlarInterest } from '../../src/kernel/epoll/kevlar/interest.ts';
import { Changes, File, KIND_EVENTFD, KIND_MEMFD } from '../../src/kernel/file/file.ts';
import { Pipe } from '../../src/kernel/file/pipe-buffer.ts';
import { Socket } from '../../src/kernel/file/socket-struct.ts';
import { AddressSpace } from '../../src/kernel/process/address-space.ts';
import { FdTable } from '../../src/kernel/process/fd-table.ts';
import { Process } from '../../src/kernel/process/process.ts';
import { PendingSet } from '../../src/kernel/signal/pending-struct.ts';
import { Task, TASK_RUNNABLE, TASK_SLEEPING } from '../../src/kernel/task/task.ts';
import { Timer } from '../../src/kernel/time/timers.ts';
import { WaitEntry, WaitQueue } from '../../src/kernel/wait/wait-queue-struct.ts';
import { Machine } from '../../src/machine/machine.ts';
import type { Snapshot } from '../../src/machine/snapshot.ts';
import { CpuCore } from '../../src/shared-mem/cpu-core.ts';
import { List, ListNode } from '../../src/shared-mem/list.ts';
import { SpinLock } from '../../src/shared-mem/locks/spin-lock.ts';
import { RecordHeader, Slab } from '../../src/shared-mem/slab.ts';
import { Patient } from './patient.ts';
import { testProgram } from '../test-programs.ts';
import { guestProgram } from '../../src/machine/worker-file.ts';

let machine: Machine;
let healthy: Snapshot;
beforeAll(async () => {
  machine = await Machine.boot({ cpus: 2, checks: true });
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

test('a machine that has something of everything is sound', () => {
  expect(auditMemory(patient().words.buffer)).toEqual([]);
});

test('a machine at work is sound whenever it rests', async () => {
  await using busy = await Machine.boot({ cpus: 3, checks: true });
  const storm = guestProgram('wake-storm');
  const pid = await busy.spawn(storm, { argv: { rounds: 400, pairs: 2, cpus: 3 } });
  let ended = false;
  const exit = busy.exited(pid).finally(() => {
    ended = true;
  });
  let looks = 0;
  for (; !ended; looks++) {
    const { words } = await busy.atRest();
    expect(auditMemory(words.buffer)).toEqual([]);
    await new Promise((resolve) => setTimeout(resolve, 5));
  }
  expect(looks).toBeGreaterThan(2);
  expect((await exit).code).toBe(0);
});

test('an interest that fired once leaves its source without a watcher when it goes', async () => {
  await using once = await Machine.boot({ cpus: 1, checks: true });
  await once.spawn(testProgram(new URL('./audit.program.ts', import.meta.url)), { entry: 'oneshotEdges' });
  const isWaiting = (s: Snapshot): boolean =>
    [...s.living('tasks')].some((t) => s.word(t, Task.state) === TASK_SLEEPING) && [...s.living('epolls')].length === 1;
  let seen: Snapshot;
  do seen = await once.atRest();
  while (!isWaiting(seen));
  expect(auditMemory(seen.words.buffer)).toEqual([]);
});

interface Damage {
  readonly name: string;
  readonly harm: (p: Patient) => void;
  readonly says: RegExp;
}

const damages: readonly Damage[] = [
  {
    name: 'a signal that is queued, and not pending',
    harm: (p) => p.set(p.first('processes') + Process.pending.off, PendingSet.high, 0),
    says: /process 1: signal 40 is queued, and not pending/,
  },
  {
    name: 'a record of a signal that nobody is to get',
    harm: (p) => {
      const queued = p.first('processes') + Process.pending.off + PendingSet.queued.off;
      for (const field of [List.first, List.last, List.count]) p.set(queued, field, 0);
    },
    says: /slab signalInfos: 2 live, and 0 signals are queued/,
  },
  {
    name: 'a stop that waits for a thread too many',
    harm: (p) => p.set(p.first('processes'), Process.stopLeft, 1),
    says: /process 1: its stop waits for 1 threads, and 0 have not stopped/,
  },
  {
    name: 'a thread that is stopped alone',
    harm: (p) => p.set(p.stander(), Task.stopped, 1),
    says: /is stopped, and its process is not/,
  },
  {
    name: 'a record that is neither free nor living',
    harm: (p) => p.add(p.slab('files'), Slab.live, -1),
    says: /slab files: says \d+ live, and \d+ have a living generation/,
  },
  {
    name: 'a free list that comes round',
    harm: (p) => {
      const free = p.word(p.slab('frames'), Slab.untouched) === 0 ? 'files' : 'frames';
      const base = p.word(p.slab(free), Slab.base);
      p.add(p.slab(free), Slab.untouched);
      const added = base + (p.word(p.slab(free), Slab.untouched) - 1) * p.word(p.slab(free), Slab.stride);
      p.set(p.slab(free), Slab.firstFree, added);
      p.set(added, RecordHeader.nextFree, added);
    },
    says: /free list comes round/,
  },
  {
    name: 'a reference that nobody has',
    harm: (p) => p.add(p.fileOf(KIND_EVENTFD), File.refs),
    says: /file \d+ \(eventfd\): counts \d references, and has \d/,
  },
  {
    name: 'a reference that was not counted',
    harm: (p) => p.set(p.fileOf(KIND_MEMFD), File.refs, 0),
    says: /file \d+ \(memfd\): is dead, and in no limbo/,
  },
  {
    name: 'a descriptor that leads to a freed file',
    harm: (p) => p.add(p.fileOf(KIND_MEMFD), RecordHeader.generation),
    says: /leads to a file that was freed/,
  },
  {
    name: 'a descriptor that leads to a file made anew',
    harm: (p) => p.add(p.fileOf(KIND_MEMFD), RecordHeader.generation, 2),
    says: /leads to a file that was freed and made anew/,
  },
  {
    name: 'a number below the lowest free one that is free',
    harm: (p) => p.set(p.first('fdTables'), FdTable.lowestFree, 500),
    says: /is free, below 500/,
  },
  {
    name: 'a table that more use than count',
    harm: (p) => p.add(p.first('fdTables'), FdTable.refs, -1),
    says: /slab fdTables: \d+ counts \d users, and has \d/,
  },
  {
    name: 'an address space of nobody',
    harm: (p) => p.add(p.first('addressSpaces'), AddressSpace.refs),
    says: /slab addressSpaces: \d+ counts 2 users, and has 1/,
  },
  {
    name: 'a wait queue that counts wrong',
    harm: (p) => p.add(p.word(p.word(p.stander(), Task.waits), WaitEntry.queue), WaitQueue.waiterCount),
    says: /counts \d waiters, and \d stand there/,
  },
  {
    name: 'a sleeper that was taken off its queue and not woken',
    harm: (p) => {
      const entry = p.word(p.stander(), Task.waits);
      const q = p.word(entry, WaitEntry.queue);
      // As listRemove and no wake would leave it; the queue itself is in order.
      const list = q + WaitQueue.list.off;
      const node = entry + WaitEntry.node.off;
      const [prev, next] = [p.word(node, ListNode.prev), p.word(node, ListNode.next)];
      if (prev === 0) p.set(list, List.first, next);
      else p.set(prev, ListNode.next, next);
      if (next === 0) p.set(list, List.last, prev);
      else p.set(next, ListNode.prev, prev);
      p.set(node, ListNode.list, 0);
      p.add(list, List.count, -1);
      p.add(q, WaitQueue.waiterCount, -1);
    },
    says: /lost wakeup: task \d+ sleeps, and was taken off a queue/,
  },
  {
    name: 'a stand of a task that is gone',
    harm: (p) => p.add(p.word(p.stander(), Task.waits), WaitEntry.taskGeneration, 2),
    says: /its task is gone/,
  },
  {
    name: 'a runnable task on no run queue',
    harm: (p) => p.set(p.stander(), Task.state, TASK_RUNNABLE),
    says: /is runnable, and stands 0 times on run queues/,
  },
  {
    name: 'a run queue that counts wrong',
    harm: (p) => p.add(p.cpu(1), Cpu.runCount),
    says: /CPU 1: counts 1 runnable tasks, and 0 are listed/,
  },
  {
    name: 'a CPU that counts its residents wrong',
    harm: (p) => p.add(p.cpu(0), Cpu.residents),
    says: /CPU 0: counts \d residents/,
  },
  {
    name: 'a lock that was not left',
    harm: (p) => p.add(p.cpu(0), CpuCore.heldCount),
    says: /CPU 0: holds locks between two traps/,
  },
  {
    name: 'a lock word that stays taken',
    harm: (p) => p.set(p.fileOf(KIND_EVENTFD) + File.lock.off, SpinLock.word, 1),
    says: /File \d+: lock: its lock is held/,
  },
  {
    name: 'a thread that its process does not count',
    harm: (p) => p.add(p.first('processes'), Process.liveThreads, -1),
    says: /process \d+: counts 4 threads, lists 5, and has 5/,
  },
  {
    name: 'a heap whose earliest is not first',
    harm: (p) => {
      const heap = p.word(p.cpu(0), Cpu.timerHeap);
      new Float64Array(p.words.buffer)[(p.words[heap]! + Timer.deadlineNs.off) >> 1] = 1e15;
    },
    says: /CPU 0: timers: place \d is due before the one above it/,
  },
  {
    name: 'a timer that believes to be armed',
    harm: (p) => p.add(p.cpu(0), Cpu.timerCount, -1),
    says: /believes its deadline armed, and no heap has it|armed timers, and \d stand in heaps/,
  },
  {
    name: 'a pipe that counts its bytes wrong',
    harm: (p) => p.add(p.first('pipes'), Pipe.bytes),
    says: /pipe \d+: says 9901 bytes, and its slots hold 9900/,
  },
  {
    name: 'a page in two places',
    harm: (p) => {
      const pipe = p.first('pipes');
      p.words[pipe + Pipe.page.off] = p.words[pipe + Pipe.page.off + 1]!;
    },
    says: /page \d+: is in use at 2 places/,
  },
  {
    name: 'a page of nobody',
    harm: (p) => {
      p.words[p.first('sockets') + Socket.firstPage.off + 1] = 0;
    },
    says: /page \d+: lives, and is nobody's/,
  },
  {
    name: 'a socket that counts its unread bytes wrong',
    harm: (p) => {
      p.words[p.first('sockets') + Socket.bytes.off + 1]!++;
    },
    says: /socket \d+, end 1: says 9001 bytes at \d+ with 0 controls; it has 9000/,
  },
  {
    name: 'a socket that nobody holds',
    harm: (p) => p.add(p.first('sockets'), Socket.holders),
    says: /socket \d+: counts 3 holders, and has 2/,
  },
  {
    name: 'an epoll that counts its nested ones wrong',
    harm: (p) =>
      p.add(
        p.first('epolls', (e) => p.word(e, KevlarEpoll.nested) > 0),
        KevlarEpoll.nested,
      ),
    says: /epoll \d+: counts 2 epolls that it watches, and has 1/,
  },
  {
    name: 'an interest out of order',
    harm: (p) => p.set(p.first('interests'), KevlarInterest.fd, 900),
    says: /epoll \d+: descriptor \d+ comes after 900/,
  },
  {
    name: 'a source that counts a watcher too many',
    harm: (p) => p.add(p.word(p.fileOf(KIND_EVENTFD), File.changes), Changes.watchers),
    says: /counts \d watchers of its changes, and has \d/,
  },
];

describe('damage is named', () => {
  test.each(damages)('$name', ({ harm, says }) => {
    const p = patient();
    harm(p);
    expect(auditMemory(p.words.buffer).join('\n')).toMatch(says);
  });

  test('and memory that is nothing but noise is looked at to the end', () => {
    const p = patient();
    const user = p.plan.regions.get('user')!;
    // Every 97th word of the kernel, behind the machine's own record.
    for (let at = p.cpu(0); at < user.base; at += 97) p.words[at] = (Math.imul(at, 0x9e3779b1) >>> 8) | 0;
    expect(auditMemory(p.words.buffer).length).toBeGreaterThan(0);
  });
});
