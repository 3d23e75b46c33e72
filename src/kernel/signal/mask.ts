/**
 * Sets of the 64 signals as two int32 words: bit `signal - 1`, so signals 1 to 32 stand in the low word and 33 to 64 in
 * the high one. (Bit `signal` instead is bug 9 of the zoo: every mask means its neighbour.) Pure functions of words, for
 * anyone in the kernel.
 */
import {
  SIGABRT,
  SIGBUS,
  SIGCHLD,
  SIGCONT,
  SIGFPE,
  SIGILL,
  SIGKILL,
  SIGQUIT,
  SIGSEGV,
  SIGSTOP,
  SIGSYS,
  SIGTRAP,
  SIGTSTP,
  SIGTTIN,
  SIGTTOU,
  SIGURG,
  SIGWINCH,
  SIGXCPU,
  SIGXFSZ,
} from '../abi/flags-signal.ts';

/** The signal's bit in the low word, or 0. */
export function lowBit(signal: number): number {
  return signal <= 32 ? 1 << (signal - 1) : 0;
}
/** The signal's bit in the high word, or 0. */
export function highBit(signal: number): number {
  return signal > 32 ? 1 << (signal - 33) : 0;
}

export function inMask(low: number, high: number, signal: number): boolean {
  return ((low & lowBit(signal)) | (high & highBit(signal))) !== 0;
}

/** Their default is to do nothing. SIGCONT's continuing happens when it is sent, whatever becomes of it then. */
const IGNORED_BY_DEFAULT = lowBit(SIGCHLD) | lowBit(SIGCONT) | lowBit(SIGURG) | lowBit(SIGWINCH);
export const STOP_LOW: number = lowBit(SIGSTOP) | lowBit(SIGTSTP) | lowBit(SIGTTIN) | lowBit(SIGTTOU);
/** No mask ever holds these. */
export const UNBLOCKABLE_LOW: number = lowBit(SIGKILL) | lowBit(SIGSTOP);
/** They tell of the thread's own last step, so they go before all others. */
const SYNCHRONOUS_LOW =
  lowBit(SIGSEGV) | lowBit(SIGBUS) | lowBit(SIGILL) | lowBit(SIGTRAP) | lowBit(SIGFPE) | lowBit(SIGSYS);

/** Their default is to end the process and leave a core, which nobody writes here. */
const CORE_LOW = SYNCHRONOUS_LOW | lowBit(SIGQUIT) | lowBit(SIGABRT) | lowBit(SIGXCPU) | lowBit(SIGXFSZ);

export function endsWithCore(signal: number): boolean {
  return (lowBit(signal) & CORE_LOW) !== 0;
}
export function isIgnoredByDefault(signal: number): boolean {
  return (lowBit(signal) & IGNORED_BY_DEFAULT) !== 0;
}
export function isStopSignal(signal: number): boolean {
  return (lowBit(signal) & STOP_LOW) !== 0;
}

/** @returns the signal of a set that is taken first, or 0 for the empty set */
export function firstSignal(low: number, high: number): number {
  if ((low & lowBit(SIGKILL)) !== 0) return SIGKILL;
  const synchronous = low & SYNCHRONOUS_LOW;
  if (synchronous !== 0) return lowestSignal(synchronous, 0);
  return lowestSignal(low, high);
}

function lowestSignal(low: number, high: number): number {
  if (low !== 0) return 32 - Math.clz32(low & -low);
  return high === 0 ? 0 : 64 - Math.clz32(high & -high);
}
