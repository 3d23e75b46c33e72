// poll, ppoll, select and pselect6 of a case, in a world: what is ready under each number, as Linux shows it.
// Promise: a call that would find nothing and may wait sleeps; what the model of a file does not know is not answered.

import type { Argument, Scalar, StepResult, SystemCallStep } from '../../programs/conform/case.ts';
import { namesOf, numberOf, POLL_EVENT_NAMES } from '../../programs/conform/constants.ts';
import { eventfdReadiness, pipeReadiness } from './files.ts';
import { ERR, HUP, IN, OUT, RDNORM, WRNORM } from './told.ts';
import { signalfdReadiness } from './signal-calls.ts';
import { socketReadiness } from './sockets.ts';
import { timerReadiness } from './timers.ts';
import { type Attempt, type DesignModel, numberIn, type OpenFile, type World } from './world.ts';

/** A table of descriptors has room for so many from the beginning. */
const TABLE_SURE = 64;

/** What puts a descriptor into the set at that argument (L7). */
const SETS: ReadonlyMap<number, number> = new Map([
  [1, IN | numberOf('EPOLLRDNORM|EPOLLRDBAND') | HUP | ERR],
  [2, OUT | numberOf('EPOLLWRNORM|EPOLLWRBAND') | ERR],
  [3, numberOf('EPOLLPRI')],
]);

/** What a file is ready for; undefined where the model does not know. */
export function statusOf(design: DesignModel, world: World, open: OpenFile): number | undefined {
  const { file } = open;
  switch (file.kind) {
    case 'epoll':
      return design.poll(world, file);
    case 'eventfd':
      return eventfdReadiness(file);
    case 'pipe':
      return pipeReadiness(file);
    case 'socket':
      return socketReadiness(file);
    case 'timerfd':
      return timerReadiness(file, world.nowNs);
    case 'signalfd':
      return signalfdReadiness(world, file.signals);
    case 'regular':
      // Who cannot be polled is always ready (L2).
      return IN | OUT | RDNORM | WRNORM;
    case 'opaque':
      return file.status;
  }
}

export function isPoll(call: SystemCallStep): boolean {
  return call.sys === 'poll' || call.sys === 'ppoll' || call.sys === 'select' || call.sys === 'pselect6';
}

/** Whom poll and its like look at. */
export function polledFds(call: SystemCallStep): readonly Scalar[] {
  return call.args.flatMap((argument) => {
    if (typeof argument !== 'object' || argument === null) return [];
    if ('fdset' in argument) return argument.fdset;
    return 'pollfds' in argument ? argument.pollfds.map(([fd]) => fd) : [];
  });
}

/** How long a wait on an instance waits at most; undefined where the model does not know. */
export function waitLimitNs(call: SystemCallStep): number | undefined {
  const given = call.args[3];
  if (typeof given === 'number') return given < 0 ? Number.POSITIVE_INFINITY : given * 1e6;
  if (call.sys !== 'epoll_pwait2') return undefined;
  if (given === null) return Number.POSITIVE_INFINITY;
  return typeof given === 'object' && 'timespec' in given ? given.timespec[0] * 1e9 + given.timespec[1] : undefined;
}

/** How long poll and its like wait at most; undefined where the model does not know. */
export function pollLimitNs(call: SystemCallStep): number | undefined {
  if (call.sys === 'poll') {
    const timeoutMs = call.args[2];
    if (typeof timeoutMs !== 'number') return undefined;
    return timeoutMs < 0 ? Number.POSITIVE_INFINITY : timeoutMs * 1e6;
  }
  const given = call.args[call.sys === 'ppoll' ? 2 : 4];
  if (given === null) return Number.POSITIVE_INFINITY;
  if (typeof given !== 'object' || given === undefined) return undefined;
  const time = 'time_left' in given ? given.time_left : 'timespec' in given ? given.timespec : undefined;
  return time === undefined ? undefined : time[0] * 1e9 + time[1] * (call.sys === 'select' ? 1e3 : 1);
}

/** Does it take no time that is no time, or not in order? A timeval may be out of order (L5). */
function isBadTime(call: SystemCallStep): boolean {
  const given = call.args[call.sys === 'ppoll' ? 2 : 4];
  if (call.sys === 'poll' || typeof given !== 'object' || given === null) return false;
  const time = 'time_left' in given ? given.time_left : 'timespec' in given ? given.timespec : undefined;
  return time !== undefined && (time[0] < 0 || time[1] < 0 || (call.sys !== 'select' && time[1] >= 1e9));
}

