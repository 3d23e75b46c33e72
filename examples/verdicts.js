// What a machine says when it cannot go on: it never hangs, it dies with a verdict and a report, and whatever the host
// awaits rejects.
//
//     node examples/verdicts.js
import { Machine, MachineDied } from 'smplab';

const machine = await Machine.boot({ cpus: 2 });
try {
  const pid = await machine.spawn(new URL('./guests/stuck.js', import.meta.url));
  await machine.exited(pid);
  console.log('it ended, which it cannot');
  process.exitCode = 1;
} catch (error) {
  if (!(error instanceof MachineDied)) throw error;
  console.log(`the verdict is ${error.verdict}`);
  console.log(error.report.split('\n').find((line) => line.includes('sleeping in')));
} finally {
  await machine.shutdown();
}
