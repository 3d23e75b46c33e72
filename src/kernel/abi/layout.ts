// Sizes and field offsets, in bytes, of the structs that a guest shares with the kernel through user memory.
// Where the architectures differ the layout is keyed by abi. Copy-in and copy-out and the guest's libc both use it, so
// that neither can be right alone. 64-bit fields are two little-endian words, the low one first.

import type { Abi } from './types.ts';

export const INT_SIZE = 4;
export const POINTER_SIZE = 8;
export const SIZE_T_SIZE = 8;
/** What read and write of an eventfd and a timerfd move. */
export const EVENTFD_VALUE_SIZE = 8;
export const SIGSET_SIZE = 8;
export const SOCKLEN_SIZE = 4;

export interface EpollEventLayout {
  readonly size: number;
  readonly events: number;
  /** The 64 bits of user data. */
  readonly data: number;
}

/** x86_64 packs the struct so that 32-bit programs agree with it; arm64 aligns the data to 8. */
export const epollEventLayout: Readonly<Record<Abi, EpollEventLayout>> = {
  x86_64: { size: 12, events: 0, data: 4 },
  arm64: { size: 16, events: 0, data: 8 },
};

export const pollfdLayout = { size: 8, fd: 0, events: 4, revents: 6 } as const;

export const timespecLayout = { size: 16, seconds: 0, nanoseconds: 8 } as const;
export const timevalLayout = { size: 16, seconds: 0, microseconds: 8 } as const;
export const itimerspecLayout = { size: 32, interval: 0, value: 16 } as const;
export const itimervalLayout = { size: 32, interval: 0, value: 16 } as const;

/** The kernel's struct of rt_sigaction, not the C library's; both architectures have sa_restorer. */
export const sigactionLayout = { size: 32, handler: 0, flags: 8, restorer: 16, mask: 24 } as const;

export const iovecLayout = { size: 16, base: 0, length: 8 } as const;

/** struct user_msghdr, and the head of a control message within it. */
export const msghdrLayout = {
  size: 56,
  name: 0,
  nameLength: 8,
  iov: 16,
  iovLength: 24,
  control: 32,
  controlLength: 40,
  flags: 48,
} as const;
/** struct mmsghdr of sendmmsg and recvmmsg: a msghdr, and how many bytes were moved. */
export const mmsghdrLayout = { size: 64, header: 0, bytes: 56 } as const;
export const cmsghdrLayout = { size: 16, length: 0, level: 8, type: 12, data: 16, align: 8 } as const;

/** struct sockaddr_un: the family, then a path that need not end in NUL; a leading NUL makes the name abstract. */
export const sockaddrUnLayout = { size: 110, family: 0, path: 2, pathSize: 108 } as const;

export const utsnameLayout = {
  size: 390,
  fieldSize: 65,
  sysname: 0,
  nodename: 65,
  release: 130,
  version: 195,
  machine: 260,
  domainname: 325,
} as const;

export interface StatLayout {
  readonly size: number;
  readonly st_dev: number;
  readonly st_ino: number;
  readonly st_mode: number;
  readonly st_nlink: number;
  readonly st_uid: number;
  readonly st_gid: number;
  readonly st_rdev: number;
  readonly st_size: number;
  readonly st_blksize: number;
  readonly st_blocks: number;
  /** st_nlink and st_blksize have a width of their own on each architecture. */
  readonly nlinkSize: number;
  readonly blksizeSize: number;
}

export const statLayout: Readonly<Record<Abi, StatLayout>> = {
  x86_64: {
    size: 144,
    st_dev: 0,
    st_ino: 8,
    st_nlink: 16,
    st_mode: 24,
    st_uid: 28,
    st_gid: 32,
    st_rdev: 40,
    st_size: 48,
    st_blksize: 56,
    st_blocks: 64,
    nlinkSize: 8,
    blksizeSize: 8,
  },
  arm64: {
    size: 128,
    st_dev: 0,
    st_ino: 8,
    st_mode: 16,
    st_nlink: 20,
    st_uid: 24,
    st_gid: 28,
    st_rdev: 32,
    st_size: 48,
    st_blksize: 56,
    st_blocks: 64,
    nlinkSize: 4,
    blksizeSize: 4,
  },
};

/** struct signalfd_siginfo: what one read of a signalfd yields for each signal. */
export const signalfdSiginfoLayout = {
  size: 128,
  ssi_signo: 0,
  ssi_errno: 4,
  ssi_code: 8,
  ssi_pid: 12,
  ssi_uid: 16,
  ssi_fd: 20,
  ssi_tid: 24,
  ssi_band: 28,
  ssi_overrun: 32,
  ssi_trapno: 36,
  ssi_status: 40,
  ssi_int: 44,
  ssi_ptr: 48,
  ssi_utime: 56,
  ssi_stime: 64,
  ssi_addr: 72,
} as const;

/** siginfo_t as kill, sigqueue and a child's end fill it; `value` of a queued signal overlaps `status`. */
export const siginfoLayout = {
  size: 128,
  si_signo: 0,
  si_errno: 4,
  si_code: 8,
  si_pid: 16,
  si_uid: 20,
  si_status: 24,
  si_value: 24,
} as const;

/**
 * The first bytes of a process's user memory, which its C library keeps: bytes handed out by the allocator, the base of
 * the memory that this one is a copy of (or 0), and bytes at the far end that execve filled.
 */
export const memoryHeadLayout = { size: 16, used: 0, copiedFrom: 4, reservedAtEnd: 8 } as const;

export const rlimitLayout = { size: 16, current: 0, maximum: 8 } as const;

/** struct rusage; the lab fills the two times and leaves the rest zero. */
export const rusageLayout = {
  size: 144,
  userTime: 0,
  systemTime: 16,
  voluntarySwitches: 128,
  involuntarySwitches: 136,
} as const;

/** struct clone_args in its three published sizes. */
export const cloneArgumentsLayout = {
  sizeVersion0: 64,
  sizeVersion1: 80,
  size: 88,
  flags: 0,
  pidfd: 8,
  child_tid: 16,
  parent_tid: 24,
  exit_signal: 32,
  stack: 40,
  stack_size: 48,
  tls: 56,
  set_tid: 64,
  set_tid_size: 72,
  cgroup: 80,
} as const;

/** pselect6's sixth argument: the address of the mask, then its size. */
export const sigsetArgumentLayout = { size: 16, mask: 0, maskSize: 8 } as const;

/** struct epoll_params of EPIOCSPARAMS and EPIOCGPARAMS. */
export const epollParamsLayout = { size: 8, busyPollMicroseconds: 0, budget: 4, prefer: 6, pad: 7 } as const;
