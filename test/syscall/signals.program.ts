// What a guest may rely on of signals: masks, pending ones, handlers, interrupted calls. `main` runs the scenario that
// argv names. Handlers write to a log at a place that every thread knows, for each CPU has its own copy of this module.
import {
  alloc,
  allocEpollEvent,
  allocTimespec,
  atomicAdd32,
  atomicLoad32,
  EBADF,
  EFAULT,
  EINTR,
  EINVAL,
  EPOLL_CTL_ADD,
  EPIPE,
  EPOLLIN,
  EPOLLONESHOT,
  ESRCH,
  fork,
  futexWakeAll,
  type Guest,
  inherited,
  join,
  load32,
  load64,
  P_PID,
  POLLIN,
  SA_NODEFER,
  SA_RESETHAND,
  SA_RESTART,
  SIG_BLOCK,
  SIG_IGN,
  SIG_SETMASK,
  SIG_UNBLOCK,
  sigaction,
  SIGCHLD,
  SIGHUP,
  SIGKILL,
  SIGPIPE,
  SIGRTMAX,
  SIGSTOP,
  SIGTERM,
  SIGUSR1,
  SIGUSR2,
  startThread,
  store32,
  store64,
  sys,
  trap,
  waitForChange,
  waitpid,
  WEXITED,
  WNOHANG,
  WNOWAIT,
} from '../../src/programs/libc/index.ts';

function same(found: number | bigint, wanted: number | bigint, promise: string): void {
  if (found !== wanted) throw new Error(`broken promise: ${promise} (found ${found}, wanted ${wanted})`);
}

/** The first allocation of `main`: a count, then (signal, tid) of each handler that ran. */
const LOG_BYTES = 512;
const log = (): number => trap.userBase + 64;
const handled = (): number => atomicLoad32(log());
const signalAt = (index: number): number => load32(log() + 8 + index * 8);
const tidAt = (index: number): number => load32(log() + 12 + index * 8);

export function* onSignal(signal: number): Guest {
  const tid = yield sys.gettid();
  const at = log() + 8 + atomicAdd32(log(), 1) * 8;
  store32(at, signal);
  store32(at + 4, tid);
  return 0;
}

const bit = (...signals: number[]): bigint => signals.reduce((set, signal) => set | (1n << BigInt(signal - 1)), 0n);
function setOf(...signals: number[]): number {
  const at = alloc(8);
  store64(at, bit(...signals));
  return at;
}
function* pending(): Guest<bigint> {
  const at = alloc(8);
  same(yield sys.rt_sigpending(at, 8), 0, 'rt_sigpending');
  return load64(at);
}
function* mask(): Guest<bigint> {
  const at = alloc(8);
  same(yield sys.rt_sigprocmask(SIG_BLOCK, 0, at, 8), 0, 'rt_sigprocmask');
  return load64(at);
}
function* block(...signals: number[]): Guest {
  return yield sys.rt_sigprocmask(SIG_BLOCK, setOf(...signals), 0, 8);
}
function* unblock(...signals: number[]): Guest {
  return yield sys.rt_sigprocmask(SIG_UNBLOCK, setOf(...signals), 0, 8);
}
function* raise(signal: number): Guest {
  return yield sys.kill(yield sys.getpid(), signal);
}
function* send(tid: number, signal: number): Guest {
  same(yield sys.tgkill(yield sys.getpid(), tid, signal), 0, 'tgkill');
  return 0;
}
function* written(fd: number): Guest {
  const one = alloc(8);
  store64(one, 1n);
  return yield sys.write(fd, one, 8);
}

