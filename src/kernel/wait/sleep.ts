/**
 * The one function that sleeps, `waitFor`, and what happens when its task is woken.
 *
 *     attempt          not yet
 *     leave?           deadline passed, or a signal to deliver: answer that instead
 *     enqueue          stand in the queues; from here on every change reaches this task
 *     attempt          once more
 *     answer SLEEP     the trap loop commits: compareExchange RUNNING -> SLEEPING
 *
 * Why no wakeup is lost. A change of the source comes before the second attempt looks, and that attempt finds it; or it
 * comes after, and then the task stands in the queue already: the waker's load of `waiterCount` follows its change, so it
 * sees the stander (the store-load pair of wait-queue.ts), takes it off and wakes it; and a task that is woken while it
 * still runs turns from RUNNING to WOKEN, whereupon the commit fails and everything is tried again. There is no third
 * case, because the second attempt comes after the enqueueing.
 *
 * The same holds for signals: their sender stores the pending bit, then wakes by handle; this function looks at the
 * pending bits, and only then can the commit succeed.
 */
import { CHECKS, PROFILE } from '../../shared-mem/boot-constants.ts';
import { NULL } from '../../shared-mem/pointer.ts';
import { cpu } from '../../shared-mem/self.ts';
import { EBADF } from '../abi/errno.ts';
import { Cpu } from '../cpu/cpu.ts';
import { endInVain } from '../cpu/stops.ts';
import type { ControlPtr } from '../file/control-data.ts';
import type { FilePtr } from '../file/file.ts';
import { dropControl } from '../file/in-flight.ts';
import { tryHoldFile } from '../file/lifetime.ts';
import { releaseFile } from '../file/ops-table.ts';
import { MACHINE, Machine } from '../machine-record.ts';
import { Process } from '../process/process.ts';
import { signalDeliverable } from '../signal/deliver.ts';
import { syscallOps } from '../syscall/ops-table.ts';
import type { FramePtr, TaskPtr } from '../task/task.ts';
import { ATTENTION_KILLED, ENDED, Frame, HELD_CONTROL, HELD_FILE, SLEEP, Task, WAIT, YIELD } from '../task/task.ts';
import { clockNow } from '../time/clock.ts';
import { armTimer, disarmTimer, Timer } from '../time/timers.ts';
import { leavesBetween } from './stand-again.ts';
import { leaveQueues } from './wait-queue.ts';
import { WaitEntry } from './wait-queue-struct.ts';
import { classAnswered, classInVain, classLeft } from './wakeup-classes.ts';

/** More than a call moves at once. */
const PARTS = 2 ** 32;

/** The first attempt of a call. @returns its answer, SLEEP or YIELD */
export function attemptOrSleep(t: TaskPtr, fr: FramePtr): number {
  const call = Frame.call.get(fr);
  const r = syscallOps[call]!.attempt(t, fr);
  // A task that yields passes the boundary between traps too, and must find its file again.
  if (r === YIELD) return holdFrameFile(fr) === 0 ? -EBADF : YIELD;
  if (r !== WAIT) return r;
  noteNotYet(t);
  const leave = mustLeave(t, fr, call);
  return leave !== WAIT ? leave : waitFor(t, fr, call);
}

/**
 * Stands in the queues, looks once more, and sleeps. Where the design has no queue for what the call waits for, its task
 * stays runnable, and tries again after the others ran: nothing will wake it, so nothing can be missed.
 */
function waitFor(t: TaskPtr, fr: FramePtr, call: number): number {
  Frame.waited.set(fr, 1);
  if (holdFrameFile(fr) === 0) return -EBADF;
  const stood = syscallOps[call]!.enqueue(t, fr);
  if (stood < 0) {
    leaveQueues(t, 1);
    if (stood === YIELD) noteYield(fr);
    return stood;
  }
  const r = syscallOps[call]!.attempt(t, fr);
  if (r !== WAIT) {
    leaveQueues(t, 1);
    return r;
  }
  noteNotYet(t);
  armDeadline(t, fr);
  return SLEEP;
}

/**
 * A woken task (or one whose commit failed) tries again. The condition comes before deadline and signals: what was
 * waited for is reported even if a signal came with it.
 * @returns the call's answer, SLEEP or YIELD
 */
export function resumeCall(t: TaskPtr): number {
  const fr = Task.frame.get(t);
  const call = Frame.call.get(fr);
  disarmDeadline(t, fr);
  if ((Task.attention.peek(t) & ATTENTION_KILLED) !== 0) {
    leaveQueues(t, 0);
    return ENDED;
  }
  const r = syscallOps[call]!.attempt(t, fr);
  if (r !== WAIT) {
    leaveQueues(t, 1);
    // It waits for what others do in vain (smplab_settle), so its own look says nothing.
    if (r === YIELD) endInVain();
    if (PROFILE) classAnswered(t, r);
    return r;
  }
  noteNotYet(t);
  const leave = mustLeave(t, fr, call);
  if (leave !== WAIT) {
    if (PROFILE) classLeft(t, fr);
    leaveQueues(t, 0);
    return leave;
  }
  if (PROFILE) classInVain(t, fr, call);
  if (leavesBetween(fr)) leaveQueues(t, 1);
  return waitFor(t, fr, call);
}

