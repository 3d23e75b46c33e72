// What a guest may rely on of positional reads, file owners, tables of one's own, and limits; `main` runs what argv names.
import {
  alloc,
  allocString,
  AT_FDCWD,
  bytesAt,
  CLOSE_RANGE_CLOEXEC,
  CLOSE_RANGE_UNSHARE,
  EBADF,
  EFAULT,
  EFBIG,
  EINVAL,
  EMFILE,
  ENOTDIR,
  EPERM,
  ESPIPE,
  ESRCH,
  F_ADD_SEALS,
  F_DUPFD,
  F_GETFD,
  F_GETFL,
  F_GETLEASE,
  F_GETOWN,
  F_GETSIG,
  F_NOTIFY,
  F_SETFL,
  F_SETOWN,
  F_SETSIG,
  F_UNLCK,
  FD_CLOEXEC,
  fork,
  type Guest,
  join,
  load32,
  load64,
  makePipe,
  O_APPEND,
  O_ASYNC,
  O_CREAT,
  O_NOATIME,
  O_NONBLOCK,
  O_RDWR,
  O_SYNC,
  O_WRONLY,
  openFlags,
  RLIMIT_CORE,
  RLIMIT_NOFILE,
  RLIMIT_STACK,
  SEEK_CUR,
  startThread,
  store32,
  store64,
  storeString,
  sys,
  trap,
  waitpid,
} from '../../src/programs/libc/index.ts';
import { joinWhole } from './thread-tools.ts';

const NOWHERE = 64;
const INFINITE = 0xffff_ffff_ffff_ffffn;

function same(found: number, wanted: number, promise: string): void {
  if (found !== wanted) throw new Error(`broken promise: ${promise} (found ${found}, wanted ${wanted})`);
}
function must(holds: boolean, promise: string): void {
  if (!holds) throw new Error(`broken promise: ${promise}`);
}
function* memfd(): Guest {
  return yield sys.memfd_create(allocString('m'), 0);
}
function* open(path: string, flags: number): Guest {
  return yield sys.openat(AT_FDCWD, allocString(path), flags, 0);
}
function textAt(at: number, bytes: number): string {
  return String.fromCharCode(...bytesAt(at, bytes));
}

function* positionsAreTheCallers(): Guest {
  const file = yield* memfd();
  const buffer = alloc(32);
  storeString(buffer, 'hello world');
  same(yield sys.write(file, buffer, 11), 11, 'write');
  same(yield sys.pread64(file, buffer, 32, 6), 5, 'pread64 gives what is there');
  must(textAt(buffer, 5) === 'world', 'from its position on');
  same(yield sys.pread64(file, buffer, 32, 100), 0, 'nothing behind the end');
  storeString(buffer, 'there');
  same(yield sys.pwrite64(file, buffer, 5, 20), 5, 'pwrite64 writes behind a hole');
  same(yield sys.lseek(file, 0, SEEK_CUR), 11, 'and the position stays where it was');
  same(yield sys.pread64(file, buffer, 32, 11), 14, 'the hole can be read');
  must(textAt(buffer + 9, 5) === 'there' && load64(buffer) === 0n, 'as zeros');
  same(yield sys.fcntl(file, F_SETFL, O_APPEND), 0, 'with O_APPEND');
  same(yield sys.pwrite64(file, buffer + 9, 5, 0), 5, 'a write');
  same(yield sys.pread64(file, buffer, 32, 25), 5, 'goes to the end all the same');
  same(yield sys.pread64(file, buffer, 4, -1), -EINVAL, 'no negative position');
  same(yield sys.pread64(99, buffer, 4, -1), -EINVAL, 'which comes first');
  same(yield sys.pread64(99, buffer, 4, 0), -EBADF, 'then the descriptor');
  same(yield sys.pread64(file, buffer, 4, Number.MAX_SAFE_INTEGER), -EINVAL, 'a position has an end');
  same(yield sys.fcntl(file, F_SETFL, 0), 0, 'without O_APPEND');
  same(yield sys.pwrite64(file, buffer, 4, 1 << 30), -EFBIG, 'a file has an end');
  same(yield sys.pread64(file, NOWHERE, 4, 0), -EFAULT, 'a bad buffer');
  same(yield sys.pread64(file, NOWHERE, 4, 100), 0, 'of which nothing is needed');
  same(yield sys.pread64(file, buffer, -1, 0), -EFAULT, 'one that no address space holds');
  same(yield sys.read(file, buffer, -1), -EFAULT, 'for read too');
  same(yield sys.read(file, buffer, 2 ** 62), -EFAULT, 'however long');
  const zeros = yield* open('/dev/zero', O_RDWR);
  store64(buffer, -1);
  same(yield sys.pread64(zeros, buffer, 8, 1000), 8, 'a device is the same everywhere');
  must(load64(buffer) === 0n, 'zeros');
  const full = yield* open('/dev/null', O_WRONLY);
  same(yield sys.pwrite64(full, buffer, 8, 3), 8, 'and swallows');
  same(yield sys.pread64(full, buffer, 8, 3), -EBADF, 'what is open for writing is not read');
  const pipe = yield* makePipe();
  for (const fd of [pipe.read, pipe.write, yield sys.eventfd2(0, 0), yield sys.epoll_create1(0)]) {
    same(yield sys.pread64(fd, buffer, 8, 0), -ESPIPE, 'no positions in a stream');
    same(yield sys.pwrite64(fd, NOWHERE, 8, 0), -ESPIPE, 'before all else');
  }
  return 0;
}

