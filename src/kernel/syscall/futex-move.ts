/**
 * The futex operations on two words: REQUEUE and CMP_REQUEUE wake some sleepers of one and let others sleep on at the
 * other; WAKE_OP changes one and wakes sleepers of both.
 *
 * Both buckets are locked from the look at the word until the last sleeper is chosen or moved, the lower one first. So
 * to everybody else a requeue happens at once, and nothing is lost by it:
 *
 * - A sleeper stands in exactly one bucket whenever one of the two is not locked by us: a wake that takes a lock comes
 *   before the requeue or after it. One that sees a count of 0 takes none. At the new address it then comes before, at
 *   the old one after; and since a moved sleeper is counted at the new bucket before it is no longer at the old one,
 *   who sees 0 at the old address and then looks at the new one finds it there.
 * - Who was chosen cannot act before the requeue is done: it takes its old bucket's lock on its way out. So if it goes
 *   on to wake the new address (it got the mutex, and leaves it), those who were moved are counted there already.
 * - A sleeper that leaves by itself (timeout, signal) locks the queue that its entry names and looks whether it still
 *   names it (wait/wait-queue.ts): entries move under both locks only.
 *
 * A batch holds WAKE_BATCH chosen ones. Where more are to be woken, the first ones are woken between two such holds, as
 * by a wake before the requeue; what is moved is moved in the last hold, together with the last who are woken.
 *
 * A moved sleeper does not compare its word again unless something else wakes it: then its call begins anew at the old
 * address, as on Linux.
 *
 * Linux: kernel/futex/requeue.c futex_requeue, waitwake.c futex_wake_op.
 */
import { List, listAppend, ListNode, listRemove } from '../../shared-mem/list.ts';
import { EAGAIN, EFAULT, EINVAL, ENOSYS } from '../abi/errno.ts';
import {
  FUTEX_CMD_MASK,
  FUTEX_CMP_REQUEUE,
  FUTEX_OP_ADD,
  FUTEX_OP_ANDN,
  FUTEX_OP_CMP_EQ,
  FUTEX_OP_CMP_GE,
  FUTEX_OP_CMP_GT,
  FUTEX_OP_CMP_LE,
  FUTEX_OP_CMP_LT,
  FUTEX_OP_CMP_NE,
  FUTEX_OP_OPARG_SHIFT,
  FUTEX_OP_OR,
  FUTEX_OP_SET,
  FUTEX_OP_XOR,
} from '../abi/flags-task.ts';
import { WAKE_BATCH } from '../cpu/cpu.ts';
import { interruptsOff, interruptsOn } from '../irq/interrupts.ts';
import { userRangeOk } from '../process/user-memory.ts';
import type { FramePtr, TaskPtr } from '../task/task.ts';
import { Frame, Task } from '../task/task.ts';
import type { WaitEntryPtr, WaitQueuePtr } from '../wait/wait-queue-struct.ts';
import { WaitEntry, WaitQueue } from '../wait/wait-queue-struct.ts';
import {
  BITSET_ALL,
  bucketOf,
  checkFutexAddress,
  chooseLocked,
  chooseMatchingLocked,
  futexKey,
  lockBuckets,
  standsForLocked,
  unlockBuckets,
  USER,
  wakeChosen,
} from './futex-queues.ts';
import { intArgument, wordArgument } from './syscall-ops.ts';

/** @returns how many were woken and moved, or -errno */
export function futexRequeueBegin(t: TaskPtr, fr: FramePtr): number {
  const op = intArgument(fr, 1);
  const address = wordArgument(fr, 0);
  const wakes = intArgument(fr, 2);
  const moves = intArgument(fr, 3);
  if (wakes < 0 || moves < 0) return -EINVAL;
  const bad = checkFutexAddress(t, op, address) || checkFutexAddress(t, op, wordArgument(fr, 4));
  if (bad !== 0) return bad;
  const compares = (op & FUTEX_CMD_MASK) === FUTEX_CMP_REQUEUE;
  if (compares && userRangeOk(t, address, 4) === 0) return -EFAULT;
  const from = futexKey(t, op, address);
  const to = futexKey(t, op, wordArgument(fr, 4));
  const q = bucketOf(from);
  const other = bucketOf(to);
  interruptsOff();
  lockBuckets(q, other);
  if (compares && USER.word.load(address >> 2) !== intArgument(fr, 5)) {
    unlockBuckets(q, other);
    interruptsOn();
    return -EAGAIN;
  }
  // Who comes while a batch is being woken is neither to be woken for ever nor to be moved.
  const standing = List.count.get(WaitQueue.list.at(q));
  const most = Math.min(wakes, standing);
  let woken = 0;
  while (most - woken > WAKE_BATCH) {
    const taken = chooseMatchingLocked(q, from, BITSET_ALL, WAKE_BATCH, 0);
    unlockBuckets(q, other);
    wakeChosen(taken);
    woken += taken;
    lockBuckets(q, other);
    if (taken < WAKE_BATCH) break;
  }
  const moved = requeueLocked(q, other, from, to, most - woken, wakes >= standing ? 0 : moves);
  unlockBuckets(q, other);
  const taken = Math.min(most - woken, moved);
  wakeChosen(taken);
  interruptsOn();
  return woken + moved;
}

