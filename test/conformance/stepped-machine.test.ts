// Conformance on the stepped machine: the same kernel, compiled so that one thread runs all CPUs in an order that a seed
// decides, on a clock of its own. What it answers is what machines on threads answer; and what no schedule may change does
// not change.

import { fileURLToPath } from 'node:url';
import { describe, expect, test } from 'vitest';
import { bundledCaseFiles } from '../../src/conform/bundled.ts';
import { sameOutcome } from '../../src/conform/canonical.ts';
import { divergencesOf } from '../../src/conform/divergences/index.ts';
import { CaseRunner, runConform } from '../../src/conform/run.ts';
import { readCaseFile } from '../../src/conform/schema.ts';
import { SteppedJudge } from '../../src/conform/stepped/judge.ts';
import { settledWhy } from '../../src/conform/settled.ts';
import { SteppedCases } from '../../src/conform/stepped/runner.ts';
import { verdictOf } from '../../src/conform/verdict.ts';
import type { ConformCase, Json, Outcome } from '../../src/programs/conform/case.ts';
import { mixed } from '../../src/stepped/strategies.ts';
import { DESIGN_NAMES } from '../../src/kernel/epoll/source-ops.ts';

const bundled: readonly ConformCase[] = bundledCaseFiles().flatMap((path) => [...readCaseFile(path)]);
const threaded = bundled.filter(({ threads }) => Object.keys(threads).length > 0);

const SCHEDULES_MAX = 200;

/** Waits of seconds, which VeridianOS spends looking again every 50 us. */
const YIELDS_LONG = /^(?:shim-epoll-pwait|signal-handler-eintr|E11-no-time-no-signal|E14-mask-opens)$/;

/** Some cases wait for ever on some designs, and a machine on threads is left to it for real seconds. */
function isQuick({ name }: ConformCase): boolean {
  return !/timeout|pwait2?|ready|double-layer|in-and-out|all-writable|add-mod-del|nested-waiter/.test(name);
}

/** Every so-manieth. */
function sample<T>(list: readonly T[], step: number, from = 0): readonly T[] {
  return list.filter((_, i) => i % step === from);
}

describe('the bundled cases', () => {
  test.each(DESIGN_NAMES)('none fails on %s', { timeout: 120_000 }, async (epoll) => {
    const judge = new SteppedJudge(await SteppedCases.boot({ epoll }), divergencesOf(epoll), { first: 1, count: 1 });
    for (const one of bundled) {
      if (epoll === 'veridian' && YIELDS_LONG.test(one.name)) continue;
      const { kind, failure } = await judge.verdict(one);
      expect([one.name, kind, failure]).not.toEqual([one.name, 'failed', failure]);
    }
  });

  test('every kind of argument is read and written as on threads', async () => {
    const files = [fileURLToPath(new URL('../fixtures/argument-kinds.json', import.meta.url))];
    expect((await runConform({ files, engine: 'stepped', boot: { epoll: 'linux' } })).failures).toEqual([]);
  });
});

