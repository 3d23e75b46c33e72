/**
 * What became of a wakeup. One SLEEPING -> RUNNABLE is classed once its call next answers: useful, timeout or signal if
 * it ended; herd, nudge or spurious if it slept again. Counted by the CPU that ran the task, with profiling on only.
 */
import { cpu } from '../../shared-mem/self.ts';
import { isAlive } from '../../shared-mem/slab.ts';
import { Cpu, histogramBucket } from '../cpu/cpu.ts';
import type { FilePtr } from '../file/file.ts';
import { File } from '../file/file.ts';
import { fileOps } from '../file/ops-table.ts';
import { syscallOps } from '../syscall/ops-table.ts';
import type { FramePtr, TaskPtr } from '../task/task.ts';
import { Frame, REASON_SIGNAL, REASON_SOURCE, REASON_TICK, Task } from '../task/task.ts';
import { clockNow, hostNow } from '../time/clock.ts';

/** The call ended with an answer of its own. */
export function classAnswered(t: TaskPtr, result: number): void {
  if (Task.wakePending.get(t) === 0) return;
  Task.wakePending.set(t, 0);
  // A deadline noticed by the attempt itself (Kevlar looks at the clock first) is a timeout, not use.
  const fr = Task.frame.get(t);
  if (result === 0 && Frame.deadlineNs.get(fr) !== Number.POSITIVE_INFINITY && clockNow() >= Frame.deadlineNs.get(fr)) {
    Cpu.timeouts.set(cpu, Cpu.timeouts.get(cpu) + 1);
    return;
  }
  Cpu.useful.set(cpu, Cpu.useful.get(cpu) + 1);
  const latencyNs = hostNow() - Task.wokenAtNs.get(t);
  const bucket = histogramBucket(latencyNs);
  Cpu.wakeLatency.setAt(cpu, bucket, Cpu.wakeLatency.getAt(cpu, bucket) + 1);
  if (latencyNs > Cpu.wakeLatencyMaxNs.get(cpu)) Cpu.wakeLatencyMaxNs.set(cpu, latencyNs);
}

/** The call ended because its time was over or a signal came. */
export function classLeft(t: TaskPtr, fr: FramePtr): void {
  if (Task.wakePending.get(t) === 0) return;
  Task.wakePending.set(t, 0);
  const late = Frame.deadlineNs.get(fr) <= clockNow();
  if (late) Cpu.timeouts.set(cpu, Cpu.timeouts.get(cpu) + 1);
  else Cpu.signals.set(cpu, Cpu.signals.get(cpu) + 1);
}

/** Woken, and slept again: whose fault was it? */
export function classInVain(t: TaskPtr, fr: FramePtr, call: number): void {
  if (Task.wakePending.get(t) === 0) return;
  Task.wakePending.set(t, 0);
  const reason = Task.wokenBy.get(t);
  const source = Task.wokenSource.get(t) as FilePtr;
  if (reason === REASON_TICK || reason === REASON_SIGNAL) {
    Cpu.nudge.set(cpu, Cpu.nudge.get(cpu) + 1);
    return;
  }
  if (reason === REASON_SOURCE && sourceLives(t, source)) {
    if (syscallOps[call]!.watches(t, fr, source) === 0) {
      Cpu.nudge.set(cpu, Cpu.nudge.get(cpu) + 1);
      return;
    }
    const keys = Task.wokenKeys.get(t);
    const still = fileOps[File.kind.get(source)]!.poll(source, t) & keys;
    if (still === 0 && keys !== 0) {
      Cpu.herd.set(cpu, Cpu.herd.get(cpu) + 1);
      return;
    }
  }
  Cpu.spurious.set(cpu, Cpu.spurious.get(cpu) + 1);
}

/** Nobody holds a source for those it woke; while it lives, the boundary between traps keeps its record readable. */
function sourceLives(t: TaskPtr, source: FilePtr): boolean {
  const generation = Task.wokenGeneration.get(t);
  return source !== 0 && (generation & 1) === 1 && isAlive(source, generation) && File.refs.load(source) > 0;
}
