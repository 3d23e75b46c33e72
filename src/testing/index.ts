/**
 * smplab/testing: threads that share memory, run in every order that matters. What is exported here is the whole of it;
 * `smplab/testing/vite` makes imports with `?explore` work.
 */
export type { ExploreOptions, Explored, Strategy } from './explore.ts';
export { ExploreError, expectBug, explore } from './explore.ts';
export { attach } from '../shared-mem/self.ts';
export type { Ptr } from '../shared-mem/pointer.ts';
export { atomic, atomics, cacheLine, embed, f64, f64s, plain, plains, struct } from '../shared-mem/struct.ts';
export type { Kind, ThreadFunction } from './problem.ts';
export { UsageError } from './problem.ts';
