/**
 * getsockopt and setsockopt: descriptors, levels, lengths. Precedence as Linux: the descriptor, the length, the level,
 * the option's own length, its bytes, whether there is such an option.
 *
 * A unix socket has options at SOL_SOCKET alone: what servers ask of TCP is EOPNOTSUPP, whatever it is.
 */
import { EFAULT, EINVAL, ENOPROTOOPT, EOPNOTSUPP } from '../abi/errno.ts';
import { SOL_SOCKET } from '../abi/flags-socket.ts';
import type { FilePtr } from '../file/file.ts';
import { hasOption, setSocketOption, socketOption } from '../file/socket-options.ts';
import { readUser32, userRangeOk, writeUser32, writeUser8 } from '../process/user-memory.ts';
import type { FramePtr, TaskPtr } from '../task/task.ts';
import { socketAt } from './socket-arguments.ts';
import type { SyscallOps } from './syscall-ops.ts';
import { immediateOps, intArgument, wordArgument } from './syscall-ops.ts';

const INT_BYTES = 4;

function setsockoptBegin(t: TaskPtr, fr: FramePtr): number {
  const f = socketAt(t, intArgument(fr, 0));
  if (f < 0) return f;
  const length = intArgument(fr, 4);
  if (length < 0) return -EINVAL;
  if (intArgument(fr, 1) !== SOL_SOCKET) return -EOPNOTSUPP;
  if (length < INT_BYTES) return -EINVAL;
  const value = wordArgument(fr, 3);
  if (userRangeOk(t, value, INT_BYTES) === 0) return -EFAULT;
  return setSocketOption(f as FilePtr, intArgument(fr, 2), readUser32(value));
}

/** An int is cut to the room that the user says there is, and its length told. */
function getsockoptBegin(t: TaskPtr, fr: FramePtr): number {
  const f = socketAt(t, intArgument(fr, 0));
  if (f < 0) return f;
  if (intArgument(fr, 1) !== SOL_SOCKET) return -EOPNOTSUPP;
  const room = wordArgument(fr, 4);
  if (userRangeOk(t, room, INT_BYTES) === 0) return -EFAULT;
  if (readUser32(room) < 0) return -EINVAL;
  const option = intArgument(fr, 2);
  if (!hasOption(option)) return -ENOPROTOOPT;
  const length = Math.min(readUser32(room), INT_BYTES);
  const to = wordArgument(fr, 3);
  // The error is taken even if it cannot be stored.
  const value = socketOption(f as FilePtr, option);
  if (length > 0 && userRangeOk(t, to, length) === 0) return -EFAULT;
  for (let i = 0; i < length; i++) writeUser8(to + i, (value >> (8 * i)) & 255);
  writeUser32(room, length);
  return 0;
}

export const setsockoptCallOps: SyscallOps = { ...immediateOps, begin: setsockoptBegin };
export const getsockoptCallOps: SyscallOps = { ...immediateOps, begin: getsockoptBegin };
