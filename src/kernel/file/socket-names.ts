/**
 * Names of unix sockets: one table for the machine, abstract names (which begin with NUL) and paths alike.
 *
 * A name is found as long as its owner lives. An abstract one is free again then; its place is, when nobody carries it
 * any more. A path stays, as the file would that Linux makes of it: binding it again is EADDRINUSE, connecting to it ECONNREFUSED. There
 * is no file system behind the paths, so they are compared byte by byte and need no directory.
 *
 * The table's lock is of class file and is taken alone: with no socket's lock held. It guards the table and every
 * Socket.name. A file found here is not held; the boundary between traps keeps its record (file/file.ts).
 *
 * Linux: net/unix/af_unix.c, unix_bind_bsd, unix_bind_abstract, unix_autobind, unix_find_other.
 */
import { CLASS_FILE } from '../../shared-mem/locks/classes.ts';
import { NULL } from '../../shared-mem/pointer.ts';
import { EADDRINUSE, ECONNREFUSED, EFAULT, EINVAL, ENOENT, ENOSPC, EPROTOTYPE } from '../abi/errno.ts';
import { AF_UNIX } from '../abi/flags-socket.ts';
import { sockaddrUnLayout } from '../abi/layout.ts';
import { initClassLock, lock, unlock } from '../irq/locking.ts';
import { MACHINE, Machine } from '../machine-record.ts';
import {
  copyBytes,
  readUser32,
  readUser8,
  userRangeOk,
  writeUser16,
  writeUser32,
  writeUser8,
} from '../process/user-memory.ts';
import type { TaskPtr } from '../task/task.ts';
import { initWaitQueue } from '../wait/wait-queue.ts';
import type { FilePtr } from './file.ts';
import type { SocketNamesPtr } from './socket-names-struct.ts';
import { NAME_WORDS, SOCKET_NAMES_MAX, SocketNames } from './socket-names-struct.ts';
import type { SocketPtr } from './socket-struct.ts';
import { Socket } from './socket-struct.ts';

/** An automatic name is NUL and five hexadecimal digits. */
const AUTOMATIC_LENGTH = 6;
const AUTOMATIC_COUNT = 0x100000;

export function socketNames(): SocketNamesPtr {
  return Machine.socketNames.at(MACHINE);
}

/** At boot. */
export function initSocketNames(): void {
  initClassLock(SocketNames.lock.at(socketNames()), CLASS_FILE, 0);
  initWaitQueue(SocketNames.connecting.at(socketNames()));
}

/** The byte address of a name's text. */
function textOf(names: SocketNamesPtr, index: number): number {
  return ((names as number) + SocketNames.text.off + index * NAME_WORDS) * 4;
}

/** Bytes of the name that lies at `text`, of at most `most`: a path ends at its NUL, which counts. */
function nameLength(text: number, most: number): number {
  if (readUser8(text) === 0) return most;
  let length = 0;
  while (length < most && readUser8(text + length) !== 0) length++;
  return length + 1;
}

/**
 * @returns the place of the name of `length` bytes at `text`, or -1. An abstract name without an owner is only what its
 * accepted ends are called by, and is not found.
 */
function placeOfLocked(names: SocketNamesPtr, text: number, length: number, type: number): number {
  const abstract = readUser8(text) === 0;
  const top = SocketNames.top.get(names);
  for (let i = 0; i < top; i++) {
    if (SocketNames.length.getAt(names, i) !== length || !sameText(textOf(names, i), text, length)) continue;
    if (!abstract) return i;
    if (SocketNames.owner.getAt(names, i) !== 0 && SocketNames.type.getAt(names, i) === type) return i;
  }
  return -1;
}

/** A path's last byte is its NUL, which need not stand in the user's memory. */
function sameText(name: number, text: number, length: number): boolean {
  const compared = readUser8(name) === 0 ? length : length - 1;
  for (let i = 0; i < compared; i++) {
    if (readUser8(name + i) !== readUser8(text + i)) return false;
  }
  return true;
}

