/**
 * Records in shared memory, declared once: names, offsets, alignment, and for each field who may touch it.
 *
 *     export const WaitQueue = struct('WaitQueue', {
 *       lock: embed(SpinLock),
 *       waiterCount: atomic(),
 *       head: plain<WaitEntryPtr>('lock'),
 *     });
 *     WaitQueue.waiterCount.load(q);
 *
 * A field is an object of a class from the atomic or the plain door, so that V8 inlines its methods and the compile
 * step to the stepped machine recognises `Capital.field.operation(...)`. Fields lie in the order of declaration.
 */
import { Atomic, AtomicArray } from './atomic.ts';
import type { Guard } from './guard.ts';
import { panic } from './panic.ts';
import { Plain, PlainArray, PlainF64, PlainF64Array } from './plain.ts';
import type { Ptr } from './pointer.ts';

export const CACHE_LINE_WORDS = 16;

/** A struct inside a struct: `at(p)` is its address. */
export class Embedded<P extends number, Q extends number> {
  readonly off: number;
  readonly type: { readonly size: number };
  constructor(off: number, type: { readonly size: number }) {
    this.off = off;
    this.type = type;
  }
  at(p: P): Q {
    return ((p as number) + this.off) as Q;
  }
  /** Back from the inner struct's address to the outer one's. */
  outer(q: Q): P {
    return ((q as number) - this.off) as P;
  }
}

// The value type of a field stands in a member that is never filled: a phantom.
export interface AtomicSpec<V extends number> {
  readonly spec: 'atomic';
  readonly value?: V;
}
export interface AtomicArraySpec<V extends number> {
  readonly spec: 'atomics';
  readonly length: number;
  readonly value?: V;
}
export interface PlainSpec<V extends number> {
  readonly spec: 'plain';
  readonly guard: string;
  readonly value?: V;
}
export interface PlainArraySpec<V extends number> {
  readonly spec: 'plains';
  readonly length: number;
  readonly guard: string;
  readonly value?: V;
}
export interface F64Spec {
  readonly spec: 'f64';
  readonly guard: string;
}
export interface F64ArraySpec {
  readonly spec: 'f64s';
  readonly length: number;
  readonly guard: string;
}
export interface EmbedSpec<Name extends string> {
  readonly spec: 'embed';
  readonly type: StructType<Name>;
}
export interface AlignSpec {
  readonly spec: 'align';
}
export type Spec =
  | AtomicSpec<number>
  | AtomicArraySpec<number>
  | PlainSpec<number>
  | PlainArraySpec<number>
  | F64Spec
  | F64ArraySpec
  | EmbedSpec<string>
  | AlignSpec;

/** An atomic word. */
export function atomic<V extends number = number>(): AtomicSpec<V> {
  return { spec: 'atomic' };
}
export function atomics<V extends number = number>(length: number): AtomicArraySpec<V> {
  return { spec: 'atomics', length };
}
/**
 * A plain word and its guard: 'immutable'; 'owned:<by whom>'; 'class:<lock class number>:<name>'; or the name of a
 * lock embedded in the same struct.
 */
export function plain<V extends number = number>(guard: string): PlainSpec<V> {
  return { spec: 'plain', guard };
}
export function plains<V extends number = number>(length: number, guard: string): PlainArraySpec<V> {
  return { spec: 'plains', length, guard };
}
export function f64(guard: string): F64Spec {
  return { spec: 'f64', guard };
}
export function f64s(length: number, guard: string): F64ArraySpec {
  return { spec: 'f64s', length, guard };
}
export function embed<Name extends string>(type: StructType<Name>): EmbedSpec<Name> {
  return { spec: 'embed', type };
}
/** The next field starts on a cache line of its own (false sharing is a cost, not a fault). */
export function cacheLine(): AlignSpec {
  return { spec: 'align' };
}

type FieldOf<Name extends string, S> =
  S extends AtomicSpec<infer V>
    ? Atomic<Ptr<Name>, V>
    : S extends AtomicArraySpec<infer V>
      ? AtomicArray<Ptr<Name>, V>
      : S extends PlainSpec<infer V>
        ? Plain<Ptr<Name>, V>
        : S extends PlainArraySpec<infer V>
          ? PlainArray<Ptr<Name>, V>
          : S extends F64Spec
            ? PlainF64<Ptr<Name>>
            : S extends F64ArraySpec
              ? PlainF64Array<Ptr<Name>>
              : S extends EmbedSpec<infer Inner>
                ? Embedded<Ptr<Name>, Ptr<Inner>>
                : number;