function* argumentsAreChecked(): Guest {
  const at = alloc(32);
  same(yield sys.rt_sigaction(SIGUSR1, 0, 0, 4), -EINVAL, 'the size of a set is 8');
  same(yield sys.rt_sigaction(0, 0, 0, 8), -EINVAL, '0 is no signal');
  same(yield sys.rt_sigaction(65, 0, at, 8), -EINVAL, 'nor is 65');
  same(yield sys.rt_sigaction(SIGKILL, at, 0, 8), -EINVAL, 'SIGKILL cannot be caught');
  same(yield sys.rt_sigaction(SIGSTOP, 0, at, 8), 0, 'but looked at');
  same(yield sys.rt_sigaction(0, 1, 0, 8), -EFAULT, 'the action is read before the number is looked at');
  same(yield* sigaction(SIGUSR1, onSignal, SA_RESTART, bit(SIGUSR2, SIGKILL)), 0, 'a handler');
  same(yield sys.rt_sigaction(SIGUSR1, 0, at, 8), 0, 'and what it was');
  same(load32(at + 8) & SA_RESTART, SA_RESTART, 'its flags');
  same(load64(at + 24), bit(SIGUSR2), 'its mask, without SIGKILL');
  same(yield sys.rt_sigprocmask(7, setOf(SIGUSR1), 0, 8), -EINVAL, 'no such way to change a mask');
  same(yield sys.rt_sigprocmask(7, 0, at, 8), 0, 'which matters only where there is a change');
  same(yield sys.rt_sigprocmask(SIG_BLOCK, 1, 0, 8), -EFAULT, 'a bad set');
  same(yield sys.rt_sigprocmask(SIG_BLOCK, 0, 0, 16), -EINVAL, 'a set of 16 bytes');
  same(yield sys.rt_sigprocmask(SIG_SETMASK, setOf(SIGKILL, SIGSTOP, SIGHUP), 0, 8), 0, 'a mask of all');
  same(yield* mask(), bit(SIGHUP), 'holds neither SIGKILL nor SIGSTOP');
  same(yield sys.rt_sigpending(at, 9), -EINVAL, 'a set of 9 bytes');
  same(yield sys.kill(999_999, 77), -ESRCH, 'who is not there comes before what is no signal');
  same(yield sys.kill(yield sys.getpid(), 65), -EINVAL, '65 is no signal');
  same(yield sys.kill(0, 0), 0, 'signal 0 only looks');
  same(yield sys.tgkill(0, 1, 0), -EINVAL, 'tgkill of process 0');
  same(yield sys.tgkill(yield sys.getpid(), 999_999, 0), -ESRCH, 'tgkill of nobody');
  same(yield sys.tkill(-1, 0), -EINVAL, 'tkill of a negative number');
  return 0;
}

function* aBlockedSignalStaysPending(): Guest {
  yield* sigaction(SIGUSR1, onSignal);
  yield* sigaction(SIGUSR2, onSignal);
  yield* block(SIGUSR1);
  yield* raise(SIGUSR1);
  yield* raise(SIGUSR1);
  same(handled(), 0, 'no handler runs');
  same(yield* pending(), bit(SIGUSR1), 'it is pending');
  yield* raise(SIGUSR2);
  same(handled(), 1, 'another one is delivered past it');
  same(signalAt(0), SIGUSR2, 'the one that is open');
  same(yield* pending(), bit(SIGUSR1), 'and it is still pending');
  yield* unblock(SIGUSR1);
  same(handled(), 2, 'J5: equal ones are one');
  same(signalAt(1), SIGUSR1, 'delivered with the end of the call that opened it');
  same(yield* pending(), 0n, 'and pending no more');
  return 0;
}

function* everyMaskBitMeansItsSignal(): Guest {
  for (const signal of [SIGHUP, SIGUSR1, 31, 32, 33, SIGRTMAX]) {
    yield* sigaction(signal, onSignal);
    const before = handled();
    yield* block(signal);
    yield* raise(signal);
    same(handled(), before, `signal ${signal} is blocked by its bit`);
    same(yield* pending(), bit(signal), `signal ${signal} is pending as its bit`);
    yield* unblock(signal);
    same(handled(), before + 1, `signal ${signal} is open again`);
    same(signalAt(before), signal, 'and the handler is told its number');
    yield* raise(signal);
    same(handled(), before + 2, `signal ${signal} is not blocked by another's bit`);
  }
  return 0;
}

export function* epollWaiter(shared: number): Guest {
  yield* block(SIGUSR1);
  store32(shared + 8, yield sys.epoll_wait(load32(shared), shared + 16, 1, -1));
  return 0;
}

function* aBlockedSignalDoesNotInterrupt(): Guest {
  yield* sigaction(SIGUSR1, onSignal);
  yield* sigaction(SIGUSR2, SIG_IGN);
  const event = yield sys.eventfd2(0, 0);
  const shared = alloc(32);
  store32(shared, yield sys.epoll_create1(0));
  yield sys.epoll_ctl(load32(shared), EPOLL_CTL_ADD, event, allocEpollEvent(EPOLLIN, 1));
  const thread = yield* startThread(epollWaiter, shared);
  yield sys.smplab_settle();
  yield* send(thread.tid, SIGUSR1);
  yield* send(thread.tid, SIGUSR2);
  yield* send(thread.tid, SIGCHLD);
  yield sys.smplab_settle();
  same(yield sys.smplab_blocked(thread.tid), 1, 'E10: neither blocked nor ignored signals interrupt');
  yield* written(event);
  yield* join(thread);
  same(load32(shared + 8), 1, 'the wait ends with its event');
  same(handled(), 0, 'and no handler ran');
  return 0;
}

