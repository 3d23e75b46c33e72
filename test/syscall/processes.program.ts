// What a guest may rely on of fork, vfork, wait4, waitid, exits, groups; `main` runs the scenario that argv names.
import {
  alloc,
  allocString,
  allocTimespec,
  atomicAdd32,
  argvAt,
  atomicLoad32,
  bytesAt,
  CLD_EXITED,
  CLD_KILLED,
  CLONE_FILES,
  CLONE_PARENT,
  CLONE_SIGHAND,
  CLONE_THREAD,
  CLONE_VFORK,
  CLONE_VM,
  cloneProcess,
  EAGAIN,
  EBADF,
  ENOENT,
  EFD_CLOEXEC,
  execve,
  F_DUPFD,
  F_GETFD,
  ECHILD,
  EFAULT,
  EINVAL,
  ENOSYS,
  EPERM,
  ESRCH,
  fork,
  type Guest,
  inherited,
  load32,
  load64,
  O_CLOEXEC,
  posix_spawn,
  SIGSEGV,
  startThread,
  P_ALL,
  P_PID,
  PR_SET_CHILD_SUBREAPER,
  SA_NOCLDWAIT,
  SIG_IGN,
  sigaction,
  SIGCHLD,
  SIGKILL,
  SIGTERM,
  SIGUSR1,
  store32,
  store64,
  sys,
  trap,
  waitAll,
  waitpid,
  WEXITED,
  WNOHANG,
  WNOWAIT,
  RUSAGE_CHILDREN,
  RUSAGE_SELF,
  RUSAGE_THREAD,
  join,
} from '../../src/programs/libc/index.ts';

const MS = 1e6;

function same(found: unknown, wanted: unknown, promise: string): void {
  if (found !== wanted) throw new Error(`broken promise: ${promise} (found ${found}, wanted ${wanted})`);
}
function must(holds: boolean, promise: string): void {
  if (!holds) throw new Error(`broken promise: ${promise}`);
}
function* sleep(ns: number): Guest {
  return yield sys.nanosleep(allocTimespec(ns), 0);
}

/** Ends with its argument. */
export function* exitsWith(code: number): Guest {
  yield sys.exit_group(code);
  return 0;
}
export function* sleepsThenExits(code: number): Guest {
  yield* sleep(5 * MS);
  return code;
}
export function* sleepsLong(): Guest {
  yield* sleep(10_000 * MS);
  return 0;
}

function* childrenAreWaitedFor(): Guest {
  const pid = yield* fork(exitsWith, 7);
  must(pid > 0, 'fork answers the pid');
  const status = yield* waitpid(pid);
  same(status.pid, pid, 'wait4 answers the pid');
  same(status.code, 7, 'and tells the exit code');
  same((yield* waitpid(pid)).pid, -ECHILD, 'a child is waited for once');
  same((yield* waitpid(-1)).pid, -ECHILD, 'and then there is none');
  const late = yield* fork(sleepsThenExits, 3);
  same((yield* waitpid(late, WNOHANG)).pid, 0, 'WNOHANG: not yet');
  same((yield* waitpid(-1)).code, 3, 'a wait sleeps until the end');
  const killed = yield* fork(sleepsLong);
  same(yield sys.kill(killed, SIGKILL), 0, 'a child can be killed');
  same((yield* waitpid(killed)).signal, SIGKILL, 'and the status tells by what');
  const ends: number[] = [];
  for (let i = 0; i < 5; i++) yield* fork(exitsWith, i);
  for (const end of yield* waitAll()) ends.push(end.code ?? -1);
  same(ends.sort().join(), '0,1,2,3,4', 'every child is told of once');
  return 0;
}

