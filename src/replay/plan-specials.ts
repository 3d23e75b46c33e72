// Arguments of the calls that need more than the table of system calls says: addresses, absolute times, descriptors that
// the program chose, and files that only a stand-in can be watched for.

import { CLOCK_MONOTONIC, POLLNVAL } from '../kernel/abi/flags-event.ts';
import { SIGPIPE } from '../kernel/abi/flags-signal.ts';
import { AF_UNIX } from '../kernel/abi/flags-socket.ts';
import { kernelResult, pollEntriesIn } from './meaning.ts';
import { constants, scriptArguments, timespec } from './plan-arguments.ts';
import { ignoring } from './plan-signal-arguments.ts';
import { beginConnect, bindName } from './plan-connect.ts';
import { EBADF_VALUE, first, isUnix, reventsOf, waits, wordOf } from './plan-record.ts';
import { selectArguments } from './plan-select.ts';
import type { ResolveState } from './plan-state.ts';
import type { PlannedCall, Slot } from './plan-types.ts';
import type { CallRecord } from './record.ts';
import type { ScriptArgument } from './script.program.ts';
import { hasWord, numberIn } from './value.ts';

/** The arguments with which the replay makes a call, or undefined where the trace does not have them. */
export function argumentsOf(state: ResolveState, call: PlannedCall): ScriptArgument[] | undefined {
  const { record } = call;
  if (call.end === Number.POSITIVE_INFINITY || call.dies) {
    const args = endlessArguments(state, record);
    if (args !== undefined) return args;
    if (record.call === 'nanosleep') return [endlessTime(), 0];
    if (record.call === 'clock_nanosleep') return [CLOCK_MONOTONIC, 0, endlessTime(), 0];
  }
  switch (record.call) {
    case 'socket':
      return [AF_UNIX, wordOf(record, 1), isUnix(record) ? wordOf(record, 2) : 0];
    case 'bind':
      return bindName(state, call);
    case 'connect':
      return beginConnect(state, call);
    case 'accept':
    case 'accept4': {
      const slot = state.slotOf(first(record) ?? -1);
      return slot === undefined ? [-1, 0, 0, wordOf(record, 3)] : [{ fd: slot }, 0, 0, wordOf(record, 3)];
    }
    case 'dup2':
    case 'dup3':
      return duplicateArguments(state, call);
    case 'epoll_ctl':
      return controlArguments(state, call);
    case 'clock_nanosleep':
    case 'timerfd_settime':
      return sleepArguments(state, call);
    case 'poll':
    case 'ppoll':
      for (const { fd } of pollEntriesIn(record.args[0]?.value, constants) ?? []) {
        const reported = fd < 0 ? undefined : reventsOf(record, fd);
        if (reported !== undefined && (reported & POLLNVAL) === 0) standInFor(state, state.descriptors.known(fd));
      }
      return scriptArguments(call.name, record, state);
    case 'listen':
      return listenArguments(state, call);
    case 'rt_sigaction':
      return actionArguments(state, call);
    case 'select':
    case 'pselect6':
      return selectArguments(state, call, (number) => standInFor(state, state.descriptors.known(number)));
    default:
      if (call.name !== record.call && (call.name === 'writev' || call.name === 'readv'))
        return messageArguments(state, call);
      return scriptArguments(call.name, record, state);
  }
}

/** Of a sleep or a wait that did not come back the time matters to nobody, and must not run out here either. */
const ENDLESS_NS = 1e15;
function endlessTime(): ScriptArgument {
  return timespec(ENDLESS_NS) ?? 0;
}

/** strace prints the buffer of a wait or a read when it returns, and what stands behind it not before. */
function endlessArguments(state: ResolveState, record: CallRecord): ScriptArgument[] | undefined {
  const slot = state.slotOf(first(record) ?? -1);
  if (slot === undefined) return undefined;
  if (waits.has(record.call)) return [{ fd: slot }, { room: ENDLESS_EVENTS * 16 }, ENDLESS_EVENTS, -1, 0, 0];
  return record.call === 'read' ? [{ fd: slot }, { sink: ENDLESS_BYTES }, ENDLESS_BYTES] : undefined;
}
const ENDLESS_EVENTS = 64;
const ENDLESS_BYTES = 4096;

