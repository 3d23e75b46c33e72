// What a guest may rely on of signals that carry something: their queue, sigqueue's rules, what handlers, signalfds and
// rt_sigtimedwait are told. The answers are those of Linux 6.18. `main` runs the scenario that argv names.
import {
  alloc,
  allocSignalSet,
  allocTimespec,
  atomicAdd32,
  blockSignals,
  CLD_EXITED,
  E2BIG,
  EAGAIN,
  EFAULT,
  EINVAL,
  EPERM,
  ESRCH,
  fork,
  type Guest,
  join,
  load32,
  load64,
  openSignalfd,
  SA_SIGINFO,
  SFD_NONBLOCK,
  SI_KERNEL,
  SI_QUEUE,
  SI_SIGIO,
  SI_TIMER,
  SI_TKILL,
  SI_USER,
  SIG_IGN,
  sigaction,
  SIGCHLD,
  type SignalInfo,
  signalSet,
  SIGPOLL,
  sigqueue,
  SIGSEGV,
  SIGTERM,
  SIGUSR1,
  SIGUSR2,
  startThread,
  store32,
  sys,
  trap,
  unblockSignals,
  WEXITED,
  WNOWAIT,
} from '../../src/programs/libc/index.ts';

function same(found: unknown, wanted: unknown, promise: string): void {
  const [a, b] = [show(found), show(wanted)];
  if (a !== b) throw new Error(`broken promise: ${promise} (found ${a}, wanted ${b})`);
}
const show = (value: unknown): string => JSON.stringify(value, (_key, v) => (typeof v === 'bigint' ? String(v) : v));

const REAL_TIME = Array.from({ length: 33 }, (_, i) => i + 32);
const ALL = [SIGUSR1, SIGUSR2, SIGTERM, SIGCHLD, SIGPOLL, SIGSEGV, ...REAL_TIME];
const NOBODY = 999_999;

interface Taken {
  readonly signal: number;
  readonly code: number;
  readonly pid: number;
  readonly value: number;
}
/** What rt_sigtimedwait takes without waiting, or -errno. */
function* takeOne(): Guest<Taken | number> {
  const info = alloc(128);
  const signal = yield sys.rt_sigtimedwait(allocSignalSet(...ALL), info, allocTimespec(0), 8);
  if (signal < 0) return signal;
  same(load32(info), signal, 'si_signo is the result');
  return { signal, code: load32(info + 8), pid: load32(info + 16), value: load32(info + 24) };
}
function* takeAll(): Guest<Taken[]> {
  const all: Taken[] = [];
  for (;;) {
    const taken = yield* takeOne();
    if (typeof taken === 'number') return all;
    all.push(taken);
  }
}

/** A siginfo_t whose words from byte 16 on are 11, 12, 13 ... */
function siginfo(code: number, error = 0): number {
  const at = alloc(128);
  store32(at, 77);
  store32(at + 4, error);
  store32(at + 8, code);
  for (let word = 0; word < 8; word++) store32(at + 16 + word * 4, 11 + word);
  return at;
}
const wordsOf = (address: number, count: number): number[] =>
  Array.from({ length: count }, (_, word) => load32(address + word * 4));

function* realTimeSignalsQueue(): Guest {
  yield* blockSignals(...ALL);
  const pid = yield sys.getpid();
  yield* sigqueue(pid, 40, 1);
  yield* sigqueue(pid, 40, 2);
  same(yield sys.rt_tgsigqueueinfo(pid, yield sys.gettid(), 40, siginfo(SI_QUEUE)), 0, 'one for this thread');
  yield* sigqueue(pid, 36, 4);
  yield sys.kill(pid, 40);
  yield sys.kill(pid, SIGTERM);
  yield sys.kill(pid, SIGUSR1);
  const taken = (yield* takeAll()).map(({ signal, code, value }) => [signal, code, value]);
  same(
    taken,
    [
      [40, SI_QUEUE, 13],
      [SIGUSR1, SI_USER, 0],
      [SIGTERM, SI_USER, 0],
      [36, SI_QUEUE, 4],
      [40, SI_QUEUE, 1],
      [40, SI_QUEUE, 2],
      [40, SI_USER, 0],
    ],
    "J4: the thread's own, then the lowest, equal ones as they were sent",
  );
  const pending = alloc(8);
  yield* sigqueue(pid, 64, 1);
  yield* sigqueue(pid, 64, 2);
  yield* takeOne();
  yield sys.rt_sigpending(pending, 8);
  same(load64(pending), signalSet(64), 'it is pending for as long as one is queued');
  yield* takeOne();
  yield sys.rt_sigpending(pending, 8);
  same(load64(pending), 0n, 'and then no more');
  return 0;
}

