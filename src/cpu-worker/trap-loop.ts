/**
 * The trap loop of a CPU: resume the task, dispatch its trap, look at interrupts, schedule.
 *
 *     pick a task ─▶ resume its generator ─▶ it yields a call's number ─▶ trap ─▶ a result? resume again
 *                                                                          ├─ SLEEP: commit, pick another
 *                                                                          ├─ YIELD: to the end of the queue
 *                                                                          ├─ HANDLER: run the handler's generator
 *                                                                          ├─ STOPPED: sleep until the process goes on
 *                                                                          └─ ENDED: drop the generators
 *
 * One task runs on until it blocks, yields, ends or its slice is over. The commit to sleep is the last step of the
 * argument in kernel/wait/sleep.ts: RUNNING -> SLEEPING by compareExchange, which fails if a wake came meanwhile.
 */
import { CHECKS, PROFILE } from '../shared-mem/boot-constants.ts';
import { CpuCore } from '../shared-mem/cpu-core.ts';
import { ringWrite } from '../shared-mem/event-ring.ts';
import { assert } from '../shared-mem/panic.ts';
import { NULL } from '../shared-mem/pointer.ts';
import { cpu } from '../shared-mem/self.ts';
import { recordIndex } from '../shared-mem/slab.ts';
import { ENOSYS } from '../kernel/abi/errno.ts';
import { SIGSEGV } from '../kernel/abi/flags-signal.ts';
import { Cpu, CPU_KERNEL, CPU_PAUSED, CPU_USER } from '../kernel/cpu/cpu.ts';
import { idle } from '../kernel/cpu/idle.ts';
import { deadFilesWait, enterIdleQuiescence, leaveIdleQuiescence, noteQuiescence } from '../kernel/cpu/quiescence.ts';
import { restAfterYields } from '../kernel/cpu/rest.ts';
import { endInVain } from '../kernel/cpu/stops.ts';
import { reclaimDeadFiles } from '../kernel/file/ops-table.ts';
import { IRQ_STOP, takeInterrupts } from '../kernel/irq/interrupts.ts';
import { MACHINE, MACHINE_RUNNING, Machine } from '../kernel/machine-record.ts';
import { exitProcess } from '../kernel/process/exit.ts';
import { endedWait, reclaimEnded } from '../kernel/process/limbo.ts';
import { Process } from '../kernel/process/process.ts';
import { handlerEntry, handlerSignal, handlerWantsInfo } from '../kernel/signal/deliver.ts';
import {
  endedTask,
  generatorStarting,
  handlerReturned,
  beginAgain,
  resumeSignals,
  resumeTrap,
  trap,
} from '../kernel/syscall/trap.ts';
import { dequeueRunnable, enqueueRunnable } from '../kernel/task/run-queue.ts';
import type { TaskPtr } from '../kernel/task/task.ts';
import {
  ENDED,
  EXECED,
  Frame,
  HANDLER,
  RESUME_BEGIN,
  RESUME_CALL,
  RESUME_RESULT,
  SLEEP,
  STOPPED,
  Task,
  TASK_RUNNABLE,
  TASK_RUNNING,
  TASK_SLEEPING,
  YIELD,
} from '../kernel/task/task.ts';
import { EVENT_CALL, EVENT_SLEEP } from '../kernel/task/wake.ts';
import { checkClock, runTimers, WORK_PER_CLOCK } from '../kernel/time/tick.ts';
import type { Coroutines, TrapState } from './coroutines.ts';
import { handlerInfoOf } from './handler-info.ts';

/** Runs tasks until the machine pauses, stops or dies. */
export function runCpu(coroutines: Coroutines, trapState: TrapState, indexByNumber: Int16Array): void {
  leaveIdleQuiescence();
  Cpu.workGiven.set(cpu, WORK_PER_CLOCK);
  checkClock();
  while (betweenTraps() === MACHINE_RUNNING) {
    const t = dequeueRunnable();
    if (t === 0) idle();
    else runTask(t, coroutines, trapState, indexByNumber);
  }
  Cpu.activity.set(cpu, CPU_PAUSED);
  enterIdleQuiescence();
}

/** The boundary: interrupts, timers, grace periods. @returns the machine's state */
function betweenTraps(): number {
  takeInterrupts();
  if (Cpu.timerDue.get(cpu) === 1) runTimers();
  noteQuiescence();
  if (deadFilesWait()) reclaimDeadFiles();
  if (endedWait()) reclaimEnded();
  if ((CpuCore.pending.peek(cpu) & IRQ_STOP) === 0) return MACHINE_RUNNING;
  // Taken before the look at the state: the host sets the state first, so a new order is seen there or stays pending.
  CpuCore.pending.and(cpu, ~IRQ_STOP);
  const state = Machine.state.load(MACHINE);
  // Still in force; otherwise it was taken back, and the machine runs again.
  if (state !== MACHINE_RUNNING) CpuCore.pending.or(cpu, IRQ_STOP);
  return state;
}

/** What `handleCode` answers when the task has given up the CPU. */
const LEFT = -100_010;

