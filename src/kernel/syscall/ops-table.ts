/**
 * The system calls that there are, by name; any other call of the ABI table answers ENOSYS. Dense index as in
 * abi/syscall-table.ts.
 */
import type { SyscallName } from '../abi/syscalls.ts';
import { syscallTable } from '../abi/syscalls.ts';
import { ENOSYS } from '../abi/errno.ts';
import type { FramePtr, TaskPtr } from '../task/task.ts';
import { getcpuCallOps, schedGetaffinityCallOps, schedSetaffinityCallOps } from './affinity-calls.ts';
import { clone3CallOps, cloneCallOps, unshareCallOps } from './clone-calls.ts';
import {
  closeCallOps,
  dup2CallOps,
  dup3CallOps,
  dupCallOps,
  eventfd2CallOps,
  eventfdCallOps,
  pipe2CallOps,
  pipeCallOps,
} from './create-files.ts';
import { closeRangeCallOps, fcntlCallOps, ioctlCallOps, lseekCallOps } from './descriptors.ts';
import { execveCallOps } from './exec-calls.ts';
import { futexCallOps } from './futex.ts';
import { alarmCallOps, getitimerCallOps, setitimerCallOps } from './itimer-calls.ts';
import { killCallOps, tgkillCallOps, tkillCallOps } from './kill.ts';
import { getrlimitCallOps, prlimit64CallOps, setrlimitCallOps, unameCallOps } from './limits.ts';
import { fstatCallOps, memfdCreateCallOps, openatCallOps, openCallOps } from './open-files.ts';
import { uncountedFutexCallOps } from './uncounted-futex.ts';
import { pollCallOps, ppollCallOps } from './poll-calls.ts';
import { pselect6CallOps, selectCallOps } from './select-calls.ts';
import {
  epollCreate1CallOps,
  epollCreateCallOps,
  epollCtlCallOps,
  epollPwait2CallOps,
  epollPwaitCallOps,
  epollWaitCallOps,
} from './epoll-calls.ts';
import { blockedCallOps, entryCallOps, exitCallOps, exitGroupCallOps, settleCallOps } from './process-calls.ts';
import { pread64CallOps, pwrite64CallOps, readOps, readvOps, writeOps, writevOps } from './read-write.ts';
import { rtSigqueueinfoCallOps, rtTgsigqueueinfoCallOps } from './sigqueue-calls.ts';
import { pauseCallOps, rtSigsuspendCallOps, rtSigtimedwaitCallOps } from './signal-waits.ts';
import {
  rtSigactionCallOps,
  rtSigpendingCallOps,
  rtSigprocmaskCallOps,
  signalfd4CallOps,
  signalfdCallOps,
} from './signals.ts';
import {
  getpgidCallOps,
  getpgrpCallOps,
  getsidCallOps,
  prctlCallOps,
  setpgidCallOps,
  setsidCallOps,
} from './session-calls.ts';
import {
  clockNanosleepCallOps,
  getpidCallOps,
  getppidCallOps,
  gettidCallOps,
  nanosleepCallOps,
  rootIdCallOps,
  schedYieldCallOps,
  setTidAddressCallOps,
} from './sleep-calls.ts';
import { recvmmsgCallOps, sendmmsgCallOps } from './socket-batches.ts';
import { recvfromCallOps, sendtoCallOps } from './socket-messages.ts';
import { recvmsgCallOps, sendmsgCallOps } from './socket-msghdr.ts';
import { getsockoptCallOps, setsockoptCallOps } from './socket-options.ts';
import {
  accept4CallOps,
  acceptCallOps,
  bindCallOps,
  connectCallOps,
  getpeernameCallOps,
  getsocknameCallOps,
  listenCallOps,
  shutdownCallOps,
  socketCallOps,
  socketpairCallOps,
} from './sockets.ts';
import type { SyscallOps } from './syscall-ops.ts';
import { immediateOps } from './syscall-ops.ts';
import { wait4CallOps, waitidCallOps } from './wait-calls.ts';
import { getrusageCallOps } from './usage-calls.ts';
import {
  clockGetresCallOps,
  clockGettimeCallOps,
  gettimeofdayCallOps,
  timerfdCreateCallOps,
  timerfdGettimeCallOps,
  timerfdSettimeCallOps,
} from './timers.ts';

function noSuchCall(_t: TaskPtr, _fr: FramePtr): number {
  return -ENOSYS;
}
export const missingCallOps: SyscallOps = { ...immediateOps, begin: noSuchCall };

