/**
 * What a command's exit code says, and the errors that a verb throws to end with one. Scripts rely on the numbers.
 */

export const EXIT_OK = 0;
/** A check failed: a case, a comparison, a program. Also a result that could not be delivered. */
export const EXIT_FAILED = 1;
export const EXIT_USAGE = 2;
/** Panic, deadlock, lockup, lost wakeup. An error of smplab's own counts as a panic. */
export const EXIT_MACHINE = 3;
/** This environment cannot run smplab. */
export const EXIT_UNSUPPORTED = 4;
export const EXIT_TIMEOUT = 124;
export const EXIT_INTERRUPTED = 130;

/** A wrong flag, name, file or setting: the message says where, what, and what to do. */
export class UsageError extends Error {
  override readonly name = 'UsageError';
}

/** The environment lacks something: the message says what, and what to do. */
export class UnsupportedError extends Error {
  override readonly name = 'UnsupportedError';
}

/** The result could not be delivered: a closed stdout, a full disk. */
export class DeliveryError extends Error {
  override readonly name = 'DeliveryError';
  /** The reader has gone, as `head` does when it has enough: nothing to tell a person. */
  readonly isReaderGone: boolean;
  constructor(message: string, isReaderGone = false) {
    super(message);
    this.isReaderGone = isReaderGone;
  }
}
