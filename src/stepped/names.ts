/**
 * What the names of the source mean: functions, operations tables, and which calls go where.
 *
 * The convention makes names enough. A function's exported name is unique in the whole kernel; a table is a constant
 * whose type names an interface; a field of a record is reached as `Capital.field.operation(...)`.
 */
import type { Complaint, Node, ParsedFile } from './ast.ts';
import { bare, placeAt, nameOf, nodeOf, nodesOf, unexported } from './ast.ts';

/** A function of the source, under a key that is unique in the project. */
export interface FunctionRecord {
  readonly key: string;
  readonly name: string;
  readonly file: ParsedFile;
  readonly node: Node;
}

/** What a name at the top level of one file stands for. */
export type Meaning =
  | { readonly kind: 'function'; readonly key: string }
  /** a constant array or record of operations */
  | { readonly kind: 'table'; readonly interface: string }
  /** one operations literal */
  | { readonly kind: 'operations'; readonly interface: string };

/** A function put into a slot of an operations literal. */
export interface Implementation {
  readonly slot: string;
  readonly file: ParsedFile;
  readonly value: Node;
}

export interface Names {
  readonly functions: ReadonlyMap<string, FunctionRecord>;
  /** by file, then by local name */
  readonly meanings: ReadonlyMap<string, ReadonlyMap<string, Meaning>>;
  readonly implementations: readonly Implementation[];
  /** by slot: where the interface declares it */
  readonly slots: ReadonlyMap<string, { readonly file: ParsedFile; readonly node: Node }>;
  /** The slot of a member, which a base interface may declare. */
  slotOf(interfaceName: string, member: string): string | undefined;
}

export function collectNames(files: readonly ParsedFile[], complaints: Complaint[]): Names {
  const functions = new Map<string, FunctionRecord>();
  const exported = new Map<string, Meaning>();
  const exporter = new Map<string, string>();
  const meanings = new Map<string, Map<string, Meaning>>();
  const implementations: Implementation[] = [];
  const slots = new Map<string, { file: ParsedFile; node: Node }>();
  const bases = new Map<string, string[]>();

  for (const file of files) {
    for (const { node } of nodesOf(file.program, 'body').map(unexported)) {
      const name = nameOf(nodeOf(node, 'id'));
      const body = nodeOf(node, node.type === 'TSTypeAliasDeclaration' ? 'typeAnnotation' : 'body');
      if (body?.type !== 'TSInterfaceBody' && body?.type !== 'TSTypeLiteral') continue;
      for (const member of nodesOf(body, body.type === 'TSInterfaceBody' ? 'body' : 'members')) {
        if (signatureOf(member) !== undefined) slots.set(`${name}.${memberName(member)}`, { file, node: member });
      }
      bases.set(
        name,
        nodesOf(node, 'extends').map((base) => nameOf(nodeOf(base, 'expression'))),
      );
    }
  }
  const slotOf = (interfaceName: string, member: string): string | undefined => {
    const own = `${interfaceName}.${member}`;
    if (slots.has(own)) return own;
    for (const base of bases.get(interfaceName) ?? []) {
      const found = slotOf(base, member);
      if (found !== undefined) return found;
    }
    return undefined;
  };
  const isOperations = (name: string): boolean =>
    [...slots.keys()].some((slot) => slot.startsWith(`${name}.`)) || (bases.get(name) ?? []).some(isOperations);

  for (const file of files) {
    const local = new Map<string, Meaning>();
    meanings.set(file.path, local);
    for (const statement of nodesOf(file.program, 'body')) {
      const { node, exported: isExported } = unexported(statement);
      for (const [name, meaning] of declared(file, node)) {
        local.set(name, meaning);
        if (!isExported) continue;
        if (meaning.kind === 'function' && exporter.has(name)) {
          const message = `${name} is exported by ${exporter.get(name)} too: names decide, so a name is unique`;
          complaints.push({ file: file.path, ...placeAt(file.source, node.start), message });
        }
        exported.set(name, meaning);
        exporter.set(name, file.path);
      }
    }
  }
  for (const file of files) {
    const local = meanings.get(file.path)!;
    for (const statement of nodesOf(file.program, 'body')) {
      if (statement.type !== 'ImportDeclaration') continue;
      for (const specifier of nodesOf(statement, 'specifiers')) {
        const meaning = exported.get(nameOf(nodeOf(specifier, 'imported')));
        if (meaning !== undefined) local.set(nameOf(nodeOf(specifier, 'local')), meaning);
      }
    }
  }

  function declared(file: ParsedFile, node: Node): [string, Meaning][] {
    if (node.type === 'FunctionDeclaration') {
      const name = nameOf(nodeOf(node, 'id'));
      const key = `${file.path}#${name}`;
      functions.set(key, { key, name, file, node });
      return [[name, { kind: 'function', key }]];
    }
    if (node.type !== 'VariableDeclaration') return [];
    const found: [string, Meaning][] = [];
    for (const declarator of nodesOf(node, 'declarations')) {
      const id = nodeOf(declarator, 'id')!;
      const type = nodeOf(nodeOf(id, 'typeAnnotation') ?? id, 'typeAnnotation');
      if (type === undefined) continue;
      const init = nodeOf(declarator, 'init');
      const single = referenceName(type);
      const element = elementName(type);
      if (single !== '' && isOperations(single)) {
        found.push([nameOf(id), { kind: 'operations', interface: single }]);
        if (init !== undefined) collectLiteral(file, single, bare(init));
      } else if (element !== '' && isOperations(element)) {
        found.push([nameOf(id), { kind: 'table', interface: element }]);
        for (const each of init === undefined ? [] : elementsOf(bare(init))) collectLiteral(file, element, bare(each));
      }
    }
    return found;
  }

  function collectLiteral(file: ParsedFile, interfaceName: string, literal: Node): void {
    if (literal.type !== 'ObjectExpression') return;
    for (const property of nodesOf(literal, 'properties')) {
      const slot = property.type === 'Property' ? slotOf(interfaceName, memberName(property)) : undefined;
      const value = nodeOf(property, 'value');
      if (slot !== undefined && value !== undefined) implementations.push({ slot, file, value });
    }
  }

  return { functions, meanings, implementations, slots, slotOf };
}

