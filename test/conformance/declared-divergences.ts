// A design's declared divergences, held against its model: each is shown by a bundled case, forgives the one result that
// it names and no other, and a design that answered as Linux there would not pass.

import {
  type ConformCase,
  type Observation,
  type Outcome,
  type StepResult,
  threadsOf,
} from '../../src/programs/conform/case.ts';
import { basename } from 'node:path';
import { beforeAll, describe, expect, test } from 'vitest';
import { bundledCaseFiles } from '../../src/conform/bundled.ts';
import { renamings, sameResult } from '../../src/conform/canonical.ts';
import { spansInTurn } from '../../src/conform/history.ts';
import type { DesignModel } from '../../src/conform/model/world.ts';
import { readCaseFile } from '../../src/conform/schema.ts';
import { isComplete, summaryOf } from '../../src/conform/summary.ts';
import { type CaseVerdict, type Divergence, settleUnseen, verdictOf } from '../../src/conform/verdict.ts';
import { runOnModel } from './model-machine.ts';

interface Ran {
  readonly one: ConformCase;
  readonly run: Observation;
  readonly verdict: CaseVerdict;
}

/** A design with its model and what it declares. */
export interface DeclaringDesign {
  readonly name: string;
  readonly model: DesignModel;
  readonly divergences: readonly Divergence[];
  /** Shown by cases with signals, or with readers in turn, which no model runs; the machine's own tests show them. */
  readonly beyondTheModel: readonly string[];
  /** So many cases at least pass outright on the model. */
  readonly agreesMoreThan: number;
}

const SEED = 20251121;

export function testDivergences(design: DeclaringDesign): void {
  const { divergences, beyondTheModel } = design;
  const files = new Map<string, readonly Ran[]>();

  beforeAll(() => {
    for (const path of bundledCaseFiles()) {
      const ran = readCaseFile(path).flatMap((one): Ran[] => {
        const run = runOnModel(design.model, one, SEED);
        return run === undefined ? [] : [{ one, run, verdict: verdictOf(one, run, divergences) }];
      });
      files.set(basename(path), ran);
    }
  }, 120_000);

  const all = (): readonly Ran[] => [...files.values()].flat();

  describe(`the model of ${design.name}`, () => {
    test('runs nearly all bundled cases, and every difference from Linux is declared', () => {
      expect(all().length).toBeGreaterThan(420);
      const wrong = all().filter(({ one, verdict }) => verdict.kind === 'failed' && !timed(one));
      expect(wrong.map(({ one, verdict }) => [one.name, verdict.failure])).toEqual([]);
      for (const [file, ran] of files) {
        const settled = settleUnseen(ran.filter(({ one }) => !timed(one)).map(({ verdict }) => verdict));
        expect([file, settled.filter(({ kind }) => kind === 'failed')]).toEqual([file, []]);
      }
    });

    test('agrees with Linux on most, so that it is no excuse for anything', () => {
      expect(all().filter(({ verdict }) => verdict.kind === 'passed').length).toBeGreaterThan(design.agreesMoreThan);
    });
  });

  describe.each(divergences.map(({ rule }) => rule).filter((rule) => !beyondTheModel.includes(rule)))('%s', (rule) => {
    test('is shown by a bundled case', () => {
      expect(all().filter(({ verdict }) => verdict.rule === rule).length).toBeGreaterThan(0);
    });

    test('is missed, and the run fails, where the design answers as Linux does', () => {
      // What only chance shows, chance may hide.
      if (divergences.find((divergence) => divergence.rule === rule)?.byChance === true) return;
      const linux = [...files].map(([file, ran]) => ({
        file,
        verdicts: ran
          .filter(({ one }) => !timed(one))
          .map(({ one, verdict }) =>
            verdict.rule === rule ? verdictOf(one, observed(one.expect[0]!), divergences) : verdict,
          ),
      }));
      const others = divergences.filter((other) => !beyondTheModel.includes(other.rule));
      const summary = summaryOf({ epoll: design.name, engine: 'parallel' }, linux, others);
      expect(summary.notShown).toEqual([rule]);
      expect(isComplete(summary)).toBe(false);
    });

    test('forgives the foretold result alone', () => {
      // Where there is one expected outcome and no thread to exchange, the differing result is the one that is not in it.
      const shown = all().filter(
        ({ one, run, verdict }) =>
          verdict.rule === rule && one.expect.length === 1 && renamings(one, Object.keys(run.outcome)).length === 1,
      );
      expect(shown.length).toBeGreaterThan(0);
      const spoiled = shown.filter(({ one, run }) => {
        const verdict = verdictOf(one, spoilDifference(one, run), divergences);
        return verdict.kind === 'declared';
      });
      expect(spoiled.map(({ one }) => one.name)).toEqual([]);
    });
  });
}

/** A timer that expires during a wait of several threads moves no clock of the model. */
function timed(one: ConformCase): boolean {
  const threaded = Object.keys(one.threads).length > 0;
  return Object.values(threadsOf(one))
    .flat()
    .some(
      (step) =>
        'sys' in step &&
        ((step.at_least_ms ?? step.under_ms) !== undefined || (threaded && step.sys === 'timerfd_settime')),
    );
}

export function observed(outcome: Outcome): Observation {
  return { outcome, spans: spansInTurn(outcome) };
}

/** The run with every result that no recording has replaced by one that no design gives. */
function spoilDifference(one: ConformCase, run: Observation): Observation {
  const outcome: Record<string, readonly StepResult[]> = {};
  for (const [thread, results] of Object.entries(run.outcome)) {
    outcome[thread] = results.map((result, index) => {
      const known = one.expect.some((expect) => sameResult(expect[thread]?.[index], result));
      return known ? result : { ret: 3, out: [['EPOLLPRI', 4242]] };
    });
  }
  return { ...run, outcome };
}
