// Equality of results and outcomes. Threads with the same steps are interchangeable, so an outcome is compared after
// their result lists have been handed out in sorted order, to whichever of them comes first by name.
// Promise: two outcomes are equal here exactly if some exchange of such threads makes them equal literally.

import { type ConformCase, type Json, type Outcome, type StepResult, threadsOf } from '../programs/conform/case.ts';

/** JSON with sorted keys: equal values give equal texts, whatever the order in which they were built. */
export function stableText(value: unknown): string {
  if (Array.isArray(value)) return `[${value.map(stableText).join(',')}]`;
  if (typeof value === 'object' && value !== null) {
    const entries = Object.entries(value).filter(([, content]) => content !== undefined);
    const sorted = entries.sort(([left], [right]) => (left < right ? -1 : 1));
    return `{${sorted.map(([key, content]) => `${JSON.stringify(key)}:${stableText(content)}`).join(',')}}`;
  }
  return JSON.stringify(value as Json) ?? 'null';
}

export function sameResult(left: StepResult | undefined, right: StepResult | undefined): boolean {
  return stableText(left ?? null) === stableText(right ?? null);
}

/** Names of the threads in this outcome, grouped by equal steps; `main` stands alone. */
export function interchangeable(one: ConformCase, names: readonly string[]): readonly (readonly string[])[] {
  const steps = threadsOf(one);
  const groups = new Map<string, string[]>();
  for (const name of [...names].sort()) {
    const key = name === 'main' ? 'main' : stableText(steps[name] ?? []);
    const group = groups.get(key);
    if (group === undefined) groups.set(key, [name]);
    else group.push(name);
  }
  return [...groups.values()];
}

export function canonical(one: ConformCase, outcome: Outcome): Outcome {
  const result: Record<string, readonly StepResult[]> = {};
  for (const group of interchangeable(one, Object.keys(outcome))) {
    const lists = group.map((name) => outcome[name] ?? []);
    lists.sort((left, right) => (stableText(left) < stableText(right) ? -1 : 1));
    group.forEach((name, index) => {
      result[name] = lists[index] ?? [];
    });
  }
  return result;
}

export function sameOutcome(one: ConformCase, left: Outcome, right: Outcome): boolean {
  return stableText(canonical(one, left)) === stableText(canonical(one, right));
}

/** A renaming of the threads that ran to the threads of an expected outcome. */
export type Renaming = Readonly<Record<string, string>>;

/** More ways than this to exchange threads are not tried: no case has more than three threads alike. */
const RENAMINGS_MAX = 720;

/** Every way to exchange interchangeable threads, the identity first. */
export function renamings(one: ConformCase, names: readonly string[]): readonly Renaming[] {
  let ways: Record<string, string>[] = [{}];
  for (const group of interchangeable(one, names)) {
    const extended: Record<string, string>[] = [];
    for (const way of ways) {
      for (const order of permutations(group)) {
        const next = { ...way };
        group.forEach((name, index) => {
          next[name] = order[index] ?? name;
        });
        extended.push(next);
        if (extended.length >= RENAMINGS_MAX) break;
      }
    }
    ways = extended;
  }
  return ways;
}

function permutations(items: readonly string[]): readonly (readonly string[])[] {
  if (items.length <= 1) return [items];
  const all: (readonly string[])[] = [];
  items.forEach((first, index) => {
    const others = items.filter((_, other) => other !== index);
    for (const rest of permutations(others)) all.push([first, ...rest]);
  });
  return all;
}
