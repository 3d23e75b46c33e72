// Conformance on a machine with VeridianOS's design: every case is answered as Linux answers it, or as a declared rule
// foretells; what is no matter of epoll is Linux's outright.

import { beforeAll, describe, expect, test } from 'vitest';
import { runConform } from '../../src/conform/run.ts';
import type { ConformSummary } from '../../src/conform/summary.ts';

describe('the bundled cases', () => {
  let summary: ConformSummary;
  beforeAll(async () => {
    summary = await runConform({ boot: { epoll: 'veridian', cpus: 2 } });
  }, 120_000);

  test('none of them fails', () => {
    expect(summary.failures).toEqual([]);
    expect(summary.failed).toBe(0);
    expect(summary.cases).toBe(summary.passed + summary.declared + summary.unseen + summary.failed);
  });

  test.each(['eventfd', 'timerfd', 'pipe', 'sockets'])('%s passes outright', (name) => {
    const file = summary.files.find((each) => each.file.startsWith(`${name}.json`))!;
    expect(file).toMatchObject({ passed: file.cases, declared: 0, unseen: 0, failed: 0 });
  });

  test('every declared divergence is shown', () => {
    expect(summary.notShown).toEqual([]);
  });
});
