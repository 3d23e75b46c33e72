/**
 * Reading and writing whole messages, and making pipes: what every program would else write again.
 *
 * The promise: a short count and an interruption are not the caller's business. A nonblocking descriptor is: EAGAIN
 * comes back at once, for only the caller knows what to wait with.
 */
import { EINTR } from '../../kernel/abi/errno.ts';
import { F_GETFL, F_SETFL, O_NONBLOCK } from '../../kernel/abi/flags-file.ts';
import { check } from './errors.ts';
import { alloc, load32 } from './memory.ts';
import { sys } from './sys.ts';
import type { Guest } from './thread.ts';

/**
 * Reads until `bytes` have come or the other side has closed.
 * @returns how many came, or -errno if the first of them failed to
 */
export function* readAll(fd: number, at: number, bytes: number): Guest {
  let got = 0;
  while (got < bytes) {
    const n = yield sys.read(fd, at + got, bytes - got);
    if (n === -EINTR) continue;
    if (n < 0) return got > 0 ? got : n;
    if (n === 0) break;
    got += n;
  }
  return got;
}

/**
 * Writes all of it.
 * @returns `bytes`, or how many went before an error, or -errno if none did
 */
export function* writeAll(fd: number, at: number, bytes: number): Guest {
  let put = 0;
  while (put < bytes) {
    const n = yield sys.write(fd, at + put, bytes - put);
    if (n === -EINTR) continue;
    if (n < 0) return put > 0 ? put : n;
    put += n;
  }
  return put;
}

export interface PipeEnds {
  readonly read: number;
  readonly write: number;
}

/** @param ends 8 bytes for the two numbers, for who makes many @throws SyscallError */
export function* makePipe(flags = 0, ends = alloc(8)): Guest<PipeEnds> {
  check(yield sys.pipe2(ends, flags), 'pipe2');
  return { read: load32(ends), write: load32(ends + 4) };
}

/** @throws SyscallError */
export function* setNonblocking(fd: number, on = true): Guest<void> {
  const flags = check(yield sys.fcntl(fd, F_GETFL, 0), 'fcntl');
  check(yield sys.fcntl(fd, F_SETFL, on ? flags | O_NONBLOCK : flags & ~O_NONBLOCK), 'fcntl');
}
