// What one step of a case answers in a world: descriptors, files, poll; what belongs to epoll is the design's.
// Promise: an answer has the very form that the recorder writes, or is `undefined` where the model does not know; a caller
// that meets `undefined` foretells nothing.

import type { Step, StepResult, SystemCallStep } from '../../programs/conform/case.ts';
import { numberOf } from '../../programs/conform/constants.ts';
import { createCall, named } from './create-calls.ts';
import { refusedMask } from './epoll-calls.ts';
import { pipeBytes, resizePipe } from './files.ts';
import { maskCall, pendingCall, sendCall, setOf, signalfdCall, startThread, takeUnder } from './signal-calls.ts';
import { isWait } from './epoll-calls.ts';
import { isPoll, pollCall, selectCall } from './poll-calls.ts';
import { shutdownSocket } from './sockets.ts';
import { createTimer, gettimeCall, settimeCall } from './timers.ts';
import type { Moved } from './told.ts';
import { isTransfer, transferCall } from './transfer-calls.ts';
import {
  type Attempt,
  type DesignModel,
  fileAt,
  install,
  installAt,
  newFile,
  numberIn,
  type OpenFile,
  releaseIfUnused,
  teller,
  type World,
} from './world.ts';

/** As `execute`, for a call that keeps what it has looked up while it sleeps. @param key the call's thread and step */
export function executeHolding(
  design: DesignModel,
  world: World,
  step: Step,
  thread: string,
  key: string,
): Attempt | undefined {
  if (!('sys' in step) || !(isWait(step) || isTransfer(step.sys))) return execute(design, world, step, thread);
  const held = world.sleeping[key];
  const file = held ?? fileAt(world, step.args[0]);
  if (held !== undefined) world.lookedUp = { argument: step.args[0], file: held };
  const attempt = execute(design, world, step, thread);
  delete world.lookedUp;
  if (attempt === undefined || file === undefined) return attempt;
  if ('sleeps' in attempt && held === undefined) {
    world.sleeping[key] = file;
    file.sleepers += 1;
  } else if (!('sleeps' in attempt) && held !== undefined) {
    delete world.sleeping[key];
    file.sleepers -= 1;
    releaseIfUnused(design, world, file);
  }
  return attempt;
}

export function execute(design: DesignModel, world: World, step: Step, thread: string): Attempt | undefined {
  world.thread = thread;
  if ('sleep_ms' in step) world.nowNs += step.sleep_ms * 1e6;
  design.timePassed?.(world);
  if ('start' in step) startThread(world, step.start);
  if ('handler' in step) {
    const { how = 'handler' } = step;
    world.signals.actions[numberIn(world, step.handler) ?? 0] = how === 'restart' ? 'handler' : how;
  }
  if ('file' in step) {
    world.names[step.as] = install(world, newFile({ kind: 'regular' }, false));
    return { answer: { ret: 'fd' } };
  }
  if (!('sys' in step)) return { answer: {} };
  if (isWait(step)) return waitCall(design, world, step);
  if (isPoll(step)) return step.sys.endsWith('poll') ? pollCall(design, world, step) : selectCall(design, world, step);
  if (isTransfer(step.sys)) return transferCall(design, world, step);
  const answer = step.sys === 'epoll_ctl' ? design.control(world, step) : plainCall(design, world, step);
  return answer === undefined ? undefined : { answer };
}

/** Calls that leave a file as it is. */
const HARMLESS: readonly string[] = ['close', 'dup', 'dup2', 'dup3', 'fcntl', 'fstat'];

function plainCall(design: DesignModel, world: World, call: SystemCallStep): StepResult | undefined {
  const touched = fileAt(world, call.args[0])?.file;
  if (touched?.kind === 'opaque' && !HARMLESS.includes(call.sys)) delete touched.status;
  switch (call.sys) {
    case 'close':
      return closeCall(design, world, call);
    case 'dup':
      return dupCall(world, call);
    case 'dup2':
    case 'dup3':
      return dupToCall(design, world, call);
    case 'shutdown':
      return shutdownCall(design, world, call);
    case 'timerfd_create':
      return createTimer(world, call);
    case 'timerfd_settime':
      return settimeCall(design, world, call);
    case 'timerfd_gettime':
      return gettimeCall(world, call);
    case 'fcntl':
      return fcntlCall(world, call);
    case 'kill':
    case 'tkill':
    case 'tgkill':
      return sendCall(design, world, call);
    case 'rt_sigprocmask':
      return maskCall(world, call);
    case 'rt_sigpending':
      return pendingCall(world, call);
    case 'signalfd4':
      return signalfdCall(design, world, call);
    default:
      return createCall(design, world, call);
  }
}

/** Calls whose effect the model does not follow, and need not. */
const WITHOUT_EFFECT: readonly string[] = [
  'rt_sigaction',
  'getpid',
  'gettid',
  'getppid',
  'sched_yield',
  'nanosleep',
  'fstat',
  'lseek',
];

