/**
 * Ctrl-C: once asks a verb to stop and report what it has; twice ends the process there and then.
 */
import { EXIT_INTERRUPTED } from './exit-codes.ts';

/** Thrown by a verb that cannot stop anywhere but by throwing. */
export class Interrupted extends Error {
  override readonly name = 'Interrupted';
}

export interface InterruptWatch {
  readonly signal: AbortSignal;
  /** Resolves at the first Ctrl-C. */
  readonly interrupted: Promise<'interrupted'>;
  end(): void;
}

/** @param announce told once, when the first Ctrl-C comes */
export function watchInterrupts(announce: () => void): InterruptWatch {
  const controller = new AbortController();
  const onSignal = (): void => {
    if (controller.signal.aborted) process.exit(EXIT_INTERRUPTED);
    announce();
    controller.abort(new Interrupted('interrupted'));
  };
  process.on('SIGINT', onSignal);
  process.on('SIGTERM', onSignal);
  const interrupted = new Promise<'interrupted'>((resolve) => {
    controller.signal.addEventListener('abort', () => resolve('interrupted'), { once: true });
  });
  return {
    signal: controller.signal,
    interrupted,
    end: () => {
      process.off('SIGINT', onSignal);
      process.off('SIGTERM', onSignal);
    },
  };
}
