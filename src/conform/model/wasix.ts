// WASIX's epoll as a model: sources tell their handlers what happened, a subscription keeps what it was told until a
// wait takes it, and nothing is looked at again. See the declared divergences in divergences/wasix.ts, which are
// foretold with it.
//
// Source: wasmerio/wasmer, lib/wasix/src/os/epoll/mod.rs, lib/wasix/src/syscalls/wasix/epoll_ctl.rs and epoll_wait.rs.

import type { StepResult, SystemCallStep } from '../../programs/conform/case.ts';
import { EPOLL_EVENT_NAMES, namesOf, numberOf } from '../../programs/conform/constants.ts';
import { ERR, HUP, IN, OUT, RDNORM, readinessOf } from './files.ts';
import { statusOf } from './poll-calls.ts';
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

const ADD = numberOf('EPOLL_CTL_ADD');
const DEL = numberOf('EPOLL_CTL_DEL');
const MOD = numberOf('EPOLL_CTL_MOD');
/** It knows these four; hangups and errors are always told. */
const KNOWN = IN | OUT | ERR | HUP;
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

/** A source tells its handlers, the latest first. Without bits: what it is ready for now. */
function tell(file: OpenFile | undefined, bits: number | 'all'): void {
  if (file === undefined || file.descriptors === 0) return;
  const source = file.file;
  if (source.kind === 'epoll' || source.kind === 'regular' || source.kind === 'opaque') return;
  const told = bits === 'all' ? (readinessOf(source, 0) ?? 0) : bits;
  // A socket tells all, whoever asked; of the others nobody hears that they are writable who has not asked.
  const asked = source.kind === 'socket' ? (): number => KNOWN : tracked;
  for (const interest of (file.watching ?? []).toReversed()) push(interest, told & asked(interest));
}

function changed(open: OpenFile, how: Change['how'], freed = false): void {
  const { file, other } = open;
  if (how === 'close') {
    forget(open);
    if (file.kind !== 'socket' || file.connected) tell(other, 'all');
    else if (file.own.unread.length > 0) tell(other, OUT);
    return;
  }
  if (file.kind === 'eventfd') tell(open, how === 'write' ? IN : OUT);
  if (file.kind === 'pipe' && how === 'write') tell(other, IN);
  if (file.kind === 'pipe' && how === 'read' && freed) tell(other, OUT);
  if (file.kind !== 'socket') return;
  if (how === 'write') tell(other, IN);
  if (how === 'read' && freed) tell(other, OUT);
  if (how !== 'shutdown') return;
  tell(open, 'all');
  if (file.connected) tell(other, 'all');
}

/** A datagram that was paid for and not delivered is given back, and the sender told of the room. */
function refused(open: OpenFile, error: string): void {
  const { file } = open;
  if (file.kind !== 'socket' || file.connected) return;
  if (error === '-ECONNREFUSED' || (error === '-EPIPE' && !file.own.shutWrite)) tell(open, OUT);
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
    if (open?.file.kind !== 'timerfd' || open.file.told === true) continue;
    if (open.file.dueNs === undefined || open.file.dueNs > world.nowNs) continue;
    open.file.told = true;
    tell(open, IN);
  }
}

/** Any flags will do; a size is looked at as Linux does. */
function create(world: World, call: SystemCallStep): StepResult | undefined {
  const size = call.sys === 'epoll_create' ? numberIn(world, call.args[0]) : 1;
  return size === undefined || size <= 0 ? { ret: '-EINVAL' } : undefined;
}

