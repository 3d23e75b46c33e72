/**
 * recvfrom and sendto: read and write of a socket, with flags and an address. Precedence as Linux: the buffer's address,
 * the descriptor, the address, then what the socket says.
 */
import { EAGAIN, EFAULT, EINVAL, EISCONN, EOPNOTSUPP } from '../abi/errno.ts';
import { MAX_RW_COUNT, O_NONBLOCK } from '../abi/flags-file.ts';
import { MSG_DONTWAIT } from '../abi/flags-socket.ts';
import type { FilePtr } from '../file/file.ts';
import { File } from '../file/file.ts';
import { isConnected } from '../file/socket-life.ts';
import { hasName, storeAddress } from '../file/socket-names.ts';
import { endOf, socketOf } from '../file/socket-struct.ts';
import { receiveStream, sendStream } from '../file/socket-transfer.ts';
import { inUserRange, readUser32, userRangeOk, writeUser32 } from '../process/user-memory.ts';
import type { FramePtr, TaskPtr } from '../task/task.ts';
import { Frame, PROCEED, WAIT } from '../task/task.ts';
import { checkAddress, socketAt } from './sockets.ts';
import type { SyscallOps } from './syscall-ops.ts';
import {
  countOrRestart,
  intArgument,
  neverExpires,
  standsAtItsFile,
  watchesItsFile,
  wordArgument,
} from './syscall-ops.ts';

/** Puts buffer, socket and flags into the frame. @returns PROCEED or -errno */
function beginMessage(t: TaskPtr, fr: FramePtr): number {
  const address = wordArgument(fr, 1);
  // A negative length is an enormous unsigned one, and is cut as any other.
  const length = wordArgument(fr, 2) < 0 ? MAX_RW_COUNT : Math.min(wordArgument(fr, 2), MAX_RW_COUNT);
  if (inUserRange(address, 0) === 0) return -EFAULT;
  const f = socketAt(t, intArgument(fr, 0));
  if (f < 0) return f;
  const flags = intArgument(fr, 3);
  const nonblocking = (flags & MSG_DONTWAIT) !== 0 || (File.flags.load(f as FilePtr) & O_NONBLOCK) !== 0;
  Frame.file.set(fr, f as FilePtr);
  Frame.buffer.set(fr, address);
  Frame.length.set(fr, length);
  Frame.vectorCount.set(fr, 0);
  Frame.nonblocking.set(fr, nonblocking ? 1 : 0);
  Frame.first.set(fr, flags);
  return PROCEED;
}

function recvfromBegin(t: TaskPtr, fr: FramePtr): number {
  return beginMessage(t, fr);
}

function recvfromAttempt(t: TaskPtr, fr: FramePtr): number {
  const f = Frame.file.get(fr) as FilePtr;
  const r = receiveStream(f, t, fr, Frame.first.get(fr));
  if (r === WAIT) return Frame.nonblocking.get(fr) === 1 ? -EAGAIN : WAIT;
  if (r < 0 || wordArgument(fr, 4) === 0) return r;
  const stored = storeSender(t, fr, f, r);
  return stored < 0 ? stored : r;
}

/** Who sent it: nobody is named where nothing came, or where the sender has no name. */
function storeSender(t: TaskPtr, fr: FramePtr, f: FilePtr, received: number): number {
  const room = wordArgument(fr, 5);
  const sender = 1 - endOf(f);
  if (received > 0 && hasName(socketOf(f), sender) === 1) {
    return storeAddress(t, socketOf(f), sender, wordArgument(fr, 4), room);
  }
  if (userRangeOk(t, room, 4) === 0) return -EFAULT;
  if (readUser32(room) < 0) return -EINVAL;
  writeUser32(room, 0);
  return 0;
}

/** A stream has one peer: an address is refused. */
function sendtoBegin(t: TaskPtr, fr: FramePtr): number {
  const r = beginMessage(t, fr);
  if (r !== PROCEED || wordArgument(fr, 4) === 0) return r;
  const length = intArgument(fr, 5);
  const bad = checkAddress(t, wordArgument(fr, 4), length);
  if (bad !== 0) return bad;
  if (length === 0) return PROCEED;
  return isConnected(Frame.file.get(fr) as FilePtr) === 1 ? -EISCONN : -EOPNOTSUPP;
}

function sendtoAttempt(t: TaskPtr, fr: FramePtr): number {
  const r = sendStream(Frame.file.get(fr) as FilePtr, t, fr, Frame.first.get(fr));
  return r === WAIT && Frame.nonblocking.get(fr) === 1 ? -EAGAIN : r;
}

export const recvfromCallOps: SyscallOps = {
  begin: recvfromBegin,
  attempt: recvfromAttempt,
  enqueue: standsAtItsFile,
  expired: neverExpires,
  interrupted: countOrRestart,
  watches: watchesItsFile,
};
export const sendtoCallOps: SyscallOps = { ...recvfromCallOps, begin: sendtoBegin, attempt: sendtoAttempt };
