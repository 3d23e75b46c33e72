/**
 * What the source may not contain, because its stepped variant would not mean the same. Each complaint names the place in
 * the source, gives the reason, and says what to write instead; what is not caught here fails in the proof of the emitted
 * tree (proof.ts), which knows no more than that the types do not fit.
 */
import { dirname, join } from 'node:path/posix';
import type { Complaint, Node, ParsedFile } from './ast.ts';
import { bare, isFunction, placeAt, nameOf, nodeOf, nodesOf, unexported, walk } from './ast.ts';
import type { Colours } from './colours.ts';
import { localNames, targetOf } from './colours.ts';
import type { Names } from './names.ts';
import { signatureOf } from './names.ts';

const ASK_CLOCK = 'ask kernel/time/clock.ts';
const ARM_TIMER = 'arm a timer (kernel/time/timers.ts)';
const ASK_HOST = 'have the host hand it over at boot';
/** Globals by which the world would enter past the doors, and what stands there for the kernel. */
const WORLD: ReadonlyMap<string, string> = new Map([
  ['Atomics', 'declare the field atomic()'],
  ['SharedArrayBuffer', 'plan a region (kernel/boot/plan.ts)'],
  ['Date', ASK_CLOCK],
  ['performance', ASK_CLOCK],
  ['process', ASK_HOST],
  ['setTimeout', ARM_TIMER],
  ['setInterval', ARM_TIMER],
  ['setImmediate', ARM_TIMER],
  ['queueMicrotask', ARM_TIMER],
  ['crypto', "draw from the machine's seed"],
  ['globalThis', 'keep it in shared memory'],
]);

/** Files that are such a door themselves; what they ask there is answered by a stepped door. */
export const CLOCK_DOOR = 'src/kernel/time/clock.ts';

const MUTABLE: ReadonlySet<string> = new Set(['Map', 'Set', 'WeakMap', 'WeakSet', 'Array']);

const EMPTY: ReadonlySet<string> = new Set();

/** Bans that hold in every compiled file, whatever its colours. */
export function checkFile(file: ParsedFile, complaints: Complaint[]): void {
  const complain = (node: Node, message: string): void => {
    complaints.push({ file: file.path, ...placeAt(file.source, node.start), message });
  };
  for (const statement of nodesOf(file.program, 'body')) {
    const { node } = unexported(statement);
    if (node.type === 'VariableDeclaration') checkModuleVariable(node, complain);
    if (node.type === 'TSDeclareFunction')
      complain(node, 'overloads hide which function is called: give each a name of its own');
  }
  const own = localNames(file.program);
  walk(file.program, (node, path) => {
    const parent = path.at(-1);
    if (node.type === 'TryStatement' && nodeOf(node, 'finalizer') !== undefined) {
      complain(node, 'finally would run when a stepped CPU is dropped half-way: do it before each return');
    } else if (node.type === 'TSAnyKeyword') {
      complain(node, 'any blinds the proof of the emitted tree: write the type, or unknown');
    } else if (node.type === 'TSAsExpression' && nodeOf(node, 'typeAnnotation')?.type === 'TSFunctionType') {
      complain(node, 'a cast to a function type blinds the proof of the emitted tree: give the constant its type');
    } else if (isFunction(node) && node['async'] === true) {
      complain(node, 'async code cannot be stepped: answer WAIT, and be called again');
    } else if (node.type === 'ImportExpression') {
      complain(node, 'a dynamic import is asynchronous, and hides which function is called: import it at the top');
    } else if (
      node.type === 'Identifier' &&
      parent !== undefined &&
      !own.has(nameOf(node)) &&
      isReference(node, parent)
    ) {
      if (file.path !== CLOCK_DOOR || nameOf(node) !== 'performance') checkWorld(node, parent, complain);
    } else if (
      node.type === 'CallExpression' &&
      bare(nodeOf(node, 'callee')!).type === 'MemberExpression' &&
      ['call', 'apply', 'bind'].includes(nameOf(nodeOf(bare(nodeOf(node, 'callee')!), 'property')))
    ) {
      complain(node, 'call, apply and bind hide which function is called: write the call');
    }
    return undefined;
  });
}

