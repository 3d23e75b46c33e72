// Kevlar's epoll as a model: interests in ascending order of descriptor, no ready list, every wait polls them all, an
// edge is a change of the source's generation whatever changed, close removes nothing. See the declared divergences in
// divergences/kevlar.ts, which are foretold with it.
//
// Source: levkropp/kevlar, kernel/fs/epoll.rs and the poll_gen of its pipe, eventfd and unix_socket.

import type { StepResult, SystemCallStep } from '../../programs/conform/case.ts';
import { EPOLL_EVENT_NAMES, namesOf, numberOf } from '../../programs/conform/constants.ts';
import { ERR, HUP, IN, OUT } from './files.ts';
import { statusOf } from './poll-calls.ts';
import {
  type Attempt,
  type Change,
  type DesignModel,
  type EpollFile,
  fileAt,
  type Interest,
  type Look,
  type OpenFile,
  releaseIfUnused,
  numberIn,
  type World,
} from './world.ts';

const ADD = numberOf('EPOLL_CTL_ADD');
const DEL = numberOf('EPOLL_CTL_DEL');
const MOD = numberOf('EPOLL_CTL_MOD');
const EDGE = numberOf('EPOLLET');
const ONESHOT = numberOf('EPOLLONESHOT');
/** Links from instance to instance in one chain. */
const LINKS_MAX = 4;
/** It knows these four; what else is asked for is never reported. */
const KNOWN = IN | OUT | ERR | HUP;

function isEdge(events: number): boolean {
  return (events & EDGE) !== 0;
}

/** 0: this source is not counted, so an edge-triggered entry behaves as a level-triggered one. */
function generationOf(file: OpenFile): number {
  const { changes } = file;
  return changes === undefined || changes.watchers === 0 ? 0 : changes.log.length;
}

function changed(file: OpenFile, how: Change['how']): void {
  if (file.changes !== undefined && file.changes.watchers > 0) file.changes.log.push({ how, by: file });
}

function watch(file: OpenFile, by: number): void {
  if (file.changes !== undefined) file.changes.watchers += by;
}

/** Any flags will do; a size is looked at as Linux does. */
function create(world: World, call: SystemCallStep): StepResult | undefined {
  const size = call.sys === 'epoll_create' ? numberIn(world, call.args[0]) : 1;
  return size === undefined || size <= 0 ? { ret: '-EINVAL' } : undefined;
}

function control(world: World, call: SystemCallStep): StepResult | undefined {
  const operation = numberIn(world, call.args[1]);
  const fd = numberIn(world, call.args[2]);
  if (operation === undefined || fd === undefined) return undefined;
  const event = call.args[3];
  const given = typeof event === 'object' && event !== null && 'event' in event ? event.event : undefined;
  if (operation !== DEL && given === undefined) return { ret: '-EFAULT' };
  const instance = fileAt(world, call.args[0]);
  if (instance === undefined) return { ret: '-EBADF' };
  if (instance.file.kind !== 'epoll') return { ret: '-EINVAL' };
  const { interests } = instance.file;
  const found = interests.find((interest) => interest.fd === fd);
  const events = (numberIn(world, given?.events) ?? 0) >>> 0;
  const data = given?.data ?? 0;
  if (operation === ADD) return add(world, instance, fd, events, data);
  if (operation !== MOD && operation !== DEL) return { ret: '-EINVAL' };
  if (found === undefined) return { ret: '-ENOENT' };
  if (operation === DEL) {
    interests.splice(interests.indexOf(found), 1);
    if (isEdge(found.events)) watch(found.file, -1);
    found.file.interests -= 1;
    releaseIfUnused(kevlarModel, found.file);
    return { ret: 0 };
  }
  if (isEdge(found.events) !== isEdge(events)) watch(found.file, isEdge(events) ? 1 : -1);
  Object.assign(found, { events, data, modified: true, spent: false });
  return { ret: 0 };
}

function add(world: World, instance: OpenFile, fd: number, events: number, data: number): StepResult {
  const file = fileAt(world, fd);
  if (file === undefined) return { ret: '-EBADF' };
  if (instance.file.kind !== 'epoll') return { ret: '-EINVAL' };
  const { interests } = instance.file;
  // Mended: an instance within itself hangs in Kevlar. It is refused as Linux does, and so is too deep a nest.
  if (file === instance) return { ret: '-EINVAL' };
  if (
    file.file.kind === 'epoll' &&
    (reaches(file, instance) || linksBelow(file) + linksAbove(world, instance) >= LINKS_MAX)
  ) {
    return { ret: '-ELOOP' };
  }
  if (interests.some((interest) => interest.fd === fd)) return { ret: '-EEXIST' };
  if (isEdge(events)) watch(file, 1);
  file.interests += 1;
  interests.push({ fd, file, events, data, lastSeen: 0, lookedBy: 'nobody', modified: false, spent: false });
  interests.sort((left, right) => left.fd - right.fd);
  return { ret: 0 };
}

