/** The promises of `bench/statistics.ts`: what it says about samples holds for any samples. */

import fc from 'fast-check';
import { describe, expect, test } from 'vitest';

import {
  fairCoinAtMost,
  linearFit,
  median,
  medianBounds,
  outlierNote,
  outliers,
  percentile,
} from '../../src/bench/statistics.ts';

const sample = fc.double({ min: 0.001, max: 1e9, noNaN: true });
const samples = fc.array(sample, { minLength: 1, maxLength: 60 });

function countBelow(values: readonly number[], bound: number): number {
  return values.filter((value) => value < bound).length;
}

describe('median', () => {
  test('is the middle of an odd number of samples and between the two middles of an even one', () => {
    expect(median([5])).toBe(5);
    expect(median([9, 1, 5])).toBe(5);
    expect(median([9, 1, 5, 6])).toBe(5.5);
  });

  test('has at most half of the samples on either side, whatever their order', () => {
    fc.assert(
      fc.property(samples, (values) => {
        const middle = median(values);
        const above = values.filter((value) => value > middle).length;
        expect(countBelow(values, middle)).toBeLessThanOrEqual(values.length / 2);
        expect(above).toBeLessThanOrEqual(values.length / 2);
        expect(median([...values].reverse())).toBe(middle);
      }),
    );
  });

  test('of nothing is an error', () => {
    expect(() => median([])).toThrow(RangeError);
  });
});

describe('bounds of the median', () => {
  test('are the order statistics that the tables give for 95 %', () => {
    const ranks = (count: number): [number, number] => {
      const bounds = medianBounds(Array.from({ length: count }, (_, index) => index + 1));
      return [bounds.low, bounds.high];
    };
    // Ranks of the two-sided sign test at 5 %, as printed in textbooks.
    expect(ranks(6)).toEqual([1, 6]);
    expect(ranks(9)).toEqual([2, 8]);
    expect(ranks(15)).toEqual([4, 12]);
    expect(ranks(20)).toEqual([6, 15]);
    expect(ranks(100)).toEqual([40, 61]);
  });

  test('admit that five samples cannot reach 95 %', () => {
    expect(medianBounds([3, 1, 2, 5, 4])).toEqual({ median: 3, low: 1, high: 5, coverage: 0.9375 });
    expect(medianBounds([1, 2, 3, 4, 5, 6]).coverage).toBeCloseTo(0.96875, 12);
    expect(medianBounds([7])).toEqual({ median: 7, low: 7, high: 7, coverage: 0 });
  });

  test('hold the median, lie among the samples, and reach their coverage from six samples on', () => {
    fc.assert(
      fc.property(samples, (values) => {
        const bounds = medianBounds(values);
        expect(bounds.low).toBeLessThanOrEqual(bounds.median);
        expect(bounds.high).toBeGreaterThanOrEqual(bounds.median);
        expect(values).toContain(bounds.low);
        expect(values).toContain(bounds.high);
        if (values.length >= 6) expect(bounds.coverage).toBeGreaterThanOrEqual(0.95);
      }),
    );
  });

  test('hold the true median about as often as they say', () => {
    // A generator of its own, so that the count is the same at every run.
    let state = 12345;
    const uniform = (): number => {
      state = (Math.imul(state, 1664525) + 1013904223) >>> 0;
      return state / 2 ** 32;
    };
    let held = 0;
    const rounds = 4000;
    for (let round = 0; round < rounds; round++) {
      const bounds = medianBounds(Array.from({ length: 15 }, uniform));
      if (bounds.low <= 0.5 && bounds.high >= 0.5) held++;
    }
    const expected = medianBounds(Array.from({ length: 15 }, (_, index) => index)).coverage;
    expect(expected).toBeCloseTo(0.9648, 4);
    expect(Math.abs(held / rounds - expected)).toBeLessThan(0.012);
  });

  test('do not underflow with thousands of samples', () => {
    expect(fairCoinAtMost(2000, 4000)).toBeCloseTo(0.5 + 0.0063, 3);
    const bounds = medianBounds(Array.from({ length: 4000 }, (_, index) => index));
    expect(bounds.coverage).toBeGreaterThanOrEqual(0.95);
    expect(bounds.high - bounds.low).toBeLessThan(150);
  });
});

