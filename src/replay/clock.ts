// From the stamps in front of lines to nanoseconds since the first one, whichever of strace's clocks was used.
// parse.ts makes one for a trace and shows it every stamp in the order of lines.

import { fractionToNs } from './call.ts';
import type { ClockKind } from './record.ts';

const DAY_NS = 86400e9;
/** Stamps of -r are seconds since the line before, and no program pauses for three years. */
const LEAST_UNIX_SECONDS = 1e8;
/** Without stamps, lines must still have an order in time. */
const LINE_NS = 1000;

export interface TraceClock {
  kind: ClockKind;
  firstStamp: string;
  nowNs: number;
  /** Of the first stamp, in the clock's own seconds: subtracted while still integers, so that no digit is lost. */
  firstSeconds: number;
  firstFractionNs: number;
  days: number;
}

export function startClock(): TraceClock {
  return { kind: 'none', firstStamp: '', nowNs: 0, firstSeconds: 0, firstFractionNs: 0, days: 0 };
}

/** The time of a line. A line without a stamp, in a trace that has them, is at the time of the line before. */
export function readClock(clock: TraceClock, stamp: string | undefined): number {
  if (stamp === undefined) {
    if (clock.kind === 'none') clock.nowNs += LINE_NS;
    return clock.nowNs;
  }
  const { seconds, fractionNs, isDay } = readStamp(stamp);
  if (clock.kind === 'none') {
    clock.kind = isDay ? 'day' : seconds >= LEAST_UNIX_SECONDS ? 'unix' : 'relative';
    clock.firstStamp = stamp;
    clock.firstSeconds = seconds;
    clock.firstFractionNs = fractionNs;
    clock.nowNs = 0;
    return 0;
  }
  if (clock.kind === 'relative') {
    clock.nowNs += seconds * 1e9 + fractionNs;
    return clock.nowNs;
  }
  let timeNs = (seconds - clock.firstSeconds) * 1e9 + (fractionNs - clock.firstFractionNs) + clock.days * DAY_NS;
  if (clock.kind === 'day' && timeNs < clock.nowNs - DAY_NS / 2) {
    clock.days++;
    timeNs += DAY_NS;
  }
  clock.nowNs = timeNs;
  return timeNs;
}

function readStamp(stamp: string): { seconds: number; fractionNs: number; isDay: boolean } {
  const [whole = '0', fraction = ''] = stamp.split('.');
  const parts = whole.split(':').map(Number);
  const seconds = parts.reduce((sum, part) => sum * 60 + part, 0);
  return { seconds, fractionNs: fractionToNs('0', fraction), isDay: parts.length > 1 };
}
