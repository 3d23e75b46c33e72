/**
 * Options of unix sockets at level SOL_SOCKET: those that servers set whatever the family, answered as Linux does.
 *
 *     buffers      kept doubled, within Linux's bounds; SO_SNDBUF decides when a sender waits, SO_RCVBUF nothing (nor there)
 *     on or off    kept and answered; SO_PASSCRED and the time stamps tell more with each message (syscall/socket-control.ts)
 *     ints         kept and answered; SO_RCVLOWAT and SO_PEEK_OFF decide how much is received
 *     timeouts     bound how long calls wait (socket-timeouts.ts)
 *     questions    type, family, listening, who is at the other end, and the error that waits, which is taken
 *
 * Nobody here has a capability: what needs one is EPERM (SO_DEBUG: EACCES). Every other option is ENOPROTOOPT, as one that
 * Linux does not know.
 *
 * Linux: net/core/sock.c, sk_setsockopt, sk_getsockopt.
 */
import { generationOf, recordIndex } from '../../shared-mem/slab.ts';
import { EACCES, EINVAL, ENOPROTOOPT, EOPNOTSUPP, EPERM } from '../abi/errno.ts';
import {
  AF_UNIX,
  SO_ACCEPTCONN,
  SO_BROADCAST,
  SO_BUSY_POLL,
  SO_COOKIE,
  SO_DEBUG,
  SO_DOMAIN,
  SO_DONTROUTE,
  SO_ERROR,
  SO_INCOMING_CPU,
  SO_KEEPALIVE,
  SO_LINGER,
  SO_MARK,
  SO_MEMINFO,
  SO_NO_CHECK,
  SO_OOBINLINE,
  SO_PASSCRED,
  SO_PASSSEC,
  SO_PEEK_OFF,
  SO_PEERCRED,
  SO_PRIORITY,
  SO_PROTOCOL,
  SO_RCVBUF,
  SO_RCVBUFFORCE,
  SO_RCVLOWAT,
  SO_RCVTIMEO,
  SO_REUSEADDR,
  SO_REUSEPORT,
  SO_RXQ_OVFL,
  SO_SELECT_ERR_QUEUE,
  SO_SNDBUF,
  SO_SNDBUFFORCE,
  SO_SNDLOWAT,
  SO_SNDTIMEO,
  SO_TIMESTAMP,
  SO_TIMESTAMPNS,
  SO_TYPE,
  SO_ZEROCOPY,
} from '../abi/flags-socket.ts';
import { sourceChangedForOne, sourceMoved } from '../epoll/source.ts';
import { lock, unlock } from '../irq/locking.ts';
import { MACHINE, Machine } from '../machine-record.ts';
import type { FilePtr } from './file.ts';
import { hasRoom, unreadCost } from './socket-charge.ts';
import { publishSocketLocked, ROOM_KEYS, takeErrorLocked } from './socket-readiness.ts';
import type { SocketPtr } from './socket-struct.ts';
import {
  endOf,
  setValueLocked,
  Socket,
  SOCKET_LISTENING,
  socketOf,
  VALUE_BUSY_POLL,
  VALUE_INCOMING_CPU,
  VALUE_LINGER,
  VALUE_PEEK_OFFSET,
  VALUE_PRIORITY,
  VALUE_RECEIVE_LOW,
  valueLocked,
} from './socket-struct.ts';
import { socketTimeout } from './socket-timeouts.ts';

/** net.core.wmem_max and rmem_max: more cannot be asked for without force. */
const ASKED_MAX = 4_194_304;
/** The least that the kernel gives. */
const SEND_MIN = 4608;
const RECEIVE_MIN = 2304;
const PRIORITY_MAX = 6;

