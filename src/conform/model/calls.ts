// What each step of a case answers in a world. Epoll is left to the model of a design.
// Promise: `execute` answers with the very result that the recorder writes, or `undefined` where the model does not
// know; a caller that meets `undefined` foretells nothing.

import type { Step, StepResult, SystemCallStep } from '../../programs/conform/case.ts';
import { numberOf } from '../../programs/conform/constants.ts';
import { createCall, named } from './create-calls.ts';
import { shutdownSocket } from './files.ts';
import { isPoll, pollCall, selectCall } from './poll-calls.ts';
import { transferCall } from './transfer-calls.ts';
import {
  type Attempt,
  type DesignModel,
  fileAt,
  install,
  newFile,
  numberIn,
  releaseIfUnused,
  type World,
} from './world.ts';

export function execute(design: DesignModel, world: World, step: Step): Attempt | undefined {
  design.timePassed?.(world);
  if ('sleep_ms' in step) world.nowNs += step.sleep_ms * 1e6;
  if ('file' in step) {
    world.names[step.as] = install(world, newFile({ kind: 'regular' }, false));
    return { answer: { ret: 'fd' } };
  }
  if (!('sys' in step)) return { answer: {} };
  if (step.sys.startsWith('epoll_') && step.sys.includes('wait')) return design.wait(world, step);
  if (isPoll(step)) return step.sys.endsWith('poll') ? pollCall(design, world, step) : selectCall(design, world, step);
  if (step.sys === 'read' || step.sys === 'write') return transferCall(design, world, step);
  const answer = step.sys === 'epoll_ctl' ? design.control(world, step) : plainCall(design, world, step);
  return answer === undefined ? undefined : { answer };
}

function plainCall(design: DesignModel, world: World, call: SystemCallStep): StepResult | undefined {
  switch (call.sys) {
    case 'close':
      return closeCall(design, world, call);
    case 'dup':
      return dupCall(world, call);
    case 'shutdown':
      return shutdownCall(design, world, call);
    case 'timerfd_settime':
      return settimeCall(design, world, call);
    case 'fcntl':
      return fcntlCall(world, call);
    default:
      return createCall(design, world, call);
  }
}

/** Calls whose effect the model does not follow, and need not. */
const WITHOUT_EFFECT: readonly string[] = [
  'rt_sigprocmask',
  'rt_sigpending',
  'rt_sigaction',
  'kill',
  'tgkill',
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
  if (typeof expected.ret === 'string' && expected.ret.startsWith('-')) return step.sys !== 'read';
  if (WITHOUT_EFFECT.includes(step.sys)) return true;
  if (step.sys === 'fcntl') return step.as === undefined;
  const open = fileAt(world, step.args[0]);
  if (step.sys === 'read' && open?.file.kind === 'opaque') return true;
  if (step.sys === 'signalfd4' && step.as === undefined) return true;
  if (step.as === undefined || expected.ret !== 'fd') return false;
  world.names[step.as] = install(world, newFile({ kind: 'opaque' }, true));
  return true;
}

function closeCall(design: DesignModel, world: World, call: SystemCallStep): StepResult | undefined {
  const file = fileAt(world, call.args[0]);
  if (file === undefined) return { ret: '-EBADF' };
  world.descriptors[numberIn(world, call.args[0])!] = undefined;
  file.descriptors -= 1;
  releaseIfUnused(design, file);
  return { ret: 0 };
}

function dupCall(world: World, call: SystemCallStep): StepResult {
  const file = fileAt(world, call.args[0]);
  return file === undefined ? { ret: '-EBADF' } : named(world, call, file);
}

function shutdownCall(design: DesignModel, world: World, call: SystemCallStep): StepResult | undefined {
  const file = fileAt(world, call.args[0]);
  if (file === undefined) return { ret: '-EBADF' };
  const how = numberIn(world, call.args[1]);
  if (file.file.kind !== 'socket' || how === undefined || how > 2) return undefined;
  shutdownSocket(file.file, how);
  design.changed(file, 'shutdown');
  return { ret: 0 };
}

/** Setting the flags is all of fcntl that matters here. */
function fcntlCall(world: World, call: SystemCallStep): StepResult | undefined {
  const file = fileAt(world, call.args[0]);
  const flags = numberIn(world, call.args[2]);
  if (file === undefined) return { ret: '-EBADF' };
  if (numberIn(world, call.args[1]) !== numberOf('F_SETFL') || flags === undefined) return undefined;
  file.nonblocking = (flags & numberOf('O_NONBLOCK')) !== 0;
  return { ret: call.ret === 'any' ? 'any' : 0 };
}

function settimeCall(design: DesignModel, world: World, call: SystemCallStep): StepResult | undefined {
  const file = fileAt(world, call.args[0]);
  const setting = call.args[2];
  if (typeof setting !== 'object' || setting === null || !('itimerspec' in setting)) return undefined;
  if (call.args[1] !== 0 || call.args[3] !== null) return undefined;
  if (file === undefined) return { ret: '-EBADF' };
  if (file.file.kind !== 'timerfd') return { ret: '-EINVAL' };
  const [intervalSeconds, intervalNs, seconds, nanoseconds] = setting.itimerspec;
  const value = seconds * 1e9 + nanoseconds;
  file.file.dueNs = value === 0 ? undefined : world.nowNs + value;
  file.file.intervalNs = intervalSeconds * 1e9 + intervalNs;
  delete file.file.told;
  design.changed(file, 'set');
  return { ret: 0 };
}
