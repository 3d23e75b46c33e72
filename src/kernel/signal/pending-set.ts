/**
 * A set of pending signals: a bit for each that is pending, and behind the bits a queue of what is known of them. All of
 * it under the signal lock of the process.
 *
 *     standard signals, 1 to 31     one record at most: the first of several equal ones is remembered (J5)
 *     real-time ones, 32 to 64      one record each time, taken in the order in which they were sent (J4)
 *
 * Records are as many as were laid out at boot, as Linux has RLIMIT_SIGPENDING. When none is left, a real-time signal
 * that carries something is refused (EAGAIN); any other becomes pending as a bit alone, and looks then as if nobody had
 * sent it: SI_USER of process 0. A standard signal of kill's or the kernel's is not counted on Linux; here each set has
 * one record besides for such. SIGKILL never has one: nobody reads it.
 *
 * What is sent and what was taken pass through two fields of the CPU's record, `sentInfo` and `takenInfo`, as they do on
 * Linux through a struct on the stack. Nothing else of this CPU sends or takes between the filling and the reading.
 *
 * Linux: kernel/signal.c, __send_signal_locked, collect_signal, flush_sigqueue_mask.
 */
import { inList, List, listAppend, ListNode, listRemove } from '../../shared-mem/list.ts';
import type { ListNodePtr } from '../../shared-mem/list.ts';
import { NULL } from '../../shared-mem/pointer.ts';
import { cpu } from '../../shared-mem/self.ts';
import { allocRecord, freeRecord } from '../../shared-mem/slab.ts';
import { EAGAIN } from '../abi/errno.ts';
import { SI_KERNEL, SI_USER, SIGKILL, SIGRTMIN_KERNEL } from '../abi/flags-signal.ts';
import { Cpu } from '../cpu/cpu.ts';
import { MACHINE, Machine } from '../machine-record.ts';
import { highBit, inMask, lowBit } from './mask.ts';
import type { PendingSetPtr, QueuedSignalPtr, SignalInfoPtr } from './pending-struct.ts';
import {
  INFO_PID,
  INFO_UID,
  INFO_VALUE_HIGH,
  INFO_VALUE_LOW,
  INFO_WORDS_NARROW,
  PendingSet,
  QueuedSignal,
  SignalInfo,
} from './pending-struct.ts';

/** Says what the signal is that this CPU sends next. @param code SI_*, CLD_*, @param pid 0 for the kernel */
export function describeSent(code: number, pid: number, uid: number, valueLow: number, valueHigh: number): void {
  const info = Cpu.sentInfo.at(cpu);
  SignalInfo.error.set(info, 0);
  SignalInfo.code.set(info, code);
  SignalInfo.width.set(info, INFO_WORDS_NARROW);
  SignalInfo.words.setAt(info, INFO_PID, pid);
  SignalInfo.words.setAt(info, INFO_UID, uid);
  SignalInfo.words.setAt(info, INFO_VALUE_LOW, valueLow);
  SignalInfo.words.setAt(info, INFO_VALUE_HIGH, valueHigh);
}

function copyInfo(to: SignalInfoPtr, from: SignalInfoPtr): void {
  SignalInfo.error.set(to, SignalInfo.error.get(from));
  SignalInfo.code.set(to, SignalInfo.code.get(from));
  SignalInfo.words.setAt(to, 0, SignalInfo.words.getAt(from, 0));
  SignalInfo.words.setAt(to, 1, SignalInfo.words.getAt(from, 1));
  SignalInfo.words.setAt(to, 2, SignalInfo.words.getAt(from, 2));
  SignalInfo.words.setAt(to, 3, SignalInfo.words.getAt(from, 3));
  const width = SignalInfo.width.get(from);
  SignalInfo.width.set(to, width);
  for (let i = INFO_WORDS_NARROW; i < width; i++) SignalInfo.words.setAt(to, i, SignalInfo.words.getAt(from, i));
}

