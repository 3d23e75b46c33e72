// read and write of a case, in a world.

import type { StepResult, SystemCallStep } from '../../programs/conform/case.ts';
import {
  type Moved,
  PIPE_SLOTS,
  readEventfd,
  readPipe,
  readSocket,
  writeEventfd,
  writePipe,
  writeSocket,
} from './files.ts';
import { type Attempt, type DesignModel, fileAt, numberIn, type OpenFile, type World } from './world.ts';

/** A transfer that is not possible yet, on a file that waits for it, sleeps. */
export function transferCall(design: DesignModel, world: World, call: SystemCallStep): Attempt | undefined {
  const answer = tryTransfer(design, world, call);
  if (answer === undefined || answer === 'blocked') return undefined;
  const waits = fileAt(world, call.args[0])?.nonblocking === false;
  if (waits && answer.ret === '-EAGAIN') return { sleeps: true };
  // A write that waits goes on until all is written.
  const wanted = numberIn(world, call.args[2]) ?? 0;
  if (waits && call.sys === 'write' && typeof answer.ret === 'number' && answer.ret < wanted) return undefined;
  return { answer };
}

function tryTransfer(design: DesignModel, world: World, call: SystemCallStep): StepResult | undefined {
  const open = fileAt(world, call.args[0]);
  if (open === undefined) return { ret: '-EBADF' };
  const bytes = numberIn(world, call.args[2]);
  const buffer = call.args[1];
  if (bytes === undefined || typeof buffer !== 'object' || buffer === null || 'bad' in buffer) return undefined;
  const { file } = open;
  if (file.kind === 'epoll') return { ret: design.transferError };
  if (file.kind === 'eventfd') return eventfdTransfer(design, call, open, bytes);
  if (file.kind === 'timerfd') return timerTransfer(world, call, open, bytes);
  let moved: Moved;
  const before = fillOf(file);
  if (file.kind === 'pipe') {
    if (file.writes !== (call.sys === 'write')) return { ret: '-EBADF' };
    moved = file.writes ? writePipe(file.pipe, bytes) : readPipe(file.pipe, bytes);
  } else if (file.kind === 'socket') {
    moved = call.sys === 'write' ? writeSocket(file, bytes) : readSocket(file, bytes);
  }
  if (moved === undefined) return undefined;
  if (typeof moved === 'number' && moved > 0) {
    design.changed(open, call.sys === 'write' ? 'write' : 'read', freedBy(file, before));
  }
  if (typeof moved === 'string' && call.sys === 'write') design.refused?.(open, moved);
  // A hexadecimal copy of what was read would need the bytes, which the model does not keep.
  if ('out' in buffer && typeof moved === 'number' && moved > 0) return undefined;
  return { ret: moved };
}

/** Full slots of a pipe, or unread messages of a socket. */
function fillOf(file: OpenFile['file']): number {
  return file.kind === 'pipe' ? file.pipe.slots.length : file.kind === 'socket' ? file.own.unread.length : 0;
}

/** Did a transfer make room, as far as the other end is told? */
function freedBy(file: OpenFile['file'], before: number): boolean {
  return file.kind === 'pipe' ? before >= PIPE_SLOTS : fillOf(file) < before;
}

function eventfdTransfer(
  design: DesignModel,
  call: SystemCallStep,
  open: OpenFile,
  bytes: number,
): StepResult | undefined {
  const { file } = open;
  const buffer = call.args[1];
  if (file.kind !== 'eventfd' || typeof buffer !== 'object' || buffer === null) return undefined;
  if (call.sys === 'read') {
    if (bytes < 8) return { ret: '-EINVAL' };
    const value = readEventfd(file);
    if (value === undefined) return { ret: '-EAGAIN' };
    design.changed(open, 'read');
    return 'out_u64' in buffer ? { ret: 8, out: value.toString() } : { ret: 8 };
  }
  if (bytes !== 8) return { ret: '-EINVAL' };
  const value = 'u64' in buffer ? BigInt(buffer.u64) : 'fill' in buffer ? 0x7878787878787878n : undefined;
  if (value === undefined) return undefined;
  const moved = writeEventfd(file, value);
  if (moved === 8) design.changed(open, 'write');
  return moved === undefined ? undefined : { ret: moved };
}

function timerTransfer(world: World, call: SystemCallStep, open: OpenFile, bytes: number): StepResult | undefined {
  const { file } = open;
  if (file.kind !== 'timerfd') return undefined;
  if (call.sys === 'write' || bytes < 8) return { ret: '-EINVAL' };
  if (file.dueNs === undefined || file.dueNs > world.nowNs) return { ret: '-EAGAIN' };
  if (file.intervalNs !== 0) return undefined;
  file.dueNs = undefined;
  const buffer = call.args[1];
  const shown = typeof buffer === 'object' && buffer !== null && 'out_u64' in buffer;
  return shown ? { ret: 8, out: '1' } : { ret: 8 };
}
