/**
 * Operations on shared memory, as the runtime is asked for them: of Atomics, of the doors' fields, and of elements.
 */
import type { Node } from '../../stepped/ast.ts';
import { bare, nameOf, nodeOf, nodesOf } from '../../stepped/ast.ts';
import { POINT_OPERATIONS } from '../../stepped/colours.ts';
import type { Code } from './functions.ts';
import { atomicsOperation, CompileError } from './modules.ts';
import type { Writer } from './writer.ts';
import { isElement } from './writer.ts';

/** Number of an operation (that of the stepped doors), and how many arguments it takes. */
const OPERATIONS: Readonly<Record<string, readonly [number, number]>> = {
  load: [1, 2],
  store: [2, 3],
  add: [3, 3],
  sub: [3, 3],
  and: [3, 3],
  or: [3, 3],
  xor: [3, 3],
  exchange: [3, 3],
  compareExchange: [4, 4],
  notify: [6, 3],
};

const AGAIN = '(yield, $smp.again() && (yield))';

export function operation(writer: Writer, node: Node, within: Code): void {
  const callee = nodeOf(node, 'callee')!;
  const operation = atomicsOperation(bare(callee));
  const inputs = nodesOf(node, 'arguments');
  writer.checkDefaults(node, within);
  if (inputs.some(({ type }) => type === 'SpreadElement') || inputs.length < 2) {
    throw new CompileError(
      writer.module,
      node.start,
      `Atomics.${operation}: its arguments must stand there one by one`,
    );
  }
  writer.replace(callee.start, callee.end, `$smp.${operation}`);
  const last = inputs.at(-1)!;
  if (operation === 'wait') {
    const timeout = inputs.length < 4 ? ', Infinity' : '';
    writer.out.appendLeft(last.end, `${timeout}, ${writer.site(node)}`);
    writer.wrap(node, 'yield* ', '');
    return;
  }
  const known = OPERATIONS[operation];
  if (known === undefined) throw new CompileError(writer.module, node.start, `Atomics.${operation} is not known here`);
  const [number, arity] = known;
  const [view, index] = writer.names(within, 2);
  writer.out.prependRight(inputs[0]!.start, `${view} = `);
  writer.out.prependRight(inputs[1]!.start, `${index} = `);
  const missing = ', undefined'.repeat(Math.max(0, arity - inputs.length));
  const point = `$smp.at(${number}, ${view}, ${index}, ${writer.site(node)}) && ${AGAIN}`;
  writer.out.appendLeft(last.end, `${missing}, ${point}`);
}

/** An operation of a field of the doors: `Ring.head.load(r)`. */
export function doorOperation(writer: Writer, node: Node, within: Code): void {
  const callee = bare(nodeOf(node, 'callee')!);
  const operation = nameOf(nodeOf(callee, 'property'));
  const inputs = nodesOf(node, 'arguments');
  writer.checkDefaults(node, within);
  const last = inputs.at(-1);
  if (last === undefined) throw new CompileError(writer.module, node.start, `${operation}: of which record?`);
  if (operation === 'wait' || operation === 'spin') {
    writer.out.appendLeft(last.end, `, ${writer.site(node)}`);
    writer.wrap(node, 'yield* ', '');
    return;
  }
  const field = writer.module.source.slice(callee.start, nodeOf(callee, 'object')!.end);
  const [pointer, index] = writer.names(within, 2);
  writer.out.prependRight(inputs[0]!.start, `${pointer} = `);
  const array = operation.endsWith('At');
  if (array) writer.out.prependRight(inputs[1]!.start, `${index} = `);
  const address = `${field}.off + ${pointer}${array ? ` + ${index}` : ''}`;
  const number = POINT_OPERATIONS.get(operation);
  writer.out.appendLeft(last.end, `, $word(${number}, ${address}, ${writer.site(node)}) && ${AGAIN}`);
}

export function assignment(writer: Writer, node: Node): void {
  const left = bare(nodeOf(node, 'left')!);
  if (!isElement(left)) return;
  const right = nodeOf(node, 'right')!;
  const operator = String(node['operator']);
  const property = nodeOf(left, 'property')!;
  const rest = writer.module.source.slice(property.end, right.start);
  const lines = rest.replace(/[^\n]/g, '');
  const site = writer.site(node);
  writer.comma(left);
  if (operator === '=') writer.replace(property.end, right.start, `, ${lines}`);
  else if (/^(&&|\|\||\?\?)=$/.test(operator)) {
    throw new CompileError(writer.module, node.start, `${operator} on an element cannot be explored: write it out`);
  } else {
    const [view, index] = writer.names(writer.within(node), 2);
    writer.out.prependRight(nodeOf(left, 'object')!.start, `${view} = `);
    writer.out.prependRight(property.start, `${index} = `);
    writer.replace(
      property.end,
      right.start,
      `, $smp.get(${view}, ${index}, ${site}) ${operator.slice(0, -1)} (${lines}`,
    );
    writer.out.appendLeft(node.end, ')');
  }
  writer.out.prependRight(node.start, '$smp.set(');
  writer.out.appendLeft(node.end, `, ${site})`);
}

export function update(writer: Writer, node: Node): void {
  const target = nodeOf(node, 'argument')!;
  if (!isElement(bare(target))) return;
  const by = node['operator'] === '++' ? 1 : -1;
  const prefix = node['prefix'] === true;
  if (prefix) writer.replace(node.start, target.start, '');
  writer.out.prependRight(target.start, '$smp.bump(');
  writer.comma(bare(target));
  writer.replace(bare(target).end - 1, node.end, `, ${by}, ${prefix}, ${writer.site(node)})`);
}

export function checkOutside(writer: Writer, node: Node): void {
  for (let at = writer.parent(node); at.type !== 'Program'; at = writer.parent(at)) {
    if (at.type !== 'PropertyDefinition' && at.type !== 'StaticBlock') continue;
    throw new CompileError(
      writer.module,
      node.start,
      'a field reaches Atomics while the object is made: let a method do it',
    );
  }
}
