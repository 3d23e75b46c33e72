// What a call on a source answers and tells in the model: the bits of readiness, what was moved, and whom a change is told to.

import { numberOf } from '../../programs/conform/constants.ts';

export const IN = numberOf('EPOLLIN');
export const OUT = numberOf('EPOLLOUT');
export const ERR = numberOf('EPOLLERR');
export const HUP = numberOf('EPOLLHUP');
export const RDHUP = numberOf('EPOLLRDHUP');
/** Linux sets these beside IN and OUT. */
export const RDNORM = numberOf('EPOLLRDNORM');
export const WRNORM = numberOf('EPOLLWRNORM');

/** What a read or write moved, or an errno by name; undefined where the rules do not say. */
export type Moved = number | string | undefined;

/**
 * Whom a call's change of a file is told to: its own watchers or those of the other end; what is ready by it (0: whatever
 * is); and whether it changed something that matters, only moved something, or failed where Linux tells of it all the same.
 */
export interface Told {
  readonly to: 'own' | 'other';
  readonly keys: number;
  readonly kind: 'changed' | 'moved' | 'refused';
}
export type Tell = (told: Told) => void;
