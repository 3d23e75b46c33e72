// A call begins: which descriptors it means, whether it will be replayed, with which arguments, and whether it may wait.
// Nothing changes yet but names; what the call does is plan-effects.ts, when it ends.

import { SOCK_STREAM, SOCK_TYPE_MASK } from '../kernel/abi/flags-socket.ts';
import { SYS, syscallSpec } from '../kernel/abi/syscalls.ts';
import { kernelResult } from './meaning.ts';
import { lengthsFollowNames } from './plan-arguments.ts';
import { beginBirth } from './plan-births.ts';
import { childWaits, waitsForStrangers } from './plan-children.ts';
import { executions } from './plan-exec.ts';
import { closeSlot } from './plan-open.ts';
import {
  accepts,
  births,
  changesDescriptors,
  commandOf,
  EBADF_VALUE,
  EINTR_VALUE,
  first,
  gives,
  isDuplication,
  isImpossible,
  isShort,
  isUnix,
  lengthOf,
  polls,
  SEND_MAX,
  selects,
  signalWaits,
  sleeps,
  takes,
  timeoutNs,
  waits,
  wordOf,
} from './plan-record.ts';
import { sendBegins } from './plan-signals.ts';
import { argumentsOf } from './plan-specials.ts';
import type { ResolveState } from './plan-state.ts';
import type { PlanFile, PlannedCall } from './plan-types.ts';
import { FILES, outsideAnswer, outsideReason } from './outside-calls.ts';
import * as verdict from './plan-verdict.ts';
import type { CallRecord } from './record.ts';
import { hasWord, numberIn, textIn } from './value.ts';

const madeBySocket = new Set(['socket', 'socketpair']);

/** Gives the call its verdict, and if it is to be replayed, its name and arguments in the machine. */
export function beginCall(state: ResolveState, call: PlannedCall): void {
  const { record } = call;
  call.expected = expectedOf(record);
  call.before.push(...state.due(call.thread));
  judge(state, call);
  noteBegun(state, call);
  sendBegins(state, call);
}

/** What other calls must know before this one ends: which descriptor it closes, what it has begun to watch. */
function noteBegun(state: ResolveState, call: PlannedCall): void {
  const { record } = call;
  if (changesDescriptors(record)) {
    const table = state.descriptors;
    for (const other of state.changing) {
      const isCopy = other.extra.copies !== undefined && state.tables[other.thread] === table;
      if (isCopy) call.after.push({ call: other, ended: true });
    }
    state.changing.add(call);
  }
  if (record.outcome !== 'returned') return;
  if (executions.has(record.call)) state.executing.add(call);
  if (record.call === 'close') {
    const slot = state.descriptors.at(first(record) ?? -1);
    if (slot !== undefined) state.closing.set(call, slot);
  } else if (record.call === 'epoll_ctl') {
    const slot = state.descriptors.at(numberIn(record.args[2]?.value) ?? -1);
    if (slot !== undefined) state.openControls.set(call, slot);
  }
}

