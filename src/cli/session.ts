/**
 * What every verb is given while it works: where its words go, its progress line, and the news of a Ctrl-C. The frame
 * around a verb's action stands here once; whatever the verb throws becomes a message and an exit code in failure.ts.
 */
import { EXIT_INTERRUPTED } from './exit-codes.ts';
import { Interrupted, type InterruptWatch, watchInterrupts } from './interrupt.ts';
import { Output, type OutputFlags } from './output.ts';
import { Progress } from './progress.ts';

export interface Session {
  readonly output: Output;
  readonly progress: Progress;
  readonly interrupts: InterruptWatch;
}

/** Runs a verb's work and keeps its exit code for the end of the process. */
export async function inSession(flags: OutputFlags, work: (session: Session) => Promise<number>): Promise<void> {
  const output = new Output(flags);
  const progress = new Progress(output.showsProgress);
  const interrupts = watchInterrupts(() => {
    progress.clear();
    output.warn('stopping; press Ctrl-C again to end at once');
  });
  try {
    process.exitCode = await work({ output, progress, interrupts });
  } catch (error) {
    if (!(error instanceof Interrupted)) throw error;
    process.exitCode = EXIT_INTERRUPTED;
  } finally {
    progress.end();
    interrupts.end();
    output.close();
  }
}