export function* eventReader(shared: number): Guest {
  store32(shared + 8, yield sys.read(load32(shared), shared + 16, 8));
  return 0;
}

/** On one CPU: unless a tick comes between, the reader cannot run between the write and the signal, so it wakes to both. */
function* theResultComesBeforeTheSignal(): Guest {
  yield* sigaction(SIGUSR1, onSignal);
  let sent = 0;
  for (let round = 0; round < 20; round++) {
    const shared = alloc(32);
    store32(shared, yield sys.eventfd2(0, 0));
    const thread = yield* startThread(eventReader, shared);
    yield sys.smplab_settle();
    yield* written(load32(shared));
    const r = yield sys.tgkill(yield sys.getpid(), thread.tid, SIGUSR1);
    if (r === 0) sent++;
    yield* join(thread);
    same(load32(shared + 8), 8, 'what was waited for is answered, not EINTR');
    same(handled(), sent, 'and the handler runs all the same');
  }
  same(Number(sent > 10), 1, 'the signal found the reader at its read');
  return 0;
}

function* restartIsTheHandlersChoice(): Guest {
  for (const [flags, restarted] of [[0, false] as const, [SA_RESTART, true] as const]) {
    yield* sigaction(SIGUSR1, onSignal, flags);
    const before = handled();
    const shared = alloc(32);
    store32(shared, yield sys.eventfd2(0, 0));
    const thread = yield* startThread(eventReader, shared);
    yield sys.smplab_settle();
    yield* send(thread.tid, SIGUSR1);
    yield sys.smplab_settle();
    same(handled(), before + 1, 'the handler runs while the call waits');
    same(tidAt(before), thread.tid, 'on the thread it was sent to');
    if (restarted) {
      same(yield sys.smplab_blocked(thread.tid), 1, 'H12: with SA_RESTART it waits on');
      yield* written(load32(shared));
    }
    yield* join(thread);
    same(load32(shared + 8), restarted ? 8 : -EINTR, 'H12: EINTR without SA_RESTART, the bytes with it');
  }
  return 0;
}

/** Tells the sender that it ran. */
export function* onSignalTell(_signal: number): Guest {
  atomicAdd32(log(), 1);
  yield* futexWakeAll(log());
  return 0;
}
/** Each signal finds the reader somewhere else: asleep, on its way there, or in its handler. */
function* noSignalIsLost(): Guest {
  yield* sigaction(SIGUSR1, onSignalTell, SA_RESTART);
  const shared = alloc(32);
  store32(shared, yield sys.eventfd2(0, 0));
  const thread = yield* startThread(eventReader, shared, 1);
  for (let round = 0; round < 1000; round++) {
    yield* send(thread.tid, SIGUSR1);
    if (round % 3 !== 0) yield* waitForChange(log(), round);
    else while (handled() === round) yield sys.sched_yield();
    same(handled(), round + 1, 'one handler a signal');
  }
  yield* written(load32(shared));
  yield* join(thread);
  same(load32(shared + 8), 8, 'and the read ends with its bytes');
  return 0;
}

export function* raiseAgain(signal: number): Guest {
  const depth = atomicAdd32(log() + LOG_BYTES - 4, 1);
  if (depth < 2) yield* raise(signal);
  store32(log() + 8 + atomicAdd32(log(), 1) * 8, depth);
  return 0;
}
export function* raiseOther(signal: number): Guest {
  yield* raise(SIGUSR2);
  store32(log() + 8 + atomicAdd32(log(), 1) * 8, signal);
  return 0;
}

