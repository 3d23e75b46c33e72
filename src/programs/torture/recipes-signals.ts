/**
 * Recipes of signals: sent among the processes of a torture, blocked, waited for, handled; and of what a process asks
 * about itself.
 */
import {
  SA_NODEFER,
  SA_RESTART,
  SA_RESTORER,
  SA_SIGINFO,
  SIG_BLOCK,
  SIG_IGN,
  SIG_SETMASK,
  SIG_UNBLOCK,
  SIGCHLD,
  SIGURG,
  SIGUSR1,
  SIGUSR2,
  SIGWINCH,
} from '../../kernel/abi/flags-signal.ts';
import { SFD_CLOEXEC, SFD_NONBLOCK } from '../../kernel/abi/flags-event.ts';
import { RLIMIT_NOFILE } from '../../kernel/abi/flags-task.ts';
import { rlimitLayout, sigactionLayout, siginfoLayout, utsnameLayout } from '../../kernel/abi/layout.ts';
import { atomicLoad32, load32, store32, store64 } from '../libc/memory.ts';
import { sys } from '../libc/sys.ts';
import type { Guest } from '../libc/thread.ts';
import { HANDLER_BASE } from '../libc/thread.ts';
import { trap } from '../libc/trap.ts';
import { SENT_SIGNALS, SET_OF_SENT, shortNs, signalSet, timespec } from './build-arguments.ts';
import type { Caller, Recipe } from './caller.ts';
import { DESCRIPTORS_MAX, SIGNALFD } from './descriptors.ts';
import { nonblocking, notesFd } from './recipes-files.ts';

/** Threads of a process that are known to each other. */
export const TIDS_MAX = 32;
/** Ignored by default, so that the default may be taken. */
const HARMLESS: readonly number[] = [SIGCHLD, SIGURG, SIGWINCH];
const SI_QUEUE = -1;

/** A thread of this process, or 0. */
function someTid(c: Caller): number {
  const from = c.random.below(TIDS_MAX);
  for (let i = 0; i < TIDS_MAX; i++) {
    const tid = atomicLoad32(c.shared.tids + ((from + i) % TIDS_MAX) * 4);
    if (tid !== 0) return tid;
  }
  return trap.tid;
}

/** Whom a signal may go to: a process of the torture, a child, the own group, everybody. */
function somePid(c: Caller): number {
  if (c.random.once(8)) return c.random.pick([0, -1, -trap.pid]);
  return c.board.pidOf(c.random.below(c.board.processes)) || trap.pid;
}

/** 0 asks only whether it could be sent. */
function someSignal(c: Caller): number {
  return c.random.once(4) ? 0 : c.random.pick(SENT_SIGNALS);
}

/** A signal that is pending when the next call looks for it: blocked, and sent to oneself. */
function* pendingSignal(c: Caller): Guest<void> {
  c.notes[0] = 0;
  if (c.random.once(3)) return;
  const signal = c.random.pick(SENT_SIGNALS);
  yield* c.perform({
    name: 'rt_sigprocmask',
    weight: 0,
    isWhole: true,
    make: () => {
      const set = c.scratch.take(8);
      store64(set, 1n << BigInt(signal - 1));
      return sys.rt_sigprocmask(SIG_BLOCK, set, 0, 8);
    },
  });
  yield* c.perform({
    name: 'tgkill',
    weight: 0,
    isWhole: true,
    make: () => sys.tgkill(trap.pid, trap.tid, signal),
  });
  c.notes[0] = signal;
}

function sigtimedwait(c: Caller): number {
  const signal = c.notes[0];
  const set = signal === 0 ? signalSet(c) : c.scratch.take(8);
  if (signal !== 0) store64(set, 1n << BigInt(signal - 1));
  const info = c.random.once(2) ? 0 : c.scratch.take(siginfoLayout.size);
  return sys.rt_sigtimedwait(set, info, timespec(c, shortNs(c)), 8);
}

function sigaction(c: Caller): number {
  const signal = c.random.pick(SENT_SIGNALS);
  const at = c.scratch.takeZeroed(sigactionLayout.size);
  const usual = c.random.once(3) ? c.entries.deepHandler : c.entries.handler;
  const harmless = HARMLESS.includes(signal) && c.random.once(2) ? 0 : SIG_IGN;
  store64(at + sigactionLayout.handler, c.random.once(5) ? harmless : HANDLER_BASE + usual);
  // One more may come on top of some; of those that do not block themselves, none.
  const open = c.random.once(4) ? 1n << BigInt(c.random.pick([SIGUSR1, SIGUSR2]) - 1) : 0n;
  const defers = open === 0n ? c.random.bits(SA_NODEFER) : 0;
  store64(at + sigactionLayout.flags, SA_RESTORER | defers | c.random.bits(SA_RESTART | SA_SIGINFO));
  store64(at + sigactionLayout.mask, SET_OF_SENT & ~open);
  const old = c.random.once(2) ? 0 : c.scratch.take(sigactionLayout.size);
  return sys.rt_sigaction(signal, c.random.once(6) ? 0 : at, old, 8);
}

/** Unblocked more often than blocked, or soon nothing would be handled. */
function sigprocmask(c: Caller): number {
  const how = c.random.pick([SIG_BLOCK, SIG_UNBLOCK, SIG_UNBLOCK, SIG_SETMASK]);
  return sys.rt_sigprocmask(how, c.random.once(5) ? 0 : signalSet(c), c.random.once(2) ? 0 : c.scratch.take(8), 8);
}

