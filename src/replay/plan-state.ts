// What the first pass knows at a moment of the trace: descriptors of every process, bound addresses, who lives under which
// number, sockets of the outside. One thread is in focus: the one whose call begins or ends.

import type { ArgumentContext } from './plan-arguments.ts';
import { type DescriptorTable, Files } from './plan-files.ts';
import { abstractAddress, plainName } from './plan-names.ts';
import { births, changesDescriptors } from './plan-record.ts';
import { addressIn, descriptorsIn } from './meaning.ts';
import type { Arrival, PlanProcess } from './plan-resolved.ts';
import type { PlanFile, PlannedCall, Slot } from './plan-types.ts';
import type { CallRecord, Trace, TraceThread } from './record.ts';
import type { ScriptAction, ScriptEndpoint } from './script.program.ts';
import type { Value } from './value.ts';

/** Any program that makes so many has closed something. */
const SOME_CALLS = 64;

export class ResolveState implements ArgumentContext {
  readonly trace: Trace;
  readonly implemented: ReadonlySet<string>;
  /** By process: signals that are handled from its beginning on. */
  readonly presets: ReadonlyMap<number, ReadonlySet<number>>;
  readonly files = new Files();
  readonly endpoints: ScriptEndpoint[] = [];
  /** By thread, from its birth on. */
  readonly processes: PlanProcess[] = [];
  readonly tables: DescriptorTable[] = [];
  /** Sockets that listen, by address. */
  readonly listeners = new Map<string, PlanFile>();
  /** epoll_ctl calls that have begun and not taken effect, with what they are about. */
  readonly openControls = new Map<PlannedCall, Slot>();
  /** Descriptors that a close has begun to close. */
  readonly closing = new Map<PlannedCall, Slot>();
  /** Calls that have begun and not ended and may change descriptors, and births among them. */
  readonly changing = new Set<PlannedCall>();
  /** The latest call of each thread. */
  readonly lastCall: (PlannedCall | undefined)[] = [];
  /** Threads that have ended. */
  readonly dead = new Set<number>();
  /** The lowest number for a descriptor that the program itself chose, by dup2; above all that are given out. */
  readonly chosenFds: number;
  /** So long a trace without any close is one of which strace was told to leave some calls out. */
  readonly closesNothing: boolean;
  /** Processes that the kernel's timers sent signals to. */
  readonly alarmed: ReadonlySet<number>;
  /** execve calls that have begun, succeed, and have not ended. */
  readonly executing = new Set<PlannedCall>();
  /** Processes of which the trace has the call that ends them. */
  readonly groupExits: ReadonlySet<number>;
  readonly children = new Map<CallRecord, TraceThread>();
  /** Calls that send a signal to somebody in the trace, latest last. */
  readonly sent: { readonly call: PlannedCall; readonly signal: number; readonly to: ReadonlySet<number> }[] = [];
  readonly arrivals: Arrival[] = [];
  /** The event of the last fork whose child is not in the trace. */
  forkedAt = -1;
  /** Of the thread in focus. */
  private thread = 0;
  /** What the outside does before a thread's next call. */
  private readonly afterwards = new Map<number, ScriptAction[]>();
  private readonly byTid = new Map<number, number>();
  private names = 0;

  constructor(
    trace: Trace,
    implemented: ReadonlySet<string>,
    presets: ReadonlyMap<number, ReadonlySet<number>> = new Map(),
  ) {
    this.trace = trace;
    this.implemented = implemented;
    this.presets = presets;
    for (const thread of trace.threads) {
      if (thread.bornBy !== undefined) this.children.set(thread.bornBy, thread);
    }
    this.chosenFds = highestNumber(trace) + 64;
    const calls = trace.threads.flatMap(({ records }) => records.filter(({ kind }) => kind === 'call'));
    this.closesNothing =
      calls.length >= SOME_CALLS && !calls.some((record) => 'call' in record && record.call === 'close');
    this.alarmed = new Set(trace.threads.filter(isAlarmed).map(({ process }) => process));
    this.groupExits = new Set(
      trace.threads
        .filter(({ records }) => records.some((record) => record.kind === 'call' && record.call === 'exit_group'))
        .map(({ process }) => process),
    );
  }

