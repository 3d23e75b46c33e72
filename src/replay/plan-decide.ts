// When does what a call needs come: before it is made, or while it waits? Used by the second pass, plan-walk.ts.

import { gate } from './plan-rivals.ts';
import type { Arrival } from './plan-resolved.ts';
import type { PlannedCall } from './plan-types.ts';
import { type ScriptAction, SIGNAL_INTERRUPT } from './script.program.ts';

/** What one call needs, found while its observations are walked. */
export interface Need {
  /** Of the outside. */
  readonly actions: ScriptAction[];
  /** Calls of the program that overlapped, and made ready what it saw. */
  readonly makers: Set<PlannedCall>;
  /** Something that it saw was there before it began: it cannot have waited. */
  wasReady: boolean;
  /** A timer expired for it. */
  timer: boolean;
}

/** A call that a signal interrupted: sent by the trace itself if it can be, else by the outside. */
export function interrupt(call: PlannedCall, arrival: Arrival | undefined): void {
  if (call.fatal) return;
  const isHandled = arrival?.handled === true;
  if (isHandled && arrival.maker !== undefined) {
    // Which of its threads a process's signal interrupts the machine may decide otherwise.
    call.awaits.push({ call: arrival.maker, ended: true });
    call.during.push({ do: 'rescue', afterNs: RESCUE_NS });
    return;
  }
  // Without a handler no signal interrupts, but under strace any does.
  const signal = isHandled ? arrival.signal : SIGNAL_INTERRUPT;
  call.during.push({ do: 'signal', thread: call.thread, signal, whole: false });
}

const RESCUE_NS = 500_000;

/**
 * Before the call or while it waits? What comes while it waits must come at once, or it would end with the first of it:
 * so either one call of the program makes all that it saw, or the outside brings all of it.
 */
export function decide(call: PlannedCall, need: Need): void {
  const makers = [...need.makers].filter((maker) => maker.thread !== call.thread);
  const waited = call.mayWait && !need.wasReady;
  if (need.timer && (need.actions.length > 0 || makers.length > 0)) {
    call.held = true;
    call.before.push(...need.actions);
    for (const maker of makers) gate(call, maker, true);
    return;
  }
  if (need.actions.length > 0) {
    if (waited && (call.slow || call.awaits.length > 0) && makers.length === 0) call.during.push(...need.actions);
    else call.before.push(...need.actions);
    for (const maker of makers) gate(call, maker, true);
    return;
  }
  const [only] = makers;
  if (only !== undefined && makers.length === 1 && waited) {
    call.makers.push(only);
    // The trace shows that it was waiting already.
    if (call.begin < only.begin) gate(only, call, false);
    return;
  }
  for (const maker of makers) gate(call, maker, true);
}
