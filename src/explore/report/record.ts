/**
 * `recordRun`: replays one schedule of a stepped machine with a recorder beside it, and makes a `RunTrace` of what it
 * noted. It runs in the bundle of the stepped kernel that it records, since it stands at its doors.
 */
import { Machine } from '../../kernel/machine-record.ts';
import { LOCK_CLASSES } from '../../shared-mem/locks/classes.ts';
import { SpinLock } from '../../shared-mem/locks/spin-lock.ts';
import { I32 } from '../../stepped/doors/self.ts';
import type { Watcher } from '../../stepped/doors/steering.ts';
import type { Setup, SteppedRun } from '../../stepped/machine.ts';
import { steppedMachine } from '../../stepped/machine.ts';
import { replayOf } from '../../stepped/strategies.ts';
import type { GuestWatcher } from './calls.ts';
import { watchedSetup } from './calls.ts';
import type { Indices as EndIndices } from './ending.ts';
import { endOf } from './ending.ts';
import { explain, findingIn } from './explain.ts';
import type { Locate, Place } from './places.ts';
import { asLoaded } from './places.ts';
import type { Noted } from './recorder.ts';
import { Recorder } from './recorder.ts';
import type { About, Finding, RunTrace, TraceEvent, TracedWord } from './trace.ts';
import { TRACE_VERSION } from './trace.ts';

export interface RecordOptions {
  readonly setup: Setup;
  /** As in `Outcome.schedule`; run by `replayOf`, unless `run` is given. */
  readonly schedule?: readonly number[];
  /** Runs the machine once, in whatever way it was run when it failed. */
  readonly run?: (setup: Setup, watcher: Watcher) => SteppedRun;
  /** The watcher that found it, if one did: it is asked again. */
  readonly watcher?: Watcher | null;
  /** What was found; without it, what the run says itself. */
  readonly finding?: Finding;
  readonly about?: Partial<About>;
  /** Leads back to the source; by default every script is its own source. */
  readonly locate?: Locate;
  /** Text of source files, by path, for the excerpts; those that are missing are left out. */
  readonly sources?: ReadonlyMap<string, string>;
}

/** Lines of the source around each place. */
const CONTEXT = 4;

export function recordRun(options: RecordOptions): RunTrace {
  const { setup, schedule = [], watcher = null, locate = asLoaded, sources = new Map() } = options;
  const run = options.run ?? ((each, by) => steppedMachine(each)(replayOf(schedule), by));
  const ears = new Ears(watcher);
  const ran = run(watchedSetup(setup, ears), ears);
  const recorder = ears.recorder;
  recorder.finish(ran.outcome.ending === 'threw' ? ran.outcome.error : undefined);

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
    .map((e) => toEvent(e, places, index));
  const ends = endOf(recorder, ran.outcome, index);
  const about = { scenario: '', bug: '', design: '', replay: '', ...options.about };
  const trace: RunTrace = {
    version: TRACE_VERSION,
    about,
    finding: { kind: '', message: '' },
    because: [],
    focus: recorder.focus.map((address) => index.word(address)).filter((number) => number >= 0),
    cpus: recorder.names.machine(Machine.cpus),
    steps: recorder.steps,
    switches: recorder.switches,
    frames,
    places: places.map(({ frames: own }) => own),
    words,
    locks: [...locks.keys()].map((lock) => ({
      name: recorder.names.lock(lock),
      class: LOCK_CLASSES[(I32[lock + SpinLock.info.off]! >> 8) & 0xff]?.name ?? 'lock',
    })),
    slots: [...recorder.machinery.slots.values()].map(({ slot }) => slot),
    events,
    dropped: recorder.dropped,
    ends,
    sources: {},
  };
  const finding = options.finding ?? findingIn(trace, ran.end);
  return { ...trace, finding, because: explain(trace), sources: excerpts(trace, sources) };
}

/**
 * Hears the run from its first operation on. The recorder can be made only then: it looks at the memory of the machine,
 * which is booted by whoever runs it.
 */
class Ears implements Watcher, GuestWatcher {
  readonly #inner: Watcher | null;
  #recorder: Recorder | undefined;
  constructor(inner: Watcher | null) {
    this.#inner = inner;
  }
  get recorder(): Recorder {
    this.#recorder ??= new Recorder(this.#inner);
    return this.#recorder;
  }
  read(address: number, words: number): void {
    this.recorder.read(address, words);
  }
  write(address: number, words: number): void {
    this.recorder.write(address, words);
  }
  atomic(address: number, reads: boolean, writes: boolean): void {
    this.recorder.atomic(address, reads, writes);
  }
  peek(address: number): void {
    this.recorder.peek(address);
  }
  begin(entry: number): void {
    this.recorder.begin(entry);
  }
  call(text: string): void {
    this.recorder.call(text);
  }
  answer(text: string): void {
    this.recorder.answer(text);
  }
  end(): void {
    this.recorder.end();
  }
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
  if (event.kind !== 'read') return true;
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
