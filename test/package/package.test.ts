// What is published is enough: installed in an empty folder it runs, on every Node that it promises, and its types hold.
import { existsSync, readFileSync, writeFileSync } from 'node:fs';
import { createRequire } from 'node:module';
import { join, posix } from 'node:path';
import { afterAll, beforeAll, describe, expect, test, type TestContext } from 'vitest';
import { checkout, emptyFolder, install, nodeOf, pack, type Ran, run, type Tarball } from './installed.ts';

const MINUTE = 60_000;
/** The tarball is about a megabyte; what doubles it came in by mistake. */
const SIZE_MAX = 3e6;

const LIBRARY = `
import { BootError, Machine, MachineDied, type BootOptions, type Exit, type MachineStats } from 'smplab';

const options: BootOptions = { cpus: 2, epoll: 'kevlar', checks: true };
const machine = await Machine.boot(options);
try {
  const pid = await machine.spawn(new URL('./guest.js', import.meta.url));
  const exit: Exit = await machine.exited(pid);
  const stats: MachineStats = machine.stats();
  const useful: number = stats.wakeups.useful;
  console.log(JSON.stringify({ code: exit.code, useful }));
  // @ts-expect-error a count is a number
  const text: string = stats.wakeups.total;
  void text;
} catch (error) {
  if (error instanceof MachineDied) console.error(error.report);
  throw error;
} finally {
  await machine.shutdown();
}
// @ts-expect-error no option is called so
await Machine.boot({ cpu: 2 }).catch((error: unknown) => console.log(error instanceof BootError));
`;

const GUEST = `
import { alloc, allocEpollEvent, EPOLL_CTL_ADD, EPOLLIN, type Guest, join, startThread, store64, sys } from 'smplab/guest';

export function* writer(fd: number): Guest {
  const one = alloc(8);
  store64(one, 1n);
  return yield sys.write(fd, one, 8);
}

export function* main(): Guest {
  const fd = yield sys.eventfd2(0, 0);
  const epoll = yield sys.epoll_create1(0);
  yield sys.epoll_ctl(epoll, EPOLL_CTL_ADD, fd, allocEpollEvent(EPOLLIN, fd));
  const thread = yield* startThread(writer, fd);
  const ready = yield sys.epoll_wait(epoll, alloc(16), 1, -1);
  yield* join(thread);
  // @ts-expect-error a descriptor is a number
  sys.close('3');
  return ready;
}
`;

const RESOLUTIONS = [
  ['nodenext', 'nodenext'],
  ['esnext', 'bundler'],
] as const;

let folder: ReturnType<typeof emptyFolder>;
let tarball: Tarball;
let unreachable: string | undefined;

beforeAll(async () => {
  folder = emptyFolder();
  tarball = await pack(folder.path);
  unreachable = await install(tarball.path, folder.path);
  writeFileSync(join(folder.path, 'library.ts'), LIBRARY);
  writeFileSync(join(folder.path, 'guest.ts'), GUEST);
}, 4 * MINUTE);
afterAll(() => folder.remove());

const installed = (path: string): string => join(folder.path, 'node_modules', 'smplab', path);

function compiled(module: string, resolution: string, more: readonly string[] = []): Promise<Ran> {
  const compiler = createRequire(import.meta.url).resolve('typescript/bin/tsc');
  const types = ['--types', 'node', '--typeRoots', join(checkout, 'node_modules', '@types')];
  const flags = ['--strict', '--target', 'es2022', '--module', module, '--moduleResolution', resolution];
  return run(process.execPath, [compiler, ...flags, ...types, ...more, 'library.ts', 'guest.ts'], folder.path);
}