function freePlaceLocked(names: SocketNamesPtr): number {
  const top = SocketNames.top.get(names);
  for (let i = 0; i < top; i++) {
    if (SocketNames.length.getAt(names, i) === 0) return i;
  }
  if (top === SOCKET_NAMES_MAX) return -1;
  SocketNames.top.set(names, top + 1);
  return top;
}

/**
 * Gives an end of a socket a name.
 * @param f the end's file, @param text user address behind the family, `most` bytes of it; checked by the caller
 * @returns 0 or -errno; a path in use is reported before a second name is (Linux makes the file first)
 */
export function bindName(s: SocketPtr, end: number, f: FilePtr, text: number, most: number): number {
  const names = socketNames();
  const abstract = readUser8(text) === 0;
  const length = nameLength(text, most);
  lock(SocketNames.lock.at(names));
  const named = Socket.name.getAt(s, end) !== 0;
  let r = 0;
  if (abstract && named) r = -EINVAL;
  else if (placeOfLocked(names, text, length, Socket.type.get(s)) >= 0) r = -EADDRINUSE;
  else if (named) r = -EINVAL;
  else r = placeNameLocked(names, s, end, f, text, length);
  unlock(SocketNames.lock.at(names));
  return r;
}

function placeNameLocked(
  names: SocketNamesPtr,
  s: SocketPtr,
  end: number,
  f: FilePtr,
  text: number,
  length: number,
): number {
  const place = freePlaceLocked(names);
  if (place < 0) return -ENOSPC;
  const copied = readUser8(text) === 0 ? length : length - 1;
  copyBytes(textOf(names, place), text, copied);
  if (copied < length) writeUser8(textOf(names, place) + copied, 0);
  takePlaceLocked(names, s, end, f, place, length);
  return 0;
}

function takePlaceLocked(
  names: SocketNamesPtr,
  s: SocketPtr,
  end: number,
  f: FilePtr,
  place: number,
  length: number,
): void {
  SocketNames.owner.setAt(names, place, f);
  SocketNames.length.setAt(names, place, length);
  SocketNames.type.setAt(names, place, Socket.type.get(s));
  SocketNames.refs.setAt(names, place, 1);
  Socket.name.setAt(s, end, place + 1);
}

/** bind with a family and nothing else: an abstract name that nobody has. @returns 0 or -errno */
export function bindAutomatic(s: SocketPtr, end: number, f: FilePtr): number {
  const names = socketNames();
  lock(SocketNames.lock.at(names));
  let r = 0;
  if (Socket.name.getAt(s, end) === 0) {
    const place = freePlaceLocked(names);
    if (place < 0) r = -ENOSPC;
    else automaticNameLocked(names, s, end, f, place);
  }
  unlock(SocketNames.lock.at(names));
  return r;
}

/** There are far more automatic names than places, so the search ends. */
function automaticNameLocked(names: SocketNamesPtr, s: SocketPtr, end: number, f: FilePtr, place: number): void {
  const text = textOf(names, place);
  do {
    const number = SocketNames.nextAutomatic.get(names);
    SocketNames.nextAutomatic.set(names, (number + 1) % AUTOMATIC_COUNT);
    writeUser8(text, 0);
    for (let digit = 1; digit < AUTOMATIC_LENGTH; digit++) {
      const value = (number >> (4 * (AUTOMATIC_LENGTH - 1 - digit))) & 15;
      writeUser8(text + digit, value < 10 ? 48 + value : 87 + value);
    }
  } while (placeOfLocked(names, text, AUTOMATIC_LENGTH, Socket.type.get(s)) >= 0);
  takePlaceLocked(names, s, end, f, place, AUTOMATIC_LENGTH);
}

/**
 * @param type SOCK_* of who asks
 * @returns the living owner of a name, not held, or -errno: an unknown path is ENOENT, one of another type EPROTOTYPE, all
 * else ECONNREFUSED
 */
