/**
 * Ends of processes, as the machine told the host: read from its log in order, kept by pid.
 */
import type { ControlWords } from './control-words.ts';

export interface Exit {
  readonly pid: number;
  /** Exit code, or undefined if a signal ended the process. */
  readonly code: number | undefined;
  readonly signal: number | undefined;
}

export class ExitBook {
  private readonly words: ControlWords;
  private readonly exits = new Map<number, Exit>();
  private read = 0;

  constructor(words: ControlWords) {
    this.words = words;
  }

  /** The end of that process, if it has come. */
  find(pid: number): Exit | undefined {
    for (const { pid: ended, status } of this.words.exitsSince(this.read)) {
      this.read++;
      const signal = status & 0x7f;
      this.exits.set(ended, {
        pid: ended,
        code: signal === 0 ? status >> 8 : undefined,
        signal: signal === 0 ? undefined : signal,
      });
    }
    return this.exits.get(pid);
  }
}
