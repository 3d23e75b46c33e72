/**
 * The main thread of a process in which cases run on the host's kernel, one at a time (`runner.ts` starts it and sends
 * them). It keeps Node's descriptors and event loop, and looks on: it says when all threads of a case sleep, wakes who
 * still blocks when a case is over, and tells what came of it.
 *
 * A signal for the process must find a thread of the case, or none. So this thread blocks all signals, the executors
 * inherit that and unblock them for a case; and V8's own threads, which do not block any and take no orders, are parked:
 * a signal is sent to each of them whose handler is pause(2) and blocks all signals meanwhile. The process runs with
 * --single-threaded, so V8 has no work for them.
 */
import { openSync, readdirSync, readFileSync, readSync } from 'node:fs';
import { Worker } from 'node:worker_threads';
import { SYS, syscallTable } from '../../kernel/abi/syscalls.ts';
import { memoryHeadLayout } from '../../kernel/abi/layout.ts';
import { BOARD_BYTES, CaseBoard } from '../../programs/conform/case-board.ts';
import { DATA_SEGMENT_BYTES } from '../../programs/libc/memory.ts';
import { CLEAN, Control, EXECUTORS, RUN } from './control.ts';
import type { ExecutorData } from './executor.ts';
import { hostAbi, loadNative } from './native.ts';
import type { FromWarden, HostRun, ToWarden } from './runner.ts';

const MEMORY_BYTES = 8 << 20;
/** At the end: what no case may touch begins here at the latest. */
const GUARD_WORDS = 4096;
const READY_LIMIT_MS = 20_000;
const SETTLE_LOOK_MS = 0.1;
/**
 * Looks at which all slept, and none had been switched since the last. One would do: who is found twice with the same
 * count slept all the while, so between the last of the first looks and the first of the second all slept at once.
 */
const CALM_LOOKS = 2;
const WAKE_LIMIT_MS = 500;

/** Real-time signals that no case names. */
const PARK_SIGNAL = 63;
const WAKE_SIGNAL = 62;
const SIG_SETMASK = 2;
const PR_SET_PDEATHSIG = 1;
const SIGKILL = 9;

const native = loadNative(import.meta.url);
const abi = hostAbi();
const control = new Control();
const board = new SharedArrayBuffer(BOARD_BYTES);
const memory = new SharedArrayBuffer(MEMORY_BYTES);

function call(name: keyof typeof SYS, ...args: readonly (number | bigint)[]): number {
  return native.call(syscallTable[SYS[name]]![abi], args);
}

function blockAllSignals(): void {
  const full = new Uint8Array(new SharedArrayBuffer(8)).fill(0xff);
  call('rt_sigprocmask', SIG_SETMASK, native.addressOf(full), 0, 8);
}

function threadIds(): number[] {
  return readdirSync('/proc/self/task').map(Number);
}

function status(tid: number, name: string): string {
  try {
    return readFileSync(`/proc/self/task/${tid}/${name}`, 'utf8');
  } catch {
    return '';
  }
}

function parkOtherThreads(): void {
  const ours = new Set([process.pid, ...Array.from({ length: EXECUTORS }, (_, executor) => control.tid(executor))]);
  native.sigaction(PARK_SIGNAL, native.symbol('pause'), 0, true);
  for (const tid of threadIds()) if (!ours.has(tid)) call('tgkill', process.pid, tid, PARK_SIGNAL);
  const parked = (tid: number): boolean => status(tid, 'syscall').startsWith(`${PAUSE[abi]} `) || blocksAll(tid);
  const endMs = performance.now() + READY_LIMIT_MS;
  while (!threadIds().every((tid) => ours.has(tid) || parked(tid))) {
    if (performance.now() > endMs) throw new Error('a thread of V8 could not be parked');
    control.awaitNews(control.news(), 1);
  }
}

/** pause(2), where there is such a call; elsewhere the C library makes it of ppoll. */
const PAUSE = { x86_64: 34, arm64: 73 } as const;

/** A thread that blocks signals by itself, as the one that waits for the inspector's does, takes none of a case's. */
function blocksAll(tid: number): boolean {
  const mask = /^SigBlk:\s*([0-9a-f]+)/m.exec(status(tid, 'status'))?.[1] ?? '0';
  // SIGKILL, SIGSTOP and the two that the C library keeps for itself cannot be blocked.
  return (BigInt(`0x${mask}`) | 0x1_8004_0100n) === 0xffff_ffff_ffff_ffffn;
}

/** What the kernel shows of a thread, kept open: an executor is looked at some dozen times in a case. */
class Watched {
  private readonly call: number;
  private readonly switches: number;
  private static readonly text = Buffer.alloc(4096);

  constructor(tid: number) {
    this.call = openSync(`/proc/self/task/${tid}/syscall`, 'r');
    this.switches = openSync(`/proc/self/task/${tid}/status`, 'r');
  }

  private static read(fd: number): string {
    return Watched.text.toString('latin1', 0, readSync(fd, Watched.text, 0, Watched.text.length, 0));
  }

  /** Is it asleep in a system call of a case, not in one of V8's locks? How often it was switched tells two sleeps apart. */
  sleep(): string | undefined {
    // A number is shown of a thread that is off its CPU alone; else there is the word `running`.
    const number = Number.parseInt(Watched.read(this.call), 10);
    if (!Number.isInteger(number) || number < 0 || number === syscallTable[SYS.futex]![abi]) return undefined;
    const text = Watched.read(this.switches);
    if (!/^State:\s*S/m.test(text)) return undefined;
    return /^voluntary_ctxt_switches:\s*(\d+)/m.exec(text)?.[1];
  }
}

