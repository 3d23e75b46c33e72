// Promise: what `smplab explore` finds is told, exits with 3, and is repeated by its token; what is wrong with a question is told too.
import { mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { describe, expect, test } from 'vitest';
import { documentOf, smplab } from './smplab.ts';

const timeout = 60_000;

interface Explored {
  readonly verdict: string;
  readonly schedules: number;
  readonly steps: number;
  readonly found: {
    readonly kind: string;
    readonly message: string;
    readonly token: string;
    readonly switches: number;
  };
}

describe('explore --bug', () => {
  test('finds it, and its token finds it again', { timeout }, async () => {
    const ended = await smplab(['explore', '--bug', 'lost-wakeup', '--json']);
    expect(ended.code).toBe(3);
    const document = documentOf<Explored>(ended);
    expect(document).toMatchObject({
      schemaVersion: 1,
      verb: 'explore',
      scenario: 'one-wakeup',
      bug: 'lost-wakeup',
      strategy: 'portfolio',
      verdict: 'bug',
      found: { kind: 'lost wakeup' },
    });
    for (const field of ['schedules', 'steps', 'seconds', 'schedulesPerSecond', 'stepsPerSecond']) {
      expect(document).toHaveProperty(field, expect.any(Number));
    }
    const { token, switches } = document.found;
    expect(switches).toBeLessThanOrEqual(4);

    const again = await smplab(['explore', '--replay', token, '--json']);
    expect(again.code).toBe(3);
    const { kind, message } = document.found;
    expect(documentOf<Explored>(again)).toMatchObject({ verdict: 'bug', found: { kind, message, token } });
  });

  test('tells the schedule in columns, and writes it as a page', { timeout }, async () => {
    const directory = mkdtempSync(join(tmpdir(), 'smplab-explore-'));
    try {
      const page = join(directory, 'lost.html');
      const ended = await smplab(['explore', '--bug', 'lost-wakeup', '--html', page]);
      expect(ended.code).toBe(3);
      expect(ended.stdout).toMatch(/step +CPU 0 +CPU 1/);
      expect(ended.stdout).toContain('lost wakeup: task 1 sleeps in read although it could go on');
      expect(ended.stdout).toMatch(/again: smplab explore --replay v1:/);
      expect(readFileSync(page, 'utf8')).toMatch(/^<!doctype html>/i);
    } finally {
      rmSync(directory, { recursive: true });
    }
  });
});

describe('explore', () => {
  test('says that a clean scenario is', { timeout }, async () => {
    const ended = await smplab(['explore', 'ping-pong', '-n', '500', '--epoll', 'linux', '--json']);
    expect(ended.code).toBe(0);
    expect(documentOf<object>(ended)).toMatchObject({ verdict: 'ok', schedules: 500, bug: null, found: null });
  });

  test('ends with complete where every order was run', { timeout }, async () => {
    const ended = await smplab(['explore', 'one-wakeup', '--epoll', 'linux', '--strategy', 'dpor', '--json']);
    expect(ended.code).toBe(0);
    expect(documentOf<object>(ended)).toMatchObject({ verdict: 'complete', found: null });
  });

  test('finds a lost wakeup by running every order, too', { timeout }, async () => {
    const ended = await smplab(['explore', '--bug', 'lost-wakeup', '--strategy', 'dpor', '--json']);
    expect(ended.code).toBe(3);
    expect(documentOf<object>(ended)).toMatchObject({ verdict: 'bug', found: { kind: 'lost wakeup' } });
  });

  test('shares all scenarios out, and each gets its part', { timeout: 120_000 }, async () => {
    const ended = await smplab(['explore', 'all', '-n', '400', '--epoll', 'linux', '--json']);
    expect(ended.code).toBe(0);
    const { schedules, rows } = documentOf<Explored & { rows: readonly { schedules: number }[] }>(ended);
    expect(schedules).toBe(400);
    expect(rows.length).toBeGreaterThan(20);
    expect(rows.every((row) => row.schedules > 0)).toBe(true);
  });
});

describe('a wrong question', () => {
  test.each([
    [['explore'], 'Name a scenario'],
    [['explore', 'one-wakup'], '(did you mean one-wakeup?)'],
    [['explore', '--bug', 'lost-wakup'], '(did you mean lost-wakeup?)'],
    [['explore', 'one-wakeup', '--epoll', 'lynux'], '(did you mean linux?)'],
    [['explore', 'one-wakeup', '--strategy', 'pctt'], '(did you mean pct?)'],
    [['explore', 'one-wakeup', '-n', '0'], 'is less than 1'],
    [['explore', '--replay', 'nonsense'], 'no token'],
    [['explore', '--replay', 'v1:0123456789:one-wakeup:linux:-:1:AwQA'], 'cut off'],
    [['explore', '--replay', 'v1:0123456789:one-wakeup:linux:-:1:AwQ'], 'is of build 0123456789'],
    [['explore', 'one-wakeup', '--replay', 'v1:0123456789:one-wakeup:linux:-:1:AwQ'], 'leave them away'],
  ])('%j is told as such', { timeout }, async (args, text) => {
    const ended = await smplab(args);
    expect(ended.stderr).toContain(text);
    expect(ended.code).toBe(2);
    expect(ended.stdout).toBe('');
  });
});
