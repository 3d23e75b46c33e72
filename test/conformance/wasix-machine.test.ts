// Conformance on a machine with WASIX's design: the bundled cases.

import { expect, test } from 'vitest';
import { runConform } from '../../src/conform/run.ts';

test('no bundled case fails, and every declared divergence is shown', async () => {
  const summary = await runConform({ boot: { epoll: 'wasix', cpus: 2 } });
  expect(summary.failures).toEqual([]);
  expect(summary.failed).toBe(0);
  expect(summary.notShown).toEqual([]);
  // What has to do with no epoll is Linux's.
  const files = summary.files.filter(({ file }) => /^(eventfd|timerfd|signalfd|pipe|sockets)\.json/.test(file));
  for (const { file, cases, passed } of files) expect([file, passed]).toEqual([file, cases]);
}, 120_000);
