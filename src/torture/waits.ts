/**
 * Tortures of what waits: wait queues, epoll, timers. Each is a guest program that checks itself (torture-*.program.ts);
 * this room says what it is started with, and what came of it.
 */
import { availableParallelism } from 'node:os';
import type { BootOptions } from '../machine/config.ts';
import { type Lateness, latenessOf } from '../programs/torture/lateness.ts';
import { tortureGuests } from './run.ts';

export type WaitKind = 'waitqueue' | 'epoll' | 'timer';
export const WAIT_KINDS: readonly WaitKind[] = ['waitqueue', 'epoll', 'timer'];

export interface WaitTorture {
  readonly kind: WaitKind;
  readonly seconds: number;
  readonly boot: BootOptions;
  readonly signal?: AbortSignal;
  readonly progress?: (operations: number) => void;
  readonly stallSeconds?: number;
}

export interface WaitOutcome {
  readonly operations: number;
  readonly succeeded: number;
  readonly failures: number;
  readonly seconds: number;
  readonly wakeups: number;
  readonly audits: number;
  readonly oversubscribed: boolean;
  /** Of timers: how late waits ended, ns. */
  readonly late?: Lateness;
  readonly problems: readonly string[];
}

const ROUND_MS = 250;
const THREADS_PER_CPU = 6;
const TIMER_THREADS_MAX = 40;
/** A wait that ends so late was lost, and not only late: the host may keep a CPU's thread from its core for long. */
const LATE_LIMIT_NS = 4e9;
const STALL_SECONDS = 8;
const USER_BYTES = 1 << 24;
/** Designs that answer as Linux does where one thread looks at what it has done itself. */
const EXACT_DESIGNS: readonly string[] = ['kevlar', 'linux'];

export async function tortureWaits(order: WaitTorture): Promise<WaitOutcome> {
  const cpus = order.boot.cpus ?? 2;
  const { board, seconds, problems, audits, wakeups } = await tortureGuests({
    program: `torture-${order.kind}`,
    processes: 1,
    seconds: order.seconds,
    stallSeconds: order.stallSeconds ?? STALL_SECONDS,
    boot: { userBytes: USER_BYTES, processes: 2, ...order.boot },
    options: {
      seed: order.boot.seed ?? 1,
      cpus,
      roundMs: ROUND_MS,
      threads: Math.min(TIMER_THREADS_MAX, cpus * THREADS_PER_CPU),
      limitNs: LATE_LIMIT_NS,
      isExact: EXACT_DESIGNS.includes(order.boot.epoll ?? 'kevlar'),
      // WASIX never looks at EPOLLONESHOT.
      disarms: order.boot.epoll !== 'wasix',
    },
    ...(order.signal === undefined ? {} : { signal: order.signal }),
    ...(order.progress === undefined ? {} : { progress: order.progress }),
  });
  return {
    operations: board.operations,
    succeeded: board.succeeded,
    failures: problems.length,
    seconds,
    wakeups,
    audits,
    oversubscribed: cpus > availableParallelism(),
    ...(order.kind === 'timer' ? { late: latenessOf(board) } : {}),
    problems,
  };
}
