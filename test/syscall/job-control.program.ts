// What a guest may rely on of stopping and continuing: what becomes of calls, who is told, what cannot be stopped. The
// answers are those of Linux 6.18. `main` runs the scenario that argv names, on a machine whose clock jumps when nothing
// runs: a parent that sleeps knows that its child is where it waits.
import {
  alloc,
  allocEpollEvent,
  allocSignalSet,
  allocTimespec,
  atomicAdd32,
  atomicLoad32,
  blockSignals,
  CLD_CONTINUED,
  CLD_STOPPED,
  CLONE_VM,
  cloneProcess,
  EINTR,
  EPOLL_CTL_ADD,
  EPOLLIN,
  ETIMEDOUT,
  fork,
  FUTEX_WAIT,
  futexWakeAll,
  type Guest,
  inherited,
  load32,
  load64,
  O_NONBLOCK,
  openSignalfd,
  P_PID,
  PR_SET_CHILD_SUBREAPER,
  SA_NOCLDSTOP,
  SA_RESTART,
  SA_SIGINFO,
  SI_KERNEL,
  SIG_IGN,
  sigaction,
  SIGCHLD,
  SIGCONT,
  SIGHUP,
  SIGKILL,
  type SignalInfo,
  signalSet,
  SIGSTOP,
  SIGTERM,
  SIGTSTP,
  SIGTTIN,
  SIGTTOU,
  SIGUSR1,
  startThread,
  store32,
  store64,
  sys,
  trap,
  waitForChange,
  waitpid,
  WCONTINUED,
  WNOHANG,
  WNOWAIT,
  WSTOPPED,
  WUNTRACED,
} from '../../src/programs/libc/index.ts';

function same(found: unknown, wanted: unknown, promise: string): void {
  const [a, b] = [show(found), show(wanted)];
  if (a !== b) throw new Error(`broken promise: ${promise} (found ${a}, wanted ${b})`);
}
const show = (value: unknown): string => JSON.stringify(value, (_key, v) => (typeof v === 'bigint' ? String(v) : v));

/** Until nobody has anything to do. */
function* rest(milliseconds = 20): Guest {
  return yield sys.nanosleep(allocTimespec(milliseconds * 1e6), 0);
}
function* send(pid: number, signal: number): Guest<void> {
  same(yield sys.kill(pid, signal), 0, `signal ${signal} is sent`);
}
/** Sends a signal and waits until it has stopped the child. */
function* stop(pid: number, signal = SIGSTOP): Guest<void> {
  yield* send(pid, signal);
  same((yield* waitpid(pid, WUNTRACED)).stopped, signal, 'the child is stopped, by that signal');
}
function* resume(pid: number): Guest<void> {
  yield* send(pid, SIGCONT);
  same((yield* waitpid(pid, WCONTINUED)).continued, true, 'the child goes on');
}
/** How the child ended, once it has had the time to: its exit code, -signal, or 'lives'. */
function* outcome(pid: number): Guest<number | 'lives'> {
  yield* rest(1000);
  const { pid: ended, code, signal } = yield* waitpid(pid, WNOHANG);
  if (ended === 0) return 'lives';
  return code ?? -signal!;
}
function* end(pid: number): Guest<void> {
  yield* send(pid, SIGKILL);
  same((yield* waitpid(pid)).signal, SIGKILL, 'and is ended');
}

/** waitid's siginfo: code and status, 0 of both for none. */
function* news(pid: number, options: number): Guest<readonly [code: number, status: number]> {
  const info = alloc(128);
  same(yield sys.waitid(P_PID, pid, info, options | WNOHANG, 0), 0, 'waitid');
  return [load32(info + 8), load32(info + 24)];
}

export function* pausesForEver(): Guest {
  for (;;) yield sys.pause();
}

/** The first allocation of `main`: a count, then (code, status) of each SIGCHLD. */
const log = (): number => trap.userBase + 64;
export function* onChild(_signal: number, info: SignalInfo): Guest {
  yield sys.gettid();
  const at = log() + 8 + atomicAdd32(log(), 1) * 8;
  store32(at, info.code);
  store32(at + 4, info.status);
  return 0;
}