function judge(state: ResolveState, call: PlannedCall): void {
  const { record } = call;
  const byName = verdict.imposedByName(record.call) ?? verdict.hostReason(record.call);
  if (byName !== undefined) {
    verdict.impose(call, byName);
    return;
  }
  if (births.has(record.call)) {
    beginBirth(state, call);
    return;
  }
  const otherwise = imposedByUse(call);
  if (otherwise !== undefined) {
    verdict.impose(call, otherwise);
    return;
  }
  if (record.call === 'exit' || record.call === 'exit_group') {
    call.name = record.call;
    call.args = [first(record) ?? 0];
    return;
  }
  findFile(state, call);
  const answer = outsideAnswer(record.call, record.result.errno, call.file?.internet === true);
  if (answer !== undefined) {
    verdict.impose(call, answer);
    return;
  }
  const name = verdict.replayedName(record, state.implemented);
  const lacking = name === undefined ? (outsideReason(record.call) ?? '') : lackingKind(record);
  if (name === undefined || lacking !== undefined) {
    if (lacking === undefined || lacking === '') verdict.unsupport(call);
    else verdict.impose(call, lacking);
    return;
  }
  call.name = name;
  if (call.file !== undefined && call.file.reason !== '') {
    beginOnStranger(state, call, call.file);
    return;
  }
  const last = state.trace.threads[call.thread]?.records.findLast(({ kind }) => kind === 'call');
  if (record.outcome === 'unfinished' && last !== record) {
    verdict.impose(call, verdict.NO_RESULT);
    return;
  }
  if (childWaits.has(record.call) && waitsForStrangers(state, call)) return;
  if (isForeignOption(call)) {
    verdict.impose(call, verdict.SOCKET_OPTIONS);
    return;
  }
  if (isForeignRequest(call)) {
    verdict.impose(call, verdict.REQUESTS);
    return;
  }
  const args = argumentsOf(state, call);
  if (args === undefined) {
    verdict.impose(call, sleeps.has(record.call) ? verdict.CLOCKS : verdict.NO_ARGUMENTS);
    return;
  }
  call.args = lengthsFollowNames(name, args);
  call.mayWait = mayWait(call);
  // It was about to come back when its thread ended.
  if (call.dies && !call.mayWait) {
    verdict.impose(call, verdict.NO_RESULT);
    return;
  }
  if (record.outcome === 'unfinished') {
    verdict.imposeAnswer(call, verdict.NO_RESULT);
  }
  finishBegin(state, call);
}

/** What the replay does by other means than the call itself. */
function imposedByUse({ record }: PlannedCall): string | undefined {
  if (executions.has(record.call)) return verdict.PROGRAMS;
  if (record.call === 'close_range') return verdict.RANGES;
  return timers.has(record.call) ? verdict.TIMER_SIGNALS : undefined;
}

const timers = new Set([
  'alarm',
  'setitimer',
  'getitimer',
  'timer_create',
  'timer_settime',
  'timer_gettime',
  'timer_delete',
  'timer_getoverrun',
]);

/** What the replayed call must answer, where that is one number. */
function expectedOf(record: CallRecord): PlannedCall['expected'] {
  if (record.outcome === 'restarted') return { kind: 'value', value: EINTR_VALUE };
  const value = kernelResult(record);
  if (value === undefined) return { kind: 'silence' };
  const spec = record.call in SYS ? syscallSpec(SYS[record.call as keyof typeof SYS]) : undefined;
  const isNew = spec?.result === 'fd' || spec?.result === 'pid' || births.has(record.call) || isDuplication(record);
  const isNobody = spec?.result === 'pid' && value === 0;
  return isNew && value >= 0 && !isNobody ? { kind: 'success' } : { kind: 'value', value };
}

/** Options of internet sockets say nothing to the unix sockets which stand for them. */
function isForeignOption({ record, file }: PlannedCall): boolean {
  return (record.call === 'setsockopt' || record.call === 'getsockopt') && file?.internet === true;
}

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
  const known = state.descriptors.known(number);
  if (state.closesNothing && value !== undefined && value >= 0 && isImpossible(known.file, record.call)) {
    // strace was told to leave out the calls that closed it and gave its number to something else.
    call.closes.push(known.id);
    closeSlot(state, call, known);
  }
  call.file = state.descriptors.known(number).file;
}

/** Why what a call opens is not there: sockets other than streams, files other than devices. */
function lackingKind(record: CallRecord): string | undefined {
  if (madeBySocket.has(record.call)) {
    const family = record.args[0]?.value;
    const isInternet = hasWord(family, 'AF_INET') || hasWord(family, 'AF_INET6');
    const isStream = (wordOf(record, 1) & SOCK_TYPE_MASK) === SOCK_STREAM;
    if (isStream && (isInternet || isUnix(record))) return undefined;
    return isUnix(record) ? verdict.LACKING_KIND : verdict.NETWORK;
  }
  if (record.call === 'openat' || record.call === 'open') {
    const path = textIn(record.args[record.call === 'open' ? 0 : 1]?.value);
    return path === '/dev/null' || path === '/dev/zero' ? undefined : FILES;
  }
  return undefined;
}

