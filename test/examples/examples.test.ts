// Every script of examples/ runs as its opening comment says, and says what it promises to.
import { execFile } from 'node:child_process';
import { readdirSync, readFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { describe, expect, test } from 'vitest';

const project = fileURLToPath(new URL('../../', import.meta.url));

interface Ran {
  readonly code: number;
  readonly stdout: string;
  readonly stderr: string;
}

function node(args: readonly string[]): Promise<Ran> {
  return new Promise((resolve) => {
    execFile(process.execPath, args, { cwd: project }, (error, stdout, stderr) => {
      resolve({ code: error === null ? 0 : Number(error.code ?? -1), stdout, stderr });
    });
  });
}

/** Script, and what its output must have. */
const SAYS: Readonly<Record<string, readonly RegExp[]>> = {
  'boot.js': [/^process 1 ended with exit code 0$/m, /^\d+ wakeups, \d+ of them useful$/m],
  'compare.js': [/idle spin 0 us +[\d.]+ us, [\d.]+ us of CPU time, \d+ switches/, /idle spin 200 us/],
  'herd-sweep.ts': [/^ +1 +[\d.]+ /m, /^ +16 +[\d.]+ /m],
  'read-stats.ts': [/^CPU 1: \d+ system calls/m, /^tasks: 0 live, 3 at most/m, /^interests: 0 live/m],
  'verdicts.js': [/^the verdict is deadlock$/m, /^task 1 of process 1 .*sleeping in read\(pipe, for ever\)/m],
};

describe('the examples', () => {
  test('are all tested', () => {
    const scripts = readdirSync(`${project}/examples`).filter((name) => /\.[jt]s$/.test(name));
    expect(scripts.sort()).toEqual(Object.keys(SAYS).sort());
  });

  test.each(Object.entries(SAYS))('%s runs as it says', async (name, patterns) => {
    const source = readFileSync(`${project}/examples/${name}`, 'utf8');
    const command = /^\/\/ {5}node (.*)$/m.exec(source)?.[1]?.split(' ') ?? [];
    expect(command.at(-1)).toBe(`examples/${name}`);
    const { code, stdout, stderr } = await node(command);
    expect([code, stdout], stderr).toEqual([0, expect.any(String)]);
    for (const pattern of patterns) expect(stdout).toMatch(pattern);
  });

  test('have guests that the command line runs, with every check on', async () => {
    for (const guest of ['ping.js', 'ticker.ts']) {
      const { code, stderr } = await node(['bin/smplab.mjs', 'run', `examples/guests/${guest}`, '--checks', '-q']);
      expect(code, stderr).toBe(0);
    }
  });
});
