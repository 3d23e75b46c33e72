// The name of the traced program, for titles: a best guess, and nothing may depend on it.

import type { TraceRecord } from './record.ts';
import { itemsIn, textIn } from './value.ts';

/** From the first execve; else from the file's name, without what says that it is a trace. */
export function programOf(
  threads: readonly { readonly records: readonly TraceRecord[] }[],
  fileName: string | undefined,
): { program: string; argv: readonly string[] } {
  for (const thread of threads) {
    for (const record of thread.records) {
      if (record.kind !== 'call' || record.call !== 'execve') continue;
      const argv = itemsIn(record.args[1]?.value).map((item) => textIn(item) ?? '');
      const name = textIn(record.args[0]?.value) ?? argv[0];
      if (name !== undefined && name !== '') return { program: baseName(name), argv };
    }
  }
  const fromFile = baseName(fileName ?? '').replace(/(\.(gz|strace|txt|trace|log|out))+$/, '');
  return { program: fromFile === '' ? 'unknown' : fromFile, argv: [] };
}

function baseName(path: string): string {
  return path.split(/[/\\]/).at(-1) ?? '';
}
