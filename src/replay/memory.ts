// The replay's table in the machine's memory, read from outside: while it runs, to see that it gets on, and at its end.

import { Machine as MachineRecord } from '../kernel/machine-record.ts';
import type { Machine } from '../machine/machine.ts';
import type { Answer } from './compare.ts';
import type { ExpectedEvent, Plan, PlanCall } from './plan.ts';
import {
  HEAD_FAILED_CALL,
  HEAD_FAILED_RESULT,
  HEAD_FAILED_THREAD,
  MAGIC_HIGH,
  MAGIC_LOW,
  REPORT_COUNT,
  REPORT_EVENTS,
  REPORT_NEXT,
  RESULT_EARLY,
  RESULT_REPORT,
  RESULT_STATE,
  RESULT_VALUE,
  RESULT_WORDS,
  STATE_BEGUN,
  STATE_NOT_BEGUN,
  type TableLayout,
  tableLayout,
  THREAD_ALIVE,
  THREAD_PROGRESS,
  THREAD_TID,
  THREAD_WAITS,
  THREAD_WAITS_ON,
  THREAD_WORDS,
} from './script.program.ts';
import { itemsIn, numberIn, fieldIn } from './value.ts';

/** The table lies at the beginning of the process's memory. */
const SEARCH_WORDS = 1024;

export interface ThreadState {
  readonly progress: number;
  readonly waits: number;
  readonly on: number;
  /** It was begun, and lives. */
  readonly alive: boolean;
}

export class ReplayMemory {
  private readonly machine: Machine;
  private readonly plan: Plan;
  private readonly layout: TableLayout;
  private readonly words: Int32Array;
  private readonly floats: DataView;
  private base = -1;

  constructor(machine: Machine, plan: Plan) {
    this.machine = machine;
    this.plan = plan;
    this.layout = tableLayout(plan.script);
    this.words = new Int32Array(machine.memory);
    this.floats = new DataView(machine.memory);
  }

  /** Whether the replay has made its table, which it does before its first step. */
  isThere(): boolean {
    if (this.base >= 0) return true;
    const from = this.machine.look().machine(MachineRecord.userBase) / 4;
    for (let word = from; word < from + SEARCH_WORDS; word++) {
      if ((this.words[word] ?? 0) !== MAGIC_LOW || (this.words[word + 1] ?? 0) !== MAGIC_HIGH) continue;
      this.base = word;
      return true;
    }
    return false;
  }

  thread(index: number): ThreadState {
    const at = this.threadAt(index);
    return {
      progress: this.words[at + THREAD_PROGRESS] ?? 0,
      waits: this.words[at + THREAD_WAITS] ?? 0,
      on: this.words[at + THREAD_WAITS_ON] ?? 0,
      alive: (this.words[at + THREAD_ALIVE] ?? 0) !== 0,
    };
  }

  private threadAt(index: number): number {
    return this.base + this.layout.threads + index * THREAD_WORDS;
  }

  /** Grows as long as the replay gets on. */
  progress(): number {
    if (!this.isThere()) return -1;
    let sum = 0;
    for (let index = 0; index < this.plan.script.threads.length; index++) {
      sum += this.words[this.threadAt(index) + THREAD_PROGRESS] ?? 0;
    }
    return sum;
  }

  answer(call: PlanCall): Answer {
    if (!this.isThere()) return { kind: 'none' };
    const at = this.base + this.layout.results + call.index * RESULT_WORDS;
    const state = this.words[at + RESULT_STATE] ?? 0;
    if (state === STATE_NOT_BEGUN) return { kind: 'none' };
    if (state === STATE_BEGUN) return { kind: 'open' };
    const value = this.floats.getFloat64((at + RESULT_VALUE) * 4, true);
    const early: ExpectedEvent[][] = [];
    for (let position = this.words[at + RESULT_EARLY] ?? 0; position > 0; position = this.next(position)) {
      early.push(this.report(call, position));
    }
    const events = this.report(call, this.words[at + RESULT_REPORT] ?? 0);
    const { expected } = call;
    if (expected.kind !== 'child') return { kind: 'value', value, events, early };
    const isChild = value > 0 && value === this.words[this.threadAt(expected.thread) + THREAD_TID];
    return { kind: 'value', value, isChild, status: events[0]?.events };
  }

  private next(position: number): number {
    return this.words[this.base + this.layout.log + position - 1 + REPORT_NEXT] ?? 0;
  }

  private report(call: PlanCall, position: number): ExpectedEvent[] {
    if (position <= 0) return [];
    const at = this.base + this.layout.log + position - 1;
    const events: ExpectedEvent[] = [];
    for (let index = 0; index < (this.words[at + REPORT_COUNT] ?? 0); index++) {
      const from = at + REPORT_EVENTS + index * 3;
      const [mask, low, high] = this.words.subarray(from, from + 3);
      const bits = (mask ?? 0) >>> 0;
      const data =
        call.expected.kind === 'polled'
          ? BigInt(this.polledNumber(call, low ?? 0))
          : (BigInt((high ?? 0) >>> 0) << 32n) | BigInt((low ?? 0) >>> 0);
      events.push({ data, events: bits });
    }
    return events;
  }

  /** The recorded descriptor of an entry of poll, or of a slot in a set. */
  private polledNumber({ record }: PlanCall, index: number): number {
    if (record.call === 'select' || record.call === 'pselect6') return this.plan.numbers[index] ?? -1;
    return numberIn(fieldIn(itemsIn(record.args[0]?.value)[index], 'fd')) ?? -1;
  }

  /** The first thing that the outside could not do: for which step of which thread, and the errno. */
  failure(): { readonly thread: number; readonly place: number; readonly result: number } | undefined {
    if (!this.isThere()) return undefined;
    const place = this.words[this.base + HEAD_FAILED_CALL] ?? 0;
    if (place === 0) return undefined;
    return {
      thread: this.words[this.base + HEAD_FAILED_THREAD] ?? 0,
      place: place - 1,
      result: this.words[this.base + HEAD_FAILED_RESULT] ?? 0,
    };
  }
}
