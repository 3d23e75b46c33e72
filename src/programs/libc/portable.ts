/**
 * Calls that only x86_64 still has in their first form, as a C library offers them everywhere:
 *
 *     const ready = yield epollWait(epoll, events, 16, -1);
 */
import { SIGSET_SIZE } from '../../kernel/abi/layout.ts';
import { sys } from './sys.ts';

/** epoll_wait: arm64 has epoll_pwait instead. */
export function epollWait(epoll: number, events: number, maximum: number, timeoutMs: number): number {
  return sys.epoll_pwait(epoll, events, maximum, timeoutMs, 0, SIGSET_SIZE);
}

/** poll: arm64 has ppoll instead. @param timeout address of a timespec, which is written to; 0 for ever */
export function pollFor(fds: number, count: number, timeout: number): number {
  return sys.ppoll(fds, count, timeout, 0, SIGSET_SIZE);
}
