// Signals of a case's process, as plain data: which are pending, for whom, who blocks them and what is done with them; the
// calls that change that, and what a signalfd makes of it. Callers: calls.ts, transfer-calls.ts, world.ts.
// Promise: a signal whose effect would be more than a handler that does nothing is answered `undefined`.

import type { Argument, StepResult, SystemCallStep } from '../../programs/conform/case.ts';
import { numberOf, signalNameOf } from '../../programs/conform/constants.ts';
import type { Action } from './signals.ts';
import { IN } from './told.ts';
import { type DesignModel, fileAt, install, newFile, numberIn, type OpenFile, type World } from './world.ts';

const KILL = numberOf('SIGKILL');
const STOP = numberOf('SIGSTOP');
const FIRST_QUEUED = numberOf('SIGRTMIN') - 2;
const IGNORED_BY_DEFAULT: readonly number[] = [numberOf('SIGCHLD'), numberOf('SIGCONT')];
const SIGINFO_BYTES = 128;

function blockedBy(world: World, thread: string): readonly number[] {
  return world.signals.blocked[thread] ?? [];
}

/** A thread begins with the mask of who started it. */
export function startThread(world: World, thread: string): void {
  world.signals.blocked[thread] = [...blockedBy(world, world.thread)];
}

export function setOf(world: World, argument: Argument | undefined): number[] | undefined {
  if (typeof argument !== 'object' || argument === null || !('sigset' in argument)) return undefined;
  return argument.sigset
    .map((signal) => numberIn(world, signal) ?? 0)
    .filter((signal) => signal !== KILL && signal !== STOP);
}

export function actionOf(world: World, signal: number): Action {
  return world.signals.actions[signal] ?? 'SIG_DFL';
}

export function signalfdReadiness(world: World, signals: readonly number[]): number {
  const { shared, own } = world.signals;
  const pending = [...shared, ...(own[world.thread] ?? [])];
  return pending.some((signal) => signals.includes(signal)) ? IN : 0;
}

/** kill, tkill, tgkill. */
export function sendCall(design: DesignModel, world: World, call: SystemCallStep): StepResult | undefined {
  const [to, signal] = call.sys === 'tgkill' ? [call.args[1], call.args[2]] : call.args;
  const number = numberIn(world, signal);
  if (typeof to !== 'string' || number === undefined || number <= 0) return undefined;
  if (call.sys === 'kill' && to !== 'PID') return undefined;
  const thread = to.startsWith('@') ? to.slice(1) : undefined;
  if (thread === undefined && call.sys !== 'kill') return undefined;
  if (!send(design, world, thread, number)) return undefined;
  return { ret: 0 };
}

/** @returns false where more would come of it than a handler that does nothing */
function send(design: DesignModel, world: World, thread: string | undefined, signal: number): boolean {
  const { signals } = world;
  const action = actionOf(world, signal);
  const dropped = action === 'SIG_IGN' || (action === 'SIG_DFL' && IGNORED_BY_DEFAULT.includes(signal));
  if (dropped && !blockedBy(world, thread ?? 'main').includes(signal)) return true;
  signals.own[thread ?? 'main'] ??= [];
  const pending = thread === undefined ? signals.shared : signals.own[thread]!;
  if (pending.includes(signal) && signal < FIRST_QUEUED) return true;
  pending.push(signal);
  for (const open of new Set(world.descriptors)) {
    if (open?.file.kind === 'signalfd')
      design.told(world, { how: 'signal', by: open, to: open, keys: IN, kind: 'changed' });
  }
  return Object.keys(signals.blocked).every((name) => deliver(world, name));
}

/** What a thread does not block does not stay pending. @returns false where it would end or stop the process */
function deliver(world: World, thread: string): boolean {
  const { signals } = world;
  const blocked = blockedBy(world, thread);
  let sure = true;
  const keep = (signal: number): boolean => {
    if (blocked.includes(signal)) return true;
    if (actionOf(world, signal) === 'SIG_DFL' && !IGNORED_BY_DEFAULT.includes(signal)) sure = false;
    return false;
  };
  signals.shared = signals.shared.filter(keep);
  signals.own[thread] = (signals.own[thread] ?? []).filter(keep);
  return sure;
}

