/**
 * Delivery: what a pending signal does to the thread it reaches, at the boundary between a system call and its guest.
 * For the trap loop, and for the calls that swap a mask; always for the current task of this CPU, without locks.
 *
 *     call ends with `result` ──▶ deliverSignals ──┬─▶ result or RESTART     nothing happened to it
 *                                                  ├─▶ HANDLER               a handler's frame lies on top
 *                                                  ├─▶ STOPPED               the process is stopped (job-control.ts)
 *                                                  └─▶ ENDED                 the signal ended the process
 *     handler's generator ends ──▶ finishHandler ──▶ the same answers, for the frame below
 *
 * The trap loop asks at the end of every call whose thread has an attention bit, or whose frame has a saved mask. After
 * HANDLER it starts the handler's generator (`handlerEntry`, `handlerSignal`); if the attention bit is set again by
 * then, it first delivers against the new frame, with result 0: as on Linux, of two signals that become deliverable at
 * once the later one's handler runs first, on top of the other's frame. After STOPPED the task sleeps, and whatever wakes
 * it asks again with the same result.
 *
 * The promises: a blocked signal is never taken (`takePendingLocked`); a call whose thread only has blocked or ignored
 * signals pending is not interrupted (`signalDeliverable`); a call that has its result keeps it, whatever is pending
 * (the attempt comes before this file in every call).
 *
 * Linux: kernel/signal.c get_signal, arch/x86/kernel/signal.c handle_signal, arch_do_signal_or_restart.
 */
import { allocRecord, freeRecord } from '../../shared-mem/slab.ts';
import { EINTR } from '../abi/errno.ts';
import { SA_NODEFER, SA_RESETHAND, SA_RESTART, SA_SIGINFO, SIG_DFL, SIGSEGV, SIGSTOP } from '../abi/flags-signal.ts';
import { lockIrqOff, unlockIrqOn } from '../irq/locking.ts';
import { MACHINE, Machine } from '../machine-record.ts';
import { exitProcess } from '../process/exit.ts';
import type { ProcessPtr } from '../process/process.ts';
import {
  ACTION_FLAGS,
  ACTION_HANDLER,
  ACTION_MASK_HIGH,
  ACTION_MASK_LOW,
  ACTION_WORDS,
  Process,
} from '../process/process.ts';
import type { FramePtr, TaskPtr } from '../task/task.ts';
import {
  ATTENTION_INTERRUPTED,
  ATTENTION_SIGNAL,
  ATTENTION_STOP,
  ENDED,
  ERESTART_RESTARTBLOCK,
  ERESTARTNOHAND,
  ERESTARTSYS,
  Frame,
  FRAME_DEPTH_MAX,
  HANDLER,
  RESTART,
  RESUME_SIGNALS,
  STOPPED,
  Task,
} from '../task/task.ts';
import { beginStop, mustStopLocked } from './job-control.ts';
import { endsWithCore, firstSignal, highBit, isStopSignal, lowBit } from './mask.ts';
import { isOrphanedGroup } from './orphans.ts';
import { anyUnblocked, changeMask, pendingHighOf, pendingLowOf, takePendingLocked } from './pending.ts';
import { isIgnoredLocked } from './send.ts';
import { tellParent } from './stop-report.ts';

/**
 * A guest's handler is no address but an entry of its program's table; sa_handler holds its index plus this. The values
 * below belong to SIG_DFL and SIG_IGN; anything else there leads nowhere, and running it is a segmentation fault.
 */
export const HANDLER_BASE = 16;

/** In a handler frame's `handlerSignal`: the signal, and above it the entry. */
const ENTRY_SHIFT = 8;

/** @returns 1 if a signal is pending that the thread does not block and that would do something, or if it is to stop */
export function signalDeliverable(t: TaskPtr): number {
  const attention = Task.attention.load(t);
  if ((attention & (ATTENTION_STOP | ATTENTION_INTERRUPTED)) !== 0) return 1;
  if ((attention & ATTENTION_SIGNAL) === 0) return 0;
  const p = Task.process.get(t) as ProcessPtr;
  if (!anyUnblocked(t, p)) return 0;
  lockIrqOff(Process.signalLock.at(p));
  let low = pendingLowOf(t, p) & ~Task.blockedLow.load(t);
  let high = pendingHighOf(t, p) & ~Task.blockedHigh.load(t);
  let signal = firstSignal(low, high);
  while (signal !== 0 && isIgnoredLocked(p, signal)) {
    low &= ~lowBit(signal);
    high &= ~highBit(signal);
    signal = firstSignal(low, high);
  }
  unlockIrqOn(Process.signalLock.at(p));
  return signal !== 0 ? 1 : 0;
}

