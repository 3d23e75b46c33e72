/**
 * What suites must know of a design before they measure it: how many descriptors one instance of it can watch, and how it
 * is told that one is ready.
 */

import { ENTRIES_MAX } from '../../kernel/epoll/veridian/records.ts';
import type { Parameters } from '../rows.ts';

/** Only VeridianOS has a limit of its own; the others hold what the machine was booted with. */
const LIMITS: Readonly<Record<string, number>> = { veridian: ENTRIES_MAX };

/** Sizes beyond the limit are left out, and a line says so: such a row would be no figure. */
export function sizesHeldBy(
  design: string,
  sizes: readonly number[],
  complain: (line: string) => void,
): readonly number[] {
  const limit = LIMITS[design] ?? Number.POSITIVE_INFINITY;
  const beyond = sizes.filter((size) => size > limit);
  if (beyond.length > 0) {
    complain(
      `${design}: an instance watches ${limit} descriptors at most, so there are no rows for ${beyond.join(', ')}`,
    );
  }
  return sizes.filter((size) => size <= limit);
}

/** How epoll_wait is measured with one ready descriptor. Level triggering is what is asked for, and WASIX has none. */
export function waitParameters(design: string, fds: number): Parameters {
  return { fds, ready: 1, ...(design === 'wasix' ? { edge: true } : {}) };
}

/** What a reader of a row with such parameters must know. */
export function waitNotes(params: Parameters): readonly string[] {
  return params['edge'] === true ? ['it tells once, so machine and host write before each wait, in the time'] : [];
}
