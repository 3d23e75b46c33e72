// A replay in words: what was not replayed and what that means for the figures, where the machine answered otherwise, and
// what the wakeups cost. Pure; the command line decides where it is printed.

import type { Mismatch } from './compare.ts';
import { replayDivergences } from './divergences.ts';
import { NEVER_OPENED } from './plan-files.ts';
import * as verdict from './plan-verdict.ts';
import type { DesignReplay, ReplaySummary } from './run.ts';

/** What it means for the figures that calls of a reason were not made again. */
const meanings: Readonly<Record<string, string>> = {
  [NEVER_OPENED]:
    'strace was told to leave out the calls that opened them (files, terminals, inherited ones); they take no time here',
  [verdict.LACKING_KIND]: 'files and sockets that the machine does not have; they take no time here',
  [verdict.FUTEX]: 'the order of the trace stands for what the threads told each other; their wakeups are not counted',
  [verdict.CLOCKS]: 'the machine has a clock of its own',
  [verdict.IDENTITIES]: 'ids of processes and threads are the machine’s',
  [verdict.SHORT_WRITES]: 'a network socket’s buffer is not a unix socket’s; the socket was left as full as it was',
  [verdict.OUTSIDE_CONNECT]: 'a unix socket connects at once; it was kept full until the trace shows the connection',
  [verdict.NO_ARGUMENTS]: 'strace did not print all that the call was given',
  [verdict.NO_RESULT]: 'the trace ends, or has a gap, before they do',
  [verdict.PROGRAMS]: 'the process goes on with the descriptors that stay open, as it did in the trace',
  [verdict.STRANGERS]: 'nobody knows when those ended',
  [verdict.ENDING]: 'in the machine a killed process has ended at once',
  [verdict.RACES]: 'a call made several files ready at once, and the wait was quick enough to see only some',
  [verdict.ROOM]: 'which of it comes first depends on when it became ready, and the trace does not tell',
  [verdict.STOPS]: 'the machine’s processes are not stopped by a terminal',
  [verdict.TIMER_SIGNALS]: 'their signals come when the trace shows them to have come',
  [verdict.RANGES]: 'numbers differ in the machine, so what the range holds is closed one by one',
  [verdict.SIGNAL_RETURN]: 'the machine returns from handlers by itself',
};

/** Sentences for a person. */
export function replayWords(summary: ReplaySummary): string[] {
  const { calls, compared, eventCalls } = summary;
  const lines = [
    `${summary.program}: ${calls} calls, of which ${compared} (${percent(compared, calls)}) were made again and compared.`,
    `On epoll, eventfd, timerfd, signalfd, pipes and sockets: ${eventCalls.calls} calls, ` +
      `of which ${eventCalls.compared} (${percent(eventCalls.compared, eventCalls.calls)}) were compared.`,
  ];
  for (const [reason, count] of ranked(summary.imposed)) {
    const meaning = meanings[reason];
    lines.push(`Not compared: ${count} ${reason}${meaning === undefined ? '' : `: ${meaning}`}.`);
  }
  const unsupported = ranked(summary.unsupported).map(([name, count]) => `${name} (${count})`);
  if (unsupported.length > 0) {
    lines.push(`Not replayed, for the machine has no such calls: ${unsupported.join(', ')}; they take no time here.`);
  }
  if (summary.skippedLines.length > 0) {
    const [first] = summary.skippedLines;
    lines.push(
      `${summary.skippedLines.length} lines were not understood and left out, first line ${first?.line}: ${first?.reason}.`,
    );
  }
  for (const design of summary.designs) lines.push(...designWords(design));
  return lines;
}

function designWords(design: DesignReplay): string[] {
  const { epoll, wakeups, repolls, eventsDelivered } = design;
  const lines: string[] = [];
  const [first] = design.firstMismatches;
  if (first === undefined) lines.push(`${epoll} answered every compared call as recorded${declaredWords(design)}.`);
  else
    lines.push(
      `${epoll} answered ${design.mismatches} calls otherwise${declaredWords(design)}. First, ${mismatchWords(first)}`,
    );
  if (design.takenOut > 0) {
    lines.push(
      `${epoll} watches what is closed (rule G1), and the program would have met it again: ` +
        `the replay took ${design.takenOut} of them out before.`,
    );
  }
  if (design.toldAgain > 0) {
    lines.push(
      `${epoll} reports once what it is told (rule D2), by level too, and the program might have waited for ever: ` +
        `the replay had it told again before ${design.toldAgain} events that were not the first.`,
    );
  }
  const idle = wakeups.total - wakeups.useful - wakeups.timeout - wakeups.signal;
  lines.push(
    `${epoll} woke its sleepers ${wakeups.total} times, ${idle} of them (${percent(idle, wakeups.total)}) for nothing, ` +
      `and looked at ${repolls} descriptors to deliver ${eventsDelivered} events.`,
  );
  return lines;
}

function declaredWords({ epoll, divergences }: DesignReplay): string {
  if (divergences.length === 0) return '';
  const known = replayDivergences(epoll);
  const parts = divergences.map(({ rule, calls }) => {
    const reason = known.find((one) => one.rule === rule)?.reason ?? '';
    return `${calls} by rule ${rule}, ${reason}`;
  });
  return `, but for what it declares: ${parts.join('; ')}`;
}

/** One mismatch, by the trace's line. */
export function mismatchWords({ line, tid, call, expected, got }: Mismatch): string {
  return `line ${line}, thread ${tid}: ${call}: expected ${expected}, got ${got}.`;
}

function ranked(counts: Readonly<Record<string, number>>): [string, number][] {
  return Object.entries(counts).sort((a, b) => b[1] - a[1]);
}

function percent(part: number, whole: number): string {
  return whole === 0 ? '0 %' : `${((part / whole) * 100).toFixed(1)} %`;
}