function* argumentsAreChecked(): Guest {
  const at = alloc(8);
  same(yield sys.wait4(-1, 0, 0x10, 0), -EINVAL, 'an unknown option is EINVAL');
  same(yield sys.wait4(-0x80000000, 0, 0, 0), -ESRCH, 'the pid without a negative is ESRCH');
  same(yield sys.wait4(1234567, 0, 0, 0), -ECHILD, 'a stranger is no child');
  same(yield sys.waitid(P_PID, 0, 0, WEXITED, 0), -EINVAL, 'waitid: pid 0 is EINVAL');
  same(yield sys.waitid(P_ALL, 0, 0, 0, 0), -EINVAL, 'waitid must be asked for something');
  same(yield sys.waitid(9, 0, 0, WEXITED, 0), -EINVAL, 'waitid: an unknown type is EINVAL');
  const flags = CLONE_VM | CLONE_SIGHAND;
  same(yield sys.clone(flags & ~CLONE_VM, at, 0, 0, 0), -EINVAL, 'SIGHAND needs VM');
  same(yield sys.clone(CLONE_THREAD | CLONE_VM, at, 0, 0, 0), -EINVAL, 'THREAD needs SIGHAND');
  same(yield sys.clone(SIGCHLD, 0, 0, 0, 0), -ENOSYS, 'a generator cannot return twice');
  same(yield sys.clone(SIGCHLD, 8, 0, 0, 0), -EFAULT, 'a bad stack is EFAULT');
  same(yield sys.fork(), -ENOSYS, 'nor from fork');
  const pid = yield* fork(exitsWith, 0);
  yield* sleep(2 * MS);
  same(yield sys.wait4(pid, 8, 0, 0), -EFAULT, 'a bad place for the status is EFAULT');
  same((yield* waitpid(pid)).pid, -ECHILD, 'and the child is gone all the same');
  same(yield sys.getpgid(-1), -ESRCH, 'nobody has a negative number');
  return 0;
}

function* waitidLooksAndLeaves(): Guest {
  const info = alloc(128);
  const pid = yield* fork(exitsWith, 9);
  same(yield sys.waitid(P_PID, pid, info, WEXITED | WNOWAIT, 0), 0, 'waitid answers 0');
  same(load32(info), SIGCHLD, 'si_signo');
  same(load32(info + 8), CLD_EXITED, 'si_code');
  same(load32(info + 16), pid, 'si_pid');
  same(load32(info + 24), 9, 'si_status');
  same(yield sys.waitid(P_ALL, 0, info, WEXITED, 0), 0, 'WNOWAIT left it there');
  same(yield sys.waitid(P_ALL, 0, info, WEXITED, 0), -ECHILD, 'now it is gone');
  const killed = yield* fork(sleepsLong);
  same(yield sys.waitid(P_PID, killed, info, WEXITED | WNOHANG, 0), 0, 'WNOHANG answers 0');
  same(load32(info + 16), 0, 'and tells of nobody');
  yield sys.kill(killed, SIGTERM);
  yield sys.waitid(P_PID, killed, info, WEXITED, 0);
  same(load32(info + 8), CLD_KILLED, 'killed');
  same(load32(info + 24), SIGTERM, 'by that signal');
  return 0;
}

let shared = 0;
export function* writesToCopies(address: number): Guest {
  must(inherited(address) !== address, 'the copy lies elsewhere');
  same(load32(inherited(address)), 42, 'the copy holds what the original held');
  store32(inherited(address), 43);
  const fd = load32(inherited(address) + 4);
  store64(inherited(address) + 8, 5);
  same(yield sys.write(fd, inherited(address) + 8, 8), 8, 'the file is the same file');
  same(yield sys.close(fd), 0, 'closing here');
  same(yield sys.eventfd2(0, 0), fd, 'frees the number here');
  return 0;
}

function* aForkCopiesMemoryAndSharesFiles(): Guest {
  const at = alloc(64);
  shared = yield sys.eventfd2(0, 0);
  store32(at, 42);
  store32(at + 4, shared);
  const pid = yield* fork(writesToCopies, at);
  same((yield* waitpid(pid)).code, 0, 'the child kept its promises');
  same(load32(at), 42, 'the original is untouched');
  same(yield sys.read(shared, at + 8, 8), 8, 'the descriptor is still open here');
  same(Number(load64(at + 8)), 5, 'and holds what the child wrote');
  return 0;
}

