/**
 * What of a run matters to its reader: calls and their answers, what two CPUs meet at, wakes, and what the finding is about.
 * Bookkeeping that every trap does (grace periods, counts, lists behind a queue) does not, unless the finding is about it.
 */
import type { RunTrace, TraceEvent, TracedWord } from './trace.ts';

/** Shared by all CPUs all the time, and hardly ever the point. */
const NOISE: ReadonlySet<string> = new Set([
  'Process.completedCalls',
  'Task.notYetAt',
  'Task.wakePending',
  'Machine.idling',
  'Machine.epoch',
  'Machine.liveTasks',
  'Process.endedSwitches',
  'Process.childSwitches',
  'Process.liveThreads',
  'Machine.hostBell',
  'Machine.state',
  'Machine.outsideActors',
  'Machine.armedTimers',
  'Cpu.seenEpoch',
  'Cpu.runCount',
  'Cpu.residents',
  'Cpu.lookedAfter',
  'Cpu.current',
  'Cpu.needResched',
  'Cpu.timerDue',
  'File.refs',
  'File.flags',
  'File.body',
  'File.limboNext',
  'File.limboEpoch',
  'Task.frame',
  'Task.fdTable',
  'AddressSpace.refs',
  'Process.memoryReturned',
  'Machine.exits',
  'Pipe.slots',
  'Pipe.page',
  'Pipe.extent',
  'Pipe.sparePage',
]);
const NOISY_STRUCT =
  /^(CpuCore|RecordHeader|List|ListNode|Slab|WaitEntry|Frame|EventRing|SpinLock|QueuedSignal|SignalInfo|Timer|FdTable|MapNode|IntMap)\./;
/** Looked at all the time; that they change is worth a row. */
const NOISY_LOOKS: ReadonlySet<string> = new Set([
  'Task.attention',
  'Task.blockedLow',
  'Task.blockedHigh',
  'Machine.verdict',
  'Pipe.readEnd',
  'Pipe.writeEnd',
  'Pipe.polled',
]);
/** Written by whoever wakes, beside the state. */
const WAKE_NOTES = /^Task\.woken/;

export interface Relevance {
  /** Is it worth a row of its own? */
  event(event: TraceEvent): boolean;
  /** Is the word one that two CPUs meet at, or that the finding is about? */
  word(index: number): boolean;
  /** steps that the explanation names */
  readonly steps: ReadonlySet<number>;
}

export function isShared({ touchedBy, changedBy }: TracedWord): boolean {
  return touchedBy.length > 1 && changedBy.length > 0;
}

export function relevanceOf(trace: RunTrace): Relevance {
  const told = [trace.finding.message, ...trace.because].join('\n');
  const steps = new Set([...told.matchAll(/\bstep (\d+)/g)].map(([, step]) => Number(step)));
  // One CPU alone meets nobody: then what it changes is all there is to tell.
  const alone = trace.words.every(({ touchedBy }) => touchedBy.length < 2);
  const wanted = trace.words.map((word, index) => {
    if (trace.focus.includes(index)) return true;
    if (word.key.startsWith('CpuCore.') || word.immutable) return false;
    if (mentions(told, word.name)) return true;
    if (!(alone || isShared(word)) || word.key === '' || word.lock >= 0) return false;
    return !NOISE.has(word.key) && !NOISY_STRUCT.test(word.key) && !WAKE_NOTES.test(word.key);
  });
  const crossing = crossings(trace);
  // What a guest noted was noted when its last call was answered: how its process ends has no part in it.
  const answered = trace.events.findLast(({ kind }) => kind === 'answer')?.step;
  const over = trace.finding.kind === 'wrong result' ? (answered ?? trace.steps) : trace.steps;
  const creating = inCreation(trace);
  return {
    steps,
    word: (index) => wanted[index] ?? false,
    event(event) {
      if (event.kind === 'call' || event.kind === 'answer' || event.kind === 'panic') return true;
      if (event.step > over) return false;
      if (event.kind === 'begin' || event.kind === 'end' || event.kind === 'awake' || event.kind === 'doze')
        return false;
      if (event.word < 0) return false;
      const { key } = trace.words[event.word]!;
      const changed = event.before !== event.after;
      if (key === 'Task.state') return changed || event.operation === 'compareExchange';
      if (NOISY_LOOKS.has(key) && !changed && !trace.focus.includes(event.word)) return false;
      if (key === 'Machine.verdict' || key === 'Task.attention') return true;
      if (key === 'CpuCore.pending' && event.text !== '') return !event.text.startsWith('takes');
      if (event.text !== '' || trace.focus.includes(event.word)) return true;
      if (wanted[event.word] !== true) return false;
      return steps.has(event.step) || ((alone ? changed : crossing.has(event)) && !creating.has(event));
    },
  };
}

/**
 * Accesses at which something passes from one CPU to another: a look that sees what another wrote, or that another's change
 * makes out of date; a change of what another saw or wrote last, or that another sees. What a CPU does with what only it has
 * touched since does not cross.
 */
function crossings({ events }: RunTrace): ReadonlySet<TraceEvent> {
  const byWord = new Map<number, TraceEvent[]>();
  for (const event of events) {
    if (event.word < 0) continue;
    const list = byWord.get(event.word);
    if (list === undefined) byWord.set(event.word, [event]);
    else list.push(event);
  }
  const found = new Set<TraceEvent>();
  for (const list of byWord.values()) {
    for (const [index, event] of list.entries()) if (crosses(list, index, event)) found.add(event);
  }
  return found;
}

function crosses(list: readonly TraceEvent[], index: number, event: TraceEvent): boolean {
  const changes = event.before !== event.after;
  for (const way of [-1, 1]) {
    for (let i = index + way; i >= 0 && i < list.length; i += way) {
      const other = list[i]!;
      const otherChanges = other.before !== other.after;
      if (other.cpu !== event.cpu) {
        if (changes || otherChanges) return true;
      } else if (otherChanges || !changes) break;
    }
  }
  return false;
}

/** Calls that make something new: nobody else can see it yet. */
const CREATES = /^(pipe|socketpair|socket|eventfd|epoll_create|timerfd_create|signalfd|memfd_create)\w*\(/;

function inCreation({ events }: RunTrace): ReadonlySet<TraceEvent> {
  const found = new Set<TraceEvent>();
  const calls = new Map<number, boolean>();
  for (const event of events) {
    if (event.kind === 'call') calls.set(event.task, CREATES.test(event.text));
    if (event.kind === 'answer') calls.delete(event.task);
    if (calls.get(event.task) === true) found.add(event);
  }
  return found;
}

/** Is a word named, whole, in the text? */
function mentions(text: string, name: string): boolean {
  const at = text.indexOf(name);
  return at >= 0 && !/[\w.[]/.test(text[at + name.length] ?? ' ')
    ? true
    : text.includes(`${name} `) || text.includes(`${name},`);
}
