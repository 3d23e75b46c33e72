// read, write, recvfrom and sendto of a case, in a world.

import type { StepResult, SystemCallStep } from '../../programs/conform/case.ts';
import { numberOf } from '../../programs/conform/constants.ts';
import { type EventfdFile, readEventfd, readPipe, writeEventfd, writePipe } from './files.ts';
import type { Moved, Tell } from './told.ts';
import { readSignalfd } from './signal-calls.ts';
import { receive, send } from './sockets.ts';
import { readTimer } from './timers.ts';
import { type Attempt, type DesignModel, fileAt, numberIn, type OpenFile, teller, type World } from './world.ts';

const DONT_WAIT = numberOf('MSG_DONTWAIT');
const PEEK = numberOf('MSG_PEEK');
const FILLED = 0x7878787878787878n;

export function isTransfer(sys: string): boolean {
  return sys === 'read' || sys === 'write' || sys === 'recvfrom' || sys === 'sendto';
}

/** A transfer that is not possible yet, on a file that waits for it, sleeps. */
export function transferCall(design: DesignModel, world: World, call: SystemCallStep): Attempt | undefined {
  const attempt = tryTransfer(design, world, call);
  if (attempt === undefined || !('answer' in attempt) || attempt.answer === 'blocked') return undefined;
  const flags = isOnSocket(call) ? (numberIn(world, call.args[3]) ?? 0) : 0;
  const waits = fileAt(world, call.args[0])?.nonblocking === false && (flags & DONT_WAIT) === 0;
  const { ret } = attempt.answer;
  if (waits && ret === '-EAGAIN') return { sleeps: true };
  // A write that waits goes on until all is written.
  const wanted = numberIn(world, call.args[2]) ?? 0;
  if (waits && isWrite(call) && typeof ret === 'number' && ret < wanted) return undefined;
  if (call.ret === 'any' && typeof ret === 'number') return { ...attempt, answer: { ...attempt.answer, ret: 'any' } };
  return attempt;
}

function isWrite({ sys }: SystemCallStep): boolean {
  return sys === 'write' || sys === 'sendto';
}
function isOnSocket({ sys }: SystemCallStep): boolean {
  return sys === 'recvfrom' || sys === 'sendto';
}

function tryTransfer(design: DesignModel, world: World, call: SystemCallStep): Attempt | undefined {
  const open = fileAt(world, call.args[0]);
  if (open === undefined) return { answer: { ret: '-EBADF' } };
  const bytes = numberIn(world, call.args[2]);
  if (bytes === undefined) return undefined;
  const { file } = open;
  const tell = teller(design, world, open, isWrite(call) ? 'write' : 'read');
  if (isOnSocket(call) && file.kind !== 'socket') return { answer: { ret: '-ENOTSOCK' } };
  if (isOnSocket(call) && (call.args[4] ?? null) !== null) return undefined;
  if (file.kind === 'epoll') return { answer: { ret: design.transferError } };
  if (file.kind === 'eventfd') return answered(eventfdTransfer(file, call, bytes, tell));
  if (file.kind === 'timerfd' || file.kind === 'signalfd') {
    if (isWrite(call)) return { answer: { ret: '-EINVAL' } };
    return file.kind === 'timerfd'
      ? readTimer(world, file, call, bytes)
      : answered(readSignalfd(world, open, call, bytes));
  }
  const buffer = call.args[1];
  if (typeof buffer !== 'object' || buffer === null || 'bad' in buffer) return undefined;
  const moved = move(open, call, bytes, numberIn(world, call.args[3]) ?? 0, tell);
  if (moved === undefined) return undefined;
  // A copy of what was read would need the bytes, which the model does not keep.
  return { answer: { ret: moved }, inexact: !isWrite(call) && !('scratch' in buffer) };
}

function answered(answer: StepResult | undefined): Attempt | undefined {
  return answer === undefined ? undefined : { answer };
}

function move({ file }: OpenFile, call: SystemCallStep, bytes: number, flags: number, tell: Tell): Moved {
  if (file.kind === 'pipe') return isWrite(call) ? writePipe(file, bytes, tell) : readPipe(file, bytes, tell);
  if (file.kind !== 'socket') return undefined;
  if (isWrite(call)) return send(file, bytes, tell);
  const known = DONT_WAIT | PEEK;
  if (isOnSocket(call) && (flags & ~known) !== 0) return undefined;
  if (bytes === 0) return isOnSocket(call) ? undefined : 0;
  return receive(file, bytes, isOnSocket(call) && (flags & PEEK) !== 0, tell);
}

function eventfdTransfer(file: EventfdFile, call: SystemCallStep, bytes: number, tell: Tell): StepResult | undefined {
  const buffer = call.args[1];
  if (typeof buffer !== 'object' || buffer === null) return undefined;
  if (!isWrite(call)) {
    if (bytes < 8) return { ret: '-EINVAL' };
    const value = readEventfd(file, tell);
    if (value === undefined) return { ret: '-EAGAIN' };
    // What could not be stored is lost.
    if ('bad' in buffer) return { ret: '-EFAULT' };
    return 'out_u64' in buffer ? { ret: 8, out: value.toString() } : { ret: 8 };
  }
  if (bytes !== 8) return { ret: '-EINVAL' };
  if ('bad' in buffer) return { ret: '-EFAULT' };
  const value = 'u64' in buffer ? BigInt(buffer.u64) : 'fill' in buffer ? FILLED : undefined;
  if (value === undefined) return undefined;
  const moved = writeEventfd(file, value, tell);
  return moved === undefined ? undefined : { ret: moved };
}
