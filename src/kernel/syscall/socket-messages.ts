/**
 * recvfrom and sendto: read and write of a socket, with flags and an address. Precedence as Linux: the buffer's address,
 * the descriptor, the address, then what the socket says.
 */
import { EAGAIN, EFAULT, EINVAL, EISCONN, EOPNOTSUPP } from '../abi/errno.ts';
import { MAX_RW_COUNT, O_NONBLOCK } from '../abi/flags-file.ts';
import { MSG_DONTWAIT, MSG_OOB, SOCK_DGRAM, SOCK_SEQPACKET, SOCK_STREAM } from '../abi/flags-socket.ts';
import { sockaddrUnLayout } from '../abi/layout.ts';
import type { FilePtr } from '../file/file.ts';
import { File } from '../file/file.ts';
import { isConnected } from '../file/socket-life.ts';
import { hasName, storeAddress } from '../file/socket-names.ts';
import type { SocketPtr } from '../file/socket-struct.ts';
import { endOf, Socket, socketOf, UNKNOWN_SENDER } from '../file/socket-struct.ts';
import { dropReceived, receiveSocket, sendSocket } from '../file/socket.ts';
import { inUserRange, readUser32, userRangeOk, writeUser32 } from '../process/user-memory.ts';
import type { FramePtr, TaskPtr } from '../task/task.ts';
import { Frame, PROCEED, WAIT } from '../task/task.ts';
import { checkAddress, checkUnixName, socketAt } from './socket-arguments.ts';
import type { SyscallOps } from './syscall-ops.ts';
import { standsToReceive, standsToSend } from './stands.ts';
import { countOrAgain, countOrRestart, intArgument, watchesItsFile, wordArgument } from './syscall-ops.ts';

/** Puts socket and flags into the frame. @returns PROCEED, -EBADF or -ENOTSOCK */
export function takeSocket(t: TaskPtr, fr: FramePtr, flags: number): number {
  const f = socketAt(t, intArgument(fr, 0));
  if (f < 0) return f;
  const nonblocking = (flags & MSG_DONTWAIT) !== 0 || (File.flags.load(f as FilePtr) & O_NONBLOCK) !== 0;
  Frame.file.set(fr, f as FilePtr);
  Frame.nonblocking.set(fr, nonblocking ? 1 : 0);
  Frame.first.set(fr, flags);
  return PROCEED;
}

/** Puts buffer, socket and flags into the frame. @returns PROCEED or -errno */
function beginMessage(t: TaskPtr, fr: FramePtr): number {
  const address = wordArgument(fr, 1);
  if (inUserRange(address, 0) === 0) return -EFAULT;
  Frame.buffer.set(fr, address);
  // A negative length is an enormous unsigned one, and is cut as any other.
  Frame.length.set(fr, wordArgument(fr, 2) < 0 ? MAX_RW_COUNT : Math.min(wordArgument(fr, 2), MAX_RW_COUNT));
  Frame.vectorCount.set(fr, 0);
  Frame.credentials.set(fr, UNKNOWN_SENDER);
  return takeSocket(t, fr, intArgument(fr, 3));
}

function recvfromBegin(t: TaskPtr, fr: FramePtr): number {
  return beginMessage(t, fr);
}

function recvfromAttempt(t: TaskPtr, fr: FramePtr): number {
  const f = Frame.file.get(fr) as FilePtr;
  const r = receiveSocket(f, t, fr, Frame.first.get(fr));
  if (r === WAIT) return Frame.nonblocking.get(fr) === 1 ? -EAGAIN : WAIT;
  return finishReceive(t, fr, r);
}

/** Something was received, or never will be. */
function finishReceive(t: TaskPtr, fr: FramePtr, r: number): number {
  const named = r >= 0 && wordArgument(fr, 4) !== 0;
  const stored = named ? storeSender(t, fr, r, wordArgument(fr, 4), wordArgument(fr, 5)) : 0;
  dropReceived(fr);
  return stored < 0 ? stored : r;
}
function receiveExpired(t: TaskPtr, fr: FramePtr): number {
  return finishReceive(t, fr, countOrAgain(t, fr));
}
function receiveInterrupted(t: TaskPtr, fr: FramePtr): number {
  return finishReceive(t, fr, countOrRestart(t, fr));
}

/**
 * Who sent it: nobody is named where nothing came, or where the sender has no name.
 * @param to user address for the sender's, @param room user address of the int that says how much room there is
 */
export function storeSender(t: TaskPtr, fr: FramePtr, received: number, to: number, room: number): number {
  const f = Frame.file.get(fr) as FilePtr;
  const type = Socket.type.get(socketOf(f));
  const sender = type === SOCK_DGRAM ? (Frame.second.get(fr) as SocketPtr) : socketOf(f);
  const end = type === SOCK_DGRAM ? 0 : 1 - endOf(f);
  // An empty message has a sender, the end of a stream has none.
  if (sender !== 0 && (received > 0 || type !== SOCK_STREAM) && hasName(sender, end) === 1) {
    return storeAddress(t, sender, end, to, room);
  }
  if (userRangeOk(t, room, 4) === 0) return -EFAULT;
  if (readUser32(room) < 0) return -EINVAL;
  writeUser32(room, 0);
  return 0;
}

function sendtoBegin(t: TaskPtr, fr: FramePtr): number {
  const r = beginMessage(t, fr);
  return r !== PROCEED || wordArgument(fr, 4) === 0 ? r : checkReceiver(t, fr, wordArgument(fr, 4), intArgument(fr, 5));
}

/** A stream has one peer: an address is refused. A seqpacket socket too, but does not look at it. */
export function checkReceiver(t: TaskPtr, fr: FramePtr, address: number, length: number): number {
  const bad = checkAddress(t, address, length);
  if (bad !== 0) return bad;
  if (length === 0) return PROCEED;
  const f = Frame.file.get(fr) as FilePtr;
  const type = Socket.type.get(socketOf(f));
  if (type === SOCK_STREAM) return isConnected(f) === 1 ? -EISCONN : -EOPNOTSUPP;
  if (type === SOCK_SEQPACKET) return PROCEED;
  if ((Frame.first.get(fr) & MSG_OOB) !== 0) return -EOPNOTSUPP;
  const unnamed = checkUnixName(address, length);
  return unnamed !== 0 ? unnamed : PROCEED;
}

function sendtoAttempt(t: TaskPtr, fr: FramePtr): number {
  return attemptSend(t, fr, wordArgument(fr, 4), intArgument(fr, 5));
}

/** @param address user address of the receiver's, `length` bytes of it, both checked; or 0 */
export function attemptSend(t: TaskPtr, fr: FramePtr, address: number, length: number): number {
  const named = address === 0 ? 0 : Math.max(0, length - sockaddrUnLayout.path);
  const f = Frame.file.get(fr) as FilePtr;
  const r = sendSocket(f, t, fr, Frame.first.get(fr), address + sockaddrUnLayout.path, named);
  return r === WAIT && Frame.nonblocking.get(fr) === 1 ? -EAGAIN : r;
}

export const recvfromCallOps: SyscallOps = {
  begin: recvfromBegin,
  attempt: recvfromAttempt,
  enqueue: standsToReceive,
  expired: receiveExpired,
  interrupted: receiveInterrupted,
  watches: watchesItsFile,
};
export const sendtoCallOps: SyscallOps = {
  begin: sendtoBegin,
  attempt: sendtoAttempt,
  enqueue: standsToSend,
  expired: countOrAgain,
  interrupted: countOrRestart,
  watches: watchesItsFile,
};
