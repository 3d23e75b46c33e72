/**
 * How many wait queues futexes share, apart from the rest because the boot plan needs no more.
 */

export const FUTEX_BUCKET_BITS = 6;
/** Queues in the region `Machine.futexQueues`, one after the other; two are locked in the order in which they lie. */
export const FUTEX_BUCKETS: number = 1 << FUTEX_BUCKET_BITS;