function* aHandlerBlocksWhatItSays(): Guest {
  yield* sigaction(SIGUSR1, raiseAgain);
  yield* raise(SIGUSR1);
  same(handled(), 3, 'a signal raised in its own handler waits for its end');
  same(signalAt(0), 0, 'the first handler ended first');
  yield* sigaction(SIGUSR2, raiseAgain, SA_NODEFER);
  store32(log() + LOG_BYTES - 4, 0);
  yield* raise(SIGUSR2);
  same(handled(), 6, 'with SA_NODEFER it does not wait');
  same(signalAt(3), 2, 'the innermost handler ended first');
  yield* sigaction(SIGUSR2, onSignal);
  yield* sigaction(SIGUSR1, raiseOther, 0, bit(SIGUSR2));
  yield* raise(SIGUSR1);
  same(signalAt(6), SIGUSR1, 'what is in sa_mask waits for the end of the handler');
  same(signalAt(7), SIGUSR2, 'and comes then');
  yield* sigaction(SIGUSR1, raiseOther);
  yield* raise(SIGUSR1);
  same(signalAt(8), SIGUSR2, 'what is not in it interrupts the handler');
  same(yield* mask(), 0n, 'the mask is as before');
  return 0;
}

function* theTargetIsTheMainThreadIfItMay(): Guest {
  yield* sigaction(SIGUSR1, onSignal, SA_RESTART);
  const main = yield sys.gettid();
  const threads = [];
  const shared = alloc(32);
  store32(shared, yield sys.eventfd2(0, 0));
  for (let i = 0; i < 3; i++) threads.push(yield* startThread(eventReader, shared));
  yield sys.smplab_settle();
  yield* raise(SIGUSR1);
  same(tidAt(0), main, 'the main thread gets it');
  yield* block(SIGUSR1);
  yield* raise(SIGUSR1);
  yield sys.smplab_settle();
  same(handled(), 2, 'blocked there, another thread gets it');
  same(tidAt(1), Math.min(...threads.map((thread) => thread.tid)), 'the one with the lowest number');
  for (let i = 0; i < 3; i++) {
    yield* written(load32(shared));
    yield sys.smplab_settle();
  }
  for (const thread of threads) yield* join(thread);
  yield* raise(SIGUSR1);
  same(yield* pending(), bit(SIGUSR1), 'with nobody left it stays pending');
  return 0;
}

/** ppoll, because every design of epoll leaves it as Linux has it. */
function* ppollOpensTheMaskForItsTime(): Guest {
  yield* sigaction(SIGUSR1, onSignal, SA_RESTART);
  yield* block(SIGUSR1);
  yield* raise(SIGUSR1);
  const event = yield sys.eventfd2(1, 0);
  const watched = alloc(8);
  store32(watched, event);
  store32(watched + 4, POLLIN);
  const open = alloc(8);
  same(yield sys.ppoll(watched, 1, 0, open, 8), 1, 'events win over signals');
  same(handled(), 0, 'and the signal stays pending');
  same(yield* pending(), bit(SIGUSR1), 'under the old mask');
  yield sys.read(event, alloc(8), 8);
  same(yield sys.ppoll(watched, 1, 0, open, 8), -EINTR, 'L3: nothing ready, SA_RESTART or not');
  same(handled(), 1, 'the handler ran');
  same(yield* mask(), bit(SIGUSR1), 'and the mask is as before the call');
  return 0;
}

function* suspendWaitsForAHandler(): Guest {
  yield* sigaction(SIGUSR1, onSignal);
  yield* block(SIGUSR1, SIGUSR2);
  yield* raise(SIGUSR1);
  same(yield sys.rt_sigsuspend(setOf(SIGUSR2), 8), -EINTR, 'rt_sigsuspend ends with the handler');
  same(handled(), 1, 'which ran');
  same(yield* mask(), bit(SIGUSR1, SIGUSR2), 'and the mask is as before');
  return 0;
}

function* ignoringForgets(): Guest {
  yield* block(SIGTERM, SIGUSR2);
  yield* raise(SIGTERM);
  yield* sigaction(SIGTERM, SIG_IGN);
  same(yield* pending(), 0n, 'what becomes ignored is no longer pending');
  yield* raise(SIGTERM);
  same(yield* pending(), bit(SIGTERM), 'J6: ignored but blocked is kept');
  yield* unblock(SIGTERM);
  same(yield* pending(), 0n, 'until it is unblocked');
  return 0;
}