export function* closesShared(address: number): Guest {
  atomicAdd32(address, 1);
  same(yield sys.close(load32(address + 4)), 0, 'a shared table: the number is open here');
  return 0;
}
function* memoryAndTablesCanBeShared(): Guest {
  const at = alloc(64);
  store32(at + 4, yield sys.eventfd2(0, 0));
  const pid = yield* cloneProcess(CLONE_VM | CLONE_FILES | SIGCHLD, closesShared, at);
  same((yield* waitpid(pid)).code, 0, 'the child kept its promises');
  same(atomicLoad32(at), 1, 'it wrote to this memory');
  same(yield sys.close(load32(at + 4)), -EBADF, 'and closed this number');
  return 0;
}

export function* marksThenSleeps(address: number): Guest {
  yield* sleep(5 * MS);
  atomicAdd32(address, 1);
  return 0;
}
function* aVforkWaitsForTheChild(): Guest {
  const at = alloc(8);
  const pid = yield* cloneProcess(CLONE_VM | CLONE_VFORK | SIGCHLD, marksThenSleeps, at);
  same(atomicLoad32(at), 1, 'the child has ended before vfork returns');
  same((yield* waitpid(pid)).code, 0, 'and waits to be waited for');
  return 0;
}

let childEnds = 0;
export function* onChild(signal: number): Guest {
  same(signal, SIGCHLD, 'the handler is told which');
  childEnds++;
  return yield sys.sched_yield();
}
function* anEndIsSignalled(): Guest {
  yield* sigaction(SIGCHLD, onChild);
  const pid = yield* fork(sleepsThenExits, 0);
  must((yield sys.pause()) < 0, 'pause ends');
  same(childEnds, 1, 'by the handler of SIGCHLD');
  same((yield* waitpid(pid)).pid, pid, 'and the child is there');
  yield* sigaction(SIGCHLD, SIG_IGN);
  yield* fork(exitsWith, 1);
  same((yield* waitpid(-1)).pid, -ECHILD, 'ignored children leave nothing to wait for, but their end is waited for');
  yield* sigaction(SIGCHLD, onChild, SA_NOCLDWAIT);
  yield* fork(exitsWith, 1);
  same((yield* waitpid(-1)).pid, -ECHILD, 'nor do those of SA_NOCLDWAIT');
  same(childEnds, 2, 'which is signalled all the same');
  return 0;
}

export function* bearsAndEnds(address: number): Guest {
  yield* cloneProcess(CLONE_VM | SIGCHLD, asksItsParent, address);
  return 0;
}
export function* asksItsParent(address: number): Guest {
  yield* sleep(10 * MS);
  store32(address, yield sys.getppid());
  return 0;
}
function* orphansGoToTheReaper(): Guest {
  const at = alloc(16);
  store32(at, -1);
  yield* waitpid(yield* cloneProcess(CLONE_VM | SIGCHLD, bearsAndEnds, at));
  for (let i = 0; i < 200 && atomicLoad32(at) === -1; i++) yield* sleep(MS);
  same(atomicLoad32(at), 0, 'without a reaper an orphan belongs to the outside');
  same(yield sys.prctl(PR_SET_CHILD_SUBREAPER, 1, 0, 0, 0), 0, 'a process may offer itself');
  yield* waitpid(yield* cloneProcess(CLONE_VM | SIGCHLD, bearsAndEnds, at));
  const orphan = yield* waitpid(-1);
  must(orphan.pid > 0 && orphan.code === 0, 'the orphan is waited for by the reaper');
  same(atomicLoad32(at), trap.pid, 'and knew it as its parent');
  return 0;
}

export function* bearsSibling(address: number): Guest {
  yield* cloneProcess(CLONE_VM | CLONE_PARENT | SIGCHLD, asksItsParent, address);
  return 0;
}
function* aSiblingHasTheSameParent(): Guest {
  const at = alloc(8);
  yield* cloneProcess(CLONE_VM | SIGCHLD, bearsSibling, at);
  same((yield* waitAll()).length, 2, 'both are waited for here');
  same(load32(at), trap.pid, 'and both have this parent');
  return 0;
}