function* parentsAreTold(): Guest {
  yield* sigaction(SIGCHLD, onChild, SA_SIGINFO | SA_RESTART);
  const child = yield* fork(pausesForEver);
  yield* rest();
  yield* stop(child);
  same(yield* news(child, WSTOPPED), [0, 0], 'a stop is told once');
  yield* send(child, SIGTSTP);
  yield* rest();
  same(yield* news(child, WSTOPPED), [0, 0], 'what is stopped does not stop again');
  yield* resume(child);
  yield* rest();
  same(yield* news(child, WCONTINUED), [0, 0], 'that it goes on is told once; the second stop signal is forgotten');
  yield* send(child, SIGCONT);
  yield* rest();
  same(yield* news(child, WCONTINUED), [0, 0], 'what runs does not go on');
  yield* send(child, SIGSTOP);
  yield* rest();
  yield* send(child, SIGCONT);
  yield* rest();
  for (const keep of [WNOWAIT, 0]) {
    same(
      yield* news(child, WSTOPPED | WCONTINUED | keep),
      [CLD_CONTINUED, SIGCONT],
      'the last news hides the one before',
    );
  }
  same(yield* news(child, WSTOPPED | WCONTINUED), [0, 0], 'and is told once');
  const told = Array.from({ length: load32(log()) }, (_, i) => [load32(log() + 8 + i * 8), load32(log() + 12 + i * 8)]);
  const [stopped, goesOn] = [
    [CLD_STOPPED, SIGSTOP],
    [CLD_CONTINUED, SIGCONT],
  ];
  same(told, [stopped, goesOn, stopped, goesOn], 'each is a SIGCHLD with its signal');
  yield* sigaction(SIGCHLD, onChild, SA_SIGINFO | SA_RESTART | SA_NOCLDSTOP);
  yield* stop(child);
  yield* resume(child);
  same(load32(log()), 4, 'with SA_NOCLDSTOP there is none');
  yield* end(child);
  return 0;
}

/** Each waits in its call and exits with what that answered, its sign turned. */
export function* waits(how: number): Guest {
  return yield sys.exit_group(-(yield* calls[how]!.call()) & 0xff);
}
export function* naps(): Guest {
  return yield* rest(4000);
}
function* inEpoll(): Guest {
  return yield sys.epoll_wait(yield sys.epoll_create1(0), alloc(16), 1, -1);
}
const calls: readonly { name: string; call: () => Guest; after: number | 'lives' }[] = [
  { name: 'E10: epoll_wait', call: inEpoll, after: EINTR },
  {
    name: 'L3: poll',
    call: function* () {
      return yield sys.poll(0, 0, 300);
    },
    after: 0,
  },
  {
    name: 'L3: ppoll',
    call: function* () {
      return yield sys.ppoll(0, 0, allocTimespec(3e8), 0, 0);
    },
    after: 0,
  },
  {
    name: 'nanosleep',
    call: function* () {
      return yield sys.nanosleep(allocTimespec(3e8), 0);
    },
    after: 0,
  },
  {
    name: 'rt_sigtimedwait',
    call: function* () {
      yield* blockSignals(SIGUSR1);
      return yield sys.rt_sigtimedwait(allocSignalSet(SIGUSR1), 0, 0, 8);
    },
    after: EINTR,
  },
  {
    name: 'rt_sigsuspend',
    call: function* () {
      return yield sys.rt_sigsuspend(allocSignalSet(), 8);
    },
    after: 'lives',
  },
  {
    name: 'pause',
    call: function* () {
      return yield sys.pause();
    },
    after: 'lives',
  },
  {
    name: 'H12: read of an eventfd',
    call: function* () {
      return yield sys.read(yield sys.eventfd2(0, 0), alloc(8), 8);
    },
    after: 'lives',
  },
  {
    name: 'H12: read of a signalfd',
    call: function* () {
      return yield sys.read(yield* openSignalfd(0, SIGUSR1), alloc(128), 128);
    },
    after: 'lives',
  },
  {
    name: 'futex without a timeout',
    call: function* () {
      return yield sys.futex(alloc(8), FUTEX_WAIT, 0, 0, 0, 0);
    },
    after: 'lives',
  },
  {
    name: 'futex with a timeout',
    call: function* () {
      return yield sys.futex(alloc(8), FUTEX_WAIT, 0, allocTimespec(3e8), 0, 0);
    },
    after: ETIMEDOUT,
  },
  {
    name: 'wait4',
    call: function* () {
      yield* fork(naps);
      return yield sys.wait4(-1, 0, 0, 0);
    },
    after: 'lives',
  },
];
function* callsGoOnOrAnswerEintr(): Guest {
  for (const [how, { name, after }] of calls.entries()) {
    const child = yield* fork(waits, how);
    yield* rest();
    yield* stop(child);
    yield* send(child, SIGCONT);
    same(yield* outcome(child), after, `${name} after a stop`);
    if (after === 'lives') yield* end(child);
  }
  // The child of one of them naps on.
  yield* rest(5000);
  return 0;
}

