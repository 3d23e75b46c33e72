/**
 * What is fixed before the first kernel line runs in this thread. These are constants and not fields of the
 * memory, so that V8 folds the code behind them away: `checks` off costs nothing.
 *
 * A CPU worker gets them in its workerData. Anywhere else (unit tests) checks are on.
 */
import { workerData } from 'node:worker_threads';

export interface BootConstants {
  /** Lock order and owner, field guards, poison: verified at every step. */
  readonly checks: boolean;
  /** Wakeup statistics with latencies: two clock reads a wakeup. */
  readonly profile: boolean;
  /** A wake with nobody waiting returns after one atomic load. Off only to measure what that is worth. */
  readonly fastPath: boolean;
  /** Kevlar's per-interest cache of poll results (off gives its blog 018). */
  readonly pollCache: boolean;
  /** The clock jumps to the next deadline when every CPU is idle (replay at full speed). */
  readonly warp: boolean;
}

export const defaultBootConstants: BootConstants = {
  checks: true,
  profile: true,
  fastPath: true,
  pollCache: true,
  warp: false,
};

function given(): BootConstants {
  const data = workerData as { smplab?: { constants: BootConstants } } | null;
  return data?.smplab?.constants ?? defaultBootConstants;
}

const constants = given();
/** The build makes one worker in which this is `false` wherever it stands, and one in which it is `true`. */
export const CHECKS: boolean = constants.checks;
export const PROFILE: boolean = constants.profile;
export const FAST_PATH: boolean = constants.fastPath;
export const POLL_CACHE: boolean = constants.pollCache;
export const WARP: boolean = constants.warp;