export function* reportsItsGroup(address: number): Guest {
  store32(address, yield sys.getpgrp());
  store32(address + 4, yield sys.getsid(0));
  store32(address + 8, yield sys.setsid());
  store32(address + 12, yield sys.getpgid(0));
  yield* sleep(10_000 * MS);
  return 0;
}
function* groupsAreInherited(): Guest {
  const at = alloc(16);
  const own = trap.pid;
  same(yield sys.getpgrp(), own, 'the first process leads a group');
  same(yield sys.setsid(), -EPERM, 'a leader makes no session');
  const pid = yield* cloneProcess(CLONE_VM | SIGCHLD, reportsItsGroup, at);
  for (let i = 0; i < 500 && atomicLoad32(at + 12) === 0; i++) yield* sleep(MS);
  same(load32(at), own, 'a child is of the group');
  same(load32(at + 4), own, 'and of the session');
  same(load32(at + 8), pid, 'its own session has its number');
  same(load32(at + 12), pid, 'and so has its group');
  same(yield sys.setpgid(pid, 0), -EPERM, 'a leader of a session stays');
  same(yield sys.kill(-pid, SIGUSR1), 0, 'a group can be signalled');
  same((yield* waitpid(-pid)).signal, SIGUSR1, 'and waited for');
  const member = yield* fork(sleepsLong);
  same(yield sys.setpgid(member, 0), 0, 'a parent may give its child a group');
  same(yield sys.getpgid(member), member, 'of its own');
  same((yield* waitpid(0, WNOHANG)).pid, -ECHILD, 'so that it is not in this one');
  yield sys.kill(member, SIGKILL);
  same((yield* waitpid(-member)).pid, member, 'but in that');
  return 0;
}

export function* child3(address: number): Guest {
  atomicAdd32(address, 1);
  yield sys.sched_yield();
  return 11;
}
function* clone3TakesItsArguments(): Guest {
  const at = alloc(8);
  const args = alloc(128);
  same(yield sys.clone3(args, 32), -EINVAL, 'too small');
  same(yield sys.clone3(8, 88), -EFAULT, 'a bad address');
  store32(args + 96, 1);
  same(yield sys.clone3(args, 104), -7, 'a field that is not known: E2BIG');
  store32(args, SIGCHLD);
  same(yield sys.clone3(args, 88), -EINVAL, 'the signal has a field of its own');
  store32(args, CLONE_VM);
  store64(args + 32, SIGCHLD);
  const stack = alloc(24);
  store64(stack, trap.image?.entries.indexOf(child3) ?? -1);
  bytesAt(stack + 8, 8).set(new Uint8Array(new Float64Array([at]).buffer));
  store64(stack + 16, -1);
  store64(args + 40, stack);
  same(yield sys.clone3(args, 88), -EINVAL, 'a stack without a size');
  store64(args + 48, 24);
  const pid = yield sys.clone3(args, 88);
  must(pid > 0, 'a process');
  same((yield* waitpid(pid)).code, 11, 'that ran');
  same(load32(at), 1, 'in this memory');
  return 0;
}

/** As a real kernel answers, number by number. */
export function* numbersOfTheChild(): Guest {
  const numbers: number[] = [];
  for (let i = 0; i < 4; i++) numbers.push(yield sys.dup(3));
  numbers.push(yield sys.fcntl(3, F_DUPFD, 20), yield sys.fcntl(3, F_DUPFD, 4));
  yield sys.close(4);
  numbers.push(yield sys.dup(3));
  same(numbers.join(' '), '5 9 12 13 20 14 4', 'the lowest numbers that were free at the fork');
  return 0;
}
function* numbersGoOnInTheChild(): Guest {
  for (let i = 0; i < 10; i++) yield sys.eventfd2(0, 0);
  for (const fd of [5, 9, 12]) yield sys.close(fd);
  yield sys.dup2(3, 40);
  yield sys.close(40);
  yield* fork(numbersOfTheChild);
  same((yield* waitpid(-1)).code, 0, 'the child');
  same(`${yield sys.dup(3)} ${yield sys.dup(3)}`, '5 9', 'and the parent’s own are still free');
  return 0;
}

