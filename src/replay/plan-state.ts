// What the first pass knows at a moment of the trace: open descriptors, bound addresses, threads, sockets of the outside.

import type { ArgumentContext } from './plan-arguments.ts';
import { abstractAddress, plainName } from './plan-names.ts';
import { Descriptors } from './plan-files.ts';
import { addressIn } from './meaning.ts';
import type { PlanFile, PlannedCall, Slot } from './plan-types.ts';
import type { Trace } from './record.ts';
import type { ScriptAction, ScriptEndpoint } from './script.program.ts';
import type { Value } from './value.ts';

export class ResolveState implements ArgumentContext {
  readonly trace: Trace;
  readonly implemented: ReadonlySet<string>;
  readonly descriptors = new Descriptors();
  readonly endpoints: ScriptEndpoint[] = [];
  /** The process that is replayed: the one that the trace begins with. */
  readonly process: number;
  readonly pid: number;
  /** Sockets that listen, by address. */
  readonly listeners = new Map<string, PlanFile>();
  /** epoll_ctl calls that have begun and not taken effect, with the files they are about. */
  readonly openControls = new Map<PlannedCall, PlanFile>();
  /** Descriptors that a close has begun to close. */
  readonly closing = new Map<PlannedCall, Slot>();
  /** What the outside does before a thread's next call. */
  private readonly afterwards = new Map<number, ScriptAction[]>();
  /** The event of the last fork. */
  forkedAt = -1;
  /** Calls that take connections, latest of each listener. */
  readonly lastAccept = new Map<PlanFile, PlannedCall>();
  private readonly byTid = new Map<number, number>();
  private names = 0;

  constructor(trace: Trace, implemented: ReadonlySet<string>) {
    this.trace = trace;
    this.implemented = implemented;
    this.process = trace.threads[0]?.process ?? 0;
    this.pid = trace.threads[this.process]?.tid ?? 0;
    for (const thread of trace.threads) this.byTid.set(thread.tid, thread.index);
    for (let number = 0; number <= 2; number++) this.descriptors.known(number);
  }

  replays(thread: number): boolean {
    return this.trace.threads[thread]?.process === this.process;
  }

  slotOf(number: number): number | undefined {
    return this.descriptors.at(number)?.id;
  }

  threadOf(tid: number): number | undefined {
    return this.byTid.get(tid);
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

  endpoint(kind: ScriptEndpoint['kind'], slot?: number): number {
    this.endpoints.push(slot === undefined ? { kind } : { kind, slot });
    return this.endpoints.length - 1;
  }
}