/** Counts how often its epoll_wait was interrupted, in a word that it shares with its parent. */
export function* countsInterruptions(counter: number): Guest {
  const epoll = yield sys.epoll_create1(0);
  const events = alloc(16);
  for (;;) {
    same(yield sys.epoll_wait(epoll, events, 1, -1), -EINTR, 'a stop interrupts');
    atomicAdd32(counter, 1);
    yield* futexWakeAll(counter);
  }
}
/** However quickly SIGCONT follows: the stop may be complete, under way, or not have begun. */
function* everyStopInterruptsOnce(): Guest {
  const counter = alloc(8);
  const child = yield* cloneProcess(CLONE_VM | SIGCHLD, countsInterruptions, counter);
  for (let round = 0; round < 300; round++) {
    yield* rest();
    yield* send(child, SIGSTOP);
    for (let i = 0; i < round % 7; i++) yield sys.getppid();
    yield* send(child, SIGCONT);
    yield* waitForChange(counter, round);
  }
  same(atomicLoad32(counter), 300, 'once each time');
  yield* end(child);
  return 0;
}

/** Never waits. */
export function* counts(counter: number): Guest {
  for (;;) {
    atomicAdd32(counter, 1);
    yield sys.sched_yield();
  }
}
/** A process of three threads, each of which counts in a word of its own. */
export function* threeThreads(counters: number): Guest {
  yield* startThread(counts, counters + 4);
  yield* startThread(counts, counters + 8);
  return yield* counts(counters);
}
function* aProcessStopsAsAWhole(): Guest {
  const counters = alloc(16);
  const all = (): number[] => [0, 4, 8].map((at) => atomicLoad32(counters + at));
  const child = yield* cloneProcess(CLONE_VM | SIGCHLD, threeThreads, counters);
  while (all().includes(0)) yield sys.sched_yield();
  for (let round = 0; round < 20; round++) {
    yield* stop(child, [SIGSTOP, SIGTSTP, SIGTTIN, SIGTTOU][round % 4]);
    const before = all();
    for (let i = 0; i < 20; i++) yield sys.getppid();
    yield* rest(1);
    same(all(), before, 'no thread does anything');
    yield* resume(child);
    while (all().some((count, i) => count === before[i])) yield sys.sched_yield();
  }
  yield* end(child);
  return 0;
}

/** Whoever settles is not interrupted; once the other thread, which never waits, has stopped, it is quiet all the same. */
export function* settlesBesideABusyThread(counter: number): Guest {
  yield* startThread(counts, counter);
  yield* blockSignals(SIGTSTP);
  atomicAdd32(counter + 4, 1);
  yield sys.smplab_settle();
  return yield sys.pause();
}
function* aStoppedThreadIsQuiet(): Guest {
  const counter = alloc(8);
  const child = yield* cloneProcess(CLONE_VM | SIGCHLD, settlesBesideABusyThread, counter);
  while (atomicLoad32(counter) === 0 || atomicLoad32(counter + 4) === 0) yield sys.sched_yield();
  yield* stop(child, SIGTSTP);
  yield* end(child);
  return 0;
}

function* onlySigkillPassesAStop(): Guest {
  const first = yield* fork(pausesForEver);
  yield* rest();
  yield* stop(first);
  yield* send(first, SIGTERM);
  same(yield* outcome(first), 'lives', 'SIGTERM waits');
  yield* send(first, SIGCONT);
  same(yield* outcome(first), -SIGTERM, 'until the process goes on');
  const second = yield* fork(pausesForEver);
  yield* rest();
  yield* stop(second);
  yield* send(second, SIGKILL);
  same(yield* outcome(second), -SIGKILL, 'SIGKILL does not');
  return 0;
}

