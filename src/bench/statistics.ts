/**
 * What a list of samples says: its median, how well the median is known, which samples stand out, and whether a second
 * quantity grows with the first along a line. Pure functions over plain numbers, for every row of the benchmarks.
 *
 * Nothing here assumes a distribution: timings on a shared machine have a long tail, which a mean and a standard
 * deviation would report as precision that is not there.
 */

export interface MedianBounds {
  readonly median: number;
  /** Smallest and largest of the order statistics that bound the median. */
  readonly low: number;
  readonly high: number;
  /** The probability that the bounds hold the true median; below 0.95 where the samples are too few. */
  readonly coverage: number;
}

export interface LinearFit {
  readonly slope: number;
  readonly intercept: number;
  /** The share of the variance that the line explains; 1 where there is none to explain. */
  readonly r2: number;
}

export const CONFIDENCE = 0.95;

/** A sample further from the median than this many scaled median deviations is called an outlier (as hyperfine does). */
const OUTLIER_DEVIATIONS = 10;

/** Makes the median absolute deviation of normal samples equal their standard deviation. */
const NORMAL_SCALE = 1.4826;

function ascending(samples: readonly number[]): number[] {
  return [...samples].sort((left, right) => left - right);
}

function medianOfSorted(sorted: readonly number[]): number {
  const middle = sorted.length >> 1;
  return sorted.length % 2 === 1 ? sorted[middle]! : (sorted[middle - 1]! + sorted[middle]!) / 2;
}

export function median(samples: readonly number[]): number {
  if (samples.length === 0) throw new RangeError('a median needs at least one sample');
  return medianOfSorted(ascending(samples));
}

/** P(X <= successes) of a fair coin thrown `throws` times. */
export function fairCoinAtMost(successes: number, throws: number): number {
  // In logarithms: 2^-throws underflows from 1,075 samples on.
  let logTerm = -throws * Math.LN2;
  let sum = 0;
  for (let k = 0; k <= Math.min(successes, throws); k++) {
    sum += Math.exp(logTerm);
    logTerm += Math.log((throws - k) / (k + 1));
  }
  return Math.min(1, sum);
}

/**
 * The distance from each end of the sorted samples to the bound of the median. The k-th smallest sample lies above the
 * true median exactly when fewer than k samples lie below it, and each does so with probability one half.
 */
function boundRank(count: number): number {
  const tail = (1 - CONFIDENCE) / 2;
  let rank = 0;
  while (rank + 1 < count / 2 && fairCoinAtMost(rank + 1, count) <= tail) rank++;
  return rank;
}

/** The median with bounds that hold it in 95 of 100 repetitions; under six samples the bounds are the extremes. */
export function medianBounds(samples: readonly number[]): MedianBounds {
  if (samples.length === 0) throw new RangeError('bounds need at least one sample');
  const sorted = ascending(samples);
  const rank = boundRank(sorted.length);
  return {
    median: medianOfSorted(sorted),
    low: sorted[rank]!,
    high: sorted[sorted.length - 1 - rank]!,
    coverage: Math.max(0, 1 - 2 * fairCoinAtMost(rank, sorted.length)),
  };
}

/** The samples that stand apart from the rest, by the median deviation, which the outliers themselves cannot stretch. */
export function outliers(samples: readonly number[]): number[] {
  if (samples.length < 3) return [];
  const centre = median(samples);
  const deviation = median(samples.map((sample) => Math.abs(sample - centre))) * NORMAL_SCALE;
  if (deviation === 0) return [];
  return samples.filter((sample) => Math.abs(sample - centre) > OUTLIER_DEVIATIONS * deviation);
}

/** One sentence where the samples deserve a warning, else undefined. */
export function outlierNote(samples: readonly number[]): string | undefined {
  const found = outliers(samples);
  if (found.length === 0) return undefined;
  const furthest = Math.max(...found.map((sample) => sample / median(samples)));
  const noun = found.length === 1 ? 'outlier' : 'outliers';
  return `${found.length} ${noun} of ${samples.length} samples, the furthest ${furthest.toFixed(1)} times the median`;
}

/** Least squares through (x, y); at least two different x, else there is no line to fit. */
export function linearFit(xs: readonly number[], ys: readonly number[]): LinearFit {
  if (xs.length !== ys.length) throw new RangeError(`${xs.length} x against ${ys.length} y`);
  const count = xs.length;
  const meanX = xs.reduce((sum, x) => sum + x, 0) / count;
  const meanY = ys.reduce((sum, y) => sum + y, 0) / count;
  let varianceX = 0;
  let varianceY = 0;
  let covariance = 0;
  for (let i = 0; i < count; i++) {
    const dx = xs[i]! - meanX;
    const dy = ys[i]! - meanY;
    varianceX += dx * dx;
    varianceY += dy * dy;
    covariance += dx * dy;
  }
  if (count < 2 || varianceX === 0) throw new RangeError('a line needs two different x');
  const slope = covariance / varianceX;
  const r2 = varianceY === 0 ? 1 : (covariance * covariance) / (varianceX * varianceY);
  return { slope, intercept: meanY - slope * meanX, r2: Math.min(1, r2) };
}

/** The smallest sample that at least `share` (0 to 1) of all samples do not exceed. */
export function percentile(samples: readonly number[], share: number): number {
  if (samples.length === 0) throw new RangeError('a percentile needs at least one sample');
  const sorted = ascending(samples);
  const rank = Math.min(sorted.length, Math.max(1, Math.ceil(share * sorted.length)));
  return sorted[rank - 1]!;
}
