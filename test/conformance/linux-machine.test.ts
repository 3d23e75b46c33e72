// Conformance on a machine with Linux's design, which declares nothing: every case is answered as the kernel answered it
// whose answers were recorded (6.18, x86_64).

import { fileURLToPath } from 'node:url';
import { expect, test } from 'vitest';
import { divergencesOf } from '../../src/conform/divergences/index.ts';
import { CaseRunner, runConform } from '../../src/conform/run.ts';
import { readCaseFile } from '../../src/conform/schema.ts';
import { verdictOf } from '../../src/conform/verdict.ts';

test('no divergence is declared', () => {
  expect(divergencesOf('linux')).toEqual([]);
});

test('the bundled cases are answered as Linux answers them', { timeout: 120_000 }, async () => {
  const { failures, cases, passed, unseen, failed } = await runConform({ boot: { epoll: 'linux', cpus: 2 } });
  expect(failures).toEqual([]);
  expect({ failed, left: cases - passed - unseen }).toEqual({ failed: 0, left: 0 });
});

// Who is woken, in which order, and what tells whom: cases of its own, for nothing of it is promised to programs.
test.each([1, 2])('so are cases of who is woken when, on %i CPUs', { timeout: 60_000 }, async (cpus) => {
  const files = [fileURLToPath(new URL('../fixtures/wake-order.json', import.meta.url))];
  const { failures, cases, passed } = await runConform({ files, boot: { epoll: 'linux', cpus } });
  expect(failures).toEqual([]);
  expect(passed).toBe(cases);
});

// What the fuzzer found and other designs answer otherwise. Who is faster may decide whether a fault shows: so often.
test.each([1, 2])('so is what random programs found, on %i CPUs', { timeout: 60_000 }, async (cpus) => {
  const file = fileURLToPath(new URL('../fixtures/fuzz-found-linux.json', import.meta.url));
  const found = readCaseFile(file);
  const machine = new CaseRunner({ epoll: 'linux', cpus });
  try {
    for (let run = 0; run < 20; run++) {
      for (const one of found) {
        expect(verdictOf(one, await machine.run(one), [])).toMatchObject({ case: one.name, kind: 'passed' });
      }
    }
  } finally {
    await machine.close();
  }
});

test('a machine reads and writes every kind of argument as the host does', async () => {
  const files = [fileURLToPath(new URL('../fixtures/argument-kinds.json', import.meta.url))];
  expect((await runConform({ files, boot: { epoll: 'linux', cpus: 2 } })).failures).toEqual([]);
});
