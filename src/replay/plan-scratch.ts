// How much memory the arguments of a call take in the machine.

import type { ScriptArgument } from './script.program.ts';

/** Of an fd_set with any number that a descriptor has. */
const SET_BYTES = 8256;

/** Scratch memory that the arguments of one call take. */
export function scratchOf(args: readonly ScriptArgument[]): number {
  let bytes = 64;
  for (const argument of args) {
    if (typeof argument === 'number') continue;
    if ('message' in argument) {
      bytes += argument.message.length * 16 + (argument.rights?.length ?? 0) * 4 + (argument.room ?? 0) + 160;
    } else if ('room' in argument) bytes += argument.room + 16;
    else if ('bytes' in argument) bytes += argument.bytes.length + 16;
    else if ('action' in argument) bytes += argument.action.length + 16;
    else if ('vector' in argument) bytes += argument.vector.length * 16 + 32;
    else if ('mask' in argument) bytes += argument.mask.length + 48;
    else if ('set' in argument) bytes += SET_BYTES;
    else if ('polled' in argument) bytes += argument.polled.length * 8 + 16;
  }
  return bytes;
}

/** The longest buffer that they read from or write to, of which nobody looks at the content. */
export function sinkOf(args: readonly ScriptArgument[]): number {
  let bytes = 0;
  for (const argument of args) {
    if (typeof argument === 'number') continue;
    if ('sink' in argument) bytes = Math.max(bytes, argument.sink);
    else if ('vector' in argument) bytes = Math.max(bytes, ...argument.vector);
    else if ('message' in argument) bytes = Math.max(bytes, ...argument.message);
  }
  return bytes;
}
