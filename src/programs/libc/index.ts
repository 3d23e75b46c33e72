/**
 * The guest's libc: everything that a program for the machine imports.
 *
 *     import { sys, alloc, load64 } from 'smplab/guest';
 *     export function* main() {
 *       const fd = yield sys.eventfd2(0, 0);
 *       ...
 *     }
 */
export * from '../../kernel/abi/errno.ts';
export * from '../../kernel/abi/flags.ts';
export * from './addresses.ts';
export * from './clock.ts';
export * from './errors.ts';
export * from './fdset.ts';
export * from './io.ts';
export * from './memory.ts';
export * from './portable.ts';
export * from './process.ts';
export * from './spawn.ts';
export * from './print.ts';
export * from './signal-sets.ts';
export type { SyscallConstructor, Syscalls } from './sys.ts';
export * from './signal.ts';
export * from './sockets.ts';
export { sys, syscall } from './sys.ts';
export type { Guest, Thread } from './thread.ts';
export * from './thread.ts';
export { trap } from './trap.ts';
