// The table that the replay's tasks share with each other and with the host: progress, descriptors, results. And the
// ways of waiting that are not counted as the program's.

import {
  atomicAdd32,
  atomicLoad32,
  CLOCK_MONOTONIC,
  EINTR,
  FUTEX_BITSET_MATCH_ANY,
  FUTEX_PRIVATE_FLAG,
  FUTEX_WAIT,
  FUTEX_WAIT_BITSET,
  FUTEX_WAKE,
  type Guest,
  load32,
  loadTimespec,
  memoryViews,
  store32,
  storeTimespec,
  sys,
} from '../programs/libc/index.ts';
import {
  HEAD_COURIER,
  HEAD_COURIER_OUTSIDE,
  HEAD_CPUS,
  HEAD_FAILED_CALL,
  HEAD_FAILED_RESULT,
  HEAD_FAILED_THREAD,
  HEAD_FIRST_CPU,
  HEAD_GROUP,
  HEAD_LOG_USED,
  HEAD_NEVER,
  HEAD_SINK,
  HEAD_STARTED,
  RESULT_EARLY,
  RESULT_REPORT,
  RESULT_STATE,
  RESULT_VALUE,
  RESULT_WORDS,
  type Script,
  STATE_BEGUN,
  STATE_ENDED,
  type TableLayout,
  tableLayout,
  THREAD_WORDS,
} from './script.program.ts';

export interface Table {
  /** Byte address of the table. */
  readonly base: number;
  readonly layout: TableLayout;
  /** Addresses of words. */
  head(word: number): number;
  thread(index: number, word: number): number;
  slot(slot: number): number;
  endpoint(endpoint: number): number;
  firstCpu(): number;
  cpus(): number;
  startedNs(): number;
  /** The process group of the first process, 0: the outside's own. */
  group(): number;
  /** The program's end of the socket over which it lends descriptors, and the outside's. */
  courier(): number;
  courierOutside(): number;
  /** The buffer that all threads share. */
  sink(): number;
  /** A number that no descriptor has. */
  neverOpen(): number;
  /** The machine's time; `timespec` is 16 bytes of scratch. */
  now(timespec: number): Guest;
  noteBegin(step: number): void;
  noteResult(step: number, value: number, report: number): void;
  /** @param report of an answer that came too early */
  noteEarly(step: number, report: number): void;
  /** The report of the answer before that came too early; 0: none. */
  earlyBefore(step: number): number;
  /** Takes words of the log. @returns where they begin, counted from the log's start plus one; 0 when it is full */
  takeLog(words: number): number;
  logWord(at: number): number;
  /** The first thing that the outside could not do. */
  noteFailure(thread: number, what: number, result: number): void;
  closeSlot(slot: number): Guest<void>;
  /** Descriptors have the same numbers in a copied table: pairs (slot there, slot here). */
  copySlots(pairs: readonly number[]): void;
}

export function tableAt(base: number, script: Script): Table {
  const layout = tableLayout(script);
  const at = (word: number): number => base + word * 4;
  const result = (step: number, word: number): number => at(layout.results + step * RESULT_WORDS + word);
  const table: Table = {
    base,
    layout,
    head: at,
    thread: (index, word) => at(layout.threads + index * THREAD_WORDS + word),
    slot: (slot) => at(layout.fdOf + slot),
    endpoint: (endpoint) => at(layout.endpoints + endpoint),
    firstCpu: () => load32(at(HEAD_FIRST_CPU)),
    cpus: () => load32(at(HEAD_CPUS)),
    group: () => load32(at(HEAD_GROUP)),
    courier: () => load32(at(HEAD_COURIER)),
    courierOutside: () => load32(at(HEAD_COURIER_OUTSIDE)),
    sink: () => load32(at(HEAD_SINK)),
    neverOpen: () => script.standInFds - 1,
    startedNs: () => memoryViews().view.getFloat64(at(HEAD_STARTED), true),
    *now(timespec) {
      yield sys.clock_gettime(CLOCK_MONOTONIC, timespec);
      return loadTimespec(timespec);
    },
    noteBegin(step) {
      store32(result(step, RESULT_STATE), STATE_BEGUN);
    },
    noteResult(step, value, report) {
      memoryViews().view.setFloat64(result(step, RESULT_VALUE), value, true);
      store32(result(step, RESULT_REPORT), report);
      store32(result(step, RESULT_STATE), STATE_ENDED);
    },
    noteEarly(step, report) {
      store32(result(step, RESULT_EARLY), report);
    },
    earlyBefore: (step) => load32(result(step, RESULT_EARLY)),
    takeLog(words) {
      const used = atomicAdd32(at(HEAD_LOG_USED), words);
      return used + words > layout.logWords ? 0 : used + 1;
    },
    logWord: (position) => at(layout.log + position - 1),
    noteFailure(thread, what, value) {
      if (load32(at(HEAD_FAILED_CALL)) !== 0) return;
      store32(at(HEAD_FAILED_THREAD), thread);
      store32(at(HEAD_FAILED_RESULT), value);
      store32(at(HEAD_FAILED_CALL), what);
    },
    *closeSlot(slot) {
      const fd = load32(at(layout.fdOf + slot));
      store32(at(layout.fdOf + slot), -1);
      if (fd >= 0) yield sys.close(fd);
    },
    copySlots(pairs) {
      for (let at = 0; at < pairs.length; at += 2) store32(table.slot(pairs[at + 1]!), load32(table.slot(pairs[at]!)));
    },
  };
  return table;
}

/**
 * Sleeps while the word at `address` is as `unsatisfied` says; whoever changes it calls `wakeWord`. Not by private
 * futexes: the kernel wakes the words that tell of a thread's end as those that processes share.
 */
export function* pauseWhile(address: number, unsatisfied: (value: number) => boolean): Guest<void> {
  for (;;) {
    const seen = atomicLoad32(address);
    if (!unsatisfied(seen)) return;
    yield sys.smplab_pause(address, FUTEX_WAIT, seen, 0, 0, 0);
  }
}

export function* wakeWord(address: number): Guest<void> {
  yield sys.futex(address, FUTEX_WAKE, 0x7fffffff, 0, 0, 0);
}

/** Sleeps until a time of the machine's clock; nothing wakes the word that it waits at. */
export function* pauseUntilTime(table: Table, timespec: number, ns: number): Guest<void> {
  const never = table.head(HEAD_NEVER);
  const op = FUTEX_WAIT_BITSET | FUTEX_PRIVATE_FLAG;
  for (;;) {
    storeTimespec(timespec, Math.max(0, ns));
    const result = yield sys.smplab_pause(never, op, 0, timespec, 0, FUTEX_BITSET_MATCH_ANY | 0);
    // A signal may come at any time.
    if (result !== -EINTR) return;
  }
}
