/**
 * Addresses of sockets, in user memory, as bind and connect take them.
 */
import { sockaddrUnLayout } from '../../kernel/abi/layout.ts';
import { AF_UNIX } from '../../kernel/abi/flags-socket.ts';
import { alloc, memoryViews, store16 } from './memory.ts';

export interface SocketAddress {
  readonly at: number;
  readonly length: number;
}

/** The abstract name: no path, so nothing is left behind. */
export function abstractAddress(name: string): SocketAddress {
  const bytes = new TextEncoder().encode(`\0${name}`);
  if (bytes.length > sockaddrUnLayout.pathSize) throw new RangeError(`the address ${name} is too long`);
  const length = sockaddrUnLayout.path + bytes.length;
  const at = alloc(length);
  store16(at + sockaddrUnLayout.family, AF_UNIX);
  memoryViews().u8.set(bytes, at + sockaddrUnLayout.path);
  return { at, length };
}