export function maskCall(world: World, call: SystemCallStep): StepResult | undefined {
  const { signals, thread } = world;
  const [how, next, previous, size] = call.args;
  if (numberIn(world, size) !== 8) return undefined;
  const before = [...blockedBy(world, thread)];
  const given = setOf(world, next);
  const way = numberIn(world, how);
  if (next !== null && given === undefined) return undefined;
  if (given !== undefined) {
    if (way === numberOf('SIG_BLOCK')) signals.blocked[thread] = [...new Set([...before, ...given])];
    else if (way === numberOf('SIG_UNBLOCK')) signals.blocked[thread] = before.filter((one) => !given.includes(one));
    else if (way === numberOf('SIG_SETMASK')) signals.blocked[thread] = given;
    else return undefined;
    if (!deliver(world, thread)) return undefined;
  }
  if (previous === null || previous === undefined) return { ret: 0 };
  return typeof previous === 'object' && 'out_sigset' in previous ? { ret: 0, out: namesOfSet(before) } : undefined;
}

export function pendingCall(world: World, call: SystemCallStep): StepResult | undefined {
  const { signals, thread } = world;
  const [to, size] = call.args;
  if (typeof to !== 'object' || to === null || !('out_sigset' in to) || numberIn(world, size) !== 8) return undefined;
  const pending = [...signals.shared, ...(signals.own[thread] ?? [])];
  return { ret: 0, out: namesOfSet(pending.filter((signal) => blockedBy(world, thread).includes(signal))) };
}

function namesOfSet(signals: readonly number[]): readonly string[] {
  return [...new Set(signals)].sort((left, right) => left - right).map(signalNameOf);
}

/** Is there a signal that a wait under this mask lets through? It is taken, for its handler. */
export function takeUnder(world: World, mask: readonly number[]): boolean {
  const { signals, thread } = world;
  const lists = [signals.own[thread] ?? [], signals.shared];
  let taken = false;
  for (const list of lists) {
    for (const signal of list.filter((one) => !mask.includes(one))) {
      list.splice(list.indexOf(signal), 1);
      taken = true;
    }
  }
  return taken;
}

export function signalfdCall(design: DesignModel, world: World, call: SystemCallStep): StepResult | undefined {
  const [fd, mask, size, flags] = call.args;
  const signals = setOf(world, mask);
  const bits = numberIn(world, flags);
  const number = numberIn(world, fd);
  if (signals === undefined || bits === undefined || number === undefined || numberIn(world, size) !== 8)
    return undefined;
  if ((bits & ~numberOf('SFD_NONBLOCK|SFD_CLOEXEC')) !== 0) return { ret: '-EINVAL' };
  if (number === -1) {
    if (call.as === undefined) return undefined;
    const file = newFile({ kind: 'signalfd', signals }, (bits & numberOf('SFD_NONBLOCK')) !== 0);
    world.names[call.as] = install(world, file);
    return { ret: 'fd' };
  }
  const open = fileAt(world, fd);
  if (open === undefined) return { ret: '-EBADF' };
  if (open.file.kind !== 'signalfd') return { ret: '-EINVAL' };
  open.file.signals = signals;
  design.told(world, { how: 'set', by: open, to: open, keys: IN, kind: 'changed' });
  return { ret: call.as !== undefined ? 'fd' : call.ret === 'any' ? 'any' : number };
}

/** Its own before those of the process, the lowest number first. */
export function readSignalfd(
  world: World,
  open: OpenFile,
  call: SystemCallStep,
  bytes: number,
): StepResult | undefined {
  if (open.file.kind !== 'signalfd') return undefined;
  const records = Math.floor(bytes / SIGINFO_BYTES);
  if (records === 0) return { ret: '-EINVAL' };
  const taken: number[] = [];
  while (taken.length < records) {
    const signal = takeOne(world, open.file.signals);
    if (signal === undefined) break;
    taken.push(signal);
  }
  if (taken.length === 0) return { ret: '-EAGAIN' };
  const buffer = call.args[1];
  const shown = typeof buffer === 'object' && buffer !== null && 'out_siginfo' in buffer;
  const ret = taken.length * SIGINFO_BYTES;
  return shown ? { ret, out: taken.map(signalNameOf) } : { ret };
}

function takeOne(world: World, wanted: readonly number[]): number | undefined {
  const { signals, thread } = world;
  for (const list of [signals.own[thread] ?? [], signals.shared]) {
    const found = list.filter((signal) => wanted.includes(signal)).sort((left, right) => left - right)[0];
    if (found === undefined) continue;
    list.splice(list.indexOf(found), 1);
    return found;
  }
  return undefined;
}
