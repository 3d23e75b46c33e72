/**
 * The modules that an exploration is about: the one imported with `?explore`, and what it imports by relative path, parsed.
 * Packages are left as they are: what they do to shared memory is not seen.
 */
import { existsSync, readFileSync } from 'node:fs';
import { dirname, extname, join, relative } from 'node:path';
import { parseSync } from 'oxc-parser';
import type { Node } from '../../stepped/ast.ts';
import { isNode, nameOf, nodeOf, nodesOf } from '../../stepped/ast.ts';

export interface Module {
  /** absolute */
  readonly path: string;
  /** as messages name it */
  readonly name: string;
  readonly source: string;
  readonly program: Node;
  readonly parents: ReadonlyMap<Node, Node>;
  /** relative imports: from specifier to the module's path */
  readonly imports: ReadonlyMap<string, string>;
}

/** What cannot be explored, with the place in the user's source. */
export class CompileError extends Error {
  override readonly name = 'CompileError';
  constructor(module: { readonly name: string; readonly source: string }, offset: number, message: string) {
    super(`${module.name}:${lineAt(module.source, offset)}: ${message}`);
  }
}

/** The modules that can be reached from `entries` (absolute paths), by path. */
export function readModules(entries: Iterable<string>, root: string): Map<string, Module> {
  const modules = new Map<string, Module>();
  const queue = [...entries];
  for (let path = queue.pop(); path !== undefined; path = queue.pop()) {
    if (modules.has(path)) continue;
    const module = readModule(path, root);
    modules.set(path, module);
    queue.push(...module.imports.values());
  }
  return modules;
}

function readModule(path: string, root: string): Module {
  const source = readFileSync(path, 'utf8');
  const name = relative(root, path).replaceAll('\\', '/');
  const lang = /\.[cm]?tsx?$/.test(path) ? 'ts' : 'js';
  const { program, errors } = parseSync(path, source, { lang, sourceType: 'module' });
  const [error] = errors;
  if (error !== undefined) throw new CompileError({ name, source }, error.labels[0]?.start ?? 0, error.message);
  const parents = new Map<Node, Node>();
  const adopt = (node: Node): void => {
    for (const child of childNodes(node)) {
      parents.set(child, node);
      adopt(child);
    }
  };
  const top = program as unknown as Node;
  adopt(top);
  const imports = new Map<string, string>();
  for (const statement of nodesOf(top, 'body')) {
    const from = nodeOf(statement, 'source');
    if (from === undefined || statement['importKind'] === 'type' || statement['exportKind'] === 'type') continue;
    const specifier = String(from['value']);
    const target = specifier.startsWith('.') ? resolveRelative(path, specifier) : undefined;
    if (target !== undefined) imports.set(specifier, target);
  }
  return { path, name, source, program: top, parents, imports };
}

function childNodes(node: Node): Node[] {
  const children: Node[] = [];
  for (const value of Object.values(node)) {
    if (Array.isArray(value)) children.push(...value.filter(isNode));
    else if (isNode(value)) children.push(value);
  }
  return children;
}

const COMPILED = /\.[cm]?[jt]s$/;

/** The file that an import means, or undefined where it is none that is compiled (JSON, ...). */
export function resolveRelative(from: string, specifier: string): string | undefined {
  const wanted = join(dirname(from), specifier.replace(/\?.*$/, ''));
  const extension = extname(wanted);
  const inTypescript = wanted.replace(/\.([cm]?)js$/, '.$1ts');
  const candidates = COMPILED.test(extension)
    ? [wanted, inTypescript]
    : [`${wanted}.ts`, `${wanted}.js`, `${wanted}.mjs`];
  return candidates.find((candidate) => existsSync(candidate));
}

export function lineAt(source: string, offset: number): number {
  let line = 1;
  for (let i = source.indexOf('\n'); i !== -1 && i < offset; i = source.indexOf('\n', i + 1)) line++;
  return line;
}

/** Any function, also one that is a method. */
export function isCode(node: Node): boolean {
  return (
    node.type === 'FunctionDeclaration' || node.type === 'FunctionExpression' || node.type === 'ArrowFunctionExpression'
  );
}

/** The function that the node stands in directly, or undefined outside of all. */
export function functionAround(module: Module, node: Node): Node | undefined {
  let at = module.parents.get(node);
  while (at !== undefined && !isCode(at)) at = module.parents.get(at);
  return at;
}

/** A name or a private name: `push`, `#push`; '' for anything else. */
export function keyName(key: Node | undefined): string {
  if (key === undefined) return '';
  if (key.type === 'PrivateIdentifier') return `#${String(key['name'])}`;
  if (key.type === 'Literal' && typeof key['value'] === 'string') return key['value'];
  return nameOf(key);
}

/** `Atomics.load` and the like: the operation's name. */
export function atomicsOperation(node: Node): string {
  if (node.type !== 'MemberExpression' || nameOf(nodeOf(node, 'object')) !== 'Atomics') return '';
  return node['computed'] === true ? '' : nameOf(nodeOf(node, 'property'));
}
