/**
 * sendmsg and recvmsg: a message whose buffers, address and flags a msghdr names. What they do is that of sendto and
 * recvfrom (socket-messages.ts); the order of errors is Linux's: descriptor, msghdr, address, vector, socket.
 *
 * Nothing travels beside the bytes yet: a message with control data is EOPNOTSUPP, one received says that it has none.
 *
 * Linux: net/socket.c, ___sys_sendmsg, ___sys_recvmsg.
 */
import { EAGAIN, EFAULT, EINVAL, EMSGSIZE, EOPNOTSUPP } from '../abi/errno.ts';
import { UIO_MAXIOV } from '../abi/flags-file.ts';
import { MSG_CMSG_CLOEXEC, MSG_TRUNC, SOCK_STREAM } from '../abi/flags-socket.ts';
import { msghdrLayout } from '../abi/layout.ts';
import type { FilePtr } from '../file/file.ts';
import { Socket, socketOf } from '../file/socket-struct.ts';
import { dropSender, receiveSocket } from '../file/socket.ts';
import { readUser32, readUser64, userRangeOk, writeUser32, writeUser64 } from '../process/user-memory.ts';
import type { FramePtr, TaskPtr } from '../task/task.ts';
import { Frame, PROCEED, WAIT } from '../task/task.ts';
import { takeVector } from './read-write.ts';
import {
  attemptSend,
  checkReceiver,
  recvfromCallOps,
  sendtoCallOps,
  storeSender,
  takeSocket,
} from './socket-messages.ts';
import type { SyscallOps } from './syscall-ops.ts';
import { intArgument, wordArgument } from './syscall-ops.ts';

/** sizeof(struct sockaddr_storage): a longer address is cut to it. */
const ADDRESS_MAX = 128;

/** The address that the msghdr names, or 0; and its length. */
function nameOf(fr: FramePtr): number {
  return readUser64(wordArgument(fr, 1) + msghdrLayout.name);
}
function nameLengthOf(fr: FramePtr): number {
  return Math.min(readUser32(wordArgument(fr, 1) + msghdrLayout.nameLength), ADDRESS_MAX);
}

/** Takes socket and flags, looks at the msghdr. @returns PROCEED or -errno */
function beginMsghdr(t: TaskPtr, fr: FramePtr): number {
  const r = takeSocket(t, fr, intArgument(fr, 2));
  if (r !== PROCEED) return r;
  if (userRangeOk(t, wordArgument(fr, 1), msghdrLayout.size) === 0) return -EFAULT;
  return nameOf(fr) !== 0 && nameLengthOf(fr) < 0 ? -EINVAL : PROCEED;
}

function takeBuffers(t: TaskPtr, fr: FramePtr): number {
  const header = wordArgument(fr, 1);
  const count = readUser64(header + msghdrLayout.iovLength);
  // readv says EINVAL.
  if (count < 0 || count > UIO_MAXIOV) return -EMSGSIZE;
  return takeVector(t, fr, readUser64(header + msghdrLayout.iov), count);
}

function sendmsgBegin(t: TaskPtr, fr: FramePtr): number {
  const r = beginMsghdr(t, fr);
  if (r !== PROCEED) return r;
  const address = nameOf(fr);
  const length = nameLengthOf(fr);
  if (address !== 0 && length > 0 && userRangeOk(t, address, length) === 0) return -EFAULT;
  const buffers = takeBuffers(t, fr);
  if (buffers !== PROCEED) return buffers;
  if (readUser64(wordArgument(fr, 1) + msghdrLayout.controlLength) !== 0) return -EOPNOTSUPP;
  return address === 0 ? PROCEED : checkReceiver(t, fr, address, length);
}

/** The user may have changed the msghdr meanwhile, so the address is checked again. */
function sendmsgAttempt(t: TaskPtr, fr: FramePtr): number {
  const address = nameOf(fr);
  if (address === 0) return attemptSend(t, fr, 0, 0);
  const r = checkReceiver(t, fr, address, nameLengthOf(fr));
  return r === PROCEED ? attemptSend(t, fr, address, nameLengthOf(fr)) : r;
}

function recvmsgBegin(t: TaskPtr, fr: FramePtr): number {
  const r = beginMsghdr(t, fr);
  return r === PROCEED ? takeBuffers(t, fr) : r;
}

function recvmsgAttempt(t: TaskPtr, fr: FramePtr): number {
  const f = Frame.file.get(fr) as FilePtr;
  const flags = Frame.first.get(fr);
  const r = receiveSocket(f, t, fr, flags);
  if (r === WAIT) return Frame.nonblocking.get(fr) === 1 ? -EAGAIN : WAIT;
  const header = wordArgument(fr, 1);
  const name = r < 0 ? 0 : nameOf(fr);
  const stored = name === 0 ? r : storeSender(t, fr, r, name, header + msghdrLayout.nameLength);
  dropSender(fr);
  if (stored < 0) return stored;
  const cut = Socket.type.get(socketOf(f)) !== SOCK_STREAM && Frame.moved.get(fr) > Frame.length.get(fr);
  writeUser32(header + msghdrLayout.flags, (flags & MSG_CMSG_CLOEXEC) | (cut ? MSG_TRUNC : 0));
  writeUser64(header + msghdrLayout.controlLength, 0);
  return r;
}

export const sendmsgCallOps: SyscallOps = { ...sendtoCallOps, begin: sendmsgBegin, attempt: sendmsgAttempt };
export const recvmsgCallOps: SyscallOps = { ...recvfromCallOps, begin: recvmsgBegin, attempt: recvmsgAttempt };
