// What a plan is made of while it is being made: the trace's descriptors with their lifetimes, the files behind them,
// what flows into each file and from where, and every call with what became of it. Only plan*.ts use these.

import type { Expected, ExpectedEvent, FileKind, StepExtra, Unit, Verdict } from './plan-words.ts';
import type { CallRecord } from './record.ts';
import type { ScriptAction, ScriptStep } from './script.program.ts';

/** Something that flowed in: by which call, or from outside; when, in the order of events; of signals, which. */
export interface Inflow {
  readonly at: number;
  readonly call: PlannedCall | undefined;
  readonly signal: number;
  /** Of what the outside brought: the call that it was brought for. */
  readonly bringer: PlannedCall | undefined;
  amount: number;
}

/** What a call puts into a channel of the program, and whether it ends it. */
export interface Output {
  readonly channel: Channel;
  readonly amount: number;
  readonly ends: boolean;
  /** Of a channel of signals: which. */
  readonly signal?: number;
}

/** What makes a file readable. Fixed while the trace is resolved, then walked once, in the order of events. */
export interface Channel {
  readonly unit: Unit;
  readonly file: PlanFile;
  readonly observations: Observation[];
  /** Walk: what is there, oldest first. */
  inflows: Inflow[];
  available: number;
  /** Walk: no more will come, and since when. */
  ended: boolean;
  endedAt: number;
  endedBy: PlannedCall | undefined;
  /** Walk: calls that have begun to write here and not ended. */
  open: PlannedCall[];
  /** Walk: calls that have begun to take from here and not ended, and waits that watch it. */
  readonly takers: Set<PlannedCall>;
  /** Walk: what was taken, latest last: by which call, and since when it had been there. */
  readonly taken: { readonly call: PlannedCall; readonly since: number }[];
  /** Walk: calls that found nothing here, latest last. */
  readonly foundEmpty: PlannedCall[];
  /** Walk: when it was last reported by edge, to which item. */
  readonly edges: Map<Item | undefined, number>;
  /** Walk: connections that the outside has made, and the call for which it made the last of them. */
  readonly brought: Set<number>;
  lastBringer: PlannedCall | undefined;
}

/** What a call of the trace tells about a channel. */
export interface Observation {
  readonly call: PlannedCall;
  readonly channel: Channel;
  /** ready: a wait reported it. took: a call took `amount`. empty: EAGAIN. cut: EINTR. ended: end of file. reset: ECONNRESET. */
  readonly kind: 'ready' | 'took' | 'empty' | 'cut' | 'ended' | 'reset';
  readonly amount: number;
  /** took: it would have taken as much as this. */
  readonly limit: number;
  /** ready: the mask that was reported. */
  readonly bits: number;
  /** ready: reported by edge, so something must have come since the last report. */
  readonly edge: boolean;
  readonly item: Item | undefined;
  /** Nothing but a MOD since the last report makes it an edge. */
  readonly rearmed: boolean;
  /** How many waits that could report the channel ended before; two with the same number lie between two waits. */
  readonly round: number;
  /** took, of connections: the endpoint that was taken; -1: a socket of the program. */
  readonly endpoint: number;
  /** Among the observations of its channel. */
  place: number;
}

export interface PlanFile {
  readonly id: number;
  kind: FileKind;
  /** Why its reads and writes are not replayed, for lacking and foreign files. */
  readonly reason: string;
  /** The event of its opening. */
  openedAt: number;
  /** What is read from it. */
  inbox: Channel | undefined;
  /** What is written to it arrives there; undefined where that is outside. */
  outbox: Channel | undefined;
  /** Of the outside, for a socket whose peer is not in the trace, and for a stand-in; -1: none. */
  endpoint: number;
  nonblocking: boolean;
  /** Descriptors open on it in any process, and all that ever were; messages on their way that hold it. */
  readonly slots: Set<Slot>;
  readonly everySlot: Slot[];
  inFlight: number;
  /** An internet socket, or a unix one. */
  readonly internet: boolean;
  /** As bound, or as the trace tells by getsockname. */
  address: string | undefined;
  /** The name that stands for the address in the machine. */
  name: Uint8Array | undefined;
  listening: boolean;
  connected: boolean;
  /** A listener: how many connections may wait besides one. */
  backlog: number;
  /** pipe: the file that writes into it. */
  writer: PlanFile | undefined;
  /** Walk: the program has shut its sending side. */
  finished: boolean;
  /** Clients of a listener, of this trace, that no accept has taken. */
  readonly clients: PlanFile[];
  /** epoll: what it watches, by descriptor and by data, and those that the program itself makes ready. */
  readonly items: Set<Item>;
  readonly byData: Map<bigint, Item[]>;
  /** Items that watch it, those that ever did, and how many polls looked at it. */
  readonly watchers: Set<Item>;
  readonly watched: Item[];
  polls: number;
  /** epoll: waits that ended, and the threads that made them. */
  waits: number;
  readonly waiters: Set<number>;
  /** Writes that failed because nobody reads it any more, while somebody seemed to. */
  readonly refused: PlannedCall[];
  /** The last write that did not. */
  written: PlannedCall | undefined;
  /** The call that closed it at last. */
  closedBy: PlannedCall | undefined;
  /** The event of the last call that took from it, or found nothing. */
  takenAt: number;
  /** epoll: items that were reported, and of which nothing was taken since. */
  readonly untaken: Set<Item>;
  /** epoll: items in the order in which they were last armed. */
  readonly armings: Item[];
  /** epoll: every item that it ever watched by edge. */
  readonly edges: Item[];
  /** An epoll instance: a wait had no room for all that was ready. */
  wasFull: boolean;
  /** The others that were ever watched. */
  readonly levels: Item[];
  /** Walk: what the outside has not read yet, as a unix socket counts it. */
  unread: number;
  /** Walk: held full on purpose, because the program's socket was. */
  full: boolean;
  /** signalfd: the mask. */
  signals: readonly number[];
  /** Walk: of a stand-in: threads that were told by poll that there is something to read. */
  readonly tellers: Set<number>;
  /** Walk: a stand-in with something to read. */
  standInReady: boolean;
  /** Descriptors that are on their way to whoever reads here next, message by message. */
  readonly rights: (readonly PlanFile[])[];
}

