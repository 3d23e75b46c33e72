/**
 * A thread that carries out steps of cases on the host's kernel: it resumes the same guest program as a CPU of the
 * machine does (case.program.ts), and where that yields a system call, makes it.
 *
 * The first executor has a descriptor table of its own (unshare), empty above 2 when a case begins, as the recorder's
 * process has; the others are threads that it starts, so they share that table, and none of Node's descriptors is in it.
 * Therefore an executor never returns to its event loop, nor does anything with it: it is a CommonJS bundle of its own,
 * which loads without. A signal handler is a C function that does
 * nothing (abs), for no JavaScript may run there.
 */
import { isMainThread, Worker, workerData } from 'node:worker_threads';
import { SYS, syscallTable } from '../../kernel/abi/syscalls.ts';
import type { SyscallSpec } from '../../kernel/abi/syscall-spec.ts';
import { rlimitLayout, sigactionLayout } from '../../kernel/abi/layout.ts';
import { SA_RESTORER } from '../../kernel/abi/flags-signal.ts';
import { RLIMIT_NOFILE } from '../../kernel/abi/flags-task.ts';
import { ESRCH } from '../../kernel/abi/errno.ts';
import { CaseBoard } from '../../programs/conform/case-board.ts';
import type { ConformCase } from '../../programs/conform/case.ts';
import { type Guest, HANDLER_BASE } from '../../programs/libc/thread.ts';
import { load64, loadFloat, store64 } from '../../programs/libc/memory.ts';
import { trap } from '../../programs/libc/trap.ts';
import { type CaseArguments, emptyHandler, main, thread } from '../case.program.ts';
import { CLEAN, Control, EXECUTORS, RUN } from './control.ts';
import { hostAbi, loadNative, type Native, SIGNALS } from './native.ts';

export interface ExecutorData {
  readonly executor: number;
  /** Path of the bundle. */
  readonly file: string;
  readonly control: SharedArrayBuffer;
  readonly board: SharedArrayBuffer;
  readonly memory: SharedArrayBuffer;
}

type Entry = (argument: number, argv: CaseArguments) => Guest;

/** Raised when the case is over and a call that blocked has come back. */
class CaseOver extends Error {}

const CLONE_FILES = 0x400;
const SIG_SETMASK = 2;
const LOWEST_ADDRESS = 64;
const UINT_MAX = 0xffffffff;

class Executor {
  private readonly native: Native;
  private readonly control: Control;
  private readonly data: ExecutorData;
  private readonly memoryAt: number;
  private shown: CaseBoard | undefined;
  /** By number: the row, and which arguments are addresses. */
  private readonly calls = new Map<number, { readonly name: string; readonly addresses: readonly boolean[] }>();
  /** A signal mask, in and out. */
  private readonly maskWords = new Int32Array(new SharedArrayBuffer(8));
  /** How many descriptors the process may have when a case begins. */
  private readonly descriptorLimit = new Uint8Array(new SharedArrayBuffer(rlimitLayout.size));

  constructor(data: ExecutorData) {
    this.data = data;
    this.native = loadNative(data.file);
    this.control = new Control(data.control);
    this.memoryAt = this.native.addressOf(new Uint8Array(data.memory));
    const abi = hostAbi();
    for (const spec of syscallTable as readonly SyscallSpec[]) {
      const addresses = spec.args.map((argument) => argument[2] !== undefined);
      if (spec[abi] >= 0) this.calls.set(spec[abi], { name: spec.name, addresses });
      trap.numbers[SYS[spec.name as keyof typeof SYS]] = spec[abi];
    }
    const userBytes = Math.floor((this.memoryAt + data.memory.byteLength) / PAGE_BYTES) * PAGE_BYTES - PAGE_BYTES;
    Object.assign(trap, {
      memory: data.memory,
      abi,
      userBase: 0,
      userBytes: userBytes - this.memoryAt,
      pid: process.pid,
    });
    trap.tid = this.number('gettid', []);
    this.number('prlimit64', [0, RLIMIT_NOFILE, 0, this.native.addressOf(this.descriptorLimit)]);
  }

  /** A system call by name, its arguments as they are. */
  number(name: keyof typeof SYS, args: readonly (number | bigint)[]): number {
    return this.native.call(trap.numbers[SYS[name]]!, args);
  }

  /** Never returns. */
  serve(): void {
    const { executor } = this.data;
    this.control.setTid(executor, trap.tid);
    for (let seen = 0; ; ) {
      const order = this.control.nextOrder(executor, seen);
      seen = order.number;
      if (order.what === CLEAN) {
        // Without an answer the process is given up.
        if (!this.clean()) continue;
      } else this.run(executor === 0 ? main : thread, order.index);
      this.control.done(executor, order.number);
    }
  }

  private run(entry: Entry, index: number): void {
    const one = JSON.parse(this.control.caseText()) as ConformCase;
    this.shown = new CaseBoard(this.data.board, one);
    const argv: CaseArguments = { cases: [{ one, board: this.data.board }] };
    trap.image = { entries: [emptyHandler, main, thread], argv };
    this.maskWords.set(this.control.mask(this.data.executor));
    this.setMask();
    try {
      this.resume(entry(index, argv));
    } catch (error) {
      if (!(error instanceof CaseOver)) this.control.fail((error as Error).stack ?? String(error));
    }
    // Who takes no part in a case must not take its signals.
    this.maskWords.fill(-1);
    this.setMask();
  }

