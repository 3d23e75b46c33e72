/**
 * Promises of an intrusive list: it holds what a JavaScript array would, in the same order, seen from both ends; and a
 * node is in one list at a time.
 */
import fc from 'fast-check';
import { beforeEach, describe, expect, test } from 'vitest';
import type { OrdinaryMachine } from './ordinary-machine.ts';
import { bootOrdinaryMachine, tiny } from './ordinary-machine.ts';
import type { ListNodePtr, ListPtr } from '../../src/shared-mem/list.ts';
import {
  inList,
  List,
  listAppend,
  listInsertBefore,
  ListNode,
  listPrepend,
  listRemove,
  listTakeFirst,
} from '../../src/shared-mem/list.ts';
import { NULL } from '../../src/shared-mem/pointer.ts';

const NODES = 6;

let machine: OrdinaryMachine;
let list: ListPtr;
let nodes: ListNodePtr[];
beforeEach(freshList);

function freshList(): void {
  machine = bootOrdinaryMachine(tiny);
  list = machine.place(List);
  nodes = Array.from({ length: NODES }, () => machine.place(ListNode));
}

/** What the list holds from first to last, as positions in `nodes`; the way back and the count must agree. */
function contents(of: ListPtr): number[] {
  const forward: number[] = [];
  for (let n = List.first.get(of); n !== 0; n = ListNode.next.get(n)) forward.push(nodes.indexOf(n));
  const backward: number[] = [];
  for (let n = List.last.get(of); n !== 0; n = ListNode.prev.get(n)) backward.push(nodes.indexOf(n));
  expect(backward.reverse()).toEqual(forward);
  expect(List.count.get(of)).toBe(forward.length);
  return forward;
}

describe('a list', () => {
  test('is what an array is after any operations', () => {
    const node = fc.nat(NODES - 1);
    const step = fc.oneof(
      fc.record({ kind: fc.constantFrom('append' as const, 'prepend' as const, 'remove' as const), node }),
      fc.record({ kind: fc.constant('before' as const), node, next: fc.option(node) }),
      fc.record({ kind: fc.constant('first' as const), node }),
    );
    fc.assert(
      fc.property(fc.array(step, { maxLength: 60 }), (steps) => {
        freshList();
        const model: number[] = [];
        for (const s of steps) {
          const there = model.includes(s.node);
          const n = nodes[s.node]!;
          if (s.kind === 'first') {
            const taken = listTakeFirst(list);
            expect(taken === 0 ? undefined : nodes.indexOf(taken)).toBe(model.shift());
          } else if (s.kind === 'remove') {
            if (!there) continue;
            listRemove(list, n);
            model.splice(model.indexOf(s.node), 1);
          } else if (!there) {
            if (s.kind === 'before') {
              const at = s.next === null ? -1 : model.indexOf(s.next);
              listInsertBefore(list, at < 0 ? NULL : nodes[s.next!]!, n);
              model.splice(at < 0 ? model.length : at, 0, s.node);
            } else if (s.kind === 'append') {
              listAppend(list, n);
              model.push(s.node);
            } else {
              listPrepend(list, n);
              model.unshift(s.node);
            }
          }
          expect(contents(list)).toEqual(model);
          expect(nodes.map((each) => inList(each))).toEqual(nodes.map((_, i) => model.includes(i)));
        }
      }),
      { numRuns: 60 },
    );
  });

  test('takes nothing from nothing', () => {
    expect(listTakeFirst(list)).toBe(0);
    expect(contents(list)).toEqual([]);
  });
});

describe('a node', () => {
  test.each([
    ['append', () => listAppend(list, nodes[1]!)],
    ['prepend', () => listPrepend(list, nodes[1]!)],
    ['insertion before another', () => listInsertBefore(list, nodes[2]!, nodes[1]!)],
  ])('that is in a list is refused by %s', (_name, enter) => {
    for (const node of nodes.slice(0, 3)) listAppend(list, node);
    expect(enter).toThrow('a node can be in one list only');
    expect(contents(list)).toEqual([0, 1, 2]);
  });

  test('is removed only from the list that it is in', () => {
    const other = machine.place(List);
    listAppend(list, nodes[0]!);
    expect(() => listRemove(other, nodes[0]!)).toThrow('a list that it is not in');
    expect(() => listRemove(list, nodes[1]!)).toThrow('a list that it is not in');
    expect([contents(list), contents(other)]).toEqual([[0], []]);
  });

  test('may enter another list once it has left', () => {
    const other = machine.place(List);
    listAppend(list, nodes[0]!);
    listAppend(list, nodes[1]!);
    listRemove(list, nodes[0]!);
    listPrepend(other, nodes[0]!);
    expect([contents(list), contents(other)]).toEqual([[1], [0]]);
  });
});
