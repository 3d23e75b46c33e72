// A call begins: which descriptors it means, whether it will be replayed, with which arguments, and whether it may wait.
// Nothing changes yet but names; what the call does is plan-effects.ts, when it ends.

import { SOCK_STREAM, SOCK_TYPE_MASK } from '../kernel/abi/flags-socket.ts';
import { SYS, syscallSpec } from '../kernel/abi/syscalls.ts';
import { kernelResult } from './meaning.ts';
import { lengthsFollowNames } from './plan-arguments.ts';
import {
  accepts,
  births,
  EBADF_VALUE,
  EINTR_VALUE,
  first,
  gives,
  isDuplication,
  isShort,
  isUnix,
  lengthOf,
  polls,
  SEND_MAX,
  sleeps,
  takes,
  waits,
  wordOf,
} from './plan-record.ts';
import { argumentsOf } from './plan-specials.ts';
import type { ResolveState } from './plan-state.ts';
import type { PlanFile, PlannedCall } from './plan-types.ts';
import * as verdict from './plan-verdict.ts';
import type { CallRecord } from './record.ts';
import { hasWord, numberIn, textIn } from './value.ts';

const madeBySocket = new Set(['socket', 'socketpair']);

/** Gives the call its verdict, and if it is to be replayed, its name and arguments in the machine. */
export function beginCall(state: ResolveState, call: PlannedCall): void {
  const { record } = call;
  call.expected = expectedOf(record);
  if (!state.replays(call.thread)) {
    verdict.impose(call, verdict.OTHER_PROCESS);
    return;
  }
  call.before.push(...state.due(call.thread));
  judge(state, call);
  noteBegun(state, call);
}

/** What other calls must know before this one ends: which descriptor it closes, what it has begun to watch. */
function noteBegun(state: ResolveState, call: PlannedCall): void {
  const { record } = call;
  if (record.outcome !== 'returned') return;
  if (record.call === 'close') {
    const slot = state.descriptors.at(first(record) ?? -1);
    if (slot !== undefined) state.closing.set(call, slot);
  } else if (record.call === 'epoll_ctl') {
    const slot = state.descriptors.at(numberIn(record.args[2]?.value) ?? -1);
    if (slot !== undefined) state.openControls.set(call, slot.file);
  }
}

function judge(state: ResolveState, call: PlannedCall): void {
  const { record } = call;
  const byName = verdict.imposedByName(record.call);
  if (byName !== undefined) {
    verdict.impose(call, byName);
    return;
  }
  if (births.has(record.call)) {
    beginBirth(state, call);
    return;
  }
  if (record.call === 'exit' || record.call === 'exit_group') {
    call.name = record.call;
    call.args = [first(record) ?? 0];
    return;
  }
  findFile(state, call);
  const name = verdict.replayedName(record, state.implemented);
  if (name === undefined) {
    verdict.unsupport(call);
    return;
  }
  call.name = name;
  if (lacksKind(record)) {
    verdict.unsupport(call);
    return;
  }
  if (call.file !== undefined && call.file.reason !== '') {
    beginOnStranger(call, call.file);
    return;
  }
  const isLast = state.trace.threads[call.thread]?.records.at(-1) === record;
  if (record.outcome === 'unfinished' && !isLast) {
    verdict.impose(call, verdict.NO_RESULT);
    return;
  }
  if (isForeignOption(call)) {
    verdict.unsupport(call);
    return;
  }
  const args = argumentsOf(state, call);
  if (args === undefined) {
    verdict.impose(call, sleeps.has(record.call) ? verdict.CLOCKS : verdict.NO_ARGUMENTS);
    return;
  }
  call.args = lengthsFollowNames(name, args);
  call.mayWait = mayWait(call);
  if (record.outcome === 'unfinished') {
    call.verdict = 'imposed';
    call.reason = verdict.NO_RESULT;
  }
  finishBegin(call);
}

/** What the replayed call must answer, where that is one number. */
function expectedOf(record: CallRecord): PlannedCall['expected'] {
  if (record.outcome === 'restarted') return { kind: 'value', value: EINTR_VALUE };
  const value = kernelResult(record);
  if (value === undefined) return { kind: 'silence' };
  const spec = record.call in SYS ? syscallSpec(SYS[record.call as keyof typeof SYS]) : undefined;
  const isNew = spec?.result === 'fd' || births.has(record.call) || isDuplication(record);
  return isNew && value >= 0 ? { kind: 'success' } : { kind: 'value', value };
}

