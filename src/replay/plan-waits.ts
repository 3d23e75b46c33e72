// What a wait tells: which of the watched files were ready when it looked.

import { EPOLL_CTL_MOD, EPOLLERR, EPOLLET, EPOLLHUP, EPOLLIN, EPOLLONESHOT } from '../kernel/abi/flags-event.ts';
import { constants } from './plan-arguments.ts';
import { channelInto, roundOf } from './plan-files.ts';
import { applyControl, disarm } from './plan-items.ts';
import type { ResolveState } from './plan-state.ts';
import type { Item, Observation, PlanFile, PlannedCall, Silence } from './plan-types.ts';
import type { ExpectedEvent } from './plan-words.ts';
import { waits, wordOf } from './plan-record.ts';
import { epollEventIn, epollEventsIn, kernelResult, pollEntriesIn } from './meaning.ts';
import { numberIn } from './value.ts';

/** So many items that kept silent are looked at for each wait. */
const SILENT_MAX = 64;

export function waitEnds(state: ResolveState, call: PlannedCall): void {
  const { record, file: epoll } = call;
  const count = kernelResult(record);
  if (epoll?.kind !== 'epoll' || count === undefined) return;
  const found = new Map<Item, number>();
  if (count >= 0) {
    const seen = epollEventsIn(record.args[1]?.value, constants);
    const events = seen?.events.slice(0, count) ?? [];
    call.expected = { kind: 'events', count, events, cut: events.length < count };
    call.hidden = count - events.length;
    for (const event of events) {
      const item = itemOf(state, epoll, event, found);
      if (item !== undefined) found.set(item, event.events);
    }
    call.full = count >= (numberIn(record.args[2]?.value) ?? Number.POSITIVE_INFINITY);
    if (call.hidden === 0 && !call.full) call.armed = armedDuring(call, epoll, found);
    if (call.hidden === 0) call.silent = silentItems(epoll, found, call.full);
  }
  call.afterFull = epoll.wasFull;
  if (call.full) epoll.wasFull = true;
  if (count >= 0 && call.hidden === 0 && !call.full) call.skims = skimmed(call, epoll, found);
  // What is observed from here on lies after this wait.
  epoll.waits++;
  epoll.waiters.add(call.thread);
  for (const [item, bits] of found) {
    note(call, item.file, bits, item, roundOf(item.file));
    if (item.reportedAt >= 0) noteRepeat(state, call, item);
    item.reportedAt = call.end;
    if ((item.events & EPOLLET) === 0 && bits === EPOLLIN) epoll.untaken.add(item);
    if ((item.events & EPOLLONESHOT) !== 0) disarm(item);
  }
}

/** Where strace was told to leave out the calls that take, only the next wait shows that they were made. */
function skimmed(call: PlannedCall, epoll: PlanFile, found: ReadonlyMap<Item, number>): Item[] {
  const skims: Item[] = [];
  for (const item of epoll.untaken) {
    const isTaken = item.file.takenAt >= item.reportedAt;
    const isLeft = !isTaken && item.armed && (item.events & EPOLLIN) !== 0;
    if (isLeft && (found.has(item) || Math.max(item.armedAt, item.reportedAt) > call.begin)) continue;
    if (isLeft && (item.file.kind === 'stream' || item.file.reason !== '')) skims.push(item);
    epoll.untaken.delete(item);
  }
  return skims;
}

/** What other threads began to watch while a wait ran, and it did not report. */
function armedDuring(call: PlannedCall, epoll: PlanFile, found: ReadonlyMap<Item, number>): Item[] {
  const armed: Item[] = [];
  for (let at = epoll.armings.length - 1; at >= 0; at--) {
    const item = epoll.armings[at];
    if (item === undefined || item.armedAt < call.begin) break;
    if (item.armedBy?.thread !== call.thread && !found.has(item)) armed.push(item);
  }
  return armed;
}

/** Some designs report what a source tells once, by level too. */
function noteRepeat(state: ResolveState, call: PlannedCall, { epoll, slot, events, data }: Item): void {
  const instance = [...epoll.slots].find(({ table }) => table === state.descriptors.id);
  if (instance === undefined || (events & EPOLLET) !== 0) return;
  call.repeats.push(instance.id, slot.id, events, Number(data & 0xffffffffn), Number(data >> 32n));
}

/**
 * Items that were not reported although they may have been ready: by a call of the program, or, where several threads
 * wait, by what the outside brought for another one. Of a wait that had no room for more, all.
 */
