/**
 * Promises broken on purpose, by replacing text of the source before it is compiled: `?stepped=NAME` loads the broken
 * kernel, and a test proves that it is noticed. A text that is no longer there is an error, so the proofs stay current.
 *
 * All of the zoo's bugs are here, by their names; some by that of the step that they leave out; and those of the toy kernel.
 */
import { eventfd, trapLoop } from '../../src/explore/zoo/files.ts';
import { bugs } from '../../src/explore/zoo/index.ts';
import type { Mutation } from '../../src/stepped/compile.ts';

const toyQueue = 'test/fixtures/toy-kernel/toy-queue.ts';

const zoo: Readonly<Record<string, readonly Mutation[]>> = Object.fromEntries(
  bugs.map(({ name, patches }) => [name, patches]),
);

export const mutations: Readonly<Record<string, readonly Mutation[]>> = {
  ...zoo,
  /** A task goes to sleep without looking once more after it stands in the queue. */
  'one-look': zoo['lost-wakeup']!,
  /** The commit to sleep looks at the state and then stores it, instead of doing both at once. */
  'plain-commit': zoo['lost-task']!,
  /** WASIX: bits that come between the taking of others and the clearing of the mark are forgotten. */
  'no-repair': zoo['lost-on-drain']!,
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
};