function badTime(call: SystemCallStep): Attempt {
  return { answer: { ret: '-EINVAL', ...shownOf(leftOf(call, 0)) } };
}

export function pollCall(design: DesignModel, world: World, call: SystemCallStep): Attempt | undefined {
  if (isBadTime(call)) return badTime(call);
  const asked = call.args[0];
  const limitNs = pollLimitNs(call);
  if (typeof asked !== 'object' || asked === null || !('pollfds' in asked) || limitNs === undefined) return undefined;
  const nval = numberOf('POLLNVAL');
  const revents: number[] = [];
  for (const [fd, events] of asked.pollfds as readonly (readonly [Scalar, Scalar])[]) {
    const number = numberIn(world, fd);
    const wanted = numberIn(world, events);
    if (number === undefined || wanted === undefined) return undefined;
    const open = number < 0 ? undefined : world.descriptors[number];
    if (open === undefined) {
      revents.push(number < 0 ? 0 : nval);
      continue;
    }
    const status = statusOf(design, world, open);
    if (status === undefined) return undefined;
    revents.push(status & (wanted | ERR | HUP));
  }
  const ready = revents.filter((bits) => bits !== 0).length;
  if (ready === 0 && limitNs !== 0) return { sleeps: true };
  const shown = revents.map((bits) => namesOf(bits, POLL_EVENT_NAMES));
  return { answer: { ret: ready, ...shownOf([shown, ...leftOf(call, limitNs)]) } };
}

export function selectCall(design: DesignModel, world: World, call: SystemCallStep): Attempt | undefined {
  const limitNs = pollLimitNs(call);
  const count = numberIn(world, call.args[0]);
  // What stands behind the address of a mask is not looked at here.
  if ((call.args[5] ?? null) !== null) return undefined;
  if (isBadTime(call)) return badTime(call);
  if (limitNs === undefined || limitNs < 0 || count === undefined || count < 0) return undefined;
  const shown: number[][] = [];
  for (const [position, bits] of SETS) {
    const asked = call.args[position];
    if (asked === null || asked === undefined) continue;
    const ready = readyIn(design, world, asked, count, bits);
    if (ready === undefined) return undefined;
    if (ready === 'bad') return { answer: { ret: '-EBADF', ...shownOf(leftOf(call, limitNs)) } };
    shown.push(ready);
  }
  const ready = shown.flat().filter((one) => one === 1).length;
  if (ready === 0 && limitNs !== 0) return { sleeps: true };
  return { answer: { ret: ready, ...shownOf([...shown, ...leftOf(call, limitNs)]) } };
}

function readyIn(
  design: DesignModel,
  world: World,
  asked: Argument,
  count: number,
  bits: number,
): number[] | 'bad' | undefined {
  if (typeof asked !== 'object' || asked === null || !('fdset' in asked)) return undefined;
  const ready: number[] = [];
  for (const member of asked.fdset) {
    const fd = numberIn(world, member);
    if (fd === undefined) return undefined;
    if (fd >= count) {
      // It stands in the same word of the set as one that counts, or beyond: who can tell what is left of it?
      return undefined;
    }
    const open = world.descriptors[fd];
    // Beyond the table nobody looks (L6), and how far that reaches is a kernel's own matter.
    if (open === undefined) return fd < TABLE_SURE ? 'bad' : undefined;
    const status = statusOf(design, world, open);
    if (status === undefined) return undefined;
    ready.push((status & bits) === 0 ? 0 : 1);
  }
  return ready;
}

/** What a time that is counted down shows, where nobody waited. */
function leftOf(call: SystemCallStep, limitNs: number): readonly string[] {
  const counted = call.args.some(
    (argument) => typeof argument === 'object' && argument !== null && 'time_left' in argument,
  );
  return counted ? [limitNs === 0 ? 'all' : 'some'] : [];
}

/** `out` is the value itself where it is alone, and a list of several. */
function shownOf(
  outputs: readonly (string | readonly (string | number)[])[],
): Pick<Exclude<StepResult, 'blocked'>, 'out'> {
  return outputs.length === 1 ? { out: outputs[0]! } : outputs.length === 0 ? {} : { out: outputs };
}
