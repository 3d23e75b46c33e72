/**
 * Promise: what the designs cost is counted, comes out the same each time, and tells them apart as their data
 * structures do. docs/designs.md is printed from these counts.
 */
import { expect, it } from 'vitest';
import { addCost, waitCost, wakeCost } from '../../src/stepped/costs.ts';
import * as scene from '../../src/stepped/scene.ts?stepped';
import { forEveryDesign } from '../designs.ts';

forEveryDesign((epoll) => {
  const scans = epoll === 'kevlar' || epoll === 'veridian';

  it('a wait visits what is watched where it scans, and only what is ready where it keeps a list', () => {
    const more = waitCost(scene, epoll, 50, 1).visits - waitCost(scene, epoll, 10, 1).visits;
    // The map from descriptors to subscriptions may be a node deeper.
    if (scans) expect(more).toBe(40);
    else expect(more).toBeLessThanOrEqual(1);
  });
  it('a wait takes a lock for each event only where each event is a record of its own', () => {
    const more = waitCost(scene, epoll, 50, 50).locks - waitCost(scene, epoll, 10, 10).locks;
    expect(more).toBe(epoll === 'wasix' ? 40 : 0);
  });
  it('an add costs the same however many are watched, but for the depth of a map', () => {
    const [few, many] = [addCost(scene, epoll, 10), addCost(scene, epoll, 100)];
    expect(many.locks).toBe(few.locks);
    expect(many.visits - few.visits).toBeLessThanOrEqual(2);
  });
  it('a write visits every waiter on kevlar, one of them where one is woken, and none where nobody stands anywhere', () => {
    const visits = (waiters: number): number => wakeCost(scene, epoll, waiters)[0].visits;
    const more = visits(20) - visits(10);
    expect(more).toBe(epoll === 'kevlar' ? 10 : 0);
  });
  it('the woken are all of them on kevlar and one elsewhere, and those who never slept go on looking', () => {
    const locks = (waiters: number): number => wakeCost(scene, epoll, waiters)[1].locks;
    const each = (locks(20) - locks(10)) / 10;
    if (epoll === 'linux' || epoll === 'wasix') expect(each).toBe(0);
    else expect(each).toBeGreaterThanOrEqual(3);
  });
  it('counts are the same each time', () => {
    expect(wakeCost(scene, epoll, 3)).toEqual(wakeCost(scene, epoll, 3));
  });
});
