/**
 * From a schedule that fails to one that a person can follow: fewer switches, and then fewer operations. Turns are moved
 * to where their thread had the turn before, cut short or left out, as long as the same kind of failure comes.
 */

/** Runs an order. @returns the order as it was run if it fails in the same way, else undefined */
export type Attempt = (order: readonly number[]) => readonly number[] | undefined;

const ATTEMPTS = 600;

export function shrink(schedule: readonly number[], attempt: Attempt): readonly number[] {
  let best = attempt(schedule) ?? schedule;
  let left = ATTEMPTS;
  for (let better = true; better && left > 0; ) {
    better = false;
    const turns = turnsOf(best);
    for (const candidate of candidates(turns)) {
      if (left-- <= 0) break;
      const ran = attempt(candidate);
      if (ran === undefined || !isSimpler(ran, best)) continue;
      best = ran;
      better = true;
      break;
    }
  }
  return best;
}

export function switchesOf(order: readonly number[]): number {
  return order.filter((thread, i) => i > 0 && thread !== order[i - 1]).length;
}

function isSimpler(one: readonly number[], other: readonly number[]): boolean {
  const fewer = switchesOf(one) - switchesOf(other);
  return fewer < 0 || (fewer === 0 && one.length < other.length);
}

type Turn = readonly [thread: number, operations: number];

function turnsOf(order: readonly number[]): Turn[] {
  const turns: [number, number][] = [];
  for (const thread of order) {
    const last = turns.at(-1);
    if (last !== undefined && last[0] === thread) last[1]++;
    else turns.push([thread, 1]);
  }
  return turns;
}
function* candidates(turns: readonly Turn[]): Generator<number[]> {
  const order = (list: readonly Turn[]): number[] =>
    list.flatMap(([thread, count]) => Array.from({ length: count }, () => thread));
  // Without everything from some turn on: whoever has the turn keeps it.
  for (let i = 1; i < turns.length; i++) yield order(turns.slice(0, i));
  for (let i = 0; i < turns.length; i++) {
    const [thread, count] = turns[i]!;
    for (const less of [1, count >> 2, count >> 1, (3 * count) >> 2, count - 1]) {
      if (less > 0 && less < count) yield order(turns.with(i, [thread, less]));
    }
    const rest = turns.toSpliced(i, 1);
    yield order(rest);
    const before = turns.findLastIndex(([other], at) => other === thread && at < i);
    if (before >= 0) yield order(rest.toSpliced(before, 0, turns[i]!));
    const after = turns.findIndex(([other], at) => other === thread && at > i);
    if (after >= 0) yield order(rest.toSpliced(after - 1, 0, turns[i]!));
  }
}