function* filesHaveOwners(): Guest {
  const event = yield sys.eventfd2(0, 0);
  const pid = yield sys.getpid();
  same(yield sys.fcntl(event, F_GETOWN, 0), 0, 'nobody owns a file at first');
  same(yield sys.fcntl(event, F_SETOWN, pid), 0, 'any file may be owned');
  same(yield sys.fcntl(event, F_GETOWN, 0), pid, 'and tells by whom');
  same(yield sys.fcntl(event, F_SETOWN, 999_999), -ESRCH, 'but somebody there is');
  same(yield sys.fcntl(event, F_SETOWN, -999_999), -ESRCH, 'in groups too');
  same(yield sys.fcntl(event, F_SETOWN, 0x8000_0000), -EINVAL, 'which have a number');
  same(yield sys.fcntl(event, F_GETOWN, 0), pid, 'what is refused changes nothing');
  same(yield sys.fcntl(event, F_SETOWN, -pid), 0, 'a group');
  same(yield sys.fcntl(event, F_GETOWN, 0), -pid, 'has a minus');
  const thread = yield* startThread(ends);
  same(yield sys.fcntl(event, F_SETOWN, thread.tid), 0, 'a thread');
  yield* joinWhole(thread);
  same(yield sys.fcntl(event, F_GETOWN, 0), 0, 'that ends owns nothing any more');
  same(yield sys.fcntl(event, F_GETSIG, 0), 0, 'SIGIO by default');
  same(yield sys.fcntl(event, F_SETSIG, 10), 0, 'or another signal');
  same(yield sys.fcntl(event, F_GETSIG, 0), 10, 'which is told');
  same(yield sys.fcntl(event, F_SETSIG, 65), -EINVAL, 'if there is such');
  same(yield sys.fcntl(event, F_SETSIG, -1), -EINVAL, 'a signal');
  same(yield sys.fcntl(event, F_GETLEASE, 0), F_UNLCK, 'no lease is held');
  same(yield sys.fcntl(event, F_NOTIFY, 1), -ENOTDIR, 'nor anything watched');
  return 0;
}
export function* ends(): Guest {
  while ((yield sys.smplab_settle()) !== 0);
  return 0;
}