function control(world: World, call: SystemCallStep): StepResult | undefined {
  const operation = numberIn(world, call.args[1]);
  const epfd = numberIn(world, call.args[0]);
  const fd = numberIn(world, call.args[2]);
  if (operation === undefined || fd === undefined || epfd === undefined) return undefined;
  const event = call.args[3];
  const given = typeof event === 'object' && event !== null && 'event' in event ? event.event : undefined;
  if (event !== null && event !== 0 && given === undefined) return { ret: '-EFAULT' };
  if (operation !== ADD && operation !== MOD && operation !== DEL) return { ret: '-EINVAL' };
  if ((operation !== DEL && given === undefined) || fd === epfd) return { ret: '-EINVAL' };
  const file = fileAt(world, fd);
  const instance = fileAt(world, epfd);
  if (file === undefined || instance === undefined) return { ret: '-EBADF' };
  if (instance.file.kind !== 'epoll') return { ret: '-EINVAL' };
  const epoll = instance.file;
  const found = epoll.interests.find((interest) => interest.fd === fd);
  if (operation === ADD && found !== undefined) return { ret: '-EEXIST' };
  if (operation !== ADD && found === undefined) return { ret: '-ENOENT' };
  if (found !== undefined && operation === DEL) {
    unwatch(found);
    epoll.interests.splice(epoll.interests.indexOf(found), 1);
    return { ret: 0 };
  }
  if (file.file.kind === 'epoll') return { ret: '-EBADF' };
  const events = (numberIn(world, given?.events) ?? 0) >>> 0;
  return register(world, epoll, found, file, { fd, events, data: given?.data ?? 0 });
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
  meta: { readonly fd: number; readonly events: number; readonly data: number },
): StepResult | undefined {
  const ready = file.file.kind === 'regular' ? 0 : statusOf(wasixModel, world, file);
  if (ready === undefined) return undefined;
  epoll.ready ??= [];
  const interest: Interest = previous ?? {
    ...meta,
    file,
    lastSeen: 0,
    lookedBy: 'nobody',
    modified: false,
    spent: false,
    epoll,
    generation: 0,
  };
  if (previous === undefined) epoll.interests.push(interest);
  else unwatch(interest);
  const generation = (interest.generation ?? 0) + 1;
  Object.assign(interest, { ...meta, file, generation, pending: 0, enqueued: false });
  Object.assign(interest, { lookedBy: 'nobody', modified: previous !== undefined, spent: false });
  file.watching ??= [];
  file.watching.push(interest);
  push(interest, ready & tracked(interest));
  return { ret: 0 };
}

/** Takes entries from the front until the slots are full. */
function drain(epoll: EpollFile, slots: number): readonly Look[] {
  const looks: Look[] = [];
  const queue = epoll.ready ?? [];
  let reports = 0;
  while (reports < slots && queue.length > 0) {
    const { fd, generation } = queue.shift()!;
    const interest = epoll.interests.find((each) => each.fd === fd);
    if (interest === undefined || interest.generation !== generation) continue;
    const reported = (interest.pending ?? 0) & tracked(interest);
    const before = snapshot(interest);
    Object.assign(interest, { pending: 0, enqueued: false });
    if (reported === 0) continue;
    looks.push({ ...before, reported, why: 'reported' });
    Object.assign(interest, { lookedBy: 'wait', spent: true });
    reports += 1;
  }
  for (const interest of epoll.interests) {
    if (looks.some((look) => look.fd === interest.fd)) continue;
    const waits = ((interest.pending ?? 0) & tracked(interest)) !== 0;
    looks.push({ ...snapshot(interest), reported: 0, why: waits ? 'not reached' : 'no edge' });
  }
  return looks;
}

function snapshot(interest: Interest): Omit<Look, 'reported' | 'why'> {
  const { fd, file, events, data, lookedBy, modified, spent } = interest;
  return { fd, file, events, data, lookedBy, modified, spent, since: [] };
}

function wait(world: World, call: SystemCallStep): Attempt | undefined {
  const slots = numberIn(world, call.args[2]);
  const timeout = call.sys === 'epoll_pwait2' ? undefined : numberIn(world, call.args[3]);
  if (slots === undefined || timeout === undefined) return undefined;
  if (slots <= 0) return { answer: { ret: '-EINVAL' } };
  const instance = fileAt(world, call.args[0]);
  if (instance === undefined) return { answer: { ret: '-EBADF' } };
  if (instance.file.kind !== 'epoll') return { answer: { ret: '-EINVAL' } };
  const looks = drain(instance.file, slots);
  const reports = looks.filter((look) => look.reported !== 0);
  if (reports.length === 0 && timeout !== 0) return { sleeps: true, looks };
  const buffer = call.args[1];
  const bad = buffer === null || typeof buffer !== 'object' || 'bad' in buffer;
  if ((bad || slots > SLOTS_MAX) && reports.length > 0) return { answer: { ret: '-EFAULT' }, looks };
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
  create,
  control,
  wait,
  poll,
  changed,
  refused,
  timePassed,
  transferError: '-EINVAL',
  holdsFiles: true,
};