describe('the tarball', () => {
  test('holds what is needed, and nothing of how it was made', () => {
    const paths = tarball.files.map(({ path }) => path);
    const needed = ['package.json', 'README.md', 'LICENSE', 'bin/smplab.mjs', 'dist/cpu-worker.js', 'dist/cli.js'];
    expect(paths).toEqual(expect.arrayContaining(needed));
    expect(paths.filter((path) => /^(test|scripts|node_modules|coverage|\.)|\.(tmp|tgz|log)$/.test(path))).toEqual([]);
    expect(tarball.size).toBeLessThan(SIZE_MAX);
  });

  test('has every file that its exports, its declarations and its source maps name', () => {
    const paths = new Set(tarball.files.map(({ path }) => path));
    const missing: string[] = [];
    const need = (path: string, by: string): void => {
      if (!paths.has(path)) missing.push(`${path}, named by ${by}`);
    };
    const manifest = JSON.parse(readFileSync(join(checkout, 'package.json'), 'utf8')) as {
      exports: Readonly<Record<string, string | Readonly<Record<string, string>>>>;
    };
    for (const target of Object.values(manifest.exports)) {
      const named = typeof target === 'string' ? [target] : Object.values(target);
      for (const path of named) need(posix.normalize(path), 'exports');
    }
    for (const path of paths) {
      const beside = (name: string): string => posix.join(posix.dirname(path), name);
      if (path.endsWith('.d.ts')) {
        const text = readFileSync(join(checkout, path), 'utf8');
        const names = [...text.matchAll(/(?:from|import\()\s*["'](\.[^"']+)["']/g)].map((match) => match[1]!);
        for (const name of names) need(beside(name.replace(/\.ts$/, '.d.ts')), path);
      }
      if (path.endsWith('.js.map')) {
        const { sources } = JSON.parse(readFileSync(join(checkout, path), 'utf8')) as { sources: string[] };
        for (const name of sources) need(beside(name), path);
      }
    }
    expect(missing).toEqual([]);
  });
});

describe('its types', () => {
  const title = 'hold in a strict project: module %s, resolution %s';
  test.for(RESOLUTIONS)(title, { timeout: 2 * MINUTE }, async ([module, resolution], context) => {
    if (unreachable !== undefined) context.skip(unreachable);
    const { code, stdout } = await compiled(module, resolution, ['--skipLibCheck', 'false', '--noEmit']);
    expect(stdout).toBe('');
    expect(code).toBe(0);
  });
});

describe.each([20, 22, 24])('on Node %i', (major) => {
  let node: string | undefined;
  beforeAll(async () => {
    node = await nodeOf(major);
  });

  const ready = (context: TestContext): string => {
    if (unreachable !== undefined) context.skip(unreachable);
    if (node === undefined) context.skip(`no Node ${major}: SMPLAB_NODE_BINARIES names none`);
    return node!;
  };
  const smplab = (binary: string, ...args: readonly string[]): Promise<Ran> =>
    run(binary, [installed('bin/smplab.mjs'), ...args], folder.path);

  test.for([
    'list',
    'doctor',
    'run echo-server --checks',
    'run ./guest.ts',
    'conform node_modules/smplab/data/conformance/epoll-ctl.json',
    'replay node_modules/smplab/data/traces/redis.strace.gz',
    'conform --engine stepped node_modules/smplab/data/conformance/epoll-ctl.json',
    'bench syscall basic --quick --epoll linux',
    'explore one-wakeup -n 200',
    // Compiles a kernel with the bug in it, from the package's sources.
    'explore --bug lost-wakeup',
  ])('smplab %s', { timeout: MINUTE }, async (line, context) => {
    const args = line.split(' ');
    const ran = await smplab(ready(context), ...args, '--json');
    // The guest's exit code is what its epoll_wait returned.
    const code = args[1] === './guest.ts' ? 1 : args[1] === '--bug' ? 3 : 0;
    expect(ran, ran.stderr).toMatchObject({ code });
    expect(JSON.parse(ran.stdout)).toMatchObject({ schemaVersion: 1, verb: args[0] });
  });

  test('without arguments it shows the example', { timeout: MINUTE }, async (context) => {
    const ran = await smplab(ready(context));
    expect(ran, ran.stderr).toMatchObject({ code: 0 });
    expect(ran.stdout).toContain('wakeups of kevlar');
  });

  test('the library runs from JavaScript', { timeout: MINUTE }, async (context) => {
    const binary = ready(context);
    if (!existsSync(join(folder.path, 'library.js'))) await compiled('nodenext', 'nodenext');
    const ran = await run(binary, ['library.js'], folder.path);
    expect(ran, ran.stderr).toMatchObject({ code: 0 });
    const [first, second] = ran.stdout.trim().split('\n');
    expect(JSON.parse(first!)).toMatchObject({ code: 1 });
    expect(second).toBe('true');
  });
});
