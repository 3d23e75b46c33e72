// arm64 has other numbers, other layouts, and not the calls that newer ones replaced.
import { readdirSync } from 'node:fs';
import { describe, expect, test } from 'vitest';
import { forEveryDesign } from '../designs.ts';
import { expectSound } from './sample.ts';

/** What makes each program small. */
const SMALL: Readonly<Record<string, Readonly<Record<string, unknown>>>> = {
  'echo-server': { clients: 2, messages: 10 },
  'event-loop': { clients: 2, lines: 9 },
  'pipe-ring': { tasks: 10, rounds: 3 },
  pipeline: { kilobytes: 40 },
  'prefork-server': { clients: 2, requests: 5 },
  'producer-consumers': { items: 30, way: 'epoll' },
  'signal-loop': { signals: 8 },
  'thundering-herd': { waiters: 4, writes: 10 },
  'timer-storm': { timers: 30, ms: 40 },
  'wake-storm': { rounds: 50, pairs: 1 },
};

forEveryDesign((epoll) => {
  describe('on arm64 too', () => {
    test('every program is tried', () => {
      const programs = readdirSync(new URL('../../src/programs', import.meta.url)).filter((name) =>
        name.endsWith('.ts'),
      );
      expect(programs.map((name) => name.slice(0, -3)).sort()).toEqual(Object.keys(SMALL).sort());
    });
    test.each(Object.entries(SMALL))('%s keeps its promise', async (name, options) => {
      await expectSound(name, options, { epoll, cpus: 2, abi: 'arm64' });
    });
  });
});
