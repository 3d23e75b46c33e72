/**
 * `explore`: runs threads that share memory in one thread, in as many orders as are asked for or as there are, and throws
 * with what somebody needs to know as soon as one of them goes wrong.
 */
import { exploreSchedules } from '../explore/dpor/dfs.ts';
import { dporSearch } from '../explore/dpor/dpor.ts';
import type { Run, Search } from '../explore/dpor/dpor.ts';
import { alone, steer } from '../stepped/doors/steering.ts';
import { randomFrom } from '../stepped/strategies.ts';
import type { Finding, Kind, ProblemOptions } from './problem.ts';
import { Problem, Replay, UsageError } from './problem.ts';
import { RandomSearch } from './random-search.ts';
import { tell } from './report.ts';
import { during, hashOf } from './runtime.ts';
import { shrink, switchesOf } from './shrink.ts';
import { checkModules, readToken, tokenOf } from './token.ts';

/** portfolio, the default: some runs by chance, then `dpor`, which may come to an end; the others as they are called. */
export type Strategy = 'portfolio' | 'random' | 'sticky' | 'pct' | 'pos' | 'dpor';

export interface ExploreOptions<M> extends ProblemOptions<M> {
  readonly strategy?: Strategy;
  /** Runs after which the search ends without having seen everything; default 10,000, and 1,000,000 with `dpor`. */
  readonly schedules?: number;
  /** For the runs by chance; default 1. */
  readonly seed?: number;
  /** The token of a schedule: this one alone is run. */
  readonly replay?: string;
}

export interface Explored {
  /** complete: every schedule was explored, but for those that differ in the order of independent operations alone. */
  readonly verdict: 'complete' | 'ok';
  readonly schedules: number;
  /** Atomics operations done in them. */
  readonly operations: number;
  readonly seconds: number;
}

/** What goes wrong in some schedule. */
export class ExploreError extends Error {
  override readonly name = 'ExploreError';
  readonly kind: Kind;
  /** For `replay`. */
  readonly token: string;
  /** The schedule, a column for each thread. */
  readonly trace: string;
  /** Which of the runs it was, from 1; and the switches between threads that are left after shrinking. */
  readonly schedule: number;
  readonly switches: number;
  constructor(
    kind: Kind,
    message: string,
    found: { token: string; trace: string; schedule: number; switches: number },
    cause: unknown,
  ) {
    super(message, cause === undefined ? {} : { cause });
    this.kind = kind;
    this.token = found.token;
    this.trace = found.trace;
    this.schedule = found.schedule;
    this.switches = found.switches;
  }
}

const [BY_CHANCE, TRIAL, PAUSE_MS] = [1000, 20, 50];
interface Progress {
  runs: number;
  operations: number;
}
/** Steps that may be spent on a shorter schedule, for each way to look for one. */
const SHORTENING_STEPS = 300_000;

/**
 * @throws {ExploreError} at the first schedule that ends in a race, a deadlock, a livelock, a throw, or a memory that
 * `check` does not like
 */
export async function explore<M = SharedArrayBuffer>(options: ExploreOptions<M>): Promise<Explored> {
  const problem = new Problem<M>(options);
  const { strategy = 'portfolio', seed = 1, replay } = options;
  const started = performance.now();
  const progress = { runs: 0, operations: 0 };
  const result = (verdict: Explored['verdict']): Explored => ({
    verdict,
    schedules: progress.runs,
    operations: progress.operations,
    seconds: (performance.now() - started) / 1000,
  });
  try {
    if (replay !== undefined) {
      again(problem, replay);
      return { ...result('ok'), schedules: 1 };
    }
    // Once for what is only known when it was met: memory of the modules themselves, the size of elements.
    void new Replay(problem.program, []);
    isRepeatable(problem);
    const limit = options.schedules ?? (strategy === 'dpor' ? 1_000_000 : 10_000);
    if (strategy !== 'dpor') {
      const chance = new RandomSearch(problem.program, strategy, seed, impatience(problem, seed));
      await search(problem, chance, strategy === 'portfolio' ? Math.min(BY_CHANCE, limit) : limit, progress);
      if (strategy !== 'portfolio') return result('ok');
    }
    return result((await everything(problem, limit, seed, progress)) ? 'complete' : 'ok');
  } finally {
    during(undefined);
    steer(alone, null);
  }
}

/** Before each run by chance: which threads are impatient in it; nobody in every other one. */
function impatience<M>({ patience, names }: Problem<M>, seed: number): () => void {
  const random = randomFrom(seed);
  return () => {
    patience.impatient = random(2) === 0 ? 0 : random(2 ** names.length);
  };
}

/** All schedules: with patient threads, and then with each set of threads impatient that have loops which give up. */
async function everything<M>(problem: Problem<M>, limit: number, seed: number, progress: Progress): Promise<boolean> {
  const { patience, program, names } = problem;
  const explore = async (impatient: number): Promise<boolean> => {
    patience.impatient = impatient;
    return search(problem, dporSearch(program), limit, progress);
  };
  if (!(await explore(0))) return false;
  if (patience.waited.every((sites) => sites.size === 0)) return true;
  // Loops with no other end are known after a few runs, and then nobody need be impatient for them.
  const trial = new RandomSearch(program, 'portfolio', seed, impatience(problem, seed));
  await search(problem, trial, Math.min(limit, progress.runs + TRIAL), progress);
  const mayGiveUp = (thread: number): boolean =>
    (patience.gaveUp & (1 << thread)) !== 0 ||
    [...patience.waited[thread]!].some((site) => !patience.endless.has(site));
  for (let thread = 0; thread < names.length; thread++) {
    if (mayGiveUp(thread) && !(await explore(1 << thread))) return false;
  }
  for (let several = patience.gaveUp; several > 0; several = (several - 1) & patience.gaveUp) {
    const alone = (several & (several - 1)) === 0;
    if (!alone && !(await explore(several))) return false;
  }
  return true;
}

