/**
 * What a handler with SA_SIGINFO is told besides the number: the CPU's `takenInfo` as an object for the guest. Made only
 * for those who ask, between the taking of the signal and the first step of its handler.
 */
import { cpu } from '../shared-mem/self.ts';
import { Cpu } from '../kernel/cpu/cpu.ts';
import { INFO_PID, INFO_UID, INFO_VALUE_HIGH, INFO_VALUE_LOW, SignalInfo } from '../kernel/signal/pending-struct.ts';

/** As `SignalInfo` of the guest's libc. */
export interface HandlerInfo {
  readonly signal: number;
  /** SI_*, CLD_*. */
  readonly code: number;
  readonly pid: number;
  readonly uid: number;
  /** What sigqueue carried, as a signed 64-bit number; exact up to 2^53. */
  readonly value: number;
  /** A child's exit code or signal; it lies where the low half of `value` does. */
  readonly status: number;
}

export function handlerInfoOf(signal: number): HandlerInfo {
  const info = Cpu.takenInfo.at(cpu);
  const low = SignalInfo.words.getAt(info, INFO_VALUE_LOW);
  return {
    signal,
    code: SignalInfo.code.get(info),
    pid: SignalInfo.words.getAt(info, INFO_PID),
    uid: SignalInfo.words.getAt(info, INFO_UID),
    value: SignalInfo.words.getAt(info, INFO_VALUE_HIGH) * 4294967296 + (low >>> 0),
    status: low,
  };
}
