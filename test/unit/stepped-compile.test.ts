/**
 * Promises of the compile step: each construct of kernel code becomes its stepped counterpart, on the same line,
 * with the order of evaluation kept; and what cannot be compiled is refused by file and line.
 */
import { describe, expect, it } from 'vitest';
import { complaintText } from '../../src/stepped/ast.ts';
import { applyMutations, compileStepped } from '../../src/stepped/compile.ts';

const PATH = 'src/kernel/sample.ts';

function compiled(source: string, others: Readonly<Record<string, string>> = {}) {
  return compileStepped(new Map(Object.entries({ [PATH]: source, ...others })));
}

/** The emitted code without its import of the point. */
function code(source: string, others: Readonly<Record<string, string>> = {}): string {
  const result = compiled(source, others);
  expect(result.complaints).toEqual([]);
  return result.files.get(PATH)!.code.replace(/^import \{ \$point \} from '\.\.\/stepped\/doors\/atomic\.ts'; /, '');
}

function complaints(source: string, others: Readonly<Record<string, string>> = {}): string[] {
  return compiled(source, others).complaints.map(complaintText);
}

const reaching = 'export function reach(p: number): number { return Word.value.load(p); }\n';
const reachingOut =
  'export function* reach(p: number, $: 1): Generator<void, number, 1> ' +
  '{ return Word.value.load(p, $point(1, Word.value.off + (p)) && (yield)); }\n';

/** What a statement in a function beside `reach` becomes. */
function statement(text: string, parameters = 'p: number'): string {
  const out = code(`${reaching}export function f(${parameters}): void { ${text} }\n`);
  const [first, second] = out.split('\n');
  expect(`${first}\n`).toBe(reachingOut);
  return second!.replace(/^export function\* f\(.*\): Generator<void, void, 1> \{ (.*) \}$/, '$1');
}

describe('a function that reaches the door', () => {
  it('becomes a generator with a marker and a result of its own', () => {
    expect(code(reaching)).toBe(reachingOut);
    expect(code('function f(): void { Word.value.store(1, 2); }')).toBe(
      'function* f($: 1): Generator<void, void, 1> { Word.value.store(1, 2, $point(2, Word.value.off + (1)) && (yield)); }',
    );
  });

  it('colours its callers, across files, and nobody else', () => {
    const out = compiled(
      "import { g } from './other.ts';\nfunction f(): void { g(); }\nfunction h(): void { k(); }\nfunction k(): void {}",
      {
        'src/kernel/other.ts': `export function g(): void { reach(1); }\n${reaching}`,
      },
    );
    expect(out.complaints).toEqual([]);
    expect(out.generators).toBe(3);
    expect(out.files.get(PATH)!.code).toBe(
      "import { g } from './other.ts';\nfunction* f($: 1): Generator<void, void, 1> { yield* g(1); }\nfunction h(): void { k(); }\nfunction k(): void {}",
    );
  });

  it('leaves plain fields, and functions that reach only them, as they are', () => {
    const source = 'function f(p: number): number { Word.plain.set(p, 1); return Word.plain.get(p) + Math.max(1, 2); }';
    expect(code(source)).toBe(source);
  });

  it('knows a local from a function of the same name', () => {
    const source = `${reaching}function f(reach: (p: number) => number): number { return reach(1); }`;
    expect(code(source)).toBe(`${reachingOut}function f(reach: (p: number) => number): number { return reach(1); }`);
  });

  it('keeps every line where it was', () => {
    const source = `${reaching}\nexport function f(\n  p: number,\n  q: number,\n): void {\n  // a comment\n  reach(\n    p,\n  );\n\n  reach(q);\n}\n`;
    const lines = code(source).split('\n');
    expect(lines).toHaveLength(source.split('\n').length);
    expect(lines[7]).toBe('  yield* reach(');
    expect(lines[8]).toBe('    p, 1,');
    expect(lines[11]).toBe('  yield* reach(q, 1);');
  });
});

