// What a guest may rely on of signalfd and rt_sigtimedwait; `main` runs the scenario that argv names.
import {
  alloc,
  allocEpollEvent,
  allocTimespec,
  CLD_EXITED,
  EAGAIN,
  EBADF,
  EFAULT,
  EINVAL,
  EEXIST,
  EPOLL_CTL_ADD,
  EPOLL_CTL_MOD,
  EPOLL_CTL_DEL,
  EPOLLIN,
  fork,
  type Guest,
  join,
  load16,
  load32,
  P_PID,
  POLLIN,
  SFD_CLOEXEC,
  SFD_NONBLOCK,
  SI_TKILL,
  SI_USER,
  SIG_BLOCK,
  SIG_IGN,
  sigaction,
  SIGCHLD,
  SIGKILL,
  SIGTERM,
  SIGUSR1,
  SIGUSR2,
  startThread,
  store16,
  store32,
  store64,
  sys,
  waitpid,
  WEXITED,
  WNOWAIT,
} from '../../src/programs/libc/index.ts';

function same(found: number | bigint, wanted: number | bigint, promise: string): void {
  if (found !== wanted) throw new Error(`broken promise: ${promise} (found ${found}, wanted ${wanted})`);
}

function setOf(...signals: number[]): number {
  const at = alloc(8);
  store64(
    at,
    signals.reduce((set, signal) => set | (1n << BigInt(signal - 1)), 0n),
  );
  return at;
}
function* block(...signals: number[]): Guest {
  return yield sys.rt_sigprocmask(SIG_BLOCK, setOf(...signals), 0, 8);
}
function* raise(signal: number): Guest {
  return yield sys.kill(yield sys.getpid(), signal);
}
function* newSignalfd(flags: number, ...signals: number[]): Guest {
  yield* block(...signals);
  return yield sys.signalfd4(-1, setOf(...signals), 8, flags);
}
function* polled(fd: number): Guest {
  const at = alloc(8);
  store32(at, fd);
  store16(at + 4, POLLIN);
  same(yield sys.poll(at, 1, 0), load16(at + 6) === 0 ? 0 : 1, 'poll');
  return load16(at + 6);
}

function* argumentsAreChecked(): Guest {
  same(yield sys.signalfd4(-1, setOf(SIGUSR1), 4, 0), -EINVAL, 'J1: size');
  same(yield sys.signalfd4(-1, 8, 8, 1), -EFAULT, 'J1: the set is read before the flags are looked at');
  same(yield sys.signalfd4(99, setOf(SIGUSR1), 8, 1), -EINVAL, 'J1: flags before the descriptor');
  same(yield sys.signalfd4(99, setOf(SIGUSR1), 8, 0), -EBADF, 'J1: not open');
  same(yield sys.signalfd4(yield sys.eventfd2(0, 0), setOf(SIGUSR1), 8, 0), -EINVAL, 'J1: not a signalfd');
  const fd = yield* newSignalfd(SFD_NONBLOCK | SFD_CLOEXEC, SIGUSR1);
  const at = alloc(256);
  same(yield sys.read(fd, at, 127), -EINVAL, 'J3: less than a record');
  same(yield sys.read(fd, at, 128), -EAGAIN, 'J3: nothing pending');
  same(yield sys.write(fd, at, 128), -EINVAL, 'J7: no writing');
  yield* raise(SIGUSR1);
  same(yield sys.read(fd, 8, 128), -EFAULT, 'a bad buffer');
  return 0;
}

