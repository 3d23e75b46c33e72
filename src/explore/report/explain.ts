/**
 * A finding in sentences: who holds and waits for what, in which queue a sleeper stands, and, where a wakeup was lost,
 * what came before what.
 */
import type { CpuEnd, Finding, RunTrace, TaskEnd, TraceEvent } from './trace.ts';
import { frameOf } from './trace.ts';

/** What a run says of itself, where nobody has said what was found. */
export function findingIn(trace: RunTrace, end: string): Finding {
  const [first = ''] = end.split('\n');
  if (end === 'done') return { kind: end, message: '' };
  if (end === 'limit') return { kind: 'livelock', message: 'the run came to no end' };
  if (end !== 'deadlock' && !first.startsWith('stuck')) {
    return first.startsWith('RaceError') ? { kind: 'race', message: first } : { kind: 'panic', message: first };
  }
  const sleepers = trace.ends.tasks.filter(({ state }) => state === 'SLEEPING');
  const lost = sleepers.find((each) => lostWakeup(trace, each).length > 0);
  if (lost !== undefined) {
    return {
      kind: 'lost wakeup',
      message: `task ${lost.task} sleeps in ${lost.call} for ever; what it waits for has come`,
    };
  }
  const stuck = trace.ends.cpus.find(({ waitsFor }) => waitsFor >= 0);
  if (stuck !== undefined)
    return { kind: 'deadlock', message: `nobody will ever leave ${trace.locks[stuck.waitsFor]!.name}` };
  const who = sleepers.map(({ task }) => task).join(', ');
  return { kind: 'deadlock', message: who === '' ? 'no CPU can go on' : `nobody is left to wake task ${who}` };
}

/** Both accesses: the last one, at which the check spoke, and the other CPU's before it; with the locks held at each. */
function raceMessage(trace: RunTrace): string | undefined {
  const { words, events } = trace;
  const [word] = trace.focus;
  const second = events.findLastIndex((event) => event.word === word);
  const first = events.findLastIndex((event) => event.word === word && event.cpu !== events[second]?.cpu);
  if (word === undefined || second < 0 || first < 0) return undefined;
  const tell = (index: number): string => {
    const event = events[index]!;
    const does = event.kind === 'read' ? 'reads it' : `writes it (${event.before} → ${event.after})`;
    return `CPU ${event.cpu} ${does} at step ${event.step} (${placeText(trace, event.place)}) ${holding(trace, index)}`;
  };
  return `${words[word]!.name}: ${tell(first)}, ${tell(second)}; nothing orders the two`;
}

/** The locks that the CPU of an event held then. */
function holding({ events, locks }: RunTrace, index: number): string {
  const held = new Set<number>();
  const { cpu } = events[index]!;
  for (const event of events.slice(0, index)) {
    if (event.cpu === cpu && event.kind === 'lock') held.add(event.lock);
    if (event.cpu === cpu && event.kind === 'unlock') held.delete(event.lock);
  }
  return held.size === 0 ? 'without a lock' : `holding ${[...held].map((lock) => locks[lock]!.name).join(' and ')}`;
}

/** As a detector told it; of a race more is known here: both places, the change, the locks. */
export function retold(trace: RunTrace, finding: Finding): Finding {
  return finding.kind === 'race' ? { kind: 'race', message: raceMessage(trace) ?? finding.message } : finding;
}

export function explain(trace: RunTrace): string[] {
  const sleepers = trace.ends.tasks
    .filter(({ state }) => state === 'SLEEPING')
    .map((end) => [sleepSentence(trace, end), ...lostWakeup(trace, end)])
    // The one with a story first.
    .sort((a, b) => b.length - a.length);
  return [
    ...trace.ends.cpus.flatMap((end) => (end.waitsFor < 0 ? [] : [lockSentence(trace, end.cpu)])),
    ...trace.ends.cpus.flatMap((end) => (end.doing === 'spins' && end.waitsFor < 0 ? [spinSentence(trace, end)] : [])),
    ...sleepers.flat(),
  ];
}

/** `eventfd.ts:75`, or nothing where it is not known. */
export function placeText(trace: Pick<RunTrace, 'frames' | 'places'>, place: number): string {
  const frame = frameOf(trace, place);
  return frame === undefined || frame.line === 0 ? '' : `${frame.file.split('/').at(-1)}:${frame.line}`;
}

function at(trace: RunTrace, { step, place }: { readonly step: number; readonly place: number }): string {
  const where = placeText(trace, place);
  return `step ${step}${where === '' ? '' : ` (${where})`}`;
}

