/**
 * A smaller program that still shows the difference: steps are left out in runs that become shorter, threads whole, then
 * what is left is made simpler. A step that keeps a number under a name stays as long as another step uses the name.
 */
import type { Step } from '../../programs/conform/case.ts';
import type { RandomProgram } from './program.ts';

/** More tries than this are not made: a smaller program is a help, not the point. */
const TRIES_MAX = 400;

/** @param differs does a program still show it? Asked often. */
export async function shrunk(
  program: RandomProgram,
  differs: (smaller: RandomProgram) => Promise<boolean>,
): Promise<RandomProgram> {
  let best = program;
  let tries = 0;
  const attempt = async (smaller: RandomProgram): Promise<boolean> => {
    if (tries >= TRIES_MAX || !isWhole(smaller)) return false;
    tries++;
    if (!(await differs(smaller))) return false;
    best = smaller;
    return true;
  };
  for (let before = ''; before !== JSON.stringify(best) && tries < TRIES_MAX; ) {
    before = JSON.stringify(best);
    for (const name of Object.keys(best.threads)) await attempt(withoutThread(best, name));
    for (const name of ['main', ...Object.keys(best.threads)]) await shorten(name, () => best, attempt);
    for (const simpler of simplifications(best)) {
      if (await attempt(simpler)) break;
    }
  }
  return best;
}

async function shorten(
  name: string,
  best: () => RandomProgram,
  attempt: (smaller: RandomProgram) => Promise<boolean>,
): Promise<void> {
  for (let length = Math.max(1, stepsOf(best(), name).length >> 1); length >= 1; length >>= 1) {
    for (let at = stepsOf(best(), name).length - length; at >= 0; at -= length) {
      const steps = stepsOf(best(), name);
      await attempt(withSteps(best(), name, [...steps.slice(0, at), ...steps.slice(at + length)]));
    }
  }
}

function stepsOf(program: RandomProgram, name: string): readonly Step[] {
  return name === 'main' ? program.main : (program.threads[name] ?? []);
}

function withSteps(program: RandomProgram, name: string, steps: readonly Step[]): RandomProgram {
  if (name === 'main') return { ...program, main: steps };
  return { ...program, threads: { ...program.threads, [name]: steps } };
}

function withoutThread(program: RandomProgram, name: string): RandomProgram {
  const { [name]: _, ...threads } = program.threads;
  const main = program.main.filter((step) => {
    const about = 'start' in step ? step.start : 'join' in step ? step.join : 'blocked' in step ? step.blocked : '';
    return about !== name && !JSON.stringify(step).includes(`"@${name}"`);
  });
  return { ...program, main, threads };
}

/** Event masks with one bit less. */
function* simplifications(program: RandomProgram): Generator<RandomProgram> {
  for (const [index, step] of program.main.entries()) {
    if (!('sys' in step)) continue;
    const text = JSON.stringify(step);
    for (const [masks] of text.matchAll(/"(?:EPOLL|POLL)[A-Z]+(?:\|[A-Z]+)+"/g)) {
      const bits = masks.slice(1, -1).split('|');
      for (const bit of bits) {
        const fewer = JSON.stringify(bits.filter((other) => other !== bit).join('|'));
        const changed = JSON.parse(text.replace(masks, fewer)) as Step;
        yield withSteps(
          program,
          'main',
          program.main.map((other, at) => (at === index ? changed : other)),
        );
      }
    }
  }
}

/** Is every name that a step uses kept by an earlier step of main, and every thread started that is spoken of? */
function isWhole(program: RandomProgram): boolean {
  const kept = new Set<string>();
  const started = new Set<string>();
  for (const step of program.main) {
    if (!usesOnly(step, kept, started)) return false;
    if ('start' in step) {
      if (started.has(step.start) || !Object.hasOwn(program.threads, step.start)) return false;
      started.add(step.start);
      if (!program.threads[step.start]!.every((one) => usesOnly(one, kept, started))) return false;
    }
    if (!('sys' in step)) continue;
    if (step.as !== undefined) kept.add(step.as);
    for (const argument of step.args) {
      if (typeof argument === 'object' && argument !== null && 'out_pair' in argument) {
        for (const name of argument.out_pair) kept.add(name);
      }
    }
  }
  return Object.keys(program.threads).every((name) => started.has(name));
}

function usesOnly(step: Step, kept: ReadonlySet<string>, started: ReadonlySet<string>): boolean {
  const text = JSON.stringify(step);
  const names = [...text.matchAll(/"\$(\w+)"/g)].map(([, name]) => name!);
  const threads = [...text.matchAll(/"@(\w+)"/g)].map(([, name]) => name!);
  return names.every((name) => kept.has(name)) && threads.every((name) => started.has(name));
}