/** @returns WAIT, or the answer with which the call ends although nothing came */
function mustLeave(t: TaskPtr, fr: FramePtr, call: number): number {
  const deadlineNs = Frame.deadlineNs.get(fr);
  if (deadlineNs !== Number.POSITIVE_INFINITY && clockNow() >= deadlineNs) {
    // The guest learns the time by this: timers that were due before it have to run before the guest does.
    Cpu.workLeft.set(cpu, 0);
    return syscallOps[call]!.expired(t, fr);
  }
  const attention = Task.attention.load(t);
  // Killed while it was runnable: nobody will wake it again.
  if ((attention & ATTENTION_KILLED) !== 0) return ENDED;
  if (attention !== 0 && signalDeliverable(t) === 1) return syscallOps[call]!.interrupted(t, fr);
  return WAIT;
}

/** A sleeping call keeps its file alive; until then the boundary between traps did. @returns 0 if it died meanwhile */
function holdFrameFile(fr: FramePtr): number {
  const f = Frame.file.get(fr) as FilePtr;
  if (f === 0 || (Frame.fileHeld.get(fr) & HELD_FILE) !== 0) return 1;
  if (tryHoldFile(f) === 0) return 0;
  Frame.fileHeld.set(fr, Frame.fileHeld.get(fr) | HELD_FILE);
  return 1;
}

/** The call has its answer: lets its file go, and descriptors that it did not send. */
export function dropFrameHolds(fr: FramePtr): void {
  const held = Frame.fileHeld.get(fr);
  Frame.fileHeld.set(fr, 0);
  if ((held & HELD_CONTROL) !== 0) {
    dropControl(Frame.control.get(fr) as ControlPtr, 0);
    Frame.control.set(fr, NULL);
  }
  if ((held & HELD_FILE) !== 0) releaseFile(Frame.file.get(fr) as FilePtr);
}

/**
 * Deadlines wake their sleeper, except where it stands in a queue that every tick wakes (Kevlar's): there it is counted,
 * so that its CPU, when all idle, is known to wait for ticks (cpu/idle.ts).
 */
function armDeadline(t: TaskPtr, fr: FramePtr): void {
  const deadlineNs = Frame.deadlineNs.get(fr);
  if (deadlineNs === Number.POSITIVE_INFINITY) return;
  if (ticksWake(t)) {
    Cpu.tickSleepers.set(cpu, Cpu.tickSleepers.get(cpu) + 1);
    return;
  }
  const timer = Task.timer.at(t);
  Timer.owner.set(timer, t);
  armTimer(Task.home.get(t), timer, deadlineNs);
}

/**
 * Undoes `armDeadline`. The two come in pairs, on the task's own CPU: who arms answers SLEEP, whoever slept (or failed to
 * commit) resumes exactly once, and until then neither its deadline nor its stands are its own to change. A task that only
 * yielded stands nowhere and has armed nothing.
 */
function disarmDeadline(t: TaskPtr, fr: FramePtr): void {
  if (Frame.deadlineNs.get(fr) === Number.POSITIVE_INFINITY) return;
  if (ticksWake(t)) Cpu.tickSleepers.set(cpu, Cpu.tickSleepers.get(cpu) - 1);
  else disarmTimer(Task.timer.at(t));
}

function ticksWake(t: TaskPtr): boolean {
  const stand = Task.waits.get(t);
  return stand !== 0 && WaitEntry.queue.peek(stand) === Machine.globalQueue.at(MACHINE);
}

/** Nothing will wake it: its CPU must know until when all its tasks may look in vain (cpu/rest.ts). */
function noteYield(fr: FramePtr): void {
  Cpu.yields.set(cpu, Cpu.yields.get(cpu) + 1);
  // A look that moved a part was not in vain, though the call goes on.
  const moved = Frame.moved.get(fr) + Frame.messages.get(fr) * PARTS;
  if (moved !== Frame.yieldedWith.get(fr)) endInVain();
  Frame.yieldedWith.set(fr, moved);
  Cpu.yieldDeadlineNs.set(cpu, Math.min(Cpu.yieldDeadlineNs.get(cpu), Frame.deadlineNs.get(fr)));
}

/** For `smplab_settle`, which exists with checks on: this task has looked since its process last completed a call. */
function noteNotYet(t: TaskPtr): void {
  if (!CHECKS) return;
  Task.notYetAt.store(t, Process.completedCalls.load(Task.process.get(t)));
}
