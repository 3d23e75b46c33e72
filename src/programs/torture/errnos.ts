/**
 * Which errors Linux can give for a call: the manual pages, and what the kernel's sources return besides. A torture holds
 * every answer against this table; a call that is not in it may fail with any error that Linux has.
 */
import type { SyscallName } from '../../kernel/abi/syscalls.ts';
import * as errno from '../../kernel/abi/errno.ts';

/** A call that makes a descriptor. */
const NEW_FD = 'EMFILE ENFILE ENOMEM';
const READ = 'EAGAIN EBADF EFAULT EINTR EINVAL EIO EISDIR ECONNRESET ENOTCONN ETIMEDOUT ECONNREFUSED ESPIPE';
const WRITE =
  'EAGAIN EBADF EDESTADDRREQ EFAULT EFBIG EINTR EINVAL EIO ENOSPC EPERM EPIPE ENOTCONN ECONNRESET ENOBUFS ENOMEM ' +
  'EMSGSIZE ECONNREFUSED EOPNOTSUPP ESPIPE';
const SEND = `${WRITE} ENOTSOCK EISCONN EACCES ENOENT EPROTOTYPE EAFNOSUPPORT ENOTDIR ELOOP ENAMETOOLONG ETOOMANYREFS`;
const RECEIVE = `${READ} ENOTSOCK EOPNOTSUPP EMSGSIZE`;
const EPOLL_WAIT = 'EBADF EFAULT EINTR EINVAL';
const SOCKET = `EACCES EAFNOSUPPORT EINVAL ENOBUFS EPROTONOSUPPORT ESOCKTNOSUPPORT EPROTOTYPE EPERM ${NEW_FD}`;
const ACCEPT = `EAGAIN EBADF ECONNABORTED EFAULT EINTR EINVAL ENOBUFS ENOTSOCK EOPNOTSUPP EPROTO EPERM ${NEW_FD}`;
const CLONE = 'EAGAIN EINVAL ENOMEM ENOSPC EPERM EUSERS EFAULT E2BIG EEXIST ENOSYS EINTR';
const KILL = 'EINVAL EPERM ESRCH EAGAIN';
const RLIMIT = 'EFAULT EINVAL EPERM ESRCH';
const OPEN =
  `EACCES EEXIST EFAULT EFBIG EINTR EINVAL EISDIR ELOOP ENAMETOOLONG ENODEV ENOENT ENOSPC ENOTDIR ENXIO EOPNOTSUPP EBADF ` +
  `EOVERFLOW EPERM EROFS ETXTBSY EAGAIN ${NEW_FD}`;
const SLEEP = 'EFAULT EINTR EINVAL EOPNOTSUPP';

