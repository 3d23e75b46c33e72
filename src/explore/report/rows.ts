/**
 * From a trace to the rows that a reader sees: what does not matter is folded, a spin is one row, a lock is named beside
 * what is done under it, and what a trap does stands below its call.
 */
import { textOf } from './describe.ts';
import { placeText } from './explain.ts';
import { relevanceOf } from './relevance.ts';
import type { RunTrace, TraceEvent } from './trace.ts';

export type RowKind = 'call' | 'answer' | 'change' | 'look' | 'wake' | 'lock' | 'spin' | 'panic' | 'fold';

export interface Row {
  readonly kind: RowKind;
  readonly step: number;
  /** -1: no CPU's, but a fold */
  readonly cpu: number;
  /** 1 below a call */
  readonly depth: number;
  /** class of the innermost lock under which it is done, or '' */
  readonly under: string;
  text: string;
  readonly where: string;
  /** another CPU than in the row before */
  switched: boolean;
  /** the explanation names it */
  readonly named: boolean;
  /** index of the event, for who shows more of it */
  readonly event: number;
}

/** From a look to the change that follows from it. */
const LOOK_AHEAD = 8;

const TIMES = / \((\d+) ×\)$/;
function repeats(last: Row, row: Row): boolean {
  if (last.kind !== row.kind || row.kind === 'call' || row.kind === 'answer') return false;
  return last.cpu === row.cpu && last.where === row.where && last.text.replace(TIMES, '') === row.text;
}

interface Region {
  readonly lock: number;
  /** Does anything of note happen while it is held: a switch, another CPU that wants it, no end? */
  notable: boolean;
}

export function rowsOf(trace: RunTrace): Row[] {
  return new Rows(trace).all();
}

class Rows {
  readonly #trace: RunTrace;
  readonly #rows: Row[] = [];
  /** tasks that are in a call */
  readonly #inCall = new Set<number>();
  readonly #held: number[][] = [];
  readonly #regions: ReadonlyMap<TraceEvent, Region>;
  #lastCpu = -1;
  #foldFrom = 1;
  /** CPUs that did something since then. */
  readonly #passed = new Set<number>();

  constructor(trace: RunTrace) {
    this.#trace = trace;
    this.#regions = regionsOf(trace);
    for (let cpu = 0; cpu < trace.cpus; cpu++) {
      this.#held.push([]);
    }
  }

  all(): Row[] {
    const relevance = relevanceOf(this.#trace);
    const { events } = this.#trace;
    for (const [index, event] of events.entries()) {
      const named = relevance.steps.has(event.step) && relevance.word(event.word);
      this.#follow(event);
      if (event.step >= this.#foldFrom && event.cpu >= 0) this.#passed.add(event.cpu);
      if (event.kind === 'lock' || event.kind === 'unlock') {
        if (this.#regions.get(event)?.notable === true)
          this.#add(event, index, 'lock', textOf(this.#trace, event), false);
      } else if (event.kind === 'spin') this.#spin(event, index);
      else if (relevance.event(event) && !this.#doneNext(event, index)) {
        this.#add(event, index, kindOf(event), textOf(this.#trace, event), named);
      }
      // What a machine does that was declared dead is of no interest.
      if (/^the kernel's verdict: (deadlock|panic)/.test(event.text)) return this.#rows;
      if (event.kind === 'call') this.#inCall.add(event.task);
      if (event.kind === 'answer') this.#inCall.delete(event.task);
    }
    this.#fold(this.#trace.steps + 1);
    return this.#rows;
  }

  #follow({ kind, cpu, lock }: TraceEvent): void {
    if (kind === 'lock') this.#held[cpu]!.push(lock);
    if (kind === 'unlock') this.#held[cpu] = this.#held[cpu]!.filter((each) => each !== lock);
  }

  #add(event: TraceEvent, index: number, kind: RowKind, text: string, named: boolean): void {
    if (kind === 'answer' && this.#answersLast(event, text)) return;
    if (event.cpu !== this.#lastCpu) {
      this.#fold(event.step);
    }
    const under = kind === 'change' || kind === 'look' || kind === 'wake' ? this.#held[event.cpu]!.at(-1) : undefined;
    this.#push({
      kind,
      step: event.step,
      cpu: event.cpu,
      depth: this.#inCall.has(event.task) && kind !== 'answer' ? 1 : 0,
      under: under === undefined ? '' : this.#trace.locks[under]!.class,
      text,
      where: kind === 'call' || kind === 'answer' ? '' : placeText(this.#trace, event.place),
      switched: event.cpu !== this.#lastCpu,
      named,
      event: index,
    });
    this.#foldFrom = event.step + 1;
    this.#passed.clear();
  }

  #push(row: Row): void {
    const last = this.#rows.at(-1);
    this.#lastCpu = row.cpu;
    // What is done again and again is one row.
    if (last !== undefined && repeats(last, row)) {
      const times = Number(TIMES.exec(last.text)?.[1] ?? 1) + 1;
      last.text = `${row.text} (${times} ×)`;
      return;
    }
    this.#rows.push(row);
  }

  /** A call with nothing of note inside: one row. */
  #answersLast(event: TraceEvent, text: string): boolean {
    const last = this.#rows.at(-1);
    if (last?.kind !== 'call' || last.cpu !== event.cpu) return false;
    last.text = text;
    return true;
  }

