/**
 * siginfo_t and signalfd_siginfo: what is known of a signal, as guests read and write it. The kernel keeps the bytes that
 * every kind of signal has (pending-struct.ts); which fields they are depends on signal and code.
 *
 * Linux: kernel/signal.c, siginfo_layout, known_siginfo_layout, copy_siginfo_to_user; fs/signalfd.c, signalfd_copyinfo.
 */
import { cpu } from '../../shared-mem/self.ts';
import { E2BIG, EFAULT } from '../abi/errno.ts';
import {
  SI_KERNEL,
  SI_SIGIO,
  SI_TIMER,
  SI_USER,
  SIGBUS,
  SIGCHLD,
  SIGFPE,
  SIGILL,
  SIGPOLL,
  SIGSEGV,
  SIGSYS,
  SIGTRAP,
} from '../abi/flags-signal.ts';
import { siginfoLayout, signalfdSiginfoLayout } from '../abi/layout.ts';
import { Cpu, SIGINFO_WORDS } from '../cpu/cpu.ts';
import { readUser32, readUser8, userRangeOk, writeUser32, zeroBytes } from '../process/user-memory.ts';
import type { TaskPtr } from '../task/task.ts';
import { INFO_PID, INFO_UID, INFO_VALUE_HIGH, INFO_VALUE_LOW, INFO_WORDS, SignalInfo } from './pending-struct.ts';

/** Bytes that the kernel keeps of a siginfo_t: three numbers, padding, and the words. */
const KEPT_BYTES = siginfoLayout.si_pid + INFO_WORDS * 4;

/** How a siginfo_t is to be read. */
const KIND_KILL = 0;
const KIND_TIMER = 1;
const KIND_POLL = 2;
const KIND_FAULT = 3;
const KIND_CHILD = 4;
const KIND_QUEUED = 5;
const KIND_SYS = 6;

const POLL_CODES = 6;
/** Codes below 0 that mean something: SI_QUEUE to SI_DETHREAD, and SI_ASYNCNL. */
const SI_DETHREAD = -7;
const SI_ASYNCNL = -60;

/** How many codes above SI_USER the signal has of its own, 0 for most. */
function ownCodes(signal: number): number {
  switch (signal) {
    case SIGILL:
      return 11;
    case SIGFPE:
      return 15;
    case SIGSEGV:
      return 10;
    case SIGBUS:
      return 5;
    case SIGTRAP:
    case SIGCHLD:
    case SIGPOLL:
      return 6;
    case SIGSYS:
      return 2;
    default:
      return 0;
  }
}

function kindOf(signal: number, code: number): number {
  if (code > SI_USER && code < SI_KERNEL) {
    if (code > ownCodes(signal)) return code <= POLL_CODES ? KIND_POLL : KIND_KILL;
    if (signal === SIGCHLD) return KIND_CHILD;
    if (signal === SIGPOLL) return KIND_POLL;
    return signal === SIGSYS ? KIND_SYS : KIND_FAULT;
  }
  if (code === SI_TIMER) return KIND_TIMER;
  if (code === SI_SIGIO) return KIND_POLL;
  return code < 0 ? KIND_QUEUED : KIND_KILL;
}

/** Does the kernel know what the code means? */
function isKnownCode(signal: number, code: number): boolean {
  if (code === SI_KERNEL || code === SI_ASYNCNL) return true;
  const own = ownCodes(signal);
  if (code > SI_USER) return code <= (own === 0 ? POLL_CODES : own);
  return code >= SI_DETHREAD;
}