export function memberName(member: Node): string {
  const key = nodeOf(member, 'key');
  return key?.type === 'Literal' ? String(key['value']) : nameOf(key);
}

/** The node that carries `params` and `returnType` of a member that is a function: method or property. */
export function signatureOf(member: Node): Node | undefined {
  if (member.type === 'TSMethodSignature') return member;
  if (member.type !== 'TSPropertySignature') return undefined;
  const type = nodeOf(nodeOf(member, 'typeAnnotation') ?? member, 'typeAnnotation');
  const inner = type?.type === 'TSParenthesizedType' ? nodeOf(type, 'typeAnnotation') : type;
  return inner?.type === 'TSFunctionType' ? inner : undefined;
}

function referenceName(type: Node): string {
  return type.type === 'TSTypeReference' && !nodeOf(type, 'typeArguments') ? nameOf(nodeOf(type, 'typeName')) : '';
}

/** `readonly X[]`, `ReadonlyArray<X>`, `Readonly<Record<K, X>>`, each also of `X | undefined`: X. */
function elementName(type: Node): string {
  if (type.type === 'TSTypeOperator' || type.type === 'TSParenthesizedType') {
    return elementName(nodeOf(type, 'typeAnnotation')!);
  }
  if (type.type === 'TSArrayType') return unionName(nodeOf(type, 'elementType')!);
  const last = nodesOf(nodeOf(type, 'typeArguments') ?? type, 'params').at(-1);
  if (type.type !== 'TSTypeReference' || last === undefined) return '';
  return nameOf(nodeOf(type, 'typeName')) === 'Readonly' ? elementName(last) : unionName(last);
}

function unionName(type: Node): string {
  if (type.type === 'TSParenthesizedType') return unionName(nodeOf(type, 'typeAnnotation')!);
  if (type.type !== 'TSUnionType') return referenceName(type);
  return (
    nodesOf(type, 'types')
      .map(referenceName)
      .find((name) => name !== '') ?? ''
  );
}

function elementsOf(literal: Node): Node[] {
  if (literal.type === 'ArrayExpression') return nodesOf(literal, 'elements');
  return nodesOf(literal, 'properties').flatMap((property) => nodeOf(property, 'value') ?? []);
}
