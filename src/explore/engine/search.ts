/**
 * The search: runs a scenario under one schedule after the other, judges each, and stops at the first that fails. A seed
 * gives the same schedules on every host; what was found is repeated, made short, and repeated again.
 *
 * Before anything is told, the failing schedule is run once more: the same choices must do the same to every word. What
 * differs then has a source of chance that the scheduler does not control, and is said to have.
 */
import type { EpollDesign } from '../../kernel/abi/types.ts';
import { I32 } from '../../stepped/doors/self.ts';
import { touchedWords } from '../../stepped/doors/tracks.ts';
import type { Scene, SteppedMachine } from '../../stepped/machine.ts';
import { bootStepped } from '../../stepped/machine.ts';
import { Scheduler } from '../../stepped/scheduler.ts';
import type { Strategy } from '../../stepped/strategies.ts';
import { replayOf, roundRobin } from '../../stepped/strategies.ts';
import type { Scenario } from '../scenario.ts';
import type { Finding } from './judge.ts';
import { judge, SearchError } from './judge.ts';
import { shrink } from './shrink.ts';
import type { Sampling } from './strategies.ts';
import { strategyOf } from './strategies.ts';

/** The first schedules are all audited; after them one in so many, for an audit costs more than most runs. */
const AUDITED_FIRST = 256;
const AUDIT_EVERY = 16;
/** One in so many schedules is run twice, and the two compared. */
const TWICE_EVERY = 4096;
const STEPS_MAX = 20_000;
/** The clock is looked at after so many schedules. */
const SCHEDULES_PER_LOOK = 64;

export interface SearchOptions {
  readonly strategy: Sampling;
  readonly schedules: number;
  readonly seed: number;
  /** give up after so long; default never */
  readonly secondsMax?: number;
  /** default true */
  readonly shrinks?: boolean;
  /** Called now and then with the number of schedules done. @returns false to stop */
  readonly onProgress?: (schedules: number) => boolean;
}

export interface Found extends Finding {
  readonly schedule: readonly number[];
  readonly switches: number;
  /** which schedule of the search it was, from 1 */
  readonly number: number;
  /** as first found, before it was made short */
  readonly switchesFirst: number;
}

export interface SearchResult {
  readonly schedules: number;
  readonly steps: number;
  readonly seconds: number;
  readonly stopped: boolean;
  readonly found: Found | undefined;
}

interface Run {
  readonly finding: Finding | undefined;
  readonly hash: number;
}

/** A scenario on a machine that is booted once and run as often as wanted. */
export class Explorer {
  readonly scenario: Scenario;
  readonly machine: SteppedMachine;
  readonly scheduler: Scheduler;
  /** to lay out the memory and start every CPU and task */
  readonly bootSeconds: number;
  readonly #limits: { readonly maxSteps: number; readonly fairAfter: number; readonly tickNs: number };
  #stepsExpected = 0;

  constructor(scene: Scene, scenario: Scenario, design: EpollDesign) {
    const { machine } = scenario;
    this.scenario = scenario;
    const started = performance.now();
    this.machine = bootStepped({ ...machine, scene, room: { ...machine.room, epoll: design } });
    this.bootSeconds = (performance.now() - started) / 1000;
    this.scheduler = new Scheduler(this.machine.programs);
    const maxSteps = machine.maxSteps ?? STEPS_MAX;
    const hz = machine.room?.hz ?? 0;
    this.#limits = { maxSteps, fairAfter: maxSteps / 2, tickNs: hz === 0 ? 0 : 1e9 / hz };
    // How long a usual run is: what changes within one is spread over so many steps.
    this.run(roundRobin(0), false);
    this.#stepsExpected = Math.min(this.scheduler.steps, maxSteps);
  }

  /** One schedule. Memory stays as it ended until the next. */
  run(strategy: Strategy, audited: boolean): Run {
    this.machine.begin();
    let trapsBefore: readonly number[] = [];
    const onFair = (): void => {
      trapsBefore = this.machine.traps();
    };
    const ending = this.scheduler.run({ strategy, over: this.machine.over, onFair, ...this.#limits });
    const hash = audited ? this.#hash() : 0;
    return { finding: judge(this.scenario, this.machine, this.scheduler, ending, audited, trapsBefore), hash };
  }

  search(options: SearchOptions): SearchResult {
    const { strategy, schedules, seed, secondsMax = Number.POSITIVE_INFINITY, shrinks = true, onProgress } = options;
    const started = performance.now();
    const seconds = (): number => (performance.now() - started) / 1000;
    // Seeds that follow each other do not share their schedules.
    const first = Math.imul(seed, 0x9e37_79b1) >>> 0;
    let steps = 0;
    for (let i = 0; i < schedules; i++) {
      const audited = i < AUDITED_FIRST || i % AUDIT_EVERY === 0;
      const chosen = strategyOf(strategy, first + i, this.#stepsExpected);
      const { finding, hash } = this.run(chosen, audited);
      steps += this.scheduler.steps;
      if (finding !== undefined) {
        const found = this.#found(finding, i + 1, shrinks);
        return { schedules: i + 1, steps, seconds: seconds(), stopped: false, found };
      }
      if (audited && i % TWICE_EVERY === 0) this.#repeat(hash);
      if ((i + 1) % SCHEDULES_PER_LOOK !== 0) continue;
      if (onProgress?.(i + 1) === false || seconds() >= secondsMax) {
        return { schedules: i + 1, steps, seconds: seconds(), stopped: i + 1 < schedules, found: undefined };
      }
    }
    return { schedules, steps, seconds: seconds(), stopped: false, found: undefined };
  }

  /** A schedule that was found before. */
  replay(schedule: readonly number[]): Run {
    return this.run(replayOf(schedule), true);
  }

  #repeat(hash: number): void {
    if (this.replay(this.scheduler.schedule()).hash !== hash) {
      throw new SearchError(
        'the same schedule did something else the second time: a source of chance is not controlled',
      );
    }
  }

  /** A finding of another search. @param plan leads to it */
  tell(finding: Finding, plan: Strategy, number: number): Found {
    if (this.run(plan, true).finding?.kind !== finding.kind) {
      throw new SearchError(`found ${finding.kind} (${finding.message}), and not again under the ordinary scheduler`);
    }
    return this.#found(finding, number, true);
  }

  #found(finding: Finding, number: number, shrinks: boolean): Found {
    const first = { schedule: this.scheduler.schedule(), switches: this.scheduler.switches };
    const again = this.replay(first.schedule);
    if (again.finding?.kind !== finding.kind) {
      const second = again.finding?.kind ?? 'nothing';
      throw new SearchError(
        `a schedule found ${finding.kind}, and ${second} when it was repeated: chance is not controlled`,
      );
    }
    const { kind } = finding;
    const short = shrinks
      ? shrink(first.schedule, first.switches, (plan) => {
          if (this.run(plan, true).finding?.kind !== kind) return undefined;
          return { schedule: this.scheduler.schedule(), switches: this.scheduler.switches };
        })
      : first;
    const last = this.replay(short.schedule).finding!;
    return { ...last, ...short, number, switchesFirst: first.switches };
  }

  /** Of all words that the run touched, with what they hold now. */
  #hash(): number {
    let hash = this.scheduler.steps | 0;
    for (const word of touchedWords()) hash = (Math.imul(hash ^ word, 0x01000193) + I32[word]!) | 0;
    return hash;
  }
}
