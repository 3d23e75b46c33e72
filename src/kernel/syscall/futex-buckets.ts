/**
 * How many wait queues futexes share, and the levels of their locks; apart from the rest because the boot plan needs no
 * more.
 */

export const FUTEX_BUCKET_BITS = 6;
/** Queues in the region `Machine.futexQueues`, one after the other. */
export const FUTEX_BUCKETS: number = 1 << FUTEX_BUCKET_BITS;
/** The first bucket's level, the others' follow: two buckets are locked in the order in which they lie. Above all files'. */
export const FUTEX_FIRST_LEVEL = 16;
