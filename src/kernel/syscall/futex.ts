/**
 * futex: which operation, and waiting. Wakes and moves are next door (futex-queues.ts, futex-move.ts).
 *
 * A waiter may be moved to another address while it sleeps. Its arguments keep the address that it waits at, and an
 * attempt compares the word there; where it stands is the frame's `buffer`, which is not its own to read while it stands.
 *
 * Declared: the operations with priority inheritance are ENOSYS, as on a Linux built without them. A private address
 * that is not the process's own has no waiters, and who is moved to one is found by nobody but its timeout and signals.
 *
 * Linux: kernel/futex/syscalls.c do_futex, waitwake.c futex_wait.
 */
import { EAGAIN, EFAULT, EINVAL, ENOMEM, ENOSYS, ETIMEDOUT } from '../abi/errno.ts';
import {
  FUTEX_CLOCK_REALTIME,
  FUTEX_CMD_MASK,
  FUTEX_CMP_REQUEUE,
  FUTEX_REQUEUE,
  FUTEX_WAIT,
  FUTEX_WAIT_BITSET,
  FUTEX_WAKE,
  FUTEX_WAKE_BITSET,
  FUTEX_WAKE_OP,
} from '../abi/flags-task.ts';
import { BAD_TIMESPEC, readTimespec, userRangeOk } from '../process/user-memory.ts';
import type { FramePtr, TaskPtr } from '../task/task.ts';
import { ERESTART_RESTARTBLOCK, ERESTARTSYS, Frame, PROCEED, WAIT } from '../task/task.ts';
import { clockNow } from '../time/clock.ts';
import { leaveQueues, standInQueue } from '../wait/wait-queue.ts';
import { futexRequeueBegin, futexWakeOpBegin } from './futex-move.ts';
import { BITSET_ALL, bucketOf, checkFutexAddress, futexKey, futexWakeBits, USER } from './futex-queues.ts';
import { deadlineAt } from './sleep-calls.ts';
import type { SyscallOps } from './syscall-ops.ts';
import { intArgument, watchesNothing, wordArgument } from './syscall-ops.ts';

function futexBegin(t: TaskPtr, fr: FramePtr): number {
  const op = intArgument(fr, 1);
  const command = op & FUTEX_CMD_MASK;
  if (command === FUTEX_WAIT) return futexWaitBegin(t, fr, op, BITSET_ALL);
  if (command === FUTEX_WAIT_BITSET) return futexWaitBegin(t, fr, op, intArgument(fr, 5));
  // Only waits know the wall clock.
  if ((op & FUTEX_CLOCK_REALTIME) !== 0) return -ENOSYS;
  switch (command) {
    case FUTEX_WAKE:
      return futexWakeBegin(t, fr, op, BITSET_ALL);
    case FUTEX_WAKE_BITSET:
      return futexWakeBegin(t, fr, op, intArgument(fr, 5));
    case FUTEX_REQUEUE:
    case FUTEX_CMP_REQUEUE:
      return futexRequeueBegin(t, fr);
    case FUTEX_WAKE_OP:
      return futexWakeOpBegin(t, fr);
    default:
      return -ENOSYS;
  }
}

/** WAIT's timeout is relative, WAIT_BITSET's a time of the monotonic or the wall clock. */
function futexWaitBegin(t: TaskPtr, fr: FramePtr, op: number, bitset: number): number {
  const timeout = wordArgument(fr, 3);
  const relative = (op & FUTEX_CMD_MASK) === FUTEX_WAIT;
  const wall = (op & FUTEX_CLOCK_REALTIME) !== 0;
  let deadlineNs = Number.POSITIVE_INFINITY;
  if (timeout !== 0) {
    const ns = readTimespec(t, timeout);
    if (ns === BAD_TIMESPEC) return -EINVAL;
    if (ns < 0) return ns;
    deadlineNs = relative ? clockNow() + ns : deadlineAt(timeout, wall);
  }
  if (relative && wall) return -ENOSYS;
  const address = wordArgument(fr, 0);
  if (bitset === 0 || (address & 3) !== 0) return -EINVAL;
  if (userRangeOk(t, address, 4) === 0) return -EFAULT;
  Frame.deadlineNs.set(fr, deadlineNs);
  Frame.first.set(fr, bitset);
  Frame.second.set(fr, 0);
  return PROCEED;
}

/** Was this call chosen by a wake? Asked once it has left its queue, when that is final. */
function wasChosen(fr: FramePtr): boolean {
  return Frame.second.get(fr) === 1;
}

function futexAttempt(t: TaskPtr, fr: FramePtr): number {
  // A racy look, and enough: whoever is given an answer leaves its queue first, under the lock of who chose it.
  if (Frame.second.peek(fr) === 1) return 0;
  if (USER.word.load(wordArgument(fr, 0) >> 2) === intArgument(fr, 2)) return WAIT;
  // Between the look at the mark and the look at the word a wake may have chosen this one.
  leaveQueues(t, 1);
  return wasChosen(fr) ? 0 : -EAGAIN;
}

function futexEnqueue(t: TaskPtr, fr: FramePtr): number {
  const key = futexKey(t, intArgument(fr, 1), wordArgument(fr, 0));
  Frame.buffer.set(fr, key);
  return standInQueue(bucketOf(key), t, 0, 0) === 1 ? 0 : -ENOMEM;
}

function futexExpired(t: TaskPtr, fr: FramePtr): number {
  leaveQueues(t, 1);
  return wasChosen(fr) ? 0 : -ETIMEDOUT;
}

function futexInterrupted(t: TaskPtr, fr: FramePtr): number {
  leaveQueues(t, 1);
  if (wasChosen(fr)) return 0;
  return Frame.deadlineNs.get(fr) === Number.POSITIVE_INFINITY ? -ERESTARTSYS : -ERESTART_RESTARTBLOCK;
}

function futexWakeBegin(t: TaskPtr, fr: FramePtr, op: number, bitset: number): number {
  if (bitset === 0) return -EINVAL;
  const address = wordArgument(fr, 0);
  const bad = checkFutexAddress(t, op, address);
  if (bad !== 0) return bad;
  // Linux counts before it compares, so 0 and less wake one.
  return futexWakeBits(futexKey(t, op, address), Math.max(1, intArgument(fr, 2)), bitset);
}

export const futexCallOps: SyscallOps = {
  begin: futexBegin,
  attempt: futexAttempt,
  enqueue: futexEnqueue,
  expired: futexExpired,
  interrupted: futexInterrupted,
  watches: watchesNothing,
};
