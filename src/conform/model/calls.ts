// What each step of a case answers in a world. Epoll is left to the model of a design.
// Promise: `execute` answers with the very result that the recorder writes, or `undefined` where the model does not
// know; a caller that meets `undefined` foretells nothing.

import { namesOf, numberOf, POLL_EVENT_NAMES } from '../constants.ts';
import type { Scalar, Step, StepResult, SystemCallStep } from '../schema.ts';
import {
  ERR,
  HUP,
  type Moved,
  type PipeState,
  readEventfd,
  readinessOf,
  readPipe,
  readSocket,
  type SocketSide,
  shutdownSocket,
  writeEventfd,
  writePipe,
  writeSocket,
} from './files.ts';
import {
  type Attempt,
  type DesignModel,
  fileAt,
  install,
  newChanges,
  newFile,
  numberIn,
  type OpenFile,
  releaseIfUnused,
  type World,
} from './world.ts';

const NONBLOCK = numberOf('O_NONBLOCK');

export function execute(design: DesignModel, world: World, step: Step): Attempt | undefined {
  if ('sleep_ms' in step) world.nowNs += step.sleep_ms * 1e6;
  if ('file' in step) {
    world.names[step.as] = install(world, newFile({ kind: 'regular' }));
    return { answer: { ret: 'fd' } };
  }
  if (!('sys' in step)) return { answer: {} };
  if (step.sys.startsWith('epoll_') && step.sys.includes('wait')) return design.wait(world, step);
  if (step.sys === 'poll') return pollCall(design, world, step);
  const answer = step.sys === 'epoll_ctl' ? design.control(world, step) : plainCall(design, world, step);
  return answer === undefined ? undefined : { answer };
}

function plainCall(design: DesignModel, world: World, call: SystemCallStep): StepResult | undefined {
  switch (call.sys) {
    case 'close':
      return closeCall(design, world, call);
    case 'dup':
      return dupCall(world, call);
    case 'read':
    case 'write':
      return transferCall(design, world, call);
    case 'shutdown':
      return shutdownCall(design, world, call);
    case 'timerfd_settime':
      return settimeCall(design, world, call);
    default:
      return createCall(design, world, call);
  }
}

function named(world: World, call: SystemCallStep, file: OpenFile): StepResult {
  const fd = install(world, file);
  if (call.as !== undefined) world.names[call.as] = fd;
  return { ret: call.as !== undefined ? 'fd' : call.ret === 'any' ? 'any' : fd };
}

function newInstance(world: World, call: SystemCallStep): StepResult {
  return named(world, call, newFile({ kind: 'epoll', interests: [] }));
}

function createCall(design: DesignModel, world: World, call: SystemCallStep): StepResult | undefined {
  const flags = numberIn(world, call.args[1]) ?? 0;
  if (call.sys === 'eventfd2') {
    const initial = numberIn(world, call.args[0]);
    if (initial === undefined || (flags & ~numberOf('EFD_SEMAPHORE|EFD_NONBLOCK|EFD_CLOEXEC')) !== 0) return undefined;
    const semaphore = (flags & numberOf('EFD_SEMAPHORE')) !== 0;
    if ((flags & NONBLOCK) === 0) return undefined;
    // Its changes are counted from birth, watched or not.
    return named(world, call, newFile({ kind: 'eventfd', count: BigInt(initial >>> 0), semaphore }, newChanges(1)));
  }
  if (call.sys === 'timerfd_create') {
    return named(world, call, newFile({ kind: 'timerfd', dueNs: undefined, intervalNs: 0 }));
  }
  if (call.sys.startsWith('epoll_create')) return design.create(world, call) ?? newInstance(world, call);
  const pair = call.args.find(
    (argument) => typeof argument === 'object' && argument !== null && 'out_pair' in argument,
  );
  if (pair === undefined || pair === null || typeof pair !== 'object' || !('out_pair' in pair)) return undefined;
  if ((flags & NONBLOCK) === 0) return undefined;
  const files = call.sys === 'pipe2' ? pipePair() : call.sys === 'socketpair' ? socketPair(flags) : undefined;
  files?.forEach((file, index) => {
    world.names[pair.out_pair[index]!] = install(world, file);
  });
  return files === undefined ? undefined : { ret: 0 };
}

function pipePair(): readonly OpenFile[] {
  const pipe: PipeState = { slots: [], readerOpen: true, writerOpen: true };
  const changes = newChanges(0);
  return [
    newFile({ kind: 'pipe', pipe, writes: false }, changes),
    newFile({ kind: 'pipe', pipe, writes: true }, changes),
  ];
}

function socketPair(type: number): readonly OpenFile[] | undefined {
  const base = type & 0xf;
  const known = [numberOf('SOCK_STREAM'), numberOf('SOCK_DGRAM'), numberOf('SOCK_SEQPACKET')];
  if (!known.includes(base)) return undefined;
  const connected = base !== numberOf('SOCK_DGRAM');
  const messages = base !== numberOf('SOCK_STREAM');
  const side = (): SocketSide => ({ unread: [], open: true, shutRead: false, shutWrite: false, error: undefined });
  const [left, right] = [side(), side()];
  const changes = newChanges(0);
  return [
    newFile({ kind: 'socket', connected, messages, own: left, peer: right }, changes),
    newFile({ kind: 'socket', connected, messages, own: right, peer: left }, changes),
  ];
}

