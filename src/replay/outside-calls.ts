// Calls that ask the world outside the machine: files, memory, who runs the program, random bytes. Their recorded results
// are imposed, by reason, and the descriptors that they give stay descriptors of the outside. The plan asks here for what
// the machine does not have; a call that is not listed is unsupported, by its name.

export const FILES = 'files and directories';
export const MEMORY = 'memory';
export const PROGRAM = 'the program and its loader';
export const CREDENTIALS = 'identities';
export const RANDOM = 'random bytes';
export const SCHEDULING = 'priorities, limits and the host';
export const HOST_ERRORS = 'errors of the host’s limits and rights';
export const NETWORK_ERRORS = 'errors of the network';
export const SYSTEM_V = 'shared memory and queues of System V and POSIX';

const listed: Readonly<Record<string, string>> = {
  [FILES]: `
    open openat openat2 creat stat lstat fstat newfstatat fstatat64 statx access faccessat faccessat2 readlink readlinkat
    getdents getdents64 mkdir mkdirat rmdir unlink unlinkat rename renameat renameat2 link linkat symlink symlinkat mknod
    mknodat chmod fchmod fchmodat fchmodat2 chown fchown lchown fchownat truncate ftruncate fsync fdatasync sync syncfs
    sync_file_range statfs fstatfs flock fallocate fadvise64 readahead copy_file_range pread64 pwrite64 preadv pwritev
    preadv2 pwritev2 lseek getcwd chdir fchdir chroot umask utime utimes utimensat futimesat getxattr lgetxattr fgetxattr
    setxattr lsetxattr fsetxattr listxattr llistxattr flistxattr removexattr lremovexattr fremovexattr inotify_init
    inotify_init1 inotify_add_watch inotify_rm_watch fanotify_init fanotify_mark mount umount umount2 pivot_root
    name_to_handle_at open_by_handle_at quotactl swapon swapoff open_tree move_mount fsopen fsconfig fsmount fspick
    mount_setattr statmount listmount cachestat`,
  [MEMORY]: `
    mmap mmap2 munmap mprotect mremap madvise process_madvise brk mlock mlock2 munlock mlockall munlockall msync mincore
    remap_file_pages pkey_alloc pkey_free pkey_mprotect membarrier mbind get_mempolicy set_mempolicy
    set_mempolicy_home_node migrate_pages move_pages process_vm_readv process_vm_writev map_shadow_stack mseal memfd_secret`,
  [PROGRAM]: `
    execve execveat arch_prctl set_thread_area get_thread_area rseq set_robust_list get_robust_list prctl personality
    seccomp modify_ldt sigaltstack vhangup uselib`,
  [CREDENTIALS]: `
    setuid setgid setreuid setregid setresuid getresuid setresgid getresgid setfsuid setfsgid getgroups setgroups capget
    capset getuid geteuid getgid getegid getlogin sethostname setdomainname keyctl add_key request_key
    landlock_create_ruleset landlock_add_rule landlock_restrict_self setns unshare`,
  [RANDOM]: 'getrandom',
  [SCHEDULING]: `
    sched_setscheduler sched_getscheduler sched_setparam sched_getparam sched_setattr sched_getattr
    sched_get_priority_min sched_get_priority_max sched_rr_get_interval sched_setaffinity sched_getaffinity getpriority
    setpriority ioprio_get ioprio_set getrlimit setrlimit prlimit64 getcpu sysinfo syslog acct reboot init_module
    finit_module delete_module`,
  [SYSTEM_V]: `
    shmget shmat shmctl shmdt msgget msgsnd msgrcv msgctl semget semop semtimedop semctl mq_open mq_unlink mq_timedsend
    mq_timedreceive mq_notify mq_getsetattr`,
};

const reasons: ReadonlyMap<string, string> = new Map(
  Object.entries(listed).flatMap(([reason, names]) =>
    names
      .trim()
      .split(/\s+/)
      .map((name): [string, string] => [name, reason]),
  ),
);

/** Calls that the machine may have, and whose answer is the host's all the same: its limits, its CPUs, its loader. */
const hosts: Readonly<Record<string, string>> = {
  prlimit64: SCHEDULING,
  getrlimit: SCHEDULING,
  setrlimit: SCHEDULING,
  sched_getaffinity: SCHEDULING,
  sched_setaffinity: SCHEDULING,
  getcpu: SCHEDULING,
  prctl: PROGRAM,
  set_tid_address: CREDENTIALS,
  unshare: CREDENTIALS,
};

/** Errors that come of the host's limits and rights, whatever the call. */
const hostErrors = new Set([
  'EMFILE',
  'ENFILE',
  'ENOMEM',
  'ENOBUFS',
  'ENOSPC',
  'EDQUOT',
  'EIO',
  'EROFS',
  'EACCES',
  'EPERM',
]);

/** Errors by which a network socket tells of the network; a reset and a broken pipe are replayed. */
const networkErrors = new Set([
  'ENOTCONN',
  'ETIMEDOUT',
  'EHOSTUNREACH',
  'EHOSTDOWN',
  'ENETUNREACH',
  'ENETDOWN',
  'ENETRESET',
  'ECONNABORTED',
  'EADDRNOTAVAIL',
  'EPROTO',
  'EOPNOTSUPP',
  'EMSGSIZE',
]);

/** Why an answer is the host's or the network's although the machine has the call. */
export function outsideAnswer(call: string, errno: string | undefined, internet: boolean): string | undefined {
  if (Object.hasOwn(hosts, call)) return hosts[call];
  if (errno === undefined) return undefined;
  if (hostErrors.has(errno)) return HOST_ERRORS;
  return internet && call !== 'connect' && networkErrors.has(errno) ? NETWORK_ERRORS : undefined;
}

/** Why the recorded result of a call that the machine does not have is imposed; undefined for one that it lacks. */
export function outsideReason(call: string): string | undefined {
  return reasons.get(call);
}
