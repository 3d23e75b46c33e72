/**
 * How many descriptors one instance of a design can watch. Only VeridianOS has such a limit of its own; the others hold
 * what the machine was booted with. Sizes beyond it are left out, and a line says so: such a row would be no figure.
 */

import { ENTRIES_MAX } from '../../kernel/epoll/veridian/records.ts';

const LIMITS: Readonly<Record<string, number>> = { veridian: ENTRIES_MAX };

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