/** Options that are on or off; the place is the bit. */
const SWITCHES: readonly number[] = [
  SO_DEBUG,
  SO_REUSEADDR,
  SO_DONTROUTE,
  SO_BROADCAST,
  SO_KEEPALIVE,
  SO_OOBINLINE,
  SO_NO_CHECK,
  SO_PASSCRED,
  SO_TIMESTAMP,
  SO_TIMESTAMPNS,
  SO_PASSSEC,
  SO_RXQ_OVFL,
  SO_SELECT_ERR_QUEUE,
  SO_LINGER,
];
/** Of an option that is an int, its place in `Socket.values`. */
const VALUES: Readonly<Record<number, number>> = {
  [SO_PRIORITY]: VALUE_PRIORITY,
  [SO_RCVLOWAT]: VALUE_RECEIVE_LOW,
  [SO_PEEK_OFF]: VALUE_PEEK_OFFSET,
  [SO_BUSY_POLL]: VALUE_BUSY_POLL,
  [SO_INCOMING_CPU]: VALUE_INCOMING_CPU,
};
/** Words of an option's answer: one, unless it stands here. */
const WORDS: Readonly<Record<number, number>> = {
  [SO_LINGER]: 2,
  [SO_PEERCRED]: 3,
  [SO_RCVTIMEO]: 4,
  [SO_SNDTIMEO]: 4,
  [SO_COOKIE]: 2,
  [SO_MEMINFO]: 9,
};
const QUESTIONS: readonly number[] = [
  SO_TYPE,
  SO_DOMAIN,
  SO_PROTOCOL,
  SO_SNDLOWAT,
  SO_ACCEPTCONN,
  SO_SNDBUF,
  SO_RCVBUF,
  SO_REUSEPORT,
  SO_ERROR,
  SO_MARK,
  SO_ZEROCOPY,
];

function bitOf(option: number): number {
  const place = SWITCHES.indexOf(option);
  return place < 0 ? 0 : 1 << place;
}

/** What is asked for is doubled, for what the kernel keeps beside the bytes. A negative size is an enormous one. */
function bufferSize(value: number, least: number): number {
  return Math.max(2 * (value < 0 ? ASKED_MAX : Math.min(value, ASKED_MAX)), least);
}

/** Sets an option that is one int. @returns 0 or -errno */
export function setSocketOption(f: FilePtr, option: number, value: number): number {
  const s = socketOf(f);
  const end = endOf(f);
  if (option === SO_SNDBUF) {
    setSendBuffer(f, s, end, bufferSize(value, SEND_MIN));
    return 0;
  }
  const refused = refusal(option, value);
  if (refused !== 0) return refused;
  if (option === SO_REUSEPORT) return 0;
  lock(Socket.lock.at(s));
  let r = 0;
  const place = VALUES[option];
  if (option === SO_RCVBUF) Socket.receiveBuffer.setAt(s, end, bufferSize(value, RECEIVE_MIN));
  else if (place !== undefined) setValueLocked(s, end, place, option === SO_RCVLOWAT ? lowMark(value) : value);
  else if (option === SO_PASSCRED) Socket.passesCredentials.storeAt(s, end, value === 0 ? 0 : 1);
  else if (bitOf(option) !== 0 && option !== SO_LINGER) switchLocked(s, end, option, value !== 0);
  else r = -ENOPROTOOPT;
  unlock(Socket.lock.at(s));
  return r;
}

/** Values that Linux refuses. @returns 0 or -errno */
function refusal(option: number, value: number): number {
  if (option === SO_SNDBUFFORCE || option === SO_RCVBUFFORCE || option === SO_MARK) return -EPERM;
  if (option === SO_PRIORITY) return value < 0 || value > PRIORITY_MAX ? -EPERM : 0;
  if (option === SO_BUSY_POLL) return value < 0 ? -EINVAL : 0;
  if (option === SO_DEBUG) return value === 0 ? 0 : -EACCES;
  if (option === SO_REUSEPORT) return value === 0 ? 0 : -EOPNOTSUPP;
  return option === SO_ZEROCOPY ? -EOPNOTSUPP : 0;
}

/** A negative mark is the highest, and 0 the lowest that there is. */
function lowMark(value: number): number {
  return value < 0 ? 0x7fffffff : Math.max(1, value);
}

/** There is one time stamp, in microseconds or in nanoseconds. */
function switchLocked(s: SocketPtr, end: number, option: number, on: boolean): void {
  const stamps = bitOf(SO_TIMESTAMP) | bitOf(SO_TIMESTAMPNS);
  const bit = bitOf(option);
  const others = Socket.options.getAt(s, end) & ~((bit & stamps) !== 0 ? stamps : bit);
  Socket.options.setAt(s, end, on ? others | bit : others);
}

/** Kept and answered: a unix socket lingers nowhere. */
export function setLinger(f: FilePtr, on: boolean, seconds: number): void {
  const s = socketOf(f);
  const end = endOf(f);
  lock(Socket.lock.at(s));
  switchLocked(s, end, SO_LINGER, on);
  if (on) setValueLocked(s, end, VALUE_LINGER, seconds);
  unlock(Socket.lock.at(s));
}

