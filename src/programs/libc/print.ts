/**
 * Lines for a person, from inside a guest. They leave the machine at once, beside stdout, and cost host time; so a
 * program prints when what it measures is over.
 */
import { writeSync } from 'node:fs';

export function print(text: string): void {
  writeSync(2, `${text}\n`);
}

/** What a program has to tell: a title, and below it named figures in one column. */
export function printFigures(
  title: string,
  figures: readonly (readonly [name: string, value: string | number])[],
): void {
  const widest = Math.max(0, ...figures.map(([name]) => name.length));
  const lines = figures.map(([name, value]) => {
    return `  ${name.padEnd(widest)}  ${typeof value === 'number' ? figure(value) : value}`;
  });
  print([title, ...lines].join('\n'));
}

/** 1234567 as 1,234,567; fractions with three digits that count. By hand: Intl takes 90 ms to load. */
export function figure(value: number): string {
  if (!Number.isFinite(value)) return '-';
  const rounded = Number.isInteger(value) || Math.abs(value) >= 100 ? Math.round(value) : Number(value.toPrecision(3));
  const [whole, fraction] = String(rounded).split('.');
  const grouped = whole!.replace(/\B(?=(\d{3})+$)/g, ',');
  return fraction === undefined ? grouped : `${grouped}.${fraction}`;
}

/** A time with the unit that suits it. */
export function duration(ns: number): string {
  if (!Number.isFinite(ns)) return '-';
  if (Math.abs(ns) < 1e3) return `${figure(Math.round(ns))} ns`;
  if (Math.abs(ns) < 1e6) return `${figure(Number((ns / 1e3).toPrecision(3)))} us`;
  if (Math.abs(ns) < 1e9) return `${figure(Number((ns / 1e6).toPrecision(3)))} ms`;
  return `${figure(Number((ns / 1e9).toPrecision(3)))} s`;
}
