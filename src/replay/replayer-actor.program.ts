// What the outside does: connects, sends, shuts, reads what the program sent, and signals.

import {
  ENOTSOCK,
  F_GETFL,
  F_SETFL,
  type Guest,
  load32,
  memoryViews,
  O_NONBLOCK,
  SHUT_WR,
  SOCK_NONBLOCK,
  store32,
  store64,
  sys,
} from '../programs/libc/index.ts';
import { placeHeader, placeVector, receivedRights } from './replayer-message.program.ts';
import { isInCall } from './replayer-order.program.ts';
import { raised } from './replayer-setup.program.ts';
import { pauseUntilTime, pauseWhile, type Table } from './replayer-table.program.ts';
import {
  progressOf,
  type Script,
  type ScriptAction,
  type ScriptDelivery,
  SIGNAL_INTERRUPT,
  THREAD_PROGRESS,
  THREAD_TID,
} from './script.program.ts';

/** How long the outside waits before it reads again what the program is still sending. */
const PUMP_NS = 100_000;

export interface Actor {
  readonly table: Table;
  readonly script: Script;
  readonly index: number;
  readonly timespec: number;
  /** For what somebody looks at: addresses, counts, headers. */
  readonly buffer: number;
  /** For what nobody looks at. */
  readonly sink: number;
}

export function* playDelivery(actor: Actor, delivery: ScriptDelivery): Guest<void> {
  // What interrupts a call finds it made.
  const interrupts = delivery.afterNs >= 0 && delivery.actions.some((action) => action.do === 'signal');
  if (interrupts) yield* isInCall(actor.table, actor.index, progressOf(delivery.place, false), actor.timespec);
  for (const action of delivery.actions) {
    const result = yield* playAction(actor, action, delivery.place);
    if (result < 0) actor.table.noteFailure(actor.index, delivery.place + 1, result);
  }
}

function* playAction(actor: Actor, action: ScriptAction, place: number): Guest {
  const { table } = actor;
  switch (action.do) {
    case 'connect':
      return yield sys.connect(fdOf(actor, action.endpoint), placed(actor, action.address), action.address.length);
    case 'listen': {
      const fd = fdOf(actor, action.endpoint);
      const bound = yield sys.bind(fd, placed(actor, action.address), action.address.length);
      return bound < 0 ? bound : yield sys.listen(fd, 1);
    }
    case 'receive':
      return yield* receive(actor, action.endpoint, action.alone);
    case 'accept':
      return yield* accept(actor, action.listener, action.endpoint);
    case 'send':
      return yield* send(actor, fdOf(actor, action.endpoint), action.bytes);
    case 'finish':
      return yield* finish(actor, action.endpoint);
    case 'drain':
      return yield* drain(actor, fdOf(actor, action.endpoint));
    case 'pump':
      return yield* pump(actor, fdOf(actor, action.endpoint), action.bytes);
    case 'close':
      return yield* closeEndpoint(actor, action.endpoint);
    case 'feed':
      return yield* feed(actor, fdOf(actor, action.endpoint), action.bytes, action.counts);
    case 'await':
      yield* pauseWhile(table.thread(action.thread, THREAD_PROGRESS), (value) => value < action.progress);
      return 0;
    case 'rescue':
      return yield* rescue(actor, place, action.afterNs);
    case 'signal': {
      const pid = load32(table.thread(actor.script.threads[action.thread]!.process, THREAD_TID));
      if (action.whole) return yield sys.kill(pid, action.signal);
      return yield sys.tgkill(pid, load32(table.thread(action.thread, THREAD_TID)), action.signal);
    }
  }
}

function* rescue(actor: Actor, place: number, afterNs: number): Guest {
  const { table, index, timespec } = actor;
  const progress = progressOf(place, false);
  const pid = load32(table.thread(actor.script.threads[index]!.process, THREAD_TID));
  const tid = load32(table.thread(index, THREAD_TID));
  if (!(yield* isInCall(table, index, progress, timespec))) return 0;
  yield* pauseUntilTime(table, timespec, (yield* table.now(timespec)) + afterNs);
  if (!(yield* isInCall(table, index, progress, timespec))) return 0;
  return yield sys.tgkill(pid, tid, SIGNAL_INTERRUPT);
}

