// Boots a machine of two CPUs, runs a program on it, and says how it ended and what its wakeups came to.
//
//     node examples/boot.js
import { Machine } from 'smplab';

const machine = await Machine.boot({ cpus: 2, checks: true });
try {
  const pid = await machine.spawn(new URL('./guests/ping.js', import.meta.url), { argv: { rounds: 500 } });
  const { code, signal } = await machine.exited(pid);
  const { total, useful } = machine.stats().wakeups;
  console.log(`process ${pid} ended with ${code === undefined ? `signal ${signal}` : `exit code ${code}`}`);
  console.log(`${total} wakeups, ${useful} of them useful`);
  process.exitCode = code ?? 1;
} finally {
  await machine.shutdown();
}
