// Instances, timers and counters that a process shares with its child; the rules are named in epoll-shared.program.ts.
import { describe, expect, it } from 'vitest';
import { forEveryDesign } from '../designs.ts';
import { runScenario } from './scenario.ts';

describe('an instance of Linux', () => {
  it('is changed and emptied by a child, too', async () =>
    expect(await runScenario('epoll-shared', 'childrenChangeAndTake', { epoll: 'linux' })).toBe(0));
  it('reports a file that only the child has, as long as that has it', async () =>
    expect(await runScenario('epoll-shared', 'entriesAreOfWhoAdded', { epoll: 'linux' })).toBe(0));
});

forEveryDesign((epoll) => {
  it('a timer is shared with a child', async () =>
    expect(await runScenario('epoll-shared', 'timersAreShared', { epoll })).toBe(0));
  it('a counter is shared with a child', async () =>
    expect(await runScenario('epoll-shared', 'countersAreShared', { epoll })).toBe(0));
});
