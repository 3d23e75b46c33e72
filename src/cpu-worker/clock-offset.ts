/**
 * The distance between a thread's own clock and the machine's. Read once by each thread that becomes a CPU.
 */

const CLOCK_READINGS = 8;

/**
 * How far this thread's performance.now() is from the machine's clock, ns. The two clocks are read one after the other,
 * and a thread that loses its core in between would be late for ever: the closest pair of several counts.
 */
export function clockOffset(bootHostNs: number): number {
  let closestNs = Number.POSITIVE_INFINITY;
  let offsetNs = 0;
  for (let i = 0; i < CLOCK_READINGS; i++) {
    const before = performance.now() * 1e6;
    const host = Number(process.hrtime.bigint() - BigInt(bootHostNs));
    const gapNs = performance.now() * 1e6 - before;
    if (gapNs >= closestNs) continue;
    closestNs = gapNs;
    offsetNs = before + gapNs / 2 - host;
  }
  return offsetNs;
}