/**
 * Will a signal that is pending end the process? Linux begins the end when such a signal is sent, and who is about to end
 * takes nothing away any more (E12); those that leave a core end the process only when they are taken.
 */
export function fatalSignalPending(t: TaskPtr): boolean {
  return unblockedDefault(t, 0);
}

/** Is its process to stop, or a signal pending whose default action ends or stops it? */
export function defaultActionPending(t: TaskPtr): boolean {
  return (Task.attention.load(t) & ATTENTION_STOP) !== 0 || unblockedDefault(t, 1);
}

/** Is a signal pending that nothing keeps from its default action? @param any 1: stops and cores count, too */
function unblockedDefault(t: TaskPtr, any: number): boolean {
  if ((Task.attention.load(t) & ATTENTION_SIGNAL) === 0) return false;
  const p = Task.process.get(t) as ProcessPtr;
  lockIrqOff(Process.signalLock.at(p));
  let low = pendingLowOf(t, p) & ~Task.blockedLow.load(t);
  let high = pendingHighOf(t, p) & ~Task.blockedHigh.load(t);
  let found = false;
  while ((low | high) !== 0 && !found) {
    const signal = firstSignal(low, high);
    low &= ~lowBit(signal);
    high &= ~highBit(signal);
    const handler = Process.actions.getAt(p, (signal - 1) * ACTION_WORDS + ACTION_HANDLER);
    found = handler === SIG_DFL && !isIgnoredLocked(p, signal);
    if (any === 0 && (isStopSignal(signal) || endsWithCore(signal))) found = false;
  }
  unlockIrqOn(Process.signalLock.at(p));
  return found;
}

/**
 * The call in `fr` is about to answer `result`, which may be one of Linux's internal ones (ERESTARTSYS ...), or RESTART
 * where an earlier handler left it so.
 * @returns the final result, RESTART (attempt `fr` again), HANDLER, STOPPED or ENDED
 */
export function deliverSignals(t: TaskPtr, fr: FramePtr, result: number): number {
  // A call that succeeded gets its old mask back before anyone looks: what was open only meanwhile stays pending (E14).
  if (!wasInterrupted(result)) restoreMask(t, fr);
  const p = Task.process.get(t) as ProcessPtr;
  for (;;) {
    lockIrqOff(Process.signalLock.at(p));
    Task.attention.and(t, ~(ATTENTION_SIGNAL | ATTENTION_INTERRUPTED));
    const stops = mustStopLocked(t, p);
    if (Process.stopTelling.get(p) !== 0) {
      unlockIrqOn(Process.signalLock.at(p));
      tellParent(p);
      continue;
    }
    if (stops) {
      unlockIrqOn(Process.signalLock.at(p));
      Frame.result.set(fr, result);
      Frame.resume.set(fr, RESUME_SIGNALS);
      return STOPPED;
    }
    const signal = takePendingLocked(t, p, ~Task.blockedLow.peek(t), ~Task.blockedHigh.peek(t));
    if (signal === 0) {
      unlockIrqOn(Process.signalLock.at(p));
      if (mayRestart(result)) return RESTART;
      if (Frame.maskSaved.get(fr) === 0) return result;
      restoreMask(t, fr);
      continue;
    }
    if (isIgnoredLocked(p, signal)) {
      unlockIrqOn(Process.signalLock.at(p));
      continue;
    }
    const action = (signal - 1) * ACTION_WORDS;
    const handler = Process.actions.getAt(p, action + ACTION_HANDLER);
    const flags = Process.actions.getAt(p, action + ACTION_FLAGS);
    const maskLow = Process.actions.getAt(p, action + ACTION_MASK_LOW);
    const maskHigh = Process.actions.getAt(p, action + ACTION_MASK_HIGH);
    if (handler !== SIG_DFL && (flags & SA_RESETHAND) !== 0) Process.actions.setAt(p, action + ACTION_HANDLER, SIG_DFL);
    const takesStop = handler === SIG_DFL && isStopSignal(signal);
    if (takesStop) Process.stopTaken.set(p, signal);
    unlockIrqOn(Process.signalLock.at(p));
    if (takesStop) {
      // Nobody would ever send SIGCONT to a group that no shell minds; SIGSTOP does not ask.
      if (signal === SIGSTOP || !isOrphanedGroup(Process.group.load(p))) beginStop(t, p);
      continue;
    }
    if (handler === SIG_DFL) return endBySignal(p, signal);
    if (handler < HANDLER_BASE || Frame.depth.get(fr) === FRAME_DEPTH_MAX) return endBySignal(p, SIGSEGV);
    Frame.result.set(fr, resultUnderHandler(result, flags));
    if (pushHandler(t, fr, handler - HANDLER_BASE, signal, flags & SA_SIGINFO) === 0) return endBySignal(p, SIGSEGV);
    const defer = (flags & SA_NODEFER) === 0;
    changeMask(
      t,
      Task.blockedLow.peek(t) | maskLow | (defer ? lowBit(signal) : 0),
      Task.blockedHigh.peek(t) | maskHigh | (defer ? highBit(signal) : 0),
    );
    return HANDLER;
  }
}