export function* onContinue(_signal: number): Guest {
  return yield sys.exit_group(((yield* mask()) & signalSet(SIGCONT)) === 0n ? 98 : 99);
}
export function* onContinueOnly(_signal: number): Guest {
  return yield sys.gettid();
}
function* mask(): Guest<bigint> {
  const at = alloc(8);
  yield sys.rt_sigprocmask(0, 0, at, 8);
  return load64(at);
}
export function* continuesHow(how: number): Guest {
  if (how === 0) yield* blockSignals(SIGCONT);
  if (how === 1) yield* sigaction(SIGCONT, SIG_IGN);
  if (how === 2) yield* sigaction(SIGCONT, onContinue);
  if (how === 3) yield* sigaction(SIGCONT, onContinueOnly, SA_RESTART);
  if (how === 4) yield* sigaction(SIGCONT, onContinueOnly);
  return yield sys.exit_group(-(yield sys.read(yield sys.eventfd2(0, 0), alloc(8), 8)));
}
function* sigcontContinuesWhateverBecomesOfIt(): Guest {
  const wanted = ['lives', 'lives', 99, 'lives', EINTR] as const;
  const what = ['blocked', 'ignored', 'handled', 'handled with SA_RESTART', 'handled without'];
  for (const [how, after] of wanted.entries()) {
    const child = yield* fork(continuesHow, how);
    yield* rest();
    yield* stop(child);
    yield* send(child, SIGCONT);
    same(yield* outcome(child), after, `a read after a SIGCONT that is ${what[how]}`);
    if (after === 'lives') yield* end(child);
  }
  return 0;
}

export function* stopsItself(signal: number): Guest {
  const r = yield sys.kill(yield sys.getpid(), signal);
  return yield sys.exit_group(r === 0 ? 7 : 1);
}
function* aCallThatWasOverKeepsItsResult(): Guest {
  const child = yield* fork(stopsItself, SIGSTOP);
  same((yield* waitpid(child, WUNTRACED)).stopped, SIGSTOP, 'it stops itself');
  same(yield* outcome(child), 'lives', 'and does not go on');
  yield* send(child, SIGCONT);
  same(yield* outcome(child), 7, 'until it may, with the answer of its call');
  return 0;
}

function* stopAndContinueForgetEachOther(): Guest {
  yield* blockSignals(SIGTSTP, SIGCONT);
  const self = yield sys.getpid();
  const at = alloc(8);
  yield* send(self, SIGTSTP);
  yield* send(self, SIGCONT);
  yield sys.rt_sigpending(at, 8);
  same(load64(at), signalSet(SIGCONT), 'SIGCONT takes a pending stop back');
  yield* send(self, SIGTSTP);
  yield sys.rt_sigpending(at, 8);
  same(load64(at), signalSet(SIGTSTP), 'and a stop signal a pending SIGCONT');
  return 0;
}

export function* leadsASession(how: number): Guest {
  yield sys.setsid();
  return how === 0 ? yield* pausesForEver() : yield* waits(0);
}
export function* leadsAGroup(): Guest {
  yield sys.setpgid(0, 0);
  return yield* pausesForEver();
}
function* orphanedGroupsStopBySigstopOnly(): Guest {
  const lonely = yield* fork(leadsASession, 0);
  yield* rest();
  for (const signal of [SIGTSTP, SIGTTIN, SIGTTOU]) yield* send(lonely, signal);
  yield* rest();
  same(yield* news(lonely, WSTOPPED), [0, 0], 'nobody would continue it');
  yield* stop(lonely);
  yield* end(lonely);
  const interrupted = yield* fork(leadsASession, 1);
  yield* rest();
  yield* send(interrupted, SIGTSTP);
  same(yield* outcome(interrupted), EINTR, 'but a call is interrupted by it');
  const job = yield* fork(leadsAGroup);
  yield* rest();
  yield* stop(job, SIGTSTP);
  yield* end(job);
  return 0;
}

/** Where the stopped member of a group notes its signals: a pipe, under these numbers. */
const [NOTES, NOTED] = [100, 101];
export function* notesSignal(signal: number, info: SignalInfo): Guest {
  const at = alloc(8);
  store32(at, signal);
  store32(at + 4, info.code);
  return yield sys.write(NOTES, at, 8);
}
export function* member(stops: number): Guest {
  for (const signal of [SIGHUP, SIGCONT]) yield* sigaction(signal, notesSignal, SA_SIGINFO);
  if (stops === 1) yield sys.kill(trap.pid, SIGSTOP);
  yield* rest(100);
  return 0;
}
function* noted(): Guest<string> {
  const at = alloc(8);
  const notes: string[] = [];
  yield* rest(300);
  while ((yield sys.read(NOTED, at, 8)) === 8) notes.push(`${load32(at)} of code ${load32(at + 4)}`);
  return notes.join(', ');
}

