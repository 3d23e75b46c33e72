// Socket addresses as the machine knows them: unix ones, in the abstract namespace or as a path.

import { AF_UNIX } from '../kernel/abi/flags-socket.ts';
import { sockaddrUnLayout } from '../kernel/abi/layout.ts';

/** struct sockaddr_un with a name in the abstract namespace. */
export function abstractAddress(name: string): Uint8Array {
  const bytes = Buffer.alloc(sockaddrUnLayout.path + 1 + Buffer.byteLength(name));
  bytes.writeUInt16LE(AF_UNIX, 0);
  bytes.write(name, sockaddrUnLayout.path + 1, 'utf8');
  return bytes.subarray(0, Math.min(bytes.length, sockaddrUnLayout.size));
}

/** struct sockaddr_un with a path. */
export function pathAddress(path: string): Uint8Array {
  const bytes = Buffer.alloc(sockaddrUnLayout.path + Buffer.byteLength(path, 'latin1') + 1);
  bytes.writeUInt16LE(AF_UNIX, 0);
  bytes.write(path, sockaddrUnLayout.path, 'latin1');
  return bytes.subarray(0, Math.min(bytes.length, sockaddrUnLayout.size));
}

/** The machine's name for an address as `addressIn` writes it: unix names stay, any other becomes an abstract one. */
export function plainName(address: string): Uint8Array {
  if (address.startsWith('unix:@')) return abstractAddress(address.slice('unix:@'.length));
  if (address.startsWith('unix:/') || address.startsWith('unix:.')) return pathAddress(address.slice('unix:'.length));
  return abstractAddress(address);
}
