/**
 * Ended tasks and processes wait here for a grace period before their records are used again: another CPU may have
 * found one by its number (kill) and be looking at it, without lock or reference, until its trap is over.
 */
import { NULL } from '../../shared-mem/pointer.ts';
import type { Ptr } from '../../shared-mem/pointer.ts';
import { cpu } from '../../shared-mem/self.ts';
import { freeRecord, RecordHeader } from '../../shared-mem/slab.ts';
import { Cpu } from '../cpu/cpu.ts';
import { newGracePeriod, oldestSeenEpoch, periodIsOver } from '../cpu/quiescence.ts';
import { endInVain } from '../cpu/stops.ts';
import { processGone } from '../epoll/source.ts';
import { MACHINE, Machine } from '../machine-record.ts';
import type { TaskPtr } from '../task/task.ts';
import { Task } from '../task/task.ts';
import type { ProcessPtr } from './process.ts';
import { Process } from './process.ts';

export function retireTask(t: TaskPtr): void {
  Cpu.endedPeriod.set(cpu, newGracePeriod());
  RecordHeader.nextFree.set(Task.header.at(t), Cpu.limboTasks.get(cpu));
  Cpu.limboTasks.set(cpu, t);
}

export function retireProcess(p: ProcessPtr): void {
  processGone(p);
  Cpu.endedPeriod.set(cpu, newGracePeriod());
  RecordHeader.nextFree.set(Process.header.at(p), Cpu.limboProcesses.get(cpu));
  Cpu.limboProcesses.set(cpu, p);
}

/** Frees what nobody can be looking at any more. Called between traps. What ended meanwhile waits for the next period. */
export function reclaimEnded(): void {
  endInVain();
  if (Cpu.ripeningTasks.get(cpu) === 0 && Cpu.ripeningProcesses.get(cpu) === 0) ripenEnded();
  if (!periodIsOver(Cpu.ripeningEndedPeriod.get(cpu), oldestSeenEpoch())) return;
  let t = Cpu.ripeningTasks.get(cpu) as TaskPtr;
  Cpu.ripeningTasks.set(cpu, NULL);
  while (t !== 0) {
    const next = RecordHeader.nextFree.get(Task.header.at(t)) as Ptr<'Task'>;
    freeRecord(Machine.tasks.at(MACHINE), t);
    t = next;
  }
  let p = Cpu.ripeningProcesses.get(cpu) as ProcessPtr;
  Cpu.ripeningProcesses.set(cpu, NULL);
  while (p !== 0) {
    const next = RecordHeader.nextFree.get(Process.header.at(p)) as Ptr<'Process'>;
    freeRecord(Machine.processes.at(MACHINE), p);
    p = next;
  }
}

function ripenEnded(): void {
  Cpu.ripeningTasks.set(cpu, Cpu.limboTasks.get(cpu));
  Cpu.ripeningProcesses.set(cpu, Cpu.limboProcesses.get(cpu));
  Cpu.ripeningEndedPeriod.set(cpu, Cpu.endedPeriod.get(cpu));
  Cpu.limboTasks.set(cpu, NULL);
  Cpu.limboProcesses.set(cpu, NULL);
}

/** Is there anything for `reclaimEnded`? */
export function endedWait(): boolean {
  return (
    (Cpu.limboTasks.get(cpu) | Cpu.limboProcesses.get(cpu)) !== 0 ||
    (Cpu.ripeningTasks.get(cpu) | Cpu.ripeningProcesses.get(cpu)) !== 0
  );
}
