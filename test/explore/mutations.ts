/**
 * Promises broken on purpose, by replacing text of the source before it is compiled: `?stepped=NAME` loads the broken
 * kernel, and a test proves that it is noticed. A text that is no longer there is an error, so the proofs stay current.
 */
import type { Mutation } from '../../src/stepped/compile.ts';

const eventfd = 'src/kernel/file/eventfd.ts';
const idle = 'src/kernel/cpu/idle.ts';
const futexMove = 'src/kernel/syscall/futex-move.ts';
const items = 'src/kernel/epoll/linux/items.ts';
const ready = 'src/kernel/epoll/linux/ready.ts';
const sleep = 'src/kernel/wait/sleep.ts';
const waitQueue = 'src/kernel/wait/wait-queue.ts';
const wake = 'src/kernel/task/wake.ts';
const children = 'src/kernel/process/children.ts';
const trapLoop = 'src/cpu-worker/trap-loop.ts';
const send = 'src/kernel/signal/send.ts';
const deliver = 'src/kernel/signal/deliver.ts';
const pending = 'src/kernel/signal/pending.ts';
const jobControl = 'src/kernel/signal/job-control.ts';
const signalEnd = 'src/kernel/signal/end.ts';
const socketControl = 'src/kernel/syscall/socket-control.ts';
const wasixDrain = 'src/kernel/epoll/wasix/drain.ts';
const wasixSubscriptions = 'src/kernel/epoll/wasix/subscriptions.ts';
const toyQueue = 'test/fixtures/toy-kernel/toy-queue.ts';

