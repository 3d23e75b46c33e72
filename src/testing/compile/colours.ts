/**
 * Which functions reach Atomics, and so become generators: those with an operation of their own, those that call one which
 * does, and those that are given one to call. What cannot be compiled is refused here, by file and line.
 */
import type { Node } from '../../stepped/ast.ts';
import { bare, nameOf, nodeOf, nodesOf, walk } from '../../stepped/ast.ts';
import { isField, POINT_OPERATIONS } from '../../stepped/colours.ts';
import type { Code, Functions } from './functions.ts';
import type { Module } from './modules.ts';
import { atomicsOperation, CompileError, functionAround, keyName, lineAt } from './modules.ts';

export interface Call {
  readonly module: Module;
  readonly node: Node;
  /** the function that it stands in, or undefined outside of all */
  readonly within: Code | undefined;
  /** the functions of the modules that it may call */
  readonly targets: readonly Code[];
  /** the name that is called, where it is a bare one that means none of the modules' functions */
  readonly unknown: string;
}

/** An operation on shared memory of its own: of Atomics, or of a door's field. */
export function isOperation(call: Node, records: ReadonlySet<string>): boolean {
  const operation = atomicsOperation(bare(nodeOf(call, 'callee')!));
  if (operation !== '') return !HARMLESS.has(operation);
  const name = fieldOperation(call, records);
  return POINT_OPERATIONS.has(name) || name === 'wait' || name === 'spin';
}
/** `Ring.head.load(r)`, of a record that the modules declare: the operation's name. */
export function fieldOperation(call: Node, records: ReadonlySet<string>): string {
  const callee = bare(nodeOf(call, 'callee')!);
  if (callee.type !== 'MemberExpression' || callee['computed'] === true) return '';
  const object = bare(nodeOf(callee, 'object')!);
  let root = object;
  while (root.type === 'MemberExpression') root = nodeOf(root, 'object')!;
  return records.has(nameOf(root)) && isField(object) ? nameOf(nodeOf(callee, 'property')) : '';
}
const HARMLESS: ReadonlySet<string> = new Set(['isLockFree', 'pause']);

export class Colours {
  readonly calls = new Map<Node, Call>();
  readonly #functions: Functions;
  /** A function that reaches Atomics is handed around as a value: then any unknown name may mean it. */
  #loose = false;
  /** Names of members that such a function was put into by its name: `{ run: push }`, `ring.run = push`. */
  readonly #aliases = new Set<string>();