/** Ends as soon as the child that it made stops, or rests. */
export function* leavesStoppedMember(): Guest {
  const child = yield* fork(member, 1);
  yield sys.setpgid(child, child);
  yield* rest();
  return 0;
}
export function* leavesRunningMember(): Guest {
  const child = yield* fork(member, 0);
  yield sys.setpgid(child, child);
  yield* rest();
  return 0;
}
export function* leavesItsGroup(): Guest {
  yield sys.setpgid(0, 0);
  yield* fork(member, 1);
  yield* rest();
  return 0;
}
function* orphanedGroupsHangUp(): Guest {
  const ends = alloc(8);
  yield sys.pipe2(ends, O_NONBLOCK);
  yield sys.dup2(load32(ends), NOTED);
  yield sys.dup2(load32(ends + 4), NOTES);
  // The later one's handler lies on top.
  const both = `${SIGCONT} of code ${SI_KERNEL}, ${SIGHUP} of code ${SI_KERNEL}`;
  yield* waitpid(yield* fork(leavesStoppedMember));
  same(yield* noted(), both, 'the parent that minded the group has ended');
  yield* waitpid(yield* fork(leavesRunningMember));
  same(yield* noted(), '', 'nobody is stopped');
  yield* waitpid(yield* fork(leavesItsGroup));
  same(yield* noted(), both, 'the member whose parent minded the group has ended');
  yield sys.prctl(PR_SET_CHILD_SUBREAPER, 1, 0, 0, 0);
  yield* waitpid(yield* fork(leavesItsGroup));
  same(yield* noted(), '', 'the reaper minds it');
  const { pid, stopped } = yield* waitpid(-1, WUNTRACED);
  same(stopped, SIGSTOP, 'and can continue it');
  yield* send(pid, SIGCONT);
  same(yield* noted(), `${SIGCONT} of code 0`, 'so it goes on');
  same((yield* waitpid(pid)).code, 0, 'and ends');
  return 0;
}

/** A stop does not use up what came for the call, nor does it change what its end is. */
export function* readsTwice(fd: number): Guest {
  const event = inherited(fd);
  const at = alloc(8);
  for (let i = 0; i < 2; i++) same(yield sys.read(load32(event), at, 8), 8, 'the event arrives');
  return yield sys.exit_group(5);
}
function* eventsComeAfterAStop(): Guest {
  const shared = alloc(8);
  const one = alloc(8);
  store32(shared, yield sys.eventfd2(0, 0));
  store64(one, 1n);
  const child = yield* fork(readsTwice, shared);
  yield* rest();
  yield* stop(child);
  same(yield sys.write(load32(shared), one, 8), 8, 'while it is stopped');
  yield* rest();
  same(yield* news(child, WSTOPPED | WCONTINUED), [0, 0], 'a wake for nothing does not wake it');
  yield* resume(child);
  yield* rest();
  same(yield sys.write(load32(shared), one, 8), 8, 'and after');
  same(yield* outcome(child), 5, 'both are read');
  return 0;
}

/** Nobody is left who could continue it. */
function* nobodyContinues(): Guest {
  yield sys.kill(yield sys.getpid(), SIGSTOP);
  return 1;
}
function* epollIsInterruptedByAStopOfItself(): Guest {
  const epoll = yield sys.epoll_create1(0);
  const event = yield sys.eventfd2(0, 0);
  yield sys.epoll_ctl(epoll, EPOLL_CTL_ADD, event, allocEpollEvent(EPOLLIN, 1));
  const pid = yield sys.getpid();
  const child = yield* fork(continuesItsParent, pid);
  same(yield sys.epoll_wait(epoll, alloc(16), 1, -1), -EINTR, 'E10');
  same((yield* waitpid(child)).code, 0, 'by its child');
  return 0;
}
export function* continuesItsParent(pid: number): Guest {
  yield* rest();
  yield* send(pid, SIGSTOP);
  yield* rest();
  yield* send(pid, SIGCONT);
  return yield sys.exit_group(0);
}

const scenarios: Readonly<Record<string, () => Guest>> = {
  parentsAreTold,
  callsGoOnOrAnswerEintr,
  everyStopInterruptsOnce,
  aProcessStopsAsAWhole,
  aStoppedThreadIsQuiet,
  onlySigkillPassesAStop,
  sigcontContinuesWhateverBecomesOfIt,
  aCallThatWasOverKeepsItsResult,
  stopAndContinueForgetEachOther,
  orphanedGroupsStopBySigstopOnly,
  orphanedGroupsHangUp,
  eventsComeAfterAStop,
  nobodyContinues,
  epollIsInterruptedByAStopOfItself,
};

export function* main(_argument: number, argv: unknown): Guest {
  same(alloc(256), log(), 'the log lies where handlers look for it');
  return yield* scenarios[String(argv)]!();
}
