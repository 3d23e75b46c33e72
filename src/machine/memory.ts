/**
 * The memory of a machine, from the host: one SharedArrayBuffer of the planned size. If that is more than there may be,
 * or than the host gives, the options are named that take most of it.
 */
import type { BootConfig } from '../kernel/boot/plan.ts';
import { defaultBootConfig, planMemory } from '../kernel/boot/plan.ts';
import { BootError } from './errors.ts';

/** User pointers are positive int32. */
const BYTES_MAX = 2 ** 31 - 1;
const ADVICE_MAX = 4;

/** @throws BootError that says which options to lower */
export function allocateMemory(config: BootConfig, bytes: number): SharedArrayBuffer {
  if (bytes > BYTES_MAX)
    throw new BootError(`the machine needs ${size(bytes)} of memory, and may have 2 GiB; ${advice(config)}`);
  try {
    return new SharedArrayBuffer(bytes);
  } catch (error) {
    const reason = (error as Error).message;
    throw new BootError(`the host did not give ${size(bytes)} of memory (${reason}); ${advice(config)}`);
  }
}

/** What each option adds beyond its default, most first: found by planning without it. */
function advice(config: BootConfig): string {
  const bytes = planMemory(config).bytes;
  const savings = (Object.keys(config) as (keyof BootConfig)[])
    .filter((name) => typeof config[name] === 'number' && config[name] > (defaultBootConfig[name] as number))
    .map((name) => ({ name, saved: bytes - planMemory({ ...config, [name]: defaultBootConfig[name] }).bytes }))
    .filter(({ saved }) => saved > bytes / 100)
    .sort((a, b) => b.saved - a.saved)
    .slice(0, ADVICE_MAX)
    .map(
      ({ name, saved }) =>
        `${name} (${config[name]}; ${size(saved)} less at its default of ${defaultBootConfig[name]})`,
    );
  return savings.length === 0 ? 'every option is at its default' : `lower ${savings.join(', ')}`;
}

function size(bytes: number): string {
  const mebibytes = bytes / 2 ** 20;
  return mebibytes >= 1024 ? `${(mebibytes / 1024).toFixed(1)} GiB` : `${Math.ceil(mebibytes)} MiB`;
}
