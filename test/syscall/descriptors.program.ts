// What a guest may rely on of descriptors and of the files that are no event sources: fcntl, ioctl, lseek, fstat, memfd,
// the devices, limits. The answers are Linux's; how much a memfd holds is this kernel's. `main` runs the scenario that
// argv names. A broken promise is thrown, which ends the machine and names it.
import {
  alloc,
  allocString,
  AT_FDCWD,
  bytesAt,
  CLOSE_RANGE_CLOEXEC,
  EAGAIN,
  EBADF,
  EBUSY,
  EEXIST,
  EFAULT,
  EFBIG,
  EINVAL,
  EMFILE,
  ENAMETOOLONG,
  ENOENT,
  ENOSPC,
  ENOTDIR,
  ENOTTY,
  ENXIO,
  EPERM,
  ESPIPE,
  ESRCH,
  F_ADD_SEALS,
  F_DUPFD,
  F_DUPFD_CLOEXEC,
  F_DUPFD_QUERY,
  F_GET_SEALS,
  F_GETFD,
  F_GETFL,
  F_GETPIPE_SZ,
  F_SEAL_GROW,
  F_SEAL_SEAL,
  F_SEAL_WRITE,
  F_SETFD,
  F_SETFL,
  F_SETPIPE_SZ,
  FD_CLOEXEC,
  FIOCLEX,
  FIONBIO,
  FIONCLEX,
  FIONREAD,
  type Guest,
  load16,
  load32,
  load64,
  MFD_ALLOW_SEALING,
  MFD_CLOEXEC,
  O_APPEND,
  O_CLOEXEC,
  O_CREAT,
  O_EXCL,
  O_NONBLOCK,
  O_RDONLY,
  O_RDWR,
  openFlags,
  POLLIN,
  POLLOUT,
  RLIMIT_CORE,
  RLIMIT_NOFILE,
  S_IFCHR,
  S_IFIFO,
  S_IFREG,
  SEEK_CUR,
  SEEK_DATA,
  SEEK_END,
  SEEK_HOLE,
  SEEK_SET,
  store16,
  store32,
  store64,
  store8,
  sys,
  trap,
} from '../../src/programs/libc/index.ts';
import { statLayout } from '../../src/kernel/abi/layout.ts';

const BAD_ADDRESS = 1;
const MEMFD_MAX = 4 << 20;

function same(found: number | string, wanted: number | string, promise: string): void {
  if (found !== wanted) throw new Error(`broken promise: ${promise} (found ${found}, wanted ${wanted})`);
}

const own = (): (typeof openFlags)['x86_64'] => openFlags[trap.abi];

function* pipe(flags = O_NONBLOCK): Guest<[number, number]> {
  const at = alloc(8);
  same(yield sys.pipe2(at, flags), 0, 'a pipe can be made');
  return [load32(at), load32(at + 4)];
}
function* memfd(flags = 0): Guest {
  return yield sys.memfd_create(allocString('m'), flags);
}
function* open(path: string, flags: number): Guest {
  return yield sys.openat(AT_FDCWD, allocString(path), flags, 0);
}
function* polled(fd: number): Guest {
  const at = alloc(8);
  store32(at, fd);
  store16(at + 4, POLLIN | POLLOUT);
  yield sys.poll(at, 1, 0);
  return load16(at + 6);
}
function limitAt(current: number, maximum: number): number {
  const at = alloc(16);
  store64(at, current);
  store64(at + 8, maximum);
  return at;
}

