// The designs of epoll that a machine boots with. A promise that all of them make is tested on each.
import { describe } from 'vitest';
import type { EpollDesign } from '../src/kernel/abi/types.ts';
import { BOOTABLE_DESIGNS } from '../src/machine/config.ts';

export function forEveryDesign(body: (epoll: EpollDesign) => void): void {
  describe.each(BOOTABLE_DESIGNS)('on the design of %s', (epoll) => body(epoll));
}
