/**
 * Promise: a stack trace out of the stepped kernel names the file and the line of the source, from the test loader and
 * from the bundle of the package alike.
 */
import { execFileSync } from 'node:child_process';
import { readFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { expect, it } from 'vitest';
import { defaultBootConfig } from '../../src/kernel/boot/plan.ts';
import { steppedMachineFile } from '../../src/machine/worker-file.ts';
import { attach } from '../../src/stepped/doors/self.ts';
import { runAlone } from '../../src/stepped/run.ts';
import type { WholeScene } from '../../src/stepped/whole-machine.ts';
import * as scene from '../../src/stepped/whole-scene.ts?stepped';
import type { CpuPtr } from '../../src/shared-mem/pointer.ts';

const project = fileURLToPath(new URL('../..', import.meta.url));

/** Where the source has that text, as stack traces name a place. */
function placeOf(path: string, text: string): string {
  const source = readFileSync(`${project}${path}`, 'utf8');
  const at = source.indexOf(text);
  expect(source.indexOf(text, at + 1)).toBe(-1);
  return `${path}:${source.slice(0, at).split('\n').length}:`;
}

// A boot that panics two calls deep, both of them generators of the stepped kernel.
const config = { ...defaultBootConfig, epoll: 'none such' as never };
const frames = [
  placeOf('src/kernel/boot/format.ts', 'panic(`no epoll design'),
  placeOf('src/stepped/whole-scene.ts', 'formatMemory(config'),
];

function kernelFrames(stack: string): string[] {
  const places = stack.split('\n').flatMap((line) => /(src\/[\w/.-]+\.ts:\d+:)\d+\)?$/.exec(line)?.[1] ?? []);
  return places.filter((place) => !place.startsWith('src/shared-mem/panic.ts') && !place.includes('scheduler'));
}

it('in a test', () => {
  const { bootWhole, planMemory } = scene as unknown as WholeScene;
  attach(new ArrayBuffer(planMemory(config).bytes));
  let stack = '';
  try {
    runAlone(0 as CpuPtr, bootWhole(config, 0, 1));
  } catch (error) {
    stack = (error as Error).stack ?? '';
  }
  expect(kernelFrames(stack).slice(0, 2)).toEqual(frames);
});

it('in the bundle of the package', () => {
  const script = `
    process.setSourceMapsEnabled(true);
    const { WholeMachine, scene } = await import(${JSON.stringify(steppedMachineFile().href)});
    try { new WholeMachine(scene, ${JSON.stringify(config)}); } catch (error) { console.log(error.stack); }
  `;
  const stack = execFileSync(process.execPath, ['--input-type=module', '-e', script], { encoding: 'utf8' });
  expect(kernelFrames(stack).slice(0, 2)).toEqual(frames);
});