describe('a call that reaches the door', () => {
  it.each([
    ['as a statement', 'reach(p);', 'yield* reach(p, 1);'],
    ['for its value', 'const a = reach(p);', 'const a = (yield* reach(p, 1));'],
    ['nested', 'reach(reach(reach(p)));', 'yield* reach((yield* reach((yield* reach(p, 1)), 1)), 1);'],
    [
      'in a condition',
      'if (reach(p) === 0 && !reach(2)) return;',
      'if ((yield* reach(p, 1)) === 0 && !(yield* reach(2, 1))) return;',
    ],
    ['in a choice', 'const a = p ? reach(1) : reach(2);', 'const a = p ? (yield* reach(1, 1)) : (yield* reach(2, 1));'],
    ['in a while loop', 'while (reach(p) > 0) reach(1);', 'while ((yield* reach(p, 1)) > 0) yield* reach(1, 1);'],
    [
      'in a for loop',
      'for (let i = reach(1); i < reach(2); i += reach(3)) reach(i);',
      'for (let i = (yield* reach(1, 1)); i < (yield* reach(2, 1)); i += (yield* reach(3, 1))) yield* reach(i, 1);',
    ],
    [
      'in a switch',
      'switch (reach(p)) { case 1: reach(1); }',
      'switch ((yield* reach(p, 1))) { case 1: yield* reach(1, 1); }',
    ],
    // biome-ignore lint/suspicious/noTemplateCurlyInString: the template is the source under test
    ['in a template', 'panic(`${reach(p)}`);', 'panic(`${(yield* reach(p, 1))}`);'],
    ['under a cast', 'const a = reach(p) as number;', 'const a = (yield* reach(p, 1)) as number;'],
    ['spread over lines with a trailing comma', 'reach(p,);', 'yield* reach(p, 1,);'],
  ])('%s', (_name, source, expected) => {
    expect(statement(source)).toBe(expected);
  });
});

describe('an operation of the door', () => {
  it.each([
    ['one word', 'W.a.load(p);', 'W.a.load(p, $point(1, W.a.off + (p)) && (yield));'],
    ['exchange', 'W.a.compareExchange(p, 1, 2);', 'W.a.compareExchange(p, 1, 2, $point(4, W.a.off + (p)) && (yield));'],
    ['array', 'W.a.addAt(p, 3, 1);', 'W.a.addAt(p, 3, 1, $point(3, W.a.off + (p) + (3)) && (yield));'],
    ['racy read', 'W.a.peek(p);', 'W.a.peek(p, $point(5, W.a.off + (p)) && (yield));'],
    ['notify', 'W.a.notify(p);', 'W.a.notify(p, $point(6, W.a.off + (p)) && (yield));'],
    ['spin', 'W.a.spin(p, 1);', 'yield* W.a.spin(p, 1, 1);'],
    ['wait', 'const r = W.a.wait(p, 1, 2);', 'const r = (yield* W.a.wait(p, 1, 2, 1));'],
    [
      'address of an inner record',
      'L.next.load(W.lock.at(p));',
      'L.next.load(W.lock.at(p), $point(1, L.next.off + (W.lock.at(p))) && (yield));',
    ],
    ['cast address', 'W.a.load(p as Ptr);', 'W.a.load(p as Ptr, $point(1, W.a.off + (p as Ptr)) && (yield));'],
    ['arithmetic', 'W.a.load(p + 2 * p);', 'W.a.load(p + 2 * p, $point(1, W.a.off + (p + 2 * p)) && (yield));'],
    [
      'address read from memory, by a temporary',
      'W.a.load(V.next.get(p));',
      'let $1: number; W.a.load($1 = V.next.get(p), $point(1, W.a.off + $1) && (yield));',
    ],
    [
      'address from a call that reaches the door',
      'W.a.store(reach(p), reach(1));',
      'let $1: number; W.a.store($1 = (yield* reach(p, 1)), (yield* reach(1, 1)), $point(2, W.a.off + $1) && (yield));',
    ],
    [
      'address that another argument changes',
      'W.a.storeAt(p, i, i++);',
      'let $1: number, $2: number; W.a.storeAt($1 = p, $2 = i, i++, $point(2, W.a.off + $1 + $2) && (yield));',
    ],
  ])('%s', (_name, source, expected) => {
    const [, text] = code(`${reaching}function f(p: number, i: number): void { ${source} }`).split('\n');
    expect(text!.replace(/^.*?\{ ?(.*) \}$/, '$1').trim()).toBe(expected);
  });
});