function checkModuleVariable(node: Node, complain: (node: Node, message: string) => void): void {
  if (node['kind'] !== 'const') {
    complain(node, 'mutable module state: two CPUs could disagree about it, so it belongs in shared memory');
    return;
  }
  for (const declarator of nodesOf(node, 'declarations')) {
    const init = nodeOf(declarator, 'init');
    if (init === undefined) continue;
    const value = bare(init);
    const type = nodeOf(nodeOf(nodeOf(declarator, 'id')!, 'typeAnnotation') ?? value, 'typeAnnotation');
    const constructed = value.type === 'NewExpression' ? nameOf(nodeOf(value, 'callee')) : '';
    const readonlyType =
      type?.type === 'TSTypeOperator' || nameOf(nodeOf(type ?? value, 'typeName')).startsWith('Readonly');
    if ((MUTABLE.has(constructed) || constructed.endsWith('Array')) && !readonlyType) {
      complain(
        declarator,
        `a mutable ${constructed} at module level: two CPUs could disagree about it, so type it Readonly, or keep it in shared memory`,
      );
    } else if (value.type === 'ArrayExpression' && init.type === 'ArrayExpression' && !readonlyType) {
      complain(
        declarator,
        'a module-level array without a readonly type: two CPUs could disagree about it, so write readonly T[]',
      );
    }
  }
}

function checkWorld(node: Node, parent: Node, complain: (node: Node, message: string) => void): void {
  const name = nameOf(node);
  const instead = WORLD.get(name);
  if (instead !== undefined)
    complain(node, `${name} outside its door: the stepped machine could not replay it, so ${instead}`);
  if (name === 'Math' && nameOf(nodeOf(parent, 'property')) === 'random') {
    complain(
      node,
      "Math.random outside its door: the stepped machine could not replay it, so draw from the machine's seed",
    );
  }
}

/** Is the identifier a value here, and not a property's name, a key or a type? */
function isReference(node: Node, parent: Node): boolean {
  if (parent.type === 'MemberExpression') return nodeOf(parent, 'object') === node || parent['computed'] === true;
  if (parent.type === 'Property') return nodeOf(parent, 'value') === node;
  return !parent.type.startsWith('TS') || bare(parent) === node || parent.type === 'TSTypeQuery';
}

