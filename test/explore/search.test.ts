/**
 * Promises of the search: a seed gives the same schedules, a run leaves no trace in the next, what was found is made as short
 * as it can be, and chance that the scheduler does not control is noticed.
 */
import { describe, expect, it } from 'vitest';
import type { Explorer } from '../../src/explore/engine/search.ts';
import { printToken, readToken } from '../../src/explore/engine/token.ts';
import type { GuestBody } from '../../src/stepped/machine.ts';
import { steppedKernel } from '../../src/explore/kernel.ts';
import { bugNamed } from '../../src/explore/names.ts';
import type { FindingKind, Scenario } from '../../src/explore/scenario.ts';
import type { Mutation } from '../../src/stepped/compile.ts';
import { explorerFor, kernelWith } from './zoo-tools.ts';

const kernel = await kernelWith([]);

function explorerOf(name: string): Explorer {
  return kernel.explorerOf(kernel.scenarioNamed(name)!, 'linux', undefined);
}

describe('a search', () => {
  it.each(['random', 'pct', 'pos', 'portfolio'] as const)(
    'by %s gives the same schedules for the same seed',
    (strategy) => {
      const ran = [1, 1, 2].map((seed) => {
        const explorer = explorerOf('ping-pong');
        const { steps } = explorer.search({ strategy, schedules: 200, seed });
        return [steps, ...explorer.scheduler.schedule()].join();
      });
      expect(ran[0]).toBe(ran[1]);
      expect(ran[0]).not.toBe(ran[2]);
    },
  );

  it('says how often pct at depth 1 lets one CPU run undisturbed: half the time; random never does', () => {
    const { pct, random } = kernel.checkPct(4000);
    expect(pct).toBeGreaterThan(0.45);
    expect(pct).toBeLessThan(0.55);
    expect(random).toBe(0);
  });

  it('finds a lost wakeup, made as short as it can be: one CPU is left behind, and comes back', async () => {
    const bug = bugNamed('lost-wakeup')!;
    const explorer = await explorerFor(bug);
    const { found } = explorer.search({ strategy: 'portfolio', schedules: bug.schedules, seed: 7 });
    expect(found?.kind).toBe('lost wakeup');
    expect(found!.switches).toBeLessThanOrEqual(4);
    expect(found!.switchesFirst).toBeGreaterThanOrEqual(found!.switches);
    for (let i = 0; i < 100; i++) expect(explorer.replay(found!.schedule).finding?.message).toBe(found!.message);
  });

  it('notices chance that the scheduler does not control', () => {
    const dices: GuestBody = function* (guest) {
      for (let i = 0; i < 1 + Math.floor(8 * Math.random()); i++) yield guest.call('getpid');
    };
    const machine = { threads: [{ home: 0, body: dices }], cpus: 1, eventfds: [], lock: 'ttas', lockSpins: 2 };
    const scenario: Scenario = { name: 'dice', about: '', designs: ['linux'], machine };
    // One schedule in so many is run twice; the first of each search is. A die may fall alike.
    const search = (): unknown => {
      for (let i = 0; i < 50; i++) {
        kernel.explorerOf(scenario, 'linux', undefined).search({ strategy: 'portfolio', schedules: 1, seed: i });
      }
      return undefined;
    };
    expect(search).toThrow(/source of chance|chance is not controlled/);
  });

  it('finds a livelock: tasks that wait for each other without sleeping', () => {
    const spins: GuestBody = function* (guest) {
      for (;;) yield guest.call('sched_yield');
    };
    const threads = [0, 1].map((home) => ({ home, body: spins }));
    const machine = { threads, cpus: 2, eventfds: [], lock: 'ttas', lockSpins: 2, maxSteps: 4000 };
    const scenario: Scenario = { name: 'spin', about: '', designs: ['linux'], machine };
    const explorer = kernel.explorerOf(scenario, 'linux', undefined);
    expect(explorer.search({ strategy: 'portfolio', schedules: 1, seed: 1, shrinks: false }).found?.kind).toBe(
      'livelock',
    );
  });
});

