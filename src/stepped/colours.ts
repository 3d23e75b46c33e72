/**
 * Colours: which functions reach the atomic door, and so become generators.
 *
 * Colour flows from callee to caller, and from an implementation to its slot in an operations table; a coloured slot
 * colours every implementation, because all of them are called in one way.
 */
import type { Node, ParsedFile } from './ast.ts';
import { bare, isFunction, nameOf, nodeOf, nodesOf, walk } from './ast.ts';
import type { Meaning, Names } from './names.ts';

/** Operations of the atomic door (and the racy read of the plain door), each a point at which a CPU may change. */
export const POINT_OPERATIONS: ReadonlyMap<string, number> = new Map([
  ['load', 1],
  ['loadAt', 1],
  ['store', 2],
  ['storeAt', 2],
  ['add', 3],
  ['addAt', 3],
  ['sub', 3],
  ['subAt', 3],
  ['and', 3],
  ['andAt', 3],
  ['or', 3],
  ['orAt', 3],
  ['exchange', 3],
  ['exchangeAt', 3],
  ['compareExchange', 4],
  ['compareExchangeAt', 4],
  ['peek', 5],
  ['peekAt', 5],
  ['followAt', 5],
  ['notify', 6],
  ['poke', 8],
]);

/** Operations of the door that are generators themselves, because they may park the CPU. */
const PARKING_OPERATIONS: ReadonlySet<string> = new Set(['spin', 'spinAt', 'wait']);

/** Where a call goes, as far as the compile step cares. */
export type Target =
  | { readonly kind: 'point'; readonly operation: string }
  | { readonly kind: 'park' }
  | { readonly kind: 'function'; readonly key: string }
  | { readonly kind: 'slot'; readonly slot: string };

export interface Colours {
  /** keys of functions, and slots */
  readonly coloured: ReadonlySet<string>;
  /** Does the call reach the door? */
  reaches(target: Target | undefined): boolean;
}

/** @param shadowed names that mean something else at this place */
export function targetOf(
  call: Node,
  file: ParsedFile,
  names: Names,
  shadowed: ReadonlySet<string>,
): Target | undefined {
  const callee = bare(nodeOf(call, 'callee')!);
  const meaning = (name: string): Meaning | undefined =>
    shadowed.has(name) ? undefined : names.meanings.get(file.path)?.get(name);
  if (callee.type === 'Identifier') {
    const found = meaning(nameOf(callee));
    return found?.kind === 'function' ? found : undefined;
  }
  if (callee.type !== 'MemberExpression' || callee['computed'] === true) return undefined;
  const member = nameOf(nodeOf(callee, 'property'));
  const object = bare(nodeOf(callee, 'object')!);
  if (isField(object)) {
    if (POINT_OPERATIONS.has(member)) return { kind: 'point', operation: member };
    return PARKING_OPERATIONS.has(member) ? { kind: 'park' } : undefined;
  }
  // table[k].member(...), table.entry.member(...), operations.member(...)
  const holder = object.type === 'MemberExpression' ? bare(nodeOf(object, 'object')!) : object;
  const found = meaning(nameOf(holder));
  if (found === undefined || found.kind === 'function') return undefined;
  if ((found.kind === 'table') !== (object.type === 'MemberExpression')) return undefined;
  const slot = names.slotOf(found.interface, member);
  return slot === undefined ? undefined : { kind: 'slot', slot };
}

/** `Capital.field`, however deep. */
export function isField(node: Node): boolean {
  let at = node;
  let depth = 0;
  while (at.type === 'MemberExpression' && at['computed'] !== true) {
    at = nodeOf(at, 'object')!;
    depth++;
  }
  return depth > 0 && /^[A-Z]/.test(nameOf(at));
}

/** Every name that a function declares for itself: parameters and locals, at any depth. */
export function localNames(node: Node): ReadonlySet<string> {
  const found = new Set<string>();
  const pattern = (target: Node | undefined): void => {
    if (target === undefined) return;
    walk(target, (each) => {
      if (each.type === 'Identifier') found.add(nameOf(each));
      return each.type !== 'TSTypeAnnotation';
    });
  };
  walk(node, (each) => {
    if (isFunction(each)) for (const parameter of nodesOf(each, 'params')) pattern(parameter);
    if (each.type === 'VariableDeclarator') pattern(nodeOf(each, 'id'));
    if (each !== node && isFunction(each)) pattern(nodeOf(each, 'id'));
    return undefined;
  });
  return found;
}

export function colour(names: Names): Colours {
  const callers = new Map<string, string[]>();
  const edge = (callee: string, caller: string): void => {
    const list = callers.get(callee);
    if (list === undefined) callers.set(callee, [caller]);
    else list.push(caller);
  };
  const queue: string[] = [];
  for (const { key, file, node } of names.functions.values()) {
    const locals = localNames(node);
    walk(node, (each) => {
      if (each.type !== 'CallExpression') return undefined;
      const target = targetOf(each, file, names, locals);
      if (target?.kind === 'function') edge(target.key, key);
      else if (target?.kind === 'slot') edge(target.slot, key);
      else if (target !== undefined) queue.push(key);
      return undefined;
    });
  }
  for (const { slot, file, value } of names.implementations) {
    const meaning = names.meanings.get(file.path)?.get(nameOf(bare(value)));
    if (meaning?.kind !== 'function') continue;
    edge(meaning.key, slot);
    edge(slot, meaning.key);
  }
  const coloured = new Set<string>();
  for (let next = queue.pop(); next !== undefined; next = queue.pop()) {
    if (coloured.has(next)) continue;
    coloured.add(next);
    queue.push(...(callers.get(next) ?? []));
  }
  return {
    coloured,
    reaches: (target) =>
      target !== undefined &&
      (target.kind === 'point' ||
        target.kind === 'park' ||
        coloured.has(target.kind === 'function' ? target.key : target.slot)),
  };
}
