// VeridianOS's epoll as a model: entries by number in ascending order, which know no file; every wait asks what is under
// each number now, and masks it by what was asked for. No edges, no queue, no ready list. See the declared divergences in
// divergences/veridian.ts, which are foretold with it.
//
// Source: doublegate/VeridianOS v0.25.2, kernel/src/net/epoll.rs and kernel/src/syscall/mod.rs.

import type { StepResult, SystemCallStep } from '../../programs/conform/case.ts';
import { EPOLL_EVENT_NAMES, namesOf } from '../../programs/conform/constants.ts';
import { statusOf, waitLimitNs } from './poll-calls.ts';
import {
  ADD,
  controlArguments,
  createWithAnyFlags,
  DEL,
  interestIn,
  KNOWN,
  lookOf,
  MOD,
  newInterest,
  ONESHOT,
  roomIn,
} from './epoll-calls.ts';
import { ERR, HUP, IN, OUT } from './told.ts';
import {
  type Attempt,
  type DesignModel,
  fileAt,
  type Interest,
  type Look,
  newFile,
  numberIn,
  type World,
} from './world.ts';

function control(world: World, call: SystemCallStep): StepResult | undefined {
  const given = controlArguments(world, call);
  if (given === undefined) return undefined;
  const { operation, fd, event } = given;
  const instance = fileAt(world, call.args[0]);
  if (instance?.file.kind !== 'epoll') return { ret: '-EBADF' };
  if (event === 'bad') return { ret: '-EFAULT' };
  const { interests } = instance.file;
  const found = interestIn(instance.file, fd);
  if (operation !== ADD && operation !== MOD && operation !== DEL) return { ret: '-EINVAL' };
  if (operation !== DEL && event === 'none') return { ret: '-EINVAL' };
  if (operation === ADD && found !== undefined) return { ret: '-EEXIST' };
  if (operation !== ADD && found === undefined) return { ret: '-ENOENT' };
  if (operation === DEL) {
    interests.splice(interests.indexOf(found!), 1);
    return { ret: 0 };
  }
  const request = { ...(typeof event === 'object' ? event : {}), spent: false };
  if (found !== undefined) Object.assign(found, request, { modified: true });
  else {
    const under = world.descriptors[fd] ?? newFile({ kind: 'opaque' }, true);
    interests.push({ ...newInterest(fd, under), ...request });
  }
  interests.sort((left, right) => left.fd - right.fd);
  return { ret: 0 };
}

/** What the waiting process has under that number now is ready for; undefined where the model does not know. */
function readinessUnder(world: World, fd: number): number | undefined {
  const file = world.descriptors[fd];
  if (file === undefined) return ERR | HUP;
  return statusOf(veridianModel, world, file);
}

function lookAt(world: World, interest: Interest): Look | undefined {
  const { fd, events, spent } = interest;
  if (spent) return lookOf(interest, 0, 'disabled');
  const status = readinessUnder(world, fd);
  if (status === undefined) return undefined;
  const reported = status & KNOWN & events;
  if (reported === 0) return lookOf(interest, 0, 'not ready');
  const look = lookOf(interest, reported, 'reported');
  if ((events & ONESHOT) !== 0) interest.spent = true;
  return look;
}

function wait(world: World, call: SystemCallStep): Attempt | undefined {
  const slots = numberIn(world, call.args[2]);
  const timeout = waitLimitNs(call);
  if (slots === undefined || timeout === undefined) return undefined;
  const instance = fileAt(world, call.args[0]);
  if (instance?.file.kind !== 'epoll') return { answer: { ret: '-EBADF' } };
  if (slots <= 0) return { answer: { ret: '-EINVAL' } };
  const buffer = call.args[1];
  if (buffer === null) return { answer: { ret: '-EFAULT' } };
  if (typeof buffer !== 'object') return undefined;
  const looks: Look[] = [];
  for (const interest of instance.file.interests) {
    const full = looks.filter(({ reported }) => reported !== 0).length >= slots;
    const look = full ? lookOf(interest, 0, 'not reached') : lookAt(world, interest);
    if (look === undefined) return undefined;
    looks.push(look);
  }
  const reports = looks.filter(({ reported }) => reported !== 0);
  if (reports.length === 0 && timeout !== 0) return { sleeps: true, looks };
  // What cannot be stored stays as it was.
  const stored = reports.slice(0, roomIn(buffer));
  for (const { fd } of reports.slice(stored.length)) interestIn(instance.file, fd)!.spent = false;
  if (stored.length === 0 && reports.length > 0) return { answer: { ret: '-EFAULT' }, looks };
  if ('bad' in buffer) return { answer: { ret: 0 }, looks };
  const out = stored.map(({ reported, data }) => [namesOf(reported, EPOLL_EVENT_NAMES), data]);
  return { answer: { ret: stored.length, out }, looks };
}

/** An instance does not say what it is ready for, so it is for reading and writing. */
function poll(): number {
  return IN | OUT;
}

/** Nothing is told of a change. */
function told(): void {}

export const veridianModel: DesignModel = {
  create: createWithAnyFlags,
  control,
  wait,
  poll,
  told,
  transferError: '-EPERM',
  holdsFiles: false,
  usesMask: true,
  looksUntold: true,
  signalsInterrupt: false,
};
