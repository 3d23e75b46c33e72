/**
 * Writes one file of the stepped variant: coloured functions become generators, and every operation of the door asks
 * first whether another CPU goes next.
 *
 *     const mine = Ticket.next.add(l, 1);        const mine = Ticket.next.add(l, 1, $point(3, Ticket.next.off + (l)) && (yield));
 *     acquire(l);                                yield* acquire(l, 1);
 *
 * The question is one more argument, so it is asked after the others are evaluated and before the operation. Nothing
 * adds or removes a line. Every coloured function takes a trailing marker, so a call that was left unconverted has the
 * wrong number of arguments, and the type checker finds it.
 */
import { basename } from 'node:path/posix';
import MagicString from 'magic-string';
import type { Node, ParsedFile } from './ast.ts';
import { bare, isFunction, nameOf, nodeOf, nodesOf, unexported, walk } from './ast.ts';
import { CLOCK_DOOR } from './bans.ts';
import type { Colours } from './colours.ts';
import { isField, localNames, POINT_OPERATIONS, targetOf } from './colours.ts';
import type { Names } from './names.ts';
import { signatureOf } from './names.ts';

export interface Emitted {
  readonly code: string;
  readonly map: string;
  readonly generators: number;
  readonly points: number;
  /** calls and operations converted */
  readonly conversions: number;
}

/** A call that is converted: its number in the file, and where it stands in the source. */
export interface Site {
  readonly conversion: number;
  readonly start: number;
  readonly end: number;
}

/** What to forget of a conversion, for the test of the check: all of it, or its `yield*` or `(yield)` alone. */
export type Omission = 'conversion' | 'yield';

/**
 * @param redirect the specifier to import from instead, or undefined to leave it alone
 * @param leaveOut asked about each conversion: a test proves with it that the check sees each that is not done
 */
