// Straces of real programs, recorded with `strace -f -ttt -T -s 64` under a short load: a replay comes to its end, every
// answer that is compared is the recorded one, and every call is accounted for.

import { readdirSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { describe, expect, test } from 'vitest';
import { replayFile } from '../../src/replay/run.ts';
import { readTrace } from '../../src/replay/trace.ts';

const folder = fileURLToPath(new URL('./traces/', import.meta.url));
const traces = readdirSync(folder).filter((name) => name.endsWith('.strace.gz'));

function sum(counts: Readonly<Record<string, number>>): number {
  return Object.values(counts).reduce((total, count) => total + count, 0);
}

describe('recorded programs', () => {
  test('there are some, of several processes and of several threads', () => {
    expect(traces.length).toBeGreaterThanOrEqual(4);
  });

  test.each(traces)('%s is understood to the last line', (name) => {
    const trace = readTrace(`${folder}${name}`, { strict: true });
    expect(trace.truncated).toBe(false);
    expect(trace.program).not.toBe('unknown');
  });

  test.each(traces)('%s is replayed to its end, and every call is compared, imposed or unsupported', async (name) => {
    const summary = await replayFile(`${folder}${name}`, { designs: ['kevlar'], cpus: 2 });
    const [design] = summary.designs;
    expect(design?.firstMismatches).toEqual([]);
    expect(design?.mismatches).toBe(0);
    expect(design?.compared).toBe(summary.compared);
    expect(summary.compared + sum(summary.imposed) + sum(summary.unsupported)).toBe(summary.calls);
    expect(summary.compared).toBeGreaterThan(summary.calls / 20);
    expect(summary.skippedLines).toEqual([]);
  });
});
