/**
 * The ordered maps in which epolls find what they watch.
 */
import { IntMap, MAP_FANOUT, MapNode } from '../../shared-mem/int-map.ts';
import type { MemoryView } from './view.ts';
import { complain, livesIn, see, seeAt } from './view.ts';

/** Puts what a map holds into `found`, in the order of the keys. @returns how many nodes it has */
export function auditMap(v: MemoryView, map: number, found: number[], what: string): number {
  const nodes = walkMap(v, see(v, map, IntMap.root), see(v, map, IntMap.height), found, what);
  if (see(v, map, IntMap.count) !== found.length) complain(v, `${what}: its map counts other than it has`);
  return nodes;
}

function walkMap(v: MemoryView, node: number, height: number, found: number[], what: string): number {
  if (node === 0) return 0;
  if (height === 0) {
    found.push(node);
    return 0;
  }
  if (!livesIn(v, 'mapNodes', node)) {
    complain(v, `${what}: its map leads to ${node}, which is no node`);
    return 0;
  }
  let nodes = 1;
  const bitmap = see(v, node, MapNode.bitmap);
  for (let digit = 0; digit < MAP_FANOUT; digit++) {
    const child = seeAt(v, node, MapNode.child, digit);
    if (((bitmap >>> digit) & 1) === (child === 0 ? 1 : 0)) complain(v, `${what}: bit ${digit} of a node lies`);
    nodes += walkMap(v, child, height - 1, found, what);
  }
  return nodes;
}
