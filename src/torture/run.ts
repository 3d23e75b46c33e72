/**
 * Runs a torture whose workers are guests: boots a machine with checks on, starts the program, looks on, and judges what
 * is left. What the guests find they write on the board; what only an outsider can see is found here:
 *
 *     a machine that died, or stands still        its report, and every worker's last calls
 *     a memory that is not sound                  the audit, on the way and at the end
 *     what was not given back                     the census, once all have ended
 *
 * Promise: it ends. Who does not stop when told to is reported and left behind with the machine.
 */
import { auditMemory } from '../kernel/audit/audit.ts';
import { slabsOfIslands } from '../kernel/audit/islands.ts';
import { MachineDied } from '../machine/errors.ts';
import type { BootOptions } from '../machine/config.ts';
import { Machine } from '../machine/machine.ts';
import { settle } from '../machine/settle.ts';
import { guestProgram } from '../machine/worker-file.ts';
import { ENDED, PENDING, TortureBoard, WORKERS_MAX, WORKING } from '../programs/torture/board.ts';
import { callText } from './call-text.ts';

export interface GuestOrder {
  /** A guest program of this folder, or one that lies elsewhere. */
  readonly program: string | URL;
  readonly boot: BootOptions;
  /** For the program, besides the board and which process it is. */
  readonly options: Readonly<Record<string, unknown>>;
  /** Started by the host, each with workers of its own. */
  readonly processes: number;
  /** Told to stop then; without it they know by themselves when they are done. */
  readonly seconds?: number;
  /** No worker moves for so long: something is lost. */
  readonly stallSeconds?: number;
  readonly auditSeconds?: number;
  readonly signal?: AbortSignal;
  /** Told a few times a second. */
  readonly progress?: (operations: number) => void;
}

export interface GuestOutcome {
  readonly board: TortureBoard;
  readonly seconds: number;
  /** What failed, a sentence each; some are followed by a report of many lines. */
  readonly problems: readonly string[];
  readonly audits: number;
  readonly wakeups: number;
}

const LOOK_MS = 100;
const STALL_SECONDS = 10;
const AUDIT_SECONDS = 2;
const SHUTDOWN_LIMIT_MS = 3000;

export async function tortureGuests(order: GuestOrder): Promise<GuestOutcome> {
  const machine = await Machine.boot({ checks: true, ...order.boot });
  const run = new GuestRun(machine, order);
  try {
    return await run.toTheEnd();
  } finally {
    // A guest that never traps does not stop; it ends with the command's process.
    await Promise.race([machine.shutdown(), pause(SHUTDOWN_LIMIT_MS)]);
  }
}

class GuestRun {
  private readonly machine: Machine;
  private readonly order: GuestOrder;
  private readonly board = new TortureBoard();
  private readonly problems: string[] = [];
  private readonly startMs = performance.now();
  /** When the first worker was seen at work: loading a program is no torture. */
  private beganMs: number | undefined;
  private ended = false;
  private audits = 0;
  private readonly last: { operations: number; movedMs: number }[] = [];

  constructor(machine: Machine, order: GuestOrder) {
    this.machine = machine;
    this.order = order;
  }

  async toTheEnd(): Promise<GuestOutcome> {
    const all = this.started().finally(() => {
      this.ended = true;
    });
    // Looked at below, once the watching is over.
    all.catch(() => {});
    await this.watched();
    const endMs = performance.now();
    if (this.ended)
      await all.then(
        () => this.judged(),
        (error: unknown) => this.died(error),
      );
    const { texts } = this.board;
    const told = texts.length === 0 ? [] : [...texts, this.lastCalls()];
    return {
      board: this.board,
      seconds: Math.max(0.001, (endMs - (this.beganMs ?? this.startMs)) / 1000),
      problems: [...told, ...this.problems],
      audits: this.audits,
      wakeups: this.machine.stats().wakeups.total,
    };
  }

  private async started(): Promise<void> {
    const { options, processes } = this.order;
    const program = typeof this.order.program === 'string' ? guestProgram(this.order.program) : this.order.program;
    const pids: number[] = [];
    for (let process = 0; process < processes; process++) {
      const argv = { ...options, board: this.board.buffer, process, processes };
      pids.push(await this.machine.spawn(program, { argv, cpu: process % this.machine.config.cpus }));
    }
    for (const pid of pids) {
      const { code, signal } = await this.machine.exited(pid);
      if (signal !== undefined) this.problems.push(`process ${pid} was ended by signal ${signal}`);
      else if (code !== 0) this.problems.push(`process ${pid} ended with ${code}`);
    }
  }

