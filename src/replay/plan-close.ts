// Descriptors that close, are duplicated, or are marked to close at an execve.

import { FD_CLOEXEC } from '../kernel/abi/flags-file.ts';
import { closeSlot, open } from './plan-open.ts';
import { commandOf, first, wordOf } from './plan-record.ts';
import type { ResolveState } from './plan-state.ts';
import type { PlannedCall } from './plan-types.ts';
import { hasWord, numberIn } from './value.ts';

export function duplicated(state: ResolveState, call: PlannedCall, result: number): void {
  const { record } = call;
  const from = state.descriptors.at(first(record) ?? -1);
  if (from === undefined || from.number === result) return;
  const chooses = record.call === 'dup2' || record.call === 'dup3';
  const replaced = chooses ? state.descriptors.at(result) : undefined;
  if (replaced !== undefined) {
    closeSlot(state, call, replaced);
    // What stood for a file outside of the machine is not replaced by the call itself; a call on such a file is not made.
    const isStranger = replaced.file.reason !== '';
    if (isStranger ? replaced.file.endpoint >= 0 : call.kind === 'pass') call.closes.push(replaced.id);
  }
  const isMarked =
    record.call === 'dup3' ? hasWord(record.args[2]?.value, 'O_CLOEXEC') : commandOf(record) === 'F_DUPFD_CLOEXEC';
  open(state, call, result, from.file, isMarked);
}

export function closed(state: ResolveState, call: PlannedCall): void {
  const slot = state.closing.get(call);
  if (slot === undefined) return;
  state.closing.delete(call);
  closeSlot(state, call, slot);
  if (call.kind === 'pass' && slot.file.endpoint >= 0) call.closes.push(slot.id);
}

/** The numbers of the trace are others in the machine, so the range is closed one by one. */
export function closedRange(state: ResolveState, call: PlannedCall): void {
  const from = first(call.record) ?? 0;
  const to = numberIn(call.record.args[1]?.value) ?? Number.POSITIVE_INFINITY;
  const marks = hasWord(call.record.args[2]?.value, 'CLOSE_RANGE_CLOEXEC');
  for (const slot of state.descriptors.openSlots()) {
    if (slot.number < from || slot.number > to) continue;
    if (marks) {
      slot.cloexec = true;
      continue;
    }
    if (slot.file.reason === '' || slot.file.endpoint >= 0) call.closes.push(slot.id);
    closeSlot(state, call, slot);
  }
}

/** fcntl and ioctl, as far as they say what an execve closes. */
export function setCloexec(state: ResolveState, call: PlannedCall): void {
  const { record } = call;
  const slot = state.descriptors.at(first(record) ?? -1);
  if (slot === undefined) return;
  const request = record.args[1]?.value;
  if (hasWord(request, 'FIOCLEX')) slot.cloexec = true;
  else if (hasWord(request, 'FIONCLEX')) slot.cloexec = false;
  else if (record.call === 'fcntl' && commandOf(record) === 'F_SETFD')
    slot.cloexec = (wordOf(record, 2) & FD_CLOEXEC) !== 0;
}
