/**
 * What the verbs that boot machines have in common: checked designs, the words about a machine, the host's description.
 */
import { availableParallelism } from 'node:os';
import { describeHost } from '../bench/run.ts';
import type { BootOptions } from '../machine/config.ts';
import { DESIGN_NAMES } from '../kernel/epoll/source-ops.ts';
import { checkBootOptions } from '../machine/config.ts';
import type { Machine } from '../machine/machine.ts';

export { describeHost };

/** The designs that a command asks for, whose names are checked; all that there are by default. */
export function designsOf(given: unknown): readonly string[] {
  if (given === undefined) return DESIGN_NAMES;
  return (Array.isArray(given) ? given : [given]) as readonly string[];
}

/**
 * The simulated machine, for documents: what was asked for, and the defaults of the rest.
 * @throws BootError for options that cannot be, before any work is done
 */
export function configOf(boot: BootOptions): Readonly<Record<string, unknown>> {
  const { config, constants } = checkBootOptions(boot);
  const { cpus, hz, epoll, abi, lock, idleSpinNs, seed } = config;
  const { checks, fastPath, pollCache } = constants;
  return { cpus, hz, epoll, abi, lock, idleSpinNs, seed, checks, fastPath, pollCache };
}

export function hostLine(): string {
  const host = describeHost();
  return `host: ${host.cores} cores of ${host.cpu}, ${host.kernel}, Node ${host.node}`;
}

/** Told once, where figures would mislead. */
export function oversubscribedWarning(cpus: number): string | undefined {
  const cores = availableParallelism();
  if (cpus <= cores) return undefined;
  return `oversubscribed: ${cpus} simulated CPUs on ${cores} host cores; times measure the host's scheduler too`;
}

/** `2 CPUs, HZ 100, ttas locks, checks off` */
export function machineWords(config: Machine['config'], checks: boolean): string {
  return `${config.cpus} ${config.cpus === 1 ? 'CPU' : 'CPUs'}, HZ ${config.hz}, ${config.lock} locks, checks ${checks ? 'on' : 'off'}`;
}