/** A descriptor, from the call that opened it to the one that closed it. */
export interface Slot {
  readonly id: number;
  readonly number: number;
  readonly file: PlanFile;
  /** Of the table that it is in. */
  readonly table: number;
  /** An execve closes it. */
  cloexec: boolean;
  /** The event of its opening, and of its close: Infinity while it is open. */
  readonly since: number;
  until: number;
}

/** A file that an epoll instance watches. */
export interface Item {
  readonly epoll: PlanFile;
  readonly file: PlanFile;
  readonly number: number;
  events: number;
  data: bigint;
  readonly since: number;
  until: number;
  armed: boolean;
  /** The event and the call that armed it last. */
  armedAt: number;
  armedBy: PlannedCall | undefined;
  /** The event of the last report of it; -1: none. */
  reportedAt: number;
  /** The descriptor by which it was added. */
  readonly slot: Slot;
  /** Waits of its instance when it was armed, and those that it had been through before that. */
  armedRound: number;
  rounds: number;
}

/** What a wait said of a file. */
export interface Report {
  readonly file: PlanFile;
  readonly item: Item | undefined;
  readonly bits: number;
  readonly rearmed: boolean;
}

/** What a wait did not say of a file that it watched. */
export interface Silence {
  readonly file: PlanFile;
  readonly events: number;
  readonly item: Item | undefined;
}

/** Another call that must have begun, or ended. */
export interface Gate {
  readonly call: PlannedCall;
  readonly ended: boolean;
}

export interface PlannedCall {
  readonly record: CallRecord;
  /** The one behind the last is the outside's own, which ends processes that nobody in the trace ends. */
  readonly thread: number;
  /** Among the calls of its thread. */
  readonly place: number;
  /** Its place in the table of results. */
  readonly index: number;
  /** In the order of events; `end` is Infinity for one that never ended. */
  readonly begin: number;
  readonly end: number;
  /** The table of descriptors that its thread had. */
  table: number;
  /** Its thread ended in it: `end` is when. */
  readonly dies: boolean;
  /** A signal of the trace interrupts it and then ends its process, so it may not come back. */
  fatal: boolean;
  /** Not in the trace: made up for the end of a thread, and not counted. */
  readonly synthetic: boolean;
  /** It took so long that it must have waited. */
  readonly slow: boolean;
  verdict: Verdict;
  /** Of an imposed one, in words; of an unsupported one, the name. */
  reason: string;
  kind: ScriptStep['kind'];
  name: ScriptStep['name'];
  args: ScriptStep['args'];
  extra: Partial<StepExtra>;
  closes: number[];
  /** Descriptors that the outside is given before the call: pairs (slot, endpoint). */
  lends: number[];
  /** Threads that it ends: of an execve, all others of the process. */
  ends: readonly number[];
  /** A socket that gets a name before the call. */
  names: ScriptStep['names'];
  expected: Expected;
  /** The file that it works on. */
  file: PlanFile | undefined;
  /** Where its output goes, inside the program, and how much. */
  outputs: Output[];
  observations: Observation[];
  /** A wait: what it reported, and what it did not although the program's own calls may make it ready. */
  reports: Report[];
  silent: Silence[];
  /** A wait: data of what it may report only because of a MOD. epoll_ctl: it takes a number that is watched already. */
  modified: bigint[];
  /** epoll_wait: ERR and HUP that it reported unasked. */
  unasked: ExpectedEvent[];
  retakes: boolean;
  /** A wait: an earlier one on its instance had no room for all. */
  afterFull: boolean;
  /** Interests that a close ends, as pairs (slot of the instance, slot by which it was added). */
  removes: number[];
  /** A wait: what was reported before, taken by nobody in the trace, and not reported any more. */
  skims: Item[];
  /** A wait: what others began to watch while it ran, and it did not report. */
  armed: Item[];
  /** A wait: what it reports by level not for the first time; for each the slots of instance and file, mask, data. */
  repeats: number[];
  /** epoll_wait: how many events strace did not print; and whether it had no room for more. */
  hidden: number;
  full: boolean;
  /** It can wait at all: not with timeout 0, nor on a descriptor that never waits. */
  mayWait: boolean;
  /** What the outside does for it: before it is made, and while it waits. */
  before: ScriptAction[];
  during: ScriptAction[];
  /** The replay makes it only when the time of its end has come: a timer must have expired. */
  held: boolean;
  /** Calls that must have begun or ended before this one begins, besides those that the trace's order names. */
  after: Gate[];
  /** Calls that make what it waits for, so that it cannot end before they have begun. */
  makers: PlannedCall[];
  /** What must have happened before the outside does what it does while the call waits. */
  awaits: Gate[];
}
