/**
 * Signals, as a C library offers them: what a handler is told, sigqueue, interval timers.
 */
import { SI_QUEUE } from '../../kernel/abi/flags-signal.ts';
import { itimervalLayout, siginfoLayout, timevalLayout } from '../../kernel/abi/layout.ts';
import { alloc, load64, store32, store64 } from './memory.ts';
import { sys } from './sys.ts';
import type { Guest } from './thread.ts';

/** What a handler with SA_SIGINFO is told: `export function* onChild(signal: number, info: SignalInfo): Guest`. */
export interface SignalInfo {
  readonly signal: number;
  /** SI_* or, for SIGCHLD, CLD_*. */
  readonly code: number;
  /** Who sent it, or the child that it is about; 0 for the kernel. */
  readonly pid: number;
  readonly uid: number;
  /** What sigqueue carried, as a signed 64-bit number; exact up to 2^53. */
  readonly value: number;
  /** A child's exit code, or the signal that ended, stopped or continued it. */
  readonly status: number;
}

/** Bytes of a siginfo_t. */
export const SIGNAL_INFO_BYTES: number = siginfoLayout.size;

/**
 * Sends a signal that carries a value, to a process; real-time ones queue.
 * @param at SIGNAL_INFO_BYTES of one's own, for who sends many
 * @returns 0 or -errno
 */
export function* sigqueue(pid: number, signal: number, value: number, at = alloc(SIGNAL_INFO_BYTES)): Guest {
  store32(at + siginfoLayout.si_signo, signal);
  store32(at + siginfoLayout.si_code, SI_QUEUE);
  store32(at + siginfoLayout.si_pid, yield sys.getpid());
  store64(at + siginfoLayout.si_value, value);
  return yield sys.rt_sigqueueinfo(pid, signal, at);
}

/** A struct itimerval in fresh user memory, of times in ns. */
export function allocItimerval(valueNs: number, intervalNs: number): number {
  const at = alloc(itimervalLayout.size);
  storeTimeval(at + itimervalLayout.value, valueNs);
  storeTimeval(at + itimervalLayout.interval, intervalNs);
  return at;
}
export function storeTimeval(address: number, ns: number): void {
  const seconds = Math.floor(ns / 1e9);
  store64(address + timevalLayout.seconds, seconds);
  store64(address + timevalLayout.microseconds, Math.floor((ns - seconds * 1e9) / 1000));
}
/** In ns. */
export function loadTimeval(address: number): number {
  return (
    Number(load64(address + timevalLayout.seconds)) * 1e9 + Number(load64(address + timevalLayout.microseconds)) * 1000
  );
}
