/**
 * The records of pending signals, apart from what is done with them (pending-set.ts), because tasks, processes and CPUs
 * embed them.
 */
import { List, ListNode } from '../../shared-mem/list.ts';
import type { Ptr } from '../../shared-mem/pointer.ts';
import { RecordHeader } from '../../shared-mem/slab.ts';
import { atomic, embed, plain, plains, struct } from '../../shared-mem/struct.ts';

export type SignalInfoPtr = Ptr<'SignalInfo'>;
export type QueuedSignalPtr = Ptr<'QueuedSignal'>;
export type PendingSetPtr = Ptr<'PendingSet'>;

/** Words of a siginfo_t behind its three numbers that the kernel keeps: bytes 16 to 47, whatever they mean there. */
export const INFO_WORDS = 8;
/** All but signals that a guest made up whole have no more than these. */
export const INFO_WORDS_NARROW = 4;
/** What they mean for most signals. A child's status lies where the low half of a queued value does. */
export const INFO_PID = 0;
export const INFO_UID = 1;
export const INFO_VALUE_LOW = 2;
export const INFO_VALUE_HIGH = 3;

/** What is known of a signal besides its number. */
export const SignalInfo = struct('SignalInfo', {
  error: plain('owned:holder'),
  code: plain('owned:holder'),
  /** How many of the words there are: INFO_WORDS_NARROW, or INFO_WORDS; the others are 0. */
  width: plain('owned:holder'),
  words: plains(INFO_WORDS, 'owned:holder'),
});

/** A pending signal with what is known of it; guarded by the signal lock of the process that it is for. */
export const QueuedSignal = struct('QueuedSignal', {
  header: embed(RecordHeader),
  node: embed(ListNode),
  signal: plain('owned:queue'),
  info: embed(SignalInfo),
});

/** What is pending for a thread, or for a process as a whole. */
export const PendingSet = struct('PendingSet', {
  /** Bit signal - 1. Written under the process's signal lock. */
  low: atomic(),
  high: atomic(),
  /** First come, first; a set bit may have no record here, and a real-time signal may have several. */
  queued: embed(List),
  /** A record of its own, for one standard signal at a time: most signals come alone, and need not wait for a slab. */
  own: embed(QueuedSignal),
});
