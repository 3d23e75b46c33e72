/**
 * Recipes of messages: to and from sockets of all kinds, named or not, with descriptors in them.
 */
import {
  MSG_DONTWAIT,
  MSG_NOSIGNAL,
  MSG_PEEK,
  MSG_TRUNC,
  MSG_WAITALL,
  SCM_RIGHTS,
  SOL_SOCKET,
} from '../../kernel/abi/flags-socket.ts';
import { cmsghdrLayout, msghdrLayout } from '../../kernel/abi/layout.ts';
import { load32, load64, store32, store64 } from '../libc/memory.ts';
import { sys } from '../libc/sys.ts';
import { ADDRESS_BYTES, address, buffer, message, roomOf, SOCKET_NAMES } from './build-arguments.ts';
import type { Caller, Recipe } from './caller.ts';
import { DATAGRAM, READABLE, STREAM, UNKNOWN } from './descriptors.ts';
import { nonblocking, someBytes } from './recipes-files.ts';

const NAME_BYTES = 32;
/** Room for three descriptors. */
const CONTROL_BYTES: number = cmsghdrLayout.data + 16;

/** Mostly nobody is made to wait for what may never come. */
function messageFlags(c: Caller, possible: number): number {
  return nonblocking(c, MSG_DONTWAIT) | (c.random.once(5) ? c.random.bits(possible) : 0);
}

/** A name that a datagram may reach somebody by. */
function reachable(c: Caller): number {
  const name = c.fds.nameOf(c.fds.findOf(DATAGRAM));
  return name >= 0 ? name : c.random.below(SOCKET_NAMES);
}

function sendto(c: Caller): number {
  const bytes = someBytes(c);
  c.most = bytes;
  const fd = c.fds.find([STREAM, STREAM, DATAGRAM]);
  const flags = messageFlags(c, MSG_NOSIGNAL);
  const named = c.fds.kindOf(fd) === DATAGRAM && !c.random.once(3);
  if (!named) return sys.sendto(fd, buffer(c, bytes), bytes, flags, 0, 0);
  return sys.sendto(fd, buffer(c, bytes), bytes, flags, address(c, reachable(c)), ADDRESS_BYTES);
}

function recvfrom(c: Caller): number {
  const bytes = someBytes(c);
  const flags = messageFlags(c, MSG_PEEK | MSG_TRUNC | MSG_WAITALL);
  // With MSG_TRUNC it tells the message's whole length.
  if ((flags & MSG_TRUNC) === 0) c.most = bytes;
  const fd = c.fds.find([STREAM, DATAGRAM]);
  if (c.random.once(2)) return sys.recvfrom(fd, buffer(c, bytes), bytes, flags, 0, 0);
  return sys.recvfrom(fd, buffer(c, bytes), bytes, flags, c.scratch.take(NAME_BYTES), roomOf(c, NAME_BYTES));
}

function sendmsg(c: Caller): number {
  const bytes = c.random.below(200);
  c.most = bytes;
  const fd = c.fds.find([STREAM, STREAM, DATAGRAM]);
  const named = c.fds.kindOf(fd) === DATAGRAM && c.random.once(2);
  const carries = c.random.once(4);
  const name = named ? address(c, reachable(c)) : 0;
  const at = message(c, bytes, name, named ? ADDRESS_BYTES : 0, carries ? CONTROL_BYTES : 0);
  if (carries) storeRights(c, Number(load64(at + msghdrLayout.control)), at);
  return sys.sendmsg(fd, at, messageFlags(c, MSG_NOSIGNAL));
}

/** One to three open descriptors, to be carried along. */
function storeRights(c: Caller, control: number, header: number): void {
  const count = c.random.between(1, 3);
  const length = cmsghdrLayout.data + count * 4;
  store64(control, length);
  store32(control + cmsghdrLayout.level, SOL_SOCKET);
  store32(control + cmsghdrLayout.type, SCM_RIGHTS);
  for (let i = 0; i < count; i++) store32(control + cmsghdrLayout.data + i * 4, c.fds.find(READABLE));
  store64(header + msghdrLayout.controlLength, length);
}

function recvmsg(c: Caller): number {
  const bytes = c.random.below(200);
  const room = c.random.once(2) ? CONTROL_BYTES : 0;
  const named = c.random.once(3);
  const at = message(c, bytes, named ? c.scratch.take(NAME_BYTES) : 0, named ? NAME_BYTES : 0, room);
  const flags = messageFlags(c, MSG_PEEK | MSG_TRUNC);
  if ((flags & MSG_TRUNC) === 0) c.most = bytes;
  c.notes[0] = room === 0 ? 0 : at;
  return sys.recvmsg(c.fds.find([STREAM, DATAGRAM]), at, flags);
}

/** Descriptors that came along are ours to close. */
function notesRights(c: Caller, result: number): string | undefined {
  const header = c.notes[0];
  if (result < 0 || header === 0 || c.spoiled) return undefined;
  const length = Number(load64(header + msghdrLayout.controlLength));
  if (length > CONTROL_BYTES) return `says ${length} bytes of control data, and had room for ${CONTROL_BYTES}`;
  if (length < cmsghdrLayout.data) return undefined;
  const control = Number(load64(header + msghdrLayout.control));
  if (load32(control + cmsghdrLayout.type) !== SCM_RIGHTS) return undefined;
  const own = Math.min(Number(load64(control)), length);
  for (let at = cmsghdrLayout.data; at + 4 <= own; at += 4) c.fds.note(load32(control + at), UNKNOWN);
  return undefined;
}

export const MESSAGE_RECIPES: readonly Recipe[] = [
  { name: 'sendto', weight: 6, make: sendto },
  { name: 'recvfrom', weight: 6, make: recvfrom },
  { name: 'sendmsg', weight: 6, make: sendmsg },
  { name: 'recvmsg', weight: 6, make: recvmsg, after: notesRights },
];