function silentItems(epoll: PlanFile, found: ReadonlyMap<Item, number>, full: boolean): Silence[] {
  const silent: Silence[] = [];
  for (const item of epoll.items) {
    const { file, events } = item;
    const isOthers = file.endpoint >= 0 && epoll.waiters.size < 2 && !full;
    if (item.armed && !found.has(item) && !isOthers && (full || file.inbox !== undefined)) {
      silent.push({ file, events, item });
    }
    if (silent.length >= SILENT_MAX) break;
  }
  return silent;
}

/** A wait that does not come back has not seen anything. */
export function waitNeverEnds(call: PlannedCall): void {
  const { record, file } = call;
  if (call.kind === 'call' && waits.has(record.call) && file?.kind === 'epoll') {
    call.silent = silentItems(file, new Map(), false);
  }
}

/** The item with this data. Of several with the same, one that asked for what is reported. */
function itemOf(
  state: ResolveState,
  epoll: PlanFile,
  event: ExpectedEvent,
  taken: ReadonlyMap<Item, number>,
): Item | undefined {
  const known = chooseItem(epoll, event, taken);
  if (known !== undefined) return known;
  for (const [control, target] of state.openControls) {
    const wanted = epollEventIn(control.record.args[3]?.value, constants);
    if (control.file !== epoll || wanted?.data !== event.data) continue;
    state.openControls.delete(control);
    applyControl(control, target);
    return chooseItem(epoll, event, taken);
  }
  return undefined;
}

function chooseItem(epoll: PlanFile, event: ExpectedEvent, taken: ReadonlyMap<Item, number>): Item | undefined {
  const fits = (epoll.byData.get(event.data) ?? []).filter((item) => item.armed && !taken.has(item));
  return fits.find((item) => (item.events & event.events) !== 0) ?? fits[0];
}

const HEARD = EPOLLIN | EPOLLHUP | EPOLLERR;

/** Notes that a wait found a file ready. */
export function note(call: PlannedCall, file: PlanFile, bits: number, item: Item | undefined, round: number): void {
  const rearmed = item !== undefined && isRearmed(item);
  call.reports.push({ file, item, bits, rearmed });
  const unasked = item === undefined ? 0 : bits & ~item.events & (EPOLLERR | EPOLLHUP);
  if (item !== undefined && unasked !== 0) call.unasked.push({ data: item.data, events: unasked });
  const isPeerOutside = file.kind === 'stream' && file.connected;
  if (file.inbox === undefined && isPeerOutside && (bits & HEARD) !== 0) channelInto(file, 'bytes');
  const channel = file.inbox;
  if (channel === undefined) return;
  const edge = item !== undefined && (item.events & EPOLLET) !== 0;
  const observation: Observation = {
    call,
    channel,
    kind: 'ready',
    amount: 0,
    limit: 0,
    bits,
    edge,
    item,
    rearmed,
    round,
    endpoint: -1,
    place: 0,
  };
  call.observations.push(observation);
  channel.observations.push(observation);
}

/** By edge, and a MOD came after the last report. */
function isRearmed({ events, reportedAt, armedAt, armedBy }: Item): boolean {
  const isEdge = (events & EPOLLET) !== 0;
  return isEdge && reportedAt >= 0 && armedAt > reportedAt && wordOf(armedBy?.record, 1) === EPOLL_CTL_MOD;
}

export function pollEnds(state: ResolveState, call: PlannedCall): void {
  const { record } = call;
  const count = kernelResult(record);
  const asked = pollEntriesIn(record.args[0]?.value, constants);
  if (count === undefined || count < 0 || asked === undefined) return;
  const answers = record.result.details.flatMap(({ value }) => pollEntriesIn(value, constants) ?? []);
  const events = answers.map(({ fd, events: bits }) => ({ data: BigInt(fd), events: bits }));
  call.expected = { kind: 'polled', count, events, cut: events.length < count };
  const files = new Set<PlanFile>();
  for (const { fd, events: wanted } of asked) {
    const file = fd < 0 ? undefined : state.descriptors.at(fd)?.file;
    if (file === undefined) continue;
    files.add(file);
    const isSilent = !events.some(({ data }) => data === BigInt(fd)) && answers.length === count;
    if (isSilent && file.endpoint < 0 && file.inbox !== undefined) {
      call.silent.push({ file, events: wanted, item: undefined });
    }
  }
  for (const file of files) file.polls++;
  for (const { fd, events: bits } of answers) {
    const file = state.descriptors.at(fd)?.file;
    if (file !== undefined) note(call, file, bits, undefined, roundOf(file));
  }
}