/** A message without control data, as a vector. */
function messageArguments(state: ResolveState, call: PlannedCall): ScriptArgument[] | undefined {
  const slot = state.slotOf(first(call.record) ?? -1);
  const lengths = scriptArguments('sendmsg', call.record, state)?.[1];
  if (typeof lengths !== 'object' || !('message' in lengths)) return undefined;
  return [slot === undefined ? -1 : { fd: slot }, { vector: lengths.message }, lengths.message.length];
}

/** The new number is the program's choice; where it stands for an open descriptor, that one is replaced. */
function duplicateArguments(state: ResolveState, call: PlannedCall): ScriptArgument[] | undefined {
  const { record } = call;
  const from = state.slotOf(first(record) ?? -1);
  const number = numberIn(record.args[1]?.value);
  if (number === undefined) return undefined;
  const target = state.descriptors.at(number);
  const replaced = target !== undefined && target.file.reason === '' ? { fd: target.id } : state.chosenFds + number;
  const args: ScriptArgument[] = [from === undefined ? -1 : { fd: from }, number < 0 ? number : replaced];
  if (record.call === 'dup3') args.push(wordOf(record, 2));
  return args;
}

function controlArguments(state: ResolveState, call: PlannedCall): ScriptArgument[] | undefined {
  const target = numberIn(call.record.args[2]?.value);
  if (target === undefined) return undefined;
  const refused = kernelResult(call.record) === EBADF_VALUE;
  const slot = refused ? state.descriptors.at(target) : state.descriptors.known(target);
  if (slot !== undefined && slot.file.reason !== '') {
    // What cannot be watched on Linux, a regular file, has no stand-in that could.
    if (call.record.outcome !== 'returned') return undefined;
    standInFor(state, slot);
  }
  return scriptArguments('epoll_ctl', call.record, state);
}

function standInFor(state: ResolveState, slot: Slot): void {
  if (slot.file.reason === '' || slot.file.endpoint >= 0) return;
  slot.file.endpoint = state.endpoint('standIn');
}

/** An internet socket may listen without a name, a unix socket may not. */
function listenArguments(state: ResolveState, call: PlannedCall): ScriptArgument[] | undefined {
  const { file, record } = call;
  const slot = state.slotOf(first(record) ?? -1);
  if (file?.internet === true && file.name === undefined && record.outcome === 'returned' && slot !== undefined) {
    file.name = state.freshName('inet:0.0.0.0:0');
    call.names = { slot, address: file.name };
  }
  return scriptArguments(call.name, record, state);
}

/** A write into the void must come back with EPIPE, as strace prints it, before the program dies of it. */
function actionArguments(state: ResolveState, call: PlannedCall): ScriptArgument[] | undefined {
  const args = scriptArguments('rt_sigaction', call.record, state);
  const [signal = 0, action = 0, old = 0, size = 0] = args ?? [];
  if (args === undefined || signal !== SIGPIPE || typeof action !== 'object' || 'action' in action) return args;
  return [signal, ignoring(action) ?? 0, old, size];
}

/** Times of the traced system's clocks mean nothing here; a timer gets its time from when it was seen to expire. */
function sleepArguments(state: ResolveState, call: PlannedCall): ScriptArgument[] | undefined {
  const flags = call.record.args[1]?.value;
  const isAbsolute = hasWord(flags, 'TIMER_ABSTIME') || hasWord(flags, 'TFD_TIMER_ABSTIME');
  if (!isAbsolute) return scriptArguments(call.name, call.record, state);
  if (call.record.call === 'clock_nanosleep') return undefined;
  const args = scriptArguments(call.name, call.record, state);
  return args === undefined ? undefined : [args[0] ?? -1, 0, args[2] ?? 0, 0];
}