describe('an operations table', () => {
  const ops = [
    'export interface Ops { readonly go: (p: number) => number; stop(p: number): void; rest(): void }',
    'function aGo(p: number): number { return Word.value.load(p); }',
    'function bGo(p: number): number { return p; }',
    'function stop(p: number): void {}',
    'function rest(): void {}',
    'export const aOps: Ops = { go: aGo, stop, rest: rest };',
    'const table: readonly Ops[] = [aOps, { go: bGo, stop, rest }];',
    'export function f(k: number): number { table[k]!.stop(k); aOps.rest(); return table[k]!.go(aOps.go(1)); }',
  ].join('\n');

  it('colours a slot by one implementation, and every implementation by the slot', () => {
    const lines = code(ops).split('\n');
    expect(lines[0]).toBe(
      'export interface Ops { readonly go: (p: number, $: 1) => Generator<void, number, 1>; stop(p: number): void; rest(): void }',
    );
    expect(lines[1]).toMatch(/^function\* aGo\(p: number, \$: 1\): Generator<void, number, 1>/);
    expect(lines[2]).toBe('function* bGo(p: number, $: 1): Generator<void, number, 1> { return p; }');
    expect(lines.slice(3, 7)).toEqual(ops.split('\n').slice(3, 7));
    expect(lines[7]).toContain(
      '{ table[k]!.stop(k); aOps.rest(); return (yield* table[k]!.go((yield* aOps.go(1, 1)), 1)); }',
    );
  });

  it('knows tables in other files, records of operations, gaps, and inherited members', () => {
    const others = {
      'src/kernel/ops.ts':
        'export interface Base { go(): void }\nexport interface Ops extends Base { other(): void }\n' +
        'export const table: Readonly<Record<string, Ops>> = { a: { go: reachNow, other: nothing } };\n' +
        'export const gaps: readonly (Base | undefined)[] = [];\n' +
        'function reachNow(): void { Word.value.notify(1); }\nfunction nothing(): void {}\n',
    };
    const source =
      "import { gaps, table } from './ops.ts';\nfunction f(k: string): void { table[k]!.go(); table[k]!.other(); gaps[0]!.go(); }";
    expect(code(source, others).split('\n')[1]).toContain(
      '{ yield* table[k]!.go(1); table[k]!.other(); yield* gaps[0]!.go(1); }',
    );
  });
});

describe('imports', () => {
  it('of a door lead to the stepped one', () => {
    expect(
      code("import { cpu } from '../shared-mem/self.ts';\nimport { Plain } from '../shared-mem/plain.ts';\n"),
    ).toBe("import { cpu } from '../stepped/doors/self.ts';\nimport { Plain } from '../stepped/doors/plain.ts';\n");
  });

  it("of the clock door read the scheduler's clock instead of the host's", () => {
    const path = 'src/kernel/time/clock.ts';
    const result = compileStepped(new Map([[path, 'export function now(): number { return performance.now(); }']]));
    expect(result.complaints).toEqual([]);
    expect(result.files.get(path)!.code).toBe(
      "import { $performance } from '../../stepped/doors/clock.ts'; export function now(): number { return $performance.now(); }",
    );
  });
});

const slots = (members: string): string => `interface Ops { ${members} }\n${reaching}`;

