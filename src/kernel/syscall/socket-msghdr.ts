/**
 * sendmsg and recvmsg: a message whose buffers, address, control messages and flags a msghdr names. What they do is that of
 * sendto and recvfrom (socket-messages.ts), and of socket-control.ts for what travels beside the bytes; the order of
 * errors is Linux's: descriptor, msghdr, address, vector, control messages, socket.
 *
 * `begin...` and `attempt...` of one header are sendmmsg's and recvmmsg's too (socket-batches.ts), which have many.
 *
 * Linux: net/socket.c, ___sys_sendmsg, ___sys_recvmsg.
 */
import { EAGAIN, EFAULT, EINVAL, EMSGSIZE, EOPNOTSUPP } from '../abi/errno.ts';
import { UIO_MAXIOV } from '../abi/flags-file.ts';
import { MSG_CMSG_CLOEXEC, MSG_OOB, MSG_TRUNC, SOCK_STREAM } from '../abi/flags-socket.ts';
import { msghdrLayout } from '../abi/layout.ts';
import type { FilePtr } from '../file/file.ts';
import { Socket, socketOf } from '../file/socket-struct.ts';
import { dropReceived, receiveSocket } from '../file/socket.ts';
import { readUser32, readUser64, userRangeOk, writeUser32 } from '../process/user-memory.ts';
import type { FramePtr, TaskPtr } from '../task/task.ts';
import { Frame, PROCEED, WAIT } from '../task/task.ts';
import { takeVector } from './read-write.ts';
import { beginControl, holdReceiver, storeControl } from './socket-control.ts';
import {
  attemptSend,
  checkReceiver,
  recvfromCallOps,
  sendtoCallOps,
  storeSender,
  takeSocket,
} from './socket-messages.ts';
import type { SyscallOps } from './syscall-ops.ts';
import { countOrAgain, countOrRestart, intArgument, wordArgument } from './syscall-ops.ts';

/** sizeof(struct sockaddr_storage): a longer address is cut to it. */
const ADDRESS_MAX = 128;
/** A flag of 32-bit programs, which only their calls may set. */
const MSG_CMSG_COMPAT = 0x80000000 | 0;

/** The address that the msghdr names, or 0; and its length. */
function nameOf(header: number): number {
  return readUser64(header + msghdrLayout.name);
}
function nameLengthOf(header: number): number {
  return Math.min(readUser32(header + msghdrLayout.nameLength), ADDRESS_MAX);
}

/** Puts socket and flags into the frame. @returns PROCEED or -errno */
export function takeMessageSocket(t: TaskPtr, fr: FramePtr, flags: number): number {
  return (flags & MSG_CMSG_COMPAT) !== 0 ? -EINVAL : takeSocket(t, fr, flags);
}

function checkHeader(t: TaskPtr, header: number): number {
  if (userRangeOk(t, header, msghdrLayout.size) === 0) return -EFAULT;
  return nameOf(header) !== 0 && nameLengthOf(header) < 0 ? -EINVAL : 0;
}

/** A message of no bytes is one, so the vector's answer for nothing is not the call's. */
function takeBuffers(t: TaskPtr, fr: FramePtr, header: number): number {
  const count = readUser64(header + msghdrLayout.iovLength);
  // readv says EINVAL.
  if (count < 0 || count > UIO_MAXIOV) return -EMSGSIZE;
  const r = takeVector(t, fr, readUser64(header + msghdrLayout.iov), count);
  if (r !== 0) return r;
  Frame.length.set(fr, 0);
  Frame.vectorCount.set(fr, 0);
  return PROCEED;
}

/** Looks at a msghdr to be sent, and holds its descriptors. @returns PROCEED or -errno */
export function beginSendHeader(t: TaskPtr, fr: FramePtr, header: number): number {
  const bad = checkHeader(t, header);
  if (bad !== 0) return bad;
  const address = nameOf(header);
  const length = nameLengthOf(header);
  if (address !== 0 && length > 0 && userRangeOk(t, address, length) === 0) return -EFAULT;
  const buffers = takeBuffers(t, fr, header);
  if (buffers !== PROCEED) return buffers;
  const control = beginControl(t, fr, header);
  if (control !== 0) return control;
  if ((Frame.first.get(fr) & MSG_OOB) !== 0) return -EOPNOTSUPP;
  return address === 0 ? PROCEED : checkReceiver(t, fr, address, length);
}

