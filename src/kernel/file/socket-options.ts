/**
 * Options of unix sockets at level SOL_SOCKET: those that servers set whatever the family, answered as Linux does.
 *
 *     buffers      kept doubled, within Linux's bounds; SO_SNDBUF decides when a sender waits, SO_RCVBUF nothing (nor there)
 *     on or off    kept and answered, without effect on unix sockets as they are modelled
 *     questions    type, family, listening, and the error that waits, which is taken
 *
 * Every other option is ENOPROTOOPT, as one that Linux does not know.
 *
 * Linux: net/core/sock.c, sk_setsockopt, sk_getsockopt.
 */
import { ENOPROTOOPT, EOPNOTSUPP } from '../abi/errno.ts';
import {
  AF_UNIX,
  SO_ACCEPTCONN,
  SO_BROADCAST,
  SO_DEBUG,
  SO_DOMAIN,
  SO_DONTROUTE,
  SO_ERROR,
  SO_KEEPALIVE,
  SO_OOBINLINE,
  SO_PASSCRED,
  SO_PROTOCOL,
  SO_RCVBUF,
  SO_RCVBUFFORCE,
  SO_REUSEADDR,
  SO_REUSEPORT,
  SO_SNDBUF,
  SO_SNDBUFFORCE,
  SO_SNDLOWAT,
  SO_TIMESTAMP,
  SO_TYPE,
} from '../abi/flags-socket.ts';
import { sourceChangedForOne, sourceMoved } from '../epoll/source.ts';
import { lock, unlock } from '../irq/locking.ts';
import type { FilePtr } from './file.ts';
import { hasRoom } from './socket-charge.ts';
import { publishSocketLocked, ROOM_KEYS, takeErrorLocked } from './socket-readiness.ts';
import type { SocketPtr } from './socket-struct.ts';
import { endOf, Socket, SOCKET_LISTENING, socketOf } from './socket-struct.ts';

/** net.core.wmem_max and rmem_max: more cannot be asked for without force. */
const ASKED_MAX = 4_194_304;
const FORCED_MAX = 0x3fffffff;
/** The least that the kernel gives. */
const SEND_MIN = 4608;
const RECEIVE_MIN = 2304;

/** Options that are on or off, by bit; an option above 31 would need another word. */
const SWITCH_BITS: number =
  (1 << SO_DEBUG) |
  (1 << SO_REUSEADDR) |
  (1 << SO_DONTROUTE) |
  (1 << SO_BROADCAST) |
  (1 << SO_KEEPALIVE) |
  (1 << SO_OOBINLINE) |
  (1 << SO_PASSCRED) |
  (1 << SO_TIMESTAMP);

function isSwitch(option: number): boolean {
  return option > 0 && option < 32 && (SWITCH_BITS & (1 << option)) !== 0;
}

/** What is asked for is doubled, for what the kernel keeps beside the bytes. A negative size is an enormous one. */
function bufferSize(value: number, forced: boolean, least: number): number {
  if (forced) return Math.max(2 * Math.min(Math.max(value, 0), FORCED_MAX), least);
  return Math.max(2 * (value < 0 ? ASKED_MAX : Math.min(value, ASKED_MAX)), least);
}

/** @returns 0 or -errno */
export function setSocketOption(f: FilePtr, option: number, value: number): number {
  const s = socketOf(f);
  const end = endOf(f);
  if (option === SO_SNDBUF || option === SO_SNDBUFFORCE) {
    setSendBuffer(f, s, end, bufferSize(value, option === SO_SNDBUFFORCE, SEND_MIN));
    return 0;
  }
  if (option === SO_REUSEPORT) return value === 0 ? 0 : -EOPNOTSUPP;
  const receive = option === SO_RCVBUF || option === SO_RCVBUFFORCE;
  if (!receive && !isSwitch(option)) return -ENOPROTOOPT;
  lock(Socket.lock.at(s));
  if (receive) Socket.receiveBuffer.setAt(s, end, bufferSize(value, option === SO_RCVBUFFORCE, RECEIVE_MIN));
  else {
    const others = Socket.options.getAt(s, end) & ~(1 << option);
    Socket.options.setAt(s, end, value === 0 ? others : others | (1 << option));
  }
  unlock(Socket.lock.at(s));
  return 0;
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

/** @returns the option's value, which may be any int: whether there is such an option, `hasOption` says */
export function socketOption(f: FilePtr, option: number): number {
  const s = socketOf(f);
  const end = endOf(f);
  lock(Socket.lock.at(s));
  let value = 0;
  if (option === SO_TYPE) value = Socket.type.get(s);
  else if (option === SO_DOMAIN) value = AF_UNIX;
  else if (option === SO_SNDLOWAT) value = 1;
  else if (option === SO_ACCEPTCONN) value = Socket.state.get(s) === SOCKET_LISTENING ? 1 : 0;
  else if (option === SO_SNDBUF) value = Socket.sendBuffer.getAt(s, end);
  else if (option === SO_RCVBUF) value = Socket.receiveBuffer.getAt(s, end);
  else if (option === SO_ERROR) value = takeErrorLocked(s, end);
  else if (isSwitch(option)) value = (Socket.options.getAt(s, end) & (1 << option)) !== 0 ? 1 : 0;
  publishSocketLocked(s, end);
  unlock(Socket.lock.at(s));
  return value;
}

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
];

/** Can the option be asked for? */
export function hasOption(option: number): boolean {
  return isSwitch(option) || QUESTIONS.includes(option);
}
