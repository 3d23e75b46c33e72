/**
 * Promises of `explore`: what goes wrong in some order is found, told with both places and the schedule, and repeated by its
 * token; what never does is explored to the end; loops that wait are recognised, and no wait hangs the test.
 */
import { ExploreError, expectBug, explore, UsageError } from 'smplab/testing';
import { describe, expect, test } from 'vitest';
import * as doors from '../fixtures/explored/doors.ts?explore';
import * as threads from '../fixtures/explored/threads.ts?explore';

type Memory = SharedArrayBuffer;
const named: Readonly<Record<string, (memory: Memory, ...args: unknown[]) => unknown>> = threads;
const of =
  (name: string, ...args: unknown[]) =>
  (memory: Memory) =>
    named[name]!(memory, ...args);
const word = (memory: Memory, at: number): number => new Int32Array(memory)[at]!;

describe('threads that are right are explored to the end', () => {
  test.each([
    ['a spin lock', [of('spinLock'), of('spinLock')]],
    ['a ticket lock', [of('ticketLock'), of('ticketLock')]],
    ['a loop over two words', [of('awaitBoth'), of('setBoth')]],
    ['bytes of one word', [of('writeByte', 0), of('writeByte', 1), of('writeByte', 2)]],
    [
      'a sleeper that is told',
      [
        of('sleep'),
        function* (m: Memory) {
          yield* threads.storeWord(m, 1);
          yield* threads.wake(m, 1);
        },
      ],
    ],
  ])('%s', async (_name, list) => {
    const explored = await explore({ memory: 64, threads: list, strategy: 'dpor' });
    expect(explored).toMatchObject({ verdict: 'complete' });
    expect(await explore({ memory: 64, threads: list })).toMatchObject({ verdict: 'complete' });
  });

  test('and what they leave is looked at after each run', async () => {
    const ends = new Set<number>();
    await explore({
      memory: 64,
      threads: [of('increment'), of('increment')],
      strategy: 'dpor',
      check: (memory) => void ends.add(word(memory, 0)),
    });
    expect([...ends].sort()).toEqual([1, 2]);
  });

  test('a loop that waits ends in every way in which it can', async () => {
    const ends = new Set<number>();
    const check = (memory: Memory) => void ends.add(word(memory, 7));
    await explore({ memory: 64, threads: [of('afterFlag'), of('flagThenSteps')], check, strategy: 'dpor' });
    expect([...ends].sort()).toEqual([0, 1, 2, 3]);
  });

  test('elements of different sizes are one word where they overlap', async () => {
    const ends = new Set<number>();
    const check = (memory: Memory) => void ends.add(word(memory, 7));
    await explore({ memory: 64, threads: [of('addWide'), of('readHigh')], check, strategy: 'dpor' });
    expect([...ends].sort()).toEqual([0, 1]);
  });

  test('what is written before a notify is there for whoever it wakes', async () => {
    const explored = await explore({ memory: 64, threads: [of('readIfWoken'), of('writeAndWake')], strategy: 'dpor' });
    expect(explored).toMatchObject({ verdict: 'complete' });
  });

  test('a loop that gives up does so at any time, or finds what it waits for', async () => {
    const ends = new Set<number>();
    const check = (memory: Memory) => void ends.add(word(memory, 7));
    await explore({ memory: 64, threads: [of('tryFor', 100), of('storeWord', 6)], check, strategy: 'dpor' });
    expect([...ends].sort()).toEqual([0, 1]);
    ends.clear();
    await explore({ memory: 64, threads: [of('tryFor', 100), of('storeWord', 5)], check, strategy: 'dpor' });
    expect([...ends]).toEqual([1]);
  });
});

