/**
 * Wait queues: the count is the list's length, who stands there is a task that knows of it, and no sleeper was taken off
 * a queue without being woken, which is what a lost wakeup looks like from outside.
 */
import { ListNode } from '../../shared-mem/list.ts';
import { RecordHeader } from '../../shared-mem/slab.ts';
import { LinuxEpoll, LinuxItem } from '../epoll/linux/records.ts';
import { WasixEpoll, WasixSub } from '../epoll/wasix/records.ts';
import { DESIGN_NAMES } from '../epoll/source-ops.ts';
import { File } from '../file/file.ts';
import { SocketNames } from '../file/socket-names-struct.ts';
import { MACHINE, Machine } from '../machine-record.ts';
import { Process } from '../process/process.ts';
import { FUTEX_BUCKETS } from '../syscall/futex-buckets.ts';
import { Task, TASK_DEAD, TASK_SLEEPING } from '../task/task.ts';
import { WaitEntry, WaitQueue } from '../wait/wait-queue-struct.ts';
import { standsOfItems } from './linux.ts';
import { auditLock } from './slabs.ts';
import type { MemoryView } from './view.ts';
import { complain, livesIn, livingOf, see, seeMachine, walkList } from './view.ts';

/** Every wait queue there is. @returns stands that tasks have, so that the caller can count what they hold */
export function auditQueues(v: MemoryView): number[] {
  const stands = standsOfTasks(v);
  const design = DESIGN_NAMES[seeMachine(v, Machine.design)];
  const places = design === 'linux' ? LinuxItem : WasixSub;
  const callsBack = design === 'linux' || design === 'wasix';
  const items = callsBack ? standsOfItems(v, places) : [];
  const known = new Set([...stands, ...items]);
  const listed = new Set<number>();
  auditQueue(v, MACHINE + Machine.globalQueue.off, 'the global queue', known, listed);
  auditQueue(v, MACHINE + Machine.socketNames.off + SocketNames.connecting.off, 'connecting', known, listed);
  const futexes = seeMachine(v, Machine.futexQueues);
  for (let i = 0; i < FUTEX_BUCKETS; i++) auditQueue(v, futexes + i * WaitQueue.size, `futex ${i}`, known, listed);
  for (const f of livingOf(v, 'files')) auditQueue(v, f + File.queue.off, `file ${f}`, known, listed);
  for (const p of livingOf(v, 'processes')) {
    auditQueue(v, p + Process.signalQueue.off, `signals of process ${see(v, p, Process.pid)}`, known, listed);
    auditQueue(v, p + Process.childQueue.off, `children of process ${see(v, p, Process.pid)}`, known, listed);
  }
  if (callsBack) {
    const { waiters } = design === 'linux' ? LinuxEpoll : WasixEpoll;
    for (const e of livingOf(v, 'epolls')) auditQueue(v, e + waiters.off, `epoll ${e}`, known, listed);
  }
  for (const entry of stands) auditStand(v, entry, listed);
  for (const entry of items) {
    if (!listed.has(entry)) complain(v, `item ${entry - places.stand.off}: stands in a queue that nobody has`);
  }
  return stands;
}

function standsOfTasks(v: MemoryView): number[] {
  const stands: number[] = [];
  for (const t of livingOf(v, 'tasks')) {
    if (see(v, t, Task.state) === TASK_DEAD) continue;
    const before = stands.length;
    for (let entry = see(v, t, Task.waits); entry !== 0; entry = see(v, entry, WaitEntry.nextOfTask)) {
      const own = entry === t + Task.firstWait.off;
      if ((!own && !livesIn(v, 'waitEntries', entry)) || stands.length - before > v.words.length) {
        complain(v, `task ${see(v, t, Task.tid)}: its stands lead to ${entry}, which is none`);
        break;
      }
      stands.push(entry);
    }
  }
  const records = stands.filter((entry) => livesIn(v, 'waitEntries', entry)).length;
  const live = livingOf(v, 'waitEntries').length;
  if (records !== live) complain(v, `slab waitEntries: ${live} live, and tasks stand with ${records} of them`);
  return stands;
}

function auditQueue(v: MemoryView, q: number, what: string, known: ReadonlySet<number>, listed: Set<number>): void {
  auditLock(v, q + WaitQueue.lock.off, `queue of ${what}`);
  const nodes = walkList(v, q + WaitQueue.list.off, `queue of ${what}`);
  const count = see(v, q, WaitQueue.waiterCount);
  if (count !== nodes.length) complain(v, `queue of ${what}: counts ${count} waiters, and ${nodes.length} stand there`);
  for (const node of nodes) {
    const entry = node - WaitEntry.node.off;
    listed.add(entry);
    if (!known.has(entry)) complain(v, `queue of ${what}: ${entry} stands there, and no task knows of it`);
    else if (see(v, entry, WaitEntry.queue) !== q) complain(v, `queue of ${what}: ${entry} says it stands elsewhere`);
  }
}

function auditStand(v: MemoryView, entry: number, listed: ReadonlySet<number>): void {
  const t = see(v, entry, WaitEntry.task);
  if (!livesIn(v, 'tasks', t) || see(v, t, RecordHeader.generation) !== see(v, entry, WaitEntry.taskGeneration)) {
    complain(v, `stand ${entry}: its task is gone`);
    return;
  }
  const linked = see(v, entry + WaitEntry.node.off, ListNode.list) !== 0;
  const tid = see(v, t, Task.tid);
  if (linked && !listed.has(entry)) complain(v, `task ${tid}: stands in a queue that nobody has`);
  if (!linked && see(v, t, Task.state) === TASK_SLEEPING) {
    complain(v, `lost wakeup: task ${tid} sleeps, and was taken off a queue in which it stood`);
  }
}
