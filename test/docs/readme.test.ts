/**
 * Promises of the README: its commands are there, and its examples run as they are printed, against the package as it
 * would be installed.
 */
import { spawnSync } from 'node:child_process';
import { mkdirSync, mkdtempSync, readFileSync, rmSync, symlinkSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';

const project = fileURLToPath(new URL('../..', import.meta.url));
const smplab = join(project, 'bin', 'smplab.mjs');
const readme = readFileSync(join(project, 'README.md'), 'utf8');
let directory = '';

/** The README's code blocks that begin with a comment that is a file name. */
const files = [...readme.matchAll(/^```js\n\/\/ (\S+\.js)\n([\s\S]*?)^```/gm)].map(([, name, code]) => ({
  name: name!,
  code: code!,
}));

beforeAll(() => {
  directory = mkdtempSync(join(tmpdir(), 'smplab-readme-'));
  mkdirSync(join(directory, 'node_modules'));
  symlinkSync(project, join(directory, 'node_modules', 'smplab'));
  writeFileSync(join(directory, 'package.json'), '{ "type": "module" }\n');
  for (const { name, code } of files) writeFileSync(join(directory, name), code);
});
afterAll(() => rmSync(directory, { recursive: true }));

function node(...args: string[]) {
  // The package is found through its link, as an installed one would be.
  const options = { cwd: directory, encoding: 'utf8', timeout: 20_000 } as const;
  return spawnSync(process.execPath, ['--preserve-symlinks', ...args], options);
}

describe('the README', () => {
  test('names the two commands that a newcomer types', () => {
    expect(readme).toContain('npm ci && npm start');
    expect(readme).toContain('npm ci && npm test');
  });

  test('has a program and a measurement of it', () => {
    expect(files.map(({ name }) => name)).toEqual(['ping.js', 'measure.js']);
  });

  test("'s program runs on the command line, with every check on", () => {
    const { status, stderr } = node(smplab, 'run', './ping.js', '--checks', '--quiet');
    expect([status, stderr]).toEqual([0, '']);
  });

  test("'s measurement counts the wait of the program", () => {
    const { status, stdout, stderr } = node('measure.js');
    expect([status, stderr]).toEqual([0, '']);
    expect(stdout).toMatch(/code: 0,/);
    expect(stdout).toMatch(/epollWaits: 1\b/);
  });

  test('names no verb that is not there, and leaves none out', () => {
    const { stdout } = node(smplab, '--help');
    const commands = stdout.slice(stdout.indexOf('Commands:'), stdout.indexOf('Examples:'));
    const there = [...commands.matchAll(/^ {2}([a-z]+) /gm)].map(([, name]) => name!).filter((name) => name !== 'help');
    const named = [...readme.matchAll(/^\| `([a-z]+)` \|/gm)].map(([, name]) => name!);
    expect(named.sort()).toEqual(there.sort());
  });
});
