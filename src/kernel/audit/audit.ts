/**
 * The audit: everything that must be true of a machine's memory while every CPU rests between two traps. A torture runs
 * it on snapshots taken on the way and at the end; so may any test whose machine stands still.
 *
 * Promise: it reads the words that it is given and nothing else, and ends, whatever they are.
 */
import { DESIGN_NAMES } from '../epoll/source-ops.ts';
import { Machine } from '../machine-record.ts';
import { auditFiles } from './files.ts';
import { auditKevlar } from './kevlar.ts';
import { auditLinux } from './linux.ts';
import { auditPages } from './pages.ts';
import { auditQueues } from './queues.ts';
import { auditSignals } from './signals.ts';
import { auditSlabs } from './slabs.ts';
import { auditSockets } from './sockets.ts';
import { auditProcesses, auditTasks } from './tasks.ts';
import { auditTimers } from './timers.ts';
import { auditVeridian } from './veridian.ts';
import { seeMachine, viewOf } from './view.ts';
import { auditWasix } from './wasix.ts';

/** @param memory a copy of a resting machine's memory @returns what is wrong with it, a sentence each */
export function auditMemory(memory: ArrayBufferLike): readonly string[] {
  const v = viewOf(memory);
  auditSlabs(v);
  const tasks = auditTasks(v);
  auditProcesses(v, tasks);
  const stands = auditQueues(v);
  auditFiles(v, tasks, stands);
  auditTimers(v, tasks);
  auditSignals(v, tasks);
  auditPages(v);
  auditSockets(v);
  const design = DESIGN_NAMES[seeMachine(v, Machine.design)];
  if (design === 'kevlar') auditKevlar(v);
  if (design === 'linux') auditLinux(v);
  if (design === 'veridian') auditVeridian(v);
  if (design === 'wasix') auditWasix(v);
  return v.problems;
}
