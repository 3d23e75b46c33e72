// The process of a case as plain data: its descriptors, its files, who watches them, the clock; and what a model of a
// design adds to it. What each step answers in it stands in calls.ts.
// Promise: a world holds plain data only, so a copy of it shares nothing, and a step can be tried without taking it.

import type { Argument, StepResult, SystemCallStep } from '../../programs/conform/case.ts';
import { numberOf } from '../../programs/conform/constants.ts';
import { variableOf } from '../program-facts.ts';
import { releaseSource, type SourceFile } from './files.ts';
import type { Tell, Told } from './told.ts';
import { newSignals, type Signals } from './signals.ts';

/** What happened to a source: by which call, through which of its files, to which, and what it was said to be ready for. */
export interface Change {
  readonly how: 'read' | 'write' | 'shutdown' | 'close' | 'set' | 'signal';
  readonly by: OpenFile;
  readonly to: OpenFile;
  readonly keys: number;
  readonly kind: Told['kind'];
}

/** What happened to a source so far, and how many edge-triggered entries watch it. Files can share one. */
export interface Changes {
  /** The nth change since anybody counted is at n; the first place stands for the birth. */
  log: (Change | undefined)[];
  watchers: number;
}

export interface Interest {
  fd: number;
  /** What is looked at. Where entries know numbers alone, what the number led to when the entry was made. */
  file: OpenFile;
  events: number;
  data: number;
  /** Length of the log of changes at its last look, for edges. */
  lastSeen: number;
  /** Who looked last: a wait, or the poll of an outer instance or of a program. */
  lookedBy: 'nobody' | 'wait' | 'poll';
  /** MOD came after the last look. */
  modified: boolean;
  /** A one-shot entry that was delivered. */
  spent: boolean;
  /** Of designs that remember what a poll said: the changes that it had seen, and what it said. */
  cachedAt?: number;
  cached?: number | undefined;
  /** It is among those for whose sake changes are counted. */
  counted?: boolean;
  /** Of designs that are told: the instance; bits told and not handed out; whether it is listed, and of which making. */
  epoll?: EpollFile;
  pending?: number;
  enqueued?: boolean;
  generation?: number;
}

export interface EpollFile {
  kind: 'epoll';
  /** In ascending order of descriptor. */
  interests: Interest[];
  /** Of designs that keep one: the queue of what is ready, which names interests by number and making. */
  ready?: { fd: number; generation: number }[];
}

/** A file that the model does not follow. What it is ready for is known as long as nothing is done to it. */
export interface OpaqueFile {
  kind: 'opaque';
  status?: number;
}

export interface OpenFile {
  /** Opaque: a file of which the model knows nothing but that it is there. */
  file: SourceFile | EpollFile | { kind: 'regular' } | OpaqueFile;
  /** Descriptors, and interests that keep it alive in designs whose interests do. */
  descriptors: number;
  interests: number;
  /** Calls that sleep on it: each keeps it alive, whatever becomes of its number. */
  sleepers: number;
  /** Absent where the design counts no changes of this kind of file. */
  changes: Changes | undefined;
  nonblocking: boolean;
  /** The other end of a pipe or a pair. */
  other?: OpenFile;
  /** Of designs that are told: the interests that this file tells. */
  watching?: Interest[];
}

export interface World {
  nowNs: number;
  /** Whose step is being taken. */
  thread: string;
  signals: Signals;
  descriptors: (OpenFile | undefined)[];
  names: Record<string, number>;
  /** What each call that sleeps looked up when it began, by thread and step. */
  sleeping: Record<string, OpenFile>;
  /** What the call that looks just now has looked up before, in place of what its number leads to by now. */
  lookedUp?: { readonly argument: Argument | undefined; readonly file: OpenFile };
}

/** What a model of a design adds to a world. */
export interface DesignModel {
  /** The error of epoll_create or epoll_create1, or undefined where an instance is to be made. */
  readonly create: (world: World, call: SystemCallStep) => StepResult | undefined;
  readonly control: (world: World, call: SystemCallStep) => StepResult | undefined;
  readonly wait: (world: World, call: SystemCallStep) => Attempt | undefined;
  readonly poll: (world: World, epoll: EpollFile) => number | undefined;
  /** A source tells that something happened to `change.to`. */
  readonly told: (world: World, change: Change) => void;
  /** Nothing holds a source any more. */
  readonly gone?: (file: OpenFile) => void;
  /** Before every step: the clock may have moved. */
  readonly timePassed?: (world: World) => void;
  /** What reading or writing an instance answers. */
  readonly transferError: string;
  /** Do entries hold their files? */
  readonly holdsFiles: boolean;
  /** Does a wait look at the signals that its mask lets through? */
  readonly usesMask: boolean;
  /** Does who waits look again, though nothing was told? */
  readonly looksUntold: boolean;
  /** Does a signal end a wait? */
  readonly signalsInterrupt: boolean;
}