const watched: Watched[] = [];

function isCalm(last: Map<number, string>): boolean {
  let calm = true;
  for (let executor = 0; executor < EXECUTORS; executor++) {
    if (control.isIdle(executor) || executor === control.asker()) continue;
    const sleep = (watched[executor] ??= new Watched(control.tid(executor))).sleep();
    if (sleep === undefined || last.get(executor) !== sleep) calm = false;
    last.set(executor, sleep ?? '');
  }
  return calm;
}

/** Runs a case to its end, or until `limitMs` is over. @returns whether its main thread came to its end */
function ranToItsEnd(limitMs: number): boolean {
  const endMs = performance.now() + limitMs;
  let looks = 0;
  let last = new Map<number, string>();
  for (;;) {
    const seen = control.news();
    if (control.isIdle(0)) return true;
    if (performance.now() > endMs) return false;
    if (!control.isSettleAsked()) {
      control.awaitNews(seen, 50);
      continue;
    }
    looks = isCalm(last) ? looks + 1 : 0;
    if (looks < CALM_LOOKS) {
      control.awaitNews(control.news(), SETTLE_LOOK_MS);
      continue;
    }
    looks = 0;
    last = new Map();
    control.answerSettle();
  }
}

/** Wakes the threads that still block. @returns whether all have come home */
function cameHome(): boolean {
  control.giveUp();
  native.sigaction(WAKE_SIGNAL, native.symbol('abs'), 0, false);
  const endMs = performance.now() + WAKE_LIMIT_MS;
  for (;;) {
    const away = Array.from({ length: EXECUTORS }, (_, executor) => executor).filter((e) => !control.isIdle(e));
    if (away.length === 0) return true;
    if (performance.now() > endMs) return false;
    const seen = control.news();
    // One that comes between two calls is not noticed by the second: so again and again.
    for (const executor of away) call('tgkill', process.pid, control.tid(executor), WAKE_SIGNAL);
    control.awaitNews(seen, 1);
  }
}

/** A process finds its memory zeroed. What the case before has taken of it stands in its first word. */
function clearMemory(): void {
  const words = new Int32Array(memory);
  const used = words[memoryHeadLayout.used / 4]! + memoryHeadLayout.size + DATA_SEGMENT_BYTES;
  words.fill(0, 0, Math.min(Math.ceil(used / 4), words.length - GUARD_WORDS));
}

/** A set of CPUs, of up to 512. */
const cpuSet = new Uint8Array(new SharedArrayBuffer(64));
let isSpread = false;

/** Which CPUs this process may run on. */
const ownCpus = ((): readonly number[] => {
  call('sched_getaffinity', 0, cpuSet.length, native.addressOf(cpuSet));
  return Array.from({ length: cpuSet.length * 8 }, (_, n) => n).filter((n) => ((cpuSet[n >> 3]! >> (n & 7)) & 1) === 1);
})();

/** Gives each executor a CPU of its own choice: a digit of `spread`; or all of them back. */
function spreadOut(spread: number | undefined): void {
  if (spread === undefined && !isSpread) return;
  isSpread = spread !== undefined;
  let digits = spread ?? 0;
  for (let executor = 0; executor < EXECUTORS; executor++) {
    const own = isSpread ? [ownCpus[digits % ownCpus.length]!] : ownCpus;
    digits = Math.floor(digits / ownCpus.length);
    cpuSet.fill(0);
    for (const n of own) cpuSet[n >> 3]! |= 1 << (n & 7);
    call('sched_setaffinity', control.tid(executor), cpuSet.length, native.addressOf(cpuSet));
  }
}

function runCase({ one, spread, limitMs }: ToWarden): HostRun {
  spreadOut(spread);
  clearMemory();
  const shown = new CaseBoard(board, one);
  shown.clear();
  control.setCase(JSON.stringify(one));
  control.setMask(0, new Int32Array(2));
  control.order(0, RUN);
  const ended = ranToItsEnd(limitMs);
  const observation = shown.observe();
  const isComplete = ended && shown.isComplete();
  const failure = control.failure();
  let isClean = cameHome();
  if (isClean) {
    control.order(0, CLEAN);
    isClean = ranToItsEnd(WAKE_LIMIT_MS);
  }
  if (failure !== '') return { broken: failure, isClean };
  if (isComplete) return { observation, isClean };
  return { broken: `main had not ended after ${limitMs} ms: ${JSON.stringify(observation.outcome)}`, isClean };
}

function tell(message: FromWarden): void {
  process.send!(message);
}

function begin(file: string): void {
  blockAllSignals();
  const workerData: ExecutorData = { executor: 0, file, control: control.buffer, board, memory };
  const worker = new Worker(file, { workerData });
  worker.on('error', (error) => tell({ failed: error.stack ?? String(error) }));
  const endMs = performance.now() + READY_LIMIT_MS;
  const look = (): void => {
    if (control.tid(0) === 0) {
      if (performance.now() < endMs) setTimeout(look, 2);
      else tell({ failed: `the threads for cases were not ready after ${READY_LIMIT_MS} ms` });
      return;
    }
    parkOtherThreads();
    process.on('message', (message: ToWarden) => tell({ run: runCase(message) }));
    tell({ ready: true });
  };
  look();
}

/** Whoever started this process is not there any more, be it in the middle of a case: then neither is this. */
function endWithParent(): void {
  call('prctl', PR_SET_PDEATHSIG, SIGKILL, 0, 0, 0);
}

process.on('disconnect', () => process.kill(process.pid, 'SIGKILL'));
endWithParent();
begin(process.argv[2]!);