/** The generator of the topmost handler ended. @returns as `deliverSignals`, for the frame that it had interrupted */
export function finishHandler(t: TaskPtr): number {
  const fr = Task.frame.get(t);
  const below = Frame.below.get(fr);
  const low = Frame.handlerLow.get(fr);
  const high = Frame.handlerHigh.get(fr);
  Task.frame.set(t, below);
  freeRecord(Machine.frames.at(MACHINE), fr);
  changeMask(t, low, high);
  const result = Frame.result.get(below);
  return Task.attention.load(t) !== 0 ? deliverSignals(t, below, result) : result;
}

/** The entry of the program's table that the topmost handler frame runs. */
export function handlerEntry(t: TaskPtr): number {
  return Frame.handlerSignal.get(Task.frame.get(t)) >> ENTRY_SHIFT;
}
/** The signal that the topmost handler frame is for: the handler's argument. */
export function handlerSignal(t: TaskPtr): number {
  return Frame.handlerSignal.get(Task.frame.get(t)) & ((1 << ENTRY_SHIFT) - 1);
}

/** Does that handler want to know more than the number? Then it stands in the CPU's `takenInfo` until it starts. */
export function handlerWantsInfo(t: TaskPtr): boolean {
  return Frame.handlerInfo.get(Task.frame.get(t)) !== 0;
}

/** Installs a mask for the time of one call (epoll_pwait, ppoll); the old one waits in the frame. */
export function swapMask(t: TaskPtr, fr: FramePtr, low: number, high: number): void {
  Frame.savedLow.set(fr, Task.blockedLow.peek(t));
  Frame.savedHigh.set(fr, Task.blockedHigh.peek(t));
  Frame.maskSaved.set(fr, 1);
  changeMask(t, low, high);
}

function restoreMask(t: TaskPtr, fr: FramePtr): void {
  if (Frame.maskSaved.get(fr) === 0) return;
  Frame.maskSaved.set(fr, 0);
  changeMask(t, Frame.savedLow.get(fr), Frame.savedHigh.get(fr));
}

/** Puts a handler's frame on top. The mask of before goes into it: the one saved by the call, if there is one. */
function pushHandler(t: TaskPtr, fr: FramePtr, entry: number, signal: number, wantsInfo: number): number {
  const top = allocRecord(Machine.frames.at(MACHINE)) as FramePtr;
  if (top === 0) return 0;
  const saved = Frame.maskSaved.get(fr) === 1;
  Frame.maskSaved.set(fr, 0);
  Frame.handlerLow.set(top, saved ? Frame.savedLow.get(fr) : Task.blockedLow.peek(t));
  Frame.handlerHigh.set(top, saved ? Frame.savedHigh.get(fr) : Task.blockedHigh.peek(t));
  Frame.handlerSignal.set(top, signal | (entry << ENTRY_SHIFT));
  Frame.handlerInfo.set(top, wantsInfo);
  Frame.call.set(top, -1);
  Frame.below.set(top, fr);
  Frame.depth.set(top, Frame.depth.get(fr) + 1);
  Task.frame.set(t, top);
  return 1;
}

function endBySignal(p: ProcessPtr, signal: number): number {
  exitProcess(p, signal);
  return ENDED;
}

/** Did a signal end the call, rather than what it asked for? */
function wasInterrupted(result: number): boolean {
  return result === -EINTR || mayRestart(result);
}
/** Is it a call that goes on as if nothing had been, as long as no handler runs? */
function mayRestart(result: number): boolean {
  return (
    result === RESTART || result === -ERESTARTSYS || result === -ERESTARTNOHAND || result === -ERESTART_RESTARTBLOCK
  );
}

/** What the interrupted call answers once the handler has returned. */
function resultUnderHandler(result: number, flags: number): number {
  if (!mayRestart(result) || result === RESTART) return result;
  return result === -ERESTARTSYS && (flags & SA_RESTART) !== 0 ? RESTART : -EINTR;
}
