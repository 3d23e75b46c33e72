// Races of other suites that no list of outcomes can hold.
//
// gVisor's: one socket armed as one-shot in two instances (DoubleEpollOneShot), and signals sent to a thread that waits for
// its signalfd (ReadyMutexCircularity). Nobody sleeps for ever, every message and every last signal is told.
//
// kselftest's: an edge armed anew while it is waited for (epoll59), as many events as waiters, all at once (epoll60), an
// event that comes as the wait of one of two ends (epoll61). No event is lost, and none is told twice.
//
// A kernel that looks once only is found out, and one that forgets what changed during a harvest.
import { mkdtempSync, rmSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { afterAll, beforeAll, beforeEach, describe, expect, test, vi } from 'vitest';
import type { EpollDesign } from '../../src/kernel/abi/types.ts';
import { Machine } from '../../src/machine/machine.ts';
import { edgesAreTold, forEveryDesign } from '../designs.ts';
import { testProgram } from '../test-programs.ts';
import { brokenBundle } from '../torture/broken-bundle.ts';
import type { RaceOptions as GvisorRace } from './gvisor-races.program.ts';
import type { RaceOptions as KselftestRace } from './kselftest-races.program.ts';

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

async function run(name: string, epoll: EpollDesign, cpus: number, argv: object): Promise<unknown> {
  await using machine = await Machine.boot({ epoll, cpus, checks: true });
  const program = testProgram(new URL(`./${name}-races.program.ts`, import.meta.url));
  const { code } = await machine.exited(await machine.spawn(program, { argv }));
  return code;
}
function gvisor(epoll: EpollDesign, cpus: number, race: GvisorRace['race'], rounds: number): Promise<unknown> {
  const argv: GvisorRace = { race, rounds, looksAgain: epoll !== 'wasix' };
  return run('gvisor', epoll, cpus, argv);
}
function kselftest(epoll: EpollDesign, cpus: number, race: KselftestRace['race'], rounds: number): Promise<unknown> {
  // Kevlar's MOD keeps what was reported before (its B18); VeridianOS's edges are levels (its D3).
  const argv: KselftestRace = { race, rounds, modTells: epoll !== 'kevlar', edgesAreTold: edgesAreTold(epoll) };
  return run('kselftest', epoll, cpus, argv);
}

forEveryDesign((epoll) => {
  describe.each([1, 2, 3])('with %i CPUs', (cpus) => {
    test.each([
      ['every answer is read, though two instances arm one socket as one-shot', 'one-shot', 200],
      ['every signal is told to the thread that waits for it, the last one too', 'signals', 600],
    ] as const)('%s', async (_promise, race, rounds) => {
      expect(await gvisor(epoll, cpus, race, rounds)).toBe(0);
    });

    test.each([
      ['what is armed anew is told, however often', 'armed-anew', 2000],
      ['of as many events as waiters each waiter takes one', 'all-at-once', 60],
      ['an event that comes as the wait of one ends is told to the other', 'at-the-timeout', 60],
    ] as const)('%s', async (_promise, race, rounds) => {
      expect(await kselftest(epoll, cpus, race, rounds)).toBe(0);
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
    for (let i = 0; i < 20; i++) await gvisor('linux', 2, i % 2 === 0 ? 'signals' : 'one-shot', 2000);
  };
  await expect(runs()).rejects.toMatchObject({ verdict: 'deadlock' });
}, 120_000);

test('a kernel that forgets what changed during a harvest loses an event', async () => {
  bundle.path = await brokenBundle(directory, 'cpu-worker/main.ts', 'no overflow', {
    file: 'kernel/epoll/linux/ready.ts',
    line: '  if (LinuxEpoll.overflowFirst.get(e) !== 0) listOverflowLocked(e);\n',
    instead: '  LinuxEpoll.overflowFirst.set(e, NULL);\n  LinuxEpoll.overflowLast.set(e, NULL);\n',
  });
  const runs: unknown[] = [];
  for (let i = 0; i < 20 && !runs.some((code) => code !== 0); i++) {
    runs.push(await kselftest('linux', 2, 'all-at-once', 300).catch(({ verdict }) => verdict));
  }
  expect(runs.at(-1)).not.toBe(0);
}, 120_000);
