/**
 * Stepped kernels, loaded: the sound one as the build left it, one with a bug compiled when it is asked for.
 *
 * Each is one module with the search in it (kernel-side.ts), because the doors of a stepped kernel are modules of its own.
 */
import { createHash } from 'node:crypto';
import { existsSync, readFileSync } from 'node:fs';
import type { SourceMapPayload } from 'node:module';
import { dirname, join } from 'node:path';
import { fileURLToPath, pathToFileURL } from 'node:url';
import type * as KernelSide from './kernel-side.ts';
import type { Bug } from './scenario.ts';

export type SteppedKernel = typeof KernelSide & {
  /** tells builds apart */
  readonly hash: string;
  /** from its code to the source; the sources are relative to `project` */
  readonly map: SourceMapPayload;
  /** what the name of its file ends in */
  readonly script: string;
};

const MODULE = 'src/explore/kernel-side.ts';
/** Where the build puts the sound kernel. */
const BUILT = 'stepped-kernel.js';

/** The directory with src and dist: this file's own project, seen from its source or from a bundle in dist. */
export const project: string = projectDirectory();

const loaded = new Map<string, Promise<SteppedKernel>>();

/** @param bug none for the kernel as it is */
export function steppedKernel(bug?: Bug): Promise<SteppedKernel> {
  const name = bug?.name ?? '';
  let kernel = loaded.get(name);
  if (kernel === undefined) {
    kernel = bug === undefined ? loadSound() : loadBroken(bug);
    loaded.set(name, kernel);
  }
  return kernel;
}

async function loadSound(): Promise<SteppedKernel> {
  const path = join(project, 'dist', BUILT);
  const side = (await import(pathToFileURL(path).href)) as typeof KernelSide;
  const map = JSON.parse(readFileSync(`${path}.map`, 'utf8')) as SourceMapPayload;
  const sources = map.sources.map((source) => source.replace(/^\.\.\//, ''));
  return { ...side, hash: hashOf(readFileSync(path, 'utf8')), map: { ...map, sources }, script: BUILT };
}

async function loadBroken(bug: Bug): Promise<SteppedKernel> {
  const { BUNDLE_NAME, bundleStepped, loadBundle } = await import('../stepped/bundle.ts');
  const bundle = await bundleStepped(project, [MODULE], bug.patches);
  const map = JSON.parse(bundle.map) as SourceMapPayload;
  return { ...(await loadBundle<typeof KernelSide>(bundle)), hash: hashOf(bundle.code), map, script: BUNDLE_NAME };
}

function hashOf(text: string): string {
  return createHash('sha256').update(text).digest('hex').slice(0, 10);
}

function projectDirectory(): string {
  let directory = dirname(fileURLToPath(import.meta.url));
  while (!existsSync(join(directory, 'package.json'))) directory = dirname(directory);
  return directory.replaceAll('\\', '/');
}
