/**
 * What the doors note of a run: the race check, and the undo log. Both are about a word's first and latest accesses, so
 * they share their tables, and an access costs a few instructions.
 *
 * The race check is FastTrack (Flanagan and Freund, PLDI 2009): an access is an epoch, the CPU and how many releases it
 * had done, in one number; a word remembers the epoch of its last write and of its last read, or, where several CPUs read
 * it in no order, one epoch for each. An access races if one of them is not known to lie before it. What orders accesses
 * is what JavaScript's memory model says: an atomic operation that reads a word comes after the one that wrote it.
 *
 * The undo log is the list of words touched for the first time in this run, with what they held. Taking a run back is
 * writing these words again, so it costs what the run touched and not what the memory holds. Memory that is written past
 * the doors (a guest's own) is for the caller to bring back.
 */
import { I32 } from './self.ts';

/** A CPU is the low bits of an epoch; above them is its count of releases, from 1. So no epoch is 0. */
const CPU_BITS = 10;
const CPU_MASK = (1 << CPU_BITS) - 1;
export const CPUS_MAX = 1 << CPU_BITS;

/** Are accesses noted? Only between `begin` and `takeBack`. */
export let tracking = false;

let cpus = 0;
let me = 0;
let epoch = 0;
/** By word: epoch of its last write; 0 none. */
let writes: Int32Array = new Int32Array(0);
/** By word: epoch of its last read, or -n: the reads stand in row n of `readRows`. */
let reads: Int32Array = new Int32Array(0);
/** By word: row of `releases` with what whoever reads it atomically learns; 0 none. */
let releaseRow: Int32Array = new Int32Array(0);
/** Row i: how many releases of each CPU are known to CPU i. */
let clocks: Int32Array = new Int32Array(0);
let releases: Int32Array = new Int32Array(0);
let releaseRows = 1;
/** By row of `releases`: the CPU that wrote it last. */
let releaser: Int32Array = new Int32Array(256);
let readRows: Int32Array = new Int32Array(0);
let readRowCount = 1;
let touched: Int32Array = new Int32Array(4096);
let before: Int32Array = new Int32Array(4096);
let touchedCount = 0;
let watchedEnd = Number.POSITIVE_INFINITY;

/** Two accesses to one plain word, one of them a write, and nothing orders them. */
export class RaceError extends Error {
  override readonly name = 'RaceError';
  /** the word both touched */
  readonly address: number;
  /** the CPU that came second, at whose line the stack is, and the one before; numbers of this run */
  readonly second: number;
  readonly first: number;
  constructor(address: number, does: string, second: number, did: string, first: number) {
    super(`CPU ${second} ${does} word ${address}, which CPU ${first} ${did}: nothing orders the two`);
    this.address = address;
    this.second = second;
    this.first = first;
  }
}

/**
 * From here on accesses are noted, by `count` CPUs that know nothing of each other.
 * @param end words from here on are not: what guests share is theirs to guard
 */
export function beginTracks(count: number, end: number = Number.POSITIVE_INFINITY): void {
  if (count > CPUS_MAX) throw new Error(`a stepped machine has at most ${CPUS_MAX} CPUs`);
  if (writes.length !== I32.length) {
    [writes, reads, releaseRow] = [new Int32Array(I32.length), new Int32Array(I32.length), new Int32Array(I32.length)];
  }
  if (cpus !== count) {
    cpus = count;
    clocks = new Int32Array(count * count);
    releases = new Int32Array(count * 256);
    releaser = new Int32Array(256);
    readRows = new Int32Array(count * 16);
  } else clocks.fill(0);
  for (let i = 0; i < count; i++) clocks[i * count + i] = 1;
  releaseRows = 1;
  readRowCount = 1;
  touchedCount = 0;
  watchedEnd = end;
  tracking = true;
}

/** The accesses that follow are those of CPU `index`. */
export function trackAs(index: number): void {
  me = index;
  epoch = (clocks[index * cpus + index]! << CPU_BITS) | index;
}

/** The run is over: all that was done lies before whatever follows, which is somebody looking. */
export function knowAll(): void {
  if (!tracking) return;
  for (let i = 0; i < cpus; i++) clocks[me * cpus + i] = Math.max(clocks[me * cpus + i]!, clocks[i * cpus + i]!);
}

/** Memory is again what it was at `begin`, but for what was written past the doors. */
export function takeBack(): void {
  // The last first: a word may have been touched plainly and then atomically, and stands here twice.
  for (let i = touchedCount - 1; i >= 0; i--) I32[touched[i]!] = before[i]!;
  endTracks();
}

