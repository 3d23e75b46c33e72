/**
 * socket, socketpair, bind, listen, accept, accept4, connect, shutdown, getsockname, getpeername: descriptors,
 * addresses and the order of errors; what a socket does is the file's affair (file/socket*.ts).
 *
 * Only unix sockets exist (EAFNOSUPPORT): stream, datagram and seqpacket.
 */
import { EAGAIN, EBADF, EFAULT, EINVAL, EMFILE, ENFILE, ENOMEM, ENOTCONN, ENOTSOCK, EOPNOTSUPP } from '../abi/errno.ts';
import { O_NONBLOCK } from '../abi/flags-file.ts';
import { AF_UNIX, AF_UNSPEC, SOCK_CLOEXEC, SOCK_DGRAM, SOCK_NONBLOCK, SOCK_TYPE_MASK } from '../abi/flags-socket.ts';
import { sockaddrUnLayout } from '../abi/layout.ts';
import type { FilePtr } from '../file/file.ts';
import { File, KIND_SOCKET } from '../file/file.ts';
import { releaseFile } from '../file/ops-table.ts';
import { acceptFrom, connectTo, listenOn, mayAccept } from '../file/socket-connect.ts';
import { nameForAnswers, pidOfSender } from '../file/socket-credentials.ts';
import { createSocket, createSocketPair, dropHolder, isConnected, notePeer, peerOf } from '../file/socket-life.ts';
import { bindAutomatic, bindName, hasName, ownerOfName, storeAddress } from '../file/socket-names.ts';
import { connectDatagram, createFriend, holdPeer } from '../file/socket-peer.ts';
import { endOf, Socket, socketOf } from '../file/socket-struct.ts';
import { boundWait } from '../file/socket-timeouts.ts';
import { queueForConnecting } from '../file/socket-waiters.ts';
import { shutdownSocket } from '../file/socket.ts';
import { installFd, lookupFile } from '../process/fd-table.ts';
import { readUser16, userRangeOk, writeUser32 } from '../process/user-memory.ts';
import type { FramePtr, TaskPtr } from '../task/task.ts';
import { Frame, PROCEED, WAIT, YIELD } from '../task/task.ts';
import { standInQueue } from '../wait/wait-queue.ts';
import { closeFd, installFresh, tableOf } from './create-files.ts';
import { fdsAvailable } from './descriptors.ts';
import { checkAddress, checkKind, checkUnixName, fileFlags, isDatagram, socketAt, typeOf } from './socket-arguments.ts';
import { standsToAccept } from './stands.ts';
import type { SyscallOps } from './syscall-ops.ts';
import {
  countOrAgain,
  countOrRestart,
  immediateOps,
  intArgument,
  watchesItsFile,
  wordArgument,
} from './syscall-ops.ts';

function socketBegin(t: TaskPtr, fr: FramePtr): number {
  const type = intArgument(fr, 1);
  if ((type & ~SOCK_TYPE_MASK & ~(SOCK_CLOEXEC | SOCK_NONBLOCK)) !== 0) return -EINVAL;
  const r = checkKind(intArgument(fr, 0), type & SOCK_TYPE_MASK, intArgument(fr, 2));
  if (r !== 0) return r;
  return installFresh(t, createSocket(typeOf(type), fileFlags(type)), type & SOCK_CLOEXEC);
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
  const datagram = typeOf(type) === SOCK_DGRAM;
  const f = datagram ? createSocket(SOCK_DGRAM, fileFlags(type)) : createSocketPair(typeOf(type), fileFlags(type));
  if (f === 0) return -ENFILE;
  const g = datagram ? createFriend(f, fileFlags(type)) : peerOf(f);
  if (g === 0) {
    releaseFile(f);
    return -ENFILE;
  }
  notePeer(f, pidOfSender(t));
  notePeer(g as FilePtr, pidOfSender(t));
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
  if (isDatagram(f as FilePtr)) return -EOPNOTSUPP;
  if (hasName(socketOf(f as FilePtr), endOf(f as FilePtr)) === 0) return -EINVAL;
  return listenOn(f as FilePtr, intArgument(fr, 1), pidOfSender(t));
}

