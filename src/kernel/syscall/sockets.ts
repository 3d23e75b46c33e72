/**
 * socket, socketpair, bind, listen, accept, accept4, connect, shutdown, getsockname, getpeername: descriptors,
 * addresses and the order of errors; what a socket does is the file's affair (file/socket*.ts).
 *
 * Only unix sockets exist (EAFNOSUPPORT), and of them only streams so far (ESOCKTNOSUPPORT).
 */
import {
  EAFNOSUPPORT,
  EAGAIN,
  EBADF,
  EFAULT,
  EINVAL,
  EMFILE,
  ENFILE,
  ENOMEM,
  ENOTCONN,
  ENOTSOCK,
  EPROTONOSUPPORT,
  ESOCKTNOSUPPORT,
} from '../abi/errno.ts';
import { O_NONBLOCK } from '../abi/flags-file.ts';
import { AF_UNIX, SOCK_CLOEXEC, SOCK_NONBLOCK, SOCK_STREAM, SOCK_TYPE_MASK } from '../abi/flags-socket.ts';
import { sockaddrUnLayout } from '../abi/layout.ts';
import { queueForFile } from '../epoll/source.ts';
import type { FilePtr } from '../file/file.ts';
import { File, KIND_SOCKET } from '../file/file.ts';
import { releaseFile } from '../file/ops-table.ts';
import { acceptFrom, connectTo, listenOn, mayAccept, queueForConnecting } from '../file/socket-connect.ts';
import { createSocket, createSocketPair, isConnected, peerOf } from '../file/socket-life.ts';
import { bindAutomatic, bindName, hasName, ownerOfName, storeAddress } from '../file/socket-names.ts';
import { endOf, socketOf } from '../file/socket-struct.ts';
import { shutdownSocket } from '../file/socket.ts';
import { installFd, lookupFile } from '../process/fd-table.ts';
import { readUser16, userRangeOk, writeUser32 } from '../process/user-memory.ts';
import type { FramePtr, TaskPtr } from '../task/task.ts';
import { Frame, PROCEED, WAIT } from '../task/task.ts';
import { standInQueue } from '../wait/wait-queue.ts';
import { closeFd, installFresh, tableOf } from './create-files.ts';
import { fdsAvailable } from './descriptors.ts';
import type { SyscallOps } from './syscall-ops.ts';
import {
  countOrRestart,
  immediateOps,
  intArgument,
  neverExpires,
  watchesItsFile,
  wordArgument,
} from './syscall-ops.ts';

/** Linux's SOCK_MAX: a type at or above it is no type. */
const SOCK_TYPES = 11;
/** sizeof(struct sockaddr_storage): no address is longer. */
const ADDRESS_MAX = 128;

/** @returns the socket behind a descriptor, -EBADF or -ENOTSOCK */
export function socketAt(t: TaskPtr, fd: number): number {
  const f = lookupFile(t, fd);
  if (f === 0) return -EBADF;
  return File.kind.get(f) === KIND_SOCKET ? f : -ENOTSOCK;
}

/** Is the address one that could be copied in? @returns 0, -EINVAL or -EFAULT */
export function checkAddress(t: TaskPtr, address: number, length: number): number {
  if (length < 0 || length > ADDRESS_MAX) return -EINVAL;
  return length > 0 && userRangeOk(t, address, length) === 0 ? -EFAULT : 0;
}

function checkKind(family: number, type: number, protocol: number): number {
  if (family !== AF_UNIX) return -EAFNOSUPPORT;
  if (type >= SOCK_TYPES) return -EINVAL;
  if (protocol !== 0 && protocol !== AF_UNIX) return -EPROTONOSUPPORT;
  return type === SOCK_STREAM ? 0 : -ESOCKTNOSUPPORT;
}

function fileFlags(type: number): number {
  return (type & SOCK_NONBLOCK) !== 0 ? O_NONBLOCK : 0;
}

function socketBegin(t: TaskPtr, fr: FramePtr): number {
  const type = intArgument(fr, 1);
  if ((type & ~SOCK_TYPE_MASK & ~(SOCK_CLOEXEC | SOCK_NONBLOCK)) !== 0) return -EINVAL;
  const r = checkKind(intArgument(fr, 0), type & SOCK_TYPE_MASK, intArgument(fr, 2));
  if (r !== 0) return r;
  return installFresh(t, createSocket(type & SOCK_TYPE_MASK, fileFlags(type)), type & SOCK_CLOEXEC);
}

