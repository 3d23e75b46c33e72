/**
 * Control messages of sendmsg and recvmsg, between the user's memory and the frame: descriptors (SCM_RIGHTS), who sends
 * (SCM_CREDENTIALS), and when it was received (SCM_TIMESTAMP).
 *
 *     sending     every descriptor is held before the socket is asked, or none is sent; who sends may only name itself
 *     receiving   time, sender, descriptors, in this order, as far as there is room; what does not fit is dropped, and
 *                 MSG_CTRUNC says so. Descriptors get the lowest free numbers.
 *
 * Linux: net/core/scm.c.
 */
import { NULL } from '../../shared-mem/pointer.ts';
import { EBADF, EFAULT, EINVAL, ENOBUFS, ENOMEM, EPERM } from '../abi/errno.ts';
import {
  MSG_CMSG_CLOEXEC,
  MSG_CTRUNC,
  SCM_CREDENTIALS,
  SCM_MAX_FD,
  SCM_RIGHTS,
  SCM_TIMESTAMP,
  SCM_TIMESTAMPNS,
  SO_TIMESTAMP,
  SO_TIMESTAMPNS,
  SOCK_SEQPACKET,
  SOCK_STREAM,
  SOL_SOCKET,
} from '../abi/flags-socket.ts';
import { cmsghdrLayout, msghdrLayout } from '../abi/layout.ts';
import type { ControlPtr } from '../file/control-data.ts';
import { addToControl, controlCount, fileOfControl } from '../file/control-data.ts';
import type { FilePtr } from '../file/file.ts';
import { dropControl } from '../file/in-flight.ts';
import { tryHoldFile } from '../file/lifetime.ts';
import { releaseFile } from '../file/ops-table.ts';
import { pidOfSender, wantsCredentials } from '../file/socket-credentials.ts';
import { isSwitchedOn } from '../file/socket-options.ts';
import { mayBeginPacket } from '../file/socket-packet.ts';
import { endOf, NOBODY, Socket, socketOf, UNKNOWN_SENDER } from '../file/socket-struct.ts';
import { MACHINE, Machine } from '../machine-record.ts';
import { installFd, lookupFile } from '../process/fd-table.ts';
import { readUser32, readUser64, userRangeOk, writeUser32, writeUser64, writeUser8 } from '../process/user-memory.ts';
import type { FramePtr, TaskPtr } from '../task/task.ts';
import { Frame, HELD_CONTROL, HELD_FILE } from '../task/task.ts';
import { clockNow } from '../time/clock.ts';
import { tableOf } from './create-files.ts';

/** net.core.optmem_max: control data of that size has no place in the kernel. */
const CONTROL_BYTES_MAX = 131_072;
const HEAD: number = cmsghdrLayout.data;
/** struct ucred: pid, user, group. */
const CREDENTIAL_WORDS = 3;
/** A time of 64 bits, and what is below a second, of 64 bits. */
const STAMP_WORDS = 4;
/** User and group of a sender that was not noted. */
const OVERFLOW_ID = 65_534;

function aligned(length: number): number {
  return Math.ceil(length / cmsghdrLayout.align) * cmsghdrLayout.align;
}

/** Takes the control messages that a msghdr to be sent names. @returns 0 or -errno; what is held already, the frame holds */
export function beginControl(t: TaskPtr, fr: FramePtr, header: number): number {
  Frame.credentials.set(fr, UNKNOWN_SENDER);
  const length = readUser64(header + msghdrLayout.controlLength);
  if (length === 0) return 0;
  if (length < 0 || length >= CONTROL_BYTES_MAX) return -ENOBUFS;
  const at = readUser64(header + msghdrLayout.control);
  if (userRangeOk(t, at, length) === 0) return -EFAULT;
  const f = Frame.file.get(fr) as FilePtr;
  const early = Socket.type.get(socketOf(f)) === SOCK_SEQPACKET ? mayBeginPacket(f) : 0;
  return early !== 0 ? early : parseControl(t, fr, at, at + length);
}

