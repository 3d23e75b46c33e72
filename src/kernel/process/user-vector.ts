/**
 * The buffer of a read or write, plain or scattered, seen as one run of bytes: the frame says which. Copies stop at
 * the first byte that is not the task's own and say how far they came, which is how EFAULT in the middle becomes a
 * short count.
 */
import { iovecLayout } from '../abi/layout.ts';
import type { FramePtr, TaskPtr } from '../task/task.ts';
import { Frame } from '../task/task.ts';
import { copyBytes, readUser64, userBytesOk } from './user-memory.ts';

/** Copies kernel bytes out. @param at offset within the buffer @returns how many bytes were copied */
export function copyOut(t: TaskPtr, fr: FramePtr, at: number, from: number, length: number): number {
  if (Frame.vectorCount.get(fr) === 0) {
    const to = Frame.buffer.get(fr) + at;
    const allowed = userBytesOk(t, to, length);
    copyBytes(to, from, allowed);
    return allowed;
  }
  return copyVector(t, fr, at, from, length, 1);
}

/** Copies user bytes in. @param at offset within the buffer @returns how many bytes were copied */
export function copyIn(t: TaskPtr, fr: FramePtr, at: number, to: number, length: number): number {
  if (Frame.vectorCount.get(fr) === 0) {
    const from = Frame.buffer.get(fr) + at;
    const allowed = userBytesOk(t, from, length);
    copyBytes(to, from, allowed);
    return allowed;
  }
  return copyVector(t, fr, at, to, length, 0);
}

function copyVector(t: TaskPtr, fr: FramePtr, at: number, kernelBytes: number, length: number, out: number): number {
  let skip = at;
  let done = 0;
  for (let i = 0; i < Frame.vectorCount.get(fr) && done < length; i++) {
    const element = Frame.vector.get(fr) + i * iovecLayout.size;
    // Looked at anew in each attempt: another thread may have made it negative since the call began.
    const size = Math.max(0, readUser64(element + iovecLayout.length));
    if (skip >= size) {
      skip -= size;
      continue;
    }
    const user = readUser64(element + iovecLayout.base) + skip;
    const wanted = Math.min(size - skip, length - done);
    skip = 0;
    const allowed = userBytesOk(t, user, wanted);
    if (out === 1) copyBytes(user, kernelBytes + done, allowed);
    else copyBytes(kernelBytes + done, user, allowed);
    done += allowed;
    if (allowed < wanted) return done;
  }
  return done;
}
