/**
 * What the guests of scenarios share: a layout of their memory, and calls that take more than numbers. For scenarios alone;
 * it is bundled with the stepped kernel, whose memory it writes to.
 *
 * A process has 4096 bytes: the guests' own words first, what newborn threads begin with from 1024 on, and from 2048 on
 * what `shared` hands out: 16 places of 64 bytes for events, then 1024 bytes for whatever else a scenario keeps.
 */
import type { EpollDesign } from '../../kernel/abi/types.ts';
import type { GuestGenerator } from '../../cpu-worker/coroutines.ts';
import {
  CLONE_FILES,
  CLONE_FS,
  CLONE_SIGHAND,
  CLONE_SYSVSEM,
  CLONE_THREAD,
  CLONE_VM,
} from '../../kernel/abi/flags-task.ts';
import { sigactionLayout } from '../../kernel/abi/layout.ts';
import { HANDLER_BASE } from '../../kernel/signal/deliver.ts';
import type { Guest, GuestBody, Setup } from '../../stepped/machine.ts';
import { I32 } from '../../stepped/doors/self.ts';
import type { Scenario } from '../scenario.ts';

export type Body = Generator<number, number, number>;
/** As `Body`, without an answer. */
export type Doing = Generator<number, void, number>;

export const ALL_DESIGNS: readonly EpollDesign[] = ['kevlar', 'linux', 'wasix', 'veridian'];
/** Of these a task that waits for a file sleeps. */
export const SLEEPING_DESIGNS: readonly EpollDesign[] = ['kevlar', 'linux', 'wasix'];

/** The eventfds of a scenario, in the order in which it lists them. */
export const FIRST = 3;
export const SECOND = 4;
export const THIRD = 5;
/** The first process and its main thread. */
export const MAIN_PID = 1;

export const THREAD = CLONE_VM | CLONE_FS | CLONE_FILES | CLONE_SIGHAND | CLONE_THREAD | CLONE_SYSVSEM;

/** An address in the half that all guests of a process share. */
export function shared(guest: Guest, offset: number): number {
  return guest.buffer - (guest.buffer % 4096) + 2048 + offset;
}
/** For what is no event. */
export function kept(guest: Guest, offset: number): number {
  return shared(guest, 1024 + offset);
}
export function wordAt(address: number): number {
  return I32[address >> 2]!;
}
export function setWords(address: number, ...words: readonly number[]): number {
  I32.set(words, address >> 2);
  return address;
}
export function clearBytes(address: number, bytes: number): number {
  I32.fill(0, address >> 2, (address + bytes) >> 2);
  return address;
}

export function eventAt(guest: Guest, place: number): number {
  return shared(guest, 64 * place);
}
/** epoll_ctl; the event carries the descriptor. @param place of the event, a guest's own */
export function* control(guest: Guest, place: number, epoll: number, op: number, fd: number, events: number): Body {
  setWords(eventAt(guest, place), events, fd, 0);
  return yield guest.call('epoll_ctl', epoll, op, fd, eventAt(guest, place));
}
/** epoll_wait for one event. @returns the descriptor that it tells of, or what the wait answered instead */
export function* wait(guest: Guest, place: number, epoll: number, timeoutMs = -1): Body {
  const r = yield guest.call('epoll_wait', epoll, eventAt(guest, place), 1, timeoutMs);
  return r === 1 ? wordAt(eventAt(guest, place) + 4) : r;
}
/** What the event told, after `wait`. */
export function toldAt(guest: Guest, place: number): number {
  return wordAt(eventAt(guest, place));
}

/** A timespec of so many ns, below a second. @returns its address */
export function timespec(guest: Guest, offset: number, ns: number): number {
  return setWords(kept(guest, offset), 0, 0, ns, 0);
}
/** The set of these signals, which are all below 32. */
export function signalSet(...signals: readonly number[]): number {
  return signals.reduce((set, signal) => set | (1 << (signal - 1)), 0);
}
/** Writes a signal set. @returns its address */
export function putSet(guest: Guest, offset: number, ...signals: readonly number[]): number {
  return setWords(kept(guest, offset), signalSet(...signals), 0);
}
/** rt_sigaction: entry `entry` of the scenario handles the signal. Uses the first 64 bytes of `kept`. */
export function* handle(guest: Guest, signal: number, entry: number, flags: number): Doing {
  const at = clearBytes(kept(guest, 0), sigactionLayout.size);
  setWords(at + sigactionLayout.handler, HANDLER_BASE + entry);
  setWords(at + sigactionLayout.flags, flags);
  yield guest.call('rt_sigaction', signal, at, 0, 8);
}

/** The end of a thread, by itself: the main one's return would end its process. */
export function* leave(guest: Guest): Doing {
  yield guest.call('exit', 0);
}

type Home = readonly [home: number, body: GuestBody];
/** A machine with what most scenarios have: locks that spin twice and then sleep, a CPU up to the highest home. */
export function machineOf(
  homes: readonly Home[],
  more: Partial<Omit<Setup, 'scene' | 'threads'>> = {},
): Scenario['machine'] {
  const threads = homes.map(([home, body]) => ({ home, body }));
  const cpus = Math.max(...homes.map(([home]) => home)) + 1;
  return { threads, cpus, eventfds: [0], lock: 'ttas', lockSpins: 2, ...more };
}

/** A check that every run ends with these results, or one of these. */
export function endsWith(...wanted: readonly (readonly (readonly number[])[])[]): NonNullable<Scenario['check']> {
  const texts = wanted.map((results) => JSON.stringify(results));
  return (results) => {
    const text = JSON.stringify(results);
    return texts.includes(text) ? undefined : `the guests noted ${text} instead of ${texts.join(' or ')}`;
  };
}

export type { GuestBody, GuestGenerator };