function lockSentence(trace: RunTrace, cpu: number): string {
  const { waitsFor, holds } = trace.ends.cpus[cpu]!;
  const holder = trace.ends.cpus.find((each) => each.holds.includes(waitsFor));
  const own = holds.map((lock) => trace.locks[lock]!.name);
  const held = own.length === 0 ? 'holds no lock' : `holds ${own.join(' and ')}`;
  const by =
    holder === undefined
      ? 'which nobody holds'
      : holder.cpu === cpu
        ? 'which it holds itself'
        : `which CPU ${holder.cpu} holds`;
  return `CPU ${cpu} ${held} and waits for ${trace.locks[waitsFor]!.name}, ${by}.`;
}

/** It spins on a word that is no lock's. */
function spinSentence(trace: RunTrace, { cpu, holds, word, place }: CpuEnd): string {
  const own = holds.map((lock) => trace.locks[lock]!.name).join(' and ');
  const what = trace.words[word]?.name ?? 'a word';
  return `CPU ${cpu} ${own === '' ? '' : `holds ${own} and `}spins until ${what} changes (${placeText(trace, place)}).`;
}

function sleepSentence(trace: RunTrace, end: TaskEnd): string {
  const call = end.call === '' ? '' : ` in ${end.call}`;
  const since = end.step < 0 ? '' : ` since ${at(trace, end)}`;
  const queues = end.queues.length === 0 ? 'and stands in no queue' : `and stands in ${end.queues.join(', ')}`;
  return `Task ${end.task} sleeps${call} on CPU ${end.cpu}${since}, ${queues}.`;
}

/** Words of files: what a task that waits for one looks at. */
const SOURCE_KEY = /^(File\.readiness|Eventfd\.|Pipe\.bytes|Pipe\.head|Socket\.|Timerfd\.|Signalfd\.)/;

/** The last look of a sleeper at something that another changed afterwards. */
function lostWakeup(trace: RunTrace, end: TaskEnd): string[] {
  const { events, words } = trace;
  const slept = events.findLastIndex(({ text }) => text === `task ${end.task} goes to sleep`);
  // What waits for many may have looked at each when it was told of it: in an earlier call.
  const begun = /^(epoll_wait|epoll_pwait)/.test(end.call)
    ? 0
    : events.findLastIndex(({ kind, task }, i) => kind === 'call' && task === end.task && i < slept);
  if (slept < 0 || begun < 0) return [];
  let look: TraceEvent | undefined;
  let change: TraceEvent | undefined;
  for (const [number, word] of words.entries()) {
    if (!SOURCE_KEY.test(word.key)) continue;
    const seen = events.findLastIndex((e, i) => i > begun && e.word === number && e.task === end.task);
    if (seen < 0) continue;
    const changed = events.findIndex(
      (e, i) => i > seen && e.word === number && e.task !== end.task && e.before !== e.after,
    );
    if (changed < 0 || (look !== undefined && look.step > events[seen]!.step)) continue;
    look = events[seen]!;
    change = events[changed]!;
  }
  if (look === undefined || change === undefined) return [];
  return [
    `It last looked at ${words[look.word]!.name} at ${at(trace, look)}, which was ${look.after}.`,
    `Task ${change.task} on CPU ${change.cpu} made it ${change.after} at ${at(trace, change)}${waking(trace, change)}.`,
    ...standing(trace, end),
  ];
}

/** What who made the change then saw of the queues. */
function waking({ events, words }: RunTrace, change: TraceEvent): string {
  const from = events.indexOf(change);
  const answered = events.findIndex((event, i) => i > from && event.kind === 'answer' && event.task === change.task);
  const look = events.find((event, i) => {
    const isCount = words[event.word]?.key === 'WaitQueue.waiterCount';
    return i > from && (answered < 0 || i < answered) && event.cpu === change.cpu && isCount;
  });
  if (look === undefined) return '';
  const queue = words[look.word]!.name.replace(/(\.queue)?\.waiterCount$/, '');
  return look.after === '0' && look.before === '0'
    ? `, found at step ${look.step} that nobody waits for ${queue} (waiterCount 0), and woke nobody`
    : `, and found at step ${look.step} that ${look.before} wait for ${queue}`;
}

/** When the sleeper came into its queue. */
function standing(trace: RunTrace, end: TaskEnd): string[] {
  const { events, words } = trace;
  const stood = events.findLast(
    (event) =>
      event.task === end.task &&
      event.before !== event.after &&
      end.queues.some((queue) => words[event.word]?.name === `${queue}.waiterCount`),
  );
  if (stood === undefined) return [];
  return [`It counts among the waiters since ${at(trace, stood)}, and did not look again before it slept.`];
}