/** What a wait found at one entry, for those who ask why its answer is what it is. */
export interface Look {
  readonly fd: number;
  readonly file: OpenFile;
  readonly events: number;
  readonly data: number;
  readonly lookedBy: Interest['lookedBy'];
  readonly modified: boolean;
  readonly spent: boolean;
  readonly reported: number;
  readonly why: 'reported' | 'not ready' | 'no edge' | 'disabled' | 'not reached';
  readonly since: readonly Change[];
}

/** One look of a call: its answer (inexact: but for what it stored), or that it would sleep. */
export type Attempt =
  | { readonly answer: StepResult; readonly looks?: readonly Look[]; readonly inexact?: boolean }
  | { readonly sleeps: true; readonly looks?: readonly Look[] };

const FIRST_DESCRIPTOR = 3;
/** What the runner gives for a number that a step was to keep, and could not. */
const NEVER_KEPT = -1;

export function newWorld(): World {
  return {
    nowNs: 0,
    thread: 'main',
    signals: newSignals(),
    descriptors: Array<undefined>(FIRST_DESCRIPTOR).fill(undefined),
    names: {},
    sleeping: {},
  };
}

export function copyOf(world: World): World {
  return structuredClone(world);
}

export function newFile(file: OpenFile['file'], nonblocking: boolean, changes?: Changes): OpenFile {
  return { file, descriptors: 0, interests: 0, sleepers: 0, changes, nonblocking };
}

export function newChanges(watchers: number): Changes {
  return { log: [undefined], watchers };
}

export function install(world: World, file: OpenFile, least = FIRST_DESCRIPTOR): number {
  let fd = Math.max(FIRST_DESCRIPTOR, least);
  while (world.descriptors[fd] !== undefined) fd += 1;
  installAt(world, file, fd);
  return fd;
}

/** Under a number that is free. */
export function installAt(world: World, file: OpenFile, fd: number): void {
  while (world.descriptors.length < fd) world.descriptors.push(undefined);
  world.descriptors[fd] = file;
  file.descriptors += 1;
}

/** A number as the call sees it; undefined for what only the run knows (thread and process ids). */
export function numberIn(world: World, argument: Argument | undefined): number | undefined {
  if (typeof argument === 'number') return argument;
  if (typeof argument !== 'string' || argument.startsWith('@') || argument === 'PID') return undefined;
  const name = variableOf(argument);
  return name === undefined ? numberOf(argument) : (world.names[name] ?? NEVER_KEPT);
}

export function fileAt(world: World, argument: Argument | undefined): OpenFile | undefined {
  if (world.lookedUp !== undefined && world.lookedUp.argument === argument) return world.lookedUp.file;
  const fd = numberIn(world, argument);
  return fd === undefined || fd < 0 ? undefined : world.descriptors[fd];
}

/** Passes on to a design what a call through `by` tells. */
export function teller(design: DesignModel, world: World, by: OpenFile, how: Change['how']): Tell {
  return ({ to, keys, kind }) => {
    const open = to === 'own' ? by : by.other;
    if (open !== undefined) design.told(world, { how, by, to: open, keys, kind });
  };
}

/** Lets go of a file when neither descriptor nor interest holds it. An epoll instance lets go of what it held. */
export function releaseIfUnused(design: DesignModel, world: World, file: OpenFile): void {
  if (file.descriptors > 0 || file.interests > 0 || file.sleepers > 0) return;
  if (file.file.kind === 'epoll') {
    for (const interest of file.file.interests.splice(0)) {
      if (!design.holdsFiles) continue;
      interest.file.interests -= 1;
      releaseIfUnused(design, world, interest.file);
    }
  } else if (file.file.kind !== 'regular' && file.file.kind !== 'opaque') {
    design.gone?.(file);
    releaseSource(file.file, teller(design, world, file, 'close'));
  }
}