/**
 * Makes a signal pending, with what `sentInfo` says of it.
 * @returns 1, or 0 if it is a standard one that is pending already, or -EAGAIN
 */
export function addPendingLocked(set: PendingSetPtr, signal: number): number {
  const standard = signal < SIGRTMIN_KERNEL;
  if (standard && (PendingSet.low.peek(set) & lowBit(signal)) !== 0) return 0;
  if (signal !== SIGKILL) {
    const sent = Cpu.sentInfo.at(cpu);
    const record = recordFor(set, standard && SignalInfo.code.get(sent) >= 0);
    if (record !== 0) {
      QueuedSignal.signal.set(record, signal);
      copyInfo(QueuedSignal.info.at(record), sent);
      listAppend(PendingSet.queued.at(set), QueuedSignal.node.at(record));
    } else if (!standard && SignalInfo.code.get(sent) !== SI_USER && SignalInfo.code.get(sent) !== SI_KERNEL) {
      return -EAGAIN;
    }
  }
  if (lowBit(signal) !== 0) PendingSet.low.or(set, lowBit(signal));
  else PendingSet.high.or(set, highBit(signal));
  return 1;
}

/** @param uncounted may it be the set's own one? @returns a record in no queue, or 0 */
function recordFor(set: PendingSetPtr, uncounted: boolean): QueuedSignalPtr {
  const own = PendingSet.own.at(set);
  if (uncounted && !inList(QueuedSignal.node.at(own))) return own;
  return allocRecord(Machine.signalInfos.at(MACHINE)) as QueuedSignalPtr;
}

/** Takes a signal that is pending; if another of the same number is queued, that one stays. Fills `takenInfo`. */
export function takeFromSetLocked(set: PendingSetPtr, signal: number): void {
  const list = PendingSet.queued.at(set);
  const first = queuedFrom(List.first.get(list), signal);
  const another = first === 0 ? 0 : queuedFrom(ListNode.next.get(QueuedSignal.node.at(first)), signal);
  if (another === 0) {
    if (lowBit(signal) !== 0) PendingSet.low.and(set, ~lowBit(signal));
    else PendingSet.high.and(set, ~highBit(signal));
  }
  const taken = Cpu.takenInfo.at(cpu);
  if (first !== 0) {
    copyInfo(taken, QueuedSignal.info.at(first));
    dropRecordLocked(set, first);
    return;
  }
  SignalInfo.error.set(taken, 0);
  SignalInfo.code.set(taken, SI_USER);
  SignalInfo.width.set(taken, INFO_WORDS_NARROW);
  for (let word = 0; word < INFO_WORDS_NARROW; word++) SignalInfo.words.setAt(taken, word, 0);
}

/** The first record of a signal from `node` on, or 0. */
function queuedFrom(node: ListNodePtr, signal: number): QueuedSignalPtr {
  let at = node;
  while (at !== 0 && QueuedSignal.signal.get(QueuedSignal.node.outer(at)) !== signal) at = ListNode.next.get(at);
  return at === 0 ? NULL : QueuedSignal.node.outer(at);
}

/** Forgets what is pending of a set of signals. */
export function dropFromSetLocked(set: PendingSetPtr, low: number, high: number): void {
  PendingSet.low.and(set, ~low);
  PendingSet.high.and(set, ~high);
  let node = List.first.get(PendingSet.queued.at(set));
  while (node !== 0) {
    const record = QueuedSignal.node.outer(node);
    node = ListNode.next.get(node);
    if (inMask(low, high, QueuedSignal.signal.get(record))) dropRecordLocked(set, record);
  }
}

function dropRecordLocked(set: PendingSetPtr, record: QueuedSignalPtr): void {
  listRemove(PendingSet.queued.at(set), QueuedSignal.node.at(record));
  if (record !== PendingSet.own.at(set)) freeRecord(Machine.signalInfos.at(MACHINE), record);
}
