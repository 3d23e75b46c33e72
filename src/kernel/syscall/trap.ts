/**
 * The trap: from a call's number to its answer. The trap loop (cpu-worker/trap-loop.ts) calls it with the arguments
 * already in the frame; what it answers is a result for the guest, or one of the codes of task.ts (SLEEP, YIELD, ENDED,
 * HANDLER, STOPPED) for the loop.
 */
import { CHECKS } from '../../shared-mem/boot-constants.ts';
import { CpuCore } from '../../shared-mem/cpu-core.ts';
import { cpu } from '../../shared-mem/self.ts';
import { Cpu } from '../cpu/cpu.ts';
import { endInVain } from '../cpu/stops.ts';
import { releaseDropped } from '../file/ops-table.ts';
import { exitThread } from '../process/exit.ts';
import { Process } from '../process/process.ts';
import { deliverSignals, finishHandler } from '../signal/deliver.ts';
import type { FramePtr, TaskPtr } from '../task/task.ts';
import {
  ATTENTION_KILLED,
  ENDED,
  ERESTARTSYS,
  EXECED,
  Frame,
  PROCEED,
  RESTART,
  RESUME_BEGIN,
  SLEEP,
  STOPPED,
  Task,
  YIELD,
} from '../task/task.ts';
import { attemptOrSleep, dropFrameHolds, resumeCall } from '../wait/sleep.ts';
import { syscallOps } from './ops-table.ts';
import { mayBeginAgain } from './shortage.ts';

/** The guest trapped with call `call` (dense index). */
export function trap(t: TaskPtr, call: number): number {
  const fr = Task.frame.get(t);
  Frame.call.set(fr, call);
  Frame.file.set(fr, 0 as never);
  Frame.waited.set(fr, 0);
  Frame.moved.set(fr, 0);
  Frame.deadlineNs.set(fr, Number.POSITIVE_INFINITY);
  const r = syscallOps[call]!.begin(t, fr);
  return answerOf(t, fr, r === PROCEED ? attemptOrSleep(t, fr) : r);
}

/** A task that slept or yielded in a call is run again. */
export function resumeTrap(t: TaskPtr): number {
  return answerOf(t, Task.frame.get(t), resumeCall(t));
}

/** A call that found no record, but some that will be free soon, is made once more (shortage.ts). */
export function beginAgain(t: TaskPtr): number {
  const fr = Task.frame.get(t);
  const r = trap(t, Frame.call.get(fr));
  if (r !== YIELD && r !== ENDED) Frame.shortSinceNs.set(fr, 0);
  return r;
}

/** A signal handler's generator has ended. */
export function handlerReturned(t: TaskPtr): number {
  return settleAnswer(t, finishHandler(t));
}

function answerOf(t: TaskPtr, fr: FramePtr, r: number): number {
  if (r === SLEEP || r === YIELD || r === EXECED) return r;
  if (r < 0 && CpuCore.slabWasEmpty.get(cpu) !== 0 && mayBeginAgain(t, fr, r)) {
    if (Frame.fileHeld.get(fr) !== 0) dropFrameHolds(fr);
    Frame.resume.set(fr, RESUME_BEGIN);
    // It waits for a grace period, which is not for its own look to find.
    endInVain();
    return YIELD;
  }
  // What poll's stands held, say: the other side hears of it before the call's guest goes on (__fput, as task work).
  if (Cpu.dropped.get(cpu) !== 0) releaseDropped();
  if (Frame.fileHeld.get(fr) !== 0) dropFrameHolds(fr);
  if (CHECKS) Process.completedCalls.add(Task.process.get(t), 1);
  if (r === ENDED) return endedTask(t);
  if (Task.attention.peek(t) === 0 && Frame.maskSaved.get(fr) === 0 && r > -ERESTARTSYS) {
    Frame.call.set(fr, -1);
    return r;
  }
  return settleAnswer(t, deliverSignals(t, fr, r));
}

/** After signals were looked at: an answer, or the interrupted call once more. */
function settleAnswer(t: TaskPtr, answer: number): number {
  if ((Task.attention.load(t) & ATTENTION_KILLED) !== 0 || answer === ENDED) return endedTask(t);
  // The call is not over: it may have to be attempted again once the process goes on.
  if (answer === STOPPED) return STOPPED;
  const fr = Task.frame.get(t);
  if (answer !== RESTART) {
    Frame.call.set(fr, -1);
    return answer;
  }
  // A call on a descriptor is made anew, as on Linux: its file was let go, and the handler may have closed it.
  const r = Frame.file.get(fr) === 0 ? PROCEED : syscallOps[Frame.call.get(fr)]!.begin(t, fr);
  return answerOf(t, fr, r === PROCEED ? attemptOrSleep(t, fr) : r);
}

/** A task that was stopped, or woken for nothing while it is, looks at signals once more. */
export function resumeSignals(t: TaskPtr): number {
  const fr = Task.frame.get(t);
  return settleAnswer(t, deliverSignals(t, fr, Frame.result.get(fr)));
}

/**
 * Before the first step of a handler, or of a thread: what became deliverable along with the signal goes first, on top of
 * it, and who is born into a process that stops begins so.
 */
export function generatorStarting(t: TaskPtr): number {
  if (Task.attention.load(t) === 0) return 0;
  return settleAnswer(t, deliverSignals(t, Task.frame.get(t), 0));
}

/** The task ends here, on its own CPU. */
export function endedTask(t: TaskPtr): number {
  exitThread(t);
  return ENDED;
}