function signalfd4(c: Caller): number {
  const old = c.random.once(4) ? c.fds.findOf(SIGNALFD) : -1;
  return sys.signalfd4(old, signalSet(c), 8, nonblocking(c, SFD_NONBLOCK) | c.random.bits(SFD_CLOEXEC));
}

function queued(c: Caller): number {
  const at = c.scratch.takeZeroed(siginfoLayout.size);
  store32(at + siginfoLayout.si_code, SI_QUEUE);
  store32(at + siginfoLayout.si_pid, trap.pid);
  store32(at + siginfoLayout.si_value, c.random.next());
  return at;
}

/** Never so few descriptors that nobody can work, and the hard limit as it was. */
function newLimit(c: Caller): number {
  const at = c.scratch.take(rlimitLayout.size);
  store64(at + rlimitLayout.current, c.random.between(DESCRIPTORS_MAX - 64, DESCRIPTORS_MAX));
  store64(at + rlimitLayout.maximum, DESCRIPTORS_MAX);
  return at;
}

/** The signal that was taken is the one that was sent, unless another of the same set came first. */
function afterSigtimedwait(c: Caller, result: number): string | undefined {
  if (result <= 0 || c.spoiled || c.notes[0] === 0 || result === c.notes[0]) return undefined;
  return `took signal ${result}, and only ${c.notes[0]} was asked for`;
}

function nobody(name: 'getuid' | 'geteuid' | 'getgid' | 'getegid' | 'getpgrp' | 'getppid'): Recipe {
  return { name, weight: 1, make: () => sys[name]() };
}

export const SIGNAL_RECIPES: readonly Recipe[] = [
  { name: 'kill', weight: 3, make: (c) => sys.kill(somePid(c), someSignal(c)) },
  { name: 'tkill', weight: 2, make: (c) => sys.tkill(someTid(c), someSignal(c)) },
  { name: 'tgkill', weight: 3, make: (c) => sys.tgkill(trap.pid, someTid(c), someSignal(c)) },
  { name: 'rt_sigqueueinfo', weight: 2, make: (c) => sys.rt_sigqueueinfo(trap.pid, someSignal(c), queued(c)) },
  {
    name: 'rt_tgsigqueueinfo',
    weight: 2,
    make: (c) => sys.rt_tgsigqueueinfo(trap.pid, someTid(c), someSignal(c), queued(c)),
  },
  { name: 'rt_sigaction', weight: 4, make: sigaction },
  { name: 'rt_sigprocmask', weight: 5, make: sigprocmask },
  { name: 'rt_sigpending', weight: 3, make: (c) => sys.rt_sigpending(c.scratch.take(8), 8) },
  {
    name: 'rt_sigtimedwait',
    weight: 2,
    before: pendingSignal,
    make: sigtimedwait,
    after: afterSigtimedwait,
  },
  {
    name: 'rt_sigsuspend',
    weight: 1,
    before: pendingSignal,
    make: (c) => sys.rt_sigsuspend(emptySet(c), 8),
    isWhole: true,
  },
  { name: 'pause', weight: 1, make: () => sys.pause() },
  {
    name: 'signalfd',
    weight: 1,
    make: (c) => sys.signalfd(-1, signalSet(c), 8),
    after: notesFd(SIGNALFD),
  },
  { name: 'signalfd4', weight: 3, make: signalfd4, after: notesFd(SIGNALFD) },
  { name: 'getpid', weight: 2, make: () => sys.getpid(), after: (_, r) => (r === trap.pid ? undefined : `said ${r}`) },
  { name: 'gettid', weight: 2, make: () => sys.gettid(), after: (_, r) => (r === trap.tid ? undefined : `said ${r}`) },
  nobody('getppid'),
  nobody('getpgrp'),
  nobody('getuid'),
  nobody('geteuid'),
  nobody('getgid'),
  nobody('getegid'),
  { name: 'sched_yield', weight: 3, make: () => sys.sched_yield() },
  { name: 'uname', weight: 1, make: (c) => sys.uname(c.scratch.take(utsnameLayout.size)) },
  { name: 'getcpu', weight: 1, make: (c) => sys.getcpu(c.scratch.take(4), c.scratch.take(4), 0) },
  {
    name: 'getrlimit',
    weight: 2,
    make: (c) => sys.getrlimit(RLIMIT_NOFILE, c.scratch.take(16)),
    after: afterGetrlimit,
  },
  { name: 'setrlimit', weight: 1, make: (c) => sys.setrlimit(RLIMIT_NOFILE, newLimit(c)), isWhole: true },
  {
    name: 'prlimit64',
    weight: 2,
    make: (c) => sys.prlimit64(0, RLIMIT_NOFILE, c.random.once(2) ? 0 : newLimit(c), c.scratch.take(16)),
    isWhole: true,
  },
  { name: 'sched_getaffinity', weight: 2, make: (c) => sys.sched_getaffinity(0, 128, c.scratch.takeZeroed(128)) },
  {
    name: 'sched_setaffinity',
    weight: 1,
    make: (c) => {
      const at = c.scratch.takeZeroed(128);
      store64(at, -1);
      return sys.sched_setaffinity(c.random.once(2) ? 0 : someTid(c), 128, at);
    },
  },
];

function emptySet(c: Caller): number {
  return c.scratch.takeZeroed(8);
}

/** The soft limit is never above the hard one, which nobody changes. */
function afterGetrlimit(c: Caller, result: number): string | undefined {
  if (result !== 0 || c.spoiled) return undefined;
  const at = c.scratch.last;
  const [current, maximum] = [load32(at + rlimitLayout.current), load32(at + rlimitLayout.maximum)];
  return maximum === DESCRIPTORS_MAX && current <= maximum ? undefined : `said ${current} of ${maximum}`;
}