describe('what is wrong is found:', () => {
  test('a lost wakeup, with what the sleeper waits for and who is left', async () => {
    const bug = await expectBug({ memory: 64, threads: { sleeper: of('sleepUnlessSet'), waker: of('setAndWake') } });
    expect(bug).toMatchObject({ kind: 'deadlock', switches: 2 });
    expect(bug.message).toMatch(/^deadlock: sleeper sleeps, and nobody is left to wake it\n/);
    expect(bug.message).toMatch(
      /sleeper {2}sleeps at .*threads.ts:\d+ {2}Atomics.wait\(w, 1, 0\); the word still holds 0/,
    );
    expect(bug.trace).toMatch(
      /│ +\d+ {2}Atomics.notify\(w, 1\) {2}wakes nobody\n +\d+ {2}Atomics.wait\(w, 1, 0\) {2}sleeps/,
    );
    expect(bug.stack).toMatch(/at sleeper \(.*fixtures\/explored\/threads.ts:\d+:\d+\)/);
  });

  test.each(['portfolio', 'dpor'] as const)(
    'by %s, a lost wakeup behind a loop that counts its turns',
    async (strategy) => {
      const threads = { sleeper: of('spinThenSleep', 50), waker: of('flagAndWake') };
      const bug = await expectBug({ memory: 64, threads, strategy }, 'deadlock');
      expect(bug.trace).toMatch(/Atomics.load\(w, 6\) {2}→ 0 {2}\(50 times\)/);
      await expectBug({ memory: 64, threads, replay: bug.token }, 'deadlock');
    },
  );

  test('spinning for what nobody does', async () => {
    const bug = await expectBug({ memory: 64, threads: [of('afterYou', 0, 1), of('afterYou', 1, 0)] }, 'livelock');
    expect(bug.message).toMatch(/^livelock: every thread spins on what nobody changes any more/);
  });
  test('a loop of plain reads, which other threads cannot end', async () => {
    const bug = await expectBug({ memory: 64, threads: [of('plainSpin')] }, 'livelock');
    expect(bug.message).toMatch(/a loop reads or writes elements/);
  });
  test('a thread that has no end', async () => {
    await expectBug({ memory: 64, threads: [of('forEver')], maxSteps: 500 }, 'livelock');
  });

  test('a throw, by the thread that threw', async () => {
    const bug = await expectBug({ memory: 64, threads: { steps: of('twentySteps'), looker: of('notBetween') } });
    expect(bug).toMatchObject({ kind: 'assertion', switches: 1 });
    expect(bug.message).toMatch(/^assertion: saw \d+\n\n {2}thrown by looker at .*threads.ts/);
  });
  test('a result that check does not like', async () => {
    const check = (memory: Memory) => expect(word(memory, 0)).toBe(2);
    const bug = await expectBug({ memory: 64, threads: [of('increment'), of('increment')], check }, 'wrong result');
    expect(bug.cause).toMatchObject({ actual: 1, expected: 2 });
  });

  test.each([
    ['two plain writes', [of('writeByte', 1), of('writeByte', 1)], /^data race: .*writes/],
    ['a byte and the word around it', [of('writeByte', 5), of('readWord', 1)], /^data race/],
    [
      'a plain read beside an Atomics.store',
      [of('storeWord', 1), of('readWord', 1)],
      /One of the two is no Atomics operation/,
    ],
    ['one that the program catches', [of('catches'), of('catches')], /^data race/],
    ['one in memory of the module', [of('moduleMemory'), of('moduleMemory')], /own\[1\]!\+\+/],
  ])('a data race: %s', async (_name, list, message) => {
    const bug = await expectBug({ memory: 64, threads: list }, 'data race');
    expect(bug.message).toMatch(message);
  });

  test.each(['random', 'sticky', 'pct', 'pos', 'portfolio', 'dpor'] as const)('by %s', async (strategy) => {
    const lost = { memory: 64, threads: [of('sleepUnlessSet'), of('setAndWake')], strategy };
    await expectBug({ ...lost, seed: 20261121 }, 'deadlock');
  });
});