  constructor(modules: ReadonlyMap<string, Module>, functions: Functions) {
    this.#functions = functions;
    for (const module of modules.values()) this.#collect(module);
    for (let changed = true; changed; ) {
      changed = false;
      for (const call of this.calls.values()) if (this.#spread(call)) changed = true;
      for (const code of functions.all) {
        if (code.why !== '' && code.escapes && !this.#loose) changed = this.#loose = true;
      }
      for (const module of modules.values()) if (this.#findValues(module)) changed = true;
    }
    for (const code of functions.all) if (code.why !== '') refuse(code);
    for (const call of this.calls.values()) this.#refuseCall(call);
  }

  /** May what is called be a generator? */
  reaches({ targets, unknown, within, node }: Call): boolean {
    if (targets.some(({ why }) => why !== '')) return true;
    if (within === undefined || targets.length > 0) return false;
    if (unknown !== '' && this.#isClosure(within, unknown)) return true;
    const callee = bare(nodeOf(node, 'callee')!);
    if (callee.type === 'MemberExpression' && this.#aliases.has(keyName(nodeOf(callee, 'property')))) return true;
    return this.#loose && (unknown !== '' ? !(unknown in globalThis) : callee['computed'] === true);
  }

  #collect(module: Module): void {
    walk(module.program, (node) => {
      if (nameOf(node) === 'Atomics') this.#checkUse(module, node);
      if (node.type !== 'CallExpression' && node.type !== 'NewExpression') return undefined;
      const around = functionAround(module, node);
      const within = around === undefined ? undefined : this.#functions.of(around);
      if (node.type === 'CallExpression' && isOperation(node, this.#functions.records)) {
        if (within !== undefined && within.why === '') {
          const text = module.source.slice(node.start, nodeOf(node, 'callee')!.end);
          within.why = `${text} in line ${lineAt(module.source, node.start)}`;
        }
        return undefined;
      }
      const callee = bare(nodeOf(node, 'callee')!);
      this.calls.set(node, { module, node, within, ...this.#meaning(module, node, callee) });
      return undefined;
    });
  }

  /** Atomics is used as `Atomics.operation(...)` alone: anything else would hide which one. */
  #checkUse(module: Module, node: Node): void {
    const parent = module.parents.get(node)!;
    if (parent.type === 'UnaryExpression' || parent.type === 'TSTypeQuery' || parent.type === 'TSQualifiedName') return;
    if (parent.type === 'MemberExpression' && nodeOf(parent, 'property') === node && parent['computed'] !== true)
      return;
    const call = module.parents.get(parent);
    const operation = atomicsOperation(parent);
    if (operation === 'waitAsync')
      throw new CompileError(module, node.start, 'Atomics.waitAsync cannot be explored: use Atomics.wait');
    if (operation !== '' && call?.type === 'CallExpression' && nodeOf(call, 'callee') === parent) return;
    throw new CompileError(module, node.start, 'Atomics can be explored as Atomics.operation(view, index, ...) only');
  }

  #meaning(module: Module, node: Node, callee: Node): { targets: readonly Code[]; unknown: string } {
    if (callee.type === 'Identifier') {
      const name = nameOf(callee);
      const targets = node.type === 'NewExpression' ? [] : this.#functions.named(module, name);
      return { targets, unknown: targets.length === 0 && node.type !== 'NewExpression' ? name : '' };
    }
    const own = this.#functions.of(callee);
    if (own !== undefined) return { targets: [own], unknown: '' };
    if (callee.type !== 'MemberExpression' || callee['computed'] === true) return { targets: [], unknown: '' };
    const name = keyName(nodeOf(callee, 'property'));
    // push.call(ring, 1)
    if (name === 'call' || name === 'apply') return this.#meaning(module, node, bare(nodeOf(callee, 'object')!));
    const space = this.#functions.ofNamespace(module, nameOf(bare(nodeOf(callee, 'object')!)), name);
    return { targets: space.length > 0 ? space : this.#functions.members(name), unknown: '' };
  }

  /** @returns whether something is known now that was not */
  #spread(call: Call): boolean {
    let changed = false;
    if (call.within !== undefined && call.within.why === '' && this.reaches(call)) {
      const line = lineAt(call.module.source, call.node.start);
      const target = call.targets.find(({ why }) => why !== '');
      const called = target === undefined ? `${call.unknown}()` : `${target.title} (${place(target)})`;
      call.within.why = `the call of ${called} in line ${line}`;
      changed = true;
    }
    for (const [index, argument] of nodesOf(call.node, 'arguments').entries()) {
      if (!this.#isGenerator(call, argument)) continue;
      for (const target of call.targets) {
        if (target.closures.has(index)) continue;
        target.closures.add(index);
        changed = true;
      }
    }
    return changed;
  }

  /** Is the value a function that reaches Atomics? */
  #isGenerator({ module, within }: Call, value: Node): boolean {
    const node = bare(value);
    const code = this.#functions.of(node);
    if (code !== undefined) return code.why !== '';
    if (node.type !== 'Identifier') return false;
    const name = nameOf(node);
    if (within !== undefined && this.#isClosure(within, name)) return true;
    return this.#functions.named(module, name).some(({ why }) => why !== '');
  }

  /** Is the name a parameter, of this function or one around it, that functions are passed in which reach Atomics? */
  #isClosure(within: Code, name: string): boolean {
    for (let code: Code | undefined = within; code !== undefined; ) {
      const parameters = nodesOf(code.node, 'params');
      for (const index of code.closures) if (nameOf(parameters[index]) === name) return true;
      const around = functionAround(code.module, code.node);
      code = around === undefined ? undefined : this.#functions.of(around);
    }
    return false;
  }

  /** Looks for names of such functions that stand as values: `const f = push`, `{ run: push }`. */
  #findValues(module: Module): boolean {
    const before = this.#aliases.size;
    let loose = false;
    walk(module.program, (node, path) => {
      if (node.type.startsWith('TSType') || node.type.startsWith('TSInterface')) return false;
      const name = nameOf(node);
      if (name === '' || !this.#functions.named(module, name).some(({ why }) => why !== '')) return undefined;
      const parent = path.findLast((each) => bare(each) === each)!;
      if (parent.type === 'Property' && bare(nodeOf(parent, 'value')!) === node) {
        this.#aliases.add(keyName(nodeOf(parent, 'key')));
      } else if (parent.type === 'AssignmentExpression' && bare(nodeOf(parent, 'right')!) === node) {
        const left = bare(nodeOf(parent, 'left')!);
        if (left.type === 'MemberExpression') this.#aliases.add(keyName(nodeOf(left, 'property')));
        else loose = true;
      } else if (VALUES.has(parent.type)) loose ||= nodeOf(parent, 'id') !== node;
      return undefined;
    });
    const changed = this.#aliases.size > before || (loose && !this.#loose);
    this.#loose ||= loose;
    return changed;
  }

  #refuseCall(call: Call): void {
    const { module, node, within, targets } = call;
    const target = targets.find(({ why }) => why !== '');
    if (target !== undefined && within === undefined) {
      throw new CompileError(
        module,
        node.start,
        `${target.title} reaches Atomics (${target.why}), and is called while the module is loaded`,
      );
    }
    if (targets.length > 0) return;
    for (const argument of nodesOf(node, 'arguments')) {
      if (!this.#isGenerator(call, argument)) continue;
      const callee = nodeOf(node, 'callee')!;
      const to = module.source.slice(callee.start, callee.end).replace(/\s+/g, ' ');
      const given = node.type === 'NewExpression' ? `new ${to}` : `${to}()`;
      throw new CompileError(
        module,
        argument.start,
        `a function that reaches Atomics is given to ${given}, which is not compiled: write a loop, or call it yourself`,
      );
    }
  }
}

/** Where a function's name is handed on as a value. */
const VALUES: ReadonlySet<string> = new Set([
  'VariableDeclarator',
  'ReturnStatement',
  'ArrayExpression',
  'ConditionalExpression',
  'LogicalExpression',
  'ArrowFunctionExpression',
]);

function place({ module, node }: Code): string {
  return `${module.name}:${lineAt(module.source, node.start)}`;
}

const REFUSED: Readonly<Partial<Record<Code['role'], string>>> = {
  constructor: 'let a static function or a method do it, after `new`',
  getter: 'make it a method',
  setter: 'make it a method',
};

function refuse(code: Code): void {
  const { module, node, role, title, why } = code;
  const complain = (message: string): never => {
    throw new CompileError(module, node.start, message);
  };
  const cure = REFUSED[role];
  if (cure !== undefined)
    complain(`${role === 'constructor' ? title : `the ${role} ${title}`} reaches Atomics (${why}): ${cure}`);
  if (node['async'] === true)
    complain(
      `${title} is async and reaches Atomics (${why}): threads are explored from one Atomics.wait to the next, so make it synchronous`,
    );
  if (node['generator'] === true) complain(`${title} is a generator and reaches Atomics (${why}): make it a function`);
}
