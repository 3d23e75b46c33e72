/**
 * Recipes of calls on descriptors: bytes in and out, duplicates, flags, pipes, memfds, devices, eventfds.
 */
import { EFD_CLOEXEC, EFD_NONBLOCK, EFD_SEMAPHORE } from '../../kernel/abi/flags-event.ts';
import {
  AT_FDCWD,
  F_ADD_SEALS,
  F_DUPFD,
  F_DUPFD_CLOEXEC,
  F_GET_SEALS,
  F_GETFD,
  F_GETFL,
  F_GETPIPE_SZ,
  F_SETFD,
  F_SETFL,
  F_SETPIPE_SZ,
  FD_CLOEXEC,
  FIONBIO,
  FIONREAD,
  MFD_ALLOW_SEALING,
  MFD_CLOEXEC,
  O_CLOEXEC,
  O_NONBLOCK,
  O_RDWR,
} from '../../kernel/abi/flags-file.ts';
import { statLayout } from '../../kernel/abi/layout.ts';
import { store32, store64 } from '../libc/memory.ts';
import { load32 } from '../libc/memory.ts';
import { sys } from '../libc/sys.ts';
import { trap } from '../libc/trap.ts';
import { buffer, text, vector } from './build-arguments.ts';
import type { Caller, Recipe } from './caller.ts';
import {
  CLOSED,
  DESCRIPTORS_MAX,
  DEVICE,
  EVENTFD,
  MEMFD,
  PIPE_READ,
  PIPE_WRITE,
  READABLE,
  UNKNOWN,
  WRITABLE,
} from './descriptors.ts';
import { LARGE_MAX } from './scratch.ts';

/** Most descriptors do not block: a caller that waits makes no calls. */
export function nonblocking(c: Caller, flag: number): number {
  return c.random.once(6) ? 0 : flag;
}

/** Mostly a few bytes, at times pages of them. */
export function someBytes(c: Caller): number {
  return c.random.once(12) ? c.random.below(LARGE_MAX) : c.random.once(3) ? 8 : c.random.below(200);
}

/** Notes the descriptor that a call has made. */
export function notesFd(kind: number): (c: Caller, result: number) => undefined {
  return (c, result) => {
    if (result >= 0) c.fds.note(result, kind);
  };
}

/** Notes two descriptors, which a call has stored where `notes[0]` says. */
export function notesPair(first: number, second: number): (c: Caller, result: number) => string | undefined {
  return (c, result) => {
    if (result !== 0 || c.spoiled) return undefined;
    const [a, b] = [load32(c.notes[0]), load32(c.notes[0] + 4)];
    if (a === b || a < 0 || b < 0 || a >= DESCRIPTORS_MAX || b >= DESCRIPTORS_MAX) return `stored ${a} and ${b}`;
    c.fds.note(a, first);
    c.fds.note(b, second);
    return undefined;
  };
}

function notesCopy(c: Caller, result: number): undefined {
  if (result >= 0) c.fds.note(result, c.spoiled ? EVENTFD : c.notes[0]);
}

function readable(c: Caller): number {
  return c.fds.find(READABLE);
}
function writable(c: Caller): number {
  return c.fds.find(WRITABLE);
}

function fcntl(c: Caller): number {
  const command = c.random.pick([
    F_GETFD,
    F_SETFD,
    F_GETFL,
    F_SETFL,
    F_DUPFD,
    F_DUPFD_CLOEXEC,
    F_GETPIPE_SZ,
    F_SETPIPE_SZ,
    F_GET_SEALS,
    F_ADD_SEALS,
  ]);
  const ofPipe = command === F_GETPIPE_SZ || command === F_SETPIPE_SZ;
  const ofMemfd = command === F_GET_SEALS || command === F_ADD_SEALS;
  const fd = c.fds.find(ofPipe ? [PIPE_READ, PIPE_WRITE] : ofMemfd ? [MEMFD] : READABLE);
  c.notes[0] = command === F_DUPFD || command === F_DUPFD_CLOEXEC ? c.fds.kindOf(fd) : CLOSED;
  let argument = 0;
  if (command === F_SETFD) argument = c.random.bits(FD_CLOEXEC);
  if (command === F_SETFL) argument = nonblocking(c, O_NONBLOCK);
  if (command === F_DUPFD || command === F_DUPFD_CLOEXEC) argument = c.random.below(32);
  if (command === F_SETPIPE_SZ) argument = 4096 << c.random.below(6);
  if (command === F_ADD_SEALS) argument = c.random.once(8) ? c.random.below(16) : 0;
  return sys.fcntl(fd, command, argument);
}

/** Duplicates are noted; whatever a worse command has returned may be a descriptor too, and is found by `close`. */
function afterFcntl(c: Caller, result: number): undefined {
  if (result >= 0 && c.notes[0] !== CLOSED && !c.spoiled) c.fds.note(result, c.notes[0]);
}

function ioctl(c: Caller): number {
  const argument = c.scratch.takeZeroed(64);
  if (c.random.once(3)) {
    store32(argument, c.random.once(5) ? 0 : 1);
    return sys.ioctl(c.fds.find(READABLE), FIONBIO, argument);
  }
  return sys.ioctl(c.fds.find([PIPE_READ, MEMFD]), FIONREAD, argument);
}

/** One of the numbers that somebody has open, as far as that is known; or any, for not all are. */
function victim(c: Caller): number {
  const fd = c.random.once(3) ? c.random.below(DESCRIPTORS_MAX) : c.fds.find([c.random.between(EVENTFD, UNKNOWN)]);
  return Math.max(0, fd);
}

