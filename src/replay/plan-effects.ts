// A call ends: what it opened, closed, connected, wrote and took, and so what it tells about the files of the program.

import { F_SETFL, O_NONBLOCK } from '../kernel/abi/flags-file.ts';
import { SHUT_RD, SOCK_NONBLOCK } from '../kernel/abi/flags-socket.ts';
import { constants } from './plan-arguments.ts';
import {
  accepts,
  addressOf,
  births,
  commandOf,
  EAGAIN_VALUE,
  gives,
  isDuplication,
  lengthOf,
  polls,
  selects,
  takes,
  waits,
  wordOf,
} from './plan-record.ts';
import { channelInto, roundOf } from './plan-files.ts';
import type { ResolveState } from './plan-state.ts';
import type { Channel, Observation, PlanFile, PlannedCall } from './plan-types.ts';
import { controlEnds } from './plan-items.ts';
import { childWaitEnds, childWaits } from './plan-children.ts';
import { closed, closedRange, duplicated, setCloexec } from './plan-close.ts';
import type { Death } from './plan-deaths.ts';
import { execEnds, executions } from './plan-exec.ts';
import { fresh, opened, refused } from './plan-open.ts';
import { selectEnds } from './plan-select.ts';
import { rightsReceived, rightsSent } from './plan-rights.ts';
import { actionEnds, groupEnds, signalTaken, wasInterrupted } from './plan-signals.ts';
import { pollEnds, waitEnds } from './plan-waits.ts';
import { kernelResult } from './meaning.ts';
import { hasWord, itemsIn, numberIn } from './value.ts';

export function endCall(state: ResolveState, call: PlannedCall, deaths: ReadonlyMap<number, Death>): void {
  const { record } = call;
  state.changing.delete(call);
  state.executing.delete(call);
  const result = kernelResult(record);
  if (waits.has(record.call)) {
    waitEnds(state, call);
    return;
  }
  if (polls.has(record.call)) {
    pollEnds(state, call);
    return;
  }
  if (selects.has(record.call)) {
    selectEnds(state, call);
    return;
  }
  if (takes.has(record.call)) {
    if (call.file !== undefined) call.file.takenAt = call.end;
    took(call, result);
    if (call.kind === 'call' && result !== undefined && result >= 0) rightsReceived(state, call);
    return;
  }
  if (accepts.has(record.call)) {
    accepted(state, call, result);
    return;
  }
  if (childWaits.has(record.call)) {
    childWaitEnds(state, call, deaths);
    return;
  }
  const reader = call.file?.outbox?.file;
  if (record.result.errno === 'EPIPE' && reader !== undefined && gives.has(record.call)) refused(call, reader);
  if (result === undefined || result < 0) return;
  if (births.has(record.call)) {
    if (call.kind !== 'birth') state.forkedAt = call.end;
    return;
  }
  if (executions.has(record.call)) {
    execEnds(state, call, deaths);
    return;
  }
  if (gives.has(record.call)) {
    gave(call, result);
    if (call.kind === 'call') rightsSent(state, call);
    return;
  }
  changed(state, call, result);
}

/** Whatever succeeded and moved nothing. */
function changed(state: ResolveState, call: PlannedCall, result: number): void {
  const { record, file } = call;
  switch (record.call) {
    case 'close':
      closed(state, call);
      return;
    case 'close_range':
      closedRange(state, call);
      return;
    case 'dup':
    case 'dup2':
    case 'dup3':
      duplicated(state, call, result);
      return;
    case 'epoll_ctl':
      controlEnds(state, call);
      return;
    case 'connect':
    case 'bind':
      return;
    case 'rt_sigaction':
      if (call.kind === 'call') actionEnds(state, call);
      return;
    case 'rt_sigtimedwait':
      if (call.kind === 'call') signalTaken(state, call, result);
      return;
    case 'setpgid':
    case 'setsid':
      if (call.kind === 'call') groupEnds(state, call);
      return;
    case 'listen':
      listens(state, call);
      return;
    case 'shutdown':
      if (file?.outbox !== undefined && wordOf(record, 1) !== SHUT_RD) {
        call.outputs.push({ channel: file.outbox, amount: 0, ends: true });
      }
      return;
    case 'getsockname':
      if (file?.listening === true) listensAt(state, file, addressOf(record, 1));
      return;
    case 'ioctl':
      if (hasWord(record.args[1]?.value, 'FIONBIO') && file !== undefined) {
        file.nonblocking = numberIn(itemsIn(record.args[2]?.value)[0]) !== 0;
      }
      setCloexec(state, call);
      return;
    case 'fcntl':
      if (isDuplication(record)) {
        duplicated(state, call, result);
        return;
      }
      setCloexec(state, call);
      if (file !== undefined && constants.get(commandOf(record)) === F_SETFL) {
        file.nonblocking = (wordOf(record, 2) & O_NONBLOCK) !== 0;
      }
      return;
    default:
      opened(state, call, result);
  }
}