function parseControl(t: TaskPtr, fr: FramePtr, from: number, end: number): number {
  let at = from;
  while (at + cmsghdrLayout.size <= end) {
    const length = readUser64(at + cmsghdrLayout.length);
    if (length < cmsghdrLayout.size || at + length > end) return -EINVAL;
    if (readUser32(at + cmsghdrLayout.level) === SOL_SOCKET) {
      const r = takeControlMessage(t, fr, at, length);
      if (r !== 0) return r;
    }
    at += aligned(length);
  }
  return 0;
}

function takeControlMessage(t: TaskPtr, fr: FramePtr, at: number, length: number): number {
  const type = readUser32(at + cmsghdrLayout.type);
  if (type === SCM_RIGHTS) return holdDescriptors(t, fr, at + HEAD, Math.floor((length - HEAD) / 4));
  if (type !== SCM_CREDENTIALS || length !== HEAD + CREDENTIAL_WORDS * 4) return -EINVAL;
  const user = readUser32(at + HEAD + 4);
  const group = readUser32(at + HEAD + 8);
  if (user === -1 || group === -1) return -EINVAL;
  if (readUser32(at + HEAD) !== pidOfSender(t) || user !== 0 || group !== 0) return -EPERM;
  Frame.credentials.set(fr, pidOfSender(t));
  return 0;
}

function holdDescriptors(t: TaskPtr, fr: FramePtr, at: number, count: number): number {
  let chain = Frame.control.get(fr) as ControlPtr;
  if (controlCount(chain) + count > SCM_MAX_FD) return -EINVAL;
  for (let i = 0; i < count; i++) {
    const f = holdDescriptor(t, readUser32(at + 4 * i));
    if (f === 0) return -EBADF;
    const grown = addToControl(chain, f);
    if (grown === 0) {
      releaseFile(f);
      return -ENOMEM;
    }
    chain = grown;
    Frame.control.set(fr, chain);
    Frame.fileHeld.set(fr, Frame.fileHeld.get(fr) | HELD_CONTROL);
  }
  return 0;
}

/**
 * The file of a descriptor that is still open once its file is held: so it never was without a descriptor in between, and
 * is no garbage to the collector (file/in-flight.ts).
 */
function holdDescriptor(t: TaskPtr, fd: number): FilePtr {
  for (;;) {
    const f = lookupFile(t, fd);
    if (f === 0) return NULL;
    const held = tryHoldFile(f) === 1;
    if (held && lookupFile(t, fd) === f) return f;
    if (held) releaseFile(f);
  }
}

/** Whoever has room for descriptors holds the socket, for the same reason. @returns 0 or -EBADF */
export function holdReceiver(t: TaskPtr, fr: FramePtr, fd: number): number {
  const f = holdDescriptor(t, fd);
  if (f === Frame.file.get(fr) && f !== 0) {
    Frame.fileHeld.set(fr, Frame.fileHeld.get(fr) | HELD_FILE);
    return 0;
  }
  if (f !== 0) releaseFile(f);
  return -EBADF;
}

/**
 * Stores what came beside the bytes where a msghdr says, and how many bytes that took.
 * @param flags of the call @returns MSG_CTRUNC if not all of it fitted
 */
export function storeControl(t: TaskPtr, fr: FramePtr, header: number, flags: number): number {
  const f = Frame.file.get(fr) as FilePtr;
  const s = socketOf(f);
  const stream = Socket.type.get(s) === SOCK_STREAM;
  const to = readUser64(header + msghdrLayout.control);
  const asked = readUser64(header + msghdrLayout.controlLength);
  // Room for nothing, where there is no address; and an enormous room if its sign is lost.
  const room = to === 0 ? 0 : asked < 0 ? CONTROL_BYTES_MAX : asked;
  let used = 0;
  let cut = 0;
  // Who finds the end of a stream is told of its sender, who finds no message of nothing.
  if (stream || Frame.credentials.get(fr) !== NOBODY) {
    const stamp = stream ? 0 : stampOf(f);
    if (stamp !== 0) {
      if (room < HEAD + 4 * STAMP_WORDS) cut = MSG_CTRUNC;
      used += storeStamp(t, to, room, stamp);
    }
    if (wantsCredentials(s, endOf(f))) {
      if (room - used < HEAD + 4 * CREDENTIAL_WORDS) cut = MSG_CTRUNC;
      used += storeCredentials(t, to + used, room - used, Frame.credentials.get(fr));
    }
    const count = controlCount(Frame.control.get(fr) as ControlPtr);
    if (count > 0) {
      const installed = storeDescriptors(t, fr, to + used, room - used, count, flags);
      if (installed < count) cut = MSG_CTRUNC;
      if (installed > 0) used += Math.min(aligned(HEAD + 4 * installed), room - used);
    }
  }
  writeUser64(header + msghdrLayout.controlLength, used);
  return cut;
}