describe('outliers', () => {
  test('are named with their number and distance, and absent from even samples', () => {
    const calm = [100, 101, 99, 100, 102, 98, 100, 101, 99];
    expect(outlierNote(calm)).toBeUndefined();
    expect(outliers([...calm, 250])).toEqual([250]);
    expect(outlierNote([...calm, 250])).toBe('1 outlier of 10 samples, the furthest 2.5 times the median');
  });

  test('are never more than half of the samples', () => {
    fc.assert(
      fc.property(samples, (values) => {
        expect(outliers(values).length).toBeLessThanOrEqual(values.length / 2);
      }),
    );
  });
});

describe('linear fit', () => {
  const coefficient = fc.integer({ min: -1000, max: 1000 });
  const abscissae = fc.uniqueArray(fc.integer({ min: 0, max: 10000 }), { minLength: 2, maxLength: 20 });

  test('finds the line that the points lie on', () => {
    fc.assert(
      fc.property(coefficient, coefficient, abscissae, (slope, intercept, xs) => {
        const ys = xs.map((x) => intercept + slope * x);
        const fit = linearFit(xs, ys);
        expect(fit.slope).toBeCloseTo(slope, 4);
        expect(fit.intercept).toBeCloseTo(intercept, 1);
        expect(fit.r2).toBeCloseTo(1, 6);
      }),
    );
  });

  test('leaves no better slope or intercept: moving either only adds to the squares', () => {
    const points = fc.tuple(abscissae, fc.array(fc.double({ min: -1e4, max: 1e4, noNaN: true }), { minLength: 20 }));
    fc.assert(
      fc.property(points, ([xs, noise]) => {
        const ys = xs.map((x, index) => 3 * x + noise[index]!);
        const fit = linearFit(xs, ys);
        const squares = (slope: number, intercept: number): number =>
          xs.reduce((sum, x, index) => sum + (ys[index]! - intercept - slope * x) ** 2, 0);
        const least = squares(fit.slope, fit.intercept);
        const tolerance = 1e-6 * (1 + least);
        expect(squares(fit.slope + 0.1, fit.intercept)).toBeGreaterThanOrEqual(least - tolerance);
        expect(squares(fit.slope - 0.1, fit.intercept)).toBeGreaterThanOrEqual(least - tolerance);
        expect(squares(fit.slope, fit.intercept + 1)).toBeGreaterThanOrEqual(least - tolerance);
        expect(fit.r2).toBeGreaterThanOrEqual(0);
        expect(fit.r2).toBeLessThanOrEqual(1);
      }),
    );
  });

  test('refuses points that no line can be drawn through', () => {
    expect(() => linearFit([1, 1], [2, 3])).toThrow(RangeError);
    expect(() => linearFit([1], [2])).toThrow(RangeError);
    expect(() => linearFit([1, 2], [2])).toThrow(RangeError);
  });
});

describe('percentile', () => {
  test('is a sample, not exceeded by the share asked for', () => {
    expect(percentile([4, 1, 3, 2], 0.5)).toBe(2);
    expect(percentile([4, 1, 3, 2], 0.99)).toBe(4);
    fc.assert(
      fc.property(samples, fc.double({ min: 0, max: 1, noNaN: true }), (values, share) => {
        const value = percentile(values, share);
        const notAbove = values.filter((other) => other <= value).length;
        expect(values).toContain(value);
        expect(notAbove / values.length).toBeGreaterThanOrEqual(Math.min(share, 1) - 1e-9);
      }),
    );
  });
});