/** A datagram socket may be connected again and again; a family of AF_UNSPEC ends it. */
function connectToAny(f: FilePtr, address: number, length: number): number {
  if (length < sockaddrUnLayout.path) return -EINVAL;
  if (readUser16(address) === AF_UNSPEC) return connectDatagram(f, 0, 0);
  const bad = checkUnixName(address, length);
  if (bad !== 0) return bad;
  const named = nameForAnswers(f);
  if (named !== 0) return named;
  return connectDatagram(f, address + sockaddrUnLayout.path, length - sockaddrUnLayout.path);
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
  if (isDatagram(f)) return connectToAny(f, address, length);
  const bad = checkUnixName(address, length);
  if (bad !== 0) return bad;
  const named = nameForAnswers(f);
  if (named !== 0) return named;
  Frame.file.set(fr, f);
  Frame.nonblocking.set(fr, (File.flags.load(f) & O_NONBLOCK) !== 0 ? 1 : 0);
  return PROCEED;
}

function nameOwner(fr: FramePtr): number {
  const type = Socket.type.get(socketOf(Frame.file.get(fr) as FilePtr));
  return ownerOfName(wordArgument(fr, 1) + sockaddrUnLayout.path, intArgument(fr, 2) - sockaddrUnLayout.path, type);
}

/** The name is looked up anew each time: the listener may have changed. A stream never is "in progress": it is EAGAIN. */
function connectAttempt(t: TaskPtr, fr: FramePtr): number {
  const listener = nameOwner(fr);
  if (listener < 0) return listener;
  const client = Frame.file.get(fr) as FilePtr;
  const r = connectTo(client, listener as FilePtr, pidOfSender(t));
  if (r !== WAIT) return r;
  boundWait(client, fr, true);
  return Frame.nonblocking.get(fr) === 1 ? -EAGAIN : WAIT;
}

function connectEnqueue(t: TaskPtr, fr: FramePtr): number {
  const q = queueForConnecting(Frame.file.get(fr) as FilePtr);
  if (q === 0) return YIELD;
  return standInQueue(q, t, 0, 0) === 1 ? 0 : -ENOMEM;
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
  if (isDatagram(f)) return -EOPNOTSUPP;
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
    if (r === WAIT) boundWait(listener, fr, false);
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

function shutdownBegin(t: TaskPtr, fr: FramePtr): number {
  const f = socketAt(t, intArgument(fr, 0));
  return f < 0 ? f : shutdownSocket(f as FilePtr, intArgument(fr, 1));
}

function getsocknameBegin(t: TaskPtr, fr: FramePtr): number {
  const f = socketAt(t, intArgument(fr, 0));
  if (f < 0) return f;
  return storeAddress(t, socketOf(f as FilePtr), endOf(f as FilePtr), wordArgument(fr, 1), wordArgument(fr, 2));
}

function storePeer(t: TaskPtr, fr: FramePtr, f: FilePtr): number {
  const peer = holdPeer(socketOf(f));
  if (peer === 0) return -ENOTCONN;
  const r = storeAddress(t, peer, 0, wordArgument(fr, 1), wordArgument(fr, 2));
  dropHolder(peer);
  return r;
}

/** The peer keeps its name after it was closed. */
function getpeernameBegin(t: TaskPtr, fr: FramePtr): number {
  const f = socketAt(t, intArgument(fr, 0));
  if (f < 0) return f;
  if (isDatagram(f as FilePtr)) return storePeer(t, fr, f as FilePtr);
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
  expired: countOrAgain,
  interrupted: countOrRestart,
  watches: connectWatches,
};
export const acceptCallOps: SyscallOps = {
  begin: acceptBegin,
  attempt: acceptAttempt,
  enqueue: standsToAccept,
  expired: countOrAgain,
  interrupted: countOrRestart,
  watches: watchesItsFile,
};
export const accept4CallOps: SyscallOps = { ...acceptCallOps, begin: accept4Begin };