function stampOf(f: FilePtr): number {
  if (isSwitchedOn(f, SO_TIMESTAMP)) return SCM_TIMESTAMP;
  return isSwitchedOn(f, SO_TIMESTAMPNS) ? SCM_TIMESTAMPNS : 0;
}

/** The wall clock now, for no message notes when it was sent. */
function storeStamp(t: TaskPtr, to: number, room: number, type: number): number {
  const ns = Machine.bootWallNs.get(MACHINE) + clockNow();
  const seconds = Machine.bootWallSeconds.get(MACHINE) + Math.floor(ns / 1e9);
  const below = Math.floor((ns % 1e9) / (type === SCM_TIMESTAMP ? 1000 : 1));
  return storeMessage(t, to, room, type, STAMP_WORDS, seconds | 0, Math.floor(seconds / 4294967296), below, 0);
}

/** Nobody is user 0, whoever is unknown has no user. */
function storeCredentials(t: TaskPtr, to: number, room: number, sender: number): number {
  const id = sender === UNKNOWN_SENDER ? OVERFLOW_ID : 0;
  return storeMessage(t, to, room, SCM_CREDENTIALS, CREDENTIAL_WORDS, Math.max(0, sender), id, id, 0);
}

/** Stores a message of up to four words, cut to the room. @returns bytes that it took; 0 also for a bad address */
function storeMessage(
  t: TaskPtr,
  to: number,
  room: number,
  type: number,
  words: number,
  first: number,
  second: number,
  third: number,
  fourth: number,
): number {
  const length = Math.min(HEAD + 4 * words, room);
  if (length < HEAD || userRangeOk(t, to, length) === 0) return 0;
  writeHead(to, length, type);
  for (let i = HEAD; i < length; i++) {
    const word = (i - HEAD) >> 2;
    const value = word === 0 ? first : word === 1 ? second : word === 2 ? third : fourth;
    writeUser8(to + i, (value >> (8 * (i & 3))) & 255);
  }
  return Math.min(aligned(HEAD + 4 * words), room);
}

function writeHead(to: number, length: number, type: number): void {
  writeUser64(to + cmsghdrLayout.length, length);
  writeUser32(to + cmsghdrLayout.level, SOL_SOCKET);
  writeUser32(to + cmsghdrLayout.type, type);
}

/** Gives received files numbers, as many as fit, and lets the others go. @returns how many */
function storeDescriptors(t: TaskPtr, fr: FramePtr, to: number, room: number, count: number, flags: number): number {
  const chain = Frame.control.get(fr) as ControlPtr;
  const most = Math.min(count, Math.max(0, Math.floor((room - HEAD) / 4)));
  let done = 0;
  while (done < most && userRangeOk(t, to + HEAD + 4 * done, 4) === 1) {
    const fd = installFd(tableOf(t), fileOfControl(chain, done), flags & MSG_CMSG_CLOEXEC, 0);
    if (fd < 0) break;
    writeUser32(to + HEAD + 4 * done, fd);
    done++;
  }
  if (done > 0 && userRangeOk(t, to, HEAD) === 1) writeHead(to, HEAD + 4 * done, SCM_RIGHTS);
  Frame.control.set(fr, NULL);
  dropControl(chain, done);
  return done;
}