function closeCall(design: DesignModel, world: World, call: SystemCallStep): StepResult | undefined {
  const file = fileAt(world, call.args[0]);
  if (file === undefined) return { ret: '-EBADF' };
  world.descriptors[numberIn(world, call.args[0])!] = undefined;
  file.descriptors -= 1;
  releaseIfUnused(design, file);
  return { ret: 0 };
}

function dupCall(world: World, call: SystemCallStep): StepResult {
  const file = fileAt(world, call.args[0]);
  return file === undefined ? { ret: '-EBADF' } : named(world, call, file);
}

function shutdownCall(design: DesignModel, world: World, call: SystemCallStep): StepResult | undefined {
  const file = fileAt(world, call.args[0]);
  if (file === undefined) return { ret: '-EBADF' };
  const how = numberIn(world, call.args[1]);
  if (file.file.kind !== 'socket' || how === undefined || how > 2) return undefined;
  shutdownSocket(file.file, how);
  design.changed(file, 'shutdown');
  return { ret: 0 };
}

function settimeCall(design: DesignModel, world: World, call: SystemCallStep): StepResult | undefined {
  const file = fileAt(world, call.args[0]);
  const setting = call.args[2];
  if (file?.file.kind !== 'timerfd' || typeof setting !== 'object' || setting === null) return undefined;
  if (!('itimerspec' in setting) || call.args[1] !== 0 || call.args[3] !== null) return undefined;
  const [intervalSeconds, intervalNs, seconds, nanoseconds] = setting.itimerspec;
  const value = seconds * 1e9 + nanoseconds;
  file.file.dueNs = value === 0 ? undefined : world.nowNs + value;
  file.file.intervalNs = intervalSeconds * 1e9 + intervalNs;
  design.changed(file, 'set');
  return { ret: 0 };
}

function transferCall(design: DesignModel, world: World, call: SystemCallStep): StepResult | undefined {
  const open = fileAt(world, call.args[0]);
  if (open === undefined) return { ret: '-EBADF' };
  const bytes = numberIn(world, call.args[2]);
  const buffer = call.args[1];
  if (bytes === undefined || typeof buffer !== 'object' || buffer === null || 'bad' in buffer) return undefined;
  const { file } = open;
  if (file.kind === 'epoll') return { ret: '-EINVAL' };
  if (file.kind === 'eventfd') return eventfdTransfer(design, call, open, bytes);
  if (file.kind === 'timerfd') return timerTransfer(world, call, open, bytes);
  let moved: Moved;
  if (file.kind === 'pipe') {
    if (file.writes !== (call.sys === 'write')) return { ret: '-EBADF' };
    moved = file.writes ? writePipe(file.pipe, bytes) : readPipe(file.pipe, bytes);
  } else if (file.kind === 'socket') {
    moved = call.sys === 'write' ? writeSocket(file, bytes) : readSocket(file, bytes);
  }
  if (moved === undefined) return undefined;
  if (typeof moved === 'number' && moved > 0) design.changed(open, call.sys === 'write' ? 'write' : 'read');
  // A hexadecimal copy of what was read would need the bytes, which the model does not keep.
  if ('out' in buffer && typeof moved === 'number' && moved > 0) return undefined;
  return { ret: moved };
}

function eventfdTransfer(
  design: DesignModel,
  call: SystemCallStep,
  open: OpenFile,
  bytes: number,
): StepResult | undefined {
  const { file } = open;
  const buffer = call.args[1];
  if (file.kind !== 'eventfd' || typeof buffer !== 'object' || buffer === null) return undefined;
  if (call.sys === 'read') {
    if (bytes < 8) return { ret: '-EINVAL' };
    const value = readEventfd(file);
    if (value === undefined) return { ret: '-EAGAIN' };
    design.changed(open, 'read');
    return 'out_u64' in buffer ? { ret: 8, out: value.toString() } : { ret: 8 };
  }
  if (bytes !== 8) return { ret: '-EINVAL' };
  const value = 'u64' in buffer ? BigInt(buffer.u64) : 'fill' in buffer ? 0x7878787878787878n : undefined;
  if (value === undefined) return undefined;
  const moved = writeEventfd(file, value);
  if (moved === 8) design.changed(open, 'write');
  return moved === undefined ? undefined : { ret: moved };
}

function timerTransfer(world: World, call: SystemCallStep, open: OpenFile, bytes: number): StepResult | undefined {
  const { file } = open;
  if (file.kind !== 'timerfd') return undefined;
  if (call.sys === 'write' || bytes < 8) return { ret: '-EINVAL' };
  if (file.dueNs === undefined || file.dueNs > world.nowNs) return { ret: '-EAGAIN' };
  if (file.intervalNs !== 0) return undefined;
  file.dueNs = undefined;
  const buffer = call.args[1];
  const shown = typeof buffer === 'object' && buffer !== null && 'out_u64' in buffer;
  return shown ? { ret: 8, out: '1' } : { ret: 8 };
}

export function statusOf(design: DesignModel, world: World, open: OpenFile): number | undefined {
  const { file } = open;
  if (file.kind === 'epoll') return design.poll(world, file);
  if (file.kind === 'regular') return undefined;
  return readinessOf(file, world.nowNs);
}

function pollCall(design: DesignModel, world: World, call: SystemCallStep): Attempt | undefined {
  const asked = call.args[0];
  if (typeof asked !== 'object' || asked === null || !('pollfds' in asked)) return undefined;
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
  if (ready === 0 && numberIn(world, call.args[2]) !== 0) return { sleeps: true };
  return { answer: { ret: ready, out: revents.map((bits) => namesOf(bits, POLL_EVENT_NAMES)) } };
}
