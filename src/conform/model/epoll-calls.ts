// What the models of all designs share about epoll's own calls: their numbers, the arguments of epoll_ctl, and what the
// entries of an instance look like to those who ask why an answer is what it is.

import type { Argument, StepResult, SystemCallStep } from '../../programs/conform/case.ts';
import { numberOf } from '../../programs/conform/constants.ts';
import { ERR, HUP, IN, OUT } from './told.ts';
import { type Change, type EpollFile, type Interest, type Look, numberIn, type OpenFile, type World } from './world.ts';

export const ADD = numberOf('EPOLL_CTL_ADD');
export const DEL = numberOf('EPOLL_CTL_DEL');
export const MOD = numberOf('EPOLL_CTL_MOD');
export const EDGE = numberOf('EPOLLET');
export const ONESHOT = numberOf('EPOLLONESHOT');
export const EXCLUSIVE = numberOf('EPOLLEXCLUSIVE');
/** The projects know these four; what else is asked for is never reported. */
export const KNOWN = IN | OUT | ERR | HUP;

export function isWait({ sys }: SystemCallStep): boolean {
  return sys.startsWith('epoll_') && sys.includes('wait');
}
/** On x86_64, as which cases are recorded. */
const EVENT_BYTES = 12;

/** Any flags will do, in all of them; a size is looked at as Linux does. */
export function createWithAnyFlags(world: World, call: SystemCallStep): StepResult | undefined {
  const size = call.sys === 'epoll_create' ? numberIn(world, call.args[0]) : 1;
  return size === undefined || size <= 0 ? { ret: '-EINVAL' } : undefined;
}

/** What is no mask is refused before anything else, where masks are looked at (E13). */
export function refusedMask({ sys, args }: SystemCallStep): string | undefined {
  const [mask, size] = sys === 'epoll_pwait' || sys === 'epoll_pwait2' ? args.slice(4) : [];
  const time = sys === 'epoll_pwait2' ? args[3] : null;
  if (typeof time === 'object' && time !== null && 'bad' in time) return '-EFAULT';
  if (mask === undefined || mask === null || mask === 0) return undefined;
  if (size !== undefined && size !== 8) return '-EINVAL';
  return typeof mask === 'object' && 'bad' in mask ? '-EFAULT' : undefined;
}

export interface ControlArguments {
  readonly operation: number;
  readonly fd: number;
  /** The event, `none` where its address is 0, `bad` where nothing can be read from it. */
  readonly event: { readonly events: number; readonly data: number } | 'none' | 'bad';
}

export function controlArguments(world: World, call: SystemCallStep): ControlArguments | undefined {
  const operation = numberIn(world, call.args[1]);
  const fd = numberIn(world, call.args[2]);
  const event = call.args[3];
  if (operation === undefined || fd === undefined) return undefined;
  if (event === null || event === undefined || event === 0) return { operation, fd, event: 'none' };
  if (typeof event !== 'object') return { operation, fd, event: 'bad' };
  if ('bad' in event) return { operation, fd, event: 'bad' };
  if (!('event' in event)) return undefined;
  const events = numberIn(world, event.event.events);
  if (events === undefined) return undefined;
  return { operation, fd, event: { events: events >>> 0, data: event.event.data ?? 0 } };
}

export function newInterest(fd: number, file: OpenFile): Interest {
  return { fd, file, events: 0, data: 0, lastSeen: 0, lookedBy: 'nobody', modified: false, spent: false };
}

export function interestIn(epoll: EpollFile, fd: number): Interest | undefined {
  return epoll.interests.find((interest) => interest.fd === fd);
}

/** A look at an entry as it was before it. */
export function lookOf(interest: Interest, reported: number, why: Look['why'], since: readonly Change[] = []): Look {
  const { fd, file, events, data, lookedBy, modified, spent } = interest;
  return { fd, file, events, data, lookedBy, modified, spent, since, reported, why };
}

/** How many events can be stored in a wait's buffer, whatever it says of its slots. */
export function roomIn(buffer: Argument | undefined): number {
  if (typeof buffer !== 'object' || buffer === null || 'bad' in buffer) return 0;
  return 'edge_events' in buffer ? Math.floor(buffer.edge_events / EVENT_BYTES) : Number.POSITIVE_INFINITY;
}
