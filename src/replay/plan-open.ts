// Descriptors come and go: what a call opened, and what goes with the last descriptor of a file.

import { EFD_NONBLOCK, EFD_SEMAPHORE, SFD_NONBLOCK, TFD_NONBLOCK } from '../kernel/abi/flags-event.ts';
import { O_NONBLOCK } from '../kernel/abi/flags-file.ts';
import { SOCK_NONBLOCK } from '../kernel/abi/flags-socket.ts';
import { descriptorsIn, signalSetIn } from './meaning.ts';
import { channelInto, isUnheld } from './plan-files.ts';
import { unwatch } from './plan-items.ts';
import { first, isUnix, wordOf } from './plan-record.ts';
import type { ResolveState } from './plan-state.ts';
import type { PlanFile, PlannedCall, Slot } from './plan-types.ts';
import type { FileKind } from './plan-words.ts';
import * as verdict from './plan-verdict.ts';
import { afterCall, wordsIn } from './value.ts';

/** What a successful call opened. */
export function opened(state: ResolveState, call: PlannedCall, result: number): void {
  const { record } = call;
  switch (record.call) {
    case 'epoll_create':
    case 'epoll_create1':
      fresh(state, call, result, 'epoll');
      return;
    case 'eventfd':
    case 'eventfd2': {
      const flags = wordOf(record, 1);
      const file = fresh(state, call, result, 'eventfd', (flags & EFD_NONBLOCK) !== 0);
      const channel = channelInto(file, (flags & EFD_SEMAPHORE) !== 0 ? 'semaphore' : 'count');
      const count = first(record) ?? 0;
      if (count > 0) call.outputs.push({ channel, amount: count, ends: false });
      return;
    }
    case 'timerfd_create':
      fresh(state, call, result, 'timerfd', (wordOf(record, 1) & TFD_NONBLOCK) !== 0);
      return;
    case 'signalfd':
    case 'signalfd4': {
      const known = state.descriptors.at(result);
      const isNew = (first(record) ?? -1) < 0 || known === undefined;
      const file = isNew
        ? fresh(state, call, result, 'signalfd', (wordOf(record, 3) & SFD_NONBLOCK) !== 0)
        : known.file;
      if (isNew) channelInto(file, 'signals');
      file.signals = signalSetIn(record.args[1]?.value) ?? [];
      return;
    }
    case 'memfd_create':
      fresh(state, call, result, 'memfd');
      return;
    case 'pipe':
    case 'pipe2':
      openedPair(state, call, 0, (wordOf(record, 1) & O_NONBLOCK) !== 0, 'pipe');
      return;
    case 'socketpair':
      openedPair(state, call, 3, (wordOf(record, 1) & SOCK_NONBLOCK) !== 0, 'stream');
      return;
    case 'socket':
      fresh(state, call, result, 'stream', (wordOf(record, 1) & SOCK_NONBLOCK) !== 0);
      return;
    case 'openat':
    case 'open':
      fresh(state, call, result, 'device');
      return;
    default:
      if (returnsDescriptor.has(record.call)) fresh(state, call, result, 'lacking');
  }
}

/** Calls that the machine does not have, and that open descriptors. */
const returnsDescriptor: ReadonlySet<string> = new Set([
  'creat',
  'openat2',
  'inotify_init',
  'inotify_init1',
  'fanotify_init',
  'perf_event_open',
  'pidfd_open',
  'userfaultfd',
  'io_uring_setup',
  'bpf',
  'mq_open',
  'memfd_secret',
  'open_tree',
  'fsopen',
]);

/** A new descriptor; where its number was still open, a close is missing from the trace and is made up for. */
export function fresh(
  state: ResolveState,
  call: PlannedCall,
  number: number,
  kind: FileKind,
  nonblocking = false,
): PlanFile {
  const lacking = kind === 'lacking' || call.verdict === 'unsupported' || call.kind === 'pass';
  const file = state.files.file(
    lacking ? 'lacking' : kind,
    lacking ? verdict.LACKING_KIND : '',
    call.record.call === 'socket' ? !isUnix(call.record) : call.file?.internet === true,
  );
  file.nonblocking = nonblocking;
  file.openedAt = call.end;
  open(state, call, number, file);
  return file;
}