describe('against the doors', () => {
  const puts = (early: boolean) => (memory: Memory) => doors.put(memory, 3, early);
  const takes = function* (memory: Memory) {
    if ((yield* doors.take(memory)) !== 7) throw new Error('took another value');
  };

  test('what is right is explored to the end', async () => {
    const box = { memory: 256, threads: [puts(false), takes] };
    expect(await explore(box)).toMatchObject({ verdict: 'complete' });
    const counters = [1, 2].map((by) => (memory: Memory) => doors.count(memory, by));
    expect(await explore({ memory: 256, threads: counters, strategy: 'dpor' })).toMatchObject({ verdict: 'complete' });
  });
  test('a flag that is raised too early is a race, of named fields', async () => {
    const bug = await expectBug({ memory: 256, threads: { puts: puts(true), takes } }, 'data race');
    expect(bug.message).toMatch(/takes {2}read at .*doors.ts:\d+ {2}Box.value.get\(BOX\)/);
    expect(bug.message).toMatch(/puts {3}wrote at .*doors.ts:\d+ {2}Box.value.set\(BOX, value\)/);
  });
});

describe('a schedule', () => {
  const lost = { memory: 64, threads: { sleeper: of('sleepUnlessSet'), waker: of('setAndWake') } };

  test('is repeated by its token, every time', async () => {
    const { token, trace } = await expectBug(lost);
    for (let i = 0; i < 100; i++) {
      const again = await expectBug({ ...lost, replay: token });
      expect(again).toMatchObject({ kind: 'deadlock', token, trace });
    }
  });
  test('of other code is refused, and so is what is none', async () => {
    const { token } = await expectBug(lost);
    const other = token.replace(/-\w{8}-/, '-00000000-');
    await expect(explore({ ...lost, replay: other })).rejects.toThrow(/of modules 00000000, and these are \w{8}/);
    await expect(explore({ ...lost, replay: 'smplab9-00000000-AA' })).rejects.toThrow(/one of smplab9/);
    await expect(explore({ ...lost, replay: 'nonsense' })).rejects.toThrow(UsageError);
  });
  test('that repeats no bug any more passes', async () => {
    const { token } = await expectBug(lost);
    const mended = { ...lost, setup: (memory: Memory) => void Atomics.store(new Int32Array(memory), 1, 1) };
    expect(await explore({ ...mended, replay: token })).toMatchObject({ verdict: 'ok', schedules: 1 });
  });
});

describe('sleeping', () => {
  test('with a time-out ends in both ways, and notify wakes no more than it is asked to', async () => {
    const ends = new Set<string>();
    const check = (memory: Memory): void => {
      const [ok, timedOut, , woken] = [2, 3, 4, 5].map((at) => word(memory, at));
      expect(woken).toBe(ok);
      expect(ok! + timedOut!).toBe(2);
      ends.add(`${ok} woken`);
    };
    await explore({ memory: 64, threads: [of('sleep', 10), of('sleep', 10), of('wake', 1)], check, strategy: 'dpor' });
    expect([...ends].sort()).toEqual(['0 woken', '1 woken']);
  });
});

describe('what is asked for wrongly is refused', () => {
  test('threads that depend on more than memory and order', async () => {
    await expect(explore({ memory: 64, threads: [of('depends')] })).rejects.toThrow(/variables of a module/);
  });
  test('a thread that does not hand back what it called', async () => {
    const thread = (memory: Memory): void => {
      threads.increment(memory);
    };
    await expect(explore({ memory: 64, threads: { incrementer: thread } })).rejects.toThrow(
      /^incrementer calls increment\(\) \(.*threads.ts:\d+\) and does not run what it returns/,
    );
    const several = function* (memory: Memory) {
      yield* threads.increment(memory);
      threads.increment(memory);
    };
    await expect(explore({ memory: 64, threads: [several] })).rejects.toThrow(/calls increment\(\)/);
    await expect(explore({ memory: 64, threads: { idler: () => {} } })).rejects.toThrow(/^idler did not return/);
  });
  test('a bug expected where there is none, or another one', async () => {
    const right = { memory: 64, threads: [of('increment')] };
    await expect(expectBug(right)).rejects.toThrow(/found none in \d+ schedules; these are all that there are/);
    const wrong = { memory: 64, threads: [of('writeByte', 1), of('writeByte', 1)] };
    await expect(expectBug(wrong, 'deadlock')).rejects.toThrow(/expected a deadlock, and found a data race/);
    await expect(explore(wrong)).rejects.toThrow(ExploreError);
  });
});