  /** A look that leads to a change of the same word by the same CPU is told by the change. */
  #doneNext(event: TraceEvent, index: number): boolean {
    if (event.before !== event.after || event.word < 0) return false;
    for (let i = index + 1; i <= index + LOOK_AHEAD; i++) {
      const next = this.#trace.events[i];
      if (next === undefined || next.cpu !== event.cpu) return false;
      if (next.word === event.word) return next.before !== next.after;
    }
    return false;
  }

  #spin(event: TraceEvent, index: number): void {
    const word = this.#trace.words[event.word];
    if (word === undefined || word.lock < 0) return;
    const holder = this.#held.findIndex((held) => held.includes(word.lock));
    const by = holder < 0 ? '' : `, held by CPU ${holder}`;
    const name = this.#trace.locks[word.lock]!.name;
    const last = this.#rows.findLast(({ cpu }) => cpu === event.cpu);
    if (last?.kind === 'spin' && last.text.includes(`for ${name}`)) {
      const times = Number(/^spins (\d+) ×/.exec(last.text)?.[1] ?? 1) + 1;
      last.text = `spins ${times} × for ${name}${by}`;
      return;
    }
    this.#add(event, index, 'spin', `spins for ${name}${by}`, false);
  }

  /** Whole turns of CPUs in which nothing of note happened, up to a step. */
  #fold(step: number): void {
    const cpus = [...this.#passed].sort((a, b) => a - b);
    this.#passed.clear();
    const steps = step - this.#foldFrom;
    if (steps < 2 || cpus.every((cpu) => cpu === this.#lastCpu)) return;
    const who = cpus.length > 3 ? `${cpus.length} CPUs` : cpus.map((cpu) => `CPU ${cpu}`).join(' and ');
    this.#rows.push({
      kind: 'fold',
      step: this.#foldFrom,
      cpu: -1,
      depth: 0,
      under: '',
      text: `${steps} steps of ${who}`,
      where: '',
      switched: false,
      named: false,
      event: -1,
    });
  }
}

/** For each taking and leaving of a lock, what it belongs to. */
function regionsOf({ events, words }: RunTrace): Map<TraceEvent, Region> {
  const regions = new Map<TraceEvent, Region>();
  const open = new Map<string, Region>();
  for (const event of events) {
    // Whoever else does something while a lock is held: only one who wants that lock makes it worth telling.
    if (event.kind === 'spin') {
      const lock = words[event.word]?.lock ?? -1;
      for (const region of open.values()) if (region.lock === lock) region.notable = true;
    }
    const key = `${event.cpu} ${event.lock}`;
    if (event.kind === 'lock') {
      const region = { lock: event.lock, notable: false };
      open.set(key, region);
      regions.set(event, region);
    }
    if (event.kind === 'unlock') {
      const region = open.get(key);
      if (region !== undefined) regions.set(event, region);
      open.delete(key);
    }
  }
  for (const region of open.values()) region.notable = true;
  return regions;
}

function kindOf(event: TraceEvent): RowKind {
  if (event.kind === 'call' || event.kind === 'answer' || event.kind === 'panic') return event.kind;
  if (/^(wakes|rings|interrupts)/.test(event.text)) return 'wake';
  return event.before === event.after ? 'look' : 'change';
}