/** Linux reserves two descriptors and stores them before it looks at what is asked for. */
function socketpairBegin(t: TaskPtr, fr: FramePtr): number {
  const type = intArgument(fr, 1);
  const address = wordArgument(fr, 3);
  if ((type & ~SOCK_TYPE_MASK & ~(SOCK_CLOEXEC | SOCK_NONBLOCK)) !== 0) return -EINVAL;
  if (fdsAvailable(tableOf(t), 2) === 0) return -EMFILE;
  if (userRangeOk(t, address, 8) === 0) return -EFAULT;
  const r = checkKind(intArgument(fr, 0), type & SOCK_TYPE_MASK, intArgument(fr, 2));
  if (r !== 0) return r;
  const f = createSocketPair(type & SOCK_TYPE_MASK, fileFlags(type));
  if (f === 0) return -ENFILE;
  const g = peerOf(f);
  const first = installFd(tableOf(t), f, type & SOCK_CLOEXEC, 0);
  if (first < 0) {
    releaseFile(f);
    releaseFile(g);
    return -EMFILE;
  }
  const second = installFd(tableOf(t), g, type & SOCK_CLOEXEC, 0);
  if (second < 0) {
    closeFd(t, first);
    releaseFile(g);
    return -EMFILE;
  }
  writeUser32(address, first);
  writeUser32(address + 4, second);
  return 0;
}

/** A unix address with a name behind its family? @returns 0 or -EINVAL */
function checkUnixName(address: number, length: number): number {
  if (length <= sockaddrUnLayout.path || length > sockaddrUnLayout.size) return -EINVAL;
  return readUser16(address) === AF_UNIX ? 0 : -EINVAL;
}

function bindBegin(t: TaskPtr, fr: FramePtr): number {
  const f = socketAt(t, intArgument(fr, 0));
  if (f < 0) return f;
  const address = wordArgument(fr, 1);
  const length = intArgument(fr, 2);
  const r = checkAddress(t, address, length);
  if (r !== 0) return r;
  const s = socketOf(f as FilePtr);
  const end = endOf(f as FilePtr);
  if (length === sockaddrUnLayout.path && readUser16(address) === AF_UNIX) return bindAutomatic(s, end, f as FilePtr);
  const bad = checkUnixName(address, length);
  if (bad !== 0) return bad;
  return bindName(s, end, f as FilePtr, address + sockaddrUnLayout.path, length - sockaddrUnLayout.path);
}

/** A socket without a name cannot listen. */
function listenBegin(t: TaskPtr, fr: FramePtr): number {
  const f = socketAt(t, intArgument(fr, 0));
  if (f < 0) return f;
  if (hasName(socketOf(f as FilePtr), endOf(f as FilePtr)) === 0) return -EINVAL;
  return listenOn(f as FilePtr, intArgument(fr, 1));
}

/** The address is copied in before the descriptor turns out to be no socket. */
function connectBegin(t: TaskPtr, fr: FramePtr): number {
  const f = lookupFile(t, intArgument(fr, 0));
  if (f === 0) return -EBADF;
  const address = wordArgument(fr, 1);
  const length = intArgument(fr, 2);
  const r = checkAddress(t, address, length);
  if (r !== 0) return r;
  if (File.kind.get(f) !== KIND_SOCKET) return -ENOTSOCK;
  const bad = checkUnixName(address, length);
  if (bad !== 0) return bad;
  Frame.file.set(fr, f);
  Frame.nonblocking.set(fr, (File.flags.load(f) & O_NONBLOCK) !== 0 ? 1 : 0);
  return PROCEED;
}

function nameOwner(fr: FramePtr): number {
  return ownerOfName(wordArgument(fr, 1) + sockaddrUnLayout.path, intArgument(fr, 2) - sockaddrUnLayout.path);
}

/** The name is looked up anew each time: the listener may have changed. A stream never is "in progress": it is EAGAIN. */
function connectAttempt(_t: TaskPtr, fr: FramePtr): number {
  const listener = nameOwner(fr);
  if (listener < 0) return listener;
  const r = connectTo(Frame.file.get(fr) as FilePtr, listener as FilePtr);
  return r === WAIT && Frame.nonblocking.get(fr) === 1 ? -EAGAIN : r;
}

function connectEnqueue(t: TaskPtr, fr: FramePtr): number {
  const q = queueForConnecting(Frame.file.get(fr) as FilePtr);
  return q === 0 || standInQueue(q, t, 0, 0) === 1 ? 0 : -ENOMEM;
}

/** It waits for whoever has the name now. A listener that woke it may be gone, and its record with it. */
function connectWatches(_t: TaskPtr, fr: FramePtr, source: FilePtr): number {
  return nameOwner(fr) === source ? 1 : 0;
}

