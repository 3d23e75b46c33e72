/** How many wait queues futexes share; apart from futex.ts because the boot plan needs no more than the number. */

export const FUTEX_BUCKET_BITS = 6;
/** Queues in the region `Machine.futexQueues`, one after the other. */
export const FUTEX_BUCKETS: number = 1 << FUTEX_BUCKET_BITS;
