// Why lines of the kernel are not run by any test. `npm run coverage` prints every such line of src/kernel and
// src/shared-mem with its reason, and those without one apart.

/** The first that fits counts: a file, and the text of the line where that matters. */
const REASONS = [
  [/^src\/kernel\/audit\//, /./, 'a complaint about memory that is damaged in a way no test damages it'],
  [/./, /^panic\(/, 'a panic: it would take a kernel that is broken'],
  [
    /^src\/shared-mem\/atomic\.ts$/,
    /./,
    'an operation of arrays that the kernel has no use for, and the stepped machine has',
  ],
  [
    /./,
    /^(freeRecord|freeChain|releaseFile|closeFd|dropAddressSpace)\(/,
    'undone again: the second of two records has run out, where the first had not',
  ],
  [
    /./,
    /^return (-ENFILE|-ENOMEM|-EMFILE|NULL);$/,
    'undone again: the second of two records has run out, where the first had not',
  ],
  [
    /^src\/kernel\/(wait|task|signal|file|process)\//,
    /^(break|continue|return|unlock|lockIrqOff|leaveQueues|acquire|if)\b/,
    'another CPU was faster, between two steps: stepped schedules reach it, which are not counted here',
  ],
  [
    /^src\/kernel\/syscall\//,
    /./,
    'a turn of a call that waits: it takes a signal, a deadline or another CPU at that very moment',
  ],
  [/^src\/kernel\/signal\/siginfo\.ts$/, /./, 'a row of a table: a kind of signal that no test sends'],
];

/** @returns {string | undefined} */
function reasonOf(file, text) {
  return REASONS.find(([files, texts]) => files.test(file) && texts.test(text))?.[2];
}

/**
 * @param {readonly {file: string, lines: readonly number[], source: readonly string[]}[]} files what no test ran
 * @returns {string} the list, by reason
 */
export function uncoveredText(files) {
  const byReason = new Map();
  for (const { file, lines, source } of files) {
    for (const line of lines) {
      const text = source[line - 1].trim();
      const reason = reasonOf(file, text) ?? 'NO REASON IS GIVEN (scripts/uncovered.mjs)';
      if (!byReason.has(reason)) byReason.set(reason, []);
      byReason.get(reason).push(`  ${file}:${line}: ${text}`);
    }
  }
  const parts = [...byReason].map(([reason, rows]) => `${reason}: ${rows.length}\n${rows.join('\n')}`);
  return parts.join('\n\n');
}
