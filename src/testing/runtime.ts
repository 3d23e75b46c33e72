/**
 * What compiled modules call in place of Atomics and of `view[i]`. Outside of an exploration everything does what it says
 * and no more; in one, the run's state hears of it (run-state.ts), and the scheduler is asked before each operation.
 */
import type { View } from './memory.ts';
import type { RunState } from './run-state.ts';
import { Call } from './run-parts.ts';

type Value = number | bigint;

let run: RunState | undefined;
export function during(state: RunState | undefined): void {
  run = state;
}

interface File {
  readonly name: string;
  readonly path: string;
  readonly first: number;
  readonly texts: readonly string[];
}
const files: File[] = [];
let siteCount = 0;
/** A compiled module makes its places known. @param texts each `line:column`, a space, and the expression that stands there */
export function sites(name: string, texts: readonly string[], path = name): number {
  files.push({ name, path, first: siteCount, texts });
  siteCount += texts.length;
  return siteCount - texts.length;
}
export interface Place {
  readonly file: string;
  /** where the file is on this host */
  readonly path: string;
  readonly line: number;
  readonly column: number;
  readonly text: string;
}
export function placeOf(site: number): Place {
  const file = files.findLast(({ first }) => first <= site)!;
  const [, line, column, text = ''] = /^(\d+):(\d+) (.*)$/.exec(file.texts[site - file.first]!) ?? [];
  return { file: file.name, path: file.path, line: Number(line), column: Number(column), text };
}

/** Of the modules that these places are in: changes when their operations on shared memory do. */
export function hashOf(reached: Iterable<number>): number {
  const names = new Map<string, string>();
  for (const site of reached) {
    const file = files.findLast(({ first }) => first <= site)!;
    names.set(file.name, file.texts.join('\n'));
  }
  let hash = 0;
  for (const [name, texts] of [...names].sort(([a], [b]) => (a < b ? -1 : 1))) {
    for (const character of `${name}\n${texts}`) hash = (Math.imul(hash, 31) + character.codePointAt(0)!) | 0;
  }
  return hash;
}

/** Is the result of a call a function's that became a generator, and is still to be run? */
export function is(value: unknown): value is Generator<void, unknown, 1> {
  return (
    typeof value === 'object' &&
    value !== null &&
    (value as Record<symbol, unknown>)[Symbol.toStringTag] === 'Generator'
  );
}

/** A function that became a generator is called; it is run later, or somebody forgot to. */
export function called(site: number): Call | undefined {
  return run?.called(site);
}
export function begun(call: unknown): void {
  if (call instanceof Call) run?.begun(call);
}

/** Before an operation. @returns whether the thread yields */
export function at(operation: number, view: View, index: number, site: number): boolean {
  if (run === undefined) return false;
  check(view, index);
  return run.point(operation, view, index, site);
}
export function again(): boolean {
  return run?.again() ?? false;
}
function check(view: View, index: number): void {
  if (!ArrayBuffer.isView(view) || view.BYTES_PER_ELEMENT === undefined || /Float/.test(view.constructor.name)) {
    throw new TypeError('Atomics works on integer arrays only');
  }
  if (!(Number(index) >= 0 && Number(index) < view.length)) {
    throw new RangeError(`index ${index} lies outside of the array, which has ${view.length} elements`);
  }
}