function listens(state: ResolveState, call: PlannedCall): void {
  const { file } = call;
  if (file === undefined || file.kind !== 'stream') return;
  file.listening = true;
  file.backlog = Math.max(0, wordOf(call.record, 1));
  if (file.inbox === undefined) channelInto(file, 'connections');
  listensAt(state, file, file.address);
}

function listensAt(state: ResolveState, file: PlanFile, address: string | undefined): void {
  if (address === undefined) return;
  file.address = address;
  state.listeners.set(address, file);
}

/** A connection: of another socket of the program if one waits, else of the outside. */
function accepted(state: ResolveState, call: PlannedCall, result: number | undefined): void {
  const { file: listener } = call;
  const channel = listener?.inbox;
  if (result === undefined || listener === undefined) return;
  if (result < 0) {
    if (channel !== undefined && result === EAGAIN_VALUE) observe(call, channel, 'empty');
    return;
  }
  const file = fresh(state, call, result, 'stream', (wordOf(call.record, 3) & SOCK_NONBLOCK) !== 0);
  file.connected = true;
  if (file.reason !== '' || channel === undefined) return;
  channelInto(file, 'bytes');
  const client = listener.clients.shift();
  if (client === undefined) file.endpoint = state.endpoint('socket');
  else {
    channelInto(client, 'bytes');
    file.outbox = client.inbox;
    client.outbox = file.inbox;
  }
  observe(call, channel, 'took', 1, 1, file.endpoint);
}

function took(call: PlannedCall, result: number | undefined): void {
  const { record, file } = call;
  if (file === undefined || call.kind === 'pass') return;
  if (wasInterrupted(record) && file.inbox?.unit === 'bytes') observe(call, file.inbox, 'cut');
  if (result === undefined || wasInterrupted(record)) return;
  if (file.kind === 'stream' && file.inbox === undefined && file.connected) channelInto(file, 'bytes');
  const channel = file.inbox;
  if (channel === undefined || channel.unit === 'connections') return;
  const limit = lengthOf(record) ?? Number.POSITIVE_INFINITY;
  if (result === EAGAIN_VALUE) observe(call, channel, 'empty');
  else if (record.result.errno === 'ECONNRESET') observe(call, channel, 'reset');
  else if (result < 0) return;
  else if (result === 0) {
    if (limit > 0) observe(call, channel, 'ended');
  } else if (channel.unit === 'count') observe(call, channel, 'took', countIn(call), Number.POSITIVE_INFINITY);
  else if (channel.unit === 'semaphore') observe(call, channel, 'took', 1, 1);
  else if (channel.unit === 'signals')
    observe(call, channel, 'took', Math.floor(result / 128), Math.floor(limit / 128));
  else if (hasWord(record.args[3]?.value, 'MSG_PEEK')) observe(call, channel, 'ready');
  else observe(call, channel, 'took', result, limit);
}

/** What an eventfd's read gave, where strace printed it. */
function countIn(call: PlannedCall): number {
  const value = call.record.args[1]?.value;
  if (value?.kind !== 'string' || value.bytes.length < 8) return 1;
  const count = Number(Buffer.from(value.bytes).readBigUInt64LE(0));
  return Math.max(1, count);
}

function gave(call: PlannedCall, result: number): void {
  const { file } = call;
  if (file === undefined || result === 0) return;
  if (file.kind === 'eventfd' && file.inbox !== undefined) {
    const value = call.record.args[1]?.value;
    const bytes = value?.kind === 'string' && value.bytes.length >= 8 ? value.bytes : undefined;
    const amount = bytes === undefined ? 1 : Number(Buffer.from(bytes).readBigUInt64LE(0));
    call.outputs.push({ channel: file.inbox, amount, ends: false });
  } else if (file.outbox !== undefined) {
    file.outbox.file.written = call;
    call.outputs.push({ channel: file.outbox, amount: result, ends: false });
  }
}

export function observe(
  call: PlannedCall,
  channel: Channel,
  kind: Observation['kind'],
  amount = 0,
  limit = 0,
  endpoint = -1,
): void {
  const round = roundOf(channel.file);
  const observation: Observation = {
    call,
    channel,
    kind,
    amount,
    limit,
    bits: 0,
    edge: false,
    item: undefined,
    rearmed: false,
    round,
    endpoint,
    place: 0,
  };
  call.observations.push(observation);
  channel.observations.push(observation);
}
