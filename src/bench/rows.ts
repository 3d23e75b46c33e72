/**
 * The row: what one benchmark found, in the shape that scripts read (`bench --json`). Suites make rows from measurements
 * here and nowhere else, so that every row states its unit, its samples and its bounds in the same way.
 *
 * Figures per operation keep two decimals: at 20 ns a whole nanosecond would be five per cent. What the clock really
 * read, whole nanoseconds for a whole loop, stands in `totalsNs` beside the `iterations` of that loop.
 */

import { type LinearFit, type MedianBounds, medianBounds, outlierNote } from './statistics.ts';

export type ParameterValue = string | number | boolean;
export type Parameters = Readonly<Record<string, ParameterValue>>;

export interface HostFigures {
  readonly median: number;
  readonly low: number;
  readonly high: number;
  /** The machine's median over the host's, from samples taken in turns. */
  readonly ratio: number;
}

export interface Row {
  readonly name: string;
  /** The epoll design of the machine, or `host` where the row describes the host alone. */
  readonly design: string;
  readonly cpus: number;
  readonly params: Parameters;
  readonly unit: string;
  readonly median: number;
  readonly low: number;
  readonly high: number;
  readonly samples: readonly number[];
  readonly host: HostFigures | null;
  /** Operations in one sample, and what the clock read for each sample; absent where a row counts instead of timing. */
  readonly iterations?: number;
  readonly totalsNs?: readonly number[];
  /** The line through the rows of one sweep: cost against the size, in the row's unit per unit of size. */
  readonly fit?: LinearFit;
  /** What else was counted while the samples were taken, named with its unit. */
  readonly counts?: Readonly<Record<string, number>>;
  /** What a reader must know before believing the figure. */
  readonly notes?: readonly string[];
}

export interface RowIdentity {
  readonly name: string;
  readonly design: string;
  readonly cpus: number;
  readonly params: Parameters;
}

export interface TimedSamples {
  readonly iterations: number;
  readonly totalsNs: readonly number[];
}

export const NANOSECONDS_PER_OPERATION = 'ns/op';

export function rounded(value: number, decimals = 2): number {
  const scale = 10 ** decimals;
  return Math.round(value * scale) / scale;
}

function perOperation(timed: TimedSamples): number[] {
  return timed.totalsNs.map((totalNs) => totalNs / timed.iterations);
}

function roundedBounds(bounds: MedianBounds): { median: number; low: number; high: number } {
  return { median: rounded(bounds.median), low: rounded(bounds.low), high: rounded(bounds.high) };
}

function hostFigures(machineMedian: number, host: TimedSamples | null): HostFigures | null {
  if (host === null) return null;
  const bounds = medianBounds(perOperation(host));
  return { ...roundedBounds(bounds), ratio: rounded(machineMedian / bounds.median, 3) };
}

/** A row in ns per operation, from the machine's samples and those of the host taken in turns with them. */
export function timedRow(
  identity: RowIdentity,
  machine: TimedSamples,
  host: TimedSamples | null,
  notes: readonly string[] = [],
): Row {
  const samples = perOperation(machine);
  const bounds = medianBounds(samples);
  const outlier = outlierNote(samples);
  const allNotes = outlier === undefined ? notes : [...notes, outlier];
  return {
    ...identity,
    unit: NANOSECONDS_PER_OPERATION,
    ...roundedBounds(bounds),
    samples: samples.map((sample) => rounded(sample)),
    host: hostFigures(bounds.median, host),
    iterations: machine.iterations,
    totalsNs: machine.totalsNs.map(Math.round),
    ...(allNotes.length > 0 ? { notes: allNotes } : {}),
  };
}

/** A row of any other unit: counts, shares, sizes, or times that are not per operation. */
export function countedRow(
  identity: RowIdentity,
  unit: string,
  samples: readonly number[],
  notes: readonly string[] = [],
  decimals = 2,
): Row {
  const bounds = medianBounds(samples);
  return {
    ...identity,
    unit,
    median: rounded(bounds.median, decimals),
    low: rounded(bounds.low, decimals),
    high: rounded(bounds.high, decimals),
    samples: samples.map((sample) => rounded(sample, decimals)),
    host: null,
    ...(notes.length > 0 ? { notes } : {}),
  };
}
