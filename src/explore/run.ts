/**
 * An exploration as the command line and the tests ask for it: names in, results out. Scenarios are shared out over lanes
 * (lane.ts), and the first that finds something ends the search.
 */
import { availableParallelism } from 'node:os';
import { existsSync } from 'node:fs';
import { join } from 'node:path';
import { Piscina } from 'piscina';
import type { EpollDesign } from '../kernel/abi/types.ts';
import { printToken, readToken } from './engine/token.ts';
import type { Exhaustive } from './engine/exhaust.ts';
import type { Sampling } from './engine/strategies.ts';
import { project } from './kernel.ts';
import type { Job, JobResult } from './lane.ts';
import { DONE, STOP } from './lane.ts';
import { bugNamed, designOf, kernelFor, NameError, scenarioNamed } from './names.ts';
import type { FindingKind } from './scenario.ts';

export const STRATEGIES = ['random', 'pct', 'pos', 'dfs', 'dpor', 'portfolio'] as const;
export type StrategyName = Sampling | Exhaustive;
export const ALL = 'all';

export interface ExploreRequest {
  /** a scenario, or `all`; by default the one that shows the bug */
  readonly scenario?: string | undefined;
  readonly bug?: string | undefined;
  readonly epoll?: string | undefined;
  readonly strategy?: StrategyName;
  /** of dfs; default 2 */
  readonly preemptions?: number;
  /** of all scenarios together; default 10,000, and a million for `all` */
  readonly schedules?: number | undefined;
  readonly seed?: number;
  readonly secondsMax?: number | undefined;
  readonly signal?: AbortSignal;
  /** Called now and then. */
  readonly onProgress?: (schedules: number) => void;
}

export interface ExploreFound {
  readonly kind: FindingKind;
  readonly message: string;
  readonly token: string;
  readonly switches: number;
  /** before it was made short */
  readonly switchesFirst: number;
  readonly scenario: string;
  readonly design: EpollDesign;
}

export interface ExploreRow {
  readonly scenario: string;
  readonly design: EpollDesign;
  readonly schedules: number;
  readonly steps: number;
  readonly seconds: number;
  /** to boot the machine, before the first schedule */
  readonly bootSeconds: number;
  readonly complete: boolean;
}

export interface ExploreResult {
  readonly scenario: string;
  readonly bug: string | null;
  readonly strategy: StrategyName;
  readonly seed: number;
  readonly verdict: 'ok' | 'bug' | 'complete';
  readonly schedules: number;
  readonly steps: number;
  /** of the searches, added up over lanes; compiling and booting not counted */
  readonly seconds: number;
  readonly schedulesPerSecond: number;
  readonly stepsPerSecond: number;
  readonly lanes: number;
  readonly interrupted: boolean;
  readonly found: ExploreFound | null;
  readonly rows: readonly ExploreRow[];
}

const SCHEDULES = 10_000;
const SCHEDULES_ALL = 1_000_000;
const PROGRESS_MS = 200;

/** @throws NameError, SearchError */
export async function explore(request: ExploreRequest): Promise<ExploreResult> {
  const { strategy = 'portfolio', preemptions = 2, seed = 1, signal, onProgress } = request;
  const places = await placesOf(request);
  const isAll = request.scenario === ALL;
  const asked = request.schedules ?? (isAll ? SCHEDULES_ALL : SCHEDULES);
  const shared = new SharedArrayBuffer(8);
  const words = new Int32Array(shared);
  const jobs = places.map(
    ({ scenario, design }, i): Job => ({
      bug: request.bug ?? '',
      scenario,
      design,
      strategy,
      preemptions,
      // What does not divide evenly goes to the first ones.
      schedules: Math.floor(asked / places.length) + (i < asked % places.length ? 1 : 0),
      seed,
      secondsMax: (request.secondsMax ?? Number.POSITIVE_INFINITY) / places.length,
      shared,
    }),
  );
  const lanes = Math.min(jobs.length, availableParallelism());
  const pool = lanePool(lanes);
  const stop = (): void => void Atomics.store(words, STOP, 1);
  signal?.addEventListener('abort', stop);
  const timer = setInterval(() => onProgress?.(Atomics.load(words, DONE)), PROGRESS_MS);
  const results: JobResult[] = [];
  try {
    await Promise.all(
      jobs.map(async (job) => {
        if (Atomics.load(words, STOP) !== 0) return;
        const result = (await pool.run(job, { name: 'explore' })) as JobResult;
        results.push(result);
        if (result.found !== undefined) stop();
      }),
    );
  } finally {
    clearInterval(timer);
    signal?.removeEventListener('abort', stop);
    stop();
    await pool.destroy();
  }
  return summary(request, strategy, seed, lanes, jobs, results, signal?.aborted === true);
}