/** The two counts of a struct rusage. */
const switchesAt = (usage: number): readonly [voluntary: number, involuntary: number] => [
  Number(load64(usage + 128)),
  Number(load64(usage + 136)),
];
function* switchesOf(who: number): Guest<readonly [voluntary: number, involuntary: number]> {
  const usage = alloc(144);
  same(yield sys.getrusage(who, usage), 0, 'getrusage');
  return switchesAt(usage);
}
export function* sleepsThrice(): Guest {
  for (let i = 0; i < 3; i++) yield* sleep(MS);
  return 0;
}
export function* yieldsOften(): Guest {
  for (let i = 0; i < 50; i++) yield sys.sched_yield();
  return 0;
}
function* switchesAreCounted(): Guest {
  const [before] = yield* switchesOf(RUSAGE_THREAD);
  yield* sleepsThrice();
  same((yield* switchesOf(RUSAGE_THREAD))[0], before + 3, 'each sleep is one');
  const [own] = yield* switchesOf(RUSAGE_SELF);
  const thread = yield* startThread(sleepsThrice);
  yield* join(thread);
  const [, forced] = yield* switchesOf(RUSAGE_SELF);
  must((yield* switchesOf(RUSAGE_SELF))[0] >= own + 3, 'those of a thread that has ended are the process’s');
  const rival = yield* startThread(yieldsOften, 0, trap.cpu);
  yield* yieldsOften();
  yield* join(rival);
  must((yield* switchesOf(RUSAGE_SELF))[1] >= forced + 40, 'who lets another run did not sleep');
  same((yield* switchesOf(RUSAGE_CHILDREN)).join(), '0,0', 'nobody was waited for');
  const usage = alloc(144);
  const pid = yield* fork(sleepsThrice);
  same(yield sys.wait4(pid, 0, 0, usage), pid, 'wait4');
  const [ofChild] = switchesAt(usage);
  must(ofChild >= 3, 'the child’s are told to who waits');
  same((yield* switchesOf(RUSAGE_CHILDREN))[0], ofChild, 'and kept');
  yield* waitpid(yield* fork(sleepsThrice));
  must((yield* switchesOf(RUSAGE_CHILDREN))[0] >= ofChild + 3, 'those of all children are added');
  same(yield sys.getrusage(2, usage), -EINVAL, 'who');
  same(yield sys.getrusage(RUSAGE_SELF, 8), -EFAULT, 'a bad address');
  return 0;
}

function* runningOutIsEagain(): Guest {
  const pids: number[] = [];
  let last = 0;
  for (let i = 0; i < 64; i++) {
    last = yield* fork(sleepsLong);
    if (last < 0) break;
    pids.push(last);
  }
  same(last, -EAGAIN, 'no process left is EAGAIN');
  for (const pid of pids) yield sys.kill(pid, SIGKILL);
  same((yield* waitAll()).length, pids.length, 'all of them are waited for');
  must((yield* fork(exitsWith, 0)) > 0, 'and then there is room again');
  yield* waitAll();
  return 0;
}

