/**
 * futex: WAIT, WAKE and their bitset forms. A sleeper stands in one of a fixed number of wait queues, chosen by the
 * user address; the address itself and the bitset stand in its frame, where a waker that holds the queue's lock may read
 * them, for the call that owns the frame can end only after it has left the queue.
 *
 *     waiter: stand in the queue (waiterCount.add)      waker: the guest changes the word
 *             look at the word again                           waiterCount.add(0)
 *
 * That is the pair of wait/wait-queue.ts, with the user's word as the source. The guest may have stored it plainly, so
 * the waker looks at the count with an exchange (add 0), which no earlier store can pass.
 *
 * A wake chooses under the queue's lock, and says so in the chosen one's frame (`chosen`). Whatever wakes the sleeper
 * first, a timeout or a signal included, it leaves the queue before it answers, and then the mark is final: a wake that
 * was counted is never lost on somebody who reports ETIMEDOUT.
 *
 * Linux: kernel/futex/waitwake.c.
 */
import { Atomic } from '../../shared-mem/atomic.ts';
import { List, ListNode, listRemove } from '../../shared-mem/list.ts';
import { acquire, release } from '../../shared-mem/locks/lock.ts';
import type { Address } from '../../shared-mem/pointer.ts';
import { cpu } from '../../shared-mem/self.ts';
import { EAGAIN, EFAULT, EINVAL, ENOMEM, ENOSYS, ETIMEDOUT } from '../abi/errno.ts';
import {
  FUTEX_CLOCK_REALTIME,
  FUTEX_CMD_MASK,
  FUTEX_WAIT,
  FUTEX_WAIT_BITSET,
  FUTEX_WAKE,
  FUTEX_WAKE_BITSET,
} from '../abi/flags-task.ts';
import { Cpu, WAKE_BATCH } from '../cpu/cpu.ts';
import { interruptsOff, interruptsOn } from '../irq/interrupts.ts';
import { MACHINE, Machine } from '../machine-record.ts';
import { BAD_TIMESPEC, inUserRange, readTimespec, userRangeOk } from '../process/user-memory.ts';
import type { FramePtr, TaskPtr } from '../task/task.ts';
import { ERESTART_RESTARTBLOCK, ERESTARTSYS, Frame, PROCEED, REASON_FUTEX, Task, WAIT } from '../task/task.ts';
import { wakeTask } from '../task/wake.ts';
import { clockNow } from '../time/clock.ts';
import { leaveQueues, standInQueue } from '../wait/wait-queue.ts';
import type { WaitQueuePtr } from '../wait/wait-queue-struct.ts';
import { WaitEntry, WaitQueue } from '../wait/wait-queue-struct.ts';
import { FUTEX_BUCKET_BITS } from './futex-buckets.ts';
import { deadlineAt } from './sleep-calls.ts';
import type { SyscallOps } from './syscall-ops.ts';
import { intArgument, watchesNothing, wordArgument } from './syscall-ops.ts';

const BITSET_ALL = -1;

/** User words, addressed by their index. */
const USER = { word: new Atomic<Address>(0) };

function bucketOf(address: number): WaitQueuePtr {
  const bucket = Math.imul(address >>> 2, 0x9e3779b1) >>> (32 - FUTEX_BUCKET_BITS);
  return (Machine.futexQueues.get(MACHINE) + bucket * WaitQueue.size) as WaitQueuePtr;
}

function futexBegin(t: TaskPtr, fr: FramePtr): number {
  const op = intArgument(fr, 1);
  switch (op & FUTEX_CMD_MASK) {
    case FUTEX_WAIT:
      if ((op & FUTEX_CLOCK_REALTIME) !== 0) return -ENOSYS;
      return futexWaitBegin(t, fr, BITSET_ALL);
    case FUTEX_WAIT_BITSET:
      return futexWaitBegin(t, fr, intArgument(fr, 5));
    case FUTEX_WAKE:
      if ((op & FUTEX_CLOCK_REALTIME) !== 0) return -ENOSYS;
      return futexWakeBegin(t, fr, BITSET_ALL);
    case FUTEX_WAKE_BITSET:
      if ((op & FUTEX_CLOCK_REALTIME) !== 0) return -ENOSYS;
      return futexWakeBegin(t, fr, intArgument(fr, 5));
    default:
      return -ENOSYS;
  }
}