  /** The thread by whose descriptors numbers are understood from now on. */
  focus(thread: number): void {
    this.thread = thread;
  }

  get descriptors(): DescriptorTable {
    return this.tableOf(this.thread);
  }

  tableOf(thread: number): DescriptorTable {
    const table = this.tables[thread];
    if (table === undefined) throw new Error(`thread ${thread} has a call before its birth`);
    return table;
  }

  processOf(thread: number): PlanProcess {
    const process = this.processes[thread];
    if (process === undefined) throw new Error(`thread ${thread} has a call before its birth`);
    return process;
  }

  /** From here on a number means this thread: the system may have used it before. */
  name(tid: number, thread: number): void {
    this.byTid.set(tid, thread);
  }

  /** The number of the process in focus. */
  get pid(): number {
    return this.trace.threads[this.processOf(this.thread).index]?.tid ?? 0;
  }

  slotOf(number: number): number | undefined {
    return this.descriptors.at(number)?.id;
  }

  passedSlot(number: number): number | undefined {
    const slot = this.descriptors.at(number);
    return slot === undefined || (slot.file.reason !== '' && slot.file.endpoint < 0) ? undefined : slot.id;
  }

  threadOf(tid: number): number | undefined {
    return this.byTid.get(tid);
  }

  leaderOf(pid: number): number | undefined {
    const thread = this.byTid.get(pid);
    return thread === undefined ? undefined : this.processes[thread]?.index;
  }

  /** Unix names stay; an internet address becomes an abstract name. */
  nameOf(value: Value): Uint8Array | undefined {
    const address = addressIn(value);
    if (address === undefined) return undefined;
    const listener = this.listenerAt(address);
    return listener?.name ?? plainName(address);
  }

  /** A name that nobody else has. */
  freshName(address: string): Uint8Array {
    return abstractAddress(`${address}#${++this.names}`);
  }

  /** The program's own socket that listens at an address, or at every address of its port. */
  listenerAt(address: string): PlanFile | undefined {
    const exact = this.listeners.get(address);
    if (exact !== undefined) return exact;
    const port = /^inet6?:.*:(\d+)$/.exec(address)?.[1];
    if (port === undefined) return undefined;
    return this.listeners.get(`inet:0.0.0.0:${port}`) ?? this.listeners.get(`inet6::::${port}`);
  }

  /** Has the outside do something before the thread's next call. */
  later(thread: number, action: ScriptAction): void {
    const actions = this.afterwards.get(thread);
    if (actions === undefined) this.afterwards.set(thread, [action]);
    else actions.push(action);
  }

  /** What was put off to this call of a thread. */
  due(thread: number): readonly ScriptAction[] {
    const actions = this.afterwards.get(thread) ?? [];
    this.afterwards.delete(thread);
    return actions;
  }

  endpoint(kind: ScriptEndpoint['kind']): number {
    this.endpoints.push({ kind });
    return this.endpoints.length - 1;
  }
}

function isAlarmed({ records }: TraceThread): boolean {
  return records.some((record) => record.kind === 'signal' && /^SIG(ALRM|VTALRM|PROF)$/.test(record.signal));
}

/** That the system gave the program. */
function highestNumber(trace: Trace): number {
  let highest = 0;
  for (const { records } of trace.threads) {
    for (const record of records) {
      if (record.kind !== 'call' || record.outcome !== 'returned' || !changesDescriptors(record)) continue;
      const pair = [2, 3].flatMap((place) => descriptorsIn(record.args[place]?.value) ?? []);
      const given = Math.max(record.result.value, ...pair, ...(descriptorsIn(record.args[0]?.value) ?? []));
      // Of a birth it is a process.
      if (!births.has(record.call) && given < NUMBER_MAX) highest = Math.max(highest, given);
    }
  }
  return highest;
}
const NUMBER_MAX = 1 << 16;
