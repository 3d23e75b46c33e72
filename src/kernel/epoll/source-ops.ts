/** The questions that source.ts asks a design. */
import type { FilePtr } from '../file/file.ts';
import type { WaitQueuePtr } from '../wait/wait-queue-struct.ts';

export interface SourceOps {
  readonly changed: (f: FilePtr, keys: number) => number;
  readonly changedForOne: (f: FilePtr, keys: number) => number;
  readonly moved: (f: FilePtr, keys: number) => number;
  readonly refused: (f: FilePtr, keys: number) => number;
  readonly queueFor: (f: FilePtr) => WaitQueuePtr;
  readonly signalPending: (process: number, task: number) => number;
  readonly processGone: (process: number) => number;
  readonly tick: () => number;
  readonly timersPush: number;
}

/** By design number, as the machine's record holds it. */
export const DESIGN_NAMES = ['kevlar', 'linux', 'wasix', 'veridian'] as const;
/** Its place there: who walks a queue asks what an item is of. */
export const DESIGN_WASIX = 2;
