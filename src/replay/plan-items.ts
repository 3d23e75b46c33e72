// What epoll instances watch, while the trace is read.

import { EPOLL_CTL_ADD, EPOLL_CTL_DEL, EPOLL_CTL_MOD, EPOLLET } from '../kernel/abi/flags-event.ts';
import { constants } from './plan-arguments.ts';
import type { ResolveState } from './plan-state.ts';
import type { Item, PlanFile, PlannedCall, Slot } from './plan-types.ts';
import type { Spurious } from './plan-words.ts';
import { epollEventIn, maskIn } from './meaning.ts';
import { numberIn } from './value.ts';

/** A successful epoll_ctl takes effect: when it ends, or when a wait that overlaps it shows that it has. */
export function controlEnds(state: ResolveState, call: PlannedCall): void {
  const slot = state.openControls.get(call);
  state.openControls.delete(call);
  if (slot !== undefined) applyControl(call, slot);
}

/** @param slot what it is about */
export function applyControl(call: PlannedCall, slot: Slot): void {
  const { record, file: epoll } = call;
  const target = slot.file;
  const number = numberIn(record.args[2]?.value);
  if (epoll?.kind !== 'epoll' || number === undefined) return;
  const op = maskIn(record.args[1]?.value, constants);
  const event = epollEventIn(record.args[3]?.value, constants);
  const known = [...target.watchers].find((item) => item.epoll === epoll && item.number === number);
  if (op === EPOLL_CTL_DEL) {
    if (known !== undefined) unwatch(known, call.end);
    return;
  }
  if (event === undefined) return;
  if (op === EPOLL_CTL_MOD && known !== undefined) {
    known.events = event.events;
    byData(epoll, known.data, known, false);
    known.data = event.data;
    byData(epoll, known.data, known, true);
    if (!known.armed) {
      known.armed = true;
      known.armedRound = epoll.waits;
    }
    known.armedAt = call.end;
    known.armedBy = call;
    epoll.armings.push(known);
  } else if (op === EPOLL_CTL_ADD) {
    const item: Item = {
      epoll,
      file: target,
      number,
      events: event.events,
      data: event.data,
      slot,
      since: call.end,
      until: Number.POSITIVE_INFINITY,
      reportedAt: -1,
      armed: true,
      armedAt: call.end,
      armedBy: call,
      armedRound: epoll.waits,
      rounds: 0,
    };
    call.retakes = isTaken(epoll, number);
    epoll.items.add(item);
    epoll.armings.push(item);
    ((event.events & EPOLLET) !== 0 ? epoll.edges : epoll.levels).push(item);
    byData(epoll, item.data, item, true);
    target.watchers.add(item);
    target.watched.push(item);
  }
}

/** Whether an instance watches another file under a number: Linux does not mind, but some designs know only numbers. */
function isTaken(epoll: PlanFile, number: number): boolean {
  for (const item of epoll.items) if (item.number === number) return true;
  return false;
}

/** What an instance watched by edge while a wait ran: to some designs any change of a source is an edge, whoever made it. */
export function edgesDuring({ file, begin, end }: PlannedCall): Spurious[] {
  return watchedDuring(file?.edges ?? [], begin, end);
}

/** The same by level: to a design that never looks again, what a source told stays so. */
export function levelsDuring({ file, begin, end }: PlannedCall): Spurious[] {
  return watchedDuring(file?.levels ?? [], begin, end);
}

function watchedDuring(items: readonly Item[], begin: number, end: number): Spurious[] {
  const watched = items.filter(({ since, until }) => since < end && until > begin);
  return watched.map(({ data, events, file: { kind } }) => ({ data, events, kind }));
}

/** A one-shot item has fired. */
export function disarm(item: Item): void {
  if (!item.armed) return;
  item.rounds += item.epoll.waits - item.armedRound;
  item.armed = false;
}

export function unwatch(item: Item, event: number): void {
  item.until = event;
  disarm(item);
  // The count of waits that looked at the file must never fall.
  item.file.polls += item.rounds;
  item.epoll.items.delete(item);
  item.epoll.untaken.delete(item);
  byData(item.epoll, item.data, item, false);
  item.file.watchers.delete(item);
}

function byData(epoll: PlanFile, data: bigint, item: Item, add: boolean): void {
  const others = (epoll.byData.get(data) ?? []).filter((one) => one !== item);
  if (add) others.push(item);
  if (others.length === 0) epoll.byData.delete(data);
  else epoll.byData.set(data, others);
}
