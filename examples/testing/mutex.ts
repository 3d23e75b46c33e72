// A mutex in one word: 0 free, 1 held, 2 held and perhaps waited for. Who finds it held sleeps; who frees it wakes one, if it
// says that somebody may be waiting. After Ulrich Drepper, "Futexes Are Tricky", the third one.
export function lock(words: Int32Array, at: number): void {
  let state = Atomics.compareExchange(words, at, 0, 1);
  while (state !== 0) {
    if (state === 2 || Atomics.compareExchange(words, at, 1, 2) !== 0) Atomics.wait(words, at, 2);
    state = Atomics.compareExchange(words, at, 0, 2);
  }
}

export function unlock(words: Int32Array, at: number): void {
  if (Atomics.sub(words, at, 1) === 1) return;
  Atomics.store(words, at, 0);
  Atomics.notify(words, at, 1);
}

const LOCK = 0;
const COUNT = 1;

/** Adds one to a plain count, so often, under the lock. */
export function count(memory: SharedArrayBuffer, times: number): void {
  const words = new Int32Array(memory);
  for (let i = 0; i < times; i++) {
    lock(words, LOCK);
    words[COUNT]!++;
    unlock(words, LOCK);
  }
}