  private resume(generator: Guest): void {
    for (let step = generator.next(0); step.done !== true; ) step = generator.next(this.trap(step.value));
  }

  private setMask(): void {
    this.number('rt_sigprocmask', [SIG_SETMASK, this.maskAt(), 0, 8]);
  }

  private maskAt(): number {
    return this.native.addressOf(new Uint8Array(this.maskWords.buffer));
  }

  private trap(number: number): number {
    const { registers } = trap;
    const call = this.calls.get(number);
    if (call?.name === 'smplab_settle') this.control.settle(this.data.executor);
    else if (call?.name === 'exit_group') throw new CaseOver();
    else if (call?.name === 'clone') return this.startThread(registers[1]!);
    else if (call?.name === 'rt_sigaction' && registers[1]! >= LOWEST_ADDRESS && registers[2] === 0)
      return this.sigaction(registers[0]!, registers[1]!);
    else if ((call?.name === 'tkill' || call?.name === 'tgkill') && this.isGone(registers)) return -ESRCH;
    else {
      if (call?.name === 'pselect6') this.translateMask(registers[5]!);
      const args = Array.from(registers, (word, i) => (call?.addresses[i] === true ? this.translated(word) : word));
      const answer = this.native.call(number, args);
      if (this.control.isGivenUp()) throw new CaseOver();
      return answer;
    }
    if (this.control.isGivenUp()) throw new CaseOver();
    return 0;
  }

  /** An executor outlives the thread that it played; nobody may find that thread any more. */
  private isGone(args: Float64Array): boolean {
    const { shown } = this;
    return shown?.threadNames.some((_, t) => shown.hasEnded(t) && [args[0], args[1]].includes(shown.tid(t))) === true;
  }

  /** An address in user memory as the host has it; what lies outside stays as it is, and faults. */
  private translated(address: number): number {
    const inside = address >= LOWEST_ADDRESS && address < this.data.memory.byteLength;
    return inside ? this.memoryAt + address : address;
  }

  /** pselect6 takes its mask through a struct that holds the address. */
  private translateMask(at: number): void {
    if (at >= LOWEST_ADDRESS && at < trap.userBytes) store64(at, BigInt(this.translated(Number(load64(at)))));
  }

  /** Nothing may be stored behind the memory of a case; so its last whole page is closed, and it ends there. */
  closeEnd(): void {
    const guard = this.memoryAt + trap.userBytes;
    const answer = this.native.call(MPROTECT[hostAbi()], [guard, PAGE_BYTES, 0]);
    if (answer !== 0) throw new Error(`mprotect: ${answer}`);
  }

  /** The thread of a case with that index has the executor of that index. */
  private startThread(stack: number): number {
    const index = loadFloat(stack + 8);
    this.number('rt_sigprocmask', [SIG_SETMASK, 0, this.maskAt(), 8]);
    this.control.setMask(index, this.maskWords);
    this.control.order(index, RUN, index);
    return this.control.tid(index);
  }

  private sigaction(signal: number, at: number): number {
    const handler = load64(at + sigactionLayout.handler);
    const flags = Number(load64(at + sigactionLayout.flags)) & ~SA_RESTORER;
    const isFunction = handler >= BigInt(HANDLER_BASE);
    return this.native.sigaction(signal, isFunction ? this.native.symbol('abs') : handler, flags, false);
  }

  /**
   * What a case left behind: descriptors, dispositions, pending signals (an ignored one is dropped), and how many
   * descriptors there may be. @returns false if that cannot be raised again, as a hard limit was lowered
   */
  clean(): boolean {
    this.number('close_range', [3, UINT_MAX, 0]);
    for (let signal = 1; signal <= SIGNALS; signal++) {
      this.native.sigaction(signal, 1n, 0, false);
      this.native.sigaction(signal, 0n, 0, false);
    }
    return this.number('prlimit64', [0, RLIMIT_NOFILE, this.native.addressOf(this.descriptorLimit), 0]) === 0;
  }

  unshareFiles(): void {
    const answer = this.native.call(UNSHARE[hostAbi()], [CLONE_FILES]);
    if (answer !== 0) throw new Error(`unshare: ${answer}`);
  }

  waitForOthers(): void {
    for (let executor = 1; executor < EXECUTORS; ) {
      const seen = this.control.news();
      if (this.control.tid(executor) !== 0) executor++;
      else this.control.awaitNews(seen, 1000);
    }
  }
}

const PAGE_BYTES = 4096;
const MPROTECT = { x86_64: 10, arm64: 226 } as const;
const UNSHARE = { x86_64: 272, arm64: 97 } as const;

function begin(data: ExecutorData): void {
  const executor = new Executor(data);
  if (data.executor === 0) {
    executor.unshareFiles();
    executor.closeEnd();
    for (let other = 1; other < EXECUTORS; other++) new Worker(data.file, { workerData: { ...data, executor: other } });
    executor.waitForOthers();
    executor.clean();
  }
  executor.serve();
}

if (!isMainThread) begin(workerData as ExecutorData);
