/**
 * The doctor's questions, one function each. Everything is tried rather than looked up: memory is shared, a program is
 * compiled, a machine is booted.
 */
import { existsSync, readdirSync, statSync } from 'node:fs';
import { availableParallelism, freemem, loadavg, totalmem } from 'node:os';
import { join } from 'node:path';
import { compileHost } from '../bench/host-compiler.ts';
import { duration } from '../bench/columns.ts';
import { Machine } from '../machine/machine.ts';
import { packageRoot } from './package.ts';

export interface Finding {
  readonly name: string;
  /** fail: it does not run here. warn: something is missing or misleading. */
  readonly status: 'ok' | 'warn' | 'fail';
  readonly found: string;
  /** What to do, if anything. */
  readonly advice?: string;
}

type Answer = Omit<Finding, 'name'>;

const QUESTIONS: readonly (readonly [name: string, ask: () => Answer | Promise<Answer>])[] = [
  ['Node.js', nodeVersion],
  ['shared memory', sharedMemory],
  ['Atomics.waitAsync', waitAsync],
  ['cores', cores],
  ['memory', memory],
  ['clock', clock],
  ['short sleeps', shortSleeps],
  ['build', build],
  ['TypeScript loader', loader],
  ['C compiler', compiler],
  ['machine of 2 CPUs', machine],
];

/** @param announce told what is asked next */
export async function* examine(announce: (name: string) => void): AsyncGenerator<Finding> {
  for (const [name, ask] of QUESTIONS) {
    announce(name);
    yield { name, ...(await answered(ask)) };
  }
}

/** A question that throws is answered: by what it threw. */
async function answered(ask: () => Answer | Promise<Answer>): Promise<Answer> {
  try {
    return await ask();
  } catch (error) {
    return { status: 'fail', found: (error as Error).message.split('\n')[0]! };
  }
}

const ok = (found: string): Answer => ({ status: 'ok', found });
const warn = (found: string, advice: string): Answer => ({ status: 'warn', found, advice });
const fail = (found: string, advice: string): Answer => ({ status: 'fail', found, advice });

function nodeVersion(): Answer {
  const version = process.versions.node;
  const major = Number(version.split('.')[0]);
  return major >= 20 ? ok(`${version}, ${process.arch}`) : fail(version, 'install Node 20 or newer');
}

function sharedMemory(): Answer {
  if (typeof SharedArrayBuffer !== 'function')
    return fail('no SharedArrayBuffer', 'use Node 20 or newer, as it is released');
  const words = new Int32Array(new SharedArrayBuffer(64 << 20));
  return Atomics.add(words, words.length - 1, 1) === 0
    ? ok('64 MiB taken and touched')
    : fail('fresh memory was not zero', 'try another version of Node');
}

async function waitAsync(): Promise<Answer> {
  if (typeof Atomics.waitAsync !== 'function') return fail('not there', 'install Node 20 or newer');
  const word = new Int32Array(new SharedArrayBuffer(4));
  const waiting = Atomics.waitAsync(word, 0, 0, 1000);
  Atomics.notify(word, 0);
  const how = waiting.async ? await waiting.value : waiting.value;
  return how === 'ok' ? ok('wakes') : fail(`a notified wait ended with '${how}'`, 'try another version of Node');
}

function cores(): Answer {
  const count = availableParallelism();
  const load = loadavg()[0]!;
  const found = `${count}, load ${load.toFixed(1)}`;
  if (count < 2) return warn(found, 'machines of several CPUs run oversubscribed; figures measure the host too');
  if (load > count * 0.75) return warn(found, 'this host is busy: figures of benchmarks will scatter');
  return ok(found);
}

function memory(): Answer {
  const free = `${Math.round(freemem() / 2 ** 20)} of ${Math.round(totalmem() / 2 ** 20)} MiB free`;
  return freemem() < 512 * 2 ** 20 ? warn(free, 'big machines may not fit') : ok(free);
}

function clock(): Answer {
  let smallestNs = Number.POSITIVE_INFINITY;
  const reads = 20_000;
  const start = process.hrtime.bigint();
  let last = start;
  for (let i = 0; i < reads; i++) {
    const now = process.hrtime.bigint();
    if (now < last) return fail('the monotonic clock went backwards', 'check the host, or its hypervisor');
    if (now > last) smallestNs = Math.min(smallestNs, Number(now - last));
    last = now;
  }
  const found = `monotonic, steps of ${duration(smallestNs)}, ${duration(Number(last - start) / reads)} a read`;
  return smallestNs > 100_000 ? warn(found, 'too coarse for latencies in microseconds') : ok(found);
}

function shortSleeps(): Answer {
  const word = new Int32Array(new SharedArrayBuffer(4));
  const tookNs = Array.from({ length: 20 }, () => {
    const start = process.hrtime.bigint();
    Atomics.wait(word, 0, 0, 1);
    return Number(process.hrtime.bigint() - start);
  }).sort((a, b) => a - b);
  const found = `1 ms takes ${duration(tookNs[10]!)}, ${duration(tookNs.at(-1)!)} at worst`;
  return tookNs[10]! > 3e6 ? warn(found, 'ticks will be late; this host sleeps coarsely or is busy') : ok(found);
}

const BUILT = ['cli.js', 'index.js', 'guest.js', 'cpu-worker.js', 'cpu-worker-checked.js', 'programs'];

function build(): Answer {
  const root = packageRoot();
  const missing = BUILT.filter((name) => !existsSync(join(root, 'dist', name)));
  if (missing.length > 0) return fail(`dist/ lacks ${missing.join(', ')}`, 'npm run build');
  const built = newest(join(root, 'dist'), /\.js$/);
  // Only a checkout is edited. An unchanged module keeps its time, so this is a hint and not a verdict.
  const isCheckout = existsSync(join(root, 'scripts', 'build.mjs'));
  if (isCheckout && newest(join(root, 'src'), /\.ts$/) > built) {
    return warn('dist/ is older than the sources', 'npm run build, if you changed them');
  }
  return ok('complete');
}

function newest(directory: string, names: RegExp): number {
  return readdirSync(directory, { recursive: true, withFileTypes: true })
    .filter((entry) => entry.isFile() && names.test(entry.name))
    .map((entry) => statSync(join(entry.parentPath ?? entry.path, entry.name)).mtimeMs)
    .reduce((a, b) => Math.max(a, b), 0);
}

async function loader(): Promise<Answer> {
  try {
    await import('tsx/esm/api');
    return ok('tsx');
  } catch {
    return warn('tsx does not load', 'npm ci; programs in JavaScript run without it');
  }
}

function compiler(): Answer {
  const compiled = compileHost();
  if ('reason' in compiled) return warn(compiled.reason, 'without it, bench has no host to compare with');
  return ok(`${compiled.compiler}; the host's benchmark is built`);
}

async function machine(): Promise<Answer> {
  const start = process.hrtime.bigint();
  const booted = await Machine.boot({ cpus: 2 });
  const bootNs = Number(process.hrtime.bigint() - start);
  await booted.shutdown();
  const found = `boots in ${duration(bootNs)}, ${(booted.memory.byteLength / 2 ** 20).toFixed(1)} MiB shared`;
  return bootNs > 2e9 ? warn(found, 'slow; is this host busy?') : ok(found);
}
