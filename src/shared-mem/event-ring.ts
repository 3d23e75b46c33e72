/**
 * A ring of fixed records with one writer, its CPU, and readers that look at a snapshot: the flight recorder behind a
 * panic report. Writing takes no lock; a full ring overwrites its oldest record and counts what it dropped.
 *
 * A record is published by the store to `written`: a reader that sees a count of n sees the first n records whole,
 * but for those overwritten meanwhile, which it recognises by reading `written` again.
 */
import type { Ptr } from './pointer.ts';
import { atomic, cacheLine, plain, plains, struct } from './struct.ts';

export type EventRingPtr = Ptr<'EventRing'>;
export const RING_RECORDS = 64;
export const RING_RECORD_WORDS = 4;

export const EventRing = struct('EventRing', {
  line: cacheLine(),
  /** Records ever written; the next goes to slot `written % RING_RECORDS`. */
  written: atomic(),
  dropped: plain('owned:cpu'),
  records: plains(RING_RECORDS * RING_RECORD_WORDS, 'owned:cpu'),
});

export function ringWrite(ring: EventRingPtr, kind: number, a: number, b: number, c: number): void {
  const written = EventRing.written.load(ring);
  const at = (written % RING_RECORDS) * RING_RECORD_WORDS;
  if (written >= RING_RECORDS) EventRing.dropped.set(ring, EventRing.dropped.get(ring) + 1);
  EventRing.records.setAt(ring, at, kind);
  EventRing.records.setAt(ring, at + 1, a);
  EventRing.records.setAt(ring, at + 2, b);
  EventRing.records.setAt(ring, at + 3, c);
  EventRing.written.store(ring, (written + 1) & 0x7fffffff);
}
