// Promise: every verb that takes a design of epoll works with each that can be booted.
import { fileURLToPath } from 'node:url';
import { expect, test } from 'vitest';
import { forEveryDesign } from '../designs.ts';
import { documentOf, smplab } from './smplab.ts';

const redis = fileURLToPath(new URL('../../data/traces/redis.strace.gz', import.meta.url));

forEveryDesign((epoll) => {
  const timeout = 60_000;

  test('a program runs', { timeout }, async () => {
    const small = ['--set', 'waiters=4', '--set', 'writes=10'];
    const ended = await smplab(['run', 'thundering-herd', ...small, '--epoll', epoll, '--json']);
    expect(ended.code).toBe(0);
    expect(documentOf<{ config: object }>(ended).config).toMatchObject({ epoll });
  });

  test('a trace is replayed', { timeout }, async () => {
    const ended = await smplab(['replay', redis, '--epoll', epoll, '--json']);
    expect(ended.code).toBe(0);
    const { designs } = documentOf<{ designs: readonly object[] }>(ended);
    expect(designs).toMatchObject([{ epoll, mismatches: 0 }]);
  });

  test('a benchmark is measured', { timeout }, async () => {
    const ended = await smplab(['bench', 'epoll', 'wait', '--fds', '1,50', '--quick', '--epoll', epoll, '--json']);
    expect(ended.code).toBe(0);
    const { rows } = documentOf<{ rows: readonly { name: string; design: string }[] }>(ended);
    expect(rows.map(({ name }) => name)).toEqual(['epoll_wait', 'epoll_wait', 'epoll_wait_flat']);
    expect(rows.every(({ design }) => design === epoll)).toBe(true);
  });

  test('epolls are tortured', { timeout }, async () => {
    const ended = await smplab(['torture', 'epoll', '--seconds', '1', '--epoll', epoll, '--json']);
    expect(documentOf<object>(ended)).toMatchObject({ problems: [], failures: 0 });
    expect(ended.code).toBe(0);
  });
});
