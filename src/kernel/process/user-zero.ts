/**
 * Zero bytes for a reader: /dev/zero, and the holes of a memfd. Like `copyOut` of user-vector.ts, but there is nothing
 * to copy from.
 */
import { iovecLayout } from '../abi/layout.ts';
import type { FramePtr, TaskPtr } from '../task/task.ts';
import { Frame } from '../task/task.ts';
import { readUser64, userBytesOk, zeroBytes } from './user-memory.ts';

/** Clears user bytes. @param at offset within the buffer @returns how many bytes were the task's own, and are 0 now */
export function zeroOut(t: TaskPtr, fr: FramePtr, at: number, length: number): number {
  const count = Frame.vectorCount.get(fr);
  if (count === 0) return zeroUser(t, Frame.buffer.get(fr) + at, length);
  let skip = at;
  let done = 0;
  for (let i = 0; i < count && done < length; i++) {
    const element = Frame.vector.get(fr) + i * iovecLayout.size;
    const size = Math.max(0, readUser64(element + iovecLayout.length));
    if (skip >= size) {
      skip -= size;
      continue;
    }
    const wanted = Math.min(size - skip, length - done);
    const cleared = zeroUser(t, readUser64(element + iovecLayout.base) + skip, wanted);
    skip = 0;
    done += cleared;
    if (cleared < wanted) break;
  }
  return done;
}

function zeroUser(t: TaskPtr, address: number, length: number): number {
  const allowed = userBytesOk(t, address, length);
  zeroBytes(address, allowed);
  return allowed;
}