export const mutations: Readonly<Record<string, readonly Mutation[]>> = {
  /** A task goes to sleep without looking once more after it stands in the queue. */
  'one-look': [
    {
      file: sleep,
      from: `  const r = syscallOps[call]!.attempt(t, fr);
  if (r !== WAIT) {
    leaveQueues(t, 1);
    return r;
  }
  noteNotYet(t);
  armDeadline(t, fr);`,
      to: '  armDeadline(t, fr);',
    },
  ],
  /** Who finds nothing in an eventfd waits for it with the lock held that a writer needs. */
  'spins-with-lock': [
    {
      file: eventfd,
      from: '  if (low === 0 && high === 0) {\n    unlock(File.lock.at(f));\n',
      to: '  if (low === 0 && high === 0) {\n    while (File.readiness.load(f) === EPOLLOUT) File.readiness.spin(f, EPOLLOUT);\n    unlock(File.lock.at(f));\n',
    },
    {
      file: trapLoop,
      from: "  if (CHECKS) assert(CpuCore.heldCount.get(cpu) === 0, 'a task gives up its CPU while it holds a lock');\n  Task.voluntarySwitches.set",
      to: '  Task.voluntarySwitches.set',
    },
  ],
  /** Whether a thread is quiet: its state is read before the note of its last look. */
  'settle-note-late': [
    {
      file: 'src/kernel/syscall/process-calls.ts',
      from: '  const notYetAt = Task.notYetAt.load(other);\n  const state = Task.state.load(other);\n',
      to: '  const state = Task.state.load(other);\n  const notYetAt = Task.notYetAt.load(other);\n',
    },
  ],
  /** The waiter is counted only after that second look. */
  'count-late': [
    {
      file: waitQueue,
      from: '  else listAppend(WaitQueue.list.at(q), WaitEntry.node.at(entry));\n  WaitQueue.waiterCount.add(q, 1);\n  unlockIrqOn(WaitQueue.lock.at(q));\n  return 1;',
      to: '  else listAppend(WaitQueue.list.at(q), WaitEntry.node.at(entry));\n  unlockIrqOn(WaitQueue.lock.at(q));\n  return 1;',
    },
    {
      file: sleep,
      from: "import { WaitEntry } from './wait-queue-struct.ts';",
      to: "import { WaitEntry, WaitQueue } from './wait-queue-struct.ts';",
    },
    {
      file: sleep,
      from: '  noteNotYet(t);\n  armDeadline(t, fr);',
      to: '  WaitQueue.waiterCount.add(WaitEntry.queue.get(Task.waits.get(t)), 1);\n  armDeadline(t, fr);',
    },
  ],
  /** An item of an epoll looks at its file before it stands in its queue, and not after. */
  'add-looks-first': [
    {
      file: items,
      from: `  standCallback(queueForFile(LinuxItem.file.get(i)), LinuxItem.stand.at(i), i, exclusive);
  announce(e, i, t);`,
      to: `  announce(e, i, t);
  standCallback(queueForFile(LinuxItem.file.get(i)), LinuxItem.stand.at(i), i, exclusive);`,
    },
  ],
  /** MOD looks at the file with the old mask. */
  'mod-looks-first': [
    {
      file: items,
      from: '  storeEvents(i, event);\n  announce(e, i, t);',
      to: '  announce(e, i, t);\n  storeEvents(i, event);',
    },
  ],
  /** What becomes ready while a harvest runs is put nowhere. */
  'deaf-harvest': [
    {
      file: ready,
      from: '    if (LinuxItem.nextOverflow.get(i) !== 0) return;',
      to: '    if (LinuxItem.nextOverflow.get(i) === 0) return;',
    },
  ],
  /** WASIX: bits that come between the taking of others and the clearing of the mark are forgotten. */
  'no-repair': [
    {
      file: wasixDrain,
      from: '  if (repairReadyQueue(s) === 1) notifyInstance(e, WasixSub.file.get(s), WasixSub.events.get(s));\n',
      to: '',
    },
  ],
  /** WASIX: what is ready is told before the handler is in. */
  'primes-first': [
    {
      file: wasixSubscriptions,
      from: `  standCallback(queueForFile(f), WasixSub.stand.at(s), s, 0);
  const ready = pendingBitsOf(fileOps[File.kind.get(f)]!.poll(f, t));`,
      to: `  const ready = pendingBitsOf(fileOps[File.kind.get(f)]!.poll(f, t));
  standCallback(queueForFile(f), WasixSub.stand.at(s), s, 0);`,
    },
  ],
  /** The commit to sleep looks at the state and then stores it, instead of doing both at once. */
  'plain-commit': [
    {
      file: trapLoop,
      from: 'if (Task.state.compareExchange(t, TASK_RUNNING, TASK_SLEEPING) === TASK_RUNNING) return SLEEP;',
      to: 'if (Task.state.load(t) === TASK_RUNNING) { Task.state.store(t, TASK_SLEEPING); return SLEEP; }',
    },
  ],
  /** The waker notes the time only after it has given the task away. */
  'late-note': [
    { file: wake, from: '      if (PROFILE) Task.wokenAtNs.set(t, hostNow());\n', to: '\n' },
    {
      file: wake,
      from: '      enqueueRunnable(t);\n      return 1;',
      to: '      enqueueRunnable(t); Task.wokenAtNs.set(t, hostNow());\n      return 1;',
    },
  ],
  /** A child tells its parent of its end before it can be found as ended. */
  'early-wake': [
    {
      file: children,
      from: '  lock(Machine.treeLock.at(MACHINE));\n  const reaper = reaperOfLocked(p);',
      to: `  lock(Machine.treeLock.at(MACHINE));
  wakeQueue(Process.childQueue.at(Process.parent.get(p)), CHILD_KEY, WAKE_ALL, REASON_CHILD, 0);
  unlock(Machine.treeLock.at(MACHINE));
  lock(Machine.treeLock.at(MACHINE));
  const reaper = reaperOfLocked(p);`,
    },
    {
      file: children,
      from: '  wakeQueue(Process.childQueue.at(parent), CHILD_KEY, WAKE_ALL, REASON_CHILD, 0);\n}',
      to: '}',
    },
  ],
  /** Quiet is looked at twice by the number of idle CPUs alone: one that stopped and came back is not noticed. */
  'quiet-by-number': [
    {
      file: idle,
      from: '  if (Machine.idling.load(MACHINE) !== idling) return 1;\n',
      to: '  if ((Machine.idling.load(MACHINE) & IDLERS) !== cpus) return 1;\n',
    },
  ],
  /** A call that waits for what others do in vain is taken for one that looked in vain itself. */
  'settle-in-vain': [{ file: sleep, from: '    if (r === YIELD) endInVain();\n', to: '\n' }],
  /** Quiet is looked at once. */
  'quiet-one-look': [{ file: idle, from: '  if (Machine.idling.load(MACHINE) !== idling) return 1;\n', to: '\n' }],
  /** A futex's sleeper that is moved is taken from the old bucket's count before it is in the new one's. */
  'count-moved-late': [
    { file: futexMove, from: '  WaitQueue.waiterCount.add(other, 1);\n', to: '\n' },
    {
      file: futexMove,
      from: '  listAppend(WaitQueue.list.at(other), WaitEntry.node.at(entry));\n',
      to: `  listAppend(WaitQueue.list.at(other), WaitEntry.node.at(entry));
  WaitQueue.waiterCount.add(other, 1);
`,
    },
  ],
  /** A futex's sleeper is in no bucket for a moment while it is moved. */
  'gap-in-move': [
    {
      file: futexMove,
      from: '  WaitEntry.queue.set(entry, other);\n',
      to: '  unlockBuckets(q, other);\n  lockBuckets(q, other);\n  WaitEntry.queue.set(entry, other);\n',
    },
  ],
  /** A sleeper that leaves trusts the queue that its entry named before it had the lock. */
  'stale-stand': [
    {
      file: waitQueue,
      from: '    if (WaitEntry.queue.get(entry) === q) return q;\n    unlockIrqOn(WaitQueue.lock.at(q));\n',
      to: '    return q;\n',
    },
  ],
  /** Whom a requeue wakes may run before the others are moved. */
  'wake-then-move': [
    {
      file: futexMove,
      from: '  const moved = requeueLocked(q, other, from, to, most - woken, wakes >= standing ? 0 : moves);\n',
      to: `  let moved = requeueLocked(q, other, from, to, most - woken, 0);
  unlockBuckets(q, other);
  wakeChosen(moved);
  lockBuckets(q, other);
  moved += requeueLocked(q, other, from, to, 0, wakes >= standing ? 0 : moves);
`,
    },
  ],
  /** A signal wakes only those that sleep already, not who is on its way to. */
  'signal-to-sleepers': [
    {
      file: send,
      from: '  wakeTask(t, generation, REASON_SIGNAL, 0, 0);',
      to: '  if (Task.state.load(t) === 4) wakeTask(t, generation, REASON_SIGNAL, 0, 0);',
    },
  ],
  /** Who opens its mask does not look whether something waits behind it. */
  'signal-unlooked': [
    {
      file: pending,
      from: '  if (open) Task.attention.or(t, ATTENTION_SIGNAL);',
      to: '  if (open) Task.attention.or(t, 0 * ATTENTION_SIGNAL);',
    },
  ],
  /** Who finds nothing pending clears the note of a signal only then. */
  'signal-clear': [
    {
      file: deliver,
      from: '      unlockIrqOn(Process.signalLock.at(p));\n      if (mayRestart(result)) return RESTART;',
      to: `      unlockIrqOn(Process.signalLock.at(p));
      Task.attention.and(t, ~ATTENTION_SIGNAL);
      if (mayRestart(result)) return RESTART;`,
    },
  ],
  /** A thread of a stopped process looks at its state and then stores it, instead of doing both at once. */
  'stop-plain': [
    {
      file: trapLoop,
      from: 'if (Task.state.compareExchange(t, TASK_RUNNING, TASK_SLEEPING) !== TASK_RUNNING) {',
      to: `const before = Task.state.load(t);
    if (before === TASK_RUNNING) Task.state.store(t, TASK_SLEEPING);
    if (before !== TASK_RUNNING) {`,
    },
  ],
  /** SIGCONT wakes the threads before it notes that they are to go on. */
  'continue-early': [
    { file: send, from: '  if (goesOn) wakeThreads(p, NULL, REASON_SIGNAL);\n', to: '\n' },
    {
      file: send,
      from: '  lock(Process.lock.at(p));\n  const first = firstThreadLocked(p);',
      to: `  if (signal === SIGCONT) wakeThreads(p, NULL, REASON_SIGNAL);
  lock(Process.lock.at(p));
  const first = firstThreadLocked(p);`,
    },
  ],
  /** A stop begins although SIGCONT came after its signal was taken. */
  'stop-wins': [
    {
      file: jobControl,
      from: '  Process.stopTaken.set(p, 0);\n  const spared',
      to: '  const spared',
    },
  ],
  /** A stop waits for a thread that has ended meanwhile. */
  'exit-uncounted': [{ file: signalEnd, from: '  countOutLocked(t, p);\n', to: '\n' }],
  'toy-one-look': [{ file: toyQueue, from: '    if (ToyQueue.source.load(q) !== 0) break;\n', to: '\n' }],
  'toy-count-late': [
    { file: toyQueue, from: '    ToyQueue.waiterCount.add(q, 1);\n', to: '\n' },
    {
      file: toyQueue,
      from: '    const bell = ToyQueue.bell.load(q);\n',
      to: '    ToyQueue.waiterCount.add(q, 1); const bell = ToyQueue.bell.load(q);\n',
    },
  ],
  'toy-no-lock': [
    {
      file: toyQueue,
      from: '    toyLock(ToyQueue.lock.at(q));\n    ToyQueue.counter.set',
      to: '    ToyQueue.marks.loadAt(q, 0);\n    ToyQueue.counter.set',
    },
    {
      file: toyQueue,
      from: 'ToyQueue.counter.get(q) + 1);\n    toyUnlock(ToyQueue.lock.at(q));',
      to: 'ToyQueue.counter.get(q) + 1);\n    ToyQueue.marks.loadAt(q, 0);',
    },
  ],
  /** A receiver of descriptors does not hold its socket. */
  'unheld-receiver': [
    {
      file: socketControl,
      from: '  const f = holdDescriptor(t, fd);\n  if (f === Frame.file',
      to: '  if (fd >= 0) return 0;\n  const f = holdDescriptor(t, fd);\n  if (f === Frame.file',
    },
  ],
};
