/**
 * An ordered map from integers of 0 to 2^30-1 (descriptor numbers) to record pointers: a radix tree of 32-way nodes,
 * each with a bitmap of what it holds, as tall as its largest key needs.
 *
 *   height 2:   root [ . x . x ]          key = 5 bits | 5 bits
 *                      │   └─ leaf for keys 96..127
 *                      └───── leaf for keys 32..63
 *
 * `mapCeiling` finds the next key in a step a level, so a walk in ascending order needs no stack. The caller holds the
 * lock that guards the map. Nodes come from one slab; when it is exhausted, insertion answers 0 and changes nothing. A
 * map without keys has no nodes.
 */
import type { Address, Ptr } from './pointer.ts';
import { NULL } from './pointer.ts';
import type { SlabPtr } from './slab.ts';
import { allocRecord, freeRecord, RecordHeader } from './slab.ts';
import { embed, plain, plains, struct } from './struct.ts';

export type IntMapPtr = Ptr<'IntMap'>;
export type MapNodePtr = Ptr<'MapNode'>;

/** Keys are smaller. So is every power of 32 that the walks below compute by shifts: `**` is a call in V8, 70 ns. */
export const MAP_KEYS: number = 1 << 30;
const FANOUT_BITS = 5;
export const MAP_FANOUT: number = 1 << FANOUT_BITS;
/** Nodes from the root to the largest key. */
export const MAP_HEIGHT_MAX: number = 30 / FANOUT_BITS;
const DIGIT = MAP_FANOUT - 1;

export const IntMap = struct('IntMap', {
  root: plain<MapNodePtr>('owned:map'),
  height: plain('owned:map'),
  count: plain('owned:map'),
});

export const MapNode = struct('MapNode', {
  header: embed(RecordHeader),
  /** Bit i: child i is present. */
  bitmap: plain('owned:map'),
  child: plains<Address>(MAP_FANOUT, 'owned:map'),
});

/** @returns the record under `key`, or 0 */
export function mapFind(map: IntMapPtr, key: number): Address {
  const leaf = leafOf(map, key);
  return leaf === 0 ? 0 : MapNode.child.getAt(leaf, key & DIGIT);
}

/** Puts `value` under a key that is not in the map. @returns 0 when the slab has no node left, and nothing changed */
export function mapInsert(map: IntMapPtr, nodes: SlabPtr, key: number, value: Address): number {
  if (IntMap.root.get(map) === 0 && plantRoot(map, nodes, key) === 0) return 0;
  while (key >= 1 << (IntMap.height.get(map) * FANOUT_BITS)) {
    if (growTaller(map, nodes) === 0) {
      lowerRoot(map, nodes);
      return 0;
    }
  }
  let node = IntMap.root.get(map);
  for (let height = IntMap.height.get(map) - 1; height > 0; height--) {
    const digit = (key >> (height * FANOUT_BITS)) & DIGIT;
    let child = MapNode.child.getAt(node, digit) as MapNodePtr;
    if (child === 0) {
      child = allocRecord(nodes) as MapNodePtr;
      if (child === 0) {
        prune(map, nodes, key);
        return 0;
      }
      putChild(node, digit, child);
    }
    node = child;
  }
  putChild(node, key & DIGIT, value);
  IntMap.count.set(map, IntMap.count.get(map) + 1);
  return 1;
}

/** @returns the record that was under `key`, or 0 */
export function mapRemove(map: IntMapPtr, nodes: SlabPtr, key: number): Address {
  const leaf = leafOf(map, key);
  const value = leaf === 0 ? 0 : MapNode.child.getAt(leaf, key & DIGIT);
  if (value === 0) return 0;
  dropChild(leaf, key & DIGIT);
  IntMap.count.set(map, IntMap.count.get(map) - 1);
  // Without an empty leaf no node above it has lost a child, so there is nothing to free, and no root to lower.
  if (MapNode.bitmap.get(leaf) === 0) prune(map, nodes, key);
  return value;
}

/** Puts another record under a key that is in the map; no node is needed for that. */
export function mapReplace(map: IntMapPtr, key: number, value: Address): void {
  putChild(leafOf(map, key), key & DIGIT, value);
}

