/**
 * Steps of this kernel's own arguments, left out or done in the wrong order: what a search of its schedules has found, or
 * would find. Those of waiting, of epoll, and of quiet.
 */
import type { Bug } from '../scenario.ts';
import {
  idle,
  linuxItems,
  linuxReady,
  processCalls,
  readWrite,
  sleep,
  wake,
  waitQueue,
  wasixSubscriptions,
} from './files.ts';

const SECOND_ATTEMPT = `    if (stood === YIELD) noteYield(fr);
    return stood;
  }
  const r = syscallOps[call]!.attempt(t, fr);
`;

export const smplabWaitBugs: readonly Bug[] = [
  {
    name: 'count-late',
    about:
      'a waiter is counted only after its second look, so a waker that looks in between goes by; it is counted when it is listed',
    origin: 'smplab',
    patches: [
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
        from: SECOND_ATTEMPT,
        to: `${SECOND_ATTEMPT}  WaitQueue.waiterCount.add(WaitEntry.queue.get(Task.waits.get(t)), 1);
`,
      },
    ],
    scenario: 'one-wakeup',
    finds: 'lost wakeup',
    schedules: 1000,
  },
  {
    name: 'late-note',
    about: 'a waker notes the time in a task that it has given away already; it notes it before',
    origin: 'smplab',
    patches: [
      { file: wake, from: '      if (PROFILE) Task.wokenAtNs.set(t, hostNow());\n', to: '\n' },
      {
        file: wake,
        from: '      enqueueRunnable(t);\n      return 1;',
        to: '      enqueueRunnable(t); Task.wokenAtNs.set(t, hostNow());\n      return 1;',
      },
    ],
    scenario: 'ping-pong',
    finds: 'race',
    schedules: 10,
  },
  {
    name: 'signal-before-look',
    about:
      'a read that finds nothing and then a signal ends with EINTR, though bytes came before the signal; it looks once more',
    origin: 'smplab',
    patches: [{ file: readWrite, from: '  interrupted: readInterrupted,', to: '  interrupted: countOrRestart,' }],
    scenario: 'data-then-signal',
    finds: 'wrong result',
    schedules: 200,
  },
  {
    name: 'quiet-one-look',
    about:
      'whether all CPUs idle is looked at once, and a CPU that comes back meanwhile is taken for deadlocked; it is looked at twice',
    origin: 'smplab',
    patches: [{ file: idle, from: '  if (Machine.idling.load(MACHINE) !== idling) return 1;\n', to: '\n' }],
    scenario: 'nap',
    finds: 'deadlock',
    schedules: 200,
  },
  {
    name: 'quiet-by-number',
    about:
      'the second look at idle CPUs counts them alone, and does not see that one stopped and came back; it sees the stops',
    origin: 'smplab',
    patches: [
      {
        file: idle,
        from: '  if (Machine.idling.load(MACHINE) !== idling) return 1;\n',
        to: '  if ((Machine.idling.load(MACHINE) & IDLERS) !== cpus) return 1;\n',
      },
    ],
    scenario: 'nap',
    finds: 'deadlock',
    schedules: 2000,
  },
  {
    name: 'settle-in-vain',
    about: 'who waits for others to look in vain is taken for one who looked in vain itself; its look says nothing',
    origin: 'smplab',
    patches: [{ file: sleep, from: '    if (r === YIELD) endInVain();\n', to: '\n' }],
    scenario: 'settled',
    finds: 'deadlock',
    schedules: 500,
  },
  {
    name: 'settle-note-late',
    about:
      'whether a thread is quiet is read from its state and then from its note, which may be of a later look; the note comes first',
    origin: 'smplab',
    patches: [
      {
        file: processCalls,
        from: '  const notYetAt = Task.notYetAt.load(other);\n  const state = Task.state.load(other);\n',
        to: '  const state = Task.state.load(other);\n  const notYetAt = Task.notYetAt.load(other);\n',
      },
    ],
    scenario: 'settled-signal',
    finds: 'wrong result',
    schedules: 2000,
  },
];

export const smplabEpollBugs: readonly Bug[] = [
  {
    name: 'add-looks-first',
    about: 'an item of an epoll looks at its file before it stands in its queue, and not after; it stands there first',
    origin: 'smplab',
    patches: [
      {
        file: linuxItems,
        from: `  standCallback(queueForFile(LinuxItem.file.get(i)), LinuxItem.stand.at(i), i, exclusive);
  announce(e, i, t);`,
        to: `  announce(e, i, t);
  standCallback(queueForFile(LinuxItem.file.get(i)), LinuxItem.stand.at(i), i, exclusive);`,
      },
    ],
    scenario: 'add',
    design: 'linux',
    finds: 'deadlock',
    schedules: 1000,
  },
  {
    name: 'mod-looks-first',
    about: 'MOD looks at the file with the old mask; it stores the new one first',
    origin: 'smplab',
    patches: [
      {
        file: linuxItems,
        from: '  storeEvents(i, event);\n  announce(e, i, t);',
        to: '  announce(e, i, t);\n  storeEvents(i, event);',
      },
    ],
    scenario: 'rearm',
    design: 'linux',
    finds: 'deadlock',
    schedules: 100,
  },
  {
    name: 'deaf-harvest',
    about: 'what becomes ready while a harvest hands events out is put nowhere; it goes to the overflow',
    origin: 'smplab',
    patches: [
      {
        file: linuxReady,
        from: '    if (LinuxItem.nextOverflow.get(i) !== 0) return;',
        to: '    if (LinuxItem.nextOverflow.get(i) === 0) return;',
      },
    ],
    scenario: 'two-edges',
    design: 'linux',
    finds: 'deadlock',
    schedules: 2000,
  },
  {
    name: 'primes-first',
    about:
      'a new subscription is told what is so before its handler is in, and misses what comes between; the handler comes first',
    origin: 'smplab',
    patches: [
      {
        file: wasixSubscriptions,
        from: `  standCallback(queueForFile(f), WasixSub.stand.at(s), s, 0);
  const ready = pendingBitsOf(fileOps[File.kind.get(f)]!.poll(f, t));`,
        to: `  const ready = pendingBitsOf(fileOps[File.kind.get(f)]!.poll(f, t));
  standCallback(queueForFile(f), WasixSub.stand.at(s), s, 0);`,
      },
    ],
    scenario: 'add',
    design: 'wasix',
    finds: 'deadlock',
    schedules: 2000,
  },
];
