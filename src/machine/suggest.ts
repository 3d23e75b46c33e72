/**
 * "Did you mean": the known name that a mistyped one is nearest to, if it is near at all.
 */

/** Insertions, deletions, replacements and swaps of neighbours that lead from one word to the other. */
function editDistance(a: string, b: string): number {
  let beforeLast: number[] = [];
  let last = Array.from({ length: b.length + 1 }, (_, column) => column);
  for (let i = 1; i <= a.length; i++) {
    const row = [i];
    for (let j = 1; j <= b.length; j++) {
      const replaced = last[j - 1]! + (a[i - 1] === b[j - 1] ? 0 : 1);
      let best = Math.min(replaced, last[j]! + 1, row[j - 1]! + 1);
      if (i > 1 && j > 1 && a[i - 1] === b[j - 2] && a[i - 2] === b[j - 1])
        best = Math.min(best, beforeLast[j - 2]! + 1);
      row.push(best);
    }
    beforeLast = last;
    last = row;
  }
  return last[b.length]!;
}

export function nearest(word: string, names: readonly string[]): string | undefined {
  const lower = word.toLowerCase();
  const allowed = Math.max(1, Math.floor(word.length * 0.4));
  const ranked = names
    .map((name) => ({ name, distance: editDistance(lower, name.toLowerCase()) }))
    .filter(({ name, distance }) => distance <= allowed || (lower.length > 2 && name.toLowerCase().startsWith(lower)))
    .sort((a, b) => a.distance - b.distance);
  return ranked[0]?.name;
}

/** `unknown WHAT 'word' (did you mean X?); there is: a, b, c` */
export function unknownName(what: string, word: string, names: readonly string[]): string {
  const near = nearest(word, names);
  const hint = near === undefined ? '' : ` (did you mean ${near}?)`;
  return `unknown ${what} '${word}'${hint}; there is: ${names.join(', ')}`;
}
