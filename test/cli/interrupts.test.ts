// Ctrl-C, or SIGTERM: once is a soft stop with a report of what there is; twice is the end at once. In every verb that works long.
import { describe, expect, test } from 'vitest';
import { documentOf, programPath, type Running, start } from './smplab.ts';

const LIMIT_MS = 10_000;

const VERBS = [
  { verb: 'run', args: ['run', programPath('never-ends.js')] },
  { verb: 'run', args: ['run', programPath('never-traps.js')] },
  { verb: 'run', args: ['run', programPath('loads-for-ever.js')] },
  { verb: 'replay', args: ['replay', 'data/traces/redis.strace.gz', '--speed', '1'] },
  { verb: 'conform', args: ['conform'] },
  { verb: 'bench', args: ['bench', 'all'] },
  { verb: 'torture', args: ['torture', 'lock', '--lock', 'ttas', '--seconds', '30'] },
] as const;

/** So far into the verb's work that there is something to stop. */
const INTO_WORK_MS = 1200;

/** Resolves when the verb works, and would hear a signal. */
async function working(running: Running): Promise<void> {
  await running.says('process ');
  await new Promise((resolve) => setTimeout(resolve, INTO_WORK_MS));
}

describe('one signal stops softly: exit 130, and what there is is told', () => {
  const cases = [
    ...VERBS.map((each) => ({ ...each, signal: 'SIGINT' as const })),
    { ...VERBS[0], signal: 'SIGTERM' as const },
  ];
  test.for(cases)('$signal, $args', async ({ args, verb, signal }) => {
    const running = start([...args, '--json', '-v']);
    await working(running);
    const sentMs = performance.now();
    running.kill(signal);
    const ended = await running.ended;
    expect(performance.now() - sentMs).toBeLessThan(LIMIT_MS);
    expect(ended, ended.stderr).toMatchObject({ code: 130, signal: null });
    expect(ended.stderr).toContain('stopping; press Ctrl-C again to end at once');
    const document = documentOf(ended);
    expect(document).toMatchObject(verb === 'run' ? { verb, ended: 'interrupted' } : { verb, interrupted: true });
  });
});

describe('a second signal ends the command there and then', () => {
  test.for(VERBS)('$args', async ({ args }) => {
    const running = start([...args, '-v']);
    await working(running);
    running.kill('SIGINT');
    await running.says('stopping');
    // The first may have its way before this one comes: an interruption it is either way.
    running.kill('SIGINT');
    const sentMs = performance.now();
    const { code, signal } = await running.ended;
    expect(performance.now() - sentMs).toBeLessThan(2000);
    expect(code === 130 || signal === 'SIGINT').toBe(true);
  });

  test('also where the thread of a CPU hears nothing', async () => {
    const running = start(['run', programPath('out-of-memory.js'), '--limit', 'heapMb=4096', '-v']);
    await working(running);
    running.kill('SIGINT');
    await running.says('stopping');
    running.kill('SIGINT');
    const sentMs = performance.now();
    const { code, signal } = await running.ended;
    expect(performance.now() - sentMs).toBeLessThan(2000);
    expect(code === 130 || signal === 'SIGINT').toBe(true);
  });
});
