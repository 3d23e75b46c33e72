// Sweeps a parameter: how many wakeups one write causes, against the number of tasks that wait for it.
//
//     node --import tsx examples/herd-sweep.ts
import { Machine } from 'smplab';
import type { HerdOptions } from './guests/herd.ts';

const WRITES = 50;

console.log('waiters  wakeups a write  useful  for nothing');
for (const waiters of [1, 2, 4, 8, 16]) {
  await using machine = await Machine.boot({ cpus: 2 });
  const argv: HerdOptions = { waiters, writes: WRITES };
  const pid = await machine.spawn(new URL('./guests/herd.ts', import.meta.url), { argv });
  const { code } = await machine.exited(pid);
  if (code !== 0) throw new Error(`the herd of ${waiters} ended with ${code}`);
  const { total, useful, herd, nudge, spurious } = machine.stats().wakeups;
  const cells = [total / WRITES, useful / WRITES, (herd + nudge + spurious) / WRITES].map((n) => n.toFixed(1));
  console.log(
    `${String(waiters).padStart(7)}  ${cells[0]!.padStart(15)}  ${cells[1]!.padStart(6)}  ${cells[2]!.padStart(11)}`,
  );
}