function innerOf(file: OpenFile): readonly OpenFile[] {
  return file.file.kind === 'epoll' ? file.file.interests.map((interest) => interest.file) : [];
}

function reaches(from: OpenFile, to: OpenFile): boolean {
  return from === to || innerOf(from).some((inner) => reaches(inner, to));
}

function linksBelow(file: OpenFile): number {
  const inner = innerOf(file).filter((each) => each.file.kind === 'epoll');
  return inner.reduce((longest, each) => Math.max(longest, 1 + linksBelow(each)), 0);
}

function linksAbove(world: World, file: OpenFile): number {
  const outer = instancesOf(world).filter((each) => innerOf(each).includes(file));
  return outer.reduce((longest, each) => Math.max(longest, 1 + linksAbove(world, each)), 0);
}

/** Every instance that lives: those with a descriptor, and those that others keep alive. */
function instancesOf(world: World): readonly OpenFile[] {
  const found = new Set<OpenFile>();
  const visit = (file: OpenFile): void => {
    if (file.file.kind !== 'epoll' || found.has(file)) return;
    found.add(file);
    innerOf(file).forEach(visit);
  };
  for (const file of world.descriptors) if (file !== undefined) visit(file);
  return [...found];
}

/** Polls every entry in turn until the slots are full. The look itself uses up edges and one-shots. */
function collect(world: World, epoll: EpollFile, slots: number, by: 'wait' | 'poll'): readonly Look[] | undefined {
  const looks: Look[] = [];
  let reports = 0;
  for (const interest of epoll.interests) {
    const look = reports >= slots ? unreached(interest) : lookAt(world, interest, by);
    if (look === undefined) return undefined;
    if (look.reported !== 0) reports += 1;
    looks.push(look);
  }
  return looks;
}

function snapshot(interest: Interest): Omit<Look, 'reported' | 'why'> {
  const { fd, file, events, data, lookedBy, modified, spent } = interest;
  const log = file.changes?.log ?? [];
  const since = log.slice(Math.max(1, interest.lastSeen)).filter((change): change is Change => change !== undefined);
  return { fd, file, events, data, lookedBy, modified, spent, since };
}

function unreached(interest: Interest): Look {
  return { ...snapshot(interest), reported: 0, why: 'not reached' };
}

function lookAt(world: World, interest: Interest, by: 'wait' | 'poll'): Look | undefined {
  const before = snapshot(interest);
  const { events } = interest;
  if (events === 0) return { ...before, reported: 0, why: 'disabled' };
  const generation = generationOf(interest.file);
  if (isEdge(events) && generation !== 0) {
    if (generation === interest.lastSeen) return { ...before, reported: 0, why: 'no edge' };
    interest.lastSeen = generation;
    interest.lookedBy = by;
    interest.modified = false;
  }
  const status = statusOf(kevlarModel, world, interest.file);
  if (status === undefined) return undefined;
  const reported = status & KNOWN & (events | ERR | HUP);
  if (reported === 0) return { ...before, reported, why: 'not ready' };
  if ((events & ONESHOT) !== 0) {
    interest.events = 0;
    interest.spent = true;
    interest.lookedBy = by;
  }
  return { ...before, reported, why: 'reported' };
}

function wait(world: World, call: SystemCallStep): Attempt | undefined {
  const slots = numberIn(world, call.args[2]);
  const timeout = call.sys === 'epoll_pwait2' ? undefined : numberIn(world, call.args[3]);
  if (slots === undefined || timeout === undefined) return undefined;
  if (call.args[1] === null) return { answer: { ret: '-EFAULT' } };
  if (slots <= 0) return { answer: { ret: '-EINVAL' } };
  const instance = fileAt(world, call.args[0]);
  if (instance === undefined) return { answer: { ret: '-EBADF' } };
  if (instance.file.kind !== 'epoll') return { answer: { ret: '-EINVAL' } };
  const looks = collect(world, instance.file, slots, 'wait');
  if (looks === undefined) return undefined;
  const reports = looks.filter((look) => look.reported !== 0);
  if (reports.length === 0 && timeout !== 0) return { sleeps: true, looks };
  const buffer = call.args[1];
  if (typeof buffer !== 'object' || buffer === null) return undefined;
  if ('bad' in buffer && reports.length > 0) return { answer: { ret: '-EFAULT' }, looks };
  const out = reports.map((look) => [namesOf(look.reported, EPOLL_EVENT_NAMES), look.data]);
  return { answer: 'bad' in buffer ? { ret: 0 } : { ret: reports.length, out }, looks };
}

function poll(world: World, epoll: EpollFile): number | undefined {
  const looks = collect(world, epoll, 1, 'poll');
  return looks === undefined ? undefined : looks.some((look) => look.reported !== 0) ? IN : 0;
}

export const kevlarModel: DesignModel = {
  create,
  control,
  wait,
  poll,
  changed,
  transferError: '-EINVAL',
  holdsFiles: true,
};