const TABLE: Partial<Record<SyscallName, string>> = {
  read: READ,
  readv: READ,
  pread64: `${READ} EOVERFLOW ENXIO`,
  write: WRITE,
  writev: WRITE,
  pwrite64: `${WRITE} EOVERFLOW ENXIO`,
  close: 'EBADF EINTR EIO',
  dup: `EBADF ${NEW_FD}`,
  dup2: `EBADF EBUSY EINTR ${NEW_FD}`,
  dup3: `EBADF EBUSY EINTR EINVAL ${NEW_FD}`,
  fcntl: `EACCES EAGAIN EBADF EBUSY EDEADLK EFAULT EINTR EINVAL ENOLCK ENOTDIR EPERM ENOTTY ESRCH ${NEW_FD}`,
  fstat: 'EBADF EFAULT EOVERFLOW',
  lseek: 'EBADF EINVAL ENXIO EOVERFLOW ESPIPE',
  ioctl: 'EBADF EFAULT EINVAL ENOTTY EPERM EOPNOTSUPP ENOMEM',
  open: OPEN,
  openat: OPEN,
  pipe: `EFAULT EINVAL ${NEW_FD}`,
  pipe2: `EFAULT EINVAL ENOPKG ${NEW_FD}`,
  // A kernel without huge pages has no memory of such.
  memfd_create: `EFAULT EINVAL EPERM EACCES ENOSYS ${NEW_FD}`,
  socketpair: `${SOCKET} EFAULT EOPNOTSUPP`,
  socket: SOCKET,
  bind:
    'EACCES EADDRINUSE EBADF EINVAL ENOTSOCK EADDRNOTAVAIL EFAULT ELOOP ENAMETOOLONG ENOENT ENOMEM ENOTDIR EROFS ' +
    'EAFNOSUPPORT ENOSPC EPERM',
  listen: 'EADDRINUSE EBADF ENOTSOCK EOPNOTSUPP EINVAL',
  accept: ACCEPT,
  accept4: ACCEPT,
  connect:
    'EACCES EPERM EADDRINUSE EADDRNOTAVAIL EAFNOSUPPORT EAGAIN EALREADY EBADF ECONNREFUSED EFAULT EINPROGRESS EINTR ' +
    'EISCONN ENETUNREACH ENOTSOCK EPROTOTYPE ETIMEDOUT ENOENT EINVAL ENOMEM ENOTDIR ELOOP ENAMETOOLONG ENOBUFS ECONNRESET ' +
    'EOPNOTSUPP ENFILE ENOSPC',
  shutdown: 'EBADF EINVAL ENOTCONN ENOTSOCK EOPNOTSUPP',
  recvfrom: RECEIVE,
  recvmsg: `${RECEIVE} ${NEW_FD}`,
  recvmmsg: `${RECEIVE} ${NEW_FD}`,
  sendto: SEND,
  sendmsg: SEND,
  sendmmsg: SEND,
  getsockopt:
    'EBADF EFAULT EINVAL ENOPROTOOPT ENOTSOCK EOPNOTSUPP ENODATA ENOTCONN EPERM ESTALE ENOMEM EMFILE ENFILE ERANGE ESRCH',
  setsockopt:
    'EACCES EBADF EFAULT EINVAL ENOPROTOOPT ENOTSOCK EOPNOTSUPP EDOM EPERM ENOMEM EISCONN ENODEV ENOBUFS ENOENT EBUSY EEXIST ESRCH',
  getsockname: 'EBADF EFAULT EINVAL ENOBUFS ENOTSOCK',
  getpeername: 'EBADF EFAULT EINVAL ENOBUFS ENOTCONN ENOTSOCK',
  eventfd: NEW_FD,
  eventfd2: `EINVAL ${NEW_FD}`,
  timerfd_create: `EINVAL EPERM ${NEW_FD}`,
  timerfd_settime: 'EBADF EFAULT EINVAL ECANCELED EPERM',
  timerfd_gettime: 'EBADF EFAULT EINVAL',
  signalfd: `EBADF EINVAL EFAULT ${NEW_FD}`,
  signalfd4: `EBADF EINVAL EFAULT ${NEW_FD}`,
  epoll_create: `EINVAL ${NEW_FD}`,
  epoll_create1: `EINVAL ${NEW_FD}`,
  epoll_ctl: 'EBADF EEXIST EFAULT EINVAL ELOOP ENOENT ENOMEM ENOSPC EPERM',
  epoll_wait: EPOLL_WAIT,
  epoll_pwait: EPOLL_WAIT,
  epoll_pwait2: EPOLL_WAIT,
  poll: 'EFAULT EINTR EINVAL ENOMEM',
  ppoll: 'EFAULT EINTR EINVAL ENOMEM',
  select: 'EBADF EFAULT EINTR EINVAL ENOMEM',
  pselect6: 'EBADF EFAULT EINTR EINVAL ENOMEM',
  nanosleep: SLEEP,
  clock_nanosleep: SLEEP,
  clock_gettime: 'EFAULT EINVAL EACCES ENODEV EPERM EOPNOTSUPP',
  clock_getres: 'EFAULT EINVAL EACCES ENODEV EPERM EOPNOTSUPP',
  gettimeofday: 'EFAULT',
  getpid: '',
  getppid: '',
  gettid: '',
  getpgrp: '',
  getuid: '',
  geteuid: '',
  getgid: '',
  getegid: '',
  sched_yield: '',
  uname: 'EFAULT',
  getcpu: 'EFAULT',
  alarm: '',
  kill: KILL,
  tkill: KILL,
  tgkill: KILL,
  rt_sigqueueinfo: `${KILL} EFAULT`,
  rt_tgsigqueueinfo: `${KILL} EFAULT`,
  rt_sigaction: 'EFAULT EINVAL',
  rt_sigprocmask: 'EFAULT EINVAL',
  rt_sigpending: 'EFAULT EINVAL',
  rt_sigtimedwait: 'EAGAIN EINTR EINVAL EFAULT',
  rt_sigsuspend: 'EFAULT EINTR EINVAL',
  pause: 'EINTR',
  futex: 'EACCES EAGAIN EDEADLK EFAULT EINTR EINVAL ENFILE ENOMEM ENOSYS EOWNERDEAD EPERM ESRCH ETIMEDOUT',
  clone: CLONE,
  clone3: CLONE,
  fork: 'EAGAIN ENOMEM ENOSYS',
  vfork: 'EAGAIN ENOMEM ENOSYS',
  execve: `E2BIG ENOEXEC ETXTBSY ELIBBAD ${OPEN}`,
  wait4: 'ECHILD EINTR EINVAL ESRCH EFAULT',
  waitid: 'ECHILD EINTR EINVAL EFAULT EBADF EAGAIN',
  setpgid: 'EACCES EINVAL EPERM ESRCH',
  getpgid: 'ESRCH',
  setsid: 'EPERM',
  getsid: 'EPERM ESRCH',
  unshare: 'EINVAL ENOMEM ENOSPC EPERM EUSERS',
  setitimer: 'EFAULT EINVAL',
  getitimer: 'EFAULT EINVAL',
  sched_getaffinity: 'EFAULT EINVAL ESRCH',
  sched_setaffinity: 'EFAULT EINVAL EPERM ESRCH ENOMEM',
  getrlimit: RLIMIT,
  setrlimit: RLIMIT,
  prlimit64: RLIMIT,
  close_range: 'EINVAL EMFILE ENOMEM',
  set_tid_address: '',
};

/** Numbers by name, of the constants that the ABI exports. */
const NUMBERS = new Map<string, number>(
  Object.entries(errno).flatMap(([name, value]) => (typeof value === 'number' ? [[name, value] as const] : [])),
);

const allowed = new Map<string, ReadonlySet<number>>(
  Object.entries(TABLE).map(([name, names]) => [
    name,
    new Set(names.split(' ').flatMap((each) => (each === '' ? [] : [numberOf(name, each)]))),
  ]),
);

function numberOf(call: string, name: string): number {
  const number = NUMBERS.get(name);
  if (number === undefined) throw new Error(`${call}: there is no ${name}`);
  return number;
}

/** Can Linux answer a call so? @param number positive */
export function isErrorOf(call: SyscallName, number: number): boolean {
  const known = allowed.get(call);
  if (known === undefined) return number >= 1 && number <= 133;
  return known.has(number);
}
