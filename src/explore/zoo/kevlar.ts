/**
 * Kevlar's bugs of waiting and waking, each as the reverse of its mending. Numbers in the sentences are those of its
 * history as this project counts them.
 *
 * Source: levkropp/kevlar, its blog and its history.
 */
import type { Bug } from '../scenario.ts';
import { eventfd, runQueue, sleep, tick, timers, trapLoop, waitQueue } from './files.ts';

const SECOND_ATTEMPT = `  const r = syscallOps[call]!.attempt(t, fr);
  if (r !== WAIT) {
    leaveQueues(t, 1);
    return r;
  }
  noteNotYet(t);
  armDeadline(t, fr);`;

export const kevlarWakeupBugs: readonly Bug[] = [
  {
    number: 1,
    name: 'lost-task',
    about:
      'who goes to sleep looks at its state and then stores it: a wake that comes between is overwritten; now one compareExchange does both',
    origin: 'Kevlar',
    patches: [
      {
        file: trapLoop,
        from: 'if (Task.state.compareExchange(t, TASK_RUNNING, TASK_SLEEPING) === TASK_RUNNING) return SLEEP;',
        to: 'if (Task.state.load(t) === TASK_RUNNING) { Task.state.store(t, TASK_SLEEPING); return SLEEP; }',
      },
    ],
    scenario: 'one-wakeup',
    finds: 'lost wakeup',
    schedules: 5000,
  },
  {
    number: 2,
    name: 'lost-wakeup',
    about:
      'a task checks, enqueues and sleeps: a change in between finds no waiter; now it checks again after it stands in the queue',
    origin: 'Kevlar',
    patches: [{ file: sleep, from: SECOND_ATTEMPT, to: '  armDeadline(t, fr);' }],
    scenario: 'one-wakeup',
    finds: 'lost wakeup',
    schedules: 200,
  },
  {
    number: 3,
    name: 'double-enqueue',
    about:
      'a task whose second check succeeds resumes itself, and so is listed as runnable while it runs; now it just goes on',
    origin: 'Kevlar',
    patches: [
      {
        file: sleep,
        from: SECOND_ATTEMPT,
        to: SECOND_ATTEMPT.replace('    leaveQueues(t, 1);\n', '    leaveQueues(t, 1);\n    enqueueRunnable(t);\n'),
      },
      {
        file: sleep,
        from: "import { leavesBetween } from './stand-again.ts';",
        to: "import { enqueueRunnable } from '../task/run-queue.ts';\nimport { leavesBetween } from './stand-again.ts';",
      },
    ],
    scenario: 'ping-pong',
    finds: 'assertion',
    schedules: 20,
  },
  {
    number: 4,
    name: 'long-hold',
    about:
      'whoever wakes a queue resumes all its tasks with the queue locked; now it takes them off, lets go, and then resumes',
    origin: 'Kevlar',
    patches: [
      {
        file: waitQueue,
        from: `    release(WaitQueue.lock.at(q));
    woken += wakeBatch(reason);
    if (!more) break;`,
        to: `    woken += wakeBatch(reason);
    release(WaitQueue.lock.at(q));
    if (!more) break;`,
      },
    ],
    scenario: 'one-wakeup',
    finds: 'assertion',
    schedules: 20,
  },
  {
    number: 5,
    name: 'timer-scheduler-order',
    about:
      'expired timers resume under the timer lock, and the scheduler looks at timers under its own; now a timer is taken, the lock released, and then its task resumed',
    origin: 'Kevlar',
    patches: [
      {
        file: runQueue,
        from: '  if (node !== 0) Cpu.runCount.sub(cpu, 1);\n',
        to: '  if (node !== 0) Cpu.runCount.sub(cpu, 1);\n  if (node !== 0) earliestDeadline(cpu);\n',
      },
      {
        file: runQueue,
        from: "import type { TaskPtr } from './task.ts';",
        to: "import { earliestDeadline } from '../time/timers.ts';\nimport type { TaskPtr } from './task.ts';",
      },
      {
        file: timers,
        from: '  Cpu.nextDeadlineNs.set(cpu, next);\n  unlockIrqOn',
        to: `  const resumed = due === 0 || Timer.kind.get(due) !== TIMER_TASK ? 0 : Timer.owner.get(due);
  if (resumed !== 0) wakeTask(resumed as TaskPtr, generationOf(resumed), REASON_TIMEOUT, 0, 0);
  Cpu.nextDeadlineNs.set(cpu, next);
  unlockIrqOn`,
      },
      {
        file: timers,
        from: "import { Cpu } from '../cpu/cpu.ts';",
        to: `import { Cpu } from '../cpu/cpu.ts';
import { generationOf } from '../../shared-mem/slab.ts';
import type { TaskPtr } from '../task/task.ts';
import { REASON_TIMEOUT } from '../task/task.ts';
import { wakeTask } from '../task/wake.ts';`,
      },
    ],
    scenario: 'short-timeout',
    finds: 'lock order',
    schedules: 10,
  },
  {
    number: 6,
    name: 'sleep-race',
    about:
      'a deadline that expires between its arming and the sleep finds a task that is not asleep yet, and wakes nobody; now the task is marked as woken, and does not sleep',
    origin: 'Kevlar',
    patches: [
      {
        file: tick,
        from: '    if (kind === TIMER_TASK) wakeTask(',
        to: '    if (kind === TIMER_TASK && Task.state.load(owner as TaskPtr) === TASK_RUNNING) continue;\n    if (kind === TIMER_TASK) wakeTask(',
      },
      {
        file: tick,
        from: 'import { REASON_TIMEOUT, Task } from',
        to: 'import { REASON_TIMEOUT, Task, TASK_RUNNING } from',
      },
    ],
    scenario: 'short-timeout',
    finds: 'deadlock',
    schedules: 200,
  },
  {
    number: 16,
    name: 'holder-preempted',
    about:
      'a task is preempted while it holds a lock, and everybody spins until its next turn; now nobody leaves the CPU with a lock held',
    origin: 'Kevlar',
    patches: [
      {
        file: eventfd,
        from: `  const full = high > 0xffffffff || (high === 0xffffffff && low >>> 0 === 0xffffffff);`,
        to: `  if (Cpu.needResched.get(cpu) === 1) return YIELD;
  const full = high > 0xffffffff || (high === 0xffffffff && low >>> 0 === 0xffffffff);`,
      },
      {
        file: eventfd,
        from: "import { Frame, WAIT } from '../task/task.ts';",
        to: "import { cpu } from '../../shared-mem/self.ts';\nimport { Cpu } from '../cpu/cpu.ts';\nimport { Frame, WAIT, YIELD } from '../task/task.ts';",
      },
    ],
    scenario: 'shared-cpu',
    finds: 'assertion',
    schedules: 500,
  },
  {
    number: 17,
    name: 'interrupt-takes-lock',
    about:
      'a run queue is locked with interrupts on, and a handler on the same CPU takes the lock again; now they are off while it is held',
    origin: 'Kevlar',
    patches: [
      {
        file: runQueue,
        from: '  interruptsOff();\n  acquire(Cpu.runLock.at(cpu));',
        to: '  acquire(Cpu.runLock.at(cpu));',
      },
      {
        file: runQueue,
        from: '  release(Cpu.runLock.at(cpu));\n  interruptsOn();',
        to: '  release(Cpu.runLock.at(cpu));',
      },
    ],
    scenario: 'one-wakeup',
    finds: 'lock order',
    schedules: 10,
  },
  {
    number: 28,
    name: 'dekker',
    about:
      'an eventfd publishes its readiness by a plain store before it looks for waiters: a CPU that delays its stores sees none, and is not seen; now that store is sequentially consistent',
    origin: 'Kevlar',
    patches: [
      {
        file: eventfd,
        from: '  if (File.readiness.peek(f) !== ready) File.readiness.store(f, ready);\n',
        to: '  if (ready === EPOLLOUT) File.readiness.store(f, ready);\n',
      },
      {
        file: eventfd,
        from: '  if (full) return WAIT;\n',
        to: '  if (full) return WAIT;\n  File.readiness.poke(f, EPOLLIN | EPOLLOUT);\n',
      },
    ],
    scenario: 'poll-wakeup',
    finds: 'lost wakeup',
    schedules: 3000,
    memory: 'tso',
  },
  {
    number: 29,
    name: 'stale-queue-entry',
    about:
      'a task that a signal woke stays in its queue, and the next wake for one is spent on it; now it leaves the queue before its call ends',
    origin: 'Kevlar',
    patches: [
      {
        file: sleep,
        from: '    if (PROFILE) classLeft(t, fr);\n    leaveQueues(t, 0);\n',
        to: '    if (PROFILE) classLeft(t, fr);\n',
      },
    ],
    scenario: 'leaver-and-stayer',
    finds: 'lost wakeup',
    schedules: 10,
  },
];
