/**
 * The functions of the modules, by the names that calls know them by. Names alone decide: a method is called by its name
 * wherever its object came from, so every call of that name may be a call of that method; what it really calls is looked at
 * when it has been called.
 */
import type { Node } from '../../stepped/ast.ts';
import { bare, nameOf, nodeOf, nodesOf, unexported, walk } from '../../stepped/ast.ts';
import { isCode, keyName } from './modules.ts';
import type { Module } from './modules.ts';

/** Why it is not an ordinary function, where it is none. */
export type Role = 'function' | 'method' | 'constructor' | 'getter' | 'setter' | 'field';

export interface Code {
  readonly module: Module;
  readonly node: Node;
  readonly role: Role;
  /** as messages name it */
  readonly title: string;
  /** names in its module, and as a member of an object */
  readonly names: readonly string[];
  readonly member: string;
  /** The call or `new` that it is an argument of, if it is. */
  readonly argumentOf: Node | undefined;
  /** It is called where it stands. */
  readonly calledInPlace: boolean;
  /** It is a value that goes somewhere else: returned, put into an array, ... */
  readonly escapes: boolean;
  /** What makes it a generator, in words; '' if nothing does. */
  why: string;
  /** Parameters, by index, that functions are passed in which reach Atomics. */
  readonly closures: Set<number>;
}

/** What exports the doors: records with atomic and plain fields. */
export const DOORS = 'smplab/testing';

export class Functions {
  readonly all: Code[] = [];
  /** Names of the records that the modules declare. */
  readonly records: ReadonlySet<string>;
  readonly #modules: ReadonlyMap<string, Module>;
  readonly #byNode = new Map<Node, Code>();
  readonly #byName = new Map<string, Map<string, Code[]>>();
  readonly #byMember = new Map<string, Code[]>();