function close(c: Caller): number {
  const fd = victim(c);
  c.fds.note(fd, CLOSED);
  return sys.close(fd);
}

function closeRange(c: Caller): number {
  const first = victim(c);
  const last = Math.min(DESCRIPTORS_MAX - 1, first + c.random.below(3));
  for (let fd = first; fd <= last; fd++) c.fds.note(fd, CLOSED);
  return sys.close_range(first, last, 0);
}

function write(c: Caller): number {
  const fd = writable(c);
  const bytes = c.fds.kindOf(fd) === EVENTFD ? 8 : someBytes(c);
  const at = buffer(c, bytes);
  if (bytes === 8) store64(at, c.random.below(1000));
  c.most = bytes;
  return sys.write(fd, at, bytes);
}

function fstat(c: Caller): number {
  return sys.fstat(c.fds.find(READABLE), c.scratch.take(statLayout[trap.abi].size));
}

function open(c: Caller): number {
  return text(c, c.random.once(9) ? '/no/such' : c.random.once(2) ? '/dev/null' : '/dev/zero');
}

export const FILE_RECIPES: readonly Recipe[] = [
  {
    name: 'read',
    weight: 12,
    make: (c) => {
      c.most = someBytes(c);
      return sys.read(readable(c), buffer(c, c.most), c.most);
    },
  },
  { name: 'write', weight: 14, make: write },
  {
    name: 'readv',
    weight: 4,
    make: (c) => {
      c.most = c.random.below(180);
      const elements = c.random.between(1, 4);
      return sys.readv(readable(c), vector(c, elements, c.most), elements);
    },
  },
  {
    name: 'writev',
    weight: 4,
    make: (c) => {
      c.most = c.random.below(180);
      const elements = c.random.between(1, 4);
      return sys.writev(writable(c), vector(c, elements, c.most), elements);
    },
  },
  {
    name: 'pread64',
    weight: 3,
    make: (c) => {
      c.most = c.random.below(200);
      return sys.pread64(c.fds.find([MEMFD]), buffer(c, c.most), c.most, c.random.below(20_000));
    },
  },
  {
    name: 'pwrite64',
    weight: 3,
    make: (c) => {
      c.most = c.random.below(200);
      return sys.pwrite64(c.fds.find([MEMFD]), buffer(c, c.most), c.most, c.random.below(20_000));
    },
  },
  { name: 'close', weight: 14, make: close },
  { name: 'close_range', weight: 2, make: closeRange, isWhole: true },
  {
    name: 'dup',
    weight: 4,
    make: (c) => {
      const fd = c.fds.find(READABLE);
      c.notes[0] = c.fds.kindOf(fd);
      return sys.dup(fd);
    },
    after: notesCopy,
  },
  {
    name: 'dup2',
    weight: 3,
    make: (c) => {
      const fd = c.fds.find(WRITABLE);
      c.notes[0] = c.fds.kindOf(fd);
      return sys.dup2(fd, c.random.between(3, 80));
    },
    after: notesCopy,
  },
  {
    name: 'dup3',
    weight: 3,
    make: (c) => {
      const fd = c.fds.find(READABLE);
      c.notes[0] = c.fds.kindOf(fd);
      return sys.dup3(fd, c.random.between(3, 80), c.random.bits(O_CLOEXEC));
    },
    after: notesCopy,
  },
  { name: 'fcntl', weight: 8, make: fcntl, after: afterFcntl },
  { name: 'fstat', weight: 3, make: fstat },
  {
    name: 'lseek',
    weight: 4,
    make: (c) => sys.lseek(c.fds.find([MEMFD]), c.random.below(30_000) - 100, c.random.below(5)),
  },
  { name: 'ioctl', weight: 4, make: ioctl },
  {
    name: 'openat',
    weight: 3,
    make: (c) => sys.openat(AT_FDCWD, open(c), O_RDWR | nonblocking(c, O_NONBLOCK), 0),
    after: notesFd(DEVICE),
  },
  {
    name: 'open',
    weight: 2,
    make: (c) => sys.open(open(c), O_RDWR | nonblocking(c, O_NONBLOCK), 0),
    after: notesFd(DEVICE),
  },
  {
    name: 'pipe',
    weight: 1,
    make: (c) => {
      c.notes[0] = c.scratch.take(8);
      return sys.pipe(c.notes[0]);
    },
    after: notesPair(PIPE_READ, PIPE_WRITE),
  },
  {
    name: 'pipe2',
    weight: 3,
    make: (c) => {
      c.notes[0] = c.scratch.take(8);
      return sys.pipe2(c.notes[0], nonblocking(c, O_NONBLOCK) | c.random.bits(O_CLOEXEC));
    },
    after: notesPair(PIPE_READ, PIPE_WRITE),
  },
  {
    name: 'memfd_create',
    weight: 2,
    make: (c) => sys.memfd_create(text(c, 'torture'), c.random.bits(MFD_CLOEXEC | MFD_ALLOW_SEALING)),
    after: notesFd(MEMFD),
  },
  { name: 'eventfd', weight: 1, make: (c) => sys.eventfd(c.random.below(5)), after: notesFd(EVENTFD) },
  {
    name: 'eventfd2',
    weight: 4,
    make: (c) =>
      sys.eventfd2(c.random.below(5), nonblocking(c, EFD_NONBLOCK) | c.random.bits(EFD_CLOEXEC | EFD_SEMAPHORE)),
    after: notesFd(EVENTFD),
  },
];
