// Which calls of a trace are about what the machine is made for: epoll, eventfd, timerfd, signalfd, pipes and sockets. Of
// these a replay should compare nearly all; files, memory and clocks are the outside's.

import type { PlanCall } from './plan.ts';

/** How many such calls there are, and how many of them are compared. */
export interface EventCalls {
  readonly calls: number;
  readonly compared: number;
}

/** Always about them, whatever their descriptor is known to be. */
const byName: ReadonlySet<string> = new Set([
  'epoll_create',
  'epoll_create1',
  'epoll_ctl',
  'epoll_wait',
  'epoll_pwait',
  'epoll_pwait2',
  'eventfd',
  'eventfd2',
  'timerfd_create',
  'timerfd_settime',
  'timerfd_gettime',
  'signalfd',
  'signalfd4',
  'pipe',
  'pipe2',
  'socket',
  'socketpair',
  'bind',
  'listen',
  'accept',
  'accept4',
  'connect',
  'shutdown',
  'getsockopt',
  'setsockopt',
  'getsockname',
  'getpeername',
  'recv',
  'recvfrom',
  'recvmsg',
  'recvmmsg',
  'send',
  'sendto',
  'sendmsg',
  'sendmmsg',
  'poll',
  'ppoll',
  'select',
  'pselect6',
]);

const kinds: ReadonlySet<string> = new Set(['epoll', 'eventfd', 'timerfd', 'signalfd', 'pipe', 'stream']);

export function countEventCalls(calls: readonly PlanCall[]): EventCalls {
  const meant = calls.filter(({ record, on }) => byName.has(record.call) || kinds.has(on));
  return { calls: meant.length, compared: meant.filter(({ verdict }) => verdict === 'compared').length };
}