/** The node that holds `key`, if the map does, or 0. */
function leafOf(map: IntMapPtr, key: number): MapNodePtr {
  let height = IntMap.height.get(map) - 1;
  if (key >= 1 << ((height + 1) * FANOUT_BITS)) return NULL;
  let node = IntMap.root.get(map);
  for (; height > 0 && node !== 0; height--) {
    node = MapNode.child.getAt(node, (key >> (height * FANOUT_BITS)) & DIGIT) as MapNodePtr;
  }
  return node;
}

/** @returns the record with the smallest key that is at least `key`, or 0 */
export function mapCeiling(map: IntMapPtr, key: number): Address {
  const top = IntMap.height.get(map);
  let from = key;
  while (from < 1 << (top * FANOUT_BITS)) {
    let node = IntMap.root.get(map);
    let height = top - 1;
    for (;;) {
      if (node === 0) return 0;
      const digit = (from >> (height * FANOUT_BITS)) & DIGIT;
      const present = MapNode.bitmap.get(node) & (-1 << digit);
      if (present === 0) break;
      const next = 31 - Math.clz32(present & -present);
      if (next !== digit) from = ((from >> (height * FANOUT_BITS)) - digit + next) << (height * FANOUT_BITS);
      if (height === 0) return MapNode.child.getAt(node, next);
      node = MapNode.child.getAt(node, next) as MapNodePtr;
      height--;
    }
    // Nothing at or after `from` below this node: go on behind the keys it covers.
    const covered = (height + 1) * FANOUT_BITS;
    from = ((from >> covered) + 1) << covered;
  }
  return 0;
}

/** The first node of an empty map, at once as high as `key` needs: grown to it, the map would keep empty nodes below. */
function plantRoot(map: IntMapPtr, nodes: SlabPtr, key: number): number {
  const node = allocRecord(nodes) as MapNodePtr;
  if (node === 0) return 0;
  let height = 1;
  while (key >= 1 << (height * FANOUT_BITS)) height++;
  IntMap.root.set(map, node);
  IntMap.height.set(map, height);
  return 1;
}

function growTaller(map: IntMapPtr, nodes: SlabPtr): number {
  const node = allocRecord(nodes) as MapNodePtr;
  if (node === 0) return 0;
  putChild(node, 0, IntMap.root.get(map));
  IntMap.root.set(map, node);
  IntMap.height.set(map, IntMap.height.get(map) + 1);
  return 1;
}

function putChild(node: MapNodePtr, digit: number, child: Address): void {
  MapNode.child.setAt(node, digit, child);
  MapNode.bitmap.set(node, MapNode.bitmap.get(node) | (1 << digit));
}

function dropChild(node: MapNodePtr, digit: number): void {
  MapNode.child.setAt(node, digit, 0);
  MapNode.bitmap.set(node, MapNode.bitmap.get(node) & ~(1 << digit));
}

/** Takes away roots that lead to their first child alone: what they had room for is gone. */
function lowerRoot(map: IntMapPtr, nodes: SlabPtr): void {
  for (;;) {
    const root = IntMap.root.get(map);
    if (IntMap.height.get(map) < 2 || MapNode.bitmap.get(root) !== 1) return;
    IntMap.root.set(map, MapNode.child.getAt(root, 0) as MapNodePtr);
    IntMap.height.set(map, IntMap.height.get(map) - 1);
    freeRecord(nodes, root);
  }
}

/** Frees the empty nodes on the way to `key`, deepest first; an empty map has no node at all. */
function prune(map: IntMapPtr, nodes: SlabPtr, key: number): void {
  for (;;) {
    let parent: MapNodePtr = NULL;
    let digit = 0;
    let node = IntMap.root.get(map);
    let height = IntMap.height.get(map) - 1;
    while (height > 0) {
      const at = (key >> (height * FANOUT_BITS)) & DIGIT;
      const child = MapNode.child.getAt(node, at) as MapNodePtr;
      if (child === 0) break;
      parent = node;
      digit = at;
      node = child;
      height--;
    }
    if (node === 0) return;
    if (MapNode.bitmap.get(node) !== 0) {
      lowerRoot(map, nodes);
      return;
    }
    if (parent === 0) {
      IntMap.root.set(map, NULL);
      IntMap.height.set(map, 0);
    } else {
      dropChild(parent, digit);
    }
    freeRecord(nodes, node);
  }
}
