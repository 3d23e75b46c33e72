/**
 * Replays one schedule with a recorder beside it, and makes a `RunTrace` of what it noted. It runs in the bundle of the
 * stepped kernel that it records, since it stands at its doors.
 */
import type { EpollDesign } from '../../kernel/abi/types.ts';
import { Machine } from '../../kernel/machine-record.ts';
import type { Scene, Setup } from '../../stepped/machine.ts';
import { steppedMachine } from '../../stepped/machine.ts';
import { replayOf } from '../../stepped/strategies.ts';
import { Explorer } from '../engine/search.ts';
import type { Scenario } from '../scenario.ts';
import { watchedSetup } from './calls.ts';
import { Ears } from './ears.ts';
import type { Ended, Indices as EndIndices } from './ending.ts';
import { endOf } from './ending.ts';
import { explain, findingIn, retold } from './explain.ts';
import { inNames } from './messages.ts';
import type { Locate, Place } from './places.ts';
import { asLoaded } from './places.ts';
import type { Noted, Recorder } from './recorder.ts';
import type { About, Finding, RunTrace, TraceEvent, TracedWord } from './trace.ts';
import { TRACE_VERSION } from './trace.ts';

/** What a report is told besides the run itself. */
export interface TellOptions {
  /** What was found; without it, what the run says itself. */
  readonly finding?: Finding;
  readonly about?: Partial<About>;
  /** Leads back to the source; by default every script is its own source. */
  readonly locate?: Locate;
  /** Text of source files, by path, for the excerpts; those that are missing are left out. */
  readonly sources?: ReadonlyMap<string, string>;
}

export interface RecordOptions extends TellOptions {
  readonly setup: Setup;
  /** As in `Outcome.schedule`. */
  readonly schedule: readonly number[];
}

export interface RecordScenarioOptions extends TellOptions {
  readonly scene: Scene;
  readonly scenario: Scenario;
  readonly design: EpollDesign;
  readonly schedule: readonly number[];
}

/** Lines of the source around each place. */
const CONTEXT = 4;

/** Runs a machine as `steppedMachine` does: once to learn what everything is called, and once to write it down. */
export function recordRun({ setup, schedule, ...options }: RecordOptions): RunTrace {
  const ears = new Ears();
  const run = steppedMachine(watchedSetup(setup, ears));
  ears.listen(true);
  run(replayOf(schedule), ears);
  ears.listen(false);
  const { outcome, end } = run(replayOf(schedule), ears);
  const trace = assembled(ears.recorder, outcome, options);
  return concluded(trace, options.finding ?? findingIn(trace, inNames(end, ears.recorder.names)));
}

/** Likewise runs a scenario, as the search does that found the schedule; it is judged anew, unless the finding is given. */
export function recordScenario({ scene, scenario, design, schedule, ...options }: RecordScenarioOptions): RunTrace {
  const ears = new Ears();
  const { scene: _, ...machine } = watchedSetup({ ...scenario.machine, scene }, ears);
  const explorer = new Explorer(scene, { ...scenario, machine }, design);
  const { scheduler } = explorer;
  let trace: RunTrace | undefined;
  let learning = true;
  // The judge changes memory: what a report says of the end is read before it comes.
  const run = scheduler.run.bind(scheduler);
  scheduler.run = (asked) => {
    ears.listen(learning);
    const ending = run({ ...asked, watcher: ears });
    ears.stop();
    if (!learning)
      trace = assembled(ears.recorder, { ending, error: scheduler.error, cpus: scheduler.waiting() }, options);
    return ending;
  };
  explorer.replay(schedule);
  learning = false;
  const found = explorer.replay(schedule).finding;
  if (trace === undefined) throw new Error('the search replays schedules without its scheduler');
  const finding = options.finding ?? found ?? { kind: 'done', message: '' };
  return concluded(trace, { kind: finding.kind, message: inNames(finding.message, ears.recorder.names) });
}

