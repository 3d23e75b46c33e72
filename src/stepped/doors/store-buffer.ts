/**
 * Store buffers, as x86 has them (TSO): a plain write of the atomic door (`poke`) may stay with its CPU while the CPU's later
 * loads go ahead. Its own loads see it; others do once it leaves, which it does before the CPU's next atomic write, before
 * it parks, and after so many of its loads. Off, a plain write is seen by all at once.
 *
 * What JavaScript writes plainly under a lock needs no buffer here: the release that follows is an atomic write, so nobody
 * could tell the difference.
 */
import { I32 } from './self.ts';
import { trackPoke, tracking } from './tracks.ts';

/** Loads that go ahead of a write: more than there are between two looks of one function. */
const LOADS_MAX = 64;

export let buffering = false;
/** Writes that wait in the buffer of the CPU that runs, so that a load need not ask where there are none. */
export let delayed = 0;

interface Delayed {
  readonly words: number[];
  readonly values: number[];
  loads: number;
}

const buffers = new Map<number, Delayed>();
let mine: Delayed = { words: [], values: [], loads: 0 };

/** All buffers are empty. @param on do plain writes wait in them? */
export function beginBuffers(on: boolean): void {
  if (!on && !buffering) return;
  buffers.clear();
  mine = { words: [], values: [], loads: 0 };
  delayed = 0;
  buffering = on;
}

/** The CPU that runs from now on. */
export function bufferOf(cpu: number): void {
  let buffer = buffers.get(cpu);
  if (buffer === undefined) {
    buffer = { words: [], values: [], loads: 0 };
    buffers.set(cpu, buffer);
  }
  mine = buffer;
  delayed = buffer.words.length;
}

export function delay(word: number, value: number): void {
  mine.words.push(word);
  mine.values.push(value | 0);
  delayed++;
}

/** What the CPU itself reads in a word; its own writes come first, the latest of them. */
export function ownValue(word: number): number {
  const at = mine.words.lastIndexOf(word);
  const value = at < 0 ? I32[word]! : mine.values[at]!;
  if (++mine.loads >= LOADS_MAX) drain();
  return value;
}

/** Every write leaves the buffer of the CPU that runs, in order. */
export function drain(): void {
  const { words, values } = mine;
  for (let i = 0; i < words.length; i++) write(words[i]!, values[i]!);
  words.length = 0;
  values.length = 0;
  mine.loads = 0;
  delayed = 0;
}

/** The buffers of all CPUs, when a run is over. */
export function drainAll(): void {
  for (const buffer of buffers.values()) {
    mine = buffer;
    drain();
  }
}

export function write(word: number, value: number): void {
  if (tracking) trackPoke(word);
  I32[word] = value;
}
