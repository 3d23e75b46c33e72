// Kevlar's epoll as a model: interests in ascending order of descriptor, no ready list, every wait polls them all, an
// edge is a change of the source's generation whatever changed, close removes nothing. See the declared divergences in
// divergences/kevlar.ts, which are foretold with it.
//
// Source: levkropp/kevlar, kernel/fs/epoll.rs and the poll_gen of its pipe, eventfd and unix_socket.

import type { StepResult, SystemCallStep } from '../../programs/conform/case.ts';
import { EPOLL_EVENT_NAMES, namesOf } from '../../programs/conform/constants.ts';
import { statusOf, waitLimitNs } from './poll-calls.ts';
import {
  ADD,
  controlArguments,
  createWithAnyFlags,
  DEL,
  EDGE,
  interestIn,
  KNOWN,
  lookOf,
  MOD,
  newInterest,
  ONESHOT,
  roomIn,
} from './epoll-calls.ts';
import { ERR, HUP, IN } from './told.ts';
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

/** Links from instance to instance in one chain. */
const LINKS_MAX = 4;

function isEdge(events: number): boolean {
  return (events & EDGE) !== 0;
}

/** 0: this source is not counted, so an edge-triggered entry behaves as a level-triggered one. */
function generationOf(file: OpenFile): number {
  const { changes } = file;
  return changes === undefined || changes.watchers === 0 ? 0 : changes.log.length;
}

/** Whatever moves is a change; a call that failed is none. */
function told(_world: World, change: Change): void {
  const { changes } = change.to;
  if (changes !== undefined && changes.watchers > 0 && change.kind !== 'refused') changes.log.push(change);
}

/** An entry that fired once and is disarmed goes on counting as edge-triggered, until it is asked for something else. */
function watch(interest: Interest, events: number): void {
  const edge = isEdge(events);
  if (interest.counted === edge) return;
  interest.counted = edge;
  if (interest.file.changes !== undefined) interest.file.changes.watchers += edge ? 1 : -1;
}

function control(world: World, call: SystemCallStep): StepResult | undefined {
  const given = controlArguments(world, call);
  if (given === undefined) return undefined;
  const { operation, fd, event } = given;
  if (operation !== DEL && typeof event !== 'object') return { ret: '-EFAULT' };
  const instance = fileAt(world, call.args[0]);
  if (instance === undefined) return { ret: '-EBADF' };
  if (instance.file.kind !== 'epoll') return { ret: '-EINVAL' };
  const request = typeof event === 'object' ? event : { events: 0, data: 0 };
  if (operation === ADD) return add(world, instance, fd, request.events, request.data);
  if (operation !== MOD && operation !== DEL) return { ret: '-EINVAL' };
  const { interests } = instance.file;
  const found = interestIn(instance.file, fd);
  if (found === undefined) return { ret: '-ENOENT' };
  if (operation === DEL) {
    interests.splice(interests.indexOf(found), 1);
    watch(found, 0);
    found.file.interests -= 1;
    releaseIfUnused(kevlarModel, world, found.file);
    return { ret: 0 };
  }
  watch(found, request.events);
  Object.assign(found, request, { modified: true, spent: false, cachedAt: 0 });
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
  file.interests += 1;
  const interest: Interest = { ...newInterest(fd, file), events, data, counted: false };
  watch(interest, events);
  interests.push(interest);
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

/** Who looks. A wait that cannot store what it finds disarms nothing. */
type By = 'wait' | 'vain wait' | 'poll';

/** Polls every entry in turn until the slots are full. The look itself uses up edges and one-shots. */
function collect(world: World, epoll: EpollFile, slots: number, by: By): readonly Look[] | undefined {
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

function since(interest: Interest): readonly Change[] {
  const log = interest.file.changes?.log ?? [];
  return log.slice(Math.max(1, interest.lastSeen)).filter((change): change is Change => change !== undefined);
}

function unreached(interest: Interest): Look {
  return lookOf(interest, 0, 'not reached', since(interest));
}

function lookAt(world: World, interest: Interest, by: By): Look | undefined {
  const before = { ...interest };
  const changes = since(interest);
  const { events } = interest;
  if (events === 0) return lookOf(before, 0, 'disabled', changes);
  const generation = generationOf(interest.file);
  if (isEdge(events) && generation !== 0) {
    if (generation === interest.lastSeen) return lookOf(before, 0, 'no edge', changes);
    interest.lastSeen = generation;
    interest.lookedBy = by === 'poll' ? 'poll' : 'wait';
    interest.modified = false;
  }
  const status = cachedStatus(world, interest, generation);
  if (status === undefined) return undefined;
  const reported = status & KNOWN & (events | ERR | HUP);
  if (reported === 0) return lookOf(before, 0, 'not ready', changes);
  if ((events & ONESHOT) !== 0 && by !== 'vain wait') {
    interest.events = 0;
    interest.spent = true;
    interest.lookedBy = by;
  }
  return lookOf(before, reported, 'reported', changes);
}

/** What a source said is not asked again before it changes, where changes are counted. */
function cachedStatus(world: World, interest: Interest, generation: number): number | undefined {
  if (generation !== 0 && generation === interest.cachedAt) return interest.cached;
  const status = statusOf(kevlarModel, world, interest.file);
  if (generation !== 0) Object.assign(interest, { cachedAt: generation, cached: status });
  return status;
}

function wait(world: World, call: SystemCallStep): Attempt | undefined {
  const slots = numberIn(world, call.args[2]);
  const timeout = waitLimitNs(call);
  if (slots === undefined || timeout === undefined) return undefined;
  if (call.args[1] === null) return { answer: { ret: '-EFAULT' } };
  if (slots <= 0) return { answer: { ret: '-EINVAL' } };
  const instance = fileAt(world, call.args[0]);
  if (instance === undefined) return { answer: { ret: '-EBADF' } };
  if (instance.file.kind !== 'epoll') return { answer: { ret: '-EINVAL' } };
  const buffer = call.args[1];
  if (typeof buffer !== 'object' || buffer === null) return undefined;
  // Who cannot store an event looks no further.
  const room = roomIn(buffer);
  const looks = collect(world, instance.file, Math.min(slots, room + 1), room < slots ? 'vain wait' : 'wait');
  if (looks === undefined) return undefined;
  const reports = looks.filter((look) => look.reported !== 0);
  if (reports.length === 0 && timeout !== 0) return { sleeps: true, looks };
  if (reports.length > room) return { answer: { ret: '-EFAULT' }, looks };
  const out = reports.map((look) => [namesOf(look.reported, EPOLL_EVENT_NAMES), look.data]);
  return { answer: 'bad' in buffer ? { ret: 0 } : { ret: reports.length, out }, looks };
}

function poll(world: World, epoll: EpollFile): number | undefined {
  const looks = collect(world, epoll, 1, 'poll');
  return looks === undefined ? undefined : looks.some((look) => look.reported !== 0) ? IN : 0;
}

export const kevlarModel: DesignModel = {
  create: createWithAnyFlags,
  control,
  wait,
  poll,
  told,
  transferError: '-EINVAL',
  holdsFiles: true,
  usesMask: false,
  looksUntold: true,
  signalsInterrupt: true,
};