export function open(
  state: ResolveState,
  call: PlannedCall,
  number: number,
  file: PlanFile,
  cloexec = isMarked(call),
): Slot {
  const stale = state.descriptors.at(number);
  if (stale !== undefined) {
    // Another thread's close may have ended in the kernel, and not yet in the trace.
    const isClosing = [...state.closing.values()].includes(stale);
    if (!isClosing && stale.file.reason === '') call.closes.push(stale.id);
    closeSlot(state, call, stale);
  }
  const slot = state.descriptors.open(number, file, cloexec, call.end);
  if (call.kind === 'call') call.extra = { ...call.extra, opens: [...(call.extra.opens ?? []), slot.id] };
  return slot;
}

/** Whether what a call opens is closed by an execve: every kind of flag says so by the same word. */
function isMarked({ record }: PlannedCall): boolean {
  return record.args.some((field) => wordsIn(field.value).some((word) => word.endsWith('_CLOEXEC')));
}

function openedPair(state: ResolveState, call: PlannedCall, place: number, nonblocking: boolean, kind: FileKind): void {
  const value = call.record.args[place]?.value;
  const numbers = value === undefined ? undefined : descriptorsIn(afterCall(value));
  const [one, other] = numbers ?? [];
  if (one === undefined || other === undefined) return;
  const left = fresh(state, call, one, kind, nonblocking);
  const right = fresh(state, call, other, kind, nonblocking);
  call.extra = { ...call.extra, opensAt: place };
  channelInto(left, 'bytes');
  right.outbox = left.inbox;
  left.writer = right;
  left.connected = true;
  right.connected = true;
  if (kind !== 'stream') return;
  channelInto(right, 'bytes');
  left.outbox = right.inbox;
}

/** The last descriptor of a file takes with it what epoll instances know of it, and tells its peer. */
export function closeSlot(state: ResolveState, call: PlannedCall, slot: Slot): void {
  if (state.descriptors.close(slot, call.end)) vanishes(state, call, slot.file, slot);
}

/** A write failed because the file that it goes to was closed. */
export function refused(call: PlannedCall, reader: PlanFile): void {
  if (reader.closedBy === undefined) reader.refused.push(call);
  else comeAfterClose(call, reader.closedBy);
}

function comeAfterWrite(close: PlannedCall, write: PlannedCall): void {
  if (close.thread !== write.thread && write.end > close.begin) close.after.push({ call: write, ended: true });
}

function comeAfterClose(write: PlannedCall, close: PlannedCall): void {
  if (close.thread !== write.thread && close.end > write.begin) write.after.push({ call: close, ended: true });
}

/** Nothing holds the file any more. */
export function vanishes(state: ResolveState, call: PlannedCall, file: PlanFile, slot?: Slot): void {
  for (const held of file.rights.splice(0).flat()) {
    held.inFlight--;
    if (isUnheld(held)) vanishes(state, call, held);
  }
  for (const item of file.watchers) {
    const epoll = [...item.epoll.slots].find(({ table }) => table === state.descriptors.id);
    if (epoll !== undefined && !call.dies) call.removes.push(epoll.id, item.slot.id);
    unwatch(item, call.end);
  }
  if (file.address !== undefined && state.listeners.get(file.address) === file) state.listeners.delete(file.address);
  if (slot !== undefined && handsOver(state, call, slot)) return;
  file.closedBy = call;
  for (const write of file.refused) comeAfterClose(write, call);
  if (file.written !== undefined) comeAfterWrite(call, file.written);
  if (file.outbox !== undefined) call.outputs.push({ channel: file.outbox, amount: 0, ends: true });
  // Of a thread that has ended nobody asks what comes after.
  const closesPeer = file.kind === 'stream' && file.endpoint >= 0 && !call.dies;
  if (closesPeer) state.later(call.thread, { do: 'close', endpoint: file.endpoint });
}

/**
 * An end of a pipe or a pair that the program closes after a fork lives on in the other process: the outside takes it
 * over, just before the close, and is from then on what the program's own end talks to.
 */
function handsOver(state: ResolveState, call: PlannedCall, slot: Slot): boolean {
  const { file } = slot;
  const peer = file.outbox?.file ?? file.writer;
  if (peer === undefined || peer.endpoint >= 0 || call.kind !== 'call') return false;
  if (peer.slots.size === 0 || state.forkedAt <= file.openedAt) return false;
  peer.endpoint = state.endpoint('accepted');
  peer.outbox = undefined;
  call.lends.push(slot.id, peer.endpoint);
  call.before.push({ do: 'receive', endpoint: peer.endpoint, alone: true });
  return true;
}
