// What a row of the system call table says: the kinds of arguments and results, and nothing about any one call.
// Any layer may import it; it imports nothing.

/** Names of a set of constants; `flag-groups.ts` lists what is in each. */
export type FlagGroup =
  | 'clock'
  | 'clone'
  | 'closeRange'
  | 'epollCreate'
  | 'epollEvents'
  | 'epollOp'
  | 'eventfd'
  | 'family'
  | 'fcntl'
  | 'fdFlags'
  | 'futexOp'
  | 'ioctl'
  | 'itimer'
  | 'maskHow'
  | 'memfd'
  | 'message'
  | 'open'
  | 'pollEvents'
  | 'prctl'
  | 'rlimit'
  | 'sigaction'
  | 'shutdown'
  | 'signalfd'
  | 'socketType'
  | 'sockopt'
  | 'sockoptLevel'
  | 'timerfd'
  | 'timerSet'
  | 'wait'
  | 'waitIdType'
  | 'whence';

/** An argument that is its own value. */
export type ScalarKind =
  | 'int'
  | 'uint'
  | 'size'
  | 'offset'
  | 'mode'
  | 'milliseconds'
  | 'fd'
  | 'dirfd'
  | 'pid'
  | 'signal'
  | 'fcntlArgument'
  | `flags:${FlagGroup}`;

/** An argument that is an address, named by what lies there. `ioctlArgument` may be either. */
export type MemoryKind =
  | 'pointer'
  | 'buffer'
  | 'string'
  | 'iovec'
  | 'msghdr'
  | 'fdPair'
  | 'sockaddr'
  | 'socklen'
  | 'stat'
  | 'utsname'
  | 'timespec'
  | 'timeval'
  | 'itimerspec'
  | 'itimerval'
  | 'epollEvent'
  | 'epollEvents'
  | 'pollfds'
  | 'fdset'
  | 'sigset'
  | 'sigsetArgument'
  | 'sigaction'
  | 'siginfo'
  | 'tid'
  | 'cloneArguments'
  | 'waitStatus'
  | 'rusage'
  | 'cpuset'
  | 'rlimit'
  | 'ioctlArgument';

/** Whether the kernel reads what a pointer points at, writes it, or both: a log prints it before or after the call. */
export type Direction = 'in' | 'out' | 'inout';

export type ArgumentKind = ScalarKind | MemoryKind;
export type ArgumentSpec =
  | readonly [name: string, kind: ScalarKind | 'pointer']
  | readonly [name: string, kind: MemoryKind, direction: Direction];

/** zero: 0 or an error. count: of bytes or things. int: anything. never: the call does not return. */
export type ResultKind = 'zero' | 'count' | 'int' | 'fd' | 'pid' | 'signal' | 'never';

export interface SyscallSpec {
  readonly name: string;
  readonly x86_64: number;
  readonly arm64: number;
  readonly result: ResultKind;
  readonly args: readonly ArgumentSpec[];
}
