/**
 * Where the bundles of code that runs on a CPU's thread lie. The build makes two of each, without checks and with them
 * (scripts/build.mjs).
 */
import { existsSync } from 'node:fs';
import { fileURLToPath } from 'node:url';

/** The bundle, with or without checks: beside this one when built; from a checkout's sources it is the build's. */
export function workerFile(checks: boolean, bundle = 'cpu-worker'): string {
  const name = checks ? `${bundle}-checked.js` : `${bundle}.js`;
  const beside = new URL(`./${name}`, import.meta.url);
  const built = new URL(`../../dist/${name}`, import.meta.url);
  const found = [beside, built].find((url) => existsSync(url));
  if (found === undefined) throw new Error(`${name} is not built: run npm run build`);
  return fileURLToPath(found);
}
