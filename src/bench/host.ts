/**
 * The host's side of a comparison: keeps the C program of `bench/host` running and asks it for one sample at a time. It
 * sleeps between samples, so it takes nothing from the machine that is measured in turns with it.
 *
 * Without a compiler there is no comparison, and that is not an error: one line on stderr says so.
 */

import { type ChildProcessWithoutNullStreams, spawn } from 'node:child_process';
import { once } from 'node:events';
import { createInterface } from 'node:readline';

import { compileHost } from './host-compiler.ts';
import type { Parameters } from './rows.ts';
import { SampleUnavailable, type Sampler } from './sampler.ts';

type Answer = (line: string | null) => void;

/** The parameters that the C program knows, as `bench/host/main.c` lists them; the others describe the machine alone. */
const HOST_PARAMETERS = new Set(['bytes', 'fds', 'ready', 'op', 'edge', 'spin']);

/** The numbers of epoll_ctl's operations, which rows name. */
const CONTROL_OPERATIONS: Readonly<Record<string, number>> = { 'add+mod+del': 0, add: 1, del: 2, mod: 3 };

function encode(key: string, value: Parameters[string]): string {
  const number = key === 'op' ? (CONTROL_OPERATIONS[String(value)] ?? value) : Number(value);
  return `${key}=${number}`;
}

export class HostSampler implements Sampler {
  readonly compiler: string;
  readonly #child: ChildProcessWithoutNullStreams;
  readonly #waiting: Answer[] = [];
  #ended = false;

  private constructor(child: ChildProcessWithoutNullStreams, compiler: string) {
    this.#child = child;
    this.compiler = compiler;
    createInterface({ input: child.stdout }).on('line', (line) => this.#waiting.shift()?.(line));
    const end = (): void => {
      this.#ended = true;
      for (const answer of this.#waiting.splice(0)) answer(null);
    };
    child.on('close', end);
    child.on('error', end);
    // A write that meets a dead process is answered by `close`; unheard, this event would end us.
    child.stdin.on('error', () => undefined);
    child.stderr.resume();
  }

  /** Null, after one line to `complain`, where this host cannot be compared with. */
  static async start(
    complain: (line: string) => void = (line) => process.stderr.write(`${line}\n`),
    environment: NodeJS.ProcessEnv = process.env,
  ): Promise<HostSampler | null> {
    const compiled = compileHost(environment);
    if ('reason' in compiled) {
      complain(`host not compared: ${compiled.reason}`);
      return null;
    }
    const child = spawn(compiled.executable, [], { stdio: 'pipe' });
    try {
      await once(child, 'spawn');
    } catch (error) {
      complain(`host not compared: ${compiled.executable} does not start: ${(error as Error).message}`);
      return null;
    }
    return new HostSampler(child, compiled.compiler);
  }

  async sample(name: string, iterations: number, params: Parameters): Promise<number> {
    if (this.#ended) throw new SampleUnavailable('the host program has ended');
    const fields = Object.entries(params)
      .filter(([key]) => HOST_PARAMETERS.has(key))
      .map(([key, value]) => encode(key, value));
    const answer = new Promise<string | null>((resolve) => this.#waiting.push(resolve));
    this.#child.stdin.write(`${[name, iterations, ...fields].join('\t')}\n`);
    const line = await answer;
    if (line === null) throw new SampleUnavailable(`the host program ended during ${name}`);
    if (!/^\d+$/.test(line)) throw new SampleUnavailable(`host ${name}: ${line.replace(/^error /, '')}`);
    return Number(line);
  }

  async close(): Promise<void> {
    if (this.#ended) return;
    const closed = once(this.#child, 'close');
    this.#child.stdin.end();
    await closed;
  }
}
