// The descriptors of the traced processes while their trace is read: which number is which slot, and what file is behind
// it. A number may be reused and a file may have several numbers, in several processes, so a slot is one number of one
// table from its opening to its close.

import type { Channel, PlanFile, Slot } from './plan-types.ts';
import type { FileKind, Unit } from './plan-words.ts';

export const NEVER_OPENED = 'descriptors that the trace never opened';

/** Every file and every slot of a trace. */
export class Files {
  readonly slots: Slot[] = [];
  readonly files: PlanFile[] = [];
  private tables = 0;

  nextTable(): number {
    return this.tables++;
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
      inFlight: 0,
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
      waiters: new Set(),
      refused: [],
      written: undefined,
      closedBy: undefined,
      takenAt: -1,
      untaken: new Set(),
      armings: [],
      edges: [],
      levels: [],
      wasFull: false,
      unread: 0,
      full: false,
      signals: [],
      tellers: new Set(),
      standInReady: false,
      rights: [],
    };
    this.files.push(file);
    return file;
  }
}

/** The descriptor table of a process, or of several that share one. */
export class DescriptorTable {
  readonly id: number;
  /** Threads that use it. */
  users = 1;
  private readonly all: Files;
  private readonly byNumber = new Map<number, Slot>();

  constructor(all: Files) {
    this.all = all;
    this.id = all.nextTable();
  }

  /** The slot that a number is now. */
  at(number: number): Slot | undefined {
    return this.byNumber.get(number);
  }

  /** As `at`; a number that nothing in the trace opened is a descriptor all the same, from its first use on. */
  known(number: number): Slot {
    return this.byNumber.get(number) ?? this.open(number, this.all.file('foreign', NEVER_OPENED));
  }

  /** @param since the event of its opening */
  open(number: number, file: PlanFile, cloexec = false, since = 0): Slot {
    const { slots } = this.all;
    const slot: Slot = {
      id: slots.length,
      number,
      file,
      table: this.id,
      cloexec,
      since,
      until: Number.POSITIVE_INFINITY,
    };
    slots.push(slot);
    this.byNumber.set(number, slot);
    file.slots.add(slot);
    file.everySlot.push(slot);
    return slot;
  }

  /** @returns whether nothing holds the file any more */
  close(slot: Slot, event: number): boolean {
    if (slot.until !== Number.POSITIVE_INFINITY) return false;
    slot.until = event;
    if (this.byNumber.get(slot.number) === slot) this.byNumber.delete(slot.number);
    slot.file.slots.delete(slot);
    return isUnheld(slot.file);
  }

  /** What is open, by number. */
  openSlots(): Slot[] {
    return [...this.byNumber.values()].sort((a, b) => a.number - b.number);
  }

  /** A table of the same files under the same numbers. @returns it, and pairs (slot here, slot there) */
  copy(since: number): { readonly table: DescriptorTable; readonly copies: number[] } {
    const table = new DescriptorTable(this.all);
    const copies: number[] = [];
    for (const slot of this.openSlots())
      copies.push(slot.id, table.open(slot.number, slot.file, slot.cloexec, since).id);
    return { table, copies };
  }
}

/** Neither a descriptor nor a message on its way holds it. */
export function isUnheld(file: PlanFile): boolean {
  return file.slots.size === 0 && file.inFlight === 0;
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
    takers: new Set(),
    taken: [],
    foundEmpty: [],
    edges: new Map(),
    brought: new Set(),
    lastBringer: undefined,
  };
  file.inbox = channel;
  return channel;
}

/** How many waits that could have reported this file have ended. */
export function roundOf(file: PlanFile): number {
  let round = file.polls;
  for (const item of file.watchers) round += item.rounds + (item.armed ? item.epoll.waits - item.armedRound : 0);
  return round;
}
