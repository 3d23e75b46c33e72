/**
 * The record of the machine's socket names, apart from what is done with them (socket-names.ts), because the machine's
 * record embeds it.
 */
import { SpinLock } from '../../shared-mem/locks/spin-lock.ts';
import type { Ptr } from '../../shared-mem/pointer.ts';
import { embed, plain, plains, struct } from '../../shared-mem/struct.ts';
import { WaitQueue } from '../wait/wait-queue-struct.ts';

/** Names that sockets of the whole machine may have at once; the next bind is ENOSPC. */
export const SOCKET_NAMES_MAX = 256;
/** Words of one name: 108 bytes of path and the NUL that Linux adds to a path which fills them. */
export const NAME_WORDS = 28;

export type SocketNamesPtr = Ptr<'SocketNames'>;

export const SocketNames = struct('SocketNames', {
  lock: embed(SpinLock),
  /** Blocked connects stand here, whichever name they want: a full backlog is rare, and a listener may die meanwhile. */
  connecting: embed(WaitQueue),
  /** Places ever used: no name lies at or above this one. */
  top: plain('lock'),
  /** Where the search for the next automatic name goes on. */
  nextAutomatic: plain('lock'),
  /** The socket that has the name, or 0: a path outlives its socket, as a file does. */
  owner: plains<Ptr<'File'>>(SOCKET_NAMES_MAX, 'lock'),
  /** SOCK_* of the owner: abstract names of one type are not seen by another. */
  type: plains(SOCKET_NAMES_MAX, 'lock'),
  /** Bytes of the name without the family; 0: the place is free. */
  length: plains(SOCKET_NAMES_MAX, 'lock'),
  /** Socket ends that carry the name: its owner, and what its owner accepted. */
  refs: plains(SOCKET_NAMES_MAX, 'lock'),
  text: plains(SOCKET_NAMES_MAX * NAME_WORDS, 'lock'),
});
