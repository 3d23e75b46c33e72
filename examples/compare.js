// Compares settings: how long an idle CPU spins before it sleeps, against what a round trip between two CPUs costs, in
// time and in the host's CPU time. The settings take turns, so that a busy moment of the host meets all of them.
//
//     node examples/compare.js
import { Machine } from 'smplab';

const ROUNDS = 500;
const REPEATS = 3;
const settings = [0, 20_000, 200_000].map((idleSpinNs) => ({
  idleSpinNs,
  tripsNs: /** @type {number[]} */ ([]),
  cpuNs: /** @type {number[]} */ ([]),
  switches: 0,
}));

for (let repeat = 0; repeat < REPEATS; repeat++) {
  for (const setting of settings) {
    const machine = await Machine.boot({ cpus: 2, idleSpinNs: setting.idleSpinNs });
    try {
      const beganNs = process.hrtime.bigint();
      const cpuBefore = process.cpuUsage();
      const pid = await machine.spawn(new URL('./guests/ping.js', import.meta.url), { argv: { rounds: ROUNDS } });
      await machine.exited(pid);
      const { user, system } = process.cpuUsage(cpuBefore);
      setting.tripsNs.push(Number(process.hrtime.bigint() - beganNs) / ROUNDS);
      setting.cpuNs.push(((user + system) * 1000) / ROUNDS);
      setting.switches = machine.stats().cpus.reduce((sum, cpu) => sum + cpu.switches, 0);
    } finally {
      await machine.shutdown();
    }
  }
}

console.log(`best of ${REPEATS}, a round trip of ${ROUNDS}:`);
for (const { idleSpinNs, tripsNs, cpuNs, switches } of settings) {
  const best = (/** @type {number[]} */ samples) => `${(Math.min(...samples) / 1000).toFixed(1)} us`;
  const spin = `idle spin ${idleSpinNs / 1000} us`;
  console.log(`  ${spin.padEnd(18)} ${best(tripsNs).padStart(9)}, ${best(cpuNs)} of CPU time, ${switches} switches`);
}
