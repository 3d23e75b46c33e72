/**
 * Kevlar's bugs of signals, polls and timers: most need no race, and show as a wrong answer or a sleep without end.
 *
 * Source: levkropp/kevlar, its blog and its history.
 */
import type { Bug } from '../scenario.ts';
import {
  deliver,
  kevlarCollect,
  kevlarInstance,
  kevlarSource,
  lifetime,
  pipe,
  pollCalls,
  readWrite,
  sleep,
  tick,
} from './files.ts';

const TAKES_UNBLOCKED = `    const signal = takePendingLocked(t, p, ~Task.blockedLow.peek(t), ~Task.blockedHigh.peek(t));
    if (signal === 0) {`;

export const kevlarAnswerBugs: readonly Bug[] = [
  {
    number: 7,
    name: 'blocked-signal-lost',
    about:
      'delivery takes the first pending signal and looks at the mask then: a blocked one is discarded; now only what is open is taken',
    origin: 'Kevlar',
    patches: [
      {
        file: deliver,
        from: TAKES_UNBLOCKED,
        to: `    const signal = takePendingLocked(t, p, -1, -1);
    if (signal !== 0 && blocks(t, signal)) {
      unlockIrqOn(Process.signalLock.at(p));
      continue;
    }
    if (signal === 0) {`,
      },
      {
        file: deliver,
        from: "import { tellParent } from './stop-report.ts';",
        to: "import { tellParent } from './stop-report.ts';\nimport { blocks } from './target.ts';",
      },
    ],
    scenario: 'blocked-signal',
    finds: 'wrong result',
    schedules: 10,
  },
  {
    number: 8,
    name: 'spurious-eintr',
    about: 'a wait ends with EINTR if any signal is pending, blocked or not; now only an open one ends it',
    origin: 'Kevlar',
    patches: [
      {
        file: sleep,
        from: '  if (attention !== 0 && signalDeliverable(t) === 1)',
        to: `  const p = Task.process.get(t) as ProcessPtr;
  if ((pendingLowOf(t, p) | pendingHighOf(t, p)) !== 0)`,
      },
      {
        file: sleep,
        from: "import { signalDeliverable } from '../signal/deliver.ts';",
        to: "import type { ProcessPtr } from '../process/process.ts';\nimport { pendingHighOf, pendingLowOf } from '../signal/pending.ts';",
      },
    ],
    scenario: 'blocked-wait',
    finds: 'wrong result',
    schedules: 100,
  },
  {
    number: 9,
    name: 'mask-off-by-one',
    about: 'the bit of a signal in a mask is 1 << signal: every mask means its neighbour; now it is 1 << (signal - 1)',
    origin: 'Kevlar',
    patches: [
      {
        file: deliver,
        from: TAKES_UNBLOCKED,
        to: TAKES_UNBLOCKED.replace('~Task.blockedLow.peek(t)', '~(Task.blockedLow.peek(t) >>> 1)'),
      },
    ],
    scenario: 'blocked-signal',
    finds: 'wrong result',
    schedules: 10,
  },
  {
    number: 10,
    name: 'eintr-before-result',
    about:
      'a woken call looks for signals before it looks for what it waited for, and throws the answer away; now the condition comes first',
    origin: 'Kevlar',
    patches: [
      {
        file: sleep,
        from: `  const r = syscallOps[call]!.attempt(t, fr);
  if (r !== WAIT) {
    leaveQueues(t, 1);
    // It waits`,
        to: `  const early = mustLeave(t, fr, call);
  if (early !== WAIT) {
    leaveQueues(t, 0);
    return early;
  }
  const r = syscallOps[call]!.attempt(t, fr);
  if (r !== WAIT) {
    leaveQueues(t, 1);
    // It waits`,
      },
      { file: readWrite, from: '  interrupted: readInterrupted,', to: '  interrupted: countOrRestart,' },
    ],
    scenario: 'data-then-signal',
    finds: 'wrong result',
    schedules: 10,
  },
  {
    number: 11,
    name: 'timeout-never-comes',
    about: 'a timeout is looked at when something else wakes the poll queue, and nothing does; now every tick wakes it',
    origin: 'Kevlar',
    patches: [
      {
        file: kevlarSource,
        from: '  return wakeEverybody(Machine.globalQueue.at(MACHINE), REASON_TICK, 0, 0);',
        to: '  return REASON_TICK - REASON_TICK;',
      },
    ],
    scenario: 'lonely-timeout',
    finds: 'livelock',
    schedules: 10,
  },
  {
    number: 12,
    name: 'poll-zero-blind',
    about: 'poll looks at its timeout before its files, so poll with 0 finds nothing ready; now the files come first',
    origin: 'Kevlar',
    patches: [
      {
        file: pollCalls,
        from: `  let ready = 0;
  openClockPass();`,
        to: `  let ready = 0;
  if (Frame.nonblocking.get(fr) === 1) return nothingCame(t);
  openClockPass();`,
      },
    ],
    scenario: 'poll-at-once',
    finds: 'wrong result',
    schedules: 10,
  },
  {
    number: 13,
    name: 'epoll-spins',
    about:
      'a file that says nothing of its readiness is ready for reading and writing, and an epoll that watches it never sleeps; now it is ready for nothing',
    origin: 'Kevlar',
    patches: [
      {
        file: lifetime,
        from: '  File.kind.set(f, kind);',
        to: '  File.readiness.store(f, EPOLLIN | EPOLLOUT);\n  File.kind.set(f, kind);',
      },
      {
        file: lifetime,
        from: "import { NULL } from '../../shared-mem/pointer.ts';",
        to: "import { NULL } from '../../shared-mem/pointer.ts';\nimport { EPOLLIN, EPOLLOUT } from '../abi/flags-event.ts';",
      },
    ],
    scenario: 'idle-source',
    finds: 'wrong result',
    schedules: 50,
  },
  {
    number: 14,
    name: 'frozen-poll-cache',
    about:
      'a poll cache trusts a generation that grows only where edges are watched, and level triggering freezes; now a generation nobody keeps is 0, and not trusted',
    origin: 'Kevlar',
    patches: [
      {
        file: kevlarCollect,
        from: '  return Changes.watchers.load(changes) !== 0 ? Changes.count.load(changes) : 0;',
        to: '  return Changes.count.load(changes);',
      },
    ],
    scenario: 'level-pipe',
    finds: 'deadlock',
    schedules: 10,
  },
  {
    number: 18,
    name: 'interleaved-writes',
    about:
      'the elements of a writev are written under a lock each, and another call comes between them; now one lock covers the call',
    origin: 'Kevlar',
    patches: [
      {
        file: pipe,
        from: '  const moved = putBytes(p, t, fr, before, total, isPacketMode(f));',
        to: `  let moved = putBytes(p, t, fr, before, Math.min(total, 4), isPacketMode(f));
  unlock(Pipe.lock.at(p));
  lock(Pipe.lock.at(p));
  // The rest of the call begins a slot of its own.
  if (moved === 4 && total > 4) moved = putBytes(p, t, fr, moved, total, isPacketMode(f));`,
      },
    ],
    scenario: 'two-writevs',
    finds: 'wrong result',
    schedules: 500,
  },
  {
    number: 27,
    name: 'self-add',
    about:
      'an epoll may watch itself, and its next look takes a lock that it holds; now it refuses (EINVAL, and ELOOP for a circle)',
    origin: 'Kevlar',
    patches: [
      { file: kevlarInstance, from: '  let r = target === f ? -EINVAL : 0;', to: '  let r = 0;' },
      { file: kevlarInstance, from: '  if (r === 0) r = mayNest(e, kevlarOf(target));\n', to: '' },
    ],
    scenario: 'self-add',
    finds: 'lock order',
    schedules: 10,
  },
  {
    number: 30,
    name: 'tick-aliasing',
    about:
      'every CPU takes its ticks off the timers that all share, so they run as many times too fast; now each charges what it ran itself',
    origin: 'Kevlar',
    patches: [
      {
        file: tick,
        from: `  const t = Cpu.current.get(cpu) as TaskPtr;
  if (t === 0) return;
  const p = Task.process.get(t) as ProcessPtr;`,
        to: `  if (Machine.liveTasks.load(MACHINE) === 0) return;
  const p = recordAt(Machine.processes.at(MACHINE), 0) as ProcessPtr;`,
      },
      {
        file: tick,
        from: "import { generationOf } from '../../shared-mem/slab.ts';",
        to: "import { generationOf, recordAt } from '../../shared-mem/slab.ts';",
      },
    ],
    scenario: 'idle-process',
    finds: 'wrong result',
    schedules: 10,
  },
];
