// What a plan is made of while it is being made: the trace's descriptors with their lifetimes, the files behind them,
// what flows into each file and from where, and every call with what became of it. Only plan*.ts use these.

import type { CallRecord, TraceThread } from './record.ts';
import type { ScriptAction, ScriptEndpoint, ScriptStep } from './script.program.ts';

/** lacking: of a kind that the machine does not have. foreign: opened by a call that is not in the trace. */
export type FileKind =
  | 'epoll'
  | 'eventfd'
  | 'timerfd'
  | 'signalfd'
  | 'pipe'
  | 'stream'
  | 'memfd'
  | 'device'
  | 'lacking'
  | 'foreign';

/** What flows: bytes, connections to accept, signals; an eventfd's count, taken whole or one by one. */
export type Unit = 'bytes' | 'connections' | 'signals' | 'count' | 'semaphore';

/** Something that flowed in: by which call, or from outside; when, in the order of events. */
export interface Inflow {
  readonly at: number;
  readonly call: PlannedCall | undefined;
  amount: number;
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
  /** Walk: when it was last reported by edge, to which item. */
  readonly edges: Map<Item | undefined, number>;
  /** Walk: connections that the outside has made. */
  readonly brought: Set<number>;
}

/** What a call of the trace tells about a channel. */
export interface Observation {
  readonly call: PlannedCall;
  readonly channel: Channel;
  /** ready: a wait reported it. took: a call took `amount`. empty: EAGAIN. ended: end of file. reset: ECONNRESET. */
  readonly kind: 'ready' | 'took' | 'empty' | 'ended' | 'reset';
  readonly amount: number;
  /** took: it would have taken as much as this. */
  readonly limit: number;
  /** ready: the mask that was reported. */
  readonly bits: number;
  /** ready: reported by edge, so something must have come since the last report. */
  readonly edge: boolean;
  readonly item: Item | undefined;
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
  /** Descriptors open on it, and all that ever were. */
  readonly slots: Set<Slot>;
  readonly everySlot: Slot[];
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
  /** epoll: waits that ended. */
  waits: number;
  /** epoll: items by edge whose files the program itself has touched since the last wait; whether it ever had one. */
  readonly touched: Set<Item>;
  hasEdges: boolean;
  /** Walk: what the outside has not read yet, as a unix socket counts it. */
  unread: number;
  /** Walk: held full on purpose, because the program's socket was. */
  full: boolean;
  /** signalfd: the mask. */
  signals: readonly number[];
  /** Walk: a stand-in with something to read. */
  standInReady: boolean;
}

/** A descriptor, from the call that opened it to the one that closed it. */
export interface Slot {
  readonly id: number;
  readonly number: number;
  readonly file: PlanFile;
  /** The event of its close; Infinity while it is open. */
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
  /** Waits of its instance when it was armed, and those that it had been through before that. */
  armedRound: number;
  rounds: number;
}

/** An item that is watched by edge, and was touched by nobody but the program. */
export interface Spurious {
  readonly data: bigint;
  /** Asked for. */
  readonly events: number;
  readonly kind: FileKind;
}

/** What a wait said of a file. */
export interface Report {
  readonly file: PlanFile;
  readonly item: Item | undefined;
  readonly bits: number;
}

/** Another call that must have begun, or ended. */
export interface Gate {
  readonly call: PlannedCall;
  readonly ended: boolean;
}

export type Verdict = 'compared' | 'imposed' | 'unsupported';

/** What the replayed call must answer. */
export type Expected =
  | { readonly kind: 'value'; readonly value: number }
  /** A new descriptor or a thread: which number it has does not matter. */
  | { readonly kind: 'success' }
  /** It does not come back. */
  | { readonly kind: 'silence' }
  | {
      readonly kind: 'events';
      readonly count: number;
      readonly events: readonly ExpectedEvent[];
      readonly cut: boolean;
    }
  /** pairs of (recorded descriptor, revents) */
  | {
      readonly kind: 'polled';
      readonly count: number;
      readonly events: readonly ExpectedEvent[];
      readonly cut: boolean;
    };

export interface ExpectedEvent {
  readonly data: bigint;
  readonly events: number;
}

export interface PlannedCall {
  readonly record: CallRecord;
  readonly thread: number;
  /** Among the calls of its thread. */
  readonly place: number;
  /** Its place in the table of results. */
  readonly index: number;
  /** In the order of events; `end` is Infinity for one that never ended. */
  readonly begin: number;
  readonly end: number;
  /** It took so long that it must have waited. */
  readonly slow: boolean;
  verdict: Verdict;
  /** Of an imposed one, in words; of an unsupported one, the name. */
  reason: string;
  kind: ScriptStep['kind'];
  name: ScriptStep['name'];
  args: ScriptStep['args'];
  extra: Partial<Pick<ScriptStep, 'opens' | 'opensAt' | 'reportAt' | 'report' | 'fills' | 'empties' | 'thread'>>;
  closes: number[];
  /** A socket that gets a name before the call. */
  names: ScriptStep['names'];
  expected: Expected;
  /** The file that it works on. */
  file: PlanFile | undefined;
  /** Where its output goes, inside the program, and how much. */
  output: { readonly channel: Channel; readonly amount: number; readonly ends: boolean } | undefined;
  observations: Observation[];
  /** A wait: what it reported, and what it did not although the program's own calls may make it ready. */
  reports: Report[];
  silent: Item[];
  /** A wait: what a design may report besides, to which any change of a source is an edge. */
  spurious: Spurious[];
  /** epoll_wait: how many events strace did not print. */
  hidden: number;
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
}

export interface Resolved {
  readonly calls: readonly PlannedCall[];
  /** Of each thread, in order. */
  readonly byThread: readonly (readonly PlannedCall[])[];
  readonly threads: readonly TraceThread[];
  readonly slots: readonly Slot[];
  readonly files: readonly PlanFile[];
  readonly endpoints: ScriptEndpoint[];
}
