/**
 * A syntax tree as the compile step reads it: untyped nodes, and the few questions that every pass asks of them.
 *
 * The passes work by name and shape alone; whether they understood the source is proved afterwards by the type
 * checker, on what they emitted. So a node is a plain record here, and asking for what is not there is harmless.
 */
import { parseSync } from 'oxc-parser';

export interface Node {
  readonly type: string;
  readonly start: number;
  readonly end: number;
  readonly [key: string]: unknown;
}

/** What cannot be compiled, by its place in the original source. */
export interface Complaint {
  readonly file: string;
  readonly line: number;
  /** from 1, as editors count */
  readonly column: number;
  readonly message: string;
}

export interface ParsedFile {
  /** relative to the project, with forward slashes */
  readonly path: string;
  readonly source: string;
  readonly program: Node;
}

export function parse(path: string, source: string, complaints: Complaint[]): ParsedFile {
  const result = parseSync(path, source, { lang: 'ts', sourceType: 'module' });
  for (const error of result.errors) {
    const at = error.labels[0]?.start ?? 0;
    complaints.push({ file: path, ...placeAt(source, at), message: `syntax: ${error.message}` });
  }
  return { path, source, program: result.program as unknown as Node };
}

export function placeAt(source: string, offset: number): { readonly line: number; readonly column: number } {
  let line = 1;
  let start = 0;
  for (let i = source.indexOf('\n'); i !== -1 && i < offset; i = source.indexOf('\n', i + 1)) {
    line++;
    start = i + 1;
  }
  return { line, column: offset - start + 1 };
}

/** As compilers print it: `src/kernel/x.ts:12:3: why`. */
export function complaintText({ file, line, column, message }: Complaint): string {
  return `${file}:${line}:${column}: ${message}`;
}

export function isNode(value: unknown): value is Node {
  return typeof value === 'object' && value !== null && typeof (value as { type?: unknown }).type === 'string';
}

export function nodeOf(node: Node, key: string): Node | undefined {
  const value = node[key];
  return isNode(value) ? value : undefined;
}

export function nodesOf(node: Node, key: string): Node[] {
  const value = node[key];
  return Array.isArray(value) ? value.filter(isNode) : [];
}

/** The name of an identifier, else ''. */
export function nameOf(node: Node | undefined): string {
  return node?.type === 'Identifier' && typeof node['name'] === 'string' ? node['name'] : '';
}

export function childrenOf(node: Node): Node[] {
  const children: Node[] = [];
  for (const key in node) {
    const value = node[key];
    if (Array.isArray(value)) {
      for (const element of value) if (isNode(element)) children.push(element);
    } else if (isNode(value)) children.push(value);
  }
  return children;
}

/** Visits every node, parents before children; `path` holds the ancestors, outermost first. False skips the children. */
export function walk(node: Node, visit: (node: Node, path: readonly Node[]) => boolean | undefined): void {
  const path: Node[] = [];
  const step = (at: Node): void => {
    if (visit(at, path) === false) return;
    path.push(at);
    for (const child of childrenOf(at)) step(child);
    path.pop();
  };
  step(node);
}

export function isFunction(node: Node): boolean {
  return (
    node.type === 'FunctionDeclaration' ||
    node.type === 'FunctionExpression' ||
    node.type === 'ArrowFunctionExpression' ||
    node.type === 'TSDeclareFunction'
  );
}

/** What stands inside parentheses, `!` and `as`. */
export function bare(node: Node): Node {
  let at = node;
  while (
    at.type === 'ParenthesizedExpression' ||
    at.type === 'TSNonNullExpression' ||
    at.type === 'TSAsExpression' ||
    at.type === 'TSSatisfiesExpression'
  ) {
    at = nodeOf(at, 'expression')!;
  }
  return at;
}

/** A top-level statement without its `export`. */
export function unexported(statement: Node): { readonly node: Node; readonly exported: boolean } {
  if (statement.type !== 'ExportNamedDeclaration') return { node: statement, exported: false };
  return { node: nodeOf(statement, 'declaration') ?? statement, exported: true };
}
