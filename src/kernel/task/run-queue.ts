/**
 * The run queue of a CPU: runnable tasks, first come, first served. Tasks are pinned, so a queue is filled by anyone
 * and emptied by its CPU alone.
 */
import { ring } from '../../shared-mem/cpu-core.ts';
import { listAppend, listTakeFirst } from '../../shared-mem/list.ts';
import type { CpuPtr } from '../../shared-mem/pointer.ts';
import { NULL } from '../../shared-mem/pointer.ts';
import { cpu } from '../../shared-mem/self.ts';
import { Cpu, CPU_IDLE } from '../cpu/cpu.ts';
import { interruptsOff, interruptsOn, IRQ_RESCHEDULE, raiseInterrupt } from '../irq/interrupts.ts';
import { acquire, release } from '../../shared-mem/locks/lock.ts';
import type { TaskPtr } from './task.ts';
import { Task } from './task.ts';

/** Lists a task that this caller alone made RUNNABLE, and tells its CPU. */
export function enqueueRunnable(t: TaskPtr): void {
  const home = Task.home.get(t) as CpuPtr;
  interruptsOff();
  acquire(Cpu.runLock.at(home));
  listAppend(Cpu.runList.at(home), Task.runNode.at(t));
  Cpu.runCount.add(home, 1);
  release(Cpu.runLock.at(home));
  interruptsOn();
  if (home === cpu) return;
  // An idle CPU looks at its list before it sleeps, and the ring makes it look again: there is nothing to interrupt.
  if (Cpu.activity.peek(home) === CPU_IDLE) ring(home);
  else raiseInterrupt(home, IRQ_RESCHEDULE);
}

/** @returns the next task of this CPU, off the list, or 0 */
export function dequeueRunnable(): TaskPtr {
  if (Cpu.runCount.load(cpu) === 0) return NULL;
  interruptsOff();
  acquire(Cpu.runLock.at(cpu));
  const node = listTakeFirst(Cpu.runList.at(cpu));
  if (node !== 0) Cpu.runCount.sub(cpu, 1);
  release(Cpu.runLock.at(cpu));
  interruptsOn();
  return node === 0 ? NULL : Task.runNode.outer(node);
}