/** Takes what a guest says of a signal that it sends. @returns 0, -EFAULT, or -E2BIG for more than the kernel keeps */
export function readSiginfo(t: TaskPtr, signal: number, address: number): number {
  if (userRangeOk(t, address, siginfoLayout.size) === 0) return -EFAULT;
  const info = Cpu.sentInfo.at(cpu);
  const code = readUser32(address + siginfoLayout.si_code);
  SignalInfo.error.set(info, readUser32(address + siginfoLayout.si_errno));
  SignalInfo.code.set(info, code);
  SignalInfo.width.set(info, INFO_WORDS);
  for (let word = 0; word < INFO_WORDS; word++) {
    SignalInfo.words.setAt(info, word, readUser32(address + siginfoLayout.si_pid + word * 4));
  }
  if (isKnownCode(signal, code)) return 0;
  for (let byte = KEPT_BYTES; byte < siginfoLayout.size; byte++) if (readUser8(address + byte) !== 0) return -E2BIG;
  return 0;
}

/** Tells a guest of the signal that this CPU took last. @returns 0 or -EFAULT */
export function writeSiginfo(t: TaskPtr, signal: number, address: number): number {
  if (userRangeOk(t, address, siginfoLayout.size) === 0) return -EFAULT;
  const info = Cpu.takenInfo.at(cpu);
  zeroBytes(address, siginfoLayout.size);
  writeUser32(address + siginfoLayout.si_signo, signal);
  writeUser32(address + siginfoLayout.si_errno, SignalInfo.error.get(info));
  writeUser32(address + siginfoLayout.si_code, SignalInfo.code.get(info));
  const width = SignalInfo.width.get(info);
  for (let word = 0; word < width; word++) {
    writeUser32(address + siginfoLayout.si_pid + word * 4, SignalInfo.words.getAt(info, word));
  }
  return 0;
}

function setField(offset: number, value: number): void {
  Cpu.siginfo.setAt(cpu, offset >> 2, value);
}
function setFields(offset: number, word: number, count: number): void {
  const info = Cpu.takenInfo.at(cpu);
  const end = Math.min(count, SignalInfo.width.get(info) - word);
  for (let i = 0; i < end; i++) setField(offset + i * 4, SignalInfo.words.getAt(info, word + i));
}

/** Puts the record of the signal that this CPU took last into its `siginfo`. @returns where that is, in bytes */
export function signalfdRecord(signal: number): number {
  const layout = signalfdSiginfoLayout;
  const code = SignalInfo.code.get(Cpu.takenInfo.at(cpu));
  for (let word = 0; word < SIGINFO_WORDS; word++) Cpu.siginfo.setAt(cpu, word, 0);
  setField(layout.ssi_signo, signal);
  setField(layout.ssi_errno, SignalInfo.error.get(Cpu.takenInfo.at(cpu)));
  setField(layout.ssi_code, code);
  switch (kindOf(signal, code)) {
    case KIND_TIMER:
      setFields(layout.ssi_tid, INFO_PID, 1);
      setFields(layout.ssi_overrun, INFO_UID, 1);
      setFields(layout.ssi_int, INFO_VALUE_LOW, 1);
      setFields(layout.ssi_ptr, INFO_VALUE_LOW, 2);
      break;
    case KIND_POLL:
      setFields(layout.ssi_band, INFO_PID, 1);
      setFields(layout.ssi_fd, INFO_VALUE_LOW, 1);
      break;
    case KIND_FAULT:
      setFields(layout.ssi_addr, INFO_PID, 2);
      break;
    case KIND_CHILD:
      setFields(layout.ssi_pid, INFO_PID, 2);
      setFields(layout.ssi_status, INFO_VALUE_LOW, 1);
      setFields(layout.ssi_utime, INFO_VALUE_HIGH + 1, 4);
      break;
    case KIND_QUEUED:
      setFields(layout.ssi_pid, INFO_PID, 2);
      setFields(layout.ssi_int, INFO_VALUE_LOW, 1);
      setFields(layout.ssi_ptr, INFO_VALUE_LOW, 2);
      break;
    case KIND_KILL:
      setFields(layout.ssi_pid, INFO_PID, 2);
      break;
    default:
      break;
  }
  return (cpu + Cpu.siginfo.off) * 4;
}
