/**
 * How things stood when a run was over: what each CPU did and held, what each task waits for. Read from the memory that the
 * run left behind.
 */
import { Task, TASK_STATE_NAMES } from '../../kernel/task/task.ts';
import { WaitEntry } from '../../kernel/wait/wait-queue-struct.ts';
import { CpuCore } from '../../shared-mem/cpu-core.ts';
import { ListNode } from '../../shared-mem/list.ts';
import type { Outcome } from '../../stepped/run.ts';
import type { Noted, Recorder } from './recorder.ts';
import type { CpuEnd, RunTrace, TaskEnd } from './trace.ts';

/** From what the recorder knows to what the trace holds. */
export interface Indices {
  word(address: number): number;
  lock(address: number): number;
}

/** How the scheduler says that a run ended. */
export type Ended = Pick<Outcome, 'ending' | 'error' | 'cpus'>;

export function endOf(recorder: Recorder, { cpus }: Ended, index: Indices): RunTrace['ends'] {
  return {
    cpus: cpus.map(({ index: cpu, doing, address }) => cpuEnd(recorder, cpu, doing, address, index)),
    tasks: recorder.names.living('tasks').map((record) => taskEnd(recorder, record)),
  };
}

function cpuEnd(r: Recorder, cpu: number, doing: CpuEnd['doing'], address: number, index: Indices): CpuEnd {
  const { names, machinery } = r;
  const last = r.events.findLast((event) => event.cpu === cpu && event.place >= 0);
  // It spins on a word of a lock; or it sleeps, and says for which.
  const spinsFor = address === 0 ? 0 : names.word(address).lock;
  const sleepsFor = doing === 'sleeps' ? names.get(names.cpuAt(cpu), CpuCore.sleepLock) : 0;
  return {
    cpu,
    doing,
    task: names.taskOn(names.cpuAt(cpu)),
    place: last?.place ?? -1,
    holds: machinery.held(cpu).map((lock) => index.lock(lock)),
    waitsFor: index.lock(spinsFor || sleepsFor),
    word: index.word(address),
  };
}

function taskEnd({ names, events }: Recorder, record: number): TaskEnd {
  const task = names.get(record, Task.tid);
  const asleep = events.findLast((event) => event.text === `task ${task} goes to sleep`);
  const call = events.findLast((event) => event.task === task && (event.kind === 'call' || event.kind === 'answer'));
  return {
    task,
    cpu: names.cpuIndex(names.get(record, Task.home)),
    state: (TASK_STATE_NAMES[names.get(record, Task.state)] ?? '?').toUpperCase(),
    call: call?.kind === 'call' ? call.text : '',
    queues: queuesOf(names, record),
    ...placeOf(asleep),
  };
}

function placeOf(event: Noted | undefined): { readonly place: number; readonly step: number } {
  return { place: event?.place ?? -1, step: event?.step ?? -1 };
}

function queuesOf(names: Recorder['names'], record: number): string[] {
  const found: string[] = [];
  let stand = names.get(record, Task.waits);
  while (stand !== 0 && found.length < 100) {
    // One that was woken has been taken off the list.
    const list = names.get(stand + WaitEntry.node.off, ListNode.list);
    if (list !== 0) found.push(names.thing(names.get(stand, WaitEntry.queue)));
    stand = names.get(stand, WaitEntry.nextOfTask);
  }
  return found;
}
