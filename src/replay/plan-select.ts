// select and pselect6: which descriptors were asked for, and what was said of them. Its sets are reported as poll would
// report them: IN, OUT, PRI.

import { EPOLLIN, EPOLLOUT, EPOLLPRI } from '../kernel/abi/flags-event.ts';
import { durationIn, kernelResult, signalSetIn } from './meaning.ts';
import { selectionAnswered, selectionAsked } from './meaning-process.ts';
import { timespec, timeval } from './plan-arguments.ts';
import { roundOf } from './plan-files.ts';
import { signalBytes } from './plan-signal-arguments.ts';
import type { ResolveState } from './plan-state.ts';
import type { PlanFile, PlannedCall } from './plan-types.ts';
import { note } from './plan-waits.ts';
import type { ScriptArgument } from './script.program.ts';
import { beforeCall, fieldIn, type Value } from './value.ts';

/** @param standIn has something stand in for what the program watches and the machine does not have */
export function selectArguments(
  state: ResolveState,
  { record }: PlannedCall,
  standIn: (number: number) => void,
): ScriptArgument[] | undefined {
  const asked = selectionAsked(record);
  if (asked === undefined) return undefined;
  const answered = selectionAnswered(record);
  for (const number of [...answered.read, ...answered.write, ...answered.except]) standIn(number);
  const slots = (numbers: readonly number[]): number[] => numbers.flatMap((number) => state.slotOf(number) ?? []);
  const sets = [asked.read, asked.write, asked.except];
  // Which of them are NULL does not matter to anybody.
  const args: ScriptArgument[] = [
    { above: sets.flatMap(slots) },
    ...sets.map((numbers) => (numbers.length === 0 ? 0 : { set: slots(numbers) })),
  ];
  const field = record.args[4];
  const timeout = field === undefined ? undefined : beforeCall(field.value);
  const time = timeout?.kind === 'struct' ? durationIn(timeout) : undefined;
  if (record.call === 'select') return [...args, time === undefined ? 0 : timeval(time)];
  const mask = signalMask(record.args[5]?.value);
  return [...args, (time === undefined ? 0 : timespec(time)) ?? 0, mask];
}

function signalMask(value: Value | undefined): ScriptArgument {
  const signals = signalSetIn(fieldIn(value, 'sigmask'));
  return signals === undefined ? 0 : { mask: signalBytes(signals) };
}

export function selectEnds(state: ResolveState, call: PlannedCall): void {
  const { record } = call;
  const count = kernelResult(record);
  const asked = selectionAsked(record);
  if (count === undefined || count < 0 || asked === undefined) return;
  const answered = selectionAnswered(record);
  const said: (readonly [number, number])[] = [
    ...answered.read.map((fd) => [fd, EPOLLIN] as const),
    ...answered.write.map((fd) => [fd, EPOLLOUT] as const),
    ...answered.except.map((fd) => [fd, EPOLLPRI] as const),
  ];
  const events = said.map(([fd, bits]) => ({ data: BigInt(fd), events: bits }));
  call.expected = { kind: 'polled', count, events, cut: events.length < count };
  const fileOf = (fd: number): PlanFile | undefined => state.descriptors.at(fd)?.file;
  const files = new Set([...asked.read, ...asked.write, ...asked.except].flatMap((fd) => fileOf(fd) ?? []));
  for (const file of files) file.polls++;
  const ready = new Map<PlanFile, number>();
  for (const [fd, bits] of said) {
    const file = fileOf(fd);
    if (file !== undefined) ready.set(file, (ready.get(file) ?? 0) | bits);
  }
  for (const [file, bits] of ready) note(call, file, bits, undefined, roundOf(file));
  if (events.length < count) return;
  for (const fd of asked.read) {
    const file = fileOf(fd);
    if (file === undefined || answered.read.includes(fd) || file.endpoint >= 0 || file.inbox === undefined) continue;
    call.silent.push({ file, events: EPOLLIN, item: undefined });
  }
}