/** Takes a step that `execute` does not know at its expected word. @returns false where that would be a guess */
export function assume(world: World, step: Step, expected: StepResult): boolean {
  if (!('sys' in step) || expected === 'blocked') return false;
  if (typeof expected.ret === 'string' && expected.ret.startsWith('-')) return !isTransfer(step.sys);
  if (WITHOUT_EFFECT.includes(step.sys)) return true;
  if (step.sys === 'fcntl') return step.as === undefined;
  const open = fileAt(world, step.args[0]);
  if (isTransfer(step.sys) && open?.file.kind === 'opaque') return true;
  if (step.as === undefined || expected.ret !== 'fd') return false;
  world.names[step.as] = install(world, newFile({ kind: 'opaque' }, true));
  return true;
}

function closeCall(design: DesignModel, world: World, call: SystemCallStep): StepResult | undefined {
  const file = fileAt(world, call.args[0]);
  if (file === undefined) return { ret: '-EBADF' };
  letGo(design, world, numberIn(world, call.args[0])!);
  return { ret: 0 };
}

function letGo(design: DesignModel, world: World, fd: number): void {
  const file = world.descriptors[fd];
  if (file === undefined) return;
  world.descriptors[fd] = undefined;
  file.descriptors -= 1;
  releaseIfUnused(design, world, file);
}

function dupCall(world: World, call: SystemCallStep): StepResult {
  const file = fileAt(world, call.args[0]);
  return file === undefined ? { ret: '-EBADF' } : named(world, call, file);
}

function dupToCall(design: DesignModel, world: World, call: SystemCallStep): StepResult | undefined {
  const file = fileAt(world, call.args[0]);
  const from = numberIn(world, call.args[0]);
  const to = numberIn(world, call.args[1]);
  if (file === undefined) return { ret: '-EBADF' };
  if (to === undefined || to < 0) return undefined;
  if (to === from) {
    if (call.sys === 'dup3') return { ret: '-EINVAL' };
  } else {
    letGo(design, world, to);
    installAt(world, file, to);
  }
  if (call.as !== undefined) world.names[call.as] = to;
  return { ret: call.as !== undefined ? 'fd' : call.ret === 'any' ? 'any' : to };
}

function shutdownCall(design: DesignModel, world: World, call: SystemCallStep): StepResult | undefined {
  const open = fileAt(world, call.args[0]);
  if (open === undefined) return { ret: '-EBADF' };
  const how = numberIn(world, call.args[1]);
  if (open.file.kind === 'opaque' || how === undefined) return undefined;
  if (open.file.kind !== 'socket') return { ret: '-ENOTSOCK' };
  if (how < 0 || how > 2) return { ret: '-EINVAL' };
  shutdownSocket(open.file, how, teller(design, world, open, 'shutdown'));
  return { ret: 0 };
}

/** Of fcntl, setting the flags and making another descriptor matter here. */
function fcntlCall(world: World, call: SystemCallStep): StepResult | undefined {
  const file = fileAt(world, call.args[0]);
  const flags = numberIn(world, call.args[2]);
  const command = numberIn(world, call.args[1]);
  if (file === undefined) return { ret: '-EBADF' };
  if (command === numberOf('F_DUPFD') && flags !== undefined && flags >= 0) return named(world, call, file, flags);
  const size = pipeSize(file, command, flags);
  if (size !== undefined) return { ret: call.ret === 'any' && typeof size === 'number' ? 'any' : size };
  if (command !== numberOf('F_SETFL') || flags === undefined) return undefined;
  file.nonblocking = (flags & numberOf('O_NONBLOCK')) !== 0;
  if (file.file.kind === 'pipe') file.file.packets = (flags & numberOf('O_DIRECT')) !== 0;
  return { ret: call.ret === 'any' ? 'any' : 0 };
}

/** How large a pipe is, or is to be. */
function pipeSize({ file }: OpenFile, command: number | undefined, bytes: number | undefined): Moved {
  const asks = command === numberOf('F_GETPIPE_SZ');
  if (!asks && (command !== numberOf('F_SETPIPE_SZ') || bytes === undefined)) return undefined;
  if (file.kind === 'opaque') return undefined;
  if (file.kind !== 'pipe') return '-EBADF';
  return asks ? pipeBytes(file.pipe) : resizePipe(file.pipe, bytes!);
}

/** A wait that would sleep while a signal is pending that its mask lets through is interrupted, where masks count. */
function waitCall(design: DesignModel, world: World, call: SystemCallStep): Attempt | undefined {
  const refusal = design.usesMask || call.sys === 'epoll_pwait2' ? refusedMask(call) : undefined;
  if (refusal !== undefined) return { answer: { ret: refusal } };
  const attempt = design.wait(world, call);
  if (attempt === undefined || !('sleeps' in attempt)) return attempt;
  if (!design.usesMask || !design.signalsInterrupt) return attempt;
  const mask = call.sys === 'epoll_wait' ? undefined : setOf(world, call.args[4]);
  return mask !== undefined && takeUnder(world, mask) ? { answer: { ret: '-EINTR' } } : attempt;
}
