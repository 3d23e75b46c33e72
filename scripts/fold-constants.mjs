// Turns the bundle's top-level `var` back into `const` wherever nothing assigns the name again.
//
// The bundler lowers every top-level `const` to `var`. V8 folds a constant of the module into optimised code, boot
// constants and field offsets among them, but reads a `var` from its slot each time: the kernel would pay for
// `checks` being switchable. Only scripts/build.mjs calls this. It keeps lines and the source map true.
import MagicString from 'magic-string';
import { parseSync, Visitor } from 'oxc-parser';

/** The names a top-level `var` declares once, with an initializer, and that no code of the bundle writes to. */
function foldable(program) {
  const written = new Set();
  const mark = (target) => {
    // A destructuring pattern may hide any name: collect every identifier in it.
    if (target.type === 'Identifier') written.add(target.name);
    else if (target.type === 'ArrayPattern') target.elements.forEach((each) => void (each && mark(each)));
    else if (target.type === 'ObjectPattern')
      target.properties.forEach((each) => void mark(each.value ?? each.argument));
    else if (target.type === 'AssignmentPattern') mark(target.left);
    else if (target.type === 'RestElement') mark(target.argument);
  };
  new Visitor({
    AssignmentExpression: (node) => mark(node.left),
    UpdateExpression: (node) => mark(node.argument),
    ForInStatement: (node) => mark(node.left),
    ForOfStatement: (node) => mark(node.left),
  }).visit(program);

  const seen = new Map();
  for (const statement of program.body) {
    if (statement.type !== 'VariableDeclaration') continue;
    for (const { id } of statement.declarations) seen.set(id.name, (seen.get(id.name) ?? 0) + 1);
  }
  return program.body.filter(
    (node) =>
      node.type === 'VariableDeclaration' &&
      node.kind === 'var' &&
      node.declarations.every(
        ({ id, init }) => id.type === 'Identifier' && init && seen.get(id.name) === 1 && !written.has(id.name),
      ),
  );
}

const DIGITS = 'ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/';

/** The first number of a source map segment (its column, relative to the segment before) and the text after it. */
function readColumn(segment) {
  let value = 0;
  let shift = 0;
  let at = 0;
  for (;;) {
    const digit = DIGITS.indexOf(segment[at++]);
    value |= (digit & 31) << shift;
    if (digit < 32) return { column: value >> 1, rest: segment.slice(at) };
    shift += 5;
  }
}

function writeColumn(column) {
  let value = column << 1; // columns of one line only grow, so the sign bit stays 0
  let text = '';
  do {
    const more = value > 31 ? 32 : 0;
    text += DIGITS[(value & 31) | more];
    value >>>= 5;
  } while (value > 0);
  return text;
}

/** Moves every mapping of `line` that lies behind `column` by `by` columns. */
function shiftLine(line, column, by) {
  let before = 0;
  let done = false;
  return line
    .split(',')
    .map((segment) => {
      if (segment === '' || done) return segment;
      const { column: delta, rest } = readColumn(segment);
      before += delta;
      if (before <= column) return segment;
      done = true;
      return writeColumn(delta + by) + rest;
    })
    .join(',');
}

/** The same bundle and map with constants for what never changes. `count` says how many declarations it found. */
export function foldConstants(fileName, code, mapText) {
  const { program, errors } = parseSync(fileName, code);
  if (errors.length > 0) throw new Error(`${fileName}: ${errors[0].message}`);
  const out = new MagicString(code);
  const map = JSON.parse(mapText);
  const lines = map.mappings.split(';');
  let line = 0;
  let lineStart = 0;
  let count = 0;
  for (const node of foldable(program)) {
    for (
      let next = code.indexOf('\n', lineStart);
      next !== -1 && next < node.start;
      next = code.indexOf('\n', lineStart)
    ) {
      line++;
      lineStart = next + 1;
    }
    out.overwrite(node.start, node.start + 'var'.length, 'const');
    lines[line] = shiftLine(lines[line] ?? '', node.start - lineStart, 'const'.length - 'var'.length);
    count++;
  }
  return { code: out.toString(), map: JSON.stringify({ ...map, mappings: lines.join(';') }), count };
}
