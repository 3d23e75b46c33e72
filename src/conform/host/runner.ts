/**
 * Cases on the kernel of the machine that this runs on: the judge of all designs, and of the recorded answers.
 *
 * A case runs in a process of its own kind (warden.ts), which is used again as long as it was left clean; one that was
 * not, or that a case killed, is replaced. The next is started ahead, as a start takes longer than most cases. Several
 * cases are sent at once and answered one by one, so that the process need not wait for us between two.
 */
import { type ChildProcess, fork } from 'node:child_process';
import { dirname, join } from 'node:path';
import { workerFile } from '../../machine/worker-file.ts';
import type { ConformCase, Observation } from '../../programs/conform/case.ts';
import type { BrokenRun } from '../verdict.ts';
import { hostAbi, loadNative } from './native.ts';

export type HostRun = (
  | { readonly observation: Observation }
  /** Why there is no outcome. */
  | { readonly broken: string }
) & { readonly isClean: boolean };

export interface ToWarden {
  readonly one: ConformCase;
  /** Which CPU each thread is to run on, as a number of digits to the base of how many there are; else any. */
  readonly spread?: number;
  readonly limitMs: number;
}
export type FromWarden = { readonly ready: true } | { readonly run: HostRun } | { readonly failed: string };

const CASE_LIMIT_MS = 20_000;
/** Beyond the case's own limit, for the warden to say so. */
const ANSWER_MS = 5000;
const READY_LIMIT_MS = 30_000;

/** Without threads of V8's own, which would take signals that are meant for the case's. */
const NODE_FLAGS = ['--single-threaded', '--v8-pool-size=1', '--no-warnings'];

class Warden {
  private readonly child: ChildProcess;
  private readonly messages: FromWarden[] = [];
  private waiting: ((message: FromWarden) => void) | undefined;

  constructor() {
    const warden = workerFile(false, 'host-warden');
    this.child = fork(warden, [join(dirname(warden), 'host-executor.cjs')], {
      execArgv: NODE_FLAGS,
      // In a process group of its own: a Ctrl-C is for us, and a case's signals are for it.
      detached: true,
      stdio: ['ignore', 'ignore', 'inherit', 'ipc'],
      serialization: 'json',
    });
    this.child.on('message', (message) => this.heard(message as FromWarden));
    this.child.on('exit', (code, signal) => this.heard({ failed: `it ended by ${signal ?? `exit ${code}`}` }));
    this.child.on('error', (error) => this.heard({ failed: error.message }));
  }

  private heard(message: FromWarden): void {
    const { waiting } = this;
    this.waiting = undefined;
    if (waiting === undefined) this.messages.push(message);
    else waiting(message);
  }

  private next(limitMs: number): Promise<FromWarden> {
    const message = this.messages.shift();
    if (message !== undefined) return Promise.resolve(message);
    return new Promise((resolve) => {
      const timer = setTimeout(() => this.heard({ failed: `it did not answer in ${limitMs} ms` }), limitMs);
      this.waiting = (answer) => {
        clearTimeout(timer);
        resolve(answer);
      };
    });
  }

  async ready(): Promise<void> {
    const message = await this.next(READY_LIMIT_MS);
    if ('failed' in message) throw new Error(`the process for cases on the host: ${message.failed}`);
  }

  send(message: ToWarden): void {
    // Who has ended reads nothing more, and that it ended is told by `next`.
    if (this.child.connected) this.child.send(message, () => {});
  }

  /** What came of the first case that was sent and not answered yet. */
  async answer(limitMs: number): Promise<HostRun> {
    const message = await this.next(limitMs + ANSWER_MS);
    if ('run' in message) return message.run;
    return { broken: 'failed' in message ? `the case's process: ${message.failed}` : 'no answer', isClean: false };
  }

  end(): void {
    this.child.removeAllListeners();
    this.child.kill('SIGKILL');
  }
}

/** Runs single cases on the host. As `CaseRunner` does on a machine. */
export class HostRunner {
  private readonly limitMs: number;
  private warden: Warden | undefined;
  private spare: Warden | undefined;

  /** @throws HostUnavailable */
  constructor(limitMs = CASE_LIMIT_MS) {
    hostAbi();
    loadNative(import.meta.url);
    this.limitMs = limitMs;
  }

  async run(one: ConformCase): Promise<Observation | BrokenRun> {
    return (await this.runAll([one]))[0]!;
  }

  /**
   * @param isSpread each run has its threads on other CPUs: who shares one with whom decides who is faster
   * @returns what came of each, in their order
   */
  async runAll(cases: readonly ConformCase[], isSpread = false): Promise<(Observation | BrokenRun)[]> {
    const runs: (Observation | BrokenRun)[] = [];
    while (runs.length < cases.length) {
      const warden = await this.readyWarden();
      const left = cases.slice(runs.length);
      for (const [i, one] of left.entries()) {
        const spread = isSpread ? { spread: runs.length + i } : {};
        warden.send({ one, limitMs: this.limitMs, ...spread });
      }
      for (let isClean = true, i = 0; isClean && i < left.length; i++) {
        const run = await warden.answer(this.limitMs);
        runs.push('observation' in run ? revived(run.observation) : { broken: run.broken });
        isClean = run.isClean;
        if (!isClean) this.replace();
      }
    }
    return runs;
  }

  private async readyWarden(): Promise<Warden> {
    if (this.warden === undefined) {
      this.warden = this.spare ?? new Warden();
      this.spare = undefined;
      await this.warden.ready();
    }
    return this.warden;
  }

  private replace(): void {
    this.warden?.end();
    this.warden = undefined;
    this.spare ??= new Warden();
  }

  async close(): Promise<void> {
    this.warden?.end();
    this.spare?.end();
    this.warden = undefined;
    this.spare = undefined;
  }
}

/** JSON has no Infinity, which is when a step ended that never did. */
function revived(observation: Observation): Observation {
  const spans = observation.spans.map((span) => ({ ...span, end: span.end ?? Number.POSITIVE_INFINITY }));
  return { outcome: observation.outcome, spans };
}
