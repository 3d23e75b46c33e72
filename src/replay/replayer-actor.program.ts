// What the outside does: connects, sends, shuts, reads what the program sent, and signals.

import {
  alloc,
  ENOTSOCK,
  F_DUPFD,
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
  trap,
} from '../programs/libc/index.ts';
import { raised } from './replayer-setup.program.ts';
import { pauseUntilTime, type Table } from './replayer-table.program.ts';
import { type Script, type ScriptAction, type ScriptDelivery, THREAD_TID } from './script.program.ts';

/** How long the outside waits before it reads again what the program is still sending. */
const PUMP_NS = 100_000;

export interface Actor {
  readonly table: Table;
  readonly script: Script;
  readonly index: number;
  readonly buffer: number;
  readonly bytes: number;
}

export function* playDelivery(actor: Actor, delivery: ScriptDelivery): Guest<void> {
  for (const action of delivery.actions) {
    const result = yield* playAction(actor, action);
    if (result < 0) actor.table.noteFailure(actor.index, delivery.place + 1, result);
  }
}

function* playAction(actor: Actor, action: ScriptAction): Guest {
  const { table } = actor;
  switch (action.do) {
    case 'connect':
      return yield sys.connect(fdOf(actor, action.endpoint), placed(actor, action.address), action.address.length);
    case 'listen': {
      const fd = fdOf(actor, action.endpoint);
      const bound = yield sys.bind(fd, placed(actor, action.address), action.address.length);
      return bound < 0 ? bound : yield sys.listen(fd, 1);
    }
    case 'hold':
      return yield* hold(actor, action.slot, action.endpoint);
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
      return yield* feed(actor, load32(table.slot(action.slot)), action.bytes, action.counts);
    case 'empty':
      return yield* drain(actor, load32(table.slot(action.slot)));
    case 'signal': {
      if (action.whole) return yield sys.kill(trap.pid, action.signal);
      return yield sys.tgkill(trap.pid, load32(table.thread(action.thread, THREAD_TID)), action.signal);
    }
  }
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

/** Keeps a descriptor of the program open that it is about to close: another process has it, too. */
function* hold(actor: Actor, slot: number, endpoint: number): Guest {
  const fd = yield sys.fcntl(load32(actor.table.slot(slot)), F_DUPFD, actor.script.outsideFds);
  if (fd < 0) return fd;
  store32(actor.table.endpoint(endpoint), fd);
  return yield sys.fcntl(fd, F_SETFL, (yield sys.fcntl(fd, F_GETFL, 0)) | O_NONBLOCK);
}

function* closeEndpoint(actor: Actor, endpoint: number): Guest {
  const fd = fdOf(actor, endpoint);
  store32(actor.table.endpoint(endpoint), -1);
  return fd < 0 ? 0 : yield sys.close(fd);
}

function* send(actor: Actor, fd: number, bytes: number): Guest {
  let left = bytes;
  while (left > 0) {
    const sent = yield sys.write(fd, actor.buffer, Math.min(left, actor.bytes));
    if (sent < 0) return sent;
    left -= sent;
  }
  return bytes;
}

/** Reads all that is there. */
function* drain(actor: Actor, fd: number): Guest {
  for (;;) {
    const taken = yield sys.read(fd, actor.buffer, actor.bytes);
    if (taken <= 0) return 0;
  }
}

/** Reads along while the program sends. */
function* pump(actor: Actor, fd: number, bytes: number): Guest {
  const timespec = alloc(16);
  let left = bytes;
  while (left > 0) {
    const taken = yield sys.read(fd, actor.buffer, actor.bytes);
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
    const written = yield sys.write(fd, actor.buffer, Math.min(left, actor.bytes));
    if (written < 0) return written;
    left -= written;
  }
  return bytes;
}