function beginAccept(t: TaskPtr, fr: FramePtr, flags: number): number {
  const f = lookupFile(t, intArgument(fr, 0));
  if (f === 0) return -EBADF;
  if ((flags & ~(SOCK_CLOEXEC | SOCK_NONBLOCK)) !== 0) return -EINVAL;
  if (fdsAvailable(tableOf(t), 1) === 0) return -EMFILE;
  if (File.kind.get(f) !== KIND_SOCKET) return -ENOTSOCK;
  Frame.file.set(fr, f);
  Frame.nonblocking.set(fr, (File.flags.load(f) & O_NONBLOCK) !== 0 ? 1 : 0);
  Frame.first.set(fr, flags);
  return PROCEED;
}
function acceptBegin(t: TaskPtr, fr: FramePtr): number {
  return beginAccept(t, fr, 0);
}
function accept4Begin(t: TaskPtr, fr: FramePtr): number {
  return beginAccept(t, fr, intArgument(fr, 3));
}

/** An address that cannot be stored costs the connection, as in Linux. */
function acceptAttempt(t: TaskPtr, fr: FramePtr): number {
  const listener = Frame.file.get(fr) as FilePtr;
  const flags = Frame.first.get(fr);
  let f = 0;
  while (f === 0) {
    const r = mayAccept(listener, Frame.nonblocking.get(fr));
    if (r !== 0) return r;
    f = acceptFrom(listener, fileFlags(flags));
  }
  if (f < 0) return f;
  const address = wordArgument(fr, 1);
  const stored = address === 0 ? 0 : storeAddress(t, socketOf(f as FilePtr), 0, address, wordArgument(fr, 2));
  const fd = stored < 0 ? stored : installFd(tableOf(t), f as FilePtr, flags & SOCK_CLOEXEC, 0);
  if (fd < 0) releaseFile(f as FilePtr);
  return fd;
}

/** Exclusively: one connection, one of those who wait. */
function acceptEnqueue(t: TaskPtr, fr: FramePtr): number {
  const q = queueForFile(Frame.file.get(fr) as FilePtr);
  return q === 0 || standInQueue(q, t, 0, 1) === 1 ? 0 : -ENOMEM;
}

function shutdownBegin(t: TaskPtr, fr: FramePtr): number {
  const f = socketAt(t, intArgument(fr, 0));
  return f < 0 ? f : shutdownSocket(f as FilePtr, intArgument(fr, 1));
}

function getsocknameBegin(t: TaskPtr, fr: FramePtr): number {
  const f = socketAt(t, intArgument(fr, 0));
  if (f < 0) return f;
  return storeAddress(t, socketOf(f as FilePtr), endOf(f as FilePtr), wordArgument(fr, 1), wordArgument(fr, 2));
}

/** The peer keeps its name after it was closed. */
function getpeernameBegin(t: TaskPtr, fr: FramePtr): number {
  const f = socketAt(t, intArgument(fr, 0));
  if (f < 0) return f;
  if (isConnected(f as FilePtr) === 0) return -ENOTCONN;
  return storeAddress(t, socketOf(f as FilePtr), 1 - endOf(f as FilePtr), wordArgument(fr, 1), wordArgument(fr, 2));
}

export const socketCallOps: SyscallOps = { ...immediateOps, begin: socketBegin };
export const socketpairCallOps: SyscallOps = { ...immediateOps, begin: socketpairBegin };
export const bindCallOps: SyscallOps = { ...immediateOps, begin: bindBegin };
export const listenCallOps: SyscallOps = { ...immediateOps, begin: listenBegin };
export const shutdownCallOps: SyscallOps = { ...immediateOps, begin: shutdownBegin };
export const getsocknameCallOps: SyscallOps = { ...immediateOps, begin: getsocknameBegin };
export const getpeernameCallOps: SyscallOps = { ...immediateOps, begin: getpeernameBegin };
export const connectCallOps: SyscallOps = {
  begin: connectBegin,
  attempt: connectAttempt,
  enqueue: connectEnqueue,
  expired: neverExpires,
  interrupted: countOrRestart,
  watches: connectWatches,
};
export const acceptCallOps: SyscallOps = {
  begin: acceptBegin,
  attempt: acceptAttempt,
  enqueue: acceptEnqueue,
  expired: neverExpires,
  interrupted: countOrRestart,
  watches: watchesItsFile,
};
export const accept4CallOps: SyscallOps = { ...acceptCallOps, begin: accept4Begin };
