/**
 * Where the CPU's bundle lies. The build makes two, without checks and with them (scripts/build.mjs).
 */
import { existsSync } from 'node:fs';
import { fileURLToPath } from 'node:url';

/** The CPU's bundle, with or without checks: beside this one when built; from a checkout's sources it is the build's. */
export function workerFile(checks: boolean): string {
  const name = checks ? 'cpu-worker-checked.js' : 'cpu-worker.js';
  const beside = new URL(`./${name}`, import.meta.url);
  const built = new URL(`../../dist/${name}`, import.meta.url);
  const found = [beside, built].find((url) => existsSync(url));
  if (found === undefined) throw new Error('the CPU worker is not built: run npm run build');
  return fileURLToPath(found);
}
