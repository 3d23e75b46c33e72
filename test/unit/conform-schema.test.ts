// Reading case files: everything bundled is read, everything wrong is refused with its place.

import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { gzipSync } from 'node:zlib';
import { afterAll, describe, expect, test } from 'vitest';
import { bundledCaseFiles } from '../../src/conform/bundled.ts';
import { namesOf, numberOf, POLL_EVENT_NAMES, signalNameOf } from '../../src/programs/conform/constants.ts';
import { parseCases, readCaseFile } from '../../src/conform/schema.ts';

const scratch = mkdtempSync(join(tmpdir(), 'conform-schema-'));
afterAll(() => rmSync(scratch, { recursive: true }));

function complaint(value: unknown): string {
  try {
    parseCases(JSON.stringify(value), 'f.json');
  } catch (error) {
    return (error as Error).message;
  }
  return 'nothing';
}

const good = {
  name: 'one',
  main: [{ sys: 'eventfd2', args: [0, 'EFD_NONBLOCK'], as: 'e' }],
  expect: [{ main: [{ ret: 'fd' }] }],
};

describe('case files', () => {
  test('every bundled file is read', () => {
    const cases = bundledCaseFiles().map((path) => readCaseFile(path).length);
    expect(cases.length).toBeGreaterThanOrEqual(14);
    expect(cases.reduce((sum, count) => sum + count, 0)).toBeGreaterThanOrEqual(434);
  });

  test('a compressed file is the same as a plain one, and one case needs no array', () => {
    const plain = join(scratch, 'a.json');
    const packed = join(scratch, 'a.json.gz');
    writeFileSync(plain, JSON.stringify(good));
    writeFileSync(packed, gzipSync(JSON.stringify([good])));
    expect(readCaseFile(plain)).toEqual(readCaseFile(packed));
  });

  test('a step in error is named by file, case, thread, step and argument', () => {
    const wrong = { ...good, threads: { a: [{ sys: 'read', args: ['$e', { out_u64: 'x' }] }] } };
    expect(complaint([wrong])).toMatch(/^f\.json: case 'one': thread a: step 0: args\.1\.out_u64: .*number/);
  });

  test('an unknown name among flags is named', () => {
    const wrong = { ...good, main: [{ sys: 'eventfd2', args: [0, 'EFD_NONBLOCK|EFD_FAST'] }] };
    expect(complaint([wrong])).toBe(
      "f.json: case 'one': thread main: step 0: args.1: 'EFD_FAST' is neither a known name nor a number",
    );
  });

  test.each([
    ['an unknown step', [{ jump: 1 }], /step 0: a step has one of the keys sys, .*; found jump$/],
    ['two kinds of argument in one', [{ sys: 'read', args: [{ u64: '1', fill: 2 }] }], /args\.0: .*found u64, fill/],
    ['an unknown key in a step', [{ sys: 'read', times: 2 }], /step 0: Unrecognized key: "times"/],
    ['a seventh argument', [{ sys: 'read', args: [0, 0, 0, 0, 0, 0, 0] }], /args: .*at most six/],
    ['a thread that is not there', [{ start: 'b' }], /step 0: there is no thread 'b'/],
  ])('%s is refused', (_, main, message) => {
    expect(complaint([{ ...good, main }])).toMatch(message);
  });

  test('every error of a file is told at once', () => {
    const lines = complaint([
      { ...good, main: [{ jump: 1 }] },
      { ...good, name: 'two', expect: [] },
    ]).split('\n');
    expect(lines).toHaveLength(2);
    expect(lines[1]).toBe("f.json: case 'two': expect: a case needs an expected outcome");
  });

  test('two cases of one name are refused, and so is what is not JSON', () => {
    expect(complaint([good, good])).toMatch(/two cases of this name/);
    expect(() => parseCases('[', 'f.json')).toThrow(/^f\.json: not JSON/);
    expect(() => readCaseFile(join(scratch, 'none.json'))).toThrow(/none\.json: cannot be read/);
  });
});

describe('names', () => {
  test('are numbers joined by |, up to bit 31', () => {
    expect(numberOf('EPOLLIN|EPOLLET')).toBe(0x80000001);
    expect(numberOf('0x10|0o7|1')).toBe(0x17);
    expect(numberOf('-1')).toBe(-1);
    expect(numberOf('O_DIRECT')).toBe(0o40000);
  });

  test('are printed in the table order, the rest in hexadecimal', () => {
    expect(namesOf(0x8011, POLL_EVENT_NAMES)).toBe('POLLIN|POLLHUP|0x8000');
    expect(namesOf(0, POLL_EVENT_NAMES)).toBe('0');
    expect([signalNameOf(10), signalNameOf(34), signalNameOf(13)]).toEqual(['SIGUSR1', 'SIGRTMIN', 'SIG13']);
  });
});