function fdOf(actor: Actor, endpoint: number): number {
  return load32(actor.table.endpoint(endpoint));
}

function placed(actor: Actor, bytes: Uint8Array): number {
  memoryViews().u8.set(bytes, actor.buffer);
  return actor.buffer;
}

/** The program has connected: takes the connection, and listens no more. */
function* accept(actor: Actor, listener: number, endpoint: number): Guest {
  const fd = yield sys.accept4(fdOf(actor, listener), 0, 0, SOCK_NONBLOCK);
  if (fd < 0) return fd;
  store32(actor.table.endpoint(endpoint), yield* raised(fd, actor.script.outsideFds));
  return yield* closeEndpoint(actor, listener);
}

/** What is sent ends; of a pipe nothing is left then. */
function* finish(actor: Actor, endpoint: number): Guest {
  const result = yield sys.shutdown(fdOf(actor, endpoint), SHUT_WR);
  return result === -ENOTSOCK ? yield* closeEndpoint(actor, endpoint) : result;
}

/** Takes a descriptor that a thread lends; those that come before it are for others. */
function* receive(actor: Actor, endpoint: number, alone: boolean): Guest {
  const { table, timespec, buffer } = actor;
  while (fdOf(actor, endpoint) < 0) {
    const payload = buffer + PAYLOAD;
    const vector = placeVector([4], buffer + VECTOR, payload).value;
    placeHeader(buffer, vector, 1, buffer + CONTROL, CONTROL_BYTES);
    const taken = yield sys.recvmsg(table.courierOutside(), buffer, 0);
    const fd = taken === 4 ? receivedRights(buffer)[0] : undefined;
    if (fd === undefined) yield* pauseUntilTime(table, timespec, (yield* table.now(timespec)) + PUMP_NS);
    else {
      const lent = load32(payload);
      store32(table.endpoint(lent), yield* raised(fd, actor.script.outsideFds));
    }
  }
  const fd = fdOf(actor, endpoint);
  return alone ? yield sys.fcntl(fd, F_SETFL, (yield sys.fcntl(fd, F_GETFL, 0)) | O_NONBLOCK) : 0;
}
/** Where the parts of a message lie in the buffer. */
const VECTOR = 64;
const CONTROL = 96;
const CONTROL_BYTES = 64;
const PAYLOAD = 176;

function* closeEndpoint(actor: Actor, endpoint: number): Guest {
  const fd = fdOf(actor, endpoint);
  store32(actor.table.endpoint(endpoint), -1);
  return fd < 0 ? 0 : yield sys.close(fd);
}

function* send(actor: Actor, fd: number, bytes: number): Guest {
  let left = bytes;
  while (left > 0) {
    const sent = yield sys.write(fd, actor.sink, Math.min(left, actor.script.sinkBytes));
    if (sent < 0) return sent;
    left -= sent;
  }
  return bytes;
}

/** Reads all that is there. */
function* drain(actor: Actor, fd: number): Guest {
  for (;;) {
    const taken = yield sys.read(fd, actor.sink, actor.script.sinkBytes);
    if (taken <= 0) return 0;
  }
}

/** Reads along while the program sends. */
function* pump(actor: Actor, fd: number, bytes: number): Guest {
  const { timespec } = actor;
  let left = bytes;
  while (left > 0) {
    const taken = yield sys.read(fd, actor.sink, actor.script.sinkBytes);
    if (taken === 0) return 0;
    if (taken > 0) left -= taken;
    else yield* pauseUntilTime(actor.table, timespec, (yield* actor.table.now(timespec)) + PUMP_NS);
  }
  return 0;
}

/** Writes for somebody whose calls are not in the trace. */
function* feed(actor: Actor, fd: number, bytes: number, counts: boolean): Guest {
  if (counts) {
    store64(actor.buffer, bytes);
    return yield sys.write(fd, actor.buffer, 8);
  }
  let left = bytes;
  while (left > 0) {
    const written = yield sys.write(fd, actor.sink, Math.min(left, actor.script.sinkBytes));
    if (written < 0) return written;
    left -= written;
  }
  return bytes;
}
