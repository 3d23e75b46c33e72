/**
 * How many bytes a pipe can hold: F_GETPIPE_SZ and F_SETPIPE_SZ (K16). The slots are a ring of the greatest size from
 * the start, so a pipe changes its size by changing one number.
 *
 * Linux: fs/pipe.c, pipe_set_size.
 */
import { EBUSY, EINVAL, EPERM } from '../abi/errno.ts';
import { PAGE_SIZE, PIPE_MAX_SIZE } from '../abi/flags-file.ts';
import { EPOLLOUT, EPOLLWRNORM } from '../abi/flags-event.ts';
import { sourceChanged, sourceRefused } from '../epoll/source.ts';
import { lock, unlock } from '../irq/locking.ts';
import type { FilePtr } from './file.ts';
import { pipeOf, publishReadinessLocked } from './pipe.ts';
import { Pipe, slotsUsed } from './pipe-buffer.ts';

export function pipeSize(f: FilePtr): number {
  const p = pipeOf(f);
  lock(Pipe.lock.at(p));
  const slots = Pipe.slots.get(p);
  unlock(Pipe.lock.at(p));
  return slots * PAGE_SIZE;
}

/** @param bytes as an unsigned int; rounded up to a power of two of pages @returns the new size or -errno */
export function setPipeSize(f: FilePtr, bytes: number): number {
  if (bytes > 2 ** 31) return -EINVAL;
  let slots = 1;
  while (slots * PAGE_SIZE < bytes) slots *= 2;
  const p = pipeOf(f);
  lock(Pipe.lock.at(p));
  const before = Pipe.slots.get(p);
  let r = slots * PAGE_SIZE;
  if (slots > before && r > PIPE_MAX_SIZE) r = -EPERM;
  else if (slotsUsed(p) > slots) r = -EBUSY;
  else Pipe.slots.set(p, slots);
  const writer = Pipe.writeEnd.get(p);
  const madeRoom = r > 0 && slots > before && slotsUsed(p) >= before;
  if (r > 0) publishReadinessLocked(p);
  unlock(Pipe.lock.at(p));
  if (r < 0 || writer === 0) return r;
  if (madeRoom) sourceChanged(writer, EPOLLOUT | EPOLLWRNORM);
  // Linux tells who watches the write end of any size (pipe_resize_ring).
  else sourceRefused(writer, 0);
  return r;
}
