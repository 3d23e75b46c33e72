// Reads what a machine counted: by CPU, its wakeups by class, and the census of kernel records, which shows what a
// program left behind.
//
//     node --import tsx examples/read-stats.ts
import { Machine, type MachineStats, settle } from 'smplab';

function report({ cpus, wakeups, latency, census }: MachineStats): void {
  cpus.forEach(({ traps, switches, idleSleeps }, index) => {
    console.log(
      `CPU ${index}: ${traps} system calls, ${switches} switches, slept ${idleSleeps} times for want of work`,
    );
  });
  for (const [name, count] of Object.entries(wakeups)) console.log(`wakeups, ${name}: ${count}`);
  console.log(`from a change to the call's return: p50 ${latency.p50} ns, p99 ${latency.p99} ns`);
  for (const [name, { live, highWater, capacity }] of Object.entries(census)) {
    if (highWater > 0) console.log(`${name}: ${live} live, ${highWater} at most, room for ${capacity}`);
  }
}

await using machine = await Machine.boot({ cpus: 2, hz: 100 });
const pid = await machine.spawn(new URL('./guests/ticker.ts', import.meta.url));
const { code } = await machine.exited(pid);
// Records of what has just ended stay for a moment, because another CPU may still be looking at them.
await settle(machine);
report(machine.stats());
process.exitCode = code ?? 1;