/** By what is banned: the source, the place, and what it says: why, and what to write instead. */
const refusals: readonly (readonly [what: string, source: string, place: string, message: string])[] = [
  ['module state', 'let count = 0;', '1:1', 'two CPUs could disagree about it, so it belongs in shared memory'],
  [
    'mutable constants',
    'const known = new Map<string, number>();',
    '1:7',
    'a mutable Map at module level: two CPUs could disagree about it, so type it Readonly, or keep it in shared memory',
  ],
  ['mutable buffers', 'const words = new Int32Array(4);', '1:7', 'a mutable Int32Array at module level'],
  ['mutable arrays', 'const known = [1, 2];', '1:7', 'so write readonly T[]'],
  [
    'Atomics',
    'function f(): void {\n  Atomics.load(a, 0);\n}',
    '2:3',
    'Atomics outside its door: the stepped machine could not replay it, so declare the field atomic()',
  ],
  ['shared buffers', 'function f(): void {\n  new SharedArrayBuffer(8);\n}', '2:7', 'plan a region'],
  ['the date', 'function f(): number {\n  return Date.now();\n}', '2:10', 'ask kernel/time/clock.ts'],
  ['the host clock', 'function f(): number {\n  return performance.now();\n}', '2:10', 'ask kernel/time/clock.ts'],
  ['chance', 'function f(): number {\n  return Math.random();\n}', '2:10', "draw from the machine's seed"],
  ['timers of the host', 'function f(): void {\n  setTimeout(g, 1);\n}', '2:3', 'arm a timer'],
  ['the process', 'function f(): void {\n  process.exit(1);\n}', '2:3', 'have the host hand it over at boot'],
  ['globals', 'function f(): void {\n  globalThis.x = 1;\n}', '2:3', 'keep it in shared memory'],
  [
    'any',
    'function f(a: any): void {}',
    '1:15',
    'any blinds the proof of the emitted tree: write the type, or unknown',
  ],
  ['function casts', 'function f(a: unknown): void {\n  (a as () => void)();\n}', '2:4', 'give the constant its type'],
  ['finally', 'function f(): void {\n  try { g(); } finally { g(); }\n}', '2:3', 'do it before each return'],
  ['async', 'async function f(): Promise<void> {}', '1:1', 'answer WAIT, and be called again'],
  ['dynamic imports', "function f(): void {\n  import('./x.ts');\n}", '2:3', 'import it at the top'],
  [
    '.call',
    'function f(): void {\n  g.call(1);\n}',
    '2:3',
    'call, apply and bind hide which function is called: write the call',
  ],
  ['.apply', 'function f(): void {\n  g.apply(null, []);\n}', '2:3', 'write the call'],
  ['.bind', 'function f(): void {\n  const h = g.bind(1);\n}', '2:13', 'write the call'],
  ['overloads', 'function f(a: number): void;\nfunction f(a: number): void {}', '1:1', 'give each a name of its own'],
  [
    'exceptions as control flow',
    `${reaching}function f(): void {\n  try { reach(1); } catch {}\n}`,
    '3:9',
    'answer a negative errno',
  ],
  [
    'closures',
    `${reaching}function f(): void {\n  [1].map((p) => reach(p));\n}`,
    '3:18',
    'make it a function of the module',
  ],
  [
    'inner functions',
    `${reaching}function f(): void {\n  function g(): void { reach(1); }\n}`,
    '3:24',
    'make it a function of the module',
  ],
  ['arrow functions', `${reaching}const f = (): void => {\n  reach(1);\n};`, '3:3', 'make it a function of the module'],
  [
    'callbacks',
    `${reaching}function f(): void {\n  [1].map(reach);\n}`,
    '3:11',
    'reach reaches the atomic door: call it, or put it into a typed operations literal',
  ],
  [
    'aliases',
    `${reaching}function f(): void {\n  const g = reach;\n}`,
    '3:13',
    'reach reaches the atomic door: call it',
  ],
  [
    'constructors',
    'class A {\n  constructor() { Word.value.load(1); }\n}',
    '2:19',
    'a closure, constructor or accessor',
  ],
  ['methods', 'class A {\n  go(): void { Word.value.load(1); }\n}', '2:16', 'a closure, constructor or accessor'],
  [
    'getters of a class',
    'class A {\n  get a(): number { return Word.value.load(1); }\n}',
    '2:28',
    'a closure, constructor or accessor',
  ],
  [
    'getters of a literal',
    'const a = {\n  get b(): number { return Word.value.load(1); } };',
    '2:28',
    'a closure, constructor or accessor',
  ],
  [
    'default exports without a name',
    'export default function (): void { Word.value.load(1); }',
    '1:36',
    'make it a function of the module',
  ],
  [
    'module level',
    `${reaching}const a = reach(1);`,
    '2:11',
    'module level reaches the atomic door before there is a memory: do it at boot',
  ],
  ['generators', 'function* f(): Generator<void> {\n  Word.value.load(1);\n}', '1:1', 'make it a plain function'],
  [
    'missing result types',
    'function f() { Word.value.load(1); }',
    '1:1',
    'f reaches the atomic door and has no result type: state it',
  ],
  [
    'type predicates',
    'function f(a: unknown): a is number { Word.value.load(1); return true; }',
    '1:1',
    'answer a boolean',
  ],
  ['defaults', 'function f(a = 1): void { Word.value.load(1); }', '1:12', 'pass it at every call'],
  ['optional parameters', 'function f(a?: number): void { Word.value.load(1); }', '1:12', 'pass it at every call'],
  [
    'rest parameters',
    'function f(...a: number[]): void { Word.value.load(1); }',
    '1:12',
    'a rest parameter: name each',
  ],
  ['spread arguments', `${reaching}function f(a: [number]): void {\n  reach(...a);\n}`, '3:3', 'write each'],
  ['optional calls', `${reaching}function f(): void {\n  reach?.(1);\n}`, '3:3', 'look first, then call'],
  ['two functions of one name', 'export function f(): void {}', '1:8', 'exported by'],
  [
    'optional operations',
    'interface Ops {\n  go?(): void }\nconst o: Ops = { go: f };\nfunction f(): void { Word.value.load(1); }',
    '2:3',
    'Ops.go is optional: write an implementation that does nothing',
  ],
  [
    'generic operations',
    'interface Ops {\n  go<T>(a: T): T }\nconst o: Ops = { go: f };\nfunction f(a: number): number { return Word.value.load(a); }',
    '2:3',
    'Ops.go is generic: write a member for each type',
  ],
  [
    'operations without a result type',
    'interface Ops {\n  go(p: number) }\nconst o: Ops = { go: f };\nfunction f(p: number): number { return Word.value.load(p); }',
    '2:3',
    'Ops.go reaches the atomic door and has no result type: state it',
  ],
  [
    'inline implementations',
    `${slots('go(): void')}const o: Ops = { go: f };\nfunction f(): void { reach(1); }\nconst p: Ops = {\n  go() {} };`,
    '6:5',
    'its implementation is a function named in the literal',
  ],
  [
    'operations that no table types',
    `${reaching}export const loose = {\n  go: reach };`,
    '3:7',
    'reach reaches the atomic door: call it, or put it into a typed operations literal',
  ],
  [
    'destructured operations',
    `${slots('go(p: number): number')}const o: Ops = { go: reach };\nfunction f(): number {\n  const { go } = o;\n  return go(1);\n}`,
    '5:18',
    'Ops.go reaches the atomic door: call what stands in o as o.member(...)',
  ],
  [
    'operations taken out of a table',
    `${slots('go(p: number): number')}const t: readonly Ops[] = [{ go: reach }];\nfunction f(): number {\n  const go = t[0]!.go;\n  return go(1);\n}`,
    '5:14',
    'Ops.go reaches the atomic door: call what stands in t as t[k]!.member(...)',
  ],
  [
    'rows taken out of a table',
    `${slots('go(p: number): number')}const t: readonly Ops[] = [{ go: reach }];\nfunction f(): number {\n  const row = t[0]!;\n  return row.go(1);\n}`,
    '5:15',
    'call what stands in t as t[k]!.member(...)',
  ],
  ['syntax', 'function f( {', '1:', 'syntax'],
];

