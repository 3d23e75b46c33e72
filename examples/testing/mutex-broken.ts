// BROKEN: as mutex.ts, but there is no third state. Who frees the lock wakes somebody if it sees that somebody waits, and one
// that is about to sleep is not seen: it says that it waits only after it has looked.
const LOCK = 0;
const COUNT = 1;
const WAITERS = 2;

export function lock(words: Int32Array): void {
  while (Atomics.compareExchange(words, LOCK, 0, 1) !== 0) {
    if (Atomics.load(words, LOCK) === 0) continue;
    Atomics.add(words, WAITERS, 1);
    Atomics.wait(words, WAITERS, 1);
    Atomics.sub(words, WAITERS, 1);
  }
}

export function unlock(words: Int32Array): void {
  Atomics.store(words, LOCK, 0);
  if (Atomics.load(words, WAITERS) > 0) Atomics.notify(words, WAITERS, 1);
}

/** Adds one to a plain count, so often, under the lock. */
export function count(memory: SharedArrayBuffer, times: number): void {
  const words = new Int32Array(memory);
  for (let i = 0; i < times; i++) {
    lock(words);
    words[COUNT]!++;
    unlock(words);
  }
}