function* recordsTellWhoSent(): Guest {
  const fd = yield* newSignalfd(SFD_NONBLOCK, SIGUSR1, SIGUSR2, SIGTERM, 40);
  const [pid, tid] = [yield sys.getpid(), yield sys.gettid()];
  yield* raise(40);
  yield* raise(SIGTERM);
  yield* raise(SIGUSR1);
  yield* raise(SIGUSR1);
  yield sys.tgkill(pid, tid, SIGUSR2);
  const at = alloc(640);
  same(yield sys.read(fd, at, 300), 256, 'J3: as many whole records as fit');
  same(load32(at), SIGUSR2, "J4: the thread's own first");
  same(load32(at + 8), SI_TKILL, 'J10: sent by tgkill');
  same(load32(at + 12), pid, 'by this process');
  same(load32(at + 128), SIGUSR1, 'J4: then the lowest of the process');
  same(load32(at + 136), SI_USER, 'J10: sent by kill');
  same(yield sys.read(fd, at, 640), 256, 'J5: equal ones are one');
  same(load32(at), SIGTERM, 'J4: in order');
  same(load32(at + 128), 40, 'J4: real-time signals last');
  return 0;
}

function* readinessIsTheAskers(): Guest {
  const fd = yield* newSignalfd(SFD_NONBLOCK, SIGUSR1, SIGUSR2);
  same(yield* polled(fd), 0, 'J7: nothing pending');
  yield* raise(SIGUSR1);
  same(yield* polled(fd), POLLIN, 'J7: pending');
  same(yield sys.signalfd4(fd, setOf(SIGUSR2, SIGKILL), 8, 0), fd, 'J1: another mask, the same descriptor');
  same(yield* polled(fd), 0, 'J9: what the mask lacks is not readable');
  same(yield sys.signalfd(fd, setOf(SIGUSR1), 8), fd, 'J1: by the old call');
  same(yield* polled(fd), POLLIN, 'J9: and readable again');
  const thread = yield* startThread(pollsNothing, fd);
  yield* join(thread);
  same(yield sys.read(fd, alloc(128), 128), 128, 'J4: one record');
  yield sys.tgkill(yield sys.getpid(), yield sys.gettid(), SIGUSR1);
  const other = yield* startThread(pollsNothing, ~fd);
  yield* join(other);
  same(yield* polled(fd), POLLIN, 'J7: a signal for one thread is there for that thread');
  yield* sigaction(SIGUSR2, SIG_IGN);
  yield* raise(SIGUSR2);
  yield sys.signalfd4(fd, setOf(SIGUSR2), 8, 0);
  same(yield* polled(fd), POLLIN, 'J6: blocked and ignored is readable');
  return 0;
}
/** @param fd what another thread was sent as well (plain), or alone (inverted) */
export function* pollsNothing(fd: number): Guest {
  const expected = fd < 0 ? 0 : POLLIN;
  same(yield* polled(fd < 0 ? ~fd : fd), expected, 'J7: as the asking thread sees it');
  return 0;
}

export function* reader(shared: number): Guest {
  store32(shared + 4, yield sys.read(load32(shared), shared + 64, 512));
  return 0;
}
export function* waiter(shared: number): Guest {
  const event = alloc(16);
  store32(shared + 4, yield sys.epoll_wait(load32(shared), event, 1, -1));
  return 0;
}

function* signalsWakeReadersAndWatchers(): Guest {
  const fd = yield* newSignalfd(0, SIGUSR1, SIGUSR2);
  const shared = alloc(1024);
  store32(shared, fd);
  const first = yield* startThread(reader, shared);
  yield sys.smplab_settle();
  yield sys.tgkill(yield sys.getpid(), first.tid, SIGUSR1);
  yield* join(first);
  same(load32(shared + 4), 128, 'J3: a reader waits for the first record only');
  const epoll = yield sys.epoll_create1(0);
  yield sys.epoll_ctl(epoll, EPOLL_CTL_ADD, fd, allocEpollEvent(EPOLLIN, 1));
  store32(shared, epoll);
  const second = yield* startThread(waiter, shared);
  yield sys.smplab_settle();
  yield* raise(SIGUSR2);
  yield* join(second);
  same(load32(shared + 4), 1, 'a watcher wakes');
  // Not every design tells by level again, unless it is asked.
  yield sys.epoll_ctl(epoll, EPOLL_CTL_MOD, fd, allocEpollEvent(EPOLLIN, 1));
  const third = yield* startThread(waiter, shared);
  yield* join(third);
  same(load32(shared + 4), 1, 'and the signal is still there');
  return 0;
}

