// The designs of epoll that a machine boots with. A promise that all of them make is tested on each.
import { describe } from 'vitest';
import type { EpollDesign } from '../src/kernel/abi/types.ts';
import { DESIGN_NAMES } from '../src/kernel/epoll/source-ops.ts';

export function forEveryDesign(body: (epoll: EpollDesign) => void): void {
  describe.each(DESIGN_NAMES)('on the design of %s', (epoll) => body(epoll));
}

/** Who waits for a file sleeps until it is woken. With VeridianOS's design it stays runnable, and nothing wakes it. */
export function waitersSleep(epoll: EpollDesign): boolean {
  return epoll !== 'veridian';
}

/** An edge is told once. VeridianOS tells it as long as its level holds. */
export function edgesAreTold(epoll: EpollDesign): boolean {
  return epoll !== 'veridian';
}

/** A signal with a handler ends a wait. VeridianOS's waits do not look at signals. */
export function signalsEndWaits(epoll: EpollDesign): boolean {
  return epoll !== 'veridian';
}
