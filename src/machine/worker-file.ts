/**
 * Where the build's bundles lie: of the code that runs on a CPU's thread, two of each, without checks and with them; and
 * of the guest programs. Beside this one when built; from a checkout's sources they are those of the last build.
 */
import { existsSync } from 'node:fs';
import { fileURLToPath } from 'node:url';

function builtFile(name: string): URL {
  const places = [`./${name}`, `../../dist/${name}`].map((place) => new URL(place, import.meta.url));
  const found = places.find((url) => existsSync(url));
  if (found === undefined) throw new Error(`${name} is not built: run npm run build`);
  return found;
}

/** The bundle, with or without checks. */
export function workerFile(checks: boolean, bundle = 'cpu-worker'): string {
  return fileURLToPath(builtFile(checks ? `${bundle}-checked.js` : `${bundle}.js`));
}

/** The stepped machine, on which all CPUs share the thread that imports it. */
export function steppedMachineFile(): URL {
  return builtFile('stepped-machine.js');
}

/** A guest program of the project's own: `NAME.program.ts`, or one of the samples. */
export function guestProgram(name: string): URL {
  return builtFile(`programs/${name}.js`);
}