function* standardSignalsCoalesce(): Guest {
  yield* blockSignals(...ALL);
  const pid = yield sys.getpid();
  same(yield* sigqueue(pid, SIGUSR1, 1), 0, 'the first');
  same(yield* sigqueue(pid, SIGUSR1, 2), 0, 'an equal one is no error');
  same(
    (yield* takeAll()).map(({ value }) => value),
    [1],
    'J5: the first is the one that is remembered',
  );
  return 0;
}

function* argumentsAreChecked(): Guest {
  yield* blockSignals(...ALL);
  const pid = yield sys.getpid();
  const other = yield* fork(onlyWaits);
  const queue = (to: number, signal: number, code: number): number => sys.rt_sigqueueinfo(to, signal, siginfo(code));
  same(yield sys.rt_sigqueueinfo(-5, 99, 8), -EFAULT, 'what cannot be read comes first');
  same(yield queue(NOBODY, 99, SI_QUEUE), -ESRCH, 'who is not there, before what is no signal');
  same(yield queue(pid, 99, SI_QUEUE), -EINVAL, '99 is no signal');
  same(yield queue(pid, -1, SI_QUEUE), -EINVAL, 'nor is -1');
  same(yield queue(pid, 0, SI_QUEUE), 0, '0 only looks');
  for (const to of [0, -1, -pid]) same(yield queue(to, 34, SI_QUEUE), -ESRCH, 'there are no groups for it');
  for (const code of [SI_USER, SI_TKILL, SI_KERNEL, 5]) {
    same(yield queue(other, 34, code), -EPERM, `nobody else is told code ${code}`);
    same(yield queue(NOBODY, 99, code), -EPERM, 'whether it is there or not');
    same(yield queue(pid, 34, code), 0, 'except oneself');
  }
  yield* takeAll();
  const wide = siginfo(-100);
  store32(wide + 124, 1);
  same(yield sys.rt_sigqueueinfo(NOBODY, 99, wide), -E2BIG, 'a code that is not known, with more than is kept');
  store32(wide + 124, 0);
  same(yield sys.rt_sigqueueinfo(pid, 34, wide), 0, 'without it is taken');
  const thread = (tgid: number, tid: number, signal: number, code: number): number =>
    sys.rt_tgsigqueueinfo(tgid, tid, signal, siginfo(code));
  same(yield sys.rt_tgsigqueueinfo(0, 0, 0, 8), -EFAULT, 'what cannot be read comes first');
  for (const [tgid, tid] of [[0, pid] as const, [pid, 0] as const, [pid, -1] as const]) {
    same(yield thread(tgid, tid, 34, SI_USER), -EINVAL, 'numbers that name nobody');
  }
  same(yield thread(other, other, 0, SI_USER), -EPERM, 'pretending');
  same(yield thread(pid, NOBODY, 34, SI_QUEUE), -ESRCH, 'a thread that is not there');
  same(yield thread(other, pid, 34, SI_QUEUE), -ESRCH, "another process's thread");
  same(yield thread(pid, pid, 99, SI_QUEUE), -EINVAL, '99 is no signal');
  yield* takeAll();
  const second = yield* startThread(pretendsFromAnotherThread, pid);
  yield* join(second);
  yield sys.kill(other, 9);
  return 0;
}
export function* onlyWaits(): Guest {
  return yield sys.pause();
}
/** "Oneself" is the thread, so that a process's number is another's to all but its first thread. */
export function* pretendsFromAnotherThread(pid: number): Guest {
  same(yield sys.rt_sigqueueinfo(pid, 34, siginfo(SI_USER)), -EPERM, "the process's number is not the thread's");
  same(yield sys.rt_sigqueueinfo(yield sys.gettid(), 34, siginfo(SI_USER)), 0, "the thread's own is");
  same(yield sys.rt_sigqueueinfo(pid, 34, siginfo(SI_QUEUE)), 0, 'and anybody may queue');
  same((yield* takeAll()).length, 2, 'both went to the process');
  return 0;
}

/** Booted with room for four. */
function* recordsRunOut(): Guest {
  yield* blockSignals(...ALL);
  const pid = yield sys.getpid();
  for (let i = 0; i < 4; i++) same(yield* sigqueue(pid, 40, i), 0, 'there is room');
  same(yield* sigqueue(pid, 40, 4), -EAGAIN, 'one too many');
  same(yield sys.kill(pid, 40), 0, 'kill is never refused');
  same(yield sys.kill(pid, 41), 0, 'kill is never refused');
  same(yield* sigqueue(pid, 42, 9), -EAGAIN, 'a real-time signal that carries something is');
  same(yield* sigqueue(pid, SIGUSR1, 9), 0, 'a standard one is not, but loses what it carries');
  same(yield sys.tgkill(pid, pid, 43), -EAGAIN, 'nor does tgkill lose its code');
  same(yield sys.tgkill(pid, pid, SIGUSR2), 0, 'except for a standard signal');
  same(yield sys.kill(pid, SIGTERM), 0, 'a standard one of kill is not counted');
  const taken = (yield* takeAll()).map((each) => [each.signal, each.code, each.pid, each.value]);
  same(
    taken,
    [
      [SIGUSR2, SI_USER, 0, 0],
      [SIGUSR1, SI_USER, 0, 0],
      [SIGTERM, SI_USER, pid, 0],
      [40, SI_QUEUE, pid, 0],
      [40, SI_QUEUE, pid, 1],
      [40, SI_QUEUE, pid, 2],
      [40, SI_QUEUE, pid, 3],
      [41, SI_USER, 0, 0],
    ],
    'what is queued, and bits of which nothing is known',
  );
  return 0;
}