function beginBirth(state: ResolveState, call: PlannedCall): void {
  const { record } = call;
  const child = state.trace.threads.find((thread) => thread.bornBy === record);
  if (child === undefined || child.process !== state.process || record.outcome !== 'returned') {
    // A thread that makes no call of the trace is no task; a process is not for this replay.
    verdict.unsupport(call);
    return;
  }
  call.kind = 'birth';
  call.name = 'clone';
  call.extra = { thread: child.index };
}

/** Options of internet sockets that say nothing to the unix sockets which stand for them. */
function isForeignOption(call: PlannedCall): boolean {
  const { record, file } = call;
  if (record.call !== 'setsockopt' && record.call !== 'getsockopt') return false;
  if (file?.internet !== true) return false;
  const option = record.args[2]?.value;
  return !hasWord(record.args[1]?.value, 'SOL_SOCKET') || !sharedOptions.some((name) => hasWord(option, name));
}
const sharedOptions = [
  'SO_REUSEADDR',
  'SO_REUSEPORT',
  'SO_KEEPALIVE',
  'SO_ERROR',
  'SO_TYPE',
  'SO_ACCEPTCONN',
  'SO_LINGER',
];

/** The file behind the descriptor that a call works on. */
function findFile(state: ResolveState, call: PlannedCall): void {
  const { record } = call;
  const value = kernelResult(record);
  const name = record.call as keyof typeof SYS;
  const kind = name in SYS ? syscallSpec(SYS[name])?.args[0]?.[1] : undefined;
  const number = first(record);
  if (kind !== 'fd' || number === undefined || number < 0) return;
  // A number that is not open is no descriptor of anybody.
  if (value === EBADF_VALUE && state.descriptors.at(number) === undefined) return;
  call.file = state.descriptors.known(number).file;
}

/** Sockets other than streams, files other than devices. */
function lacksKind(record: CallRecord): boolean {
  if (madeBySocket.has(record.call)) {
    const family = record.args[0]?.value;
    const known = hasWord(family, 'AF_INET') || hasWord(family, 'AF_INET6') || isUnix(record);
    return !known || (wordOf(record, 1) & SOCK_TYPE_MASK) !== SOCK_STREAM;
  }
  if (record.call === 'openat' || record.call === 'open') {
    const path = textIn(record.args[record.call === 'open' ? 0 : 1]?.value);
    return path !== '/dev/null' && path !== '/dev/zero';
  }
  return false;
}

/**
 * A call on a file that the machine cannot have. What it says is imposed; where an epoll instance or a poll looks at the
 * file, a stand-in lies in its place, and what the program reads from the file empties it.
 */
function beginOnStranger(call: PlannedCall, file: PlanFile): void {
  verdict.imposeFor(call, file.reason);
  if (file.endpoint < 0) return;
  const [slot] = file.slots;
  if (slot !== undefined && (takes.has(call.record.call) || accepts.has(call.record.call)))
    call.extra = { empties: slot.id };
}

function mayWait(call: PlannedCall): boolean {
  const { record, file } = call;
  if (sleeps.has(record.call)) return true;
  if (waits.has(record.call)) return numberIn(record.args[3]?.value) !== 0;
  if (polls.has(record.call)) return numberIn(record.args[2]?.value) !== 0;
  const flags = record.call === 'recvfrom' || record.call === 'sendto' ? record.args[3] : record.args[2];
  if (hasWord(flags?.value, 'MSG_DONTWAIT')) return false;
  return file !== undefined && !file.nonblocking;
}

/** What else the replayer must know of a call: what it reports, and which sockets it leaves full. */
function finishBegin(call: PlannedCall): void {
  const { record } = call;
  if (waits.has(record.call)) call.extra = { report: 'events', reportAt: 1 };
  else if (polls.has(record.call)) call.extra = { report: 'polled', reportAt: 0 };
  else if (gives.has(record.call)) beginSend(call);
}

/** What a TCP socket took in part, and what a unix socket would, is not made again: their buffers are not the same. */
function beginSend(call: PlannedCall): void {
  const { record, file } = call;
  if ((file?.kind !== 'stream' && file?.kind !== 'pipe') || file.endpoint < 0) return;
  const result = kernelResult(record);
  const [slot] = file.slots;
  if (result === undefined || slot === undefined) return;
  const isBig = file.nonblocking && (lengthOf(record) ?? 0) > SEND_MAX;
  if (!isShort(record, result) && !isBig) return;
  verdict.impose(call, verdict.SHORT_WRITES);
  if (isShort(record, result)) call.extra = { fills: slot.id };
}
