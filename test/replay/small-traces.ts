// Small traces for the tests of replay: what one writes down by hand, one line a call.

import { expect } from 'vitest';
import { type ReplaySummary, replayTrace } from '../../src/replay/run.ts';
import { parseStrace } from '../../src/replay/trace.ts';

/** Lines without stamp, ten microseconds one after the other; one that begins with no tid is of thread 10. */
export async function replaySmall(lines: string, designs: readonly string[] = ['kevlar']): Promise<ReplaySummary> {
  const text = lines
    .trim()
    .split('\n')
    .map((line, place) => {
      const [, tid = '10', rest = ''] = /^\s*(?:(\d+) )?(.*)$/.exec(line) ?? [];
      return `${tid} 1700000000.${String(place * 10).padStart(6, '0')} ${rest}`;
    })
    .join('\n');
  const trace = parseStrace(`${text}\n`, { strict: true });
  const summary = await replayTrace(trace, { designs, boot: { checks: true } });
  for (const design of summary.designs) expect(design.firstMismatches).toEqual([]);
  return summary;
}
