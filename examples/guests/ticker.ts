// A guest on the event loop library: a timer that repeats, work in a thread pool, and the loop's end when nothing is left.
import { Asyncs, closeLoop, openLoop, openPool } from 'smplab/event-loop';
import { type Guest, print, sys } from 'smplab/guest';

export { poolThread } from 'smplab/event-loop';

export function* primesBelow(limit: number): Guest {
  let primes = 0;
  for (let n = 2; n < limit; n++) {
    let divisor = 2;
    while (divisor * divisor <= n && n % divisor !== 0) divisor++;
    if (divisor * divisor > n) primes++;
    // A task gives up its CPU at system calls only; without any, the others on it would wait until the work is done.
    if (n % 500 === 0) yield sys.sched_yield();
  }
  return primes;
}

export function* main(): Guest {
  const loop = yield* openLoop();
  const asyncs = new Asyncs(loop);
  const pool = yield* openPool(loop, asyncs, 2);
  let ticks = 0;
  const ticker = loop.startTimer(2e6, () => void ticks++, 2e6);
  let left = 4;
  for (const limit of [10_000, 20_000, 30_000, 40_000]) {
    yield* pool.start(primesBelow, limit, (primes) => {
      print(`${primes} primes below ${limit}`);
      if (--left === 0) loop.stopTimer(ticker);
    });
  }
  yield* loop.run();
  print(`${ticks} ticks of the timer meanwhile`);
  yield* pool.close();
  yield* asyncs.close();
  yield* closeLoop(loop);
  return 0;
}