/** Bans on what reaches the door. */
export function checkColoured(file: ParsedFile, names: Names, colours: Colours, complaints: Complaint[]): void {
  const complain = (node: Node, message: string): void => {
    complaints.push({ file: file.path, ...placeAt(file.source, node.start), message });
  };
  const meanings = names.meanings.get(file.path)!;
  const colouredName = (name: string): boolean => {
    const meaning = meanings.get(name);
    return meaning?.kind === 'function' && colours.coloured.has(meaning.key);
  };

  for (const statement of nodesOf(file.program, 'body')) {
    if (statement.type === 'ImportDeclaration') checkImport(statement);
    else if (statement.type === 'ExportAllDeclaration') checkNamespace(statement, statement);
    else checkStatement(unexported(statement).node);
  }
  for (const [slot, { file: declaredIn, node }] of names.slots) {
    if (declaredIn !== file || !colours.coloured.has(slot)) continue;
    const signature = signatureOf(node)!;
    if (node['optional'] === true) complain(node, `${slot} is optional: write an implementation that does nothing`);
    if (nodeOf(signature, 'typeParameters') !== undefined)
      complain(node, `${slot} is generic: write a member for each type`);
    checkSignature(slot, signature);
  }
  for (const { slot, file: givenIn, value } of names.implementations) {
    if (givenIn !== file || !colours.coloured.has(slot)) continue;
    if (meanings.get(nameOf(bare(value)))?.kind === 'function') continue;
    complain(value, `${slot} reaches the atomic door, so its implementation is a function named in the literal`);
  }

  /** `import *` and `export *` are for files of constants. */
  function checkNamespace(node: Node, statement: Node): void {
    const path = join(dirname(file.path), String(nodeOf(statement, 'source')!['value']));
    const reaching = [...names.functions.values()].find(
      (each) => each.file.path === path && colours.coloured.has(each.key),
    );
    if (reaching !== undefined) complain(node, `names decide: import ${reaching.name} by its name, not in a namespace`);
  }

  function checkImport(statement: Node): void {
    for (const specifier of nodesOf(statement, 'specifiers')) {
      if (specifier.type === 'ImportNamespaceSpecifier') checkNamespace(specifier, statement);
      const local = nameOf(nodeOf(specifier, 'local'));
      const imported = nameOf(nodeOf(specifier, 'imported'));
      if (imported !== local && colouredName(local))
        complain(specifier, `${imported} under another name: names decide, so import it as ${imported}`);
    }
  }

  function checkSignature(name: string, signature: Node): void {
    if (nodeOf(signature, 'returnType') === undefined) {
      complain(signature, `${name} reaches the atomic door and has no result type: state it`);
    } else if (nodeOf(nodeOf(signature, 'returnType')!, 'typeAnnotation')?.type === 'TSTypePredicate') {
      complain(
        signature,
        `${name} reaches the atomic door, so its result cannot be a type predicate: answer a boolean`,
      );
    }
    for (const parameter of nodesOf(signature, 'params')) {
      if (parameter.type === 'RestElement')
        complain(parameter, `${name} reaches the atomic door and has a rest parameter: name each`);
      else if (parameter.type === 'AssignmentPattern' || parameter['optional'] === true) {
        complain(
          parameter,
          `${name} reaches the atomic door and has a parameter that may be left out: pass it at every call`,
        );
      }
    }
  }

  /** Operations are called where they stand: what is taken out of a table, and called later, names cannot follow. */
  function checkTable(node: Node, path: readonly Node[]): void {
    const meaning = meanings.get(nameOf(node));
    if (meaning === undefined || meaning.kind === 'function' || !isReference(node, path.at(-1)!)) return;
    const reached = [...colours.coloured].find((slot) => slot.startsWith(`${meaning.interface}.`));
    if (reached === undefined) return;
    const outwards = path.toReversed().filter((each) => bare(each) === each && each.type !== 'ChainExpression');
    const depth = meaning.kind === 'table' ? 2 : 1;
    const member = outwards[depth - 1];
    if (outwards.slice(0, depth).every((each) => each.type === 'MemberExpression')) {
      const slot = names.slotOf(meaning.interface, nameOf(nodeOf(member!, 'property')));
      if (slot === undefined || !colours.coloured.has(slot)) return;
      const call = outwards[depth];
      if (call?.type === 'CallExpression' && bare(nodeOf(call, 'callee')!) === member) return;
    }
    const way = meaning.kind === 'table' ? `${nameOf(node)}[k]!.member(...)` : `${nameOf(node)}.member(...)`;
    complain(node, `${reached} reaches the atomic door: call what stands in ${nameOf(node)} as ${way}`);
  }

  function checkStatement(top: Node): void {
    const key = top.type === 'FunctionDeclaration' ? `${file.path}#${nameOf(nodeOf(top, 'id'))}` : '';
    const inColoured = colours.coloured.has(key);
    if (inColoured) {
      checkSignature(nameOf(nodeOf(top, 'id')), top);
      if (top['generator'] === true)
        complain(top, 'a generator cannot reach the atomic door, for its yields are traps: make it a plain function');
    }
    const locals = isFunction(top) ? localNames(top) : EMPTY;
    walk(top, (node, path) => {
      if (node.type === 'CallExpression' && colours.reaches(targetOf(node, file, names, locals))) {
        const closure = path.find((each) => each !== top && isFunction(each));
        if (closure !== undefined)
          complain(
            node,
            'a closure, constructor or accessor reaches the atomic door: make it a function of the module',
          );
        else if (top.type !== 'FunctionDeclaration')
          complain(
            node,
            'module level reaches the atomic door before there is a memory: do it at boot (kernel/boot/format.ts)',
          );
        if (node['optional'] === true || path.at(-1)?.type === 'ChainExpression') {
          complain(node, 'an optional call reaches the atomic door: look first, then call');
        }
        if (nodesOf(node, 'arguments').some((each) => each.type === 'SpreadElement')) {
          complain(node, 'a call with spread arguments reaches the atomic door: write each');
        }
        const attempt = path.find((each) => each.type === 'TryStatement');
        if (attempt !== undefined) complain(node, 'an exception would be control flow here: answer a negative errno');
      }
      const parent = path.at(-1);
      if (parent === undefined || node.type !== 'Identifier' || locals.has(nameOf(node))) return undefined;
      if (top.type === 'FunctionDeclaration') checkTable(node, path);
      if (!colouredName(nameOf(node)) || !isReference(node, parent)) return undefined;
      const called = parent.type === 'CallExpression' && nodeOf(parent, 'callee') === node;
      const declared = parent === top && isFunction(top);
      const slot = parent.type === 'Property' && names.implementations.some(({ value }) => value === node);
      const exported = parent.type === 'ExportSpecifier';
      if (!called && !declared && !slot && !exported) {
        complain(node, `${nameOf(node)} reaches the atomic door: call it, or put it into a typed operations literal`);
      }
      return undefined;
    });
  }
}