/** As `explore`, of threads that are known to be wrong. @returns what was found @throws if nothing was */
export async function expectBug<M = SharedArrayBuffer>(options: ExploreOptions<M>, kind?: Kind): Promise<ExploreError> {
  let explored: Explored;
  try {
    explored = await explore(options);
  } catch (error) {
    if (!(error instanceof ExploreError)) throw error;
    if (kind === undefined || error.kind === kind) return error;
    throw new Error(`expected a ${kind}, and found a ${error.kind}: ${error.message}`, { cause: error });
  }
  const { schedules, verdict } = explored;
  const all = verdict === 'complete' ? 'these are all that there are' : 'there may be more';
  throw new Error(
    `expected ${kind === undefined ? 'a bug' : `a ${kind}`}, and found none in ${schedules} schedules; ${all}`,
  );
}

/** @returns whether everything was explored */
async function search<M>(problem: Problem<M>, by: Search, limit: number, progress: Progress): Promise<boolean> {
  let paused = performance.now();
  while (progress.runs < limit) {
    const end = by.run();
    progress.runs++;
    progress.operations += by.length;
    const finding = end === 'cut' ? undefined : problem.judge(by, by.execution);
    if (finding !== undefined) report(problem, finding, by, progress.runs);
    if (!by.next()) return true;
    if (performance.now() - paused < PAUSE_MS) continue;
    // Others of this thread get a turn: a test runner's timeouts, for one.
    await new Promise((resolve) => setImmediate(resolve));
    paused = performance.now();
  }
  return false;
}

/** Two runs in one order must do the same; else what is found could not be shown again. */
function isRepeatable<M>(problem: Problem<M>): void {
  const first = new Replay(problem.program, []);
  const finding = problem.judge(first, first.execution);
  const hash = problem.state.hash;
  const second = new Replay(problem.program, first.schedule());
  problem.judge(second, second.execution);
  if (problem.state.hash === hash && !second.strayed) {
    if (finding !== undefined) report(problem, finding, first, 1);
    return;
  }
  throw new UsageError(
    'two runs in the same order did different things: the threads depend on something besides shared memory and the order ' +
      '(time, Math.random, variables of a module that keep their values from run to run)',
  );
}

function same(one: Finding, other: Finding | undefined): boolean {
  if (other === undefined || other.kind !== one.kind) return false;
  return one.kind !== 'assertion' || String(one.error) === String(other.error);
}

function report<M>(problem: Problem<M>, found: Finding, run: Run, schedule: number): never {
  let steps = 0;
  const attempt = (order: readonly number[]): readonly number[] | undefined => {
    if (steps > SHORTENING_STEPS) return undefined;
    const replay = new Replay(problem.program, order);
    steps += replay.execution.steps;
    return same(found, problem.judge(replay, replay.execution)) ? replay.schedule() : undefined;
  };
  // A loop of plain reads takes long to give up, and what others do is not to blame.
  const order = found.kind === 'livelock' && found.error !== undefined ? run.schedule() : shortest();
  function shortest(): readonly number[] {
    return shrink(fewestPreemptions(problem, found) ?? run.schedule(), attempt);
  }
  problem.recording = true;
  const shown = new Replay(problem.program, order);
  const finding = problem.judge(shown, shown.execution);
  problem.recording = false;
  throw errorOf(problem, finding ?? found, shown, schedule);
}

/** A schedule with no or one preemption that fails in the same way, if one is found soon. */
function fewestPreemptions<M>(problem: Problem<M>, found: Finding): readonly number[] | undefined {
  let order: readonly number[] | undefined;
  let steps = 0;
  for (const maxPreemptions of [0, 1, 2]) {
    exploreSchedules(problem.program, {
      maxPreemptions,
      limit: 500,
      atEnd(run) {
        steps += run.execution.steps;
        if (!same(found, problem.judge(run, run.execution))) return steps > SHORTENING_STEPS;
        order = run.schedule();
        return true;
      },
    });
    if (order !== undefined || steps > SHORTENING_STEPS) break;
  }
  return order;
}

function errorOf<M>(problem: Problem<M>, finding: Finding, run: Replay, schedule: number): ExploreError {
  const order = run.schedule();
  const { headline, details, trace, frames } = tell(problem, finding, run.execution, order);
  const token = tokenOf(order, problem.patience.impatient, modulesOf(problem));
  const message = [
    `${finding.kind}: ${headline}`,
    '',
    ...details.map((line) => `  ${line}`),
    '',
    ...trace.split('\n').map((line) => (line === '' ? '' : `  ${line}`)),
    '',
    `  found in schedule ${schedule}; to see it again: explore({ ..., replay: '${token}' })`,
  ].join('\n');
  const cause = finding.race === undefined ? finding.error : undefined;
  const found = new ExploreError(finding.kind, message, { token, trace, schedule, switches: switchesOf(order) }, cause);
  // The stack names the places that it is about, and not those of the search.
  if (frames.length > 0) found.stack = [`${found.name}: ${message}`, ...frames].join('\n');
  return found;
}

function modulesOf<M>(problem: Problem<M>): number {
  return hashOf((problem.state.steps ?? []).map(({ site }) => site));
}

function again<M>(problem: Problem<M>, token: string): void {
  const { order, impatient } = readToken(token);
  problem.patience.impatient = impatient;
  problem.recording = true;
  const run = new Replay(problem.program, order);
  const finding = problem.judge(run, run.execution);
  checkModules(token, modulesOf(problem));
  if (finding !== undefined) throw errorOf(problem, finding, run, 1);
}
