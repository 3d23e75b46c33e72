/**
 * What every verb is given while it works: where its words go, its progress line, and the news of a Ctrl-C. The frame
 * around a verb's action stands here once; whatever the verb throws becomes a message and an exit code in failure.ts.
 */
import { WARNING_NAME } from '../machine/warnings.ts';
import { EXIT_INTERRUPTED } from './exit-codes.ts';
import { Interrupted, type InterruptWatch, watchInterrupts } from './interrupt.ts';
import { Output, type OutputFlags } from './output.ts';
import { packageVersion } from './package.ts';
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
  const hear = hearWarnings(output, progress);
  if (output.verbose)
    output.note(`smplab ${packageVersion()} on Node ${process.versions.node}, process ${process.pid}`);
  try {
    process.exitCode = await work({ output, progress, interrupts });
  } catch (error) {
    if (!(error instanceof Interrupted)) throw error;
    process.exitCode = EXIT_INTERRUPTED;
  } finally {
    progress.end();
    interrupts.end();
    process.off('warning', hear);
    output.close();
  }
}

type ProcessWarning = Error & { readonly code?: string; readonly detail?: string };

/** Machines warn through the process. Its own listener would print them a second time, so ours takes over for all. */
function hearWarnings(output: Output, progress: Progress): (warning: ProcessWarning) => void {
  process.removeAllListeners('warning');
  const hear = (warning: ProcessWarning): void => {
    progress.clear();
    const { name, message, code = '', detail = '' } = warning;
    if (name === WARNING_NAME) output.machineWarning(code, message, detail);
    else output.note(`${name}: ${message}`);
  };
  process.on('warning', hear);
  return hear;
}
