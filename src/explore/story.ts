/**
 * What the schedule of a token did, step by step: the trace from which the columns and the page are made.
 */
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { readToken } from './engine/token.ts';
import { project } from './kernel.ts';
import { bugNamed, designOf, kernelFor, scenarioNamed } from './names.ts';
import type { RunTrace } from './report/index.ts';
import { locateBy } from './report/index.ts';

/** @throws as replayToken does */
export async function traceOfToken(token: string): Promise<RunTrace> {
  const { scenario: name, design: designName, bug, schedule } = readToken(token);
  const kernel = await kernelFor(bug);
  const scenario = scenarioNamed(kernel, name);
  const design = designOf(scenario, designName, undefined);
  const { finding } = kernel.explorerOf(scenario, design, bugNamed(bug)?.memory).replay(schedule);
  return kernel.traceOf(scenario, design, bugNamed(bug)?.memory, schedule, {
    ...(finding === undefined ? {} : { finding }),
    about: { scenario: name, bug, design, replay: `smplab explore --replay ${token}` },
    locate: locateBy(kernel.map, kernel.script),
    sources: new Map(kernel.map.sources.map((path) => [path, textOf(path)])),
  });
}

function textOf(path: string): string {
  try {
    return readFileSync(join(project, path), 'utf8');
  } catch {
    return '';
  }
}
