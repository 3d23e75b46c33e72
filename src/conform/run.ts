// Runs conformance cases on machines and judges them. One machine, with checks on, runs all cases one after the other,
// each as a process of its own; a case that breaks its machine, or does not end, is failed with what each CPU was doing,
// and the next one gets a fresh machine. Or the stepped machine runs them (stepped/runner.ts), or the host's own kernel.
// Promise: every case gets a verdict, whatever it does to the machine; the run itself never hangs.

import type { ConformCase, Observation } from '../programs/conform/case.ts';
import { basename } from 'node:path';
import type { BootOptions } from '../machine/config.ts';
import { MachineDied } from '../machine/errors.ts';
import { Machine } from '../machine/machine.ts';
import { guestProgram } from '../machine/worker-file.ts';
import { bundledCaseFiles } from './bundled.ts';
import type { CaseArguments } from './case.program.ts';
import { BOARD_BYTES, CaseBoard } from '../programs/conform/case-board.ts';
import { divergencesOf } from './divergences/index.ts';
import { HostRunner } from './host/runner.ts';
import { readCaseFile } from './schema.ts';
import { CASE_PROCESSES, CASE_USER_BYTES } from './room.ts';
import { SteppedJudge } from './stepped/judge.ts';
import { SteppedCases } from './stepped/runner.ts';
import { type ConformSummary, type FileVerdicts, summaryOf } from './summary.ts';
import { type BrokenRun, type CaseVerdict, type Divergence, settleUnseen, verdictOf } from './verdict.ts';

/** Who runs the cases: a machine on threads, the kernel of this host, or a machine in this thread, step by step. */
export type ConformEngine = 'parallel' | 'host' | 'stepped';

export interface ConformOptions {
  readonly engine?: ConformEngine;
  /** Case files; the bundled ones by default. */
  readonly files?: readonly string[];
  /** Anything that the machine boots with; `checks` are on whatever it says. */
  readonly boot?: BootOptions;
  /** How long a case may take before it is failed. The longest of the bundled ones takes 5 s when it fails to join. */
  readonly caseLimitMs?: number;
  /** Stepped: so many schedules of each case that starts threads, the first by the machine's seed. One by default. */
  readonly schedules?: number;
  /** Called after each case, for progress. */
  readonly onCase?: (done: number, total: number, verdict: CaseVerdict) => void;
}

const CASE_LIMIT_MS = 20_000;

/** @throws CaseFileError for a file that cannot be read; BootError for options that cannot be; HostUnavailable without
 * what the host engine needs */
export async function runConform(options: ConformOptions = {}): Promise<ConformSummary> {
  const paths = options.files ?? bundledCaseFiles();
  const read = paths.map((path) => ({ file: basename(path), cases: readCaseFile(path) }));
  const total = read.reduce((sum, { cases }) => sum + cases.length, 0);
  const { engine = 'parallel', boot = {}, schedules = 1 } = options;
  // The host's own kernel differs from Linux in nothing.
  const design = engine === 'host' ? 'linux' : (boot.epoll ?? 'kevlar');
  const divergences = engine === 'host' ? [] : divergencesOf(design);
  const judge = await judgeOf(options, divergences);
  const files: FileVerdicts[] = [];
  let done = 0;
  try {
    for (const { file, cases } of read) {
      const verdicts: CaseVerdict[] = [];
      for (const one of cases) {
        const verdict = await judge.verdict(one);
        verdicts.push(verdict);
        done += 1;
        options.onCase?.(done, total, verdict);
      }
      files.push({ file, verdicts: settleUnseen(verdicts) });
    }
  } finally {
    await judge.close();
  }
  const how = engine === 'stepped' ? { schedules, seed: boot.seed ?? 1 } : {};
  return summaryOf({ epoll: design, engine, ...how }, files, divergences);
}

interface Judge {
  verdict(one: ConformCase): Promise<CaseVerdict>;
  close(): Promise<void>;
}

async function judgeOf(options: ConformOptions, divergences: readonly Divergence[]): Promise<Judge> {
  const { engine = 'parallel', boot = {}, caseLimitMs = CASE_LIMIT_MS, schedules = 1 } = options;
  if (engine === 'stepped') {
    const cases = await SteppedCases.boot(boot);
    const judge = new SteppedJudge(cases, divergences, { first: boot.seed ?? 1, count: schedules });
    return { verdict: (one) => judge.verdict(one), close: async () => {} };
  }
  const runner = engine === 'host' ? new HostRunner(caseLimitMs) : new CaseRunner(boot, caseLimitMs);
  return {
    verdict: async (one) => verdictOf(one, await runner.run(one), divergences),
    close: () => runner.close(),
  };
}

/** Runs single cases, and keeps a machine from one to the next as long as it is well. */
export class CaseRunner {
  private readonly boot: BootOptions;
  private readonly limitMs: number;
  private machine: Machine | undefined;

  constructor(boot: BootOptions, limitMs = CASE_LIMIT_MS) {
    this.boot = boot;
    this.limitMs = limitMs;
  }

  async run(one: ConformCase): Promise<Observation | BrokenRun> {
    // A fresh board: a thread of a case that broke its machine may still write to the old one.
    const buffer = new SharedArrayBuffer(BOARD_BYTES);
    const argv: CaseArguments = { cases: [{ one, board: buffer }] };
    const board = new CaseBoard(buffer, one);
    this.machine ??= await Machine.boot({
      userBytes: CASE_USER_BYTES,
      processes: CASE_PROCESSES,
      ...this.boot,
      checks: true,
    });
    try {
      const broken = await this.ended(this.machine, argv);
      if (broken === undefined && board.isComplete()) return board.observe();
      if (broken === undefined) return { broken: 'the process ended before its case did' };
      // Its machine is gone where the case did not end in time.
      return this.machine === undefined ? { broken, asleep: board.observe() } : { broken };
    } catch (error) {
      await this.close();
      if (!(error instanceof MachineDied)) return { broken: (error as Error).message };
      const broken = `${error.message}\n${error.report}`.trimEnd();
      return error.verdict === 'deadlock' ? { broken, asleep: board.observe() } : { broken };
    }
  }

  /** Starts the case and waits for its end, but not for ever. @returns why there is no outcome, if there is none */
  private async ended(machine: Machine, argv: CaseArguments): Promise<string | undefined> {
    const pid = await machine.spawn(guestProgram('case'), { argv });
    let timer: NodeJS.Timeout | undefined;
    const late = new Promise<'late'>((resolve) => {
      timer = setTimeout(() => resolve('late'), this.limitMs);
    });
    const exit = machine.exited(pid);
    const end = await Promise.race([exit, late]);
    clearTimeout(timer);
    if (end === 'late') {
      // The wait for its exit ends with the machine; nobody listens any more.
      exit.catch(() => {});
      const report = machine.report(`the case had not ended after ${this.limitMs} ms`);
      await this.close();
      return report;
    }
    if (end.signal !== undefined) return `signal ${end.signal} ended the process`;
    return end.code === 0 ? undefined : `the process ended with ${end.code}`;
  }

  async close(): Promise<void> {
    const { machine } = this;
    this.machine = undefined;
    await machine?.shutdown();
  }
}
