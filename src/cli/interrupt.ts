/**
 * Ctrl-C, or SIGTERM: once asks a verb to stop and report what it has; twice ends the process there and then, by the
 * signal itself, for an exit would wait for threads that may hear nothing.
 */
const SIGNALS = ['SIGINT', 'SIGTERM'] as const;

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
  const onSignal = (signal: NodeJS.Signals): void => {
    if (controller.signal.aborted) {
      // Without a listener the signal does what it does by default.
      for (const each of SIGNALS) process.removeAllListeners(each);
      process.kill(process.pid, signal);
      return;
    }
    announce();
    controller.abort(new Interrupted('interrupted'));
  };
  for (const each of SIGNALS) process.on(each, onSignal);
  const interrupted = new Promise<'interrupted'>((resolve) => {
    controller.signal.addEventListener('abort', () => resolve('interrupted'), { once: true });
  });
  return {
    signal: controller.signal,
    interrupted,
    end: () => {
      for (const each of SIGNALS) process.off(each, onSignal);
    },
  };
}