describe('a schedule', () => {
  // Under many more schedules than these: smplab conform --engine stepped --schedules 1000.
  test.each([1, 2, 3])('gives what Linux gave, or may give, on %i CPUs', { timeout: 120_000 }, async (cpus) => {
    const cases = await SteppedCases.boot({ epoll: 'linux', cpus });
    const judge = new SteppedJudge(cases, [], { first: 1, count: 5 });
    for (const one of threaded) {
      const { kind, failure } = await judge.verdict(one);
      expect({ case: one.name, kind, failure }).toEqual({ case: one.name, kind: 'passed' });
    }
  });

  test('may change the order of the events of a wait, and nothing else', () => {
    const one = threaded.find(({ name }) => name === 'nest2-LL-pipe-pO-both')!;
    const recorded = one.expect[0]!;
    const swap = (thread: string, index: number): Outcome => {
      const results = recorded[thread]!.map((result, i) => {
        if (i !== index || result === 'blocked') return result;
        return { ...result, out: (result.out as Json[]).toReversed() };
      });
      return { ...recorded, [thread]: results };
    };
    expect(settledWhy(one, swap('main', one.main.length - 1))).toMatch('but for the order of events');
    const lost = { ...recorded, main: [...recorded['main']!.slice(0, -1), { ret: 1, out: [['EPOLLIN', 3]] }] };
    expect(settledWhy(one, lost as Outcome)).toBeUndefined();
    // One thread has one order.
    const alone = { ...one, threads: {}, expect: [{ main: recorded['main']! }] };
    expect(settledWhy(alone, { main: swap('main', one.main.length - 1)['main']! })).toBeUndefined();
  });

  // Whatever the schedule: a race is seen where nothing orders two accesses, even if they did not meet.
  test.each(DESIGN_NAMES)('shows no race on %s', { timeout: 120_000 }, async (epoll) => {
    const cases = await SteppedCases.boot({ epoll, cpus: 3 }, true);
    const divergences = divergencesOf(epoll);
    for (const one of sample(threaded.filter(isQuick), 9)) {
      const verdict = verdictOf(one, cases.run(one, mixed(12)), divergences);
      expect([one.name, verdict.failure?.got ?? '']).not.toEqual([one.name, expect.stringContaining('RaceError')]);
    }
  });

  test('gives the same run again, to the last word of memory, whatever ran before it', async () => {
    const cases = await SteppedCases.boot({ epoll: 'linux', cpus: 3 });
    const first = sample(threaded, 20).map((one) => ({ one, run: cases.run(one, mixed(5)), hash: cases.hash() }));
    for (const { one, run, hash } of first.reverse()) {
      expect([one.name, cases.run(one, mixed(5)), cases.hash()]).toEqual([one.name, run, hash]);
    }
  });

  test('makes different runs of different seeds', async () => {
    const cases = await SteppedCases.boot({ epoll: 'linux' });
    const [one] = threaded;
    const hashes = Array.from({ length: 20 }, (_, seed) => {
      cases.run(one!, mixed(seed));
      return cases.hash();
    });
    expect(new Set(hashes).size).toBeGreaterThan(15);
  });
});

describe('the cross-check: on threads and step by step', () => {
  // Chance decides which of several threads comes first, so there the two need only agree on whether the case failed.
  test.each(DESIGN_NAMES)('the same comes of every case on %s', { timeout: 60_000 }, async (epoll) => {
    const divergences = divergencesOf(epoll);
    const stepped = await SteppedCases.boot({ epoll });
    const parallel = new CaseRunner({ epoll, cpus: 2 });
    try {
      for (const one of sample(bundled.filter(isQuick), 12, DESIGN_NAMES.indexOf(epoll))) {
        const seen = stepped.run(one, mixed(1));
        const real = await parallel.run(one);
        if (Object.keys(one.threads).length === 0) {
          const outcomes = [seen, real].map((run) => ('outcome' in run ? run.outcome : run.asleep?.outcome));
          expect([one.name, outcomes[0]]).toEqual([one.name, outcomes[1]]);
        }
        const failed = [seen, real].map((run) => verdictOf(one, run, divergences).kind === 'failed');
        expect([one.name, ...failed]).toEqual([one.name, false, false]);
      }
    } finally {
      await parallel.close();
    }
  });

  // On threads nothing happens that no schedule shows.
  test('what threads answered on Linux, some schedule answers too', { timeout: 60_000 }, async () => {
    const stepped = await SteppedCases.boot({ epoll: 'linux' });
    const parallel = new CaseRunner({ epoll: 'linux', cpus: 2 });
    try {
      for (const one of sample(threaded, 6)) {
        const real = await parallel.run(one);
        const outcome = 'outcome' in real ? real.outcome : {};
        let seed = 0;
        const shows = (): boolean => {
          const run = stepped.run(one, mixed(seed++));
          return 'outcome' in run && sameOutcome(one, run.outcome, outcome);
        };
        while (!shows() && seed < SCHEDULES_MAX);
        expect({ case: one.name, outcome, shown: seed < SCHEDULES_MAX }).toMatchObject({ shown: true });
      }
    } finally {
      await parallel.close();
    }
  });
});

test('a case in which everybody sleeps for ever is told with what each CPU did, at once', async () => {
  const one: ConformCase = {
    name: 'for-ever',
    about: 'nobody writes',
    main: [
      { sys: 'eventfd2', args: [0, 0], as: 'e' },
      { sys: 'read', args: ['$e', { out_u64: 8 }, 8] },
    ],
    threads: {},
    expect: [{ main: [{ ret: 'fd' }, { ret: 8 }] }],
  };
  const cases = await SteppedCases.boot({ epoll: 'linux' });
  const run = cases.run(one, mixed(1));
  expect(run).toMatchObject({ asleep: { outcome: { main: [{ ret: 'fd' }, 'blocked'] } } });
  expect('broken' in run ? run.broken : '').toMatch(
    /^deadlock: .*\n.*CPU 0: idle.*sleeping in read\(eventfd, for ever\)/s,
  );
});
