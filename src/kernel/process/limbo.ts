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
import { MACHINE, Machine } from '../machine-record.ts';
import type { TaskPtr } from '../task/task.ts';
import { Task } from '../task/task.ts';
import type { ProcessPtr } from './process.ts';
import { Process } from './process.ts';

export function retireTask(t: TaskPtr): void {
  Task.limboEpoch.set(t, newGracePeriod());
  RecordHeader.nextFree.set(Task.header.at(t), Cpu.limboTasks.get(cpu));
  Cpu.limboTasks.set(cpu, t);
}

export function retireProcess(p: ProcessPtr): void {
  Process.limboEpoch.set(p, newGracePeriod());
  RecordHeader.nextFree.set(Process.header.at(p), Cpu.limboProcesses.get(cpu));
  Cpu.limboProcesses.set(cpu, p);
}

/** Frees what nobody can be looking at any more. Called between traps. */
export function reclaimEnded(): void {
  const oldest = oldestSeenEpoch();
  let keptTasks: TaskPtr = NULL;
  let t = Cpu.limboTasks.get(cpu) as TaskPtr;
  while (t !== 0) {
    const next = RecordHeader.nextFree.get(Task.header.at(t)) as Ptr<'Task'>;
    if (periodIsOver(Task.limboEpoch.get(t), oldest)) {
      freeRecord(Machine.tasks.at(MACHINE), t);
    } else {
      RecordHeader.nextFree.set(Task.header.at(t), keptTasks);
      keptTasks = t;
    }
    t = next;
  }
  Cpu.limboTasks.set(cpu, keptTasks);
  let keptProcesses: ProcessPtr = NULL;
  let p = Cpu.limboProcesses.get(cpu) as ProcessPtr;
  while (p !== 0) {
    const next = RecordHeader.nextFree.get(Process.header.at(p)) as Ptr<'Process'>;
    if (periodIsOver(Process.limboEpoch.get(p), oldest)) {
      freeRecord(Machine.processes.at(MACHINE), p);
    } else {
      RecordHeader.nextFree.set(Process.header.at(p), keptProcesses);
      keptProcesses = p;
    }
    p = next;
  }
  Cpu.limboProcesses.set(cpu, keptProcesses);
}
