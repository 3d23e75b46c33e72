/**
 * Steps of this kernel's own arguments, left out or done in the wrong order: those of futexes, signals, stops, children and
 * descriptors in flight.
 */
import type { Bug } from '../scenario.ts';
import {
  children,
  deliver,
  fdTable,
  futexMove,
  jobControl,
  kevlarInterests,
  pending,
  quiescence,
  send,
  signalEnd,
  socketControl,
  trapLoop,
  waitQueue,
} from './files.ts';

export const smplabMoreBugs: readonly Bug[] = [
  {
    name: 'count-moved-late',
    about: 'a moved futex sleeper leaves the old count before it is in the new one; it is counted at both for a moment',
    origin: 'smplab',
    patches: [
      { file: futexMove, from: '  WaitQueue.waiterCount.add(other, 1);\n', to: '\n' },
      {
        file: futexMove,
        from: '  listAppend(WaitQueue.list.at(other), WaitEntry.node.at(entry));\n',
        to: `  listAppend(WaitQueue.list.at(other), WaitEntry.node.at(entry));
  WaitQueue.waiterCount.add(other, 1);
`,
      },
    ],
    scenario: 'moved-sleeper',
    finds: 'lost wakeup',
    schedules: 10_000,
  },
  {
    name: 'gap-in-move',
    about: 'a moved futex sleeper is in no bucket for a moment; both stay locked',
    origin: 'smplab',
    patches: [
      {
        file: futexMove,
        from: '  WaitEntry.queue.set(entry, other);\n',
        to: '  unlockBuckets(q, other);\n  lockBuckets(q, other);\n  WaitEntry.queue.set(entry, other);\n',
      },
    ],
    scenario: 'moved-sleeper',
    finds: 'lost wakeup',
    schedules: 2000,
  },
  {
    name: 'stale-stand',
    about: 'a sleeper that leaves trusts the queue that its stand named before it had the lock; it looks again',
    origin: 'smplab',
    patches: [
      {
        file: waitQueue,
        from: '    if (WaitEntry.queue.get(entry) === q) return q;\n    unlockIrqOn(WaitQueue.lock.at(q));\n',
        to: '    return q;\n',
      },
    ],
    scenario: 'moved-timeout',
    finds: 'assertion',
    schedules: 2000,
  },
  {
    name: 'wake-then-move',
    about: 'whom a requeue wakes may run before the others are moved; all is done under one hold of the buckets',
    origin: 'smplab',
    patches: [
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
    scenario: 'requeue-chain',
    finds: 'deadlock',
    schedules: 20,
  },
  {
    name: 'signal-to-sleepers',
    about: 'a signal wakes those alone that sleep already, and not who is on its way to; it wakes both',
    origin: 'smplab',
    patches: [
      {
        file: send,
        from: '  wakeTask(t, generation, REASON_SIGNAL, 0, 0);',
        to: '  if (Task.state.load(t) === 4) wakeTask(t, generation, REASON_SIGNAL, 0, 0);',
      },
    ],
    scenario: 'two-signals',
    finds: 'deadlock',
    schedules: 1000,
  },
  {
    name: 'signal-unlooked',
    about: 'who opens its mask does not look whether a signal waits behind it; it does',
    origin: 'smplab',
    patches: [
      {
        file: pending,
        from: '  if (open) Task.attention.or(t, ATTENTION_SIGNAL);',
        to: '  if (open) Task.attention.or(t, 0 * ATTENTION_SIGNAL);',
      },
    ],
    scenario: 'two-signals',
    finds: 'deadlock',
    schedules: 10,
  },
  {
    name: 'signal-clear',
    about:
      'the note of a signal is cleared after the look at what is pending, and a new one with it; it is cleared before',
    origin: 'smplab',
    patches: [
      {
        file: deliver,
        from: '      unlockIrqOn(Process.signalLock.at(p));\n      if (mayRestart(result)) return RESTART;',
        to: `      unlockIrqOn(Process.signalLock.at(p));
      Task.attention.and(t, ~ATTENTION_SIGNAL);
      if (mayRestart(result)) return RESTART;`,
      },
    ],
    scenario: 'signal-after-stop',
    finds: 'deadlock',
    schedules: 2000,
  },
  {
    name: 'stop-plain',
    about:
      'a thread of a stopped process looks at its state and then stores it, and overwrites a wake; one compareExchange does both',
    origin: 'smplab',
    patches: [
      {
        file: trapLoop,
        from: 'if (Task.state.compareExchange(t, TASK_RUNNING, TASK_SLEEPING) !== TASK_RUNNING) {',
        to: `const before = Task.state.load(t);
    if (before === TASK_RUNNING) Task.state.store(t, TASK_SLEEPING);
    if (before !== TASK_RUNNING) {`,
      },
    ],
    scenario: 'stop-and-continue',
    finds: 'deadlock',
    schedules: 10_000,
  },
  {
    name: 'continue-early',
    about: 'SIGCONT wakes the threads before it notes that they are to go on; it notes it first',
    origin: 'smplab',
    patches: [
      { file: send, from: '  if (goesOn) wakeThreads(p, NULL, REASON_SIGNAL);\n', to: '\n' },
      {
        file: send,
        from: '  lock(Process.lock.at(p));\n  const first = firstThreadLocked(p);',
        to: `  if (signal === SIGCONT) wakeThreads(p, NULL, REASON_SIGNAL);
  lock(Process.lock.at(p));
  const first = firstThreadLocked(p);`,
      },
    ],
    scenario: 'stop-and-continue',
    finds: 'deadlock',
    schedules: 1000,
  },
  {
    name: 'stop-wins',
    about: 'a stop begins although SIGCONT came after its signal was taken; SIGCONT takes it back',
    origin: 'smplab',
    patches: [{ file: jobControl, from: '  Process.stopTaken.set(p, 0);\n  const spared', to: '  const spared' }],
    scenario: 'stop-and-continue',
    finds: 'deadlock',
    schedules: 200,
  },
  {
    name: 'exit-uncounted',
    about: 'a stop waits for a thread that has ended meanwhile; who ends is counted out',
    origin: 'smplab',
    patches: [{ file: signalEnd, from: '  countOutLocked(t, p);\n', to: '\n' }],
    scenario: 'stop-of-threads',
    finds: 'deadlock',
    schedules: 200,
  },
  {
    name: 'early-wake',
    about: 'a child tells its parent of its end before it can be found as ended; it is a zombie first',
    origin: 'smplab',
    patches: [
      {
        file: children,
        from: '  lock(Machine.treeLock.at(MACHINE));\n  const reaper = reaperOfLocked(p);',
        to: `  lock(Machine.treeLock.at(MACHINE));
  const early = Process.parent.get(p);
  if (early !== 0) wakeQueue(Process.childQueue.at(early), CHILD_KEY, WAKE_ALL, REASON_CHILD, 0);
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
    scenario: 'child',
    finds: 'lost wakeup',
    schedules: 50,
  },
  {
    name: 'unheld-receiver',
    about:
      'who receives descriptors does not hold its socket, and the collector takes what it can still reach; it holds it',
    origin: 'smplab',
    patches: [
      {
        file: socketControl,
        from: '  const f = holdDescriptor(t, fd);\n  if (f === Frame.file',
        to: '  if (fd >= 0) return 0;\n  const f = holdDescriptor(t, fd);\n  if (f === Frame.file',
      },
    ],
    scenario: 'carrier',
    finds: 'wrong result',
    schedules: 1000,
  },
  {
    name: 'no-grace-period',
    about:
      'a closed file is given back at once, while another CPU may still be looking at it; it waits until every CPU has passed a boundary',
    origin: 'smplab',
    patches: [
      {
        file: quiescence,
        from: '  if (f === 0 || !periodIsOver(File.limboEpoch.get(f), oldestSeenEpoch())) return NULL;',
        to: '  if (f === 0) return NULL;',
      },
    ],
    scenario: 'close-and-write',
    finds: 'race',
    schedules: 100,
  },
  {
    name: 'leak-on-refusal',
    about: 'an interest that comes too late for its epoll keeps its record and its file; both are given back',
    origin: 'smplab',
    patches: [
      {
        file: kevlarInterests,
        from: '  if (r === 0) return 0;\n  freeRecord',
        to: '  if (r === 0 || r === -EBADF) return r;\n  freeRecord',
      },
    ],
    scenario: 'add-and-close',
    design: 'kevlar',
    finds: 'event accounting',
    schedules: 1000,
  },
  {
    name: 'unordered-slot',
    about:
      'a descriptor slot is read as a word of its own, and what lies in the file that it leads to may be older; the read is one that is followed',
    origin: 'smplab',
    patches: [
      {
        file: fdTable,
        from: '  return fileOfSlot(SLOTS.word.followAt(FdTable.slots.get(table), fd));',
        to: '  return fileOfSlot(SLOTS.word.peekAt(FdTable.slots.get(table), fd));',
      },
    ],
    scenario: 'close-and-write',
    finds: 'race',
    schedules: 10_000,
  },
];
