// WASIX's epoll as a model: sources tell their handlers what happened, a subscription keeps what it was told until a
// wait takes it, and nothing is looked at again. See the declared divergences in divergences/wasix.ts, which are
// foretold with it.
//
// Source: wasmerio/wasmer, lib/wasix/src/os/epoll/mod.rs, lib/wasix/src/syscalls/wasix/epoll_ctl.rs and epoll_wait.rs.

import type { StepResult, SystemCallStep } from '../../programs/conform/case.ts';
import { EPOLL_EVENT_NAMES, namesOf } from '../../programs/conform/constants.ts';
import { statusOf, waitLimitNs } from './poll-calls.ts';
import {
  ADD,
  type ControlArguments,
  controlArguments,
  createWithAnyFlags,
  DEL,
  interestIn,
  KNOWN,
  lookOf,
  MOD,
  newInterest,
  roomIn,
} from './epoll-calls.ts';
import { ERR, HUP, IN, OUT, RDNORM } from './told.ts';
import { signalfdReadiness } from './signal-calls.ts';
import {
  type Attempt,
  type Change,
  type DesignModel,
  type EpollFile,
  fileAt,
  type Interest,
  type Look,
  numberIn,
  type OpenFile,
  type World,
} from './world.ts';

/** In this order a source tells several at once. */
const TOLD_IN_TURN: readonly number[] = [IN, OUT, HUP, ERR];
/** So many events surely pass the end of the process's memory. */
const SLOTS_MAX = 50_000;

function tracked(interest: Interest): number {
  return (interest.events & (IN | OUT)) | ERR | HUP;
}

/** A bit that is pending says nothing new; a new one lists the subscription, unless it is listed. */
function push(interest: Interest, bits: number): void {
  for (const bit of TOLD_IN_TURN) {
    const pending = interest.pending ?? 0;
    if ((bits & bit) === 0 || (pending & bit) !== 0) continue;
    interest.pending = pending | bit;
    if (interest.enqueued === true) continue;
    interest.enqueued = true;
    interest.epoll?.ready?.push({ fd: interest.fd, generation: interest.generation ?? 1 });
  }
}

/**
 * A source tells its handlers, the latest first; without a word of what it is ready for, all that it is. A socket tells all,
 * whoever asked; of the others nobody hears that they are writable who has not asked. What only moved is not told.
 */
function told(world: World, { to, keys, kind }: Change): void {
  if (kind !== 'changed' || to.file.kind === 'epoll') return;
  const bits = (keys !== 0 ? keys : (statusOf(wasixModel, world, to) ?? 0)) & KNOWN;
  for (const interest of (to.watching ?? []).toReversed()) {
    push(interest, to.file.kind === 'socket' ? bits : bits & tracked(interest));
  }
}

/** A file's end is the end of its subscriptions. Their entries in queues stay, and name nobody. */
function forget(open: OpenFile): void {
  for (const interest of open.watching?.splice(0) ?? []) {
    const { epoll } = interest;
    if (epoll !== undefined) epoll.interests = epoll.interests.filter((each) => each !== interest);
  }
}

/** Timers that have expired since tell of it, once. */
function timePassed(world: World): void {
  const timers = [...new Set(world.descriptors)].filter((open) => open?.file.kind === 'timerfd');
  for (const open of timers) {
    if (open?.file.kind !== 'timerfd' || open.file.told) continue;
    if (open.file.dueNs === undefined || open.file.dueNs > world.nowNs) continue;
    open.file.told = true;
    told(world, { how: 'set', by: open, to: open, keys: IN, kind: 'changed' });
  }
}

function control(world: World, call: SystemCallStep): StepResult | undefined {
  const given = controlArguments(world, call);
  const epfd = numberIn(world, call.args[0]);
  if (given === undefined || epfd === undefined) return undefined;
  const { operation, fd, event } = given;
  if (event === 'bad') return { ret: '-EFAULT' };
  if (operation !== ADD && operation !== MOD && operation !== DEL) return { ret: '-EINVAL' };
  if ((operation !== DEL && event === 'none') || fd === epfd) return { ret: '-EINVAL' };
  const file = fileAt(world, fd);
  const instance = fileAt(world, epfd);
  if (file === undefined || instance === undefined) return { ret: '-EBADF' };
  if (instance.file.kind !== 'epoll') return { ret: '-EINVAL' };
  const epoll = instance.file;
  const found = interestIn(epoll, fd);
  if (operation === ADD && found !== undefined) return { ret: '-EEXIST' };
  if (operation !== ADD && found === undefined) return { ret: '-ENOENT' };
  if (found !== undefined && operation === DEL) {
    unwatch(found);
    epoll.interests.splice(epoll.interests.indexOf(found), 1);
    return { ret: 0 };
  }
  if (file.file.kind === 'epoll') return { ret: '-EBADF' };
  return register(world, epoll, found, file, given);
}