function* fill(pid: number): Guest<void> {
  for (let i = 0; i < 4; i++) same(yield* sigqueue(pid, 40, i), 0, 'there is room again');
  same(yield* sigqueue(pid, 40, 4), -EAGAIN, 'for no more than there was');
}
export function* fillsItsOwn(): Guest {
  const [pid, tid] = [yield sys.getpid(), yield sys.gettid()];
  for (let i = 0; i < 4; i++) same(yield sys.rt_tgsigqueueinfo(pid, tid, 41, siginfo(SI_QUEUE)), 0, 'there is room');
  return 0;
}
export function* fillsAndEnds(): Guest {
  yield* fill(yield sys.getpid());
  return 0;
}
/** Booted with room for four. */
function* forgottenSignalsMakeRoom(): Guest {
  yield* blockSignals(...ALL);
  const pid = yield sys.getpid();
  yield* fill(pid);
  yield* sigaction(40, SIG_IGN);
  yield* sigaction(40, 0);
  yield* fill(pid);
  same((yield* takeAll()).length, 4, 'taken');
  yield* join(yield* startThread(fillsItsOwn));
  // Who joins may go on before the thread has ended altogether.
  yield sys.smplab_settle();
  yield* fill(pid);
  yield* takeAll();
  yield* fork(fillsAndEnds);
  yield sys.wait4(-1, 0, 0, 0);
  same(
    (yield* takeAll()).map(({ signal }) => signal),
    [SIGCHLD],
    'of a child there is its end',
  );
  yield* fill(pid);
  return 0;
}

/** Code, then what a signalfd's record says from ssi_pid on, by Linux: pid uid fd tid band overrun - status int ptr. */
const RECORDS: readonly (readonly [signal: number, code: number, fields: readonly number[]])[] = [
  [SIGCHLD, CLD_EXITED, [11, 12, 0, 0, 0, 0, 0, 13, 0, 0, 0, 15, 16, 17, 18, 0, 0]],
  [34, SI_TIMER, [0, 0, 0, 11, 0, 12, 0, 0, 13, 13, 14, 0, 0, 0, 0, 0, 0]],
  [35, SI_QUEUE, [11, 12, 0, 0, 0, 0, 0, 0, 13, 13, 14, 0, 0, 0, 0, 0, 0]],
  [36, SI_SIGIO, [0, 0, 13, 0, 11, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0]],
  [37, SI_KERNEL, [11, 12, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0]],
  [38, -60, [11, 12, 0, 0, 0, 0, 0, 0, 13, 13, 14, 0, 0, 0, 0, 0, 0]],
  [39, SI_USER, [11, 12, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0]],
  [41, 0x70, [11, 12, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0]],
  [42, 2, [0, 0, 13, 0, 11, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0]],
  [SIGSEGV, 1, [0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 11, 12]],
];
function* signalfdsTellByKind(): Guest {
  const fd = yield* openSignalfd(SFD_NONBLOCK, ...ALL);
  const pid = yield sys.getpid();
  const record = alloc(128);
  for (const [signal, code, fields] of RECORDS) {
    same(yield sys.rt_sigqueueinfo(pid, signal, siginfo(code, 5)), 0, 'sent to oneself');
    same(yield sys.read(fd, record, 128), 128, 'and read');
    same(wordsOf(record, 3), [signal, 5, code], 'J10: number, error, code');
    same(wordsOf(record + 12, 17), fields, `J10: what is told of signal ${signal} with code ${code}`);
    same(wordsOf(record + 80, 12), Array<number>(12).fill(0), 'and nothing else');
  }
  return 0;
}