function* changingTheMaskWakes(): Guest {
  yield* block(SIGUSR1, SIGUSR2);
  const fd = yield sys.signalfd4(-1, setOf(SIGUSR2), 8, 0);
  const shared = alloc(1024);
  store32(shared, fd);
  yield* raise(SIGUSR1);
  const thread = yield* startThread(reader, shared);
  yield sys.smplab_settle();
  same(yield sys.smplab_blocked(thread.tid), 1, 'its mask lacks the signal');
  yield sys.signalfd4(fd, setOf(SIGUSR1), 8, 0);
  yield* join(thread);
  same(load32(shared + 4), 128, 'J9: the reader woke');
  same(load32(shared + 64), SIGUSR1, 'to the signal');
  return 0;
}

function* recordsAreScattered(): Guest {
  const fd = yield* newSignalfd(SFD_NONBLOCK, SIGUSR1);
  yield* raise(SIGUSR1);
  const vector = alloc(32);
  const [head, tail] = [alloc(16), alloc(128)];
  store64(vector, head);
  store64(vector + 8, 10);
  store64(vector + 16, tail);
  store64(vector + 24, 118);
  same(yield sys.readv(fd, vector, 2), 128, 'one record in two pieces');
  same(load32(head), SIGUSR1, 'its head');
  same(load16(head + 10), 0, 'no byte too many');
  same(load16(tail + 2) | (load16(tail + 4) << 16), yield sys.getpid(), 'its tail');
  return 0;
}

export function* takesOne(shared: number): Guest {
  store32(shared + 4, yield sys.rt_sigtimedwait(setOf(SIGUSR1, SIGUSR2), shared + 64, 0, 8));
  return 0;
}
function* timedWaitTakesASignal(): Guest {
  yield* block(SIGUSR1, SIGUSR2);
  const info = alloc(128);
  const [soon, never] = [allocTimespec(5e6), allocTimespec(0)];
  same(yield sys.rt_sigtimedwait(setOf(SIGUSR1), info, soon, 8), -EAGAIN, 'a time that passes');
  yield* raise(SIGUSR2);
  same(yield sys.rt_sigtimedwait(setOf(SIGUSR1), info, never, 8), -EAGAIN, 'another signal does not count');
  same(yield sys.rt_sigtimedwait(setOf(SIGUSR1, SIGUSR2), info, never, 8), SIGUSR2, 'one of the set does');
  same(load32(info), SIGUSR2, 'its number');
  same(load32(info + 16), yield sys.getpid(), 'its sender');
  const shared = alloc(256);
  const thread = yield* startThread(takesOne, shared);
  // It stands in no queue of a file, so nothing makes it look again once `clone` has been counted: time has to do.
  yield sys.nanosleep(allocTimespec(20e6), 0);
  yield* raise(SIGUSR1);
  yield* join(thread);
  same(load32(shared + 4), SIGUSR1, 'a waiter is woken by a signal that it blocks');
  return 0;
}

export function* exitsWith(code: number): Guest {
  return yield sys.exit_group(code);
}
function* endsOfChildrenAreOneRecord(): Guest {
  const fd = yield* newSignalfd(SFD_NONBLOCK, SIGCHLD);
  const children: number[] = [];
  for (const code of [5, 6, 7]) {
    const child = yield* fork(exitsWith, code);
    same(yield sys.waitid(P_PID, child, 0, WEXITED | WNOWAIT, 0), 0, 'it has ended');
    children.push(child);
  }
  const at = alloc(512);
  same(yield sys.read(fd, at, 512), 128, 'J5: three ends are one record');
  same(load32(at), SIGCHLD, 'J10: its signal');
  same(load32(at + 8), CLD_EXITED, 'J10: how it ended');
  same(load32(at + 12), children[0]!, 'J5: the first of them');
  same(load32(at + 40), 5, 'J5: with its code');
  for (const [i, code] of [5, 6, 7].entries()) {
    same((yield* waitpid(children[i]!)).code!, code, 'J5: all of them can be waited for');
  }
  return 0;
}

