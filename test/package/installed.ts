// The package as a user gets it: packed, and installed in an empty folder, away from this checkout.
import { execFile } from 'node:child_process';
import { existsSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { delimiter, join } from 'node:path';
import { fileURLToPath } from 'node:url';

export const checkout = fileURLToPath(new URL('../../', import.meta.url));

export interface Ran {
  readonly code: number;
  readonly stdout: string;
  readonly stderr: string;
}

export interface TarballFile {
  readonly path: string;
  readonly size: number;
}

export interface Tarball {
  readonly path: string;
  /** Bytes, packed. */
  readonly size: number;
  readonly files: readonly TarballFile[];
}

/** Variables by which npm and vitest tell their children about this checkout, or a person about machines. */
const OWN_VARIABLES = /^(npm_|SMPLAB_|VITEST|NODE_OPTIONS|INIT_CWD|(NO|FORCE)_COLOR$)/;

export function run(file: string, args: readonly string[], cwd: string): Promise<Ran> {
  const env = Object.fromEntries(Object.entries(process.env).filter(([name]) => !OWN_VARIABLES.test(name)));
  return new Promise((resolve) => {
    execFile(file, args, { cwd, env, maxBuffer: 1 << 28 }, (error, stdout, stderr) => {
      resolve({ code: error === null ? 0 : Number(error.code ?? -1), stdout, stderr });
    });
  });
}

/** Builds and packs, as `npm publish` would. */
export async function pack(destination: string): Promise<Tarball> {
  const ran = await run('npm', ['pack', '--json', '--pack-destination', destination], checkout);
  if (ran.code !== 0) throw new Error(`npm pack: exit ${ran.code}\n${ran.stdout}${ran.stderr}`);
  // What the build prints stands before the document.
  const [packed] = JSON.parse(ran.stdout.slice(ran.stdout.indexOf('[\n'))) as readonly {
    filename: string;
    size: number;
    files: readonly TarballFile[];
  }[];
  return { path: join(destination, packed!.filename), size: packed!.size, files: packed!.files };
}

const UNREACHABLE =
  /ENOTFOUND|EAI_AGAIN|ECONNREFUSED|ECONNRESET|ETIMEDOUT|ENETUNREACH|ENOTCACHED|ERR_SOCKET_TIMEOUT|E40[34]/;

/** @returns why the registry could not give the dependencies, or undefined once they are installed */
export async function install(tarball: string, folder: string): Promise<string | undefined> {
  writeFileSync(join(folder, 'package.json'), '{ "name": "consumer", "private": true, "type": "module" }\n');
  const flags = ['--prefer-offline', '--no-audit', '--no-fund', '--fetch-retries=1', '--fetch-timeout=30000'];
  const ran = await run('npm', ['install', tarball, ...flags], folder);
  if (ran.code === 0) return undefined;
  const reason = UNREACHABLE.exec(ran.stderr)?.[0];
  if (reason === undefined) throw new Error(`npm install: exit ${ran.code}\n${ran.stderr}`);
  return `the registry of the dependencies cannot be reached (${reason})`;
}

export function emptyFolder(): { readonly path: string; readonly remove: () => void } {
  const path = mkdtempSync(join(tmpdir(), 'smplab-package-'));
  return { path, remove: () => rmSync(path, { recursive: true, force: true }) };
}

/** A Node of that major version: the one that runs this, or one that SMPLAB_NODE_BINARIES names. */
export async function nodeOf(major: number): Promise<string | undefined> {
  const named = (process.env['SMPLAB_NODE_BINARIES'] ?? '').split(delimiter).filter((path) => path !== '');
  for (const path of [process.execPath, ...named]) {
    if (!existsSync(path)) throw new Error(`SMPLAB_NODE_BINARIES: ${path}: there is no such file`);
    const { stdout } = await run(path, ['--version'], checkout);
    if (stdout.startsWith(`v${major}.`)) return path;
  }
  return undefined;
}
