// A copy of a machine's memory that a test may damage, for the audit to find.
import type { SlabName } from '../../src/kernel/boot/plan.ts';
import { File } from '../../src/kernel/file/file.ts';
import { Machine as MachineRecord } from '../../src/kernel/machine-record.ts';
import { Task, TASK_SLEEPING } from '../../src/kernel/task/task.ts';
import { Snapshot } from '../../src/machine/snapshot.ts';
import { FIRST_RECORD } from '../../src/shared-mem/layout.ts';

interface Field {
  readonly off: number;
}

export class Patient extends Snapshot {
  first(slab: SlabName, fits: (record: number) => boolean = () => true): number {
    const found = [...this.living(slab)].find(fits);
    if (found === undefined) throw new Error(`no record of ${slab} fits`);
    return found;
  }
  slab(name: SlabName): number {
    return FIRST_RECORD + MachineRecord[name].off;
  }
  set(record: number, field: Field, value: number): void {
    this.words[record + field.off] = value;
  }
  add(record: number, field: Field, delta = 1): void {
    this.words[record + field.off]! += delta;
  }
  fileOf(kind: number): number {
    return this.first('files', (f) => this.word(f, File.kind) === kind);
  }
  /** A task that sleeps in a queue. */
  stander(): number {
    return this.first('tasks', (t) => this.word(t, Task.state) === TASK_SLEEPING && this.word(t, Task.waits) !== 0);
  }
}
