// Runs conformance cases on the stepped machine, in this one thread: each from the memory of the boot, under a schedule
// that a seed decides. What came of a case is told as the runner of a machine on threads tells it.
// Promise: a case, a seed and a configuration give one result for ever; no case waits for real time.

import { imageOf } from '../../cpu-worker/load-image.ts';
import { Cpu } from '../../kernel/cpu/cpu.ts';
import { Task } from '../../kernel/task/task.ts';
import type { BootOptions } from '../../machine/boot-options.ts';
import { checkBootOptions } from '../../machine/config.ts';
import { deathOf, DEADLOCK_WORDS } from '../../machine/death.ts';
import { machineReport, verdictOf } from '../../machine/report.ts';
import { Snapshot } from '../../machine/snapshot.ts';
import { steppedMachineFile } from '../../machine/worker-file.ts';
import type { ConformCase, Observation } from '../../programs/conform/case.ts';
import { BOARD_BYTES, CaseBoard } from '../../programs/conform/case-board.ts';
import type { Strategy } from '../../stepped/strategies.ts';
import type { ProgramEnd, WholeMachine, WholeScene } from '../../stepped/whole-machine.ts';
import * as caseProgram from '../case.program.ts';
import type { CaseArguments } from '../case.program.ts';
import { CASE_PROCESSES, CASE_USER_BYTES } from '../room.ts';
import type { BrokenRun } from '../verdict.ts';

/** On the virtual clock. A join gives up after five seconds. */
const CASE_LIMIT_NS = 20e9;
/** The longest of the bundled cases takes some two million: a join that waits in vain. */
const STEPS_MAX = 50_000_000;
const ROOM: BootOptions = { userBytes: CASE_USER_BYTES, processes: CASE_PROCESSES, lockSpins: 2 };
/** Nothing comes while a CPU spins that would not come while it sleeps; and every check is on. */
const STILL: BootOptions = { idleSpinNs: 0, checks: true };

export class SteppedCases {
  readonly #machine: WholeMachine;
  readonly #races: boolean;
  readonly #buffer = new SharedArrayBuffer(BOARD_BYTES);

  /** @param races have a race on the kernel's memory end the case */
  constructor(machine: WholeMachine, races = false) {
    this.#machine = machine;
    this.#races = races;
  }

  /** @throws BootError for options that cannot be */
  static async boot(boot: BootOptions, races = false): Promise<SteppedCases> {
    const { config, constants } = checkBootOptions({ ...ROOM, ...boot, ...STILL });
    const { fastPath, pollCache } = constants;
    const url = steppedMachineFile();
    url.search = new URLSearchParams({ fastPath: String(fastPath), pollCache: String(pollCache) }).toString();
    // Before the import, or a panic would name lines of the bundle.
    process.setSourceMapsEnabled(true);
    const module = (await import(url.href)) as { WholeMachine: typeof WholeMachine; scene: WholeScene };
    return new SteppedCases(new module.WholeMachine(module.scene, config), races);
  }

  run(one: ConformCase, strategy: Strategy): Observation | BrokenRun {
    const board = new CaseBoard(this.#buffer, one);
    board.clear();
    const argv: CaseArguments = { cases: [{ one, board: this.#buffer }] };
    const end = this.#machine.run({
      image: imageOf(caseProgram, 'smplab:case', argv),
      entry: 'main',
      strategy,
      races: this.#races,
      limitNs: CASE_LIMIT_NS,
      maxSteps: STEPS_MAX,
    });
    return this.#told(end, board);
  }

  /** Of the machine's memory as the last case left it, but for user memory. */
  hash(): number {
    const { memory, plan } = this.#machine;
    let hash = 0;
    for (const word of new Int32Array(memory, 0, plan.regions.get('user')!.base))
      hash = (Math.imul(hash, 31) + word) | 0;
    return hash;
  }

  #told({ status, thrown, outcome }: ProgramEnd, board: CaseBoard): Observation | BrokenRun {
    const { memory, config, plan } = this.#machine;
    const look = new Snapshot(memory, config, plan);
    if (thrown !== undefined) {
      const { name, message, stack = '' } = asError(thrown.error);
      const current = look.word(look.cpu(thrown.cpu), Cpu.current);
      const tid = current === 0 ? 0 : look.word(current, Task.tid);
      const death = deathOf({ index: thrown.cpu, failure: { name, message, stack, tid } }, look, 0)!;
      return { broken: `${death.message}\n${machineReport(look, death.message)}\n\n${stack}` };
    }
    if (status !== undefined) {
      if ((status & 0x7f) !== 0) return { broken: `signal ${status & 0x7f} ended the process` };
      if (status !== 0) return { broken: `the process ended with ${status >> 8}` };
      return board.isComplete() ? board.observe() : { broken: 'the process ended before its case did' };
    }
    const verdict = verdictOf(look);
    const cause =
      verdict !== undefined
        ? `${verdict}: ${DEADLOCK_WORDS}`
        : outcome.ending === 'limit'
          ? `the case had not ended after ${outcome.steps} operations`
          : `the case had not ended after ${CASE_LIMIT_NS / 1e9} s of the machine's time`;
    return { broken: `${cause}\n${machineReport(look, cause)}`, asleep: board.observe() };
  }
}

function asError(error: unknown): Error {
  return error instanceof Error ? error : new Error(String(error));
}
