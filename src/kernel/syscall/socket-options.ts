/**
 * getsockopt and setsockopt: descriptors, levels, lengths. Precedence as Linux: the descriptor, the length, the level,
 * the option's own length, its bytes, whether there is such an option.
 *
 * A unix socket has options at SOL_SOCKET alone: what servers ask of TCP is EOPNOTSUPP, whatever it is.
 */
import { EDOM, EFAULT, EINVAL, ENOPROTOOPT, EOPNOTSUPP } from '../abi/errno.ts';
import { SO_COOKIE, SO_LINGER, SO_RCVTIMEO, SO_SNDTIMEO, SOL_SOCKET } from '../abi/flags-socket.ts';
import { timevalLayout } from '../abi/layout.ts';
import type { FilePtr } from '../file/file.ts';
import { optionWord, optionWords, setLinger, setSocketOption } from '../file/socket-options.ts';
import { setSocketTimeout } from '../file/socket-timeouts.ts';
import { readUser32, readUser64, userRangeOk, writeUser32, writeUser8 } from '../process/user-memory.ts';
import type { FramePtr, TaskPtr } from '../task/task.ts';
import { socketAt } from './socket-arguments.ts';
import type { SyscallOps } from './syscall-ops.ts';
import { immediateOps, intArgument, wordArgument } from './syscall-ops.ts';

const INT_BYTES = 4;
/** struct linger: on or off, then seconds. */
const LINGER_BYTES = 8;

function setsockoptBegin(t: TaskPtr, fr: FramePtr): number {
  const f = socketAt(t, intArgument(fr, 0));
  if (f < 0) return f;
  const length = intArgument(fr, 4);
  if (length < 0) return -EINVAL;
  if (intArgument(fr, 1) !== SOL_SOCKET) return -EOPNOTSUPP;
  if (length < INT_BYTES) return -EINVAL;
  const value = wordArgument(fr, 3);
  if (userRangeOk(t, value, INT_BYTES) === 0) return -EFAULT;
  const option = intArgument(fr, 2);
  if (option === SO_LINGER) return lingerFrom(t, f as FilePtr, value, length);
  if (option === SO_RCVTIMEO || option === SO_SNDTIMEO) return timeoutFrom(t, f as FilePtr, option, value, length);
  return setSocketOption(f as FilePtr, option, readUser32(value));
}

function lingerFrom(t: TaskPtr, f: FilePtr, value: number, length: number): number {
  if (length < LINGER_BYTES) return -EINVAL;
  if (userRangeOk(t, value, LINGER_BYTES) === 0) return -EFAULT;
  setLinger(f, readUser32(value) !== 0, readUser32(value + INT_BYTES));
  return 0;
}

function timeoutFrom(t: TaskPtr, f: FilePtr, option: number, value: number, length: number): number {
  if (length < timevalLayout.size) return -EINVAL;
  if (userRangeOk(t, value, timevalLayout.size) === 0) return -EFAULT;
  const microseconds = readUser64(value + timevalLayout.microseconds);
  if (microseconds < 0 || microseconds >= 1e6) return -EDOM;
  setSocketTimeout(f, option === SO_SNDTIMEO, readUser64(value + timevalLayout.seconds), microseconds);
  return 0;
}

/** An answer is cut to the room that the user says there is, and its length told; a cookie is given whole or not. */
function getsockoptBegin(t: TaskPtr, fr: FramePtr): number {
  const f = socketAt(t, intArgument(fr, 0));
  if (f < 0) return f;
  if (intArgument(fr, 1) !== SOL_SOCKET) return -EOPNOTSUPP;
  const room = wordArgument(fr, 4);
  if (userRangeOk(t, room, INT_BYTES) === 0) return -EFAULT;
  const allowed = readUser32(room);
  if (allowed < 0) return -EINVAL;
  const option = intArgument(fr, 2);
  const words = optionWords(option);
  if (words === 0) return -ENOPROTOOPT;
  const length = Math.min(allowed, words * INT_BYTES);
  if (option === SO_COOKIE && length < words * INT_BYTES) return -EINVAL;
  const to = wordArgument(fr, 3);
  const storable = length === 0 || userRangeOk(t, to, length) === 1;
  for (let word = 0; word < words; word++) {
    // An error is taken even if it cannot be stored.
    const value = optionWord(f as FilePtr, option, word);
    if (!storable) return -EFAULT;
    for (let i = word * INT_BYTES; i < Math.min(length, (word + 1) * INT_BYTES); i++) {
      writeUser8(to + i, (value >> (8 * (i % INT_BYTES))) & 255);
    }
  }
  writeUser32(room, length);
  return 0;
}

export const setsockoptCallOps: SyscallOps = { ...immediateOps, begin: setsockoptBegin };
export const getsockoptCallOps: SyscallOps = { ...immediateOps, begin: getsockoptBegin };