function* timedWaitTellsAll(): Guest {
  yield* blockSignals(...ALL);
  const pid = yield sys.getpid();
  const info = alloc(128);
  for (const code of [SI_TIMER, SI_SIGIO, 0x70, SI_QUEUE]) {
    yield sys.rt_sigqueueinfo(pid, 34, siginfo(code, 5));
    same(yield sys.rt_sigtimedwait(allocSignalSet(34), info, 0, 8), 34, 'taken');
    same(wordsOf(info, 14), [34, 5, code, 0, 11, 12, 13, 14, 15, 16, 17, 18, 0, 0], 'what was sent, byte for byte');
  }
  yield sys.rt_sigqueueinfo(pid, 34, siginfo(SI_QUEUE));
  same(yield sys.rt_sigtimedwait(allocSignalSet(34), 8, 0, 8), -EFAULT, 'a bad place for it');
  same(yield* takeOne(), -EAGAIN, 'loses it');
  return 0;
}

/** The first allocation of `main`: a count, then signal, code, pid, uid, value, status, arguments of each handler. */
const LOG_WORDS = 7;
const log = (): number => trap.userBase + 64;
const logged = (index: number): number[] => wordsOf(log() + 8 + index * LOG_WORDS * 4, LOG_WORDS);
function write(...words: readonly number[]): void {
  const at = log() + 8 + atomicAdd32(log(), 1) * LOG_WORDS * 4;
  words.forEach((word, i) => {
    store32(at + i * 4, word);
  });
}
export function* onInfo(signal: number, info: SignalInfo): Guest {
  yield sys.gettid();
  write(signal, info.code, info.pid, info.uid, info.value, info.status, info.signal);
  return 0;
}
export function* onNumber(...args: readonly number[]): Guest {
  yield sys.gettid();
  write(args[0]!, 0, 0, 0, 0, 0, args.length);
  return 0;
}
export function* exits3(): Guest {
  return yield sys.exit_group(3);
}

function* handlersAreToldWhatTheyAskFor(): Guest {
  const pid = yield sys.getpid();
  for (const signal of [36, 40, SIGUSR1, SIGCHLD]) yield* sigaction(signal, onInfo, SA_SIGINFO);
  yield* sigaction(SIGUSR2, onNumber);
  yield* blockSignals(...ALL);
  for (let i = 1; i < 4; i++) yield* sigqueue(pid, 40, i);
  yield* sigqueue(pid, 36, 9);
  yield* sigqueue(pid, 36, -8);
  yield sys.kill(pid, SIGUSR1);
  yield* unblockSignals(...ALL);
  const found = Array.from({ length: load32(log()) }, (_, index) => logged(index));
  same(
    found.map((words) => [words[0], words[1], words[4]]),
    [
      [40, SI_QUEUE, 1],
      [40, SI_QUEUE, 2],
      [40, SI_QUEUE, 3],
      [36, SI_QUEUE, 9],
      [36, SI_QUEUE, -8],
      [SIGUSR1, SI_USER, 0],
    ],
    'each its own, in order; the handler that was laid on top last runs first',
  );
  for (const words of found)
    same([words[2], words[3], words[6]], [pid, 0, words[0]], 'the sender, and the number again');
  yield sys.kill(pid, SIGUSR2);
  same(logged(6), [SIGUSR2, 0, 0, 0, 0, 0, 1], 'without SA_SIGINFO there is one argument');
  yield* blockSignals(SIGCHLD);
  const child = yield* fork(exits3);
  yield sys.waitid(1, child, 0, WEXITED | WNOWAIT, 0);
  yield* unblockSignals(SIGCHLD);
  same(logged(7), [SIGCHLD, CLD_EXITED, child, 0, 3, 3, SIGCHLD], 'of a child: how it ended, and with what');
  const large = 2 ** 52 + 5;
  yield* blockSignals(40);
  yield* sigqueue(pid, 40, large);
  const info = alloc(128);
  yield sys.rt_sigtimedwait(allocSignalSet(40), info, 0, 8);
  same(load64(info + 24), BigInt(large), 'values are of 64 bits');
  return 0;
}

/** Ends with signals pending for the process, for it and for another thread. */
function* endsWithMuchPending(): Guest {
  yield* blockSignals(...ALL);
  const pid = yield sys.getpid();
  const thread = yield* startThread(onlyWaits);
  for (const signal of ALL) {
    yield* sigqueue(pid, signal, 1);
    yield sys.rt_tgsigqueueinfo(pid, pid, signal, siginfo(SI_QUEUE));
    yield sys.rt_tgsigqueueinfo(pid, thread.tid, signal, siginfo(SI_QUEUE));
  }
  yield sys.kill(pid, 9);
  return 1;
}

const scenarios: Readonly<Record<string, () => Guest>> = {
  realTimeSignalsQueue,
  standardSignalsCoalesce,
  argumentsAreChecked,
  recordsRunOut,
  forgottenSignalsMakeRoom,
  signalfdsTellByKind,
  timedWaitTellsAll,
  handlersAreToldWhatTheyAskFor,
  endsWithMuchPending,
};

export function* main(_argument: number, argv: unknown): Guest {
  same(alloc(512), log(), 'the log lies where handlers look for it');
  return yield* scenarios[String(argv)]!();
}
