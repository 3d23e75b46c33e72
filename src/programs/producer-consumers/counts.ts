/**
 * What a thread tells of itself: words of its record in user memory, which begins with them.
 */

export const MOVED = 0;
/** How often it had to wait ... */
export const WAITED = 4;
/** ... and how often it was woken from that, and had to wait again. */
export const IN_VAIN = 8;
export const THREAD_BYTES = 12;
