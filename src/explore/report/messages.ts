/**
 * Messages of detectors and panics give addresses; a report gives names.
 */
import { LOCK_CLASSES } from '../../shared-mem/locks/classes.ts';
import type { Names } from './names.ts';

/** `waitqueue (8120)`: a lock, by its class and where it lies. */
const LOCKS = new RegExp(`\\b(${LOCK_CLASSES.map(({ name }) => name).join('|')}) \\((\\d+)\\)`, 'g');

export function inNames(message: string, names: Names): string {
  return message
    .replace(/^KernelPanic: /, '')
    .replaceAll(LOCKS, (_lock, _class, address: string) => names.lock(Number(address)))
    .replaceAll(/\b(word|record) (\d+)/g, (_text, what: string, address: string) =>
      what === 'word' ? names.word(Number(address)).name : names.thing(Number(address)),
    );
}
