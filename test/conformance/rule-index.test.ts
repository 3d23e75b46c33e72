// The index of rules: every rule of Linux's behaviour is shown by a bundled case or by a test of the machine, or is listed
// as out of reach with a reason; and no case claims a rule that there is not.

import { existsSync, readFileSync } from 'node:fs';
import { basename } from 'node:path';
import { fileURLToPath } from 'node:url';
import { describe, expect, test } from 'vitest';
import { bundledCaseFiles } from '../../src/conform/bundled.ts';
import { evidence } from '../../src/conform/rule-evidence.ts';
import { rules, sections } from '../../src/conform/rules.ts';
import { readCaseFile } from '../../src/conform/schema.ts';

/** Cases that a program wrote: nobody has named them, and nobody says what they show. */
const RANDOM = /^(?:fuzz|fuzz-threads|wakeup-matrix)\.json/;

const files = bundledCaseFiles().map((path) => ({ file: basename(path), cases: readCaseFile(path) }));
const named = files.filter(({ file }) => !RANDOM.test(file)).flatMap(({ cases }) => cases);
const numbers = rules.map(({ number }) => number);
const shown = new Set(named.flatMap((one) => one.rules ?? []));

describe('the rules', () => {
  test('are numbered without a gap, in sections A to M', () => {
    const lengths = { A: 13, B: 23, C: 8, D: 15, E: 21, F: 15, G: 9, H: 12, I: 15, J: 11, K: 18, L: 9, M: 8 };
    const wanted = Object.entries(lengths).flatMap(([section, length]) =>
      Array.from({ length }, (_, index) => `${section}${index + 1}`),
    );
    expect(numbers).toEqual(wanted);
    expect(Object.keys(sections)).toEqual(Object.keys(lengths));
  });

  test('are each shown by a case, or by a test, or out of reach for a reason', () => {
    expect(numbers.filter((number) => !shown.has(number) && evidence[number] === undefined)).toEqual([]);
  });

  test('that are listed with other evidence are rules, and none that a case shows is out of reach', () => {
    const wrong = Object.entries(evidence).filter(
      ([number, shows]) => !numbers.includes(number) || ('outOfReach' in shows && shown.has(number)),
    );
    expect(wrong).toEqual([]);
  });

  test.each(Object.entries(evidence))('%s: the test that shows it is there', (_number, shows) => {
    if ('outOfReach' in shows) {
      expect(shows.outOfReach.length).toBeGreaterThan(10);
      return;
    }
    const path = fileURLToPath(new URL(`../../${shows.file}`, import.meta.url));
    expect(existsSync(path)).toBe(true);
    expect(readFileSync(path, 'utf8')).toContain(`'${shows.test}'`);
  });
});

describe('the bundled cases', () => {
  test('claim only rules that there are', () => {
    const wrong = named.flatMap((one) =>
      (one.rules ?? []).filter((rule) => !numbers.includes(rule)).map((rule) => [one.name, rule]),
    );
    expect(wrong).toEqual([]);
  });

  test('say each which rules they show, and what they promise', () => {
    // What another suite asks may be no matter of these rules.
    const silent = named.filter((one) => one.origin === undefined && (one.rules ?? []).length === 0);
    expect(silent.map(({ name }) => name)).toEqual([]);
    expect(named.filter(({ about }) => about.length < 4).map(({ name }) => name)).toEqual([]);
  });

  test('have names of their own, over all files', () => {
    const names = files.flatMap(({ cases }) => cases.map(({ name }) => name));
    expect(names.filter((name, index) => names.indexOf(name) !== index)).toEqual([]);
  });

  test('are 300 at least, beside those that a program wrote', () => {
    expect(named.length).toBeGreaterThanOrEqual(300);
  });
});
