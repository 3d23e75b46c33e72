// A trace after its first pass: every call with what it means, and whose it is. Only plan*.ts use it.

import type { PlanFile, PlannedCall, Slot } from './plan-types.ts';
import type { SignalRecord, TraceThread } from './record.ts';
import type { ScriptEndpoint } from './script.program.ts';

/** A traced process. Its index is that of its first thread. */
export interface PlanProcess {
  readonly index: number;
  readonly parent: PlanProcess | undefined;
  readonly children: PlanProcess[];
  readonly threads: number[];
  /** What becomes of a signal, as far as the trace tells; default where it is not here. */
  readonly actions: Map<number, 'handled' | 'ignored'>;
  /** Told to its parent when it ends. */
  readonly exitSignal: number;
  /** Its process group, by the number that the trace gives it; undefined for the one that the trace began with. */
  group: number | undefined;
  /** It made children that are not in the trace. */
  hasStrangers: boolean;
  /** The event of its end, Infinity while it lives, and the call by which it ended. */
  endedAt: number;
  endedBy: PlannedCall | undefined;
  /** The event at which a thread of it was first seen to end that did not end itself. */
  brokenAt: number;
  /** Its parent has waited for it. */
  reaped: boolean;
}

export interface Resolved {
  readonly calls: readonly PlannedCall[];
  /** Of each thread, in order; behind the last one the outside's own. */
  readonly byThread: readonly (readonly PlannedCall[])[];
  readonly threads: readonly TraceThread[];
  /** By thread. */
  readonly processes: readonly PlanProcess[];
  readonly slots: readonly Slot[];
  readonly files: readonly PlanFile[];
  readonly endpoints: ScriptEndpoint[];
  readonly arrivals: readonly Arrival[];
  /** By process: signals that are handled from its beginning on. */
  readonly presets: ReadonlyMap<number, ReadonlySet<number>>;
  /** The lowest number for a descriptor that the program itself chose, by dup2; above all that are given out. */
  readonly chosenFds: number;
}

/** A signal that the trace shows to be delivered. */
export interface Arrival {
  /** In the order of events. */
  readonly at: number;
  readonly record: SignalRecord;
  readonly signal: number;
  /** The call of the trace that sent it, or in which the process ended whose parent is told. */
  readonly maker: PlannedCall | undefined;
  /** It ran a handler. */
  readonly handled: boolean;
}