describe('refused, with the place and what to write instead', () => {
  it.each(refusals)('%s', (_name, source, place, message) => {
    const others = message === 'exported by' ? { 'src/kernel/a.ts': 'export function f(): void {}' } : {};
    const found = complaints(source, others as Readonly<Record<string, string>>);
    expect(found[0]).toContain(message);
    expect(found[0]).toMatch(new RegExp(`^src/kernel/(sample|a)\\.ts:${place}`));
    // Said once: a list in which each fault stands twice is not read.
    expect(found).toHaveLength(1);
  });

  it('nothing of all that where it reaches no door', () => {
    const source =
      'interface Ops { go?(a?: number): void }\nconst o: Ops = { go() {} };\n' +
      'export function f(a = 1, ...b: number[]): number[] { const { go } = o; go?.(a); return b.map((each) => each + a); }\n';
    expect(complaints(source)).toEqual([]);
  });

  it('a member that answers nothing is a slot like others: it cannot hide a generator', () => {
    const source = `${slots('go(p: number): void')}const o: Ops = { go: stop };\nfunction stop(p: number): void { reach(p); }\nfunction f(): void { o.go(1); }`;
    expect(code(source).split('\n').at(-1)).toBe('function* f($: 1): Generator<void, void, 1> { yield* o.go(1, 1); }');
  });

  it('a function under another name', () => {
    const others = { 'src/kernel/other.ts': reaching };
    expect(complaints("import { reach as go } from './other.ts';\nfunction f(): void { go(1); }", others)).toEqual([
      'src/kernel/sample.ts:1:10: reach under another name: names decide, so import it as reach',
    ]);
    expect(complaints("import * as other from './other.ts';", others)).toEqual([
      'src/kernel/sample.ts:1:8: names decide: import reach by its name, not in a namespace',
    ]);
  });

  it('but not the same words where they mean something else', () => {
    const source =
      'interface Shape { process: number; any: string }\n' +
      'export function f(process: number): number { const table = new Map<number, number>(); return process + table.size; }\n' +
      'export const sizes: readonly number[] = [1, 2];\nconst names = [1] as const;\nconst o = { Date: 1 };\n';
    expect(complaints(source)).toEqual([]);
  });
});

describe('a mutation', () => {
  const sources = (): Map<string, string> => new Map([[PATH, 'a b a']]);
  it('replaces the text that it names', () => {
    const changed = sources();
    applyMutations(changed, [{ file: PATH, from: 'b', to: '$&' }]);
    expect(changed.get(PATH)).toBe('a $& a');
  });
  it.each([
    ['is not there', 'c', 'stands there 0 times'],
    ['is not unique', 'a', 'stands there 2 times'],
  ])('fails when the text %s', (_name, from, message) => {
    expect(() => applyMutations(sources(), [{ file: PATH, from, to: '' }])).toThrow(message);
  });
  it('fails when the file is not there', () => {
    expect(() => applyMutations(sources(), [{ file: 'x.ts', from: 'a', to: '' }])).toThrow('no such file');
  });
});
