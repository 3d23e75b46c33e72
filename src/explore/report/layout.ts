/**
 * From a word of a record to its field: the structs' own declarations, walked down through structs inside of structs.
 * Only offsets are used, and no field is touched through its door, so the stepped variant's structs serve as well.
 */
import type { StructType } from '../../shared-mem/struct.ts';

/** A word within a record. */
export interface FieldPlace {
  /** fields from the outermost inwards, with an index where the innermost is an array */
  readonly path: readonly string[];
  /** the struct that declares the innermost field, and that field: `Task.state` */
  readonly key: string;
  /** the structs on the way, outermost first, and how far each begins from the record's start */
  readonly within: readonly { readonly struct: string; readonly off: number }[];
  /** 2 where the field is a float64 */
  readonly words: number;
  /** 'atomic', 'immutable' ...: as declared */
  readonly guard: string;
}

/** Fields of structs that have no name of their own where they stand: `CPU 1.doorbell`, not `CPU 1.core.doorbell`. */
const TRANSPARENT: ReadonlySet<string> = new Set(['CpuCore', 'RecordHeader']);

/** @param offset in words from the record's start; undefined where no field lies (the rest of a cache line) */
export function fieldAt(type: StructType<string>, offset: number): FieldPlace | undefined {
  const path: string[] = [];
  const within: { struct: string; off: number }[] = [];
  let at: StructType<string> = type;
  let start = 0;
  for (;;) {
    within.push({ struct: at.structName, off: start });
    const left = offset - start;
    const field = at.layout.find(({ off, words }) => off <= left && left < off + words);
    if (field === undefined) return undefined;
    const declared = (at as unknown as Record<string, object>)[field.name]!;
    const inner = (declared as { type?: StructType<string> }).type;
    if (inner === undefined || !('layout' in inner)) {
      const isFloat = declared.constructor.name.startsWith('PlainF64');
      const words = isFloat ? 2 : 1;
      const index = Math.floor((left - field.off) / words);
      path.push(field.words > words ? `${field.name}[${index}]` : field.name);
      return { path, key: `${at.structName}.${field.name}`, within, words, guard: field.guard };
    }
    if (!TRANSPARENT.has(inner.structName)) path.push(field.name);
    start += field.off;
    at = inner;
  }
}
