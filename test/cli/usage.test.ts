import { spawn } from 'node:child_process';
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { documentOf, smplab } from './smplab.ts';

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
    { args: ['bench', 'sycall'], says: ["'sycall'", 'did you mean syscall?'] },
    { args: ['bench', 'syscall', 'basics'], says: ["'basics'", 'did you mean basic?'] },
    { args: ['conform', 'not-there.json'], says: ['not-there.json'] },
    { args: ['conform', '--engine', 'steped'], says: ['--engine', 'did you mean stepped?'] },
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

  test('a wrong value or name is told with the place where it stands', async () => {
    const inFile = join(directory, 'smplab.config.json');
    writeFileSync(inFile, '{ "cpu": 3 }');
    const misspelt = await smplab(['run', 'echo-server'], { cwd: directory });
    expect(misspelt.code).toBe(2);
    expect(misspelt.stderr).toMatch(/smplab\.config\.json: unknown setting 'cpu' \(did you mean cpus\?\)/);
    writeFileSync(inFile, '{ "cpus": ');
    expect(await smplab(['run', 'echo-server'], { cwd: directory })).toMatchObject({ code: 2 });
    rmSync(inFile);
    const variable = await smplab(['run', 'echo-server'], { cwd: directory, env: { SMPLAB_CHECKS: 'maybe' } });
    expect(variable.code).toBe(2);
    expect(variable.stderr).toContain("SMPLAB_CHECKS: 'maybe'");
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

  test('a stdout that nobody reads is told, and the exit code fails', async () => {
    const command = fileURLToPath(new URL('../../bin/smplab.mjs', import.meta.url));
    const child = spawn(process.execPath, [command, 'list', '--json'], { stdio: ['ignore', 'pipe', 'pipe'] });
    child.stdout.destroy();
    let stderr = '';
    child.stderr.on('data', (chunk: Buffer) => {
      stderr += chunk.toString();
    });
    const code = await new Promise((resolve) => child.on('close', resolve));
    expect(stderr).toContain('stdout was closed');
    expect(code).toBe(1);
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