/** Is an option on that is on or off? */
export function isSwitchedOn(f: FilePtr, option: number): boolean {
  const s = socketOf(f);
  lock(Socket.lock.at(s));
  const on = (Socket.options.getAt(s, endOf(f)) & bitOf(option)) !== 0;
  unlock(Socket.lock.at(s));
  return on;
}

/** Takes the error that waits for the next call, or leaves one for it. */
export function takeSocketError(f: FilePtr): number {
  return optionWord(f, SO_ERROR, 0);
}
export function setSocketError(f: FilePtr, error: number): void {
  const s = socketOf(f);
  lock(Socket.lock.at(s));
  Socket.error.setAt(s, endOf(f), error);
  publishSocketLocked(s, endOf(f));
  unlock(Socket.lock.at(s));
}

/** Who waits for room may have it now. */
function setSendBuffer(f: FilePtr, s: SocketPtr, end: number, size: number): void {
  lock(Socket.lock.at(s));
  Socket.sendBuffer.setAt(s, end, size);
  publishSocketLocked(s, end);
  const room = hasRoom(s, 1 - end);
  unlock(Socket.lock.at(s));
  if (room) sourceChangedForOne(f, ROOM_KEYS);
  else sourceMoved(f, ROOM_KEYS);
}

/** @returns words of the option's answer, 0 if there is no such option */
export function optionWords(option: number): number {
  const words = WORDS[option];
  if (words !== undefined) return words;
  return bitOf(option) !== 0 || VALUES[option] !== undefined || QUESTIONS.includes(option) ? 1 : 0;
}

/** @returns word `index` of the option's answer, which may be any int */
export function optionWord(f: FilePtr, option: number, index: number): number {
  if (option === SO_RCVTIMEO || option === SO_SNDTIMEO)
    return timeoutWord(socketTimeout(f, option === SO_SNDTIMEO), index);
  const s = socketOf(f);
  const end = endOf(f);
  lock(Socket.lock.at(s));
  const value = optionWordLocked(s, end, option, index);
  publishSocketLocked(s, end);
  unlock(Socket.lock.at(s));
  return value;
}

function optionWordLocked(s: SocketPtr, end: number, option: number, index: number): number {
  if (option === SO_TYPE) return Socket.type.get(s);
  if (option === SO_DOMAIN) return AF_UNIX;
  if (option === SO_SNDLOWAT) return 1;
  if (option === SO_ACCEPTCONN) return Socket.state.get(s) === SOCKET_LISTENING ? 1 : 0;
  if (option === SO_SNDBUF) return Socket.sendBuffer.getAt(s, end);
  if (option === SO_RCVBUF) return Socket.receiveBuffer.getAt(s, end);
  if (option === SO_ERROR) return takeErrorLocked(s, end);
  if (option === SO_PASSCRED) return Socket.passesCredentials.loadAt(s, end);
  if (option === SO_PEERCRED) return peerWord(Socket.peerPid.getAt(s, end), index);
  if (option === SO_LINGER && index === 1) return valueLocked(s, end, VALUE_LINGER);
  if (option === SO_COOKIE)
    return index === 0 ? recordIndex(Machine.sockets.at(MACHINE), s) * 2 + end : generationOf(s);
  if (option === SO_MEMINFO) return memoryWord(s, end, index);
  const place = VALUES[option];
  if (place !== undefined) return valueLocked(s, end, place);
  return (Socket.options.getAt(s, end) & bitOf(option)) !== 0 ? 1 : 0;
}

/** Pid, user, group; nobody is of no user and no group. */
function peerWord(pid: number, index: number): number {
  if (index === 0) return pid;
  return pid === 0 ? -1 : 0;
}

/** struct timeval, both fields of 64 bits. */
function timeoutWord(timeoutUs: number, index: number): number {
  const us = Math.max(0, timeoutUs);
  const seconds = Math.floor(us / 1e6);
  if (index === 0) return seconds | 0;
  if (index === 1) return Math.floor(seconds / 4294967296);
  return index === 2 ? us - seconds * 1e6 : 0;
}

/** SK_MEMINFO_*: what lies in a queue is the sender's, so only the buffers and what was sent are not 0. */
function memoryWord(s: SocketPtr, end: number, index: number): number {
  if (index === 1) return Socket.receiveBuffer.getAt(s, end);
  if (index === 2) return unreadCost(s, end);
  return index === 3 ? Socket.sendBuffer.getAt(s, end) : 0;
}
