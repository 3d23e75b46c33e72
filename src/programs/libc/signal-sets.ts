/**
 * Sets of signals, and what is done with them: blocking, and reading them as a file.
 */
import { signalfdSiginfoLayout } from '../../kernel/abi/layout.ts';
import { SIG_BLOCK, SIG_UNBLOCK } from '../../kernel/abi/flags-signal.ts';
import { check } from './errors.ts';
import { alloc, store64 } from './memory.ts';
import { sys } from './sys.ts';
import type { Guest } from './thread.ts';

/** The bits of a sigset_t. */
export function signalSet(...signals: readonly number[]): bigint {
  return signals.reduce((set, signal) => set | (1n << BigInt(signal - 1)), 0n);
}

/** A sigset_t in fresh user memory. */
export function allocSignalSet(...signals: readonly number[]): number {
  const at = alloc(8);
  store64(at, signalSet(...signals));
  return at;
}

/** For the calling thread, and for those that it starts from now on. */
export function* blockSignals(...signals: readonly number[]): Guest<void> {
  check(yield sys.rt_sigprocmask(SIG_BLOCK, allocSignalSet(...signals), 0, 8), 'rt_sigprocmask');
}
export function* unblockSignals(...signals: readonly number[]): Guest<void> {
  check(yield sys.rt_sigprocmask(SIG_UNBLOCK, allocSignalSet(...signals), 0, 8), 'rt_sigprocmask');
}

/** What one read of a signalfd yields for each signal. */
export const SIGINFO_BYTES: number = signalfdSiginfoLayout.size;

/** Blocks the signals and opens a descriptor from which they are read. @param flags SFD_NONBLOCK, SFD_CLOEXEC */
export function* openSignalfd(flags: number, ...signals: readonly number[]): Guest {
  yield* blockSignals(...signals);
  return check(yield sys.signalfd4(-1, allocSignalSet(...signals), 8, flags), 'signalfd4');
}
