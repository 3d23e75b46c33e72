// The descriptors of the traced process while its trace is read: which number is which slot, and what file is behind it.
// A number may be reused and a file may have several numbers, so a slot is one number from its opening to its close.

import type { Channel, FileKind, PlanFile, Slot, Unit } from './plan-types.ts';

export const NEVER_OPENED = 'descriptors that the trace never opened';

export class Descriptors {
  readonly slots: Slot[] = [];
  readonly files: PlanFile[] = [];
  private readonly byNumber = new Map<number, Slot>();

  /** The slot that a number is now. */
  at(number: number): Slot | undefined {
    return this.byNumber.get(number);
  }

  /** As `at`; a number that nothing in the trace opened is a descriptor all the same, from its first use on. */
  known(number: number): Slot {
    return this.byNumber.get(number) ?? this.open(number, this.file('foreign', NEVER_OPENED));
  }

  open(number: number, file: PlanFile): Slot {
    const slot: Slot = { id: this.slots.length, number, file, until: Number.POSITIVE_INFINITY };
    this.slots.push(slot);
    this.byNumber.set(number, slot);
    file.slots.add(slot);
    file.everySlot.push(slot);
    return slot;
  }

  /** @returns whether the file has no descriptor left */
  close(slot: Slot, event: number): boolean {
    if (slot.until !== Number.POSITIVE_INFINITY) return false;
    slot.until = event;
    if (this.byNumber.get(slot.number) === slot) this.byNumber.delete(slot.number);
    slot.file.slots.delete(slot);
    return slot.file.slots.size === 0;
  }

  file(kind: FileKind, reason = '', internet = false): PlanFile {
    const file: PlanFile = {
      id: this.files.length,
      kind,
      reason,
      internet,
      openedAt: 0,
      inbox: undefined,
      outbox: undefined,
      endpoint: -1,
      nonblocking: false,
      slots: new Set(),
      everySlot: [],
      address: undefined,
      name: undefined,
      listening: false,
      connected: false,
      backlog: 0,
      writer: undefined,
      finished: false,
      clients: [],
      items: new Set(),
      byData: new Map(),
      watchers: new Set(),
      watched: [],
      polls: 0,
      waits: 0,
      touched: new Set(),
      hasEdges: false,
      unread: 0,
      full: false,
      signals: [],
      standInReady: false,
    };
    this.files.push(file);
    return file;
  }
}

export function channelInto(file: PlanFile, unit: Unit): Channel {
  const channel: Channel = {
    unit,
    file,
    observations: [],
    inflows: [],
    available: 0,
    ended: false,
    endedAt: 0,
    endedBy: undefined,
    open: [],
    edges: new Map(),
    brought: new Set(),
  };
  file.inbox = channel;
  return channel;
}

/** A descriptor of a file that is open at an event; what is opened later will do where none is. */
export function slotAt(file: PlanFile, event: number): Slot | undefined {
  return file.everySlot.find((slot) => slot.until > event);
}

/** How many waits that could have reported this file have ended. */
export function roundOf(file: PlanFile): number {
  let round = file.polls;
  for (const item of file.watchers) round += item.rounds + (item.armed ? item.epoll.waits - item.armedRound : 0);
  return round;
}
