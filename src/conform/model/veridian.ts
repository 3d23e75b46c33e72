// VeridianOS's epoll as a model: entries by number in ascending order, which know no file; every wait asks what is under
// each number now, and masks it by what was asked for. No edges, no queue, no ready list. See the declared divergences in
// divergences/veridian.ts, which are foretold with it.
//
// Source: doublegate/VeridianOS v0.25.2, kernel/src/net/epoll.rs and kernel/src/syscall/mod.rs.

import type { StepResult, SystemCallStep } from '../../programs/conform/case.ts';
import { EPOLL_EVENT_NAMES, namesOf, numberOf } from '../../programs/conform/constants.ts';
import { ERR, HUP, IN, OUT } from './files.ts';
import { statusOf } from './poll-calls.ts';
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

const ADD = numberOf('EPOLL_CTL_ADD');
const DEL = numberOf('EPOLL_CTL_DEL');
const MOD = numberOf('EPOLL_CTL_MOD');
const ONESHOT = numberOf('EPOLLONESHOT');
/** It knows these four; what else is asked for is never reported. */
const KNOWN = IN | OUT | ERR | HUP;

/** Any flags will do; a size is looked at as Linux does. */
function create(world: World, call: SystemCallStep): StepResult | undefined {
  const size = call.sys === 'epoll_create' ? numberIn(world, call.args[0]) : 1;
  return size === undefined || size <= 0 ? { ret: '-EINVAL' } : undefined;
}

function control(world: World, call: SystemCallStep): StepResult | undefined {
  const operation = numberIn(world, call.args[1]);
  const fd = numberIn(world, call.args[2]);
  if (operation === undefined || fd === undefined) return undefined;
  const instance = fileAt(world, call.args[0]);
  if (instance?.file.kind !== 'epoll') return { ret: '-EBADF' };
  const pointer = call.args[3];
  if (typeof pointer === 'object' && pointer !== null && 'bad' in pointer) return { ret: '-EFAULT' };
  const given = typeof pointer === 'object' && pointer !== null && 'event' in pointer ? pointer.event : undefined;
  const { interests } = instance.file;
  const found = interests.find((interest) => interest.fd === fd);
  if (operation !== ADD && operation !== MOD && operation !== DEL) return { ret: '-EINVAL' };
  if (operation !== DEL && given === undefined) return { ret: '-EINVAL' };
  if (operation === ADD && found !== undefined) return { ret: '-EEXIST' };
  if (operation !== ADD && found === undefined) return { ret: '-ENOENT' };
  if (operation === DEL) {
    interests.splice(interests.indexOf(found!), 1);
    return { ret: 0 };
  }
  const request = { events: (numberIn(world, given?.events) ?? 0) >>> 0, data: given?.data ?? 0, spent: false };
  if (found !== undefined) Object.assign(found, request, { modified: true });
  else interests.push({ ...newInterest(world, fd), ...request });
  interests.sort((left, right) => left.fd - right.fd);
  return { ret: 0 };
}

function newInterest(world: World, fd: number): Interest {
  const file = world.descriptors[fd] ?? newFile({ kind: 'opaque' }, true);
  return { fd, file, events: 0, data: 0, lastSeen: 0, lookedBy: 'nobody', modified: false, spent: false };
}

/** What the waiting process has under that number now is ready for; undefined where the model does not know. */
function readinessUnder(world: World, fd: number): number | undefined {
  const file = world.descriptors[fd];
  if (file === undefined) return ERR | HUP;
  return file.file.kind === 'regular' ? IN | OUT : statusOf(veridianModel, world, file);
}

function lookAt(world: World, interest: Interest): Look | undefined {
  const { fd, file, events, data, lookedBy, modified, spent } = interest;
  const before = { fd, file, events, data, lookedBy, modified, spent, since: [] };
  if (spent) return { ...before, reported: 0, why: 'disabled' };
  const status = readinessUnder(world, fd);
  if (status === undefined) return undefined;
  const reported = status & KNOWN & events;
  if (reported === 0) return { ...before, reported, why: 'not ready' };
  if ((events & ONESHOT) !== 0) interest.spent = true;
  return { ...before, reported, why: 'reported' };
}

function wait(world: World, call: SystemCallStep): Attempt | undefined {
  const slots = numberIn(world, call.args[2]);
  const timeout = call.sys === 'epoll_pwait2' ? undefined : numberIn(world, call.args[3]);
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
    const look = full ? unreached(interest) : lookAt(world, interest);
    if (look === undefined) return undefined;
    looks.push(look);
  }
  const reports = looks.filter(({ reported }) => reported !== 0);
  if (reports.length === 0 && timeout !== 0) return { sleeps: true, looks };
  // A bad address is one that nothing can be stored at: what was looked at stays as it was.
  if ('bad' in buffer) {
    for (const { fd } of reports) instance.file.interests.find((interest) => interest.fd === fd)!.spent = false;
    return { answer: { ret: reports.length > 0 ? '-EFAULT' : 0 }, looks };
  }
  const out = reports.map(({ reported, data }) => [namesOf(reported, EPOLL_EVENT_NAMES), data]);
  return { answer: { ret: reports.length, out }, looks };
}

function unreached(interest: Interest): Look {
  const { fd, file, events, data, lookedBy, modified, spent } = interest;
  return { fd, file, events, data, lookedBy, modified, spent, since: [], reported: 0, why: 'not reached' };
}

/** An instance does not say what it is ready for, so it is for reading and writing. */
function poll(): number {
  return IN | OUT;
}

/** Nothing is told of a change. */
function changed(): void {}

export const veridianModel: DesignModel = {
  create,
  control,
  wait,
  poll,
  changed,
  transferError: '-EPERM',
  holdsFiles: false,
};