/** Each scenario on each of its designs, or the ones asked for. */
async function placesOf({
  scenario,
  bug: bugName = '',
  epoll,
}: ExploreRequest): Promise<{ scenario: string; design: EpollDesign }[]> {
  const bug = bugNamed(bugName);
  const kernel = await kernelFor('');
  if (scenario === ALL) {
    const places = kernel.scenarios.flatMap(({ name, designs }) =>
      designs.map((design) => ({ scenario: name, design })),
    );
    return epoll === undefined ? places : places.filter(({ design }) => design === epoll);
  }
  const name = scenario ?? bug?.scenario;
  if (name === undefined)
    throw new NameError(
      'scenario',
      '',
      kernel.scenarios.map((each) => each.name),
    );
  const found = scenarioNamed(kernel, name);
  return [{ scenario: name, design: designOf(found, epoll, bug) }];
}

function lanePool(lanes: number): Piscina {
  const built = join(project, 'dist', 'explore-lane.js');
  if (!existsSync(built)) throw new Error(`${built} is missing: npm run build makes it`);
  return new Piscina({
    filename: built,
    minThreads: lanes,
    maxThreads: lanes,
    idleTimeout: Number.POSITIVE_INFINITY,
    atomics: 'disabled',
    recordTiming: false,
    execArgv: ['--enable-source-maps'],
  });
}

function summary(
  request: ExploreRequest,
  strategy: StrategyName,
  seed: number,
  lanes: number,
  jobs: readonly Job[],
  results: readonly JobResult[],
  interrupted: boolean,
): ExploreResult {
  const total = (of: (result: JobResult) => number): number => results.reduce((sum, result) => sum + of(result), 0);
  const [schedules, steps, seconds] = [total((r) => r.schedules), total((r) => r.steps), total((r) => r.seconds)];
  const hit = results.find((result) => result.found !== undefined);
  const isComplete = results.length === jobs.length && results.every(({ complete }) => complete);
  const order = new Map(jobs.map(({ scenario, design }, i) => [`${scenario} ${design}`, i]));
  const place = ({ scenario, design }: JobResult): number => order.get(`${scenario} ${design}`)!;
  return {
    scenario: request.scenario === ALL ? ALL : jobs[0]!.scenario,
    bug: request.bug ?? null,
    strategy,
    seed,
    verdict: hit !== undefined ? 'bug' : isComplete ? 'complete' : 'ok',
    schedules,
    steps,
    seconds,
    schedulesPerSecond: Math.round(schedules / Math.max(seconds, 1e-9)),
    stepsPerSecond: Math.round(steps / Math.max(seconds, 1e-9)),
    lanes,
    interrupted,
    found: hit === undefined ? null : foundOf(hit, request.bug ?? '', seed),
    rows: [...results]
      .sort((a, b) => place(a) - place(b))
      .map(({ scenario, design, schedules, steps, seconds, bootSeconds, complete }) => ({
        scenario,
        design,
        schedules,
        steps,
        seconds,
        bootSeconds,
        complete,
      })),
  };
}

function foundOf({ found, scenario, design, hash }: JobResult, bug: string, seed: number): ExploreFound {
  const { kind, message, schedule, switches, switchesFirst } = found!;
  const token = printToken({ build: hash, scenario, design, bug, seed, schedule });
  return { kind, message, token, switches, switchesFirst, scenario, design };
}

/** A token that another build printed: its schedule would mean something else here. */
export class ForeignTokenError extends Error {
  override readonly name = 'ForeignTokenError';
}

export interface Replayed {
  readonly scenario: string;
  readonly design: EpollDesign;
  readonly bug: string;
  readonly seed: number;
  readonly schedule: readonly number[];
  readonly steps: number;
  readonly switches: number;
  readonly finding: { readonly kind: FindingKind; readonly message: string } | undefined;
}

/** Runs the schedule of a token. @throws TokenError, ForeignTokenError, NameError */
export async function replayToken(text: string): Promise<Replayed> {
  const { build, scenario: name, design: designName, bug, seed, schedule } = readToken(text);
  const kernel = await kernelFor(bug);
  if (kernel.hash !== build) {
    throw new ForeignTokenError(
      `the token is of build ${build}, and this is build ${kernel.hash}: its schedule counts the operations of other code. Search again here: smplab explore ${name}${bug === '' ? '' : ` --bug ${bug}`} --epoll ${designName} --seed ${seed}`,
    );
  }
  const scenario = scenarioNamed(kernel, name);
  const design = designOf(scenario, designName, undefined);
  const explorer = kernel.explorerOf(scenario, design, bugNamed(bug)?.memory);
  const { finding } = explorer.replay(schedule);
  const { steps, switches } = explorer.scheduler;
  return { scenario: name, design, bug, seed, schedule, steps, switches, finding };
}
