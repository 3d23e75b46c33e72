// Epoll instances as files, and instances that watch each other, as a guest sees them.
import { describe, expect, it } from 'vitest';
import type { BootOptions } from '../../src/machine/config.ts';
import { forEveryDesign } from '../designs.ts';
import { runScenario } from './scenario.ts';

const run = (scenario: string, options: BootOptions): Promise<number> =>
  runScenario('epoll-instances', scenario, options);

forEveryDesign((epoll) => {
  it('an instance keeps its parameters for busy polling, and tells them', async () =>
    expect(await run('parametersAreKept', { epoll })).toBe(0));
  it('one write wakes more than are woken at a time', async () =>
    expect(await run('manyHearOneWrite', { epoll })).toBe(0));
  // Instances of WASIX cannot be watched.
  it.skipIf(epoll === 'wasix')('through an instance, too', async () =>
    expect(await run('manyHearThroughAnInstance', { epoll })).toBe(0),
  );
});

describe('instances of Linux that watch each other', () => {
  const roomy: BootOptions = { epoll: 'linux', nofile: 2048, files: 2048, epolls: 1024, interests: 8192 };
  it('watch a file in so many ways of each length, and no more', async () =>
    expect(await run('pathsAreCounted', roomy)).toBe(0));
  it('are each looked at once, however many ways lead there', async () =>
    expect(await run('layersAreSearchedOnce', roomy)).toBe(0));
});
