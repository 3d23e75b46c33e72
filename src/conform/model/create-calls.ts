// Calls of a case that make files, in a world: what calls.ts does not do itself.

import type { StepResult, SystemCallStep } from '../../programs/conform/case.ts';
import { numberOf } from '../../programs/conform/constants.ts';
import { type EventfdFile, PIPE_SLOTS, type PipeState } from './files.ts';
import { newSide } from './sockets.ts';
import { HUP, OUT, WRNORM } from './told.ts';
import {
  type Changes,
  type DesignModel,
  install,
  newChanges,
  newFile,
  numberIn,
  type OpenFile,
  type World,
} from './world.ts';

const NONBLOCK = numberOf('O_NONBLOCK');

/** @param least the lowest number that it may get */
export function named(world: World, call: SystemCallStep, file: OpenFile, least?: number): StepResult {
  const fd = install(world, file, least);
  if (call.as !== undefined) world.names[call.as] = fd;
  return { ret: call.as !== undefined ? 'fd' : call.ret === 'any' ? 'any' : fd };
}

function newInstance(world: World, call: SystemCallStep): StepResult {
  return named(world, call, newFile({ kind: 'epoll', interests: [] }, false));
}

export function createCall(design: DesignModel, world: World, call: SystemCallStep): StepResult | undefined {
  const flags = numberIn(world, call.args[1]) ?? 0;
  const nonblocking = (flags & NONBLOCK) !== 0;
  if (call.sys === 'eventfd2') {
    const initial = numberIn(world, call.args[0]);
    if (initial === undefined || (flags & ~numberOf('EFD_SEMAPHORE|EFD_NONBLOCK|EFD_CLOEXEC')) !== 0) return undefined;
    const semaphore = (flags & numberOf('EFD_SEMAPHORE')) !== 0;
    // Its changes are counted from birth, watched or not.
    const file: EventfdFile = { kind: 'eventfd', count: BigInt(initial >>> 0), semaphore };
    return named(world, call, newFile(file, nonblocking, newChanges(1)));
  }
  if (call.sys === 'socket') return loneSocket(world, call);
  if (call.sys === 'openat') return openDevice(world, call);
  if (call.sys.startsWith('epoll_create')) return design.create(world, call) ?? newInstance(world, call);
  const pair = call.args.find(
    (argument) => typeof argument === 'object' && argument !== null && 'out_pair' in argument,
  );
  if (pair === undefined || pair === null || typeof pair !== 'object' || !('out_pair' in pair)) return undefined;
  if (call.sys === 'pipe2' && (flags & ~numberOf('O_CLOEXEC|O_NONBLOCK|O_DIRECT')) !== 0) return { ret: '-EINVAL' };
  const files = call.sys === 'pipe2' ? pipePair(flags, nonblocking) : socketPair(call, flags, nonblocking);
  files?.forEach((file, index) => {
    world.names[pair.out_pair[index]!] = install(world, file);
  });
  return files === undefined ? undefined : { ret: 0 };
}

/** M3: a socket that was never connected. */
function loneSocket(world: World, call: SystemCallStep): StepResult | undefined {
  const type = numberIn(world, call.args[1]) ?? 0;
  if (numberIn(world, call.args[0]) !== numberOf('AF_UNIX') || call.args[2] !== 0) return undefined;
  const base = type & 0xf;
  const status = base === numberOf('SOCK_DGRAM') ? OUT | WRNORM : OUT | WRNORM | HUP;
  const known = base === numberOf('SOCK_STREAM') || base === numberOf('SOCK_SEQPACKET') || (status & HUP) === 0;
  return known ? named(world, call, newFile({ kind: 'opaque', status }, (type & NONBLOCK) !== 0)) : undefined;
}

/** Devices that cannot be polled are like regular files to who would watch them. */
function openDevice(world: World, call: SystemCallStep): StepResult | undefined {
  const path = call.args[1];
  const known = typeof path === 'object' && path !== null && 'text' in path && /^\/dev\/(null|zero)$/.test(path.text);
  return known ? named(world, call, newFile({ kind: 'regular' }, false)) : undefined;
}

function pipePair(flags: number, nonblocking: boolean): readonly OpenFile[] {
  const packets = (flags & numberOf('O_DIRECT')) !== 0;
  const pipe: PipeState = { slots: [], slotsMax: PIPE_SLOTS, readerOpen: true, writerOpen: true };
  const changes = newChanges(0);
  return ends(
    newFile({ kind: 'pipe', pipe, writes: false, packets }, nonblocking, changes),
    newFile({ kind: 'pipe', pipe, writes: true, packets }, nonblocking, changes),
  );
}

function socketPair(call: SystemCallStep, type: number, nonblocking: boolean): readonly OpenFile[] | undefined {
  if (call.sys !== 'socketpair' || call.args[0] !== 'AF_UNIX') return undefined;
  const base = type & 0xf;
  const known = [numberOf('SOCK_STREAM'), numberOf('SOCK_DGRAM'), numberOf('SOCK_SEQPACKET')];
  if (!known.includes(base)) return undefined;
  const connected = base !== numberOf('SOCK_DGRAM');
  const messages = base !== numberOf('SOCK_STREAM');
  const [left, right] = [newSide(), newSide()];
  // The ends of a connection share one count of changes.
  const [first, second] = connected ? Array<Changes>(2).fill(newChanges(0)) : [newChanges(0), newChanges(0)];
  return ends(
    newFile({ kind: 'socket', connected, messages, own: left, peer: right }, nonblocking, first),
    newFile({ kind: 'socket', connected, messages, own: right, peer: left }, nonblocking, second),
  );
}

function ends(first: OpenFile, second: OpenFile): readonly OpenFile[] {
  first.other = second;
  second.other = first;
  return [first, second];
}