/** In a child, of a descriptor that its parent opened. */
export function* usesItsParents(fd: number): Guest {
  const at = alloc(128);
  same(yield* polled(fd), 0, "J7: the parent's signal is not the child's");
  yield* raise(SIGUSR1);
  same(yield* polled(fd), POLLIN, 'J7: its own is');
  same(yield sys.read(fd, at, 128), 128, 'J4: and it takes that');
  same(load32(at + 12), yield sys.getpid(), 'J4: not the other');
  same(yield sys.signalfd4(fd, setOf(SIGUSR2), 8, 0), fd, 'J11: it sets the mask');
  return yield sys.exit_group(0);
}
function* filesAreSharedAndSignalsAreNot(): Guest {
  const fd = yield* newSignalfd(SFD_NONBLOCK, SIGUSR1, SIGUSR2);
  yield* raise(SIGUSR1);
  same((yield* waitpid(yield* fork(usesItsParents, fd))).code!, 0, 'a child');
  same(yield* polled(fd), 0, "J11: the child's mask is the parent's too");
  yield sys.signalfd4(fd, setOf(SIGUSR1), 8, 0);
  same(yield* polled(fd), POLLIN, 'and its signal is still there');
  return 0;
}

/** In a child, of an instance in which its parent watches a signalfd. */
export function* waitsForItsOwn(epoll: number): Guest {
  const self = yield sys.getpid();
  const thread = yield* startThread(raisesLater, self);
  const r = yield sys.epoll_wait(epoll, alloc(16), 1, 500);
  yield* join(thread);
  return yield sys.exit_group(r);
}
export function* raisesLater(pid: number): Guest {
  yield sys.nanosleep(allocTimespec(20e6), 0);
  return yield sys.kill(pid, SIGUSR1);
}
/** On Linux the instance would tell of the signals of who called ADD alone, and the child would wait in vain (J8). */
function* anInheritedInstanceTellsWhoWaits(): Guest {
  const fd = yield* newSignalfd(SFD_NONBLOCK, SIGUSR1);
  const epoll = yield sys.epoll_create1(0);
  yield sys.epoll_ctl(epoll, EPOLL_CTL_ADD, fd, allocEpollEvent(EPOLLIN, 1));
  same((yield* waitpid(yield* fork(waitsForItsOwn, epoll))).code!, 1, 'J8: of the own signals of the one that waits');
  same(yield sys.epoll_wait(epoll, alloc(16), 1, 0), 0, 'and of no others');
  yield* raise(SIGUSR1);
  same(yield sys.epoll_wait(epoll, alloc(16), 1, 0), 1, 'here too');
  return 0;
}

/** Hears of its parent's signals, which added the signalfd, and not of its own; but its look is for its own. */
export function* hearsOfItsParents(epoll: number): Guest {
  yield* raise(SIGUSR1);
  const own = yield sys.epoll_wait(epoll, alloc(16), 1, 0);
  yield sys.kill(yield sys.getppid(), SIGUSR1);
  return own * 10 + (yield sys.epoll_wait(epoll, alloc(16), 1, 1000));
}
function* anInheritedInstanceHearsWhoAdded(): Guest {
  const fd = yield* newSignalfd(SFD_NONBLOCK, SIGUSR1);
  const epoll = yield sys.epoll_create1(0);
  yield sys.epoll_ctl(epoll, EPOLL_CTL_ADD, fd, allocEpollEvent(EPOLLIN, 1));
  same((yield* waitpid(yield* fork(hearsOfItsParents, epoll))).code!, 1, 'J8: 0 of its own, 1 once its parent has one');
  same(yield sys.epoll_wait(epoll, alloc(16), 1, 0), 1, 'and it is there for the parent');
  return 0;
}