function unwatch(interest: Interest): void {
  const { watching } = interest.file;
  if (watching?.includes(interest) === true) watching.splice(watching.indexOf(interest), 1);
}

/** ADD and MOD: the handler is put in anew, and told what is so already. */
function register(
  world: World,
  epoll: EpollFile,
  previous: Interest | undefined,
  file: OpenFile,
  { fd, event }: ControlArguments,
): StepResult | undefined {
  const ready = file.file.kind === 'regular' ? 0 : statusOf(wasixModel, world, file);
  if (ready === undefined || typeof event !== 'object') return undefined;
  epoll.ready ??= [];
  const interest: Interest = previous ?? { ...newInterest(fd, file), epoll, generation: 0 };
  if (previous === undefined) epoll.interests.push(interest);
  else unwatch(interest);
  const generation = (interest.generation ?? 0) + 1;
  Object.assign(interest, { ...event, file, generation, pending: 0, enqueued: false });
  Object.assign(interest, { lookedBy: 'nobody', modified: previous !== undefined, spent: false });
  file.watching ??= [];
  file.watching.push(interest);
  push(interest, ready & tracked(interest));
  return { ret: 0 };
}

/** Takes entries from the front until the slots are full. */
function drain(world: World, epoll: EpollFile, slots: number): readonly Look[] {
  const looks: Look[] = [];
  const queue = epoll.ready ?? [];
  let reports = 0;
  while (reports < slots && queue.length > 0) {
    const { fd, generation } = queue.shift()!;
    const interest = interestIn(epoll, fd);
    if (interest === undefined || interest.generation !== generation) continue;
    const reported = (interest.pending ?? 0) & tracked(interest) & stillMeant(world, interest.file);
    const look = lookOf(interest, reported, 'reported');
    Object.assign(interest, { pending: 0, enqueued: false });
    if (reported === 0) continue;
    looks.push(look);
    Object.assign(interest, { lookedBy: 'wait', spent: true });
    reports += 1;
  }
  for (const interest of epoll.interests) {
    if (looks.some((look) => look.fd === interest.fd)) continue;
    const waits = ((interest.pending ?? 0) & tracked(interest)) !== 0;
    looks.push(lookOf(interest, 0, waits ? 'not reached' : 'no edge'));
  }
  return looks;
}

/** Any signal tells a signalfd, which alone is asked whether that was meant for it. */
function stillMeant(world: World, { file }: OpenFile): number {
  return file.kind === 'signalfd' ? signalfdReadiness(world, file.signals) : KNOWN;
}

function wait(world: World, call: SystemCallStep): Attempt | undefined {
  const slots = numberIn(world, call.args[2]);
  const timeout = waitLimitNs(call);
  if (slots === undefined || timeout === undefined) return undefined;
  if (slots <= 0) return { answer: { ret: '-EINVAL' } };
  const instance = fileAt(world, call.args[0]);
  if (instance === undefined) return { answer: { ret: '-EBADF' } };
  if (instance.file.kind !== 'epoll') return { answer: { ret: '-EINVAL' } };
  const looks = drain(world, instance.file, slots);
  const reports = looks.filter((look) => look.reported !== 0);
  if (reports.length === 0 && timeout !== 0) return { sleeps: true, looks };
  const buffer = call.args[1];
  const bad = buffer === null || typeof buffer !== 'object' || 'bad' in buffer;
  const lacksRoom = reports.length > roomIn(buffer) || slots > SLOTS_MAX;
  if (lacksRoom && reports.length > 0) return { answer: { ret: '-EFAULT' }, looks };
  const out = reports.map((look) => [namesOf(look.reported, EPOLL_EVENT_NAMES), look.data]);
  return { answer: bad ? { ret: 0 } : { ret: reports.length, out }, looks };
}

/** Is there anything to hand out? The poll takes nothing. */
function poll(_world: World, epoll: EpollFile): number {
  const holds = (epoll.ready ?? []).some(({ fd, generation }) => {
    const interest = epoll.interests.find((each) => each.fd === fd);
    return interest?.generation === generation && ((interest.pending ?? 0) & tracked(interest)) !== 0;
  });
  return holds ? IN | RDNORM : 0;
}

export const wasixModel: DesignModel = {
  create: createWithAnyFlags,
  control,
  wait,
  poll,
  told,
  gone: forget,
  timePassed,
  transferError: '-EINVAL',
  holdsFiles: false,
  usesMask: true,
  looksUntold: false,
  signalsInterrupt: true,
};
