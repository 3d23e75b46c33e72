/**
 * Makes a failing schedule short: the fewest switches that still fail in the same way. What is tried is a plan, the turns
 * of the schedule with some taken out; whatever a plan asks that cannot be is passed over, and where it ends CPUs go on
 * until they park. What such a run did is then the schedule, if it failed alike and has fewer switches.
 */
import { cpuOfEntry, kindOfEntry } from '../../stepped/schedule.ts';
import type { Strategy } from '../../stepped/strategies.ts';

/** One turn: a choice (stepped/schedule.ts) and its points. */
type Turn = readonly [entry: number, points: number];

export interface Shrunk {
  readonly schedule: readonly number[];
  readonly switches: number;
  /** schedules that were run */
  readonly tried: number;
}

/** A run of a plan. @returns what it did if it failed in the same way, else undefined */
export type Attempt = (
  plan: Strategy,
) => { readonly schedule: readonly number[]; readonly switches: number } | undefined;

/** @param budget schedules to run at most */
export function shrink(schedule: readonly number[], switches: number, attempt: Attempt, budget = 2_000): Shrunk {
  let best = { schedule, switches };
  let tried = 0;
  const isBetter = (turns: readonly Turn[]): boolean => {
    tried++;
    const run = attempt(loose(turns));
    if (run === undefined) return false;
    const fewer = run.switches < best.switches;
    if (!fewer && (run.switches > best.switches || run.schedule.length >= best.schedule.length)) return false;
    best = run;
    return true;
  };
  // Big pieces first, then single turns, then again for as long as anything goes.
  for (let size = turnsOf(schedule).length >> 1; size >= 1 && tried < budget; ) {
    let gained = false;
    for (let at = 0; tried < budget; at += size) {
      const turns = turnsOf(best.schedule);
      if (at >= turns.length) break;
      const without = [...turns.slice(0, at), ...turns.slice(at + size)];
      if (isBetter(merged(without)) || (size === 1 && isBetter(swapped(turns, at)))) {
        gained = true;
        at -= size;
      }
    }
    if (!gained) size >>= 1;
  }
  return { ...best, tried };
}

function turnsOf(schedule: readonly number[]): Turn[] {
  const turns: Turn[] = [];
  for (let i = 0; i < schedule.length; i += 2) turns.push([schedule[i]!, schedule[i + 1]!]);
  return turns;
}

/** The turn changes places with the one after it, so that it may melt with the one after that. */
function swapped(turns: readonly Turn[], at: number): Turn[] {
  if (at + 1 >= turns.length) return [...turns];
  return merged([...turns.slice(0, at), turns[at + 1]!, turns[at]!, ...turns.slice(at + 2)]);
}

function merged(turns: readonly Turn[]): Turn[] {
  const result: Turn[] = [];
  for (const [entry, points] of turns) {
    const last = result.at(-1);
    if (last !== undefined && last[0] === entry && kindOfEntry(entry) === 0) {
      result[result.length - 1] = [entry, last[1] + points];
    } else result.push([entry, points]);
  }
  return result;
}

/** After the plan: until it parks or ends. */
const TO_THE_END = 1_000_000;

function loose(turns: readonly Turn[]): Strategy {
  let at = 0;
  let points = TO_THE_END;
  return {
    name: 'shrinking',
    choose(ready, current) {
      while (at < turns.length && !ready.includes(cpuOfEntry(turns[at]![0]))) at++;
      points = at < turns.length ? turns[at]![1] : TO_THE_END;
      if (at < turns.length) return cpuOfEntry(turns[at++]![0]);
      return ready.includes(current) ? current : ready[0]!;
    },
    turn: () => points,
    expire: () => at < turns.length && kindOfEntry(turns[at]![0]) !== 0,
  };
}