  /** Until all have ended, or nothing moves any more. */
  private async watched(): Promise<void> {
    const { seconds, stallSeconds = STALL_SECONDS, auditSeconds = AUDIT_SECONDS, signal } = this.order;
    let nextAuditMs = this.startMs + auditSeconds * 1000;
    while (!this.ended) {
      await pause(LOOK_MS);
      const nowMs = performance.now();
      if (signal?.aborted === true) this.board.stop();
      if (this.beganMs === undefined && this.board.operations > 0) this.beganMs = nowMs;
      if (seconds !== undefined && nowMs - (this.beganMs ?? nowMs) > seconds * 1000) this.board.stop();
      this.order.progress?.(this.board.operations);
      const still = this.standing(nowMs, stallSeconds * 1000);
      if (still !== undefined) {
        this.problems.push(`${still}\n${this.lastCalls()}\n${this.machine.report('nothing moves')}`);
        return;
      }
      if (nowMs < nextAuditMs || this.ended) continue;
      await this.audited('on the way').catch(() => {});
      nextAuditMs = performance.now() + auditSeconds * 1000;
      if (this.problems.length > 0) this.board.stop();
    }
  }

  /** A worker that has not moved for so long, or a run in which nobody has. */
  private standing(nowMs: number, limitMs: number): string | undefined {
    let youngestMs = 0;
    for (let worker = 0; worker < WORKERS_MAX; worker++) {
      const operations = this.board.operationsOf(worker);
      const last = this.last[worker];
      if (last === undefined || last.operations !== operations) this.last[worker] = { operations, movedMs: nowMs };
      youngestMs = Math.max(youngestMs, this.last[worker]!.movedMs);
      if (this.board.state(worker) !== WORKING || nowMs - this.last[worker]!.movedMs < limitMs) continue;
      return `standstill: worker ${worker} has done nothing for ${limitMs / 1000} s, after ${operations} operations`;
    }
    if (nowMs - youngestMs < limitMs) return undefined;
    return `standstill: nobody has done anything for ${limitMs / 1000} s, and not all have ended`;
  }

  /** All processes have ended: nothing may be left of them. */
  private async judged(): Promise<void> {
    try {
      await settle(this.machine);
      const { words } = await this.machine.atRest();
      const explained: ReadonlySet<string> = slabsOfIslands(words.buffer);
      for (const [name, { live }] of Object.entries(this.machine.stats().census)) {
        if (live !== 0 && !explained.has(name))
          this.problems.push(`leak: ${live} of ${name} live after the last process has ended`);
      }
      await this.audited('at the end');
    } catch (error) {
      this.died(error);
    }
  }

  private async audited(when: string): Promise<void> {
    const { words } = await this.machine.atRest();
    this.audits++;
    for (const problem of auditMemory(words.buffer)) this.problems.push(`audit ${when}: ${problem}`);
  }

  private died(error: unknown): void {
    if (!(error instanceof MachineDied)) throw error;
    const lost = error.verdict === 'deadlock' ? ' (a lost wakeup, or a worker that waits for what nobody does)' : '';
    this.problems.push(`${error.message}${lost}\n${this.lastCalls()}\n${error.report}`);
  }

  /** What each worker called last, of those that made calls on the board. */
  private lastCalls(): string {
    const lines: string[] = [];
    for (let worker = 0; worker < WORKERS_MAX; worker++) {
      const calls = this.board.lastCalls(worker);
      if (calls.length === 0) continue;
      const state = this.board.state(worker) === ENDED ? ' (ended)' : '';
      lines.push(`worker ${worker}${state}, after ${this.board.operationsOf(worker)} operations:`);
      for (const { call, args, result } of calls) {
        lines.push(`  ${callText(this.machine.config.abi, call, args, result === PENDING ? undefined : result)}`);
      }
    }
    return lines.join('\n');
  }
}

function pause(ms: number): Promise<void> {
  return new Promise((resolve) => setTimeout(resolve, ms));
}