/** Runs one task until it gives up the CPU. The loop is the machine's hottest: what is rare stands in other functions. */
function runTask(t: TaskPtr, coroutines: Coroutines, trapState: TrapState, indexByNumber: Int16Array): void {
  const place = recordIndex(Machine.tasks.at(MACHINE), t);
  const registers = trapState.registers;
  let result = enterTask(t, place, coroutines, trapState);
  if (result !== YIELD) endInVain();
  let generator = coroutines.top(place)!;
  for (;;) {
    // None of Linux's answers is as small as the codes are.
    while (result <= SLEEP) {
      result = handleCode(t, place, coroutines, result);
      if (result === LEFT) return;
      generator = coroutines.top(place)!;
    }
    Cpu.activity.set(cpu, CPU_USER);
    const step = generator.next(result);
    Cpu.activity.set(cpu, CPU_KERNEL);
    if (step.done === true) {
      result = coroutines.pop(place) === 0 ? mainReturned(t, step.value) : handlerReturned(t);
      if (result > SLEEP) generator = coroutines.top(place)!;
      continue;
    }
    result = dispatch(t, step.value, registers, indexByNumber);
    const left = Cpu.workLeft.get(cpu) - 1;
    Cpu.workLeft.set(cpu, left);
    if (left > 0 && CpuCore.pending.peek(cpu) === 0) continue;
    if (mustGiveUp(left) === 1) {
      leaveCpu(t, place, coroutines, result);
      return;
    }
  }
}

/** The CPU turns to a task. @returns what its generator is resumed with, or a code */
function enterTask(t: TaskPtr, place: number, coroutines: Coroutines, trapState: TrapState): number {
  if (CHECKS) assert(Task.state.load(t) === TASK_RUNNABLE, 'a listed task is not runnable');
  Task.state.store(t, TASK_RUNNING);
  Cpu.current.set(cpu, t);
  Cpu.needResched.set(cpu, 0);
  Cpu.spunSinceWork.set(cpu, 0);
  Cpu.sliceLeft.set(cpu, Machine.sliceTicks.get(MACHINE));
  Cpu.switches.set(cpu, Cpu.switches.get(cpu) + 1);
  const process = Task.process.get(t);
  trapState.userBase = Process.userBase.get(process);
  trapState.userBytes = Process.userBytes.get(process);
  trapState.image = coroutines.images[Task.image.get(t)];
  trapState.tid = Task.tid.get(t);
  trapState.pid = Process.pid.get(process);
  if (coroutines.top(place) !== undefined) return resumedResult(t);
  Cpu.activity.set(cpu, CPU_USER);
  coroutines.start(place, Task.image.get(t), Task.entry.get(t), Task.entryArgument.get(t));
  Cpu.activity.set(cpu, CPU_KERNEL);
  return generatorStarting(t);
}

/** execve has made the task anew: its generator begins when its turn comes. @returns LEFT, or ENDED */
function beginAnew(t: TaskPtr, place: number, coroutines: Coroutines): number {
  coroutines.drop(place);
  if (coroutines.canStart(Task.image.get(t), Task.entry.get(t))) {
    giveUpCpu(t);
    return LEFT;
  }
  // The old program is gone, and there is no new one.
  exitProcess(Task.process.get(t), SIGSEGV);
  return endedTask(t);
}

/** A call or a handler ended in one of the codes. @returns what to resume with, another code, or LEFT */
function handleCode(t: TaskPtr, place: number, coroutines: Coroutines, code: number): number {
  if (code === SLEEP) {
    const answer = commitSleep(t);
    return answer === SLEEP ? wentToSleep(t) : answer;
  }
  if (code === STOPPED) {
    // No wakeup is counted for it: the task sleeps in no call.
    if (Task.state.compareExchange(t, TASK_RUNNING, TASK_SLEEPING) !== TASK_RUNNING) {
      Task.state.store(t, TASK_RUNNING);
      return resumedResult(t);
    }
    return wentToSleep(t);
  }
  if (code === YIELD) {
    yieldTask(t);
    return LEFT;
  }
  if (code === ENDED) {
    coroutines.drop(place);
    Cpu.current.set(cpu, NULL);
    return LEFT;
  }
  if (code === EXECED) return beginAnew(t, place, coroutines);
  assert(code === HANDLER, 'a trap answered a code that means nothing here');
  const signal = handlerSignal(t);
  const info = handlerWantsInfo(t) ? handlerInfoOf(signal) : undefined;
  Cpu.activity.set(cpu, CPU_USER);
  coroutines.push(place, Task.image.get(t), handlerEntry(t), signal, info);
  Cpu.activity.set(cpu, CPU_KERNEL);
  return generatorStarting(t);
}

function wentToSleep(t: TaskPtr): number {
  if (CHECKS) assert(CpuCore.heldCount.get(cpu) === 0, 'a task gives up its CPU while it holds a lock');
  Task.voluntarySwitches.set(t, (Task.voluntarySwitches.get(t) + 1) | 0);
  Cpu.current.set(cpu, NULL);
  return LEFT;
}