function* flagsAreThoseThatChange(): Guest {
  const direct = openFlags[trap.abi].O_DIRECT;
  const pipe = yield* makePipe();
  const all = O_NONBLOCK | O_APPEND | O_NOATIME | O_SYNC | O_CREAT | O_ASYNC;
  for (const [fd, mode] of [
    [pipe.read, 0],
    [pipe.write, 1],
    [yield sys.eventfd2(0, 0), 2],
    [yield sys.epoll_create1(0), 2],
  ] as const) {
    same(yield sys.fcntl(fd, F_SETFL, all), 0, 'what cannot be changed is ignored');
    same(yield sys.fcntl(fd, F_GETFL, 0), mode | O_NONBLOCK | O_APPEND | O_NOATIME, 'the rest is set');
  }
  const packets = yield* makePipe(direct);
  same(yield sys.fcntl(packets.write, F_GETFL, 0), 1 | direct, 'who writes makes packets');
  same(yield sys.fcntl(packets.read, F_GETFL, 0), 0, 'who reads is not asked');
  same(yield sys.fcntl(pipe.read, F_SETFL, direct), 0, 'pipes have packets');
  same(yield sys.fcntl(pipe.read, F_GETFL, 0), direct, 'and what is not asked for is cleared');
  same(yield sys.fcntl(yield* memfd(), F_SETFL, direct), -EINVAL, 'a memfd has no direct access');
  same(yield sys.fcntl(pipe.read, F_ADD_SEALS, 0), -EPERM, 'who cannot write cannot seal');
  same(yield sys.fcntl(pipe.write, F_ADD_SEALS, 0), -EINVAL, 'who can, not a pipe');
  return 0;
}

function* numbersEndAtTheLimit(): Guest {
  const event = yield sys.eventfd2(0, 0);
  const at = alloc(16);
  store64(at, 12);
  store64(at + 8, 100);
  same(yield sys.setrlimit(RLIMIT_NOFILE, at), 0, 'a limit of twelve');
  same(yield sys.fcntl(event, F_DUPFD, 12), -EINVAL, 'F_DUPFD: not from the limit on');
  same(yield sys.fcntl(event, F_DUPFD, -1), -EINVAL, 'nor from behind all numbers');
  same(yield sys.fcntl(event, F_DUPFD, 2 ** 32 + 8), 8, 'an int is what counts');
  same(yield sys.fcntl(event, F_DUPFD, 11), 11, 'the last number');
  same(yield sys.fcntl(event, F_DUPFD, 11), -EMFILE, 'and then no more');
  same(yield sys.dup2(event, 12), -EBADF, 'dup2: not at the limit');
  same(yield sys.dup2(event, -1), -EBADF, 'nor below 0');
  same(yield sys.dup3(event, 12, 0), -EBADF, 'dup3 neither');
  same(yield sys.dup3(99, 99, 0), -EINVAL, 'dup3: two numbers');
  same(yield sys.dup2(99, 99), -EBADF, 'dup2: of an open one');
  same(yield sys.dup3(99, 5, 1), -EINVAL, 'dup3: flags first');
  return 0;
}

/** argument: address of (descriptor, its copy) */
export function* takesItsOwnTable(at: number): Guest {
  const fd = load32(at);
  same(yield sys.close_range(fd, fd, CLOSE_RANGE_UNSHARE | CLOSE_RANGE_CLOEXEC), 0, 'a table of its own');
  same(yield sys.fcntl(fd, F_GETFD, 0), FD_CLOEXEC, 'in which the mark is set');
  store32(at + 4, yield sys.dup(fd));
  same(yield sys.close_range(fd, 0xffff_ffff, CLOSE_RANGE_UNSHARE), 0, 'it has it already');
  same(yield sys.fcntl(fd, F_GETFD, 0), -EBADF, 'and closes there');
  return 0;
}

function* tablesComeApart(): Guest {
  const at = alloc(8);
  const fd = yield sys.eventfd2(0, 0);
  store32(at, fd);
  yield* join(yield* startThread(takesItsOwnTable, at));
  same(yield sys.fcntl(fd, F_GETFD, 0), 0, "another thread's mark is not seen here");
  must(load32(at + 4) > 0, 'its copy had a number');
  same(yield sys.fcntl(load32(at + 4), F_GETFD, 0), -EBADF, 'which is none here');
  same(yield sys.close_range(fd, fd, 99), -EINVAL, 'no such flags');
  same(yield sys.close_range(5, 4, 0), -EINVAL, 'no such range');
  same(yield sys.close_range(-1, -1, 0), 0, 'numbers have no sign');
  return 0;
}

