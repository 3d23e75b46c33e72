/**
 * Looks now and then whether every CPU still moves. A CPU that stays in kernel code for the limit without a trap, a
 * switch or a tick is lost: it waits for a lock that nobody will release, or loops. That ends the machine with a report.
 *
 * A guest that does not trap is no fault of the kernel, and no task that waits long for its turn is: both are told, and
 * only their owner can say. Time is counted in looks, so a host that slept is no culprit.
 */
import { Cpu, CPU_IDLE, CPU_KERNEL, CPU_USER } from '../kernel/cpu/cpu.ts';
import { Task } from '../kernel/task/task.ts';
import { List, ListNode } from '../shared-mem/list.ts';
import type { Snapshot } from './snapshot.ts';

const LOOK_MS = 1000;
const TIDS_SHOWN_MAX = 8;
/** After a warning the next one for the same CPU comes when it has lasted so much longer. */
const AGAIN_FACTOR = 4;

/** What is wrong with a CPU that lives. */
export interface Complaint {
  readonly kind: 'starvation' | 'no trap';
  readonly cpu: number;
  readonly tids: readonly number[];
  readonly forMs: number;
  readonly message: string;
}

export interface WatchdogOrder {
  readonly look: () => Snapshot;
  readonly lockupMs: number;
  readonly starvationMs: number;
  /** Called with the news of a CPU that has not moved in the kernel for `lockupMs`. */
  readonly lost: (message: string) => void;
  readonly complain: (complaint: Complaint) => void;
}

/** What is remembered of a CPU between two looks. */
interface Watched {
  moves: number;
  activity: number;
  /** How long it has been in the same activity without a move. */
  stillMs: number;
  /** A moment at which tasks waited: how many, what `switches` was, and how long ago. */
  waiting: number;
  switches: number;
  waitedMs: number;
  /** The next warning comes after so long. */
  warnAtMs: number;
}

export class Watchdog {
  private readonly timer: NodeJS.Timeout;
  private readonly order: WatchdogOrder;
  private readonly everyMs: number;
  private readonly watched: Watched[] = [];

  constructor(order: WatchdogOrder) {
    this.order = order;
    this.everyMs = Math.min(LOOK_MS, order.lockupMs / 2, order.starvationMs / 2);
    this.timer = setInterval(() => {
      const snapshot = order.look();
      for (let cpu = 0; cpu < snapshot.config.cpus; cpu++) this.lookAt(snapshot, cpu);
    }, this.everyMs);
    this.timer.unref();
  }

  stop(): void {
    clearInterval(this.timer);
  }

  /** Is there a CPU that would not hear of a stop, for it has long been where nothing is looked at? */
  get someoneIsStuck(): boolean {
    return this.watched.some(({ stillMs }) => stillMs >= 2 * this.everyMs);
  }

  private lookAt(snapshot: Snapshot, cpu: number): void {
    const record = snapshot.cpu(cpu);
    const activity = snapshot.word(record, Cpu.activity);
    // Interrupts are no move: a CPU that waits for a lock takes those that others send.
    const counters = [Cpu.switches, Cpu.ticksTaken, Cpu.idleSleeps].map((field) => snapshot.float(record, field));
    const moves = counters.reduce((sum, count) => sum + count, snapshot.float(record, Cpu.traps));
    const switches = snapshot.float(record, Cpu.switches);
    const waiting = snapshot.word(record, Cpu.runCount);
    const last = this.watched[cpu];
    const works = activity === CPU_KERNEL || activity === CPU_USER;
    if (last === undefined || (!works && activity !== CPU_IDLE)) {
      const warnAtMs = this.order.starvationMs;
      this.watched[cpu] = { moves, activity, stillMs: 0, waiting, switches, waitedMs: 0, warnAtMs };
      return;
    }
    const isStill = works && moves === last.moves && activity === last.activity;
    last.stillMs = isStill ? last.stillMs + this.everyMs : 0;
    last.moves = moves;
    last.activity = activity;
    // First come, first served: those who waited then have run once the CPU has switched as often.
    const left = last.waiting - (switches - last.switches);
    last.waitedMs = left > 0 ? last.waitedMs + this.everyMs : 0;
    if (left <= 0) Object.assign(last, { waiting, switches });
    if (last.stillMs === 0 && left <= 0) last.warnAtMs = this.order.starvationMs;
    if (activity === CPU_KERNEL && last.stillMs >= this.order.lockupMs) {
      this.order.lost(`lockup: CPU ${cpu} has been in kernel code for ${inSeconds(last.stillMs)} without moving`);
    } else this.complainOf(snapshot, cpu, left);
  }

  private complainOf(snapshot: Snapshot, cpu: number, left: number): void {
    const watched = this.watched[cpu]!;
    const noTrapMs = watched.activity === CPU_USER ? watched.stillMs : 0;
    const forMs = Math.max(watched.waitedMs, noTrapMs);
    if (forMs < watched.warnAtMs) return;
    watched.warnAtMs *= AGAIN_FACTOR;
    const record = snapshot.cpu(cpu);
    const current = snapshot.word(record, Cpu.current);
    const tid = current === 0 ? 0 : snapshot.word(current, Task.tid);
    const hog = `task ${tid} has not trapped for ${inSeconds(noTrapMs)}`;
    if (watched.waitedMs < this.order.starvationMs) {
      const message = `no trap: ${hog} on CPU ${cpu}, whose ticks, timers and signals wait for it`;
      this.order.complain({ kind: 'no trap', cpu, tids: [], forMs, message });
      return;
    }
    const tids = firstWaiting(snapshot, record, left);
    // A torn list may have shown nobody.
    const names = tids.length === 0 ? '' : ` (${tids.join(', ')}${left > tids.length ? ' ...' : ''})`;
    const who = left === 1 && tids.length === 1 ? `task ${tids[0]} is` : `${left} tasks${names} are`;
    const total = snapshot.word(record, Cpu.runCount) + 1;
    const why = noTrapMs > 0 ? `${hog} there` : `${total} tasks share that CPU`;
    const message = `starvation: ${who} runnable on CPU ${cpu} for ${inSeconds(watched.waitedMs)} and did not run: ${why}`;
    this.order.complain({ kind: 'starvation', cpu, tids, forMs, message });
  }
}

function inSeconds(ms: number): string {
  return `${(ms / 1000).toFixed(1)} s`;
}

/** The numbers of those who are first in a CPU's run queue. The memory moves meanwhile: a torn list ends early. */
function firstWaiting(snapshot: Snapshot, record: number, left: number): number[] {
  const tids: number[] = [];
  let node = snapshot.word(record + Cpu.runList.off, List.first);
  while (node !== 0 && tids.length < Math.min(left, TIDS_SHOWN_MAX)) {
    tids.push(snapshot.word(node - Task.runNode.off, Task.tid));
    node = snapshot.word(node, ListNode.next);
  }
  return tids;
}
