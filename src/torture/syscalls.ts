/**
 * Torture of the system calls: random ones from many threads of several processes, all calls that the kernel answers,
 * each answer judged. This room says who makes how many, and what came of it.
 */
import { availableParallelism } from 'node:os';
import type { BootOptions } from '../machine/config.ts';
import type { SyscallName } from '../kernel/abi/syscalls.ts';
import { PRIVATE_SYSCALL_BASE, SYS, syscallSpec } from '../kernel/abi/syscalls.ts';
import { implementedCalls } from '../kernel/syscall/ops-table.ts';
import { DESCRIPTORS_MAX } from '../programs/torture/descriptors.ts';
import { tortureGuests } from './run.ts';

export interface SyscallTorture {
  /** In all, shared among the workers. */
  readonly calls: number;
  readonly boot: BootOptions;
  readonly signal?: AbortSignal;
  readonly progress?: (operations: number) => void;
  readonly stallSeconds?: number;
  readonly auditSeconds?: number;
  /** Only these, of the calls that there are. */
  readonly names?: readonly SyscallName[];
}

export interface CallRow {
  readonly name: string;
  readonly attempts: number;
  readonly succeeded: number;
}

export interface SyscallOutcome {
  readonly operations: number;
  readonly succeeded: number;
  readonly failures: number;
  readonly seconds: number;
  readonly calls: readonly CallRow[];
  readonly workers: number;
  readonly audits: number;
  readonly oversubscribed: boolean;
  readonly problems: readonly string[];
}

const PROCESSES = 2;
const WORKERS_PER_CPU = 2;
/** So that the nests of two processes have room on the board beside them. */
const WORKERS_PER_PROCESS_MAX = 20;
const HZ = 1000;
const USER_BYTES = 1 << 20;

/** The calls that guests of any machine make, without those of the lab. */
export const TORTURED_CALLS: readonly SyscallName[] = implementedCalls.filter(
  (name) => syscallSpec(SYS[name])!.x86_64 < PRIVATE_SYSCALL_BASE,
);

export async function tortureSyscalls(order: SyscallTorture): Promise<SyscallOutcome> {
  const cpus = order.boot.cpus ?? 2;
  const workers = Math.min(WORKERS_PER_PROCESS_MAX, Math.max(2, Math.ceil((cpus * WORKERS_PER_CPU) / PROCESSES)));
  const names = order.names ?? TORTURED_CALLS;
  const { board, seconds, problems, audits } = await tortureGuests({
    program: 'torture-syscalls',
    processes: PROCESSES,
    boot: {
      // Where timeouts are noticed by ticks, a wait of a millisecond lasts one of them.
      hz: HZ,
      nofile: DESCRIPTORS_MAX,
      processes: 24,
      tasks: 256,
      userBytes: USER_BYTES,
      ...order.boot,
    },
    options: {
      seed: order.boot.seed ?? 1,
      calls: Math.ceil(order.calls / (workers * PROCESSES)),
      workers,
      cpus,
      names,
    },
    ...(order.signal === undefined ? {} : { signal: order.signal }),
    ...(order.progress === undefined ? {} : { progress: order.progress }),
    ...(order.stallSeconds === undefined ? {} : { stallSeconds: order.stallSeconds }),
    ...(order.auditSeconds === undefined ? {} : { auditSeconds: order.auditSeconds }),
  });
  const calls = names.map((name) => ({
    name,
    attempts: board.attemptsOf(SYS[name]),
    succeeded: board.successesOf(SYS[name]),
  }));
  return {
    operations: board.operations,
    succeeded: board.succeeded,
    failures: problems.length,
    seconds,
    calls,
    workers: workers * PROCESSES,
    audits,
    oversubscribed: cpus > availableParallelism(),
    problems,
  };
}