const scenarios: Record<string, () => Guest<void>> = {
  *fcntlAnswers() {
    const [r, w] = yield* pipe();
    same(yield sys.fcntl(999, 999, 0), -EBADF, 'the descriptor comes before the command');
    same(yield sys.fcntl(r, 999, 0), -EINVAL, 'an unknown command');
    same(yield sys.fcntl(r, F_DUPFD, 20), 20, 'F_DUPFD: at or above');
    same(yield sys.fcntl(r, F_DUPFD, 20), 21, 'the lowest free');
    same(yield sys.fcntl(r, F_DUPFD, -1), -EINVAL, 'no such number');
    same(yield sys.fcntl(r, F_DUPFD, 1_000_000), -EINVAL, 'beyond the limit');
    same(yield sys.fcntl(20, F_GETFD, 0), 0, 'a copy is kept over exec');
    const copy = yield sys.fcntl(r, F_DUPFD_CLOEXEC, 0);
    same(yield sys.fcntl(copy, F_GETFD, 0), FD_CLOEXEC, 'unless asked for');
    same(yield sys.fcntl(copy, F_SETFD, 2), 0, 'one bit counts');
    same(yield sys.fcntl(copy, F_GETFD, 0), 0, 'and is cleared');
    same(yield sys.fcntl(r, F_DUPFD_QUERY, copy), 1, 'the same open file');
    same(yield sys.fcntl(r, F_DUPFD_QUERY, w), 0, 'another');
    same(yield sys.fcntl(r, F_DUPFD_QUERY, 999), -EBADF, 'none');
    same(yield sys.fcntl(r, F_GETFL, 0), O_RDONLY | O_NONBLOCK, 'F_GETFL');
    same(yield sys.fcntl(r, F_SETFL, O_APPEND | O_RDWR | O_CREAT), 0, 'what cannot be set is ignored');
    same(yield sys.fcntl(copy, F_GETFL, 0), O_RDONLY | O_APPEND, 'flags belong to the open file');
    const device = yield* open('/dev/null', O_RDWR);
    same(yield sys.fcntl(device, F_SETFL, own().O_DIRECT), -EINVAL, 'O_DIRECT is not for all files');
    same(yield sys.ioctl(r, FIOCLEX, 0), 0, 'FIOCLEX');
    same(yield sys.fcntl(r, F_GETFD, 0), 1, 'sets it');
    same(yield sys.ioctl(r, FIONCLEX, 0), 0, 'FIONCLEX');
    same(yield sys.fcntl(r, F_GETFD, 0), 0, 'clears it');
    const one = alloc(8);
    store32(one, 7);
    same(yield sys.ioctl(r, FIONBIO, BAD_ADDRESS), -EFAULT, 'FIONBIO looks at an int');
    same(yield sys.ioctl(r, FIONBIO, one), 0, 'FIONBIO');
    same(yield sys.read(r, one, 1), -EAGAIN, 'nonblocking again');
    same(yield sys.ioctl(device, FIONREAD, one), -ENOTTY, 'a device has no count');
    same(yield sys.ioctl(999, FIONBIO, BAD_ADDRESS), -EBADF, 'the descriptor comes first');
  },

  *pipesAreResized() {
    const [r, w] = yield* pipe();
    same(yield sys.fcntl(r, F_GETPIPE_SZ, 0), 65_536, 'the size of a pipe');
    same(yield sys.fcntl(r, F_SETPIPE_SZ, 5000), 8192, 'rounded up to pages, a power of two');
    same(yield sys.fcntl(w, F_SETPIPE_SZ, 0), 4096, 'at least one, from either end');
    const bytes = alloc(8192);
    same(yield sys.write(w, bytes, 8192), 4096, 'it holds that much');
    same(yield* polled(w), 0, 'and is full');
    same(yield sys.fcntl(w, F_SETPIPE_SZ, 8192), 8192, 'it grows');
    same(yield* polled(w), POLLOUT, 'and has room');
    same(yield sys.write(w, bytes, 8192), 4096, 'for so much');
    same(yield sys.fcntl(w, F_SETPIPE_SZ, 4096), -EBUSY, 'it keeps what it holds');
    same(yield sys.fcntl(w, F_SETPIPE_SZ, 2 << 20), -EPERM, 'there is a maximum');
    same(yield sys.fcntl(yield* memfd(), F_GETPIPE_SZ, 0), -EBADF, 'no pipe');
  },

  *rangesAreClosed() {
    const [r] = yield* pipe();
    for (const fd of [10, 12, 13, 20]) same(yield sys.fcntl(r, F_DUPFD, fd), fd, 'a copy');
    same(yield sys.close_range(9, 8, 0), -EINVAL, 'a range that ends before it begins');
    same(yield sys.close_range(8, 9, 9), -EINVAL, 'an unknown flag');
    same(yield sys.close_range(12, 13, CLOSE_RANGE_CLOEXEC), 0, 'mark');
    same(yield sys.fcntl(12, F_GETFD, 0), 1, 'marked, not closed');
    same(yield sys.close_range(11, 0xffffffff, 0), 0, 'close');
    same(yield sys.fcntl(10, F_GETFD, 0), 0, 'below the range');
    same(yield sys.fcntl(20, F_GETFD, 0), -EBADF, 'within');
    same(yield sys.fcntl(r, F_DUPFD, 11), 11, 'its numbers are free again');
  },

  *memfdsKeepBytes() {
    same(yield sys.memfd_create(BAD_ADDRESS, 0), -EFAULT, 'a bad name');
    same(yield sys.memfd_create(allocString('x'.repeat(250)), 0), -EINVAL, 'a long name');
    same(yield sys.memfd_create(BAD_ADDRESS, 0x100), -EINVAL, 'flags come first');
    const m = yield sys.memfd_create(allocString('x'.repeat(249)), MFD_CLOEXEC);
    same(yield sys.fcntl(m, F_GETFD, 0), 1, 'MFD_CLOEXEC');
    same(yield sys.fcntl(m, F_GETFL, 0), O_RDWR | own().O_LARGEFILE, 'it is a large file');
    same(yield* polled(m), POLLIN | POLLOUT, 'always ready');
    const bytes = alloc(8192);
    bytesAt(bytes, 8192).forEach((_, i, all) => {
      all[i] = i % 251;
    });
    same(yield sys.lseek(m, 10_000, SEEK_SET), 10_000, 'beyond the end');
    same(yield sys.write(m, bytes, 8192), 8192, 'a write leaves a hole');
    same(yield sys.lseek(m, 0, SEEK_CUR), 18_192, 'and moves on');
    same(yield sys.lseek(m, 0, SEEK_END), 18_192, 'the size');
    same(yield sys.lseek(m, 0, SEEK_DATA), 8192, 'the hole is whole pages');
    same(yield sys.lseek(m, 9000, SEEK_HOLE), 18_192, 'the end is a hole');
    same(yield sys.lseek(m, 18_192, SEEK_DATA), -ENXIO, 'nothing beyond it');
    same(yield sys.lseek(m, 9999, SEEK_SET), 9999, 'back');
    const copy = yield sys.dup(m);
    const into = alloc(8192);
    bytesAt(into, 8192).fill(9);
    same(yield sys.read(copy, into, 100), 100, 'a copy shares the position');
    same(bytesAt(into, 4).join(), '0,0,1,2', 'zeros, then bytes');
    same(yield sys.read(m, BAD_ADDRESS, 10), -EFAULT, 'a bad buffer');
    same(yield sys.read(m, into, 100), 100, 'moved nothing');
    same(bytesAt(into, 1).join(), '99', 'the next byte');
    const left = alloc(8);
    same(yield sys.ioctl(m, FIONREAD, left), 0, 'FIONREAD');
    same(load32(left), 18_192 - 9999 - 200, 'what is left');
    same(yield sys.lseek(m, -1, SEEK_SET), -EINVAL, 'no such place');
    same(yield sys.lseek(m, 0, 5), -EINVAL, 'no such origin');
    same(yield sys.lseek(999, 0, 5), -EBADF, 'no such file');
    const [r] = yield* pipe();
    same(yield sys.lseek(r, 0, 9), -EINVAL, 'the origin comes before');
    same(yield sys.lseek(r, 0, SEEK_SET), -ESPIPE, 'what cannot seek');
    same(yield sys.fcntl(m, F_SETFL, O_APPEND), 0, 'append');
    yield sys.lseek(m, 0, SEEK_SET);
    same(yield sys.write(m, bytes, 8), 8, 'to the end');
    same(yield sys.lseek(m, 0, SEEK_END), 18_200, 'it grew');
  },

  *memfdsEndSomewhere() {
    const m = yield* memfd();
    const bytes = alloc(8192);
    same(yield sys.lseek(m, MEMFD_MAX - 100, SEEK_SET), MEMFD_MAX - 100, 'near the greatest size');
    same(yield sys.write(m, bytes, 8192), 100, 'what fits');
    same(yield sys.write(m, bytes, 1), -EFBIG, 'and no more');
    yield sys.lseek(m, 0, SEEK_SET);
    const hoard = alloc(1 << 18);
    let failed = 0;
    while (failed === 0) {
      const next = yield* memfd();
      for (let written = 0; written < MEMFD_MAX && failed === 0; ) {
        const r = yield sys.write(next, hoard, 1 << 18);
        if (r < 0) failed = r;
        else written += r;
      }
    }
    same(failed, -ENOSPC, 'the machine has so many pages');
    same(yield sys.read(m, bytes, 8192), 8192, 'a hole needs none');
  },

  *memfdsAreSealed() {
    const plain = yield* memfd();
    same(yield sys.fcntl(plain, F_GET_SEALS, 0), F_SEAL_SEAL, 'sealed against sealing');
    same(yield sys.fcntl(plain, F_ADD_SEALS, F_SEAL_WRITE), -EPERM, 'so it stays');
    const m = yield* memfd(MFD_ALLOW_SEALING);
    same(yield sys.write(m, alloc(8), 8), 8, 'some bytes');
    same(yield sys.fcntl(m, F_ADD_SEALS, F_SEAL_GROW), 0, 'it grows no more');
    same(yield sys.write(m, alloc(8), 1), -EPERM, 'past its end');
    yield sys.lseek(m, 0, SEEK_SET);
    same(yield sys.write(m, alloc(8), 8), 8, 'but within');
    same(yield sys.fcntl(m, F_ADD_SEALS, F_SEAL_WRITE | F_SEAL_SEAL), 0, 'no writes, no seals');
    yield sys.lseek(m, 0, SEEK_SET);
    same(yield sys.write(m, alloc(8), 1), -EPERM, 'not even within');
    same(yield sys.fcntl(m, F_ADD_SEALS, 0), -EPERM, 'for good');
    same(yield sys.fcntl((yield* pipe())[0], F_GET_SEALS, 0), -EINVAL, 'a pipe has no seals');
  },

  *devicesAnswer() {
    same(yield* open('/dev/none', O_RDWR), -ENOENT, 'another name');
    same(yield* open('', O_RDWR), -ENOENT, 'no name');
    same(yield* open('/'.repeat(4096), O_RDWR), -ENAMETOOLONG, 'too long a name');
    same(yield sys.openat(AT_FDCWD, BAD_ADDRESS, O_RDWR, 0), -EFAULT, 'a bad name');
    same(yield sys.openat(999, allocString('null'), O_RDWR, 0), -EBADF, 'relative to nothing');
    same(yield* open('/dev/null', O_CREAT | O_EXCL), -EEXIST, 'it is there already');
    same(yield* open('/dev/null', own().O_DIRECTORY), -ENOTDIR, 'no directory');
    same(yield* open('/dev/null', own().O_DIRECT), -EINVAL, 'no direct access');
    const odd = yield* open('/dev/null', O_RDWR | -0x80000000 | 0x7f000000);
    same(yield sys.fcntl(odd, F_GETFL, 0), O_RDWR | own().O_LARGEFILE, 'flags that nobody knows are dropped');
    const nothing = yield* open('/dev/null', O_RDWR | O_CLOEXEC);
    same(yield sys.fcntl(nothing, F_GETFD, 0), 1, 'O_CLOEXEC');
    same(yield sys.fcntl(nothing, F_GETFL, 0), O_RDWR | own().O_LARGEFILE, 'flags');
    same(yield sys.write(nothing, BAD_ADDRESS, 100), 100, 'it swallows all, unseen');
    same(yield sys.read(nothing, BAD_ADDRESS, 100), 0, 'and has nothing');
    same(yield sys.lseek(nothing, 5, SEEK_SET), 0, 'nowhere to go');
    same(yield* polled(nothing), POLLIN | POLLOUT, 'always ready');
    const zero = yield* open('/dev/zero', O_RDONLY);
    const into = alloc(64);
    bytesAt(into, 64).fill(9);
    same(yield sys.read(zero, into, 3), 3, 'as much as wanted');
    same(bytesAt(into, 4).join(), '0,0,0,9', 'of zeros');
    const vector = alloc(32);
    store64(vector, into + 8);
    store64(vector + 8, 2);
    store64(vector + 16, into + 20);
    store64(vector + 24, 5);
    same(yield sys.readv(zero, vector, 2), 7, 'scattered too');
    same(bytesAt(into + 8, 3).join(), '0,0,9', 'the first piece');
    same(bytesAt(into + 20, 6).join(), '0,0,0,0,0,9', 'and the second');
    same(yield sys.read(zero, BAD_ADDRESS, 3), -EFAULT, 'a bad buffer');
    same(yield sys.write(zero, into, 3), -EBADF, 'opened for reading');
  },

  *fstatTells() {
    const layout = statLayout[trap.abi];
    const at = alloc(layout.size);
    const [r] = yield* pipe();
    const m = yield* memfd();
    yield sys.write(m, alloc(5000), 5000);
    same(yield sys.fstat(999, BAD_ADDRESS), -EBADF, 'the descriptor comes first');
    same(yield sys.fstat(m, BAD_ADDRESS), -EFAULT, 'a bad address');
    for (const [fd, mode, size, blocks, device, links] of [
      [r, S_IFIFO | 0o600, 0, 0, 0, 1],
      [m, S_IFREG | 0o777, 5000, 16, 0, 0],
      [yield* open('/dev/null', O_RDWR), S_IFCHR | 0o666, 0, 0, 0x103, 1],
      [yield sys.eventfd2(0, 0), 0o600, 0, 0, 0, 1],
    ] as const) {
      same(yield sys.fstat(fd, at), 0, 'fstat');
      same(load32(at + layout.st_mode), mode, 'st_mode');
      same(Number(load64(at + layout.st_size)), size, 'st_size');
      same(Number(load64(at + layout.st_blocks)), blocks, 'st_blocks');
      same(Number(load64(at + layout.st_rdev)), device, 'st_rdev');
      same(load32(at + layout.st_nlink), links, 'st_nlink');
      same(load32(at + layout.st_blksize), 4096, 'st_blksize');
    }
  },

  *limitsHold() {
    const at = alloc(16);
    same(yield sys.getrlimit(99, at), -EINVAL, 'no such resource');
    same(yield sys.getrlimit(RLIMIT_NOFILE, BAD_ADDRESS), -EFAULT, 'a bad address');
    same(yield sys.getrlimit(RLIMIT_NOFILE, at), 0, 'getrlimit');
    const hard = Number(load64(at + 8));
    same(yield sys.getrlimit(RLIMIT_CORE, at), 0, 'another resource');
    same(load64(at) === 0xffffffffffffffffn ? 1 : 0, 1, 'is infinite');
    same(yield sys.setrlimit(RLIMIT_NOFILE, limitAt(20, 10)), -EINVAL, 'the soft one is the smaller');
    same(yield sys.setrlimit(RLIMIT_NOFILE, limitAt(20, hard + 1)), -EPERM, 'the hard one is not raised');
    same(yield sys.prlimit64(0, RLIMIT_NOFILE, limitAt(8, 100), at), 0, 'prlimit64');
    same(Number(load64(at)), hard, 'tells the old one');
    same(yield sys.setrlimit(RLIMIT_NOFILE, limitAt(8, hard)), -EPERM, 'a hard limit that was lowered stays');
    same(yield sys.prlimit64(4_000_000, RLIMIT_NOFILE, 0, at), -ESRCH, 'nobody');
    let fd = 0;
    while (fd >= 0) {
      const next = yield sys.eventfd2(0, 0);
      if (next < 0) same(fd, 7, 'numbers below the limit');
      fd = next;
    }
    same(fd, -EMFILE, 'and none beyond');
    same(yield sys.dup2(0, 8), -EBADF, 'dup2 neither');
    same(yield sys.setrlimit(RLIMIT_NOFILE, limitAt(9, 100)), 0, 'raised again');
    same(yield sys.eventfd2(0, 0), 8, 'one more');
  },

  *unameNamesTheMachine() {
    const at = alloc(390);
    same(yield sys.uname(BAD_ADDRESS), -EFAULT, 'a bad address');
    store8(at + 389, 1);
    same(yield sys.uname(at), 0, 'uname');
    const field = (index: number): string =>
      Buffer.from(bytesAt(at + index * 65, 65))
        .toString()
        .replaceAll('\0', '');
    same(field(0), 'Linux', 'sysname');
    same(field(4), trap.abi === 'x86_64' ? 'x86_64' : 'aarch64', 'machine');
    same(field(5), '(none)', 'the rest is cleared');
  },
};

export function* main(_argument: number, scenario: string): Guest {
  yield* scenarios[scenario]!();
  return 0;
}
