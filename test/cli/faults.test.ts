// Whatever goes wrong on a machine, the command says what, with an exit code, and in good time.
import { describe, expect, test } from 'vitest';
import { documentOf, programPath, smplab } from './smplab.ts';

const LIMIT_MS = 10_000;

interface Fault {
  readonly name: string;
  readonly program: string;
  readonly args?: readonly string[];
  readonly code: number;
  readonly ended: string;
  readonly says: readonly RegExp[];
}

const FAULTS: readonly Fault[] = [
  {
    name: 'the kernel panics',
    program: 'panics.ts',
    args: ['--checks'],
    code: 3,
    ended: 'panic',
    says: [/panic: CPU 0: .*a record that was reused/, /CPU 0: in the kernel, runs task 1/, /close/],
  },
  {
    name: 'a program throws',
    program: 'throws.js',
    code: 1,
    ended: 'program error',
    says: [/the program of task 2 threw: RangeError: thirteen is out of range/, /throws\.js:\d+/],
  },
  {
    name: 'a program ends the thread that it runs on',
    program: 'exits-the-thread.js',
    code: 3,
    ended: 'worker died',
    says: [/CPU 0's thread ended in the program of task 1 with exit code 5: .*process\.exit/, /task 1 .*running/],
  },
  {
    name: "a program takes all of its thread's memory",
    program: 'out-of-memory.js',
    args: ['--limit', 'heapMb=48'],
    code: 3,
    ended: 'worker died',
    says: [/CPU 0's thread ran out of JavaScript memory in the program of task 1: .*48 MiB \(option heapMb\)/],
  },
  {
    name: 'a CPU waits for a lock that nobody frees',
    program: 'lock-never-free.ts',
    args: ['--limit', 'lockupMs=1000', '--checks'],
    code: 3,
    ended: 'lockup',
    says: [/lockup: CPU 0 .*without moving/, /sleeps for a lock of class slab/, /task 1 .* in eventfd2/],
  },
  {
    name: 'kernel code loops',
    program: 'kernel-loops.ts',
    args: ['--limit', 'lockupMs=1000', '--checks'],
    code: 3,
    ended: 'lockup',
    says: [/lockup: CPU 0 .*without moving/, /CPU 0: in the kernel, runs task 1, .*holds process/, /exit_group/],
  },
  {
    name: 'every task sleeps for ever',
    program: 'deadlocks.js',
    code: 3,
    ended: 'deadlock',
    says: [/deadlock/, /sleeping in read\(pipe, for ever\)/],
  },
  {
    name: 'a program never traps',
    program: 'never-traps.js',
    args: ['--timeout', '2', '--limit', 'starvationMs=500'],
    code: 124,
    ended: 'timeout',
    says: [/no trap: task 1 has not trapped for \d\.\d s on CPU 0/, /no end after 2 s/, /in a task, runs task 1/],
  },
  {
    name: 'a module never comes to its end',
    program: 'loads-for-ever.js',
    args: ['--timeout', '1'],
    code: 124,
    ended: 'timeout',
    says: [/no end after 1 s; .*loads-for-ever\.js was still being loaded/],
  },
];

describe('a report and an exit code within 10 s when', () => {
  test.for(FAULTS)('$name', async ({ program, args = [], code, ended, says }) => {
    const result = await smplab(['run', programPath(program), '--json', '-C', '1', ...args]);
    for (const text of says) expect(result.stderr).toMatch(text);
    expect(result).toMatchObject({ code, signal: null });
    expect(documentOf(result)).toMatchObject({ verb: 'run', ended, exit: null });
    expect(result.milliseconds).toBeLessThan(LIMIT_MS);
  });
});

describe('what a machine warns of while it lives', () => {
  interface Warned {
    readonly warnings: readonly { readonly code: string; readonly message: string }[];
  }
  const run = (program: string, ...args: readonly string[]) =>
    smplab(['run', programPath(program), '-C', '1', '--timeout', '3', '--limit', 'starvationMs=500', ...args]);

  test('tasks that wait for a CPU in vain: named, with who has it', async () => {
    const ended = await run('hogs-its-cpu.js', '--json');
    const message =
      /starvation: 2 tasks \(2, 3\) are runnable on CPU 0 for \d\.\d s and did not run: task 1 has not trapped/;
    expect(ended.stderr).toMatch(message);
    expect(ended.stderr).toMatch(/task 2 of process 1 on CPU 0: runnable/);
    const { warnings } = documentOf<Warned>(ended);
    expect(warnings[0]).toMatchObject({ code: 'SMPLAB_STARVATION' });
    expect(warnings[0]!.message).toMatch(message);
    // Told again only when it has lasted much longer.
    expect(warnings.length).toBeLessThan(3);
  });

  test('nothing, where every task gets its turn', async () => {
    const ended = await smplab(['run', 'thundering-herd', '-C', '1', '--json', '--limit', 'starvationMs=500']);
    expect(ended.code).toBe(0);
    expect(documentOf<Warned>(ended).warnings).toEqual([]);
  });
});