function* terminated(): Guest {
  yield* block(SIGTERM);
  yield* raise(SIGTERM);
  yield* unblock(SIGTERM);
  return 1;
}
function* killedThoughBlocked(): Guest {
  yield sys.rt_sigprocmask(SIG_SETMASK, setOf(...Array.from({ length: 64 }, (_, i) => i + 1)), 0, 8);
  yield* raise(SIGKILL);
  return 1;
}
function* caughtOnce(): Guest {
  yield* sigaction(SIGUSR1, onSignal, SA_RESETHAND | 0);
  yield* raise(SIGUSR1);
  same(handled(), 1, 'the handler runs once');
  yield* raise(SIGUSR1);
  return 1;
}
export function* dig(signal: number): Guest {
  yield* raise(signal);
  return 0;
}
function* handlersNestTooDeep(): Guest {
  yield* sigaction(SIGUSR1, dig, SA_NODEFER);
  yield* raise(SIGUSR1);
  return 1;
}
function* threadsDieToo(): Guest {
  const shared = alloc(32);
  store32(shared, yield sys.eventfd2(0, 0));
  for (let i = 0; i < 3; i++) yield* startThread(eventReader, shared);
  yield sys.smplab_settle();
  yield* raise(SIGTERM);
  return 1;
}

export function* closesTheFile(_signal: number): Guest {
  atomicAdd32(log(), 1);
  yield sys.close(load32(log() + 400));
  yield sys.eventfd2(0, 0);
  for (let i = 0; i < 200; i++) yield sys.getppid();
  yield sys.close(load32(log() + 400));
  return 0;
}
function* aRestartedCallLooksItsFileUpAgain(): Guest {
  yield* sigaction(SIGUSR1, closesTheFile, SA_RESTART);
  const shared = alloc(32);
  store32(shared, yield sys.eventfd2(0, 0));
  store32(log() + 400, load32(shared));
  const thread = yield* startThread(eventReader, shared);
  yield sys.smplab_settle();
  yield* send(thread.tid, SIGUSR1);
  yield* join(thread);
  same(load32(shared + 8), -EBADF, 'and finds what the handler left there');
  return 0;
}

function* theLaterHandlerRunsFirst(): Guest {
  yield* sigaction(SIGUSR1, onSignal);
  yield* sigaction(SIGUSR2, onSignal);
  yield* block(SIGUSR1, SIGUSR2);
  yield* raise(SIGUSR2);
  yield* raise(SIGUSR1);
  yield* unblock(SIGUSR1, SIGUSR2);
  same(handled(), 2, 'both handlers ran');
  same(signalAt(0), SIGUSR2, 'the frame that was pushed last first');
  return 0;
}

export function* waitsForAnEnd(group: number): Guest {
  if (group >= 0) yield sys.setpgid(0, group);
  for (;;) yield sys.pause();
}
/** Until a child is in the group that it is to lead or join. */
function* inGroup(pid: number, group: number): Guest {
  while ((yield sys.getpgid(pid)) !== group) yield sys.sched_yield();
  return pid;
}
function* killReachesGroups(): Guest {
  const own = yield sys.getpid();
  const [leader, stranger] = [yield* fork(waitsForAnEnd, 0), yield* fork(waitsForAnEnd, -1)];
  yield* inGroup(leader, leader);
  const member = yield* fork(waitsForAnEnd, leader);
  yield* inGroup(member, leader);
  same(yield sys.kill(-999_999, 65), -ESRCH, 'a group that is not there');
  same(yield sys.kill(-0x80000000, 0), -ESRCH, 'the number that has no opposite');
  same(yield sys.kill(-leader, 65), -EINVAL, 'one that is, and no signal');
  same(yield sys.kill(-member, 0), -ESRCH, 'a member gives the group no name');
  same(yield sys.kill(-leader, SIGTERM), 0, 'a group');
  for (const pid of [leader, member]) same((yield* waitpid(pid)).signal!, SIGTERM, 'of which all members end');
  same((yield* waitpid(stranger, WNOHANG)).pid, 0, 'and no one else');
  same(yield sys.kill(-leader, 0), -ESRCH, 'the group ended with them');
  yield* sigaction(SIGUSR1, onSignal);
  same(yield sys.kill(0, SIGUSR1), 0, 'the own group');
  same(handled(), 1, 'with oneself');
  same((yield* waitpid(stranger)).signal!, SIGUSR1, 'and the children that stayed in it');
  const [first, second] = [yield* fork(waitsForAnEnd, 0), yield* fork(waitsForAnEnd, -1)];
  same(yield sys.kill(-1, SIGKILL), 0, 'everybody but oneself');
  same((yield* waitpid(first)).signal! + (yield* waitpid(second)).signal!, SIGKILL * 2, 'whatever their group');
  same(yield sys.kill(-1, 0), -ESRCH, 'with nobody left');
  same(yield sys.kill(own, 0), 0, 'one is there oneself');
  return 0;
}

