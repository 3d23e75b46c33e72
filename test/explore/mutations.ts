/**
 * Promises broken on purpose, by replacing text of the source before it is compiled: `?stepped=NAME` loads the broken
 * kernel, and a test proves that it is noticed. A text that is no longer there is an error, so the proofs stay current.
 */
import type { Mutation } from '../../src/stepped/compile.ts';

const toyQueue = 'test/fixtures/toy-kernel/toy-queue.ts';

export const mutations: Readonly<Record<string, readonly Mutation[]>> = {
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
