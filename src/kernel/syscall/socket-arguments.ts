/**
 * What the calls on sockets have in common: descriptors, kinds and addresses, checked in the order of Linux.
 */
import { EAFNOSUPPORT, EBADF, EFAULT, EINVAL, ENOTSOCK, EPROTONOSUPPORT, ESOCKTNOSUPPORT } from '../abi/errno.ts';
import { O_NONBLOCK } from '../abi/flags-file.ts';
import {
  AF_UNIX,
  SOCK_DGRAM,
  SOCK_NONBLOCK,
  SOCK_RAW,
  SOCK_SEQPACKET,
  SOCK_STREAM,
  SOCK_TYPE_MASK,
} from '../abi/flags-socket.ts';
import { sockaddrUnLayout } from '../abi/layout.ts';
import type { FilePtr } from '../file/file.ts';
import { File, KIND_SOCKET } from '../file/file.ts';
import { Socket, socketOf } from '../file/socket-struct.ts';
import { lookupFile } from '../process/fd-table.ts';
import { readUser16, userRangeOk } from '../process/user-memory.ts';
import type { TaskPtr } from '../task/task.ts';

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

export function checkKind(family: number, type: number, protocol: number): number {
  if (family !== AF_UNIX) return -EAFNOSUPPORT;
  if (type >= SOCK_TYPES) return -EINVAL;
  if (protocol !== 0 && protocol !== AF_UNIX) return -EPROTONOSUPPORT;
  return type === SOCK_STREAM || type === SOCK_DGRAM || type === SOCK_SEQPACKET || type === SOCK_RAW
    ? 0
    : -ESOCKTNOSUPPORT;
}

/** To unix sockets SOCK_RAW is another name of SOCK_DGRAM. */
export function typeOf(type: number): number {
  const proper = type & SOCK_TYPE_MASK;
  return proper === SOCK_RAW ? SOCK_DGRAM : proper;
}
export function isDatagram(f: FilePtr): boolean {
  return Socket.type.get(socketOf(f)) === SOCK_DGRAM;
}

export function fileFlags(type: number): number {
  return (type & SOCK_NONBLOCK) !== 0 ? O_NONBLOCK : 0;
}

/** A unix address with a name behind its family? @returns 0 or -EINVAL */
export function checkUnixName(address: number, length: number): number {
  if (length <= sockaddrUnLayout.path || length > sockaddrUnLayout.size) return -EINVAL;
  return readUser16(address) === AF_UNIX ? 0 : -EINVAL;
}