export function* endsAtOnce(): Guest {
  return yield sys.exit_group(0);
}
function* endedProcessesAreThereUntilWaitedFor(): Guest {
  const child = yield* fork(endsAtOnce);
  yield sys.waitid(P_PID, child, 0, WEXITED | WNOWAIT, 0);
  same(yield sys.kill(child, SIGTERM), 0, 'a zombie takes any signal');
  same(yield sys.kill(child, 65), -EINVAL, 'that is one');
  same((yield* waitpid(child)).code!, 0, 'which changes nothing');
  same(yield sys.kill(child, 0), -ESRCH, 'then it is gone');
  same(yield sys.tgkill(child, child, 0), -ESRCH, 'to tgkill too');
  same(yield sys.tkill(child, 0), -ESRCH, 'and to tkill');
  return 0;
}

export function* waitsForOne(shared: number): Guest {
  return yield sys.exit_group(yield sys.epoll_wait(load32(inherited(shared)), alloc(16), 1, -1));
}
/** On one CPU, with a clock that hardly moves: the child cannot run between the write and the signal. */
function* whoIsKilledTakesNoEvents(): Guest {
  const event = yield sys.eventfd2(0, 0);
  const shared = alloc(8);
  store32(shared, yield sys.epoll_create1(0));
  yield sys.epoll_ctl(load32(shared), EPOLL_CTL_ADD, event, allocEpollEvent(EPOLLIN | EPOLLONESHOT, 1));
  const child = yield* fork(waitsForOne, shared);
  yield sys.nanosleep(allocTimespec(20e6), 0);
  yield* written(event);
  yield sys.kill(child, SIGTERM);
  same((yield* waitpid(child)).signal!, SIGTERM, 'the child ends');
  same(yield sys.epoll_wait(load32(shared), alloc(16), 1, 0), 1, 'E12: and the event is here still');
  return 0;
}

export function* writesTooMuch(shared: number): Guest {
  store32(shared + 8, yield sys.write(load32(shared), alloc(8192), 8192));
  store32(shared + 12, yield sys.write(load32(shared), shared, 0));
  store32(shared + 16, yield sys.write(load32(shared), shared, 1));
  return 0;
}
function* brokenPipesSignalTheWriter(): Guest {
  yield* sigaction(SIGPIPE, onSignal, SA_RESTART);
  const fds = alloc(8);
  same(yield sys.pipe2(fds, 0), 0, 'a pipe');
  const writeEnd = load32(fds + 4);
  for (let i = 0; i < 15; i++) same(yield sys.write(writeEnd, alloc(4096), 4096), 4096, 'all but a slot is full');
  const shared = alloc(32);
  store32(shared, writeEnd);
  const thread = yield* startThread(writesTooMuch, shared);
  yield sys.smplab_settle();
  yield sys.close(load32(fds));
  yield* join(thread);
  same(load32(shared + 8), 4096, 'K7: what was written counts');
  same(load32(shared + 12), 0, 'K2: nothing is written to nobody');
  same(load32(shared + 16), -EPIPE, 'K7: a byte is not');
  same(handled(), 2, 'K7: a signal each time');
  same(tidAt(0) === thread.tid && tidAt(1) === thread.tid ? 1 : 0, 1, 'K7: for the thread that writes');
  return 0;
}

const scenarios: Readonly<Record<string, () => Guest>> = {
  argumentsAreChecked,
  aBlockedSignalStaysPending,
  everyMaskBitMeansItsSignal,
  aBlockedSignalDoesNotInterrupt,
  theResultComesBeforeTheSignal,
  restartIsTheHandlersChoice,
  noSignalIsLost,
  aRestartedCallLooksItsFileUpAgain,
  theLaterHandlerRunsFirst,
  aHandlerBlocksWhatItSays,
  theTargetIsTheMainThreadIfItMay,
  ppollOpensTheMaskForItsTime,
  suspendWaitsForAHandler,
  ignoringForgets,
  terminated,
  killedThoughBlocked,
  caughtOnce,
  handlersNestTooDeep,
  threadsDieToo,
  killReachesGroups,
  endedProcessesAreThereUntilWaitedFor,
  whoIsKilledTakesNoEvents,
  brokenPipesSignalTheWriter,
};

export function* main(_argument: number, argv: unknown): Guest {
  same(alloc(LOG_BYTES), log(), 'the log lies where handlers look for it');
  return yield* scenarios[String(argv)]!();
}