/** Ends with the sum of its arguments, if memory and handlers are new and `kept` alone is open. */
export function* addsItsArguments(address: number): Guest {
  const [kept = '', ...numbers] = argvAt(address);
  same(yield sys.fcntl(Number(kept), F_GETFD, 0), 0, 'a descriptor without FD_CLOEXEC stays open');
  same(yield sys.close(Number(kept) + 1), -EBADF, 'one with it is closed');
  const old = alloc(32);
  same(Number(load64(old)), 0, 'the memory is new');
  yield sys.rt_sigaction(SIGUSR1, 0, old, 8);
  same(load32(old), 0, 'a handler is the default again');
  yield sys.rt_sigaction(SIGTERM, 0, old, 8);
  same(load32(old), SIG_IGN, 'what was ignored stays ignored');
  let sum = 0;
  for (const number of numbers) sum += Number(number);
  return sum;
}
export function* execsTheAdder(kept: number): Guest {
  yield* sigaction(SIGUSR1, onChild);
  yield* sigaction(SIGTERM, SIG_IGN);
  return yield* execve(addsItsArguments, [String(kept), '3', '4', '35']);
}
function* anExecBeginsAnew(): Guest {
  same(yield sys.execve(allocString('/bin/true'), 0, 0), -ENOENT, 'there are no files');
  same(yield sys.execve(8, 0, 0), -EFAULT, 'a bad path');
  same(yield sys.execve(allocString('/entry/0'), 8, 0), -EFAULT, 'bad arguments');
  const kept = yield sys.eventfd2(0, 0);
  same(yield sys.eventfd2(0, EFD_CLOEXEC), kept + 1, 'the next number');
  same((yield* waitpid(yield* fork(execsTheAdder, kept))).code, 42, 'the arguments arrive');
  same(yield sys.fcntl(kept + 1, F_GETFD, 0), 1, 'here both are open still');
  return 0;
}

export function* lives(): Guest {
  yield* sleep(10_000 * MS);
  return 0;
}
export function* startsThreadsThenExecs(kept: number): Guest {
  for (let i = 0; i < 4; i++) yield* startThread(lives, 0, i % 2);
  yield* sleep(MS);
  return yield* execsTheAdder(kept);
}
export function* execsNowhere(): Guest {
  return yield sys.execve(allocString('/entry/9999'), 0, 0);
}
function* anExecEndsTheOtherThreads(): Guest {
  const kept = yield sys.eventfd2(0, 0);
  same((yield* waitpid(yield* fork(startsThreadsThenExecs, kept))).code, 42, 'alone, it goes on');
  same((yield* waitpid(yield* fork(execsNowhere))).signal, SIGSEGV, 'a program that is not there kills');
  return 0;
}

export function* writesItsName(address: number): Guest {
  const [text = ''] = argvAt(address);
  return yield sys.write(1, allocString(text), text.length);
}
function* spawnDoesWhatItIsTold(): Guest {
  const ends = alloc(8);
  yield sys.pipe2(ends, O_CLOEXEC);
  const pid = yield* posix_spawn(writesItsName, ['seven'], {
    actions: [{ action: 'dup2', from: load32(ends + 4), to: 1 }],
    group: 0,
  });
  must(pid > 0, 'a child');
  same(yield sys.getpgid(pid), pid, 'in a group of its own');
  yield sys.close(load32(ends + 4));
  const buffer = alloc(16);
  same(yield sys.read(load32(ends), buffer, 16), 5, 'its output comes through the pipe');
  same(yield sys.read(load32(ends), buffer, 16), 0, 'and ends: nobody else holds the pipe');
  same((yield* waitpid(pid)).code, 5, 'and so does it');
  same(
    yield* posix_spawn(writesItsName, [], { actions: [{ action: 'dup2', from: 77, to: 1 }] }),
    -EBADF,
    'a failure before the program is told',
  );
  same((yield* waitpid(-1)).pid, -ECHILD, 'and leaves no child');
  return 0;
}

const scenarios: Record<string, () => Guest> = {
  childrenAreWaitedFor,
  argumentsAreChecked,
  waitidLooksAndLeaves,
  aForkCopiesMemoryAndSharesFiles,
  memoryAndTablesCanBeShared,
  aVforkWaitsForTheChild,
  anEndIsSignalled,
  orphansGoToTheReaper,
  aSiblingHasTheSameParent,
  groupsAreInherited,
  clone3TakesItsArguments,
  numbersGoOnInTheChild,
  switchesAreCounted,
  runningOutIsEagain,
  anExecBeginsAnew,
  anExecEndsTheOtherThreads,
  spawnDoesWhatItIsTold,
};

export function* main(_argument: number, scenario: string): Guest {
  return yield* scenarios[scenario]!();
}
