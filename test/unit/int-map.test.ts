/**
 * Promises of the ordered map: it answers as a JavaScript Map with sorted keys would, it is as tall as its largest key
 * needs, an insertion that finds no node left changes nothing, and an empty map holds no node.
 */
import fc from 'fast-check';
import { beforeEach, describe, expect, test } from 'vitest';
import type { OrdinaryMachine } from './ordinary-machine.ts';
import { bootOrdinaryMachine, tiny } from './ordinary-machine.ts';
import type { IntMapPtr } from '../../src/shared-mem/int-map.ts';
import { IntMap, MapNode, mapCeiling, mapFind, mapInsert, mapRemove } from '../../src/shared-mem/int-map.ts';
import type { SlabPtr } from '../../src/shared-mem/slab.ts';
import { initSlab, Slab } from '../../src/shared-mem/slab.ts';

let machine: OrdinaryMachine;
let map: IntMapPtr;
let nodes: SlabPtr;

function freshMap(capacity: number): void {
  machine = bootOrdinaryMachine(tiny);
  map = machine.place(IntMap);
  nodes = machine.place(Slab);
  initSlab(nodes, 0, machine.placeWords(MapNode.size * capacity), MapNode.size, capacity);
}
beforeEach(() => freshMap(400));

const nodesInUse = () => Slab.live.peek(nodes);

/** What is stored under a key: anything but 0, different for every key. */
const valueFor = (key: number) => key * 2 + 1;

/** All keys, in the order in which the map gives them. */
function keysInOrder(): number[] {
  const keys: number[] = [];
  for (let value = mapCeiling(map, 0); value !== 0; value = mapCeiling(map, keys.at(-1)! + 1)) {
    keys.push((value - 1) / 2);
  }
  return keys;
}

/** The fewest levels that have room for a key, 32 children each. */
const levelsFor = (key: number) => Math.max(1, Math.ceil(Math.log(key + 1) / Math.log(32) - 1e-12));

/** Descriptors as they are: mostly small and dense, now and then far away, and every edge between two heights. */
const someKey = fc.oneof(
  { weight: 4, arbitrary: fc.nat(70) },
  { weight: 2, arbitrary: fc.nat(3000) },
  { weight: 1, arbitrary: fc.nat((1 << 20) - 1) },
  { weight: 1, arbitrary: fc.constantFrom(0, 31, 32, 1023, 1024, 32_767, 32_768, (1 << 20) - 1, 1 << 20) },
);

describe('the map', () => {
  test('answers as a sorted JavaScript Map does, and ends without a node', () => {
    const step = fc.record({ kind: fc.constantFrom('insert', 'insert', 'remove', 'look'), key: someKey });
    fc.assert(
      fc.property(fc.array(step, { maxLength: 80 }), (steps) => {
        freshMap(400);
        const model = new Map<number, number>();
        for (const { kind, key } of steps) {
          if (kind === 'insert' && !model.has(key)) {
            expect(mapInsert(map, nodes, key, valueFor(key))).toBe(1);
            model.set(key, valueFor(key));
          } else if (kind === 'remove') {
            expect(mapRemove(map, nodes, key)).toBe(model.get(key) ?? 0);
            model.delete(key);
          }
          expect(mapFind(map, key)).toBe(model.get(key) ?? 0);
          expect(IntMap.count.get(map)).toBe(model.size);
          const next = [...model.keys()].filter((other) => other >= key).sort((a, b) => a - b)[0];
          expect(mapCeiling(map, key)).toBe(next === undefined ? 0 : valueFor(next));
        }
        const sorted = [...model.keys()].sort((a, b) => a - b);
        expect(keysInOrder()).toEqual(sorted);
        expect(IntMap.height.get(map)).toBe(sorted.length === 0 ? 0 : levelsFor(sorted.at(-1)!));
        for (const key of sorted) expect(mapRemove(map, nodes, key)).toBe(valueFor(key));
        expect([nodesInUse(), IntMap.root.get(map), IntMap.height.get(map)]).toEqual([0, 0, 0]);
      }),
      { numRuns: 150 },
    );
  });

  test.each([0, 31, 32, 40, 1023, 1024, 5000, 1 << 20, 2 ** 30 - 1])(
    'with the one key %i uses a node a level, and none after',
    (key) => {
      expect(mapInsert(map, nodes, key, valueFor(key))).toBe(1);
      expect(nodesInUse()).toBe(levelsFor(key));
      expect([mapCeiling(map, 0), mapCeiling(map, key), mapCeiling(map, key + 1)]).toEqual([
        valueFor(key),
        valueFor(key),
        0,
      ]);
      expect(mapRemove(map, nodes, key)).toBe(valueFor(key));
      expect(nodesInUse()).toBe(0);
    },
  );

  test('that is empty has nothing to find or remove', () => {
    expect([mapFind(map, 0), mapCeiling(map, 0), mapRemove(map, nodes, 0)]).toEqual([0, 0, 0]);
  });

  test('finds the next key across nodes that other keys have left', () => {
    for (const key of [3, 40, 2000, 40_000]) mapInsert(map, nodes, key, valueFor(key));
    mapRemove(map, nodes, 40);
    mapRemove(map, nodes, 2000);
    expect(mapCeiling(map, 4)).toBe(valueFor(40_000));
  });
});

describe('an insertion for which no node is left', () => {
  test('changes nothing, whatever was there before', () => {
    const keys = fc.array(someKey, { minLength: 1, maxLength: 30 });
    fc.assert(
      fc.property(fc.nat(8), keys, (capacity, list) => {
        freshMap(capacity);
        const model = new Set<number>();
        for (const key of list) {
          if (model.has(key)) continue;
          const before = [nodesInUse(), IntMap.height.get(map), keysInOrder()];
          if (mapInsert(map, nodes, key, valueFor(key)) === 1) {
            model.add(key);
          } else {
            expect([nodesInUse(), IntMap.height.get(map), keysInOrder()]).toEqual(before);
            expect(mapFind(map, key)).toBe(0);
          }
          expect(keysInOrder()).toEqual([...model].sort((a, b) => a - b));
        }
        for (const key of model) mapRemove(map, nodes, key);
        expect(nodesInUse()).toBe(0);
      }),
      { numRuns: 200 },
    );
  });
});