export function load(view: View, index: number, _point: unknown): Value {
  const value = view[index]!;
  if (run !== undefined) {
    run.record(() => `→ ${value}`);
    run.atomic(view, index, true, false, value, value);
  }
  return value;
}
export function store(view: View, index: number, value: Value, _point: unknown): Value {
  const old = view[index]!;
  const given = typeof value === 'bigint' ? value : Math.trunc(Number(value)) || 0;
  view[index] = given;
  if (run !== undefined) {
    run.record(() => `${old} → ${view[index]}`);
    run.atomic(view, index, false, true, old, view[index]!);
  }
  return given;
}
function modify(view: View, index: number, change: (old: Value) => Value): Value {
  const old = view[index]!;
  view[index] = change(old);
  if (run !== undefined) {
    run.record(() => `${old} → ${view[index]}`);
    run.atomic(view, index, true, true, old, view[index]!);
  }
  return old;
}
// Both are numbers, or both bigints; the types of the operators do not know.
const as = (value: Value): number => value as number;
export function add(view: View, index: number, value: Value, _point: unknown): Value {
  return modify(view, index, (old) => as(old) + as(value));
}
export function sub(view: View, index: number, value: Value, _point: unknown): Value {
  return modify(view, index, (old) => as(old) - as(value));
}
export function and(view: View, index: number, value: Value, _point: unknown): Value {
  return modify(view, index, (old) => as(old) & as(value));
}
export function or(view: View, index: number, value: Value, _point: unknown): Value {
  return modify(view, index, (old) => as(old) | as(value));
}
export function xor(view: View, index: number, value: Value, _point: unknown): Value {
  return modify(view, index, (old) => as(old) ^ as(value));
}
export function exchange(view: View, index: number, value: Value, _point: unknown): Value {
  return modify(view, index, () => value);
}
export function compareExchange(view: View, index: number, expected: Value, value: Value, _point: unknown): Value {
  const old = view[index]!;
  const fits = old === asElement(view, expected);
  if (fits) view[index] = value;
  if (run !== undefined) {
    run.record(() => (fits ? `${old} → ${view[index]}` : `→ ${old}, not ${expected}`));
    run.atomic(view, index, true, fits, old, view[index]!);
  }
  return old;
}
/** A value as an element of the view would hold it. */
function asElement(view: View, value: Value): Value {
  const one = new (view.constructor as Int32ArrayConstructor)(1) as unknown as View;
  one[0] = value;
  return one[0]!;
}

/** A plain read that is declared racy: another thread may go first, and nothing is learned of what it did. */
export function peek(view: View, index: number): Value {
  const value = view[index]!;
  run?.record(() => `→ ${value} (racy)`);
  run?.peek(view, index, value);
  return value;
}

export function* wait(
  view: View,
  index: number,
  value: Value,
  timeoutMs: number,
  site: number,
): Generator<void, 'ok' | 'not-equal' | 'timed-out', 1> {
  if (run === undefined) throw new Error('Atomics.wait outside of an exploration would never end');
  if (at(7, view, index, site)) {
    yield;
    if (again()) yield;
  }
  const found = view[index]!;
  if (found !== asElement(view, value)) {
    run.record(() => `→ ${found}, not ${value}: goes on`);
    run.atomic(view, index, true, false, found, found);
    return 'not-equal';
  }
  run.atomic(view, index, true, false, found, found);
  const limit = Number.isNaN(Number(timeoutMs ?? Number.NaN)) ? Number.POSITIVE_INFINITY : Number(timeoutMs);
  if (limit <= 0) return 'timed-out';
  run.sleep(view, index, found, limit);
  yield;
  return run.awake() ? 'timed-out' : 'ok';
}
export function notify(view: View, index: number, count: number | undefined, _point: unknown): number {
  if (run === undefined) return 0;
  const woken = run.notify(view, index, count ?? Number.POSITIVE_INFINITY);
  run.record(() => (woken === 0 ? 'wakes nobody' : `wakes ${woken}`));
  return woken;
}

/** `view[index]`, of whatever it is. */
export function get(view: View, index: number, site: number): unknown {
  const value = view[index];
  if (run === undefined || !run.memory.shares(view) || !isIndex(view, index)) return value;
  run.recordAt(site, () => `→ ${value}`);
  run.plain(view, Number(index), false, value!, value!, site);
  return value;
}
export function set<T>(view: View, index: number, value: T, site: number): T {
  if (run === undefined || !run.memory.shares(view) || !isIndex(view, index)) {
    (view as Record<number, unknown>)[index] = value;
    return value;
  }
  const old = view[index]!;
  view[index] = value as Value;
  run.recordAt(site, () => `${old} → ${view[index]}`);
  run.plain(view, Number(index), true, old, view[index]!, site);
  return value;
}
/** `view[index]++` and its kin. */
export function bump(view: View, index: number, by: 1 | -1, prefix: boolean, site: number): unknown {
  const read = get(view, index, site) as Value;
  const old = typeof read === 'bigint' ? read : Number(read);
  const now = typeof old === 'bigint' ? old + BigInt(by) : old + by;
  set(view, index, now, site);
  return prefix ? now : old;
}
function isIndex(view: View, index: unknown): boolean {
  const number = typeof index === 'symbol' ? -1 : Number(index);
  return Number.isInteger(number) && number >= 0 && number < view.length;
}
