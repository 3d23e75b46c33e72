// The two races of gVisor's tests of epoll that no list of outcomes can hold: one socket armed as one-shot in two instances
// (DoubleEpollOneShot), and signals sent to a thread that waits for its signalfd (ReadyMutexCircularity). Nobody sleeps for
// ever, every message and every last signal is told, and a kernel that looks once only is found out.
import { mkdtempSync, rmSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { afterAll, beforeAll, beforeEach, describe, expect, test, vi } from 'vitest';
import type { EpollDesign } from '../../src/kernel/abi/types.ts';
import { Machine } from '../../src/machine/machine.ts';
import { forEveryDesign } from '../designs.ts';
import { testProgram } from '../test-programs.ts';
import { brokenBundle } from '../torture/broken-bundle.ts';
import type { RaceOptions } from './gvisor-races.program.ts';

/** The CPUs' bundle; undefined: the one that was built. */
const bundle = vi.hoisted(() => ({ path: undefined as string | undefined }));
vi.mock('../../src/machine/worker-file.ts', async (original) => {
  const real = await original<typeof import('../../src/machine/worker-file.ts')>();
  return { ...real, workerFile: (checks: boolean, name?: string) => bundle.path ?? real.workerFile(checks, name) };
});

let directory = '';
beforeAll(() => {
  directory = mkdtempSync(fileURLToPath(new URL('../../node_modules/.smplab-races-', import.meta.url)));
});
afterAll(() => rmSync(directory, { recursive: true, force: true }));
beforeEach(() => {
  bundle.path = undefined;
});

async function run(epoll: EpollDesign, cpus: number, race: RaceOptions['race'], rounds: number): Promise<unknown> {
  await using machine = await Machine.boot({ epoll, cpus, checks: true });
  const argv: RaceOptions = { race, rounds, looksAgain: epoll !== 'wasix' };
  const program = testProgram(new URL('./gvisor-races.program.ts', import.meta.url));
  const { code } = await machine.exited(await machine.spawn(program, { argv }));
  return code;
}

forEveryDesign((epoll) => {
  describe.each([1, 2, 3])('with %i CPUs', (cpus) => {
    test('every answer is read, though two instances arm one socket as one-shot', async () => {
      expect(await run(epoll, cpus, 'one-shot', 200)).toBe(0);
    });

    test('every signal is told to the thread that waits for it, the last one too', async () => {
      expect(await run(epoll, cpus, 'signals', 600)).toBe(0);
    });
  });
});

test('a kernel that does not look again once it stands in the queue sleeps for ever', async () => {
  bundle.path = await brokenBundle(directory, 'cpu-worker/main.ts', 'one look', {
    file: 'wait/sleep.ts',
    line: '    return stood;\n  }\n  const r = syscallOps[call]!.attempt(t, fr);',
    instead: '    return stood;\n  }\n  const r = WAIT as number;',
  });
  const runs = async (): Promise<void> => {
    for (let i = 0; i < 20; i++) await run('linux', 2, i % 2 === 0 ? 'signals' : 'one-shot', 2000);
  };
  await expect(runs()).rejects.toMatchObject({ verdict: 'deadlock' });
}, 120_000);