export function* addsAndEnds(both: number): Guest {
  return yield sys.epoll_ctl(load32(both), EPOLL_CTL_ADD, load32(both + 4), allocEpollEvent(EPOLLIN, 1));
}
/** An instance with a signalfd that a process added which is gone. */
function* orphanedItem(): Guest<{ fd: number; epoll: number }> {
  const fd = yield* newSignalfd(SFD_NONBLOCK, SIGUSR1);
  const epoll = yield sys.epoll_create1(0);
  const both = alloc(8);
  store32(both, epoll);
  store32(both + 4, fd);
  same((yield* waitpid(yield* fork(addsAndEnds, both))).code!, 0, 'the child adds');
  return { fd, epoll };
}
function* anItemOutlivesItsProcess(): Guest {
  const at = alloc(128);
  const told = yield* orphanedItem();
  yield* raise(SIGUSR1);
  same(yield sys.epoll_wait(told.epoll, at, 1, 0), 1, 'D15: the end of the process is told, and what is so is seen');
  same(yield sys.epoll_wait(told.epoll, at, 1, 0), 1, 'as long as it is so');
  same(yield sys.read(told.fd, at, 128), 128, 'read');
  yield* raise(SIGUSR1);
  same(yield sys.epoll_wait(told.epoll, at, 1, 0), 1, 'it was never looked at in vain');
  same(yield sys.read(told.fd, at, 128), 128, 'read');
  same(yield sys.epoll_wait(told.epoll, at, 1, 0), 0, 'until now');
  yield* raise(SIGUSR1);
  same(yield sys.epoll_wait(told.epoll, at, 1, 0), 0, 'D15: nothing more is told');
  same(yield sys.epoll_ctl(told.epoll, EPOLL_CTL_ADD, told.fd, allocEpollEvent(EPOLLIN, 2)), -EEXIST, 'it is there');
  same(yield sys.epoll_ctl(told.epoll, EPOLL_CTL_MOD, told.fd, allocEpollEvent(EPOLLIN, 2)), 0, 'MOD');
  same(yield sys.epoll_wait(told.epoll, at, 1, 0), 1, 'which looks');
  same(yield sys.read(told.fd, at, 128), 128, 'read');
  same(yield sys.epoll_ctl(told.epoll, EPOLL_CTL_DEL, told.fd, 0), 0, 'DEL');
  same(yield sys.epoll_ctl(told.epoll, EPOLL_CTL_ADD, told.fd, allocEpollEvent(EPOLLIN, 3)), 0, 'ADD by who lives');
  yield* raise(SIGUSR1);
  same(yield sys.epoll_wait(told.epoll, at, 1, 0), 1, 'is told again');
  const closed = yield* orphanedItem();
  same(yield sys.close(closed.fd), 0, 'a detached item goes with its file');
  same(yield sys.epoll_wait(closed.epoll, at, 1, 0), 0, 'silently');
  yield* orphanedItem();
  return 0;
}

const scenarios: Readonly<Record<string, () => Guest>> = {
  argumentsAreChecked,
  recordsTellWhoSent,
  readinessIsTheAskers,
  signalsWakeReadersAndWatchers,
  changingTheMaskWakes,
  recordsAreScattered,
  timedWaitTakesASignal,
  endsOfChildrenAreOneRecord,
  filesAreSharedAndSignalsAreNot,
  anInheritedInstanceTellsWhoWaits,
  anInheritedInstanceHearsWhoAdded,
  anItemOutlivesItsProcess,
};

export function* main(_argument: number, argv: unknown): Guest {
  return yield* scenarios[String(argv)]!();
}