/** What the dump of layouts prints of a field. */
export interface FieldLayout {
  readonly name: string;
  readonly off: number;
  readonly words: number;
  readonly guard: string;
}
export interface StructType<Name extends string> {
  readonly structName: Name;
  /** in words */
  readonly size: number;
  readonly aligned: boolean;
  readonly layout: readonly FieldLayout[];
}
export type Struct<Name extends string, S> = StructType<Name> & { readonly [K in keyof S]: FieldOf<Name, S[K]> };

/** Declares a record. @param Name as in error messages and in the dump of layouts */
export function struct<Name extends string, S extends { readonly [field: string]: Spec }>(
  name: Name,
  spec: S,
): Struct<Name, S> {
  const fields: Record<string, unknown> = {};
  const layout: FieldLayout[] = [];
  const locks = new Map<string, number>();
  let off = 0;
  let aligned = false;
  const place = (field: string, words: number, guard: string, align: number): number => {
    off = Math.ceil(off / align) * align;
    const at = off;
    layout.push({ name: field, off: at, words, guard });
    off += words;
    return at;
  };
  for (const [field, s] of Object.entries(spec)) {
    if (s.spec === 'align') {
      off = Math.ceil(off / CACHE_LINE_WORDS) * CACHE_LINE_WORDS;
      aligned = true;
      fields[field] = off;
    } else if (s.spec === 'atomic') {
      fields[field] = new Atomic(place(field, 1, 'atomic', 1));
    } else if (s.spec === 'atomics') {
      fields[field] = new AtomicArray(place(field, s.length, 'atomic', 1));
    } else if (s.spec === 'embed') {
      const align = s.type.aligned ? CACHE_LINE_WORDS : 2;
      if (s.type.aligned) aligned = true;
      const at = place(field, s.type.size, s.type.structName, align);
      locks.set(field, at);
      fields[field] = new Embedded(at, s.type);
    } else if (s.spec === 'plain') {
      fields[field] = new Plain(place(field, 1, s.guard, 1), parseGuard(name, field, s.guard, locks));
    } else if (s.spec === 'plains') {
      fields[field] = new PlainArray(place(field, s.length, s.guard, 1), parseGuard(name, field, s.guard, locks));
    } else if (s.spec === 'f64s') {
      const guard = parseGuard(name, field, s.guard, locks);
      fields[field] = new PlainF64Array(place(field, s.length * 2, s.guard, 2), guard);
    } else {
      fields[field] = new PlainF64(place(field, 2, s.guard, 2), parseGuard(name, field, s.guard, locks));
    }
  }
  const unit = aligned ? CACHE_LINE_WORDS : 2;
  const own = { structName: name, size: Math.ceil(off / unit) * unit, aligned, layout };
  for (const field of Object.keys(own))
    if (field in fields) throw new Error(`${name}.${field} would hide the struct's`);
  return withFastFields({ ...own, ...fields }) as Struct<Name, S>;
}

/**
 * V8 keeps an object to which many properties were added by computed names as a hash table, and every field access in
 * the kernel would search it. Being somebody's prototype turns it back into a record whose fields are constants to the
 * compiler: system calls cost a third.
 */
function withFastFields<T extends object>(object: T): T {
  function Anyone(): void {}
  Anyone.prototype = object;
  void new (Anyone as unknown as new () => object)();
  return object;
}

function parseGuard(structName: string, field: string, guard: string, locks: ReadonlyMap<string, number>): Guard {
  if (guard === 'immutable') return { kind: 'immutable' };
  const [kind, first, second] = guard.split(':');
  if (kind === 'owned' && first !== undefined) return { kind: 'owned', by: first };
  if (kind === 'class' && first !== undefined) {
    return { kind: 'class', lockClass: Number(first), name: second ?? first };
  }
  const off = locks.get(guard);
  if (off === undefined) panic(`${structName}.${field}: no lock named ${guard} is declared before it`);
  return { kind: 'lock', name: `${structName}.${guard}`, off };
}