/** Chooses the first `wakes` who stand for `from`, at most a batch, and moves the next ones. @returns how many in all */
function requeueLocked(
  q: WaitQueuePtr,
  other: WaitQueuePtr,
  from: number,
  to: number,
  wakes: number,
  moves: number,
): number {
  let done = 0;
  let node = List.first.get(WaitQueue.list.at(q));
  while (node !== 0 && done - wakes < moves) {
    const next = ListNode.next.get(node);
    const entry = WaitEntry.node.outer(node);
    if (standsForLocked(entry, from)) {
      if (done < wakes) chooseLocked(q, entry, done);
      else moveLocked(q, other, entry, to);
      done++;
    }
    node = next;
  }
  return done;
}

/** Within one bucket a sleeper keeps its place, as on Linux. */
function moveLocked(q: WaitQueuePtr, other: WaitQueuePtr, entry: WaitEntryPtr, to: number): void {
  Frame.buffer.set(Task.frame.get(WaitEntry.task.get(entry)), to);
  if (q === other) return;
  WaitQueue.waiterCount.add(other, 1);
  listRemove(WaitQueue.list.at(q), WaitEntry.node.at(entry));
  WaitQueue.waiterCount.sub(q, 1);
  WaitEntry.queue.set(entry, other);
  listAppend(WaitQueue.list.at(other), WaitEntry.node.at(entry));
}

/** @returns how many were woken, or -errno */
export function futexWakeOpBegin(t: TaskPtr, fr: FramePtr): number {
  const op = intArgument(fr, 1);
  const word = wordArgument(fr, 4);
  const bad = checkFutexAddress(t, op, wordArgument(fr, 0)) || checkFutexAddress(t, op, word);
  if (bad !== 0) return bad;
  if (userRangeOk(t, word, 4) === 0) return -EFAULT;
  const first = futexKey(t, op, wordArgument(fr, 0));
  const second = futexKey(t, op, word);
  interruptsOff();
  lockBuckets(bucketOf(first), bucketOf(second));
  const also = changeUserWord(word >> 2, intArgument(fr, 5));
  // Linux counts before it compares, so 0 and less wake one.
  const firsts = also < 0 ? 0 : Math.max(1, intArgument(fr, 2));
  const seconds = also <= 0 ? 0 : Math.max(1, intArgument(fr, 3));
  const woken = wakeTwoLocked(first, second, firsts, seconds);
  unlockBuckets(bucketOf(first), bucketOf(second));
  interruptsOn();
  return also < 0 ? also : woken;
}

/** Both buckets are locked before and after, and let go of while a batch is being woken. @returns how many were woken */
function wakeTwoLocked(first: number, second: number, firsts: number, seconds: number): number {
  const q = bucketOf(first);
  const other = bucketOf(second);
  let firstsLeft = Math.min(firsts, List.count.get(WaitQueue.list.at(q)));
  let secondsLeft = Math.min(seconds, List.count.get(WaitQueue.list.at(other)));
  let woken = 0;
  for (;;) {
    const own = chooseMatchingLocked(q, first, BITSET_ALL, firstsLeft, 0);
    // Where the batch has room left, there are no more.
    firstsLeft = own < WAKE_BATCH ? 0 : firstsLeft - own;
    const all = firstsLeft > 0 ? own : chooseMatchingLocked(other, second, BITSET_ALL, secondsLeft, own);
    if (firstsLeft === 0) secondsLeft = all < WAKE_BATCH ? 0 : secondsLeft - (all - own);
    unlockBuckets(q, other);
    wakeChosen(all);
    woken += all;
    lockBuckets(q, other);
    if (firstsLeft === 0 && secondsLeft === 0) return woken;
  }
}

/** Does what the encoded operation says. @returns 1 if the old value compares as it asks, 0 if not, or -ENOSYS */
function changeUserWord(word: number, encoded: number): number {
  let operand = (encoded << 8) >> 20;
  if (((encoded >>> 28) & FUTEX_OP_OPARG_SHIFT) !== 0) operand = 1 << (operand & 31);
  const operation = (encoded >>> 28) & ~FUTEX_OP_OPARG_SHIFT;
  if (operation > FUTEX_OP_XOR) return -ENOSYS;
  return compareUserWord(oldUserWord(word, operation, operand), encoded);
}

function oldUserWord(word: number, operation: number, operand: number): number {
  switch (operation) {
    case FUTEX_OP_SET:
      return USER.word.exchange(word, operand);
    case FUTEX_OP_ADD:
      return USER.word.add(word, operand);
    case FUTEX_OP_OR:
      return USER.word.or(word, operand);
    case FUTEX_OP_ANDN:
      return USER.word.and(word, ~operand);
    default:
      for (;;) {
        const old = USER.word.load(word);
        if (USER.word.compareExchange(word, old, old ^ operand) === old) return old;
      }
  }
}

/** The comparison is looked at only now: one that there is not has changed the word all the same. */
function compareUserWord(old: number, encoded: number): number {
  const argument = (encoded << 20) >> 20;
  switch ((encoded >>> 24) & 15) {
    case FUTEX_OP_CMP_EQ:
      return old === argument ? 1 : 0;
    case FUTEX_OP_CMP_NE:
      return old !== argument ? 1 : 0;
    case FUTEX_OP_CMP_LT:
      return old < argument ? 1 : 0;
    case FUTEX_OP_CMP_LE:
      return old <= argument ? 1 : 0;
    case FUTEX_OP_CMP_GT:
      return old > argument ? 1 : 0;
    case FUTEX_OP_CMP_GE:
      return old >= argument ? 1 : 0;
    default:
      return -ENOSYS;
  }
}