const byName: Partial<Record<SyscallName, SyscallOps>> = {
  read: readOps,
  write: writeOps,
  readv: readvOps,
  writev: writevOps,
  pread64: pread64CallOps,
  pwrite64: pwrite64CallOps,
  close: closeCallOps,
  dup: dupCallOps,
  dup2: dup2CallOps,
  dup3: dup3CallOps,
  eventfd: eventfdCallOps,
  eventfd2: eventfd2CallOps,
  pipe: pipeCallOps,
  pipe2: pipe2CallOps,
  fcntl: fcntlCallOps,
  ioctl: ioctlCallOps,
  lseek: lseekCallOps,
  close_range: closeRangeCallOps,
  open: openCallOps,
  openat: openatCallOps,
  memfd_create: memfdCreateCallOps,
  fstat: fstatCallOps,
  getrlimit: getrlimitCallOps,
  setrlimit: setrlimitCallOps,
  prlimit64: prlimit64CallOps,
  getrusage: getrusageCallOps,
  uname: unameCallOps,
  socket: socketCallOps,
  socketpair: socketpairCallOps,
  bind: bindCallOps,
  listen: listenCallOps,
  accept: acceptCallOps,
  accept4: accept4CallOps,
  connect: connectCallOps,
  shutdown: shutdownCallOps,
  getsockname: getsocknameCallOps,
  getpeername: getpeernameCallOps,
  recvfrom: recvfromCallOps,
  sendto: sendtoCallOps,
  recvmsg: recvmsgCallOps,
  sendmsg: sendmsgCallOps,
  recvmmsg: recvmmsgCallOps,
  sendmmsg: sendmmsgCallOps,
  getsockopt: getsockoptCallOps,
  setsockopt: setsockoptCallOps,
  epoll_create: epollCreateCallOps,
  epoll_create1: epollCreate1CallOps,
  epoll_ctl: epollCtlCallOps,
  epoll_wait: epollWaitCallOps,
  epoll_pwait: epollPwaitCallOps,
  epoll_pwait2: epollPwait2CallOps,
  clone: cloneCallOps,
  clone3: clone3CallOps,
  unshare: unshareCallOps,
  execve: execveCallOps,
  wait4: wait4CallOps,
  waitid: waitidCallOps,
  getpgid: getpgidCallOps,
  getpgrp: getpgrpCallOps,
  getsid: getsidCallOps,
  setpgid: setpgidCallOps,
  setsid: setsidCallOps,
  prctl: prctlCallOps,
  exit: exitCallOps,
  exit_group: exitGroupCallOps,
  smplab_settle: settleCallOps,
  smplab_blocked: blockedCallOps,
  smplab_entry: entryCallOps,
  smplab_pause: uncountedFutexCallOps,
  timerfd_create: timerfdCreateCallOps,
  timerfd_settime: timerfdSettimeCallOps,
  timerfd_gettime: timerfdGettimeCallOps,
  clock_gettime: clockGettimeCallOps,
  clock_getres: clockGetresCallOps,
  gettimeofday: gettimeofdayCallOps,
  nanosleep: nanosleepCallOps,
  clock_nanosleep: clockNanosleepCallOps,
  sched_yield: schedYieldCallOps,
  getpid: getpidCallOps,
  getppid: getppidCallOps,
  gettid: gettidCallOps,
  set_tid_address: setTidAddressCallOps,
  getuid: rootIdCallOps,
  geteuid: rootIdCallOps,
  getgid: rootIdCallOps,
  getegid: rootIdCallOps,
  sched_getaffinity: schedGetaffinityCallOps,
  sched_setaffinity: schedSetaffinityCallOps,
  getcpu: getcpuCallOps,
  poll: pollCallOps,
  ppoll: ppollCallOps,
  select: selectCallOps,
  pselect6: pselect6CallOps,
  futex: futexCallOps,
  kill: killCallOps,
  tgkill: tgkillCallOps,
  tkill: tkillCallOps,
  pause: pauseCallOps,
  alarm: alarmCallOps,
  getitimer: getitimerCallOps,
  setitimer: setitimerCallOps,
  rt_sigqueueinfo: rtSigqueueinfoCallOps,
  rt_tgsigqueueinfo: rtTgsigqueueinfoCallOps,
  rt_sigaction: rtSigactionCallOps,
  rt_sigpending: rtSigpendingCallOps,
  rt_sigprocmask: rtSigprocmaskCallOps,
  rt_sigsuspend: rtSigsuspendCallOps,
  rt_sigtimedwait: rtSigtimedwaitCallOps,
  signalfd: signalfdCallOps,
  signalfd4: signalfd4CallOps,
};

/** By dense index. */
export const syscallOps: readonly SyscallOps[] = syscallTable.map((row) => byName[row.name] ?? missingCallOps);

/** Names of the calls that this kernel answers; the rest are ENOSYS. */
export const implementedCalls: readonly SyscallName[] = syscallTable
  .filter((row) => byName[row.name] !== undefined)
  .map((row) => row.name);