function* limitIs(pid: number, resource: number, soft: bigint, hard: bigint, promise: string): Guest<void> {
  const at = alloc(16);
  same(yield sys.prlimit64(pid, resource, 0, at), 0, promise);
  must(load64(at) === soft && load64(at + 8) === hard, `${promise} (found ${load64(at)}, ${load64(at + 8)})`);
}

export function* childWithLimits(): Guest {
  yield* limitIs(0, RLIMIT_STACK, 1n << 20n, 1n << 40n, 'a child has the limits of its parent');
  const at = alloc(16);
  store64(at, 0);
  store64(at + 8, 0);
  same(yield sys.setrlimit(RLIMIT_STACK, at), 0, 'and lowers its own');
  return 0;
}

function* limitsAreKept(): Guest {
  const at = alloc(32);
  const limit = (soft: bigint, hard: bigint): number => {
    store64(at, soft);
    store64(at + 8, hard);
    return at;
  };
  yield* limitIs(0, RLIMIT_CORE, INFINITE, INFINITE, 'a resource without a limit');
  same(yield sys.setrlimit(RLIMIT_CORE, limit(0n, INFINITE)), 0, 'a soft one of 0');
  yield* limitIs(0, RLIMIT_CORE, 0n, INFINITE, 'is kept');
  same(yield sys.setrlimit(RLIMIT_STACK, limit(1n << 20n, 1n << 40n)), 0, 'a hard one');
  same(yield sys.setrlimit(RLIMIT_STACK, limit(1n << 20n, (1n << 40n) + 1n)), -EPERM, 'is not raised');
  same(yield sys.setrlimit(RLIMIT_STACK, limit(1n << 20n, INFINITE)), -EPERM, 'to infinity neither');
  same(yield sys.setrlimit(RLIMIT_STACK, limit(2n, 1n)), -EINVAL, 'the soft one is the smaller');
  yield* limitIs(0, RLIMIT_STACK, 1n << 20n, 1n << 40n, 'what is refused changes nothing');
  store64(at + 16, 7n);
  same(yield sys.prlimit64(0, RLIMIT_STACK, limit(2n, 1n), at + 16), -EINVAL, 'prlimit64 that is refused');
  must(load64(at + 16) === 7n, 'tells nothing');
  same(yield sys.prlimit64(0, RLIMIT_CORE, limit(5n, 9n), at), 0, 'the old limit may be told where the new one stood');
  must(load64(at) === 0n && load64(at + 8) === INFINITE, 'the old one');
  same(yield sys.prlimit64(0, RLIMIT_CORE, limit(4n, 9n), NOWHERE), -EFAULT, 'a bad address for it');
  yield* limitIs(0, RLIMIT_CORE, 4n, 9n, 'is found when the new one holds');
  const child = yield* fork(childWithLimits, 0);
  same((yield* waitpid(child)).code ?? -1, 0, 'the child');
  yield* limitIs(0, RLIMIT_STACK, 1n << 20n, 1n << 40n, 'is not the parent');
  const thread = yield* startThread(ends);
  yield* limitIs(thread.tid, RLIMIT_CORE, 4n, 9n, 'any thread of a process names it');
  yield* joinWhole(thread);
  same(yield sys.prlimit64(thread.tid, RLIMIT_CORE, 0, at), -ESRCH, 'while it lives');
  return 0;
}

const scenarios: Readonly<Record<string, () => Guest>> = {
  positionsAreTheCallers,
  filesHaveOwners,
  flagsAreThoseThatChange,
  numbersEndAtTheLimit,
  tablesComeApart,
  limitsAreKept,
};

export function* main(_argument: number, argv: unknown): Guest {
  return yield* scenarios[String(argv)]!();
}
