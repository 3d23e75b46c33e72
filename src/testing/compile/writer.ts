/**
 * What every part of the emission writes with: the text, the temporaries of each function, and the places that the runtime
 * is told of.
 */
import type MagicString from 'magic-string';
import type { Node } from '../../stepped/ast.ts';
import { nodeOf } from '../../stepped/ast.ts';
import type { Code, Functions } from './functions.ts';
import type { Module } from './modules.ts';
import { CompileError, functionAround, lineAt } from './modules.ts';

export class Writer {
  readonly module: Module;
  readonly out: MagicString;
  readonly sites: string[] = [];
  /** How many temporaries each function has; those of the module itself under undefined. */
  readonly temporaries = new Map<Code | undefined, number>();
  readonly #functions: Functions;

  constructor(module: Module, functions: Functions, out: MagicString) {
    this.module = module;
    this.#functions = functions;
    this.out = out;
  }

  /** Puts an expression with `yield` around another one. It may follow a line without a semicolon: then it must not begin
   * with a parenthesis. */
  wrap(node: Node, before: string, after: string): void {
    const statement = this.#statementOf(node);
    const whole = statement !== undefined && nodeOf(statement, 'expression') === node;
    this.out.prependRight(node.start, `${whole ? '' : statement === undefined ? '(' : '0, ('}${before}`);
    this.out.appendLeft(node.end, `${after}${whole ? '' : ')'}`);
  }

  /** The statement that begins with the expression, if there is one. */
  #statementOf(node: Node): Node | undefined {
    let at: Node | undefined = node;
    while (at !== undefined && at.type !== 'ExpressionStatement') {
      const parent: Node | undefined = this.module.parents.get(at);
      if (parent === undefined || parent.start !== node.start) return undefined;
      at = parent;
    }
    return at;
  }

  /** The `[` of an element becomes a comma. */
  comma(element: Node): void {
    const from = nodeOf(element, 'object')!.end;
    const bracket = this.module.source.indexOf('[', from);
    this.replace(bracket, bracket + 1, ', ');
  }

  replace(start: number, end: number, text: string): void {
    if (text === '') this.out.remove(start, end);
    else this.out.update(start, end, text);
  }

  site(node: Node): string {
    const text = this.module.source.slice(node.start, node.end).replace(/\s+/g, ' ');
    return this.siteNamed(node, text);
  }
  siteNamed(node: Node, text: string): string {
    const { source } = this.module;
    const column = node.start - source.lastIndexOf('\n', node.start - 1);
    this.sites.push(`${lineAt(source, node.start)}:${column} ${text}`);
    return `$sites + ${this.sites.length - 1}`;
  }

  names(within: Code | undefined, count: number): string[] {
    const from = this.temporaries.get(within) ?? 0;
    this.temporaries.set(within, from + count);
    return Array.from({ length: count }, (_, i) => `$${within === undefined ? 'm' : ''}${from + i + 1}`);
  }

  within(node: Node): Code | undefined {
    const around = functionAround(this.module, node);
    return around === undefined ? undefined : this.#functions.of(around);
  }

  parent(node: Node): Node {
    return this.module.parents.get(node)!;
  }

  checkDefaults(node: Node, within: Code): void {
    const body = nodeOf(within.node, 'body')!;
    if (node.start >= body.start) return;
    throw new CompileError(
      this.module,
      node.start,
      `${within.title} reaches Atomics in a parameter's default: do it in the body`,
    );
  }
}

/** `view[i]`, and not `object['name']`. */
export function isElement(node: Node): boolean {
  if (node.type !== 'MemberExpression' || node['computed'] !== true || node['optional'] === true) return false;
  const property = nodeOf(node, 'property')!;
  return !(property.type === 'Literal' && typeof property['value'] === 'string');
}