/** Kernels that are broken in ways which no bug of the zoo is. */
describe('a detector finds', () => {
  const file = (path: string): string => `src/kernel/${path}.ts`;
  const freed = '    freeRecord(Machine.files.at(MACHINE), f);\n  }\n}';
  const broken: readonly (readonly [string, FindingKind, Mutation])[] = [
    ['a file that is never freed', 'leak', { file: file('file/ops-table'), from: freed, to: '  }\n}' }],
    [
      'a file that is written to after it was freed',
      'use after free',
      { file: file('file/ops-table'), from: freed, to: freed.replace(';\n', ';\n    File.readiness.store(f, 1);\n') },
    ],
    [
      'an item of an epoll that goes without being given back',
      'event accounting',
      {
        file: file('epoll/linux/items'),
        from: '  freeRecord(Machine.interests.at(MACHINE), i);\n  return 1;',
        to: '  return 1;',
      },
    ],
  ];
  it.each(broken)('%s: %s', async (name, kind, patch) => {
    const { explorerOf, scenarioNamed } = await steppedKernel({ ...bugNamed('lost-wakeup')!, name, patches: [patch] });
    const { found } = explorerOf(scenarioNamed('add')!, 'linux', undefined).search({
      strategy: 'portfolio',
      schedules: 300,
      seed: 1,
      shrinks: false,
    });
    expect(found?.kind, found?.message).toBe(kind);
  });

  it('starvation: one CPU makes calls for ever, and another never comes out of its own', async () => {
    const from = '  if (low === 0 && high === 0) {\n    unlock(File.lock.at(f));\n    return WAIT;';
    const patch = {
      file: file('file/eventfd'),
      from,
      to: from.replace('return WAIT;', 'for (;;) File.readiness.load(f);'),
    };
    const { explorerOf } = await steppedKernel({ ...bugNamed('lost-wakeup')!, name: 'starves', patches: [patch] });
    const reads: GuestBody = function* (guest) {
      yield guest.call('read', 3, guest.buffer, 8);
    };
    const calls: GuestBody = function* (guest) {
      for (;;) yield guest.call('getpid');
    };
    const threads = [reads, calls].map((body, home) => ({ home, body }));
    const machine = { threads, cpus: 2, eventfds: [0], lock: 'ttas', lockSpins: 2, maxSteps: 4000 };
    const explorer = explorerOf({ name: 'starve', about: '', designs: ['linux'], machine }, 'linux', undefined);
    const { found } = explorer.search({ strategy: 'portfolio', schedules: 1, seed: 1, shrinks: false });
    expect(found).toMatchObject({
      kind: 'starvation',
      message: expect.stringMatching(/CPU 0 has not come out of one call/),
    });
  });
});

describe('a token', () => {
  const token = {
    build: '0123456789',
    scenario: 'one-wakeup',
    design: 'linux',
    bug: '',
    seed: 1,
    schedule: [3, 30, 0, 1_000_000],
  };

  it('is read as it was written, in one line without blanks', () => {
    const text = printToken(token);
    expect(text).toMatch(/^[\w:-]+$/);
    expect(readToken(text)).toEqual(token);
    expect(readToken(` ${text}\n`)).toEqual(token);
  });
  it.each([
    ['of another version', 'v2:x', /begins with 'v1:'/],
    ['cut off at a colon', 'v1:0123456789:one-wakeup', /7 parts/],
    ['cut off in its choices', 'v1:0123456789:one-wakeup:linux:-:1:Ax4A', /cut off/],
    ['with other characters', 'v1:0123456789:one-wakeup:linux:-:1:Ax+4', /no token has/],
  ])('%s is refused with the reason', (_what, text, reason) => {
    expect(() => readToken(text)).toThrow(reason);
  });
});
