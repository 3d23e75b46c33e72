/**
 * smplab/testing: threads that share memory, run in every order that matters. What is exported here is the whole of it;
 * `smplab/testing/vite` makes imports with `?explore` work.
 */
export type { ExploreOptions, Explored, Strategy } from './explore.ts';
export { ExploreError, expectBug, explore } from './explore.ts';
export type { Kind, ThreadFunction } from './problem.ts';
export { UsageError } from './problem.ts';
