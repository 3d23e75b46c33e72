import { spawn } from 'node:child_process';
import { closeSync, mkdtempSync, openSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { documentOf, programPath, smplab } from './smplab.ts';

const VERBS = ['run', 'replay', 'conform', 'bench', 'torture', 'list', 'doctor'];

describe('help', () => {
  test('names every verb, with examples, the exit codes and where settings come from', async () => {
    const { code, stdout, stderr } = await smplab(['--help']);
    expect(code).toBe(0);
    expect(stderr).toBe('');
    for (const verb of VERBS) expect(stdout).toMatch(new RegExp(`^  ${verb} `, 'm'));
    for (const text of ['Examples:', 'Exit codes:', 'SMPLAB_CPUS', 'smplab.config']) expect(stdout).toContain(text);
  });

  test.each(VERBS)('%s has examples of its own, also through `help`', async (verb) => {
    const { code, stdout } = await smplab([verb, '--help']);
    expect(code).toBe(0);
    expect(stdout).toContain('Examples:');
    expect(stdout).toContain(`smplab ${verb}`);
    expect(stdout).toContain('--json');
    expect((await smplab(['help', verb])).stdout).toBe(stdout);
  });

  test("the version is the package's", async () => {
    const manifest = readFileSync(fileURLToPath(new URL('../../package.json', import.meta.url)), 'utf8');
    const { code, stdout } = await smplab(['--version']);
    expect(code).toBe(0);
    expect(stdout.trim()).toBe((JSON.parse(manifest) as { version: string }).version);
  });
});

describe('wrong usage ends with 2, a reason, and nothing on stdout', () => {
  test.each([
    { args: ['rnu'], says: ["unknown command 'rnu'", 'Did you mean run?'] },
    { args: ['run', 'echo-server', '--cpu', '3'], says: ["unknown option '--cpu'", '--cpus'] },
    { args: ['run', 'echo-serve'], says: ["'echo-serve'", 'did you mean echo-server?'] },
    { args: ['run'], says: ['program'] },
    { args: ['run', './not-there.js'], says: ['./not-there.js', 'no such file'] },
    { args: ['run', 'echo-server', '--cpus', 'two'], says: ['--cpus', "'two'"] },
    { args: ['run', 'echo-server', '--cpus', '0'], says: ['cpus'] },
    { args: ['run', 'echo-server', '--epoll', 'linx'], says: ['--epoll', 'did you mean linux?', 'kevlar'] },
    { args: ['run', 'echo-server', '--lock', 'tickt'], says: ['--lock', 'did you mean ticket?'] },
    { args: ['run', 'echo-server', '--lock', 'ttas,runqeue=ticket'], says: ['--lock', 'did you mean runqueue?'] },
    { args: ['torture', 'lokc'], says: ['lokc', 'Did you mean lock?'] },
    { args: ['torture', 'lock', '--lock', 'tickt'], says: ['--lock', 'did you mean ticket?'] },
    { args: ['torture', 'lock', '--cpus', '0'], says: ['--cpus'] },
    { args: ['torture', 'lock', '--hold', 'long'], says: ['--hold'] },
    { args: ['run', 'echo-server', '--idle-spin', 'long'], says: ['--idle-spin', "'long'"] },
    { args: ['run', 'echo-server', '--set', 'clients'], says: ['--set', 'key=value'] },
    { args: ['run', 'echo-server', '--timeout', '-1'], says: ['--timeout'] },
    { args: ['run', 'echo-server', '--limit', 'task=5'], says: ['--limit', 'did you mean tasks?'] },
    { args: ['run', 'echo-server', '--limit', 'tasks'], says: ['--limit tasks', 'key=value'] },
    { args: ['run', 'echo-server', '--limit', 'files=many'], says: ['--limit files', "'many' is not a whole number"] },
    {
      args: ['run', 'echo-server', '--limit', 'userBytes=1G'],
      says: ['may have 2 GiB', 'lower userBytes (1073741824;'],
    },
    { args: ['bench', 'sycall'], says: ["'sycall'", 'did you mean syscall?'] },
    { args: ['bench', 'syscall', 'basics'], says: ["'basics'", 'did you mean basic?'] },
    { args: ['conform', 'not-there.json'], says: ['not-there.json'] },
    { args: ['conform', '--engine', 'steped'], says: ['--engine', 'did you mean stepped?'] },
    { args: ['conform', '--schedules', '10'], says: ['--schedules', '--engine stepped'] },
    {
      args: ['conform', '--engine', 'stepped', '--schedules', '0'],
      says: ['--schedules', "from 1 was expected, not '0'"],
    },
    { args: ['list', '-o', '/no/such/directory/file'], says: ['-o /no/such/directory/file'] },
  ])('$args', async ({ args, says }) => {
    const { code, stdout, stderr } = await smplab(args);
    expect(stderr).not.toMatch(/^ +at /m);
    for (const text of says) expect(stderr).toContain(text);
    expect(stdout).toBe('');
    expect(code).toBe(2);
  });
});

describe('settings', () => {
  let directory = '';
  beforeEach(() => {
    directory = mkdtempSync(join(tmpdir(), 'smplab-cli-'));
  });
  afterEach(() => rmSync(directory, { recursive: true, force: true }));

  interface RunDocument {
    readonly config: Readonly<Record<string, unknown>>;
  }
  const configOf = async (args: readonly string[], env: Readonly<Record<string, string>> = {}) =>
    documentOf<RunDocument>(await smplab(['run', 'echo-server', '--json', ...args], { cwd: directory, env })).config;

  test('a flag goes before a variable, a variable before the file, the file before the default', async () => {
    writeFileSync(join(directory, 'smplab.config.json'), '{ "cpus": 3, "hz": 250, "pollCache": false }');
    expect(await configOf([])).toMatchObject({ cpus: 3, hz: 250, pollCache: false, lock: 'ttas' });
    const env = { SMPLAB_CPUS: '2', SMPLAB_LOCK: 'ticket', SMPLAB_CHECKS: '1' };
    expect(await configOf([], env)).toMatchObject({ cpus: 2, hz: 250, lock: 'ticket', checks: true });
    expect(await configOf(['-C', '1', '--poll-cache', '--no-checks'], env)).toMatchObject({
      cpus: 1,
      pollCache: true,
      checks: false,
    });
  });

  test('a JavaScript file is read by its default export', async () => {
    writeFileSync(join(directory, 'smplab.config.mjs'), "export default { cpus: 1, idleSpinNs: '20us' };");
    expect(await configOf([])).toMatchObject({ cpus: 1, idleSpinNs: 20_000 });
  });

  test.each([
    { file: 'smplab.config.json', text: '{\n  "cpu": 3\n}', says: ":2:3: unknown setting 'cpu' (did you mean cpus?)" },
    { file: 'smplab.config.json', text: '{\n  "cpus": \n}', says: ':3:1: a value was expected here, and not }' },
    { file: 'smplab.config.json', text: '{ "cpus": 2', says: ":1:12: ',' or '}' was expected here" },
    { file: 'smplab.config.json', text: '{\n  "cpus": 2,\n}', says: ':3:1: something after the comma was expected' },
    { file: 'smplab.config.json', text: '{ "cpus": 2, "cpus": 3 }', says: ':1:14: cpus stands here a second time' },
    { file: 'smplab.config.json', text: '// mine\n{ "cpus": 2 }', says: ':1:1: JSON has no comments' },
    { file: 'smplab.config.json', text: '[2]', says: 'smplab.config.json: must hold an object' },
    {
      file: 'smplab.config.json',
      text: '{\n "hz": 5,\n "cpus": "two" }',
      says: ":3:2: cpus: 'two' is not a whole number",
    },
    { file: 'smplab.config.json', text: '{ "cpus": 65 }', says: ':1:3: cpus: 65 is not a whole number from 1 to 64' },
    { file: 'smplab.config.json', text: '{ "userBytes": 5000 }', says: 'userBytes: 5,000 is not a multiple of 4096' },
    { file: 'smplab.config.json', text: '{ "epoll": "linx" }', says: 'did you mean linux?' },
    { file: 'smplab.config.mjs', text: 'export default {\n  hz: 10,\n  cpus: 0,\n};', says: ':3:3: cpus: 0 is not' },
    { file: 'smplab.config.mjs', text: 'const x = 1;\nexport default {,};', says: 'smplab.config.mjs:2' },
    {
      file: 'smplab.config.mjs',
      text: '\nthrow new Error("no settings today");',
      says: /no settings today \(.*mjs:2:7\)/,
    },
  ])('what is wrong in $file is told with its line: $text', async ({ file, text, says }) => {
    writeFileSync(join(directory, file), text);
    const { code, stderr } = await smplab(['run', 'echo-server'], { cwd: directory });
    expect(stderr).toMatch(says instanceof RegExp ? says : new RegExp(says.replaceAll(/[()?.*+{}[\]]/g, '\\$&')));
    expect(stderr).toContain(file);
    expect(code).toBe(2);
  });

  test('a wrong variable is told by its name', async () => {
    const variable = await smplab(['run', 'echo-server'], { cwd: directory, env: { SMPLAB_CHECKS: 'maybe' } });
    expect(variable.code).toBe(2);
    expect(variable.stderr).toContain("SMPLAB_CHECKS: 'maybe'");
    const range = await smplab(['run', 'echo-server'], { cwd: directory, env: { SMPLAB_TASKS: '0' } });
    expect(range.code).toBe(2);
    expect(range.stderr).toContain('SMPLAB_TASKS: 0 is not a whole number from 1 to 1,048,576');
  });

  test('maxima come by --limit, from a variable or from the file', async () => {
    writeFileSync(join(directory, 'smplab.config.json'), '{ "$schema": "x", "files": 300, "nofile": 400 }');
    const env = { SMPLAB_NOFILE: '500', SMPLAB_TASKS: '32' };
    const args = ['--limit', 'tasks=64', '--limit', 'userBytes=2M'];
    expect(await configOf(args, env)).toMatchObject({ files: 300, nofile: 500, tasks: 64, userBytes: 2 << 20 });
  });

  test('a variable that looks like one of ours and is none is named', async () => {
    const { code, stderr } = await smplab(['run', 'echo-server'], { cwd: directory, env: { SMPLAB_CPU: '3' } });
    expect(code).toBe(0);
    expect(stderr).toContain('SMPLAB_CPU has no effect (did you mean SMPLAB_CPUS?)');
  });
});

describe('delivery', () => {
  test('a result for a file goes there whole, and not to stdout', async () => {
    const directory = mkdtempSync(join(tmpdir(), 'smplab-cli-'));
    try {
      const path = join(directory, 'list.json');
      writeFileSync(path, 'x'.repeat(1 << 20));
      const { code, stdout } = await smplab(['list', '-o', path]);
      expect({ code, stdout }).toEqual({ code: 0, stdout: '' });
      expect(JSON.parse(readFileSync(path, 'utf8'))).toMatchObject({ schemaVersion: 1, verb: 'list' });
    } finally {
      rmSync(directory, { recursive: true, force: true });
    }
  });

  test('a full disk is told, and the exit code fails', async () => {
    const { code, stderr } = await smplab(['list', '-o', '/dev/full']);
    expect(code).toBe(1);
    expect(stderr).toContain('no space left');
  });

  test.each([['list'], ['list', '--json'], ['run', 'echo-server', '--json']])(
    'also of stdout: %s %s',
    async (...args) => {
      const full = openSync('/dev/full', 'w');
      try {
        const { code, stderr } = await smplab(args, { stdout: full });
        expect(stderr).toContain('stdout: no space left');
        expect(code).toBe(1);
      } finally {
        closeSync(full);
      }
    },
  );

  /** What the command does whose reader goes before anything is written, as `head -0` does. */
  async function unread(...args: readonly string[]): Promise<{ code: number | null; stderr: string }> {
    const command = fileURLToPath(new URL('../../bin/smplab.mjs', import.meta.url));
    const child = spawn(process.execPath, [command, ...args], { stdio: ['ignore', 'pipe', 'pipe'] });
    child.stdout.destroy();
    let stderr = '';
    child.stderr.on('data', (chunk: Buffer) => {
      stderr += chunk.toString();
    });
    const code = await new Promise<number | null>((resolve) => child.on('close', resolve));
    return { code, stderr };
  }

  test('a reader that has gone is no news, but the exit code fails', async () => {
    expect(await unread('list', '--json')).toEqual({ code: 1, stderr: '' });
  });

  test('a machine that died is told of, and counts, whether anybody reads the figures or not', async () => {
    const { code, stderr } = await unread('run', programPath('deadlocks.js'), '--json');
    expect(stderr).toContain('deadlock: every task sleeps');
    expect(code).toBe(3);
  });

  test('colour stands where it is forced, and nowhere else', async () => {
    // biome-ignore lint/suspicious/noControlCharactersInRegex: that is what colour is made of
    const colour = /\u001b\[/;
    expect((await smplab(['list'])).stdout).not.toMatch(colour);
    expect((await smplab(['list'], { env: { FORCE_COLOR: '1' } })).stdout).toMatch(colour);
    expect((await smplab(['list'], { env: { FORCE_COLOR: '1', NO_COLOR: '1' } })).stdout).not.toMatch(colour);
    expect((await smplab(['list', '--no-color'], { env: { FORCE_COLOR: '1' } })).stdout).not.toMatch(colour);
  });
});