  constructor(modules: ReadonlyMap<string, Module>) {
    this.#modules = modules;
    this.records = new Set([...modules.values()].flatMap(recordsOf));
    for (const module of modules.values()) {
      const names = new Map<string, Code[]>();
      this.#byName.set(module.path, names);
      walk(module.program, (node) => {
        if (!isCode(node)) return undefined;
        const code = codeOf(module, node);
        this.all.push(code);
        this.#byNode.set(node, code);
        for (const name of code.names) push(names, name, code);
        if (code.member !== '' && code.role !== 'constructor') push(this.#byMember, code.member, code);
        return undefined;
      });
    }
  }

  of(node: Node): Code | undefined {
    return this.#byNode.get(node);
  }
  /** Functions that a bare name of a module may mean; none if it is none of the modules' functions. */
  named(module: Module, name: string): readonly Code[] {
    const own = this.#byName.get(module.path)?.get(name);
    if (own !== undefined) return own;
    for (const statement of nodesOf(module.program, 'body')) {
      if (statement.type !== 'ImportDeclaration') continue;
      const from = module.imports.get(String(nodeOf(statement, 'source')?.['value']));
      if (from === undefined) continue;
      for (const specifier of nodesOf(statement, 'specifiers')) {
        if (nameOf(nodeOf(specifier, 'local')) !== name) continue;
        const imported =
          specifier.type === 'ImportDefaultSpecifier' ? 'default' : keyName(nodeOf(specifier, 'imported'));
        return this.exported(from, imported, new Set());
      }
    }
    return [];
  }
  /** Functions that `.name` of some object may mean. */
  members(name: string): readonly Code[] {
    return this.#byMember.get(name) ?? [];
  }
  /** Functions that `name` of the namespace `holder` may mean, if it is one. */
  ofNamespace(module: Module, holder: string, name: string): readonly Code[] {
    for (const statement of nodesOf(module.program, 'body')) {
      if (statement.type !== 'ImportDeclaration') continue;
      const from = module.imports.get(String(nodeOf(statement, 'source')?.['value']));
      const whole = nodesOf(statement, 'specifiers').some(
        (each) => each.type === 'ImportNamespaceSpecifier' && nameOf(nodeOf(each, 'local')) === holder,
      );
      if (from !== undefined && whole) return this.exported(from, name, new Set());
    }
    return [];
  }

  exported(path: string, name: string, visited: Set<string>): readonly Code[] {
    const module = this.#modules.get(path);
    if (module === undefined || visited.has(path)) return [];
    visited.add(path);
    for (const statement of nodesOf(module.program, 'body')) {
      const from = module.imports.get(String(nodeOf(statement, 'source')?.['value']));
      if (statement.type === 'ExportNamedDeclaration') {
        for (const specifier of nodesOf(statement, 'specifiers')) {
          if (keyName(nodeOf(specifier, 'exported')) !== name) continue;
          const local = keyName(nodeOf(specifier, 'local'));
          return from === undefined ? this.named(module, local) : this.exported(from, local, visited);
        }
      }
      if (statement.type === 'ExportAllDeclaration' && from !== undefined) {
        const found = this.exported(from, name, visited);
        if (found.length > 0) return found;
      }
      if (statement.type === 'ExportDefaultDeclaration' && name === 'default') {
        const value = bare(nodeOf(statement, 'declaration')!);
        const code = this.of(value);
        return code === undefined ? this.named(module, nameOf(value)) : [code];
      }
    }
    return this.#byName.get(path)?.get(name) ?? [];
  }
}

/** `const Ring = struct('Ring', ...)` */
function recordsOf(module: Module): string[] {
  return nodesOf(module.program, 'body').flatMap((statement) =>
    nodesOf(unexported(statement).node, 'declarations').flatMap((declared) => {
      const value = nodeOf(declared, 'init');
      const call = value === undefined ? undefined : bare(value);
      const isRecord = call?.type === 'CallExpression' && nameOf(nodeOf(call, 'callee')) === 'struct';
      return isRecord ? [nameOf(nodeOf(declared, 'id'))] : [];
    }),
  );
}

function push(map: Map<string, Code[]>, name: string, code: Code): void {
  const list = map.get(name);
  if (list === undefined) map.set(name, [code]);
  else list.push(code);
}

/** By the parser's kind of a member. */
const ROLES: ReadonlyMap<unknown, Role> = new Map([
  ['constructor', 'constructor'],
  ['get', 'getter'],
  ['set', 'setter'],
]);

function codeOf(module: Module, node: Node): Code {
  // What stands between the function and the place that gives it a name: parentheses and types.
  let inner = node;
  let holder = module.parents.get(node)!;
  while (bare(holder) !== holder && bare(holder) === bare(inner)) {
    inner = holder;
    holder = module.parents.get(holder)!;
  }
  const own = nameOf(nodeOf(node, 'id'));
  const names: string[] = own === '' ? [] : [own];
  let member = '';
  let role = 'function' as Role;
  let [argumentOf, calledInPlace, escapes]: [Node | undefined, boolean, boolean] = [undefined, false, false];
  if (holder.type === 'VariableDeclarator') {
    const name = nameOf(nodeOf(holder, 'id'));
    if (name !== '') names.push(name);
  } else if (holder.type === 'MethodDefinition' || holder.type === 'Property') {
    member = keyName(nodeOf(holder, 'key'));
    role = ROLES.get(holder['kind']) ?? 'method';
  } else if (holder.type === 'PropertyDefinition') {
    member = keyName(nodeOf(holder, 'key'));
    role = 'field';
  } else if (holder.type === 'AssignmentExpression') {
    const left = bare(nodeOf(holder, 'left')!);
    if (left.type === 'MemberExpression') member = keyName(nodeOf(left, 'property'));
    else if (nameOf(left) !== '') names.push(nameOf(left));
  } else if (holder.type === 'CallExpression' || holder.type === 'NewExpression') {
    if (nodeOf(holder, 'callee') === inner) calledInPlace = true;
    else argumentOf = holder;
  } else if (node.type !== 'FunctionDeclaration' && unexported(holder).node === holder) {
    escapes = holder.type !== 'ExportDefaultDeclaration' && holder.type !== 'ExpressionStatement';
  }
  const name = member === '' ? (names.at(-1) ?? '') : member;
  const title = role === 'constructor' ? 'a constructor' : name === '' ? 'a function' : `${name}()`;
  const closures = new Set<number>();
  return { module, node, role, title, names, member, argumentOf, calledInPlace, escapes, why: '', closures };
}