/** Accesses are noted no more, and memory stays as it is. */
export function endTracks(): void {
  tracking = false;
  for (let i = 0; i < touchedCount; i++) {
    const word = touched[i]!;
    writes[word] = 0;
    reads[word] = 0;
    releaseRow[word] = 0;
  }
  touchedCount = 0;
}

/** Words that this run touched, for a hash of what it did. */
export function touchedWords(): Int32Array {
  return touched.subarray(0, touchedCount);
}

function touch(word: number): void {
  if (touchedCount === touched.length) {
    [touched, before] = [longer(touched), longer(before)];
  }
  touched[touchedCount] = word;
  before[touchedCount++] = I32[word]!;
}
function longer(array: Int32Array): Int32Array {
  const result = new Int32Array(2 * array.length);
  result.set(array);
  return result;
}

export function trackRead(word: number): void {
  if (reads[word] !== epoch) readAnew(word);
}
function readAnew(word: number): void {
  if (word >= watchedEnd) return;
  const write = writes[word]!;
  const read = reads[word]!;
  if (write === 0 && read === 0) touch(word);
  else if (isUnordered(write)) throw new RaceError(word, 'reads', me, 'wrote', write & CPU_MASK);
  if (read === 0 || (read > 0 && (read & CPU_MASK) === me)) reads[word] = epoch;
  else if (read > 0) {
    if (!isUnordered(read)) reads[word] = epoch;
    else {
      const row = newReadRow();
      readRows[row * cpus + (read & CPU_MASK)] = read;
      readRows[row * cpus + me] = epoch;
      reads[word] = -row;
    }
  } else readRows[-read * cpus + me] = epoch;
}

export function trackWrite(word: number): void {
  if (writes[word] !== epoch || reads[word] !== epoch) writeAnew(word);
}
function writeAnew(word: number): void {
  if (word >= watchedEnd) return;
  const write = writes[word]!;
  const read = reads[word]!;
  if (write === 0 && read === 0) touch(word);
  else {
    if (isUnordered(write)) throw new RaceError(word, 'writes', me, 'wrote', write & CPU_MASK);
    if (read > 0) {
      if (isUnordered(read)) throw new RaceError(word, 'writes', me, 'read', read & CPU_MASK);
    } else if (read < 0) {
      for (let i = 0; i < cpus; i++) {
        const other = readRows[-read * cpus + i]!;
        if (isUnordered(other)) throw new RaceError(word, 'writes', me, 'read', i);
      }
    }
  }
  writes[word] = epoch;
  // Who reads or writes next is compared with the write alone: it came after these reads. Same epoch: nothing to look at.
  reads[word] = epoch;
}

function isUnordered(other: number): boolean {
  if (other === 0) return false;
  const by = other & CPU_MASK;
  return by !== me && other >> CPU_BITS > clocks[me * cpus + by]!;
}
function newReadRow(): number {
  if ((readRowCount + 1) * cpus > readRows.length) readRows = longer(readRows);
  const row = readRowCount++;
  readRows.fill(0, row * cpus, (row + 1) * cpus);
  return row;
}

/** A write declared racy: it can be taken back, and orders nothing. */
export function trackPoke(word: number): void {
  if (writes[word] === 0 && reads[word] === 0 && releaseRow[word] === 0) touch(word);
}

/** An atomic operation reads the word: what whoever wrote it knew is known here. */
export function trackAcquire(word: number): void {
  const row = releaseRow[word]!;
  if (row === 0 || releaser[row] === me) return;
  const from = row * cpus;
  const to = me * cpus;
  for (let i = 0; i < cpus; i++) {
    if (releases[from + i]! > clocks[to + i]!) clocks[to + i] = releases[from + i]!;
  }
}

/** An atomic operation writes the word: whoever reads it knows what is known here. */
export function trackRelease(word: number): void {
  let row = releaseRow[word]!;
  if (row === 0) {
    touch(word);
    if ((releaseRows + 1) * cpus > releases.length) releases = longer(releases);
    if (releaseRows === releaser.length) releaser = longer(releaser);
    row = releaseRows++;
    releaseRow[word] = row;
  }
  const from = me * cpus;
  const to = row * cpus;
  for (let i = 0; i < cpus; i++) releases[to + i] = clocks[from + i]!;
  releaser[row] = me;
  clocks[from + me] = clocks[from + me]! + 1;
  epoch += 1 << CPU_BITS;
}
