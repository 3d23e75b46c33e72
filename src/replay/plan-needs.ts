// What the machine of a replay needs: room for all that the trace opens, and patience for its longest pause.

import { moments } from './plan-order.ts';
import type { Resolved } from './plan-resolved.ts';

/** What a machine must have room for. */
export interface Needs {
  readonly tasks: number;
  readonly processes: number;
  readonly sockets: number;
  readonly files: number;
  readonly epolls: number;
  readonly pipes: number;
  readonly items: number;
}

/** Threads and processes may live longer than in the trace, so there is room for some more at once. */
const SPARE_TASKS = 16;

export function needsOf(resolved: Resolved): Needs {
  const kinds = (kind: string): number => resolved.files.filter((file) => file.kind === kind).length;
  const { endpoints } = resolved;
  const standIns = endpoints.filter((endpoint) => endpoint.kind === 'standIn').length;
  const processes = new Set(resolved.processes).size;
  return {
    tasks: resolved.threads.length * 2 + SPARE_TASKS,
    processes: processes + 3,
    sockets: kinds('stream') + endpoints.length * 2 + 16,
    files: resolved.files.length + endpoints.length * 2 + standIns + 32,
    epolls: kinds('epoll') + 8,
    pipes: Math.ceil(kinds('pipe') / 2) + 8,
    items: resolved.files.reduce((sum, file) => sum + file.watched.length, 0) + 64,
  };
}

/** The longest time in which nothing begins and nothing ends. */
export function longestOf(resolved: Resolved): number {
  let longest = 0;
  let beforeNs = 0;
  for (const { call, ends } of moments(resolved.calls)) {
    const nowNs = ends ? (call.record.endNs ?? call.record.timeNs) : call.record.timeNs;
    longest = Math.max(longest, nowNs - beforeNs);
    beforeNs = Math.max(beforeNs, nowNs);
  }
  return longest;
}
