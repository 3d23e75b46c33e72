// Signals: numbers, names, actions, masks, codes, and what waits for children.
// Values are those of x86_64 and arm64 alike. Any layer may import them.

export const SIGHUP = 1;
export const SIGINT = 2;
export const SIGQUIT = 3;
export const SIGILL = 4;
export const SIGTRAP = 5;
export const SIGABRT = 6;
export const SIGBUS = 7;
export const SIGFPE = 8;
export const SIGKILL = 9;
export const SIGUSR1 = 10;
export const SIGSEGV = 11;
export const SIGUSR2 = 12;
export const SIGPIPE = 13;
export const SIGALRM = 14;
export const SIGTERM = 15;
export const SIGSTKFLT = 16;
export const SIGCHLD = 17;
export const SIGCONT = 18;
export const SIGSTOP = 19;
export const SIGTSTP = 20;
export const SIGTTIN = 21;
export const SIGTTOU = 22;
export const SIGURG = 23;
export const SIGXCPU = 24;
export const SIGXFSZ = 25;
export const SIGVTALRM = 26;
export const SIGPROF = 27;
export const SIGWINCH = 28;
export const SIGIO = 29;
export const SIGPOLL = 29;
export const SIGPWR = 30;
export const SIGSYS = 31;
/** The first real-time signal of the kernel; the C library keeps 32 and 33 for itself. */
export const SIGRTMIN_KERNEL = 32;
/** The first real-time signal that a program gets from the C library. */
export const SIGRTMIN = 34;
export const SIGRTMAX = 64;
/** One more than the highest signal number. */
export const NSIG = 65;

/** `SIGHUP` for 1, at index 1; index 0 is no signal. Real-time signals are named by `signalName`. */
export const standardSignalNames: readonly string[] = [
  '0',
  'SIGHUP',
  'SIGINT',
  'SIGQUIT',
  'SIGILL',
  'SIGTRAP',
  'SIGABRT',
  'SIGBUS',
  'SIGFPE',
  'SIGKILL',
  'SIGUSR1',
  'SIGSEGV',
  'SIGUSR2',
  'SIGPIPE',
  'SIGALRM',
  'SIGTERM',
  'SIGSTKFLT',
  'SIGCHLD',
  'SIGCONT',
  'SIGSTOP',
  'SIGTSTP',
  'SIGTTIN',
  'SIGTTOU',
  'SIGURG',
  'SIGXCPU',
  'SIGXFSZ',
  'SIGVTALRM',
  'SIGPROF',
  'SIGWINCH',
  'SIGIO',
  'SIGPWR',
  'SIGSYS',
];

/** The name as the C library counts real-time signals: 34 is SIGRTMIN, 36 is SIGRTMIN+2; 32 and 33 are SIG32, SIG33. */
export function signalName(signal: number): string {
  if (signal >= 0 && signal < SIGRTMIN_KERNEL) return standardSignalNames[signal] ?? `SIG${signal}`;
  if (signal === SIGRTMAX) return 'SIGRTMAX';
  if (signal === SIGRTMIN) return 'SIGRTMIN';
  if (signal > SIGRTMIN && signal < SIGRTMAX) return `SIGRTMIN+${signal - SIGRTMIN}`;
  return `SIG${signal}`;
}

/** Understands what `signalName` prints, with or without `SIG`, and SIGRTMAX-n; undefined for what is no signal. */
export function signalByName(text: string): number | undefined {
  const name = text.startsWith('SIG') ? text : `SIG${text}`;
  const standard = standardSignalNames.indexOf(name);
  if (standard > 0) return standard;
  if (name === 'SIGPOLL') return SIGPOLL;
  if (name === 'SIGIOT') return SIGABRT;
  if (name === 'SIGRTMIN') return SIGRTMIN;
  if (name === 'SIGRTMAX') return SIGRTMAX;
  const counted = /^SIG(RTMIN\+|RTMAX-|)(\d+)$/.exec(name);
  if (counted === null) return undefined;
  const count = Number(counted[2]);
  if (counted[1] === 'RTMIN+') return realTimeSignal(SIGRTMIN + count);
  if (counted[1] === 'RTMAX-') return realTimeSignal(SIGRTMAX - count);
  return realTimeSignal(count);
}

function realTimeSignal(signal: number): number | undefined {
  return signal >= SIGRTMIN_KERNEL && signal <= SIGRTMAX ? signal : undefined;
}

export const SIG_DFL = 0;
export const SIG_IGN = 1;

export const SIG_BLOCK = 0;
export const SIG_UNBLOCK = 1;
export const SIG_SETMASK = 2;

export const SA_NOCLDSTOP = 0x1;
export const SA_NOCLDWAIT = 0x2;
export const SA_SIGINFO = 0x4;
export const SA_RESTORER = 0x04000000;
export const SA_ONSTACK = 0x08000000;
export const SA_RESTART = 0x10000000;
export const SA_NODEFER = 0x40000000;
/** Unsigned here, as EPOLLET: compare with `!== 0` after `&` only. */
export const SA_RESETHAND = 0x80000000;

export const SI_USER = 0;
export const SI_KERNEL = 0x80;
export const SI_QUEUE = -1;
export const SI_TIMER = -2;
export const SI_MESGQ = -3;
export const SI_ASYNCIO = -4;
export const SI_SIGIO = -5;
export const SI_TKILL = -6;

export const CLD_EXITED = 1;
export const CLD_KILLED = 2;
export const CLD_DUMPED = 3;
export const CLD_TRAPPED = 4;
export const CLD_STOPPED = 5;
export const CLD_CONTINUED = 6;

export const WNOHANG = 0x1;
export const WUNTRACED = 0x2;
export const WSTOPPED = 0x2;
export const WEXITED = 0x4;
export const WCONTINUED = 0x8;
export const WNOWAIT = 0x01000000;
export const __WNOTHREAD = 0x20000000;
export const __WALL = 0x40000000;
export const __WCLONE = 0x80000000;

export const P_ALL = 0;
export const P_PID = 1;
export const P_PGID = 2;
export const P_PIDFD = 3;