/**
 * A call on a file that the machine cannot have. What it says is imposed; where an epoll instance or a poll looks at the
 * file, a stand-in lies in its place, and what the program reads from the file empties it.
 */
function beginOnStranger(state: ResolveState, call: PlannedCall, file: PlanFile): void {
  verdict.imposeFor(call, file.reason);
  if (file.endpoint < 0) return;
  const slot = state.descriptors.at(first(call.record) ?? -1);
  if (slot !== undefined && (takes.has(call.record.call) || accepts.has(call.record.call)))
    call.extra = { empties: slot.id };
}

function mayWait(call: PlannedCall): boolean {
  const { record, file } = call;
  if (sleeps.has(record.call) || signalWaits.has(record.call)) return true;
  if (childWaits.has(record.call)) return !record.args.some((field) => hasWord(field.value, 'WNOHANG'));
  const timeout = timeoutNs(record);
  if (timeout !== undefined) return timeout !== 0;
  const flags = record.call === 'recvfrom' || record.call === 'sendto' ? record.args[3] : record.args[2];
  if (hasWord(flags?.value, 'MSG_DONTWAIT')) return false;
  return file !== undefined && !file.nonblocking;
}

/** What fcntl and ioctl ask of a file, as far as the machine knows it; what Linux refuses may be asked anyway. */
function isForeignRequest({ record }: PlannedCall): boolean {
  if (record.outcome !== 'returned') return false;
  if (record.call === 'fcntl') return !commands.has(commandOf(record));
  return record.call === 'ioctl' && !requests.some((name) => hasWord(record.args[1]?.value, name));
}
const commands: ReadonlySet<string> = new Set([
  'F_DUPFD',
  'F_DUPFD_CLOEXEC',
  'F_GETFD',
  'F_SETFD',
  'F_GETFL',
  'F_SETFL',
  'F_SETPIPE_SZ',
  'F_GETPIPE_SZ',
]);
const requests = ['FIONREAD', 'FIONBIO', 'FIOCLEX', 'FIONCLEX'];

/** What else the replayer must know of a call: what it reports, and which sockets it leaves full. */
function finishBegin(state: ResolveState, call: PlannedCall): void {
  const { record } = call;
  if (waits.has(record.call)) call.extra = { report: 'events', reportAt: 1 };
  else if (polls.has(record.call)) call.extra = { report: 'polled', reportAt: 0 };
  else if (selects.has(record.call)) call.extra = { report: 'sets', reportAt: 1 };
  else if (gives.has(record.call)) beginSend(state, call);
  provesNonblocking(state, call);
}

/** Somebody said that calls on this file never wait, in a call that is not in the trace. */
function provesNonblocking(state: ResolveState, call: PlannedCall): void {
  const { record, file } = call;
  if (record.result.errno !== 'EAGAIN' || file === undefined || !call.mayWait) return;
  const moves = takes.has(record.call) || gives.has(record.call) || accepts.has(record.call);
  const slot = state.descriptors.at(first(record) ?? -1);
  if (!moves || slot === undefined) return;
  file.nonblocking = true;
  call.mayWait = false;
  call.extra = { ...call.extra, unblocks: slot.id };
}

/** What a TCP socket took in part, and what a unix socket would, is not made again: their buffers are not the same. */
function beginSend(state: ResolveState, call: PlannedCall): void {
  const { record, file } = call;
  if ((file?.kind !== 'stream' && file?.kind !== 'pipe') || file.endpoint < 0) return;
  const result = kernelResult(record);
  const slot = state.descriptors.at(first(record) ?? -1);
  if (result === undefined || slot === undefined) return;
  const isBig = file.nonblocking && (lengthOf(record) ?? 0) > SEND_MAX;
  if (!isShort(record, result) && !isBig) return;
  verdict.impose(call, verdict.SHORT_WRITES);
  if (isShort(record, result)) call.extra = { fills: slot.id };
}
