/**
 * Writes one module as it is explored: functions that reach Atomics are generators, operations on shared memory go through
 * the runtime (../runtime.ts) with the place that they stand at, and so do reads and writes of elements, `view[i]`.
 *
 *     Atomics.store(view, i, v)     $smp.store($1 = view, $2 = i, v, $smp.at(2, $1, $2, $sites + 0) && (yield, ...))
 *     push(ring, 1)                 $smp.is($1 = push(ring, 1)) ? yield* $1 : $1
 *     view[i] = v                   $smp.set(view, i, v, $sites + 1)
 *
 * The question whether another thread goes first is the last argument, so it is asked after the others are evaluated and
 * before the operation. Nothing adds or removes a line.
 */
import MagicString from 'magic-string';
import type { Node } from '../../stepped/ast.ts';
import { bare, childrenOf, nodeOf, nodesOf } from '../../stepped/ast.ts';
import type { Colours } from './colours.ts';
import { fieldOperation, isOperation } from './colours.ts';
import type { Code, Functions } from './functions.ts';
import { DOORS } from './functions.ts';
import type { Module } from './modules.ts';
import { atomicsOperation, CompileError } from './modules.ts';
import { assignment, checkOutside, doorOperation, operation, update } from './operations.ts';
import { isElement, Writer } from './writer.ts';

export interface Emitted {
  readonly code: string;
  readonly map: string;
}

export function emitModule(module: Module, functions: Functions, colours: Colours, runtime: string): Emitted {
  return new Emitter(module, functions, colours, runtime).emit();
}

class Emitter {
  readonly #module: Module;
  readonly #functions: Functions;
  readonly #colours: Colours;
  readonly #runtime: string;
  readonly #out: MagicString;
  readonly #writer: Writer;
  /** Functions whose arrow functions, now generators, know `this` by name. */
  readonly #named = new Set<Code>();

  constructor(module: Module, functions: Functions, colours: Colours, runtime: string) {
    this.#module = module;
    this.#functions = functions;
    this.#colours = colours;
    this.#runtime = runtime;
    this.#out = new MagicString(module.source);
    this.#writer = new Writer(module, functions, this.#out);
  }

