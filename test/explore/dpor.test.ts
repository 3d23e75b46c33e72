/**
 * Promises: the exhaustive search completes each trace of a program exactly once, so that its counts are those that GenMC's
 * own tests give for sequential consistency; and it reaches every end that the search without reduction reaches, on
 * programs that nobody chose.
 */
import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { counts } from '../../src/explore/dpor/counts.ts';
import { exploreSchedules } from '../../src/explore/dpor/dfs.ts';
import type { Exploration, ExploreOptions } from '../../src/explore/dpor/dpor.ts';
import { exploreAll } from '../../src/explore/dpor/dpor.ts';
import type { Program } from '../../src/explore/dpor/execution.ts';
import { litmus } from '../../src/explore/dpor/litmus.ts';
import type { CpuPtr } from '../../src/shared-mem/pointer.ts';
import { attach, I32 } from '../../src/stepped/doors/self.ts';
import { steering, watcher } from '../../src/stepped/doors/steering.ts';

test('its counts are those of the table, and no run is given up half-way', () => {
  for (const { name, n, expected, complete, cut } of counts('quick')) {
    expect({ name, n, complete, cut }).toEqual({ name, n, complete: expected, cut: 0 });
  }
});

interface Operation {
  readonly kind: 'load' | 'store' | 'add' | 'cas' | 'await' | 'wait' | 'notify' | 'timed wait' | 'if zero, skip';
  readonly word: number;
  readonly value: number;
}
type Explorer = (program: Program, options: ExploreOptions) => Exploration;

/** Runs the threads' operations; what each load finds is noted, for the end to show. */
function programOf(threads: readonly (readonly Operation[])[], notes: number[][]): Program {
  const memory = new ArrayBuffer(64);
  function* body(operations: readonly Operation[], found: number[]): Generator<void, void, 1> {
    for (let i = 0; i < operations.length; i++) {
      const { kind, word, value } = operations[i]!;
      const number = kind === 'cas' ? 4 : kind === 'store' ? 2 : kind === 'add' ? 3 : kind === 'notify' ? 6 : 1;
      for (;;) {
        if (steering.point(kind.endsWith('wait') && kind !== 'await' ? 7 : number, word)) yield;
        const old = I32[word]!;
        const writes = kind === 'store' || kind === 'add' || (kind === 'cas' && old === 0);
        if (kind !== 'notify') watcher?.atomic(word, kind !== 'store', writes);
        if (writes) I32[word] = kind === 'add' ? old + value : value;
        if (kind !== 'store') found.push(old);
        if (kind === 'await' && old === 0) {
          steering.parkSpinning(word, 0);
          yield;
          continue;
        }
        if (kind === 'notify') steering.notify(word);
        if ((kind === 'wait' || kind === 'timed wait') && old === 0) {
          steering.parkSleeping(word, kind === 'wait' ? Number.POSITIVE_INFINITY : 1000);
          yield;
          found.push(steering.timedOut() ? -1 : -2);
        }
        if (kind === 'if zero, skip' && old === 0) i++;
        break;
      }
    }
  }
  return {
    threads: threads.map((operations, i) => ({ cpu: (i + 1) as CpuPtr, run: () => body(operations, notes[i]!) })),
    maxSteps: 200,
    reset() {
      attach(memory);
      I32.fill(0);
      for (const found of notes) found.length = 0;
    },
  };
}

/** Every end that it reaches, with how often: memory, what each thread found, and who got to its end. */
function endsBy(explorer: Explorer, threads: readonly (readonly Operation[])[]): Map<string, number> | undefined {
  const notes = threads.map((): number[] => []);
  const ends = new Map<string, number>();
  const { exhausted, cut } = explorer(programOf(threads, notes), {
    limit: 60_000,
    atEnd({ end }) {
      const text = JSON.stringify([end, [...I32.subarray(0, 4)], notes]);
      ends.set(text, (ends.get(text) ?? 0) + 1);
      return false;
    },
  });
  if (explorer === exploreAll && exhausted) expect(cut).toBe(0);
  return exhausted ? ends : undefined;
}

const word = fc.nat({ max: 1 });
function program(kinds: readonly Operation['kind'][], length: number) {
  const operation = fc.record({ kind: fc.constantFrom(...kinds), word, value: fc.integer({ min: 1, max: 2 }) });
  return fc.array(fc.array(operation, { minLength: 1, maxLength: length }), { minLength: 2, maxLength: 3 });
}

describe('no end is left out', () => {
  test.each([
    ['loads, stores and read-modify-writes', ['load', 'store', 'add', 'cas', 'if zero, skip'], 4],
    ['spinning', ['load', 'store', 'add', 'cas', 'await', 'if zero, skip'], 3],
    ['sleeping and waking', ['load', 'store', 'wait', 'notify', 'cas', 'await'], 3],
    ['sleeping for a while', ['load', 'store', 'wait', 'timed wait', 'notify', 'add'], 3],
  ] as const)('of programs of %s', (_name, kinds, length) => {
    fc.assert(
      fc.property(program(kinds, length), (threads) => {
        const every = endsBy(exploreSchedules, threads);
        if (every === undefined) return;
        const reduced = endsBy(exploreAll, threads);
        expect([...reduced!.keys()].sort()).toEqual([...every.keys()].sort());
      }),
      { numRuns: 300, seed: 20261121 },
    );
  });
});

test('with at most one preemption, the search without reduction runs few of all schedules, and each once', () => {
  const program = litmus('inc', 3);
  const schedules = new Set<string>();
  const all = exploreSchedules(program);
  const { complete, exhausted } = exploreSchedules(program, {
    maxPreemptions: 1,
    atEnd(run) {
      schedules.add(run.schedule().join());
      return false;
    },
  });
  expect(all.complete).toBe(90);
  expect(exhausted).toBe(true);
  expect(complete).toBe(schedules.size);
  expect(complete).toBeLessThan(45);
});

test('a throw is handed to whoever asked, with the schedule that leads to it', () => {
  const program = litmus('Dekker', 2);
  const cpus = program.threads;
  const broken: Program = {
    ...program,
    threads: cpus.map(({ cpu, run }) => ({
      cpu,
      *run() {
        yield* run();
        if (I32[0] === 1 && I32[1] === 1) throw new Error('both flags are up');
      },
    })),
  };
  const found: number[][] = [];
  const { failed } = exploreAll(broken, {
    atEnd(run) {
      if (run.end === 'threw') found.push(run.schedule());
      return run.end === 'threw';
    },
  });
  expect(failed).toBe(1);
  expect(found[0]!.length).toBeGreaterThan(2);
  expect(() => exploreAll(broken)).toThrow('both flags are up');
});