/** WAIT's timeout is relative, WAIT_BITSET's a time of the monotonic or the wall clock. */
function futexWaitBegin(t: TaskPtr, fr: FramePtr, bitset: number): number {
  const op = intArgument(fr, 1);
  const timeout = wordArgument(fr, 3);
  let deadlineNs = Number.POSITIVE_INFINITY;
  if (timeout !== 0) {
    const ns = readTimespec(t, timeout);
    if (ns === BAD_TIMESPEC) return -EINVAL;
    if (ns < 0) return ns;
    const relative = (op & FUTEX_CMD_MASK) === FUTEX_WAIT;
    deadlineNs = relative ? clockNow() + ns : deadlineAt(timeout, (op & FUTEX_CLOCK_REALTIME) !== 0);
  }
  const address = wordArgument(fr, 0);
  if (bitset === 0 || (address & 3) !== 0) return -EINVAL;
  if (userRangeOk(t, address, 4) === 0) return -EFAULT;
  Frame.deadlineNs.set(fr, deadlineNs);
  Frame.buffer.set(fr, address);
  Frame.first.set(fr, bitset);
  Frame.second.set(fr, 0);
  return PROCEED;
}

/** Was this call chosen by a wake? Final once it has left the queue. */
function isChosen(fr: FramePtr): boolean {
  return Frame.second.get(fr) === 1;
}

function futexAttempt(t: TaskPtr, fr: FramePtr): number {
  if (isChosen(fr)) return 0;
  if (USER.word.load(Frame.buffer.get(fr) >> 2) === intArgument(fr, 2)) return WAIT;
  // Between the look at the mark and the look at the word a wake may have chosen this one.
  leaveQueues(t, 1);
  return isChosen(fr) ? 0 : -EAGAIN;
}

function futexEnqueue(t: TaskPtr, fr: FramePtr): number {
  return standInQueue(bucketOf(Frame.buffer.get(fr)), t, 0, 0) === 1 ? 0 : -ENOMEM;
}

function futexExpired(t: TaskPtr, fr: FramePtr): number {
  leaveQueues(t, 1);
  return isChosen(fr) ? 0 : -ETIMEDOUT;
}

function futexInterrupted(t: TaskPtr, fr: FramePtr): number {
  leaveQueues(t, 1);
  if (isChosen(fr)) return 0;
  return Frame.deadlineNs.get(fr) === Number.POSITIVE_INFINITY ? -ERESTARTSYS : -ERESTART_RESTARTBLOCK;
}

function futexWakeBegin(t: TaskPtr, fr: FramePtr, bitset: number): number {
  const address = wordArgument(fr, 0);
  if (bitset === 0 || (address & 3) !== 0) return -EINVAL;
  if (inUserRange(address, 4) === 0) return -EFAULT;
  // A private address that leads nowhere, or into another process, has no waiters.
  if (userRangeOk(t, address, 4) === 0) return 0;
  // Linux counts before it compares, so 0 and less wake one.
  return futexWakeBits(address, Math.max(1, intArgument(fr, 2)), bitset);
}

/** Wakes up to `count` who wait at a user address, first come first. @returns how many */
export function futexWake(address: number, count: number): number {
  return futexWakeBits(address, count, BITSET_ALL);
}

/** As `futexWake`, those whose bitset shares a bit with `bitset`. */
export function futexWakeBits(address: number, count: number, bitset: number): number {
  const q = bucketOf(address);
  if (WaitQueue.waiterCount.add(q, 0) === 0) return 0;
  let woken = 0;
  interruptsOff();
  acquire(WaitQueue.lock.at(q));
  // Who comes while a batch is being woken stands behind these, and is not ours to wake.
  let budget = List.count.get(WaitQueue.list.at(q));
  for (;;) {
    let taken = 0;
    let node = List.first.get(WaitQueue.list.at(q));
    while (node !== 0 && taken < WAKE_BATCH && budget > 0 && woken + taken < count) {
      const next = ListNode.next.get(node);
      const entry = WaitEntry.node.outer(node);
      const t = WaitEntry.task.get(entry) as TaskPtr;
      const fr = Task.frame.get(t);
      if (Frame.buffer.get(fr) === address && (Frame.first.get(fr) & bitset) !== 0) {
        listRemove(WaitQueue.list.at(q), node);
        WaitQueue.waiterCount.sub(q, 1);
        Frame.second.set(fr, 1);
        Cpu.batch.setAt(cpu, taken * 2, t);
        Cpu.batch.setAt(cpu, taken * 2 + 1, WaitEntry.taskGeneration.get(entry));
        taken++;
        budget--;
      }
      node = next;
    }
    release(WaitQueue.lock.at(q));
    for (let i = 0; i < taken; i++) {
      const t = Cpu.batch.getAt(cpu, i * 2) as TaskPtr;
      wakeTask(t, Cpu.batch.getAt(cpu, i * 2 + 1), REASON_FUTEX, 0, 0);
    }
    woken += taken;
    if (node === 0 || budget === 0 || woken >= count) break;
    acquire(WaitQueue.lock.at(q));
  }
  interruptsOn();
  return woken;
}

export const futexCallOps: SyscallOps = {
  begin: futexBegin,
  attempt: futexAttempt,
  enqueue: futexEnqueue,
  expired: futexExpired,
  interrupted: futexInterrupted,
  watches: watchesNothing,
};
