/**
 * Who may touch a plain field. Declared with the field, dumped into the documentation, and with `checks` verified at
 * every access against the stack of locks that this CPU holds.
 */
import { panic } from './panic.ts';
import { I32, cpu } from './self.ts';

export type Guard =
  /** Written before the record is published, or while nobody else can reach it; then only read. */
  | { readonly kind: 'immutable' }
  /** The lock embedded in the same struct, `off` words from its start. */
  | { readonly kind: 'lock'; readonly name: string; readonly off: number }
  /** A lock that lies elsewhere: any held lock of that class will do. */
  | { readonly kind: 'class'; readonly lockClass: number; readonly name: string }
  /** Only the CPU (or the task's home CPU) that owns the record writes it; others may peek. */
  | { readonly kind: 'owned'; readonly by: string };

/** Where a CPU record keeps its held locks; the CPU struct asserts that it agrees (see cpu-core.ts). */
export const HELD_COUNT_OFF = 10;
export const HELD_OFF = 16;
export const HELD_MAX = 16;
/** Held entries are pairs: lock pointer, class. */
export const HELD_STRIDE = 2;

export function assertGuard(p: number, guard: Guard, write: boolean): void {
  if (p === 0) panic(`null pointer ${write ? 'write' : 'read'}`);
  if (cpu === 0) return; // formatting memory before any CPU exists
  if (guard.kind === 'lock') {
    if (!holds(p + guard.off, 0)) panic(`field ${write ? 'written' : 'read'} without its lock ${guard.name}`);
  } else if (guard.kind === 'class') {
    if (!holds(0, guard.lockClass)) panic(`field ${write ? 'written' : 'read'} without a lock of class ${guard.name}`);
  }
}

/** Does this CPU hold that lock (or, with lock 0, any of that class)? Reads this CPU's own record only. */
export function holds(lock: number, lockClass: number): boolean {
  const count = I32[cpu + HELD_COUNT_OFF]!;
  for (let i = 0; i < count; i++) {
    const at = cpu + HELD_OFF + i * HELD_STRIDE;
    if (lock !== 0 ? I32[at] === lock : I32[at + 1] === lockClass) return true;
  }
  return false;
}
