/**
 * From names to what they name: scenarios, bugs, designs. A name that is not there is told with those that are.
 */
import type { EpollDesign } from '../kernel/abi/types.ts';
import type { SteppedKernel } from './kernel.ts';
import { steppedKernel } from './kernel.ts';
import type { Bug, Scenario } from './scenario.ts';
import { bugs } from './zoo/index.ts';

/** A name that means nothing here, or not together with another. */
export class NameError extends Error {
  override readonly name = 'NameError';
  readonly what: string;
  readonly given: string;
  readonly known: readonly string[];
  constructor(what: string, given: string, known: readonly string[]) {
    super(`no ${what} is named '${given}'; there is: ${known.join(', ')}`);
    this.what = what;
    this.given = given;
    this.known = known;
  }
}

function named<T extends { readonly name: string }>(what: string, name: string, all: readonly T[]): T {
  const found = all.find((each) => each.name === name);
  if (found === undefined) {
    throw new NameError(
      what,
      name,
      all.map((each) => each.name),
    );
  }
  return found;
}

/** @param name '' for none @throws NameError */
export function bugNamed(name: string): Bug | undefined {
  return name === '' ? undefined : named('bug', name, bugs);
}
/** @throws NameError */
export function scenarioNamed(kernel: SteppedKernel, name: string): Scenario {
  return kernel.scenarioNamed(name) ?? named('scenario', name, kernel.scenarios);
}
/** @throws NameError */
export function designOf({ designs }: Scenario, asked: string | undefined, bug: Bug | undefined): EpollDesign {
  const design = asked ?? bug?.design ?? designs[0]!;
  return named(
    'design for this scenario',
    design,
    designs.map((name) => ({ name })),
  ).name;
}

/** @param bug '' for the kernel as it is @throws NameError */
export async function kernelFor(bug: string): Promise<SteppedKernel> {
  return steppedKernel(bugNamed(bug));
}