export function emit(
  file: ParsedFile,
  names: Names,
  colours: Colours,
  doors: { readonly point: string; readonly clock: string },
  redirect: (specifier: string) => string | undefined,
  leaveOut: (site: Site) => Omission | undefined = nothing,
): Emitted {
  const out = new MagicString(file.source);
  let generators = 0;
  let points = 0;
  let conversions = 0;

  const text = (node: Node): string => file.source.slice(node.start, node.end);

  const wrapResult = (signature: Node): void => {
    const type = nodeOf(nodeOf(signature, 'returnType') ?? signature, 'typeAnnotation');
    if (type === undefined) return;
    out.appendLeft(type.start, 'Generator<void, ');
    out.appendLeft(type.end, ', 1>');
  };
  const addMarker = (signature: Node): void => {
    const last = nodesOf(signature, 'params').at(-1);
    if (last !== undefined) {
      out.appendLeft(last.end, ', $: 1');
      return;
    }
    const from =
      nodeOf(signature, 'typeParameters')?.end ?? nodeOf(signature, 'id')?.end ?? nodeOf(signature, 'key')?.end;
    out.appendLeft(file.source.indexOf('(', from ?? signature.start) + 1, '$: 1');
  };

  for (const statement of nodesOf(file.program, 'body')) {
    const source = nodeOf(statement, 'source');
    const to = source === undefined ? undefined : redirect(String(source['value']));
    if (source !== undefined && to !== undefined) out.overwrite(source.start, source.end, `'${to}'`);
    const { node } = unexported(statement);
    if (node.type !== 'FunctionDeclaration') continue;
    if (!colours.coloured.has(`${file.path}#${nameOf(nodeOf(node, 'id'))}`)) continue;
    out.appendLeft(node.start + 'function'.length, '*');
    addMarker(node);
    wrapResult(node);
    convertBody(node);
    generators++;
  }
  for (const [slot, { file: declaredIn, node }] of names.slots) {
    if (declaredIn !== file || !colours.coloured.has(slot)) continue;
    const signature = signatureOf(node)!;
    addMarker(signature);
    wrapResult(signature);
  }
  if (points > 0) out.prepend(`import { $point } from '${doors.point}'; `);
  if (file.path === CLOCK_DOOR) {
    out.prepend(`import { $performance } from '${doors.clock}'; `);
    walk(file.program, (node) => {
      if (nameOf(node) === 'performance') out.overwrite(node.start, node.end, '$performance');
      return undefined;
    });
  }
  // What is emitted stands beside the source, for whoever reads the map.
  const map = out.generateMap({ source: basename(file.path), includeContent: true, hires: 'boundary' }).toString();
  return { code: out.toString(), map, generators, points, conversions };

  function convertBody(node: Node): void {
    const locals = localNames(node);
    const calls: { call: Node; statement: boolean }[] = [];
    walk(node, (each, path) => {
      if (each !== node && isFunction(each)) return false;
      if (each.type === 'CallExpression') {
        calls.push({ call: each, statement: path.at(-1)?.type === 'ExpressionStatement' });
      }
      return undefined;
    });
    let temporaries = 0;
    // Inner calls first: what belongs to the outer one is then put around what belongs to them.
    for (const { call, statement } of calls.reverse()) {
      const target = targetOf(call, file, names, locals);
      if (target === undefined || !colours.reaches(target)) continue;
      const omitted = leaveOut({ conversion: conversions++, start: call.start, end: call.end });
      if (omitted === 'conversion') continue;
      const inputs = nodesOf(call, 'arguments');
      let extra = '1';
      if (target.kind === 'point') {
        points++;
        const address = addressOf(call, target.operation);
        const point = `$point(${POINT_OPERATIONS.get(target.operation)}, ${address})`;
        extra = omitted === 'yield' ? point : `${point} && (yield)`;
      } else if (omitted !== 'yield') {
        out.prependRight(call.start, statement ? 'yield* ' : '(yield* ');
        if (!statement) out.appendLeft(call.end, ')');
      }
      const last = inputs.at(-1);
      if (last !== undefined) out.appendLeft(last.end, `, ${extra}`);
      else out.appendLeft(call.end - 1, extra);
    }
    if (temporaries > 0) {
      const list = Array.from({ length: temporaries }, (_, i) => `$${i + 1}: number`).join(', ');
      out.appendLeft(nodeOf(node, 'body')!.start + 1, ` let ${list};`);
    }

    /** The word's index, evaluated a second time where that changes nothing, else by way of a temporary. */
    function addressOf(call: Node, operation: string): string {
      const field = text(nodeOf(bare(nodeOf(call, 'callee')!), 'object')!);
      const inputs = nodesOf(call, 'arguments');
      const parts = inputs.slice(0, operation.endsWith('At') ? 2 : 1).map((input) => {
        const others = inputs.some((other) => other !== input && assigns(other));
        if (isSimple(input) && !others) return `(${text(input)})`;
        const name = `$${++temporaries}`;
        out.prependRight(input.start, `${name} = `);
        return name;
      });
      return [`${field}.off`, ...parts].join(' + ');
    }
  }
}

/** May it be evaluated twice? Names, literals, arithmetic and addresses of fields; nothing that reads memory. */
function isSimple(node: Node): boolean {
  const at = bare(node);
  if (at.type === 'Identifier' || at.type === 'Literal') return true;
  if (at.type === 'BinaryExpression') return isSimple(nodeOf(at, 'left')!) && isSimple(nodeOf(at, 'right')!);
  if (at.type === 'UnaryExpression') return isSimple(nodeOf(at, 'argument')!);
  if (at.type === 'MemberExpression') return at['computed'] !== true && isField(at);
  if (at.type !== 'CallExpression') return false;
  const callee = nodeOf(at, 'callee')!;
  const method = nameOf(nodeOf(callee, 'property'));
  return (
    callee.type === 'MemberExpression' &&
    (method === 'at' || method === 'outer') &&
    isField(nodeOf(callee, 'object')!) &&
    nodesOf(at, 'arguments').every(isSimple)
  );
}

function nothing(): undefined {
  return undefined;
}

function assigns(node: Node): boolean {
  let found = false;
  walk(node, (each) => {
    if (each.type === 'AssignmentExpression' || each.type === 'UpdateExpression') found = true;
    return !found;
  });
  return found;
}