/** The user may have changed the msghdr meanwhile, so the address is checked again. */
export function attemptSendHeader(t: TaskPtr, fr: FramePtr, header: number): number {
  const address = nameOf(header);
  if (address === 0) return attemptSend(t, fr, 0, 0);
  const r = checkReceiver(t, fr, address, nameLengthOf(header));
  return r === PROCEED ? attemptSend(t, fr, address, nameLengthOf(header)) : r;
}

/** Looks at a msghdr to be filled. @returns PROCEED or -errno */
export function beginReceiveHeader(t: TaskPtr, fr: FramePtr, header: number): number {
  const bad = checkHeader(t, header);
  return bad !== 0 ? bad : takeBuffers(t, fr, header);
}

export function attemptReceiveHeader(t: TaskPtr, fr: FramePtr, header: number): number {
  const r = receiveSocket(Frame.file.get(fr) as FilePtr, t, fr, Frame.first.get(fr));
  if (r === WAIT) return Frame.nonblocking.get(fr) === 1 ? -EAGAIN : WAIT;
  return finishReceiveHeader(t, fr, header, r);
}

/** @param r bytes received, or -errno, and the header is left alone @returns the same, or why they could not be told of */
export function finishReceiveHeader(t: TaskPtr, fr: FramePtr, header: number, r: number): number {
  if (r < 0) {
    dropReceived(fr);
    return r;
  }
  const flags = Frame.first.get(fr);
  const cut = storeControl(t, fr, header, flags);
  const name = nameOf(header);
  const stored = name === 0 ? 0 : storeSender(t, fr, r, name, header + msghdrLayout.nameLength);
  dropReceived(fr);
  if (stored < 0) return stored;
  const type = Socket.type.get(socketOf(Frame.file.get(fr) as FilePtr));
  const short = type !== SOCK_STREAM && Frame.moved.get(fr) > Frame.length.get(fr) ? MSG_TRUNC : 0;
  writeUser32(header + msghdrLayout.flags, (flags & MSG_CMSG_CLOEXEC) | short | cut);
  return r;
}

function sendmsgBegin(t: TaskPtr, fr: FramePtr): number {
  const r = takeMessageSocket(t, fr, intArgument(fr, 2));
  return r === PROCEED ? beginSendHeader(t, fr, wordArgument(fr, 1)) : r;
}
function sendmsgAttempt(t: TaskPtr, fr: FramePtr): number {
  return attemptSendHeader(t, fr, wordArgument(fr, 1));
}

function recvmsgBegin(t: TaskPtr, fr: FramePtr): number {
  const r = takeMessageSocket(t, fr, intArgument(fr, 2));
  if (r !== PROCEED) return r;
  const begun = beginReceiveHeader(t, fr, wordArgument(fr, 1));
  if (begun !== PROCEED || readUser64(wordArgument(fr, 1) + msghdrLayout.controlLength) === 0) return begun;
  const held = holdReceiver(t, fr, intArgument(fr, 0));
  return held === 0 ? PROCEED : held;
}
function recvmsgAttempt(t: TaskPtr, fr: FramePtr): number {
  return attemptReceiveHeader(t, fr, wordArgument(fr, 1));
}
function recvmsgExpired(t: TaskPtr, fr: FramePtr): number {
  return finishReceiveHeader(t, fr, wordArgument(fr, 1), countOrAgain(t, fr));
}
function recvmsgInterrupted(t: TaskPtr, fr: FramePtr): number {
  return finishReceiveHeader(t, fr, wordArgument(fr, 1), countOrRestart(t, fr));
}

export const sendmsgCallOps: SyscallOps = { ...sendtoCallOps, begin: sendmsgBegin, attempt: sendmsgAttempt };
export const recvmsgCallOps: SyscallOps = {
  ...recvfromCallOps,
  begin: recvmsgBegin,
  attempt: recvmsgAttempt,
  expired: recvmsgExpired,
  interrupted: recvmsgInterrupted,
};