  emit(): Emitted {
    const out = this.#out;
    this.#visit(this.#module.program);
    for (const code of this.#functions.all) {
      if (code.module !== this.#module) continue;
      if (code.why !== '') this.#toGenerator(code);
      else this.#declare(code);
    }
    const doors = this.#runtime.replace(/runtime(\.ts)?$/, 'doors$1');
    for (const statement of nodesOf(this.#module.program, 'body')) {
      const source = nodeOf(statement, 'source');
      if (source?.['value'] === DOORS) out.update(source.start, source.end, `'${doors}'`);
    }
    const { name, path } = this.#module;
    const own = this.#writer.temporaries.get(undefined) ?? 0;
    const sites = JSON.stringify(this.#writer.sites);
    out.prepend(
      `import * as $smp from '${this.#runtime}'; ${this.#functions.records.size === 0 ? '' : `import { atWord as $word } from '${doors}'; `}const $sites = $smp.sites(${JSON.stringify(name)}, ${sites}, ${JSON.stringify(path)}); ${listOf(own, 'm')}`,
    );
    const map = out.generateMap({ source: this.#module.path, includeContent: true, hires: 'boundary' }).toString();
    return { code: out.toString(), map };
  }

  /** Children first: what belongs to the outer expression is then put around what belongs to them. */
  #visit(node: Node): void {
    if (node.type.startsWith('TSType') || node.type.startsWith('TSInterface')) return;
    for (const child of childrenOf(node)) this.#visit(child);
    if (node.type === 'CallExpression') this.#call(node);
    else if (node.type === 'AssignmentExpression') assignment(this.#writer, node);
    else if (node.type === 'UpdateExpression') update(this.#writer, node);
    else if (isElement(node) && this.#isRead(node)) {
      this.#out.prependRight(node.start, '$smp.get(');
      this.#writer.comma(node);
      this.#writer.replace(node.end - 1, node.end, `, ${this.#writer.site(node)})`);
    } else if (node.type === 'ThisExpression') this.#this(node);
  }

  #call(node: Node): void {
    const within = this.#writer.within(node);
    if (isOperation(node, this.#functions.records)) {
      if (within === undefined) checkOutside(this.#writer, node);
      else if (atomicsOperation(bare(nodeOf(node, 'callee')!)) === '') doorOperation(this.#writer, node, within);
      else operation(this.#writer, node, within);
      return;
    }
    if (/^[gs]et(At)?$/.test(fieldOperation(node, this.#functions.records))) {
      const last = nodesOf(node, 'arguments').at(-1);
      if (last !== undefined) this.#out.appendLeft(last.end, `, ${this.#writer.site(node)}`);
      return;
    }
    const call = this.#colours.calls.get(node);
    if (call === undefined || within === undefined || !this.#colours.reaches(call)) return;
    this.#writer.checkDefaults(node, within);
    const [result] = this.#writer.names(within, 1);
    let outer = node;
    while (this.#writer.parent(outer).type === 'ChainExpression') outer = this.#writer.parent(outer);
    this.#writer.wrap(outer, `$smp.is(${result} = `, `) ? yield* ${result} : ${result}`);
  }

  #toGenerator(code: Code): void {
    const { node, role } = code;
    const out = this.#out;
    const body = nodeOf(node, 'body')!;
    const noted = this.#noteCall(code);
    if (node.type === 'ArrowFunctionExpression') {
      const parameters = nodesOf(node, 'params');
      const from = nodeOf(node, 'returnType')?.end ?? parameters.at(-1)?.end ?? node.start;
      const arrow = this.#module.source.indexOf('=>', from);
      const parenthesised = this.#module.source[nodeOf(node, 'typeParameters')?.end ?? node.start] === '(';
      out.prependRight(node.start, parenthesised ? 'function* ' : 'function* (');
      this.#writer.replace(arrow, arrow + 2, parenthesised ? '' : ')');
      if (body.type !== 'BlockStatement') {
        out.prependRight(body.start, `{ ${noted}${this.#opening(code)}return `);
        out.appendLeft(body.end, '; }');
        return;
      }
    } else if (role === 'method' && this.#isShort(node)) {
      const holder = this.#writer.parent(node);
      out.prependRight(nodeOf(holder, 'key')!.start - (holder['computed'] === true ? 1 : 0), '*');
    } else {
      const keyword = node.start + 'function'.length;
      out.appendLeft(keyword, '*');
    }
    out.appendLeft(body.start + 1, ` ${noted}${this.#opening(code)}`);
  }
  /**
   * A default is evaluated when a generator is called, and its body when it is run: who calls one and drops what it returns
   * is found out. @returns what the body begins with
   */
  #noteCall({ node, title }: Code): string {
    const last = nodesOf(node, 'params').at(-1);
    if (last?.type === 'RestElement') return '';
    const call = `$call = $smp.called(${this.#writer.siteNamed(node, title)})`;
    if (last === undefined) {
      const from = nodeOf(node, 'typeParameters')?.end ?? nodeOf(node, 'id')?.end ?? node.start;
      this.#out.appendLeft(this.#module.source.indexOf('(', from) + 1, call);
    } else this.#out.appendLeft(last.end, `, ${call}`);
    return '$smp.begun($call); ';
  }
  /** A method without the word function: `push(x) { ... }`. */
  #isShort(node: Node): boolean {
    const holder = this.#writer.parent(node);
    return holder.type === 'MethodDefinition' || holder['method'] === true;
  }
  #declare(code: Code): void {
    const opening = this.#opening(code);
    const body = nodeOf(code.node, 'body');
    if (opening !== '' && body?.type === 'BlockStatement') this.#out.appendLeft(body.start + 1, ` ${opening}`);
  }
  #opening(code: Code): string {
    return `${listOf(this.#writer.temporaries.get(code) ?? 0)}${this.#named.has(code) ? 'const $this = this; ' : ''}`;
  }

  /** `this` in an arrow function that becomes a generator is that of the function around it. */
  #this(node: Node): void {
    let code = this.#writer.within(node);
    let renamed = false;
    while (code !== undefined && code.node.type === 'ArrowFunctionExpression') {
      // A field of a class is called as a method is, so its `this` is the same one.
      if (code.role === 'field') return;
      renamed ||= code.why !== '';
      code = this.#writer.within(code.node);
    }
    if (!renamed) return;
    if (code === undefined || code.role === 'constructor') {
      throw new CompileError(
        this.#module,
        node.start,
        '`this` in an arrow function that reaches Atomics: make it a method',
      );
    }
    this.#named.add(code);
    this.#writer.replace(node.start, node.end, '$this');
  }

  #isRead(node: Node): boolean {
    let inner = node;
    let parent = this.#writer.parent(node);
    while (bare(parent) === node) {
      inner = parent;
      parent = this.#writer.parent(parent);
    }
    if (parent.type === 'CallExpression' || parent.type === 'NewExpression') return nodeOf(parent, 'callee') !== inner;
    if (parent.type === 'AssignmentExpression') return nodeOf(parent, 'left') !== inner;
    if (parent.type === 'TaggedTemplateExpression') return nodeOf(parent, 'tag') !== inner;
    if (parent.type === 'UnaryExpression') return parent['operator'] !== 'delete';
    if (parent.type === 'Property') return this.#writer.parent(parent).type !== 'ObjectPattern';
    return (
      !/^(UpdateExpression|ArrayPattern|AssignmentPattern|RestElement|For(In|Of)Statement)$/.test(parent.type) ||
      nodeOf(parent, 'right') === inner
    );
  }
}

function listOf(count: number, of = ''): string {
  return count === 0 ? '' : `let ${Array.from({ length: count }, (_, i) => `$${of}${i + 1}`).join(', ')}; `;
}