/** All but what was found. */
function assembled(recorder: Recorder, outcome: Ended, { about, locate = asLoaded, sources }: TellOptions): RunTrace {
  recorder.finish(outcome.ending === 'threw' ? outcome.error : undefined);
  const { frames, places } = recorder.places.resolve(locate);
  const locks = new Map<number, number>();
  for (const { lock } of [...recorder.events, ...recorder.words.values()]) {
    if (lock !== 0 && !locks.has(lock)) locks.set(lock, locks.size);
  }
  const words = [...recorder.words].map(([address, notes]): TracedWord => {
    const { touchedBy, changedBy, ...rest } = notes;
    return {
      ...rest,
      address,
      lock: locks.get(notes.lock) ?? -1,
      touchedBy: [...touchedBy].sort((a, b) => a - b),
      changedBy: [...changedBy].sort((a, b) => a - b),
    };
  });
  const index = indices(recorder, locks, words);
  const events = recorder.events
    .filter((event) => worthKeeping(event, words, index.word))
    .map((event) => toEvent(event, places, index));
  const trace: RunTrace = {
    version: TRACE_VERSION,
    about: { scenario: '', bug: '', design: '', replay: '', ...about },
    finding: { kind: '', message: '' },
    because: [],
    focus: recorder.focus.map((address) => index.word(address)).filter((number) => number >= 0),
    cpus: recorder.names.machine(Machine.cpus),
    steps: recorder.steps,
    switches: recorder.switches,
    frames,
    places: places.map(({ frames: own }) => own),
    words,
    locks: [...locks.keys()].map((lock) => recorder.locks.get(lock)!),
    slots: [...recorder.machinery.slots.values()].map(({ slot }) => slot),
    events,
    dropped: recorder.dropped,
    ends: endOf(recorder, outcome, index),
    sources: {},
  };
  return { ...trace, sources: sources === undefined ? {} : excerpts(trace, sources) };
}

function concluded(trace: RunTrace, finding: Finding): RunTrace {
  const told = { ...trace, finding: retold(trace, finding) };
  return { ...told, because: explain(told) };
}

/** From what the recorder calls things to their numbers in the trace. */
interface Indices extends EndIndices {
  slot(key: string): number;
}

function indices(recorder: Recorder, locks: ReadonlyMap<number, number>, words: readonly TracedWord[]): Indices {
  const byWord = new Map(words.map(({ address }, number) => [address, number]));
  const bySlot = new Map([...recorder.machinery.slots.keys()].map((key, number) => [key, number]));
  return {
    word: (address) => byWord.get(address) ?? -1,
    lock: (address) => locks.get(address) ?? -1,
    slot: (key) => bySlot.get(key) ?? -1,
  };
}

/** A read is told only of words that another CPU changes. */
function worthKeeping(event: Noted, words: readonly TracedWord[], indexOf: (address: number) => number): boolean {
  if (event.kind !== 'read' || event.word === 0) return event.kind !== 'read';
  const word = words[indexOf(event.word)]!;
  return word.changedBy.some((each) => each !== event.cpu);
}

function toEvent(noted: Noted, places: readonly Place[], index: Indices): TraceEvent {
  const place = places[noted.place];
  return {
    kind: noted.kind,
    step: noted.step,
    cpu: noted.cpu,
    task: noted.task,
    word: index.word(noted.word),
    before: noted.before,
    after: noted.after,
    operation: noted.kind === 'operation' ? (place?.operation ?? '') : '',
    place: noted.place,
    lock: index.lock(noted.lock),
    text: noted.text,
    set: noted.set.map(([key, value]) => [index.slot(key), value] as const),
  };
}

/** The few lines around each frame that is shown somewhere. */
function excerpts(trace: RunTrace, texts: ReadonlyMap<string, string>): RunTrace['sources'] {
  const wanted = new Map<string, Set<number>>();
  for (const { file, line } of trace.frames) {
    if (line === 0 || !texts.has(file)) continue;
    const lines = wanted.get(file) ?? new Set<number>();
    for (let at = Math.max(1, line - CONTEXT); at <= line + CONTEXT; at++) lines.add(at);
    wanted.set(file, lines);
  }
  const found: Record<string, { from: number; lines: string[] }[]> = {};
  for (const [file, numbers] of wanted) {
    const text = texts.get(file)!.split('\n');
    const pieces: { from: number; lines: string[] }[] = [];
    for (const number of [...numbers].sort((a, b) => a - b)) {
      if (number > text.length) continue;
      const last = pieces.at(-1);
      if (last !== undefined && last.from + last.lines.length === number) last.lines.push(text[number - 1]!);
      else pieces.push({ from: number, lines: [text[number - 1]!] });
    }
    found[file] = pieces;
  }
  return found;
}
