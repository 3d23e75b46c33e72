/**
 * Random programs on a machine, a batch at a time: each in a process of its own, one after the other, all children of one
 * that the host has started. So the host stops and resumes the CPUs once a batch and not once a program.
 *
 * A machine is used for so many batches and then replaced. Before it goes its memory is audited, and nothing may be left
 * of any program. One that a program has broken is replaced there and then.
 */
import { auditMemory } from '../../kernel/audit/audit.ts';
import { slabsOfIslands } from '../../kernel/audit/islands.ts';
import type { BootOptions } from '../../machine/config.ts';
import { MachineDied } from '../../machine/errors.ts';
import { Machine } from '../../machine/machine.ts';
import { settle } from '../../machine/settle.ts';
import type { ConformCase, Observation } from '../../programs/conform/case.ts';
import { BOARD_BYTES, CaseBoard } from '../../programs/conform/case-board.ts';
import type { CaseArguments } from '../case.program.ts';
import { guestProgram } from '../../machine/worker-file.ts';
import type { BrokenRun } from '../verdict.ts';

/** Each CPU keeps the arguments of every start, so a machine does not live for ever. */
const BATCHES_PER_MACHINE = 64;
/** It is cleared for each process. Four threads of a program take at most 150 kB each for their buffers. */
const USER_BYTES = 1 << 20;
const PROCESSES = 8;

export class MachineSide {
  private readonly boot: BootOptions;
  private readonly limitMs: number;
  private machine: Machine | undefined;
  private batches = 0;
  private boards: SharedArrayBuffer[] = [];
  /** What the audits of machines found, a sentence each. */
  readonly problems: string[] = [];

  /** @param limitMs how long one program may take */
  constructor(boot: BootOptions, limitMs: number) {
    this.boot = { userBytes: USER_BYTES, processes: PROCESSES, ...boot, checks: true };
    this.limitMs = limitMs;
  }

  /** @returns what came of each, in their order */
  async runAll(cases: readonly ConformCase[]): Promise<(Observation | BrokenRun)[]> {
    const runs: (Observation | BrokenRun)[] = [];
    while (runs.length < cases.length) runs.push(...(await this.runSome(cases.slice(runs.length))));
    return runs;
  }

  /** All of them, or those up to the first that breaks its machine. */
  private async runSome(cases: readonly ConformCase[]): Promise<(Observation | BrokenRun)[]> {
    if (this.batches >= BATCHES_PER_MACHINE) await this.retire();
    this.machine ??= await Machine.boot(this.boot);
    this.batches++;
    while (this.boards.length < cases.length) this.boards.push(new SharedArrayBuffer(BOARD_BYTES));
    const argv: CaseArguments = { cases: cases.map((one, i) => ({ one, board: this.boards[i]! })) };
    const boards = argv.cases.map(({ one, board }) => new CaseBoard(board, one));
    for (const board of boards) board.clear();
    let broken: string | undefined;
    try {
      broken = await this.broken(this.machine, argv, boards);
    } catch (error) {
      broken = `${(error as Error).message}\n${error instanceof MachineDied ? error.report : ''}`.trimEnd();
    }
    const runs: (Observation | BrokenRun)[] = [];
    for (const board of boards) {
      const exit = board.processExit();
      if (exit === undefined) break;
      if (exit === 0 && board.isComplete()) runs.push(board.observe());
      else runs.push({ broken: exit < 0 ? `signal ${-exit} ended the process` : `the process ended with ${exit}` });
    }
    if (runs.length < cases.length) runs.push({ broken: broken ?? 'the batch ended before its cases did' });
    if (broken !== undefined) await this.drop();
    return runs;
  }

  /** Runs a batch. @returns why it did not come to its end, if it did not @throws MachineDied */
  private async broken(
    machine: Machine,
    argv: CaseArguments,
    boards: readonly CaseBoard[],
  ): Promise<string | undefined> {
    const pid = await machine.spawn(guestProgram('case'), { entry: 'batch', argv });
    const exit = machine.exited(pid);
    // Where nobody listens any more when it ends with the machine.
    exit.catch(() => {});
    for (let ended = 0; ; ) {
      let timer: NodeJS.Timeout | undefined;
      const late = new Promise<'late'>((resolve) => {
        timer = setTimeout(() => resolve('late'), this.limitMs);
      });
      const end = await Promise.race([exit, late]);
      clearTimeout(timer);
      if (end !== 'late') return end.code === 0 ? undefined : `the batch ended with ${end.code ?? end.signal}`;
      const now = boards.filter((board) => board.processExit() !== undefined).length;
      if (now === ended) return machine.report(`the case had not ended after ${this.limitMs} ms`);
      ended = now;
    }
  }

  /** The machine has done its share: nothing may be left of the programs. */
  private async retire(): Promise<void> {
    const { machine } = this;
    if (machine !== undefined) {
      await settle(machine);
      const { words } = await machine.atRest();
      const explained: ReadonlySet<string> = slabsOfIslands(words.buffer);
      for (const [name, { live }] of Object.entries(machine.stats().census)) {
        if (live !== 0 && !explained.has(name))
          this.problems.push(`leak: ${live} of ${name} live after the last program`);
      }
      this.problems.push(...auditMemory(words.buffer).map((problem) => `audit: ${problem}`));
    }
    await this.drop();
  }

  /** A thread of a broken machine may still write to the boards it knew. */
  private async drop(): Promise<void> {
    const { machine } = this;
    this.machine = undefined;
    this.batches = 0;
    this.boards = [];
    await machine?.shutdown();
  }

  async close(): Promise<void> {
    try {
      await this.retire();
    } catch (error) {
      this.problems.push(`the last machine: ${(error as Error).message}`);
      await this.drop();
    }
  }
}