export function ownerOfName(text: number, most: number, type: number): number {
  const names = socketNames();
  lock(SocketNames.lock.at(names));
  const place = placeOfLocked(names, text, nameLength(text, most), type);
  const owner = place < 0 ? NULL : SocketNames.owner.getAt(names, place);
  const found = place < 0 ? type : SocketNames.type.getAt(names, place);
  unlock(SocketNames.lock.at(names));
  if (owner !== 0) return found === type ? owner : -EPROTOTYPE;
  return place < 0 && readUser8(text) !== 0 ? -ENOENT : -ECONNREFUSED;
}

/** Has this end a name? */
export function hasName(s: SocketPtr, end: number): number {
  const names = socketNames();
  lock(SocketNames.lock.at(names));
  const named = Socket.name.getAt(s, end) !== 0 ? 1 : 0;
  unlock(SocketNames.lock.at(names));
  return named;
}

/** The owner dies: from here on its name leads nowhere. */
export function disownName(s: SocketPtr, f: FilePtr, end: number): void {
  const names = socketNames();
  lock(SocketNames.lock.at(names));
  const place = Socket.name.getAt(s, end) - 1;
  if (place >= 0 && SocketNames.owner.getAt(names, place) === f) SocketNames.owner.setAt(names, place, NULL);
  unlock(SocketNames.lock.at(names));
}

/** End 1 of a connection carries the name of the listener that it was made for. */
export function inheritName(s: SocketPtr, listener: SocketPtr): void {
  const names = socketNames();
  lock(SocketNames.lock.at(names));
  const name = Socket.name.getAt(listener, 0);
  if (name !== 0) {
    SocketNames.refs.setAt(names, name - 1, SocketNames.refs.getAt(names, name - 1) + 1);
    Socket.name.setAt(s, 1, name);
  }
  unlock(SocketNames.lock.at(names));
}

/** Both ends of a socket are gone: an abstract name that was the last's is free again. */
export function dropNames(s: SocketPtr): void {
  const names = socketNames();
  lock(SocketNames.lock.at(names));
  for (let end = 0; end < 2; end++) {
    const place = Socket.name.getAt(s, end) - 1;
    if (place < 0) continue;
    const refs = SocketNames.refs.getAt(names, place) - 1;
    SocketNames.refs.setAt(names, place, refs);
    if (refs === 0 && readUser8(textOf(names, place)) === 0) SocketNames.length.setAt(names, place, 0);
    Socket.name.setAt(s, end, 0);
  }
  unlock(SocketNames.lock.at(names));
}

/** The bytes of an end's address: the family alone where it has no name. */
export function addressLength(s: SocketPtr, end: number): number {
  const names = socketNames();
  lock(SocketNames.lock.at(names));
  const place = Socket.name.getAt(s, end) - 1;
  const length = place < 0 ? 0 : SocketNames.length.getAt(names, place);
  unlock(SocketNames.lock.at(names));
  return sockaddrUnLayout.path + length;
}

/**
 * Stores an end's address, cut to the room that the user says there is, and its whole length.
 * @param room user address of the int that says how much room there is, and then how long the address is
 * @returns 0 or -errno
 */
export function storeAddress(t: TaskPtr, s: SocketPtr, end: number, to: number, room: number): number {
  if (userRangeOk(t, room, 4) === 0) return -EFAULT;
  const whole = addressLength(s, end);
  const allowed = Math.min(readUser32(room), whole);
  if (allowed < 0) return -EINVAL;
  if (allowed > 0 && userRangeOk(t, to, allowed) === 0) return -EFAULT;
  const names = socketNames();
  lock(SocketNames.lock.at(names));
  if (allowed >= sockaddrUnLayout.path) writeUser16(to, AF_UNIX);
  else if (allowed === 1) writeUser8(to, AF_UNIX);
  const place = Socket.name.getAt(s, end) - 1;
  if (place >= 0 && allowed > sockaddrUnLayout.path) {
    copyBytes(to + sockaddrUnLayout.path, textOf(names, place), allowed - sockaddrUnLayout.path);
  }
  unlock(SocketNames.lock.at(names));
  writeUser32(room, whole);
  return 0;
}