/** The boundary after a trap. @returns 1 if the task must let others run, or the machine rest */
function mustGiveUp(workLeft: number): number {
  if (workLeft <= 0) checkClock();
  return betweenTraps() !== MACHINE_RUNNING || Cpu.needResched.get(cpu) === 1 ? 1 : 0;
}

/** Copies the registers into the frame, before anything can switch, and calls the kernel. */
function dispatch(t: TaskPtr, number: number, registers: Float64Array, indexByNumber: Int16Array): number {
  const fr = Task.frame.get(t);
  Cpu.traps.set(cpu, Cpu.traps.get(cpu) + 1);
  Frame.args.setAt(fr, 0, registers[0]!);
  Frame.args.setAt(fr, 1, registers[1]!);
  Frame.args.setAt(fr, 2, registers[2]!);
  Frame.args.setAt(fr, 3, registers[3]!);
  Frame.args.setAt(fr, 4, registers[4]!);
  Frame.args.setAt(fr, 5, registers[5]!);
  const call = number >= 0 && number < indexByNumber.length ? indexByNumber[number]! : -1;
  if (CHECKS) ringWrite(Cpu.events.at(cpu), EVENT_CALL, Task.tid.get(t), call, 0);
  return call < 0 ? -ENOSYS : trap(t, call);
}

/** The result with which a task goes on that gave up the CPU: of the call it slept or yielded in, or as it was. */
function resumedResult(t: TaskPtr): number {
  const fr = Task.frame.get(t);
  const resume = Frame.resume.get(fr);
  if (resume === RESUME_CALL) return resumeTrap(t);
  Frame.resume.set(fr, RESUME_CALL);
  if (resume === RESUME_BEGIN) return beginAgain(t);
  return resume === RESUME_RESULT ? Frame.result.get(fr) : resumeSignals(t);
}

/**
 * RUNNING -> SLEEPING, unless a wake came: then the state is WOKEN, and the call tries again, perhaps to sleep again.
 * @returns SLEEP once the task sleeps (it may be running on already: its home CPU is this one, so not yet), else the
 * call's answer
 */
function commitSleep(t: TaskPtr): number {
  for (;;) {
    if (PROFILE) Task.wakePending.set(t, 1);
    if (CHECKS) ringWrite(Cpu.events.at(cpu), EVENT_SLEEP, Task.tid.get(t), 0, 0);
    if (Task.state.compareExchange(t, TASK_RUNNING, TASK_SLEEPING) === TASK_RUNNING) return SLEEP;
    if (PROFILE) Task.wakePending.set(t, 0);
    Task.state.store(t, TASK_RUNNING);
    const answer = resumeTrap(t);
    if (answer !== SLEEP) return answer;
  }
}

/** The task's turn is over. What its trap ended in comes first: a handler, say, begins, and waits for the next turn. */
function leaveCpu(t: TaskPtr, place: number, coroutines: Coroutines, answer: number): void {
  let result = answer;
  while (result <= SLEEP) {
    result = handleCode(t, place, coroutines, result);
    if (result === LEFT) return;
  }
  const fr = Task.frame.get(t);
  Frame.resume.set(fr, RESUME_RESULT);
  Frame.result.set(fr, result);
  giveUpCpu(t);
}

/** To the end of the run queue, still runnable. */
function giveUpCpu(t: TaskPtr): void {
  if (CHECKS) assert(CpuCore.heldCount.get(cpu) === 0, 'a task gives up its CPU while it holds a lock');
  // Who is alone goes on at once.
  if (Cpu.runCount.load(cpu) > 0) Task.involuntarySwitches.set(t, (Task.involuntarySwitches.get(t) + 1) | 0);
  Cpu.current.set(cpu, NULL);
  Task.state.store(t, TASK_RUNNABLE);
  enqueueRunnable(t);
}

/** To the end of the queue; if all have done nothing but yield lately, the CPU rests, or it would burn its core. */
function yieldTask(t: TaskPtr): void {
  const traps = Cpu.traps.get(cpu);
  const streak = traps > Cpu.trapsAtYield.get(cpu) + 1 ? 1 : Cpu.yieldStreak.get(cpu) + 1;
  Cpu.trapsAtYield.set(cpu, traps);
  Cpu.yieldStreak.set(cpu, streak);
  const seen = CpuCore.doorbell.load(cpu);
  const others = Cpu.runCount.load(cpu);
  giveUpCpu(t);
  if (others > 0 && streak <= others) return;
  Cpu.yieldStreak.set(cpu, 0);
  if (CpuCore.pending.load(cpu) !== 0) return;
  restAfterYields(seen);
}

/** A main function returned: its value is the process's exit code, as from main in C; a thread just ends. */
function mainReturned(t: TaskPtr, value: unknown): number {
  const p = Task.process.get(t);
  if (Task.tid.get(t) === Process.pid.get(p)) exitProcess(p, ((typeof value === 'number' ? value : 0) & 0xff) << 8);
  return endedTask(t);
}
