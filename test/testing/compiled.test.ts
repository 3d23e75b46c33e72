/**
 * Promises: a module imported with `?explore` does what the module does; and what cannot be explored is refused by file and
 * line, with what to write instead.
 */
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { explore } from 'smplab/testing';
import { afterAll, describe, expect, test } from 'vitest';
import { compileModules } from '../../src/testing/compile/compile.ts';
import * as plainClasses from '../fixtures/explored/classes.ts';
import * as classes from '../fixtures/explored/classes.ts?explore';
import * as plainClosures from '../fixtures/explored/closures.ts';
import * as closures from '../fixtures/explored/closures.ts?explore';
import * as plainDoors from '../fixtures/explored/doors.ts';
import * as doors from '../fixtures/explored/doors.ts?explore';
// @ts-expect-error the fixture is JavaScript
import plainScript from '../fixtures/explored/no-semicolons.mjs';
import script from '../fixtures/explored/no-semicolons.mjs?explore';

describe('a compiled module does what the module does', () => {
  test.each<[string, (memory: SharedArrayBuffer) => unknown, (memory: SharedArrayBuffer) => Generator]>([
    ['without semicolons', plainScript, script],
    ['with functions that make functions', plainClosures.loose, closures.loose],
    ['against the doors', plainDoors.all, doors.all],
    ['with functions by other names', plainClosures.aliases, closures.aliases],
    ['with classes', plainClasses.start, classes.start],
  ])('%s', async (_name, plain, compiled) => {
    const expected = new SharedArrayBuffer(128);
    const returned = plain(expected);
    const results: unknown[] = [];
    let found: Uint8Array | undefined;
    await explore({
      memory: 128,
      threads: [
        function* (memory: SharedArrayBuffer) {
          results.push(yield* compiled(memory));
        },
      ],
      check(memory) {
        found = new Uint8Array(memory).slice();
      },
    });
    expect(results[0]).toEqual(returned);
    expect(found).toEqual(new Uint8Array(expected));
  });
});

describe('what cannot be explored is refused', () => {
  const folder = mkdtempSync(join(tmpdir(), 'smplab-explore-'));
  afterAll(() => rmSync(folder, { recursive: true }));

  const compile = (source: string): string => {
    writeFileSync(join(folder, 'module.ts'), source);
    writeFileSync(join(folder, 'other.ts'), 'export function take(v: Int32Array) { return Atomics.load(v, 0); }\n');
    const compiled = compileModules([join(folder, 'module.ts')], { root: folder, runtime: 'runtime' });
    return compiled.get(join(folder, 'module.ts'))!.code;
  };

  test.each([
    ['an async function', 'export async function f(v) { Atomics.load(v, 0); }', /1: f\(\) is async/],
    ['a generator', 'export function* f(v) { yield Atomics.load(v, 0); }', /1: f\(\) is a generator/],
    [
      'a getter',
      'export class A {\n  get x() { return Atomics.load(this.v, 0); }\n}',
      /2: the getter x\(\).*make it a method/,
    ],
    ['a setter', 'export const a = {\n  set x(y) { Atomics.store(this.v, 0, y); }\n}', /2: the setter x\(\)/],
    [
      'a constructor',
      'export class A {\n  constructor(v) { Atomics.store(v, 0, 1); }\n}',
      /2: a constructor reaches Atomics \(Atomics.store in line 2\)/,
    ],
    [
      'a constructor, by a call',
      'import { take } from "./other.ts";\nexport class A {\n  constructor(v) { take(v); }\n}',
      /3: a constructor reaches Atomics \(the call of take\(\) \(other.ts:1\) in line 3\)/,
    ],
    [
      'a closure for an array',
      'export function f(v) {\n  return [1].map((i) => Atomics.load(v, i));\n}',
      /2: .*given to \[1\]\.map\(\), which is not compiled/,
    ],
    [
      'a function by name for an array',
      'import { take } from "./other.ts";\nexport const f = (vs) => vs.forEach(take);',
      /2: .*vs\.forEach\(\)/,
    ],
    [
      'a closure for a constructor',
      'export const f = (v) => new Promise(() => Atomics.load(v, 0));',
      /1: .*new Promise/,
    ],
    ['Atomics taken apart', '\nconst { load } = Atomics;', /2: Atomics can be explored as/],
    ['Atomics passed on', 'export const f = (g) => g(Atomics);', /1: Atomics can be explored as/],
    ['an operation that is handed on', 'export const f = (g) => g(Atomics.load);', /1: Atomics can be explored as/],
    [
      'an operation by a computed name',
      'export const f = (v, name) => Atomics[name](v, 0);',
      /1: Atomics can be explored as/,
    ],
    ['waitAsync', 'export const f = (v) => Atomics.waitAsync(v, 0, 0);', /1: Atomics.waitAsync cannot/],
    [
      'a default',
      'export function f(v, x = Atomics.load(v, 0)) {\n  return x;\n}',
      /1: f\(\) reaches Atomics in a parameter's default/,
    ],
    [
      'a field',
      'const v = new Int32Array(1);\nexport class A {\n  x = Atomics.load(v, 0);\n}',
      /3: a field reaches Atomics/,
    ],
    [
      'a call while loading',
      'import { take } from "./other.ts";\nexport const x = take(new Int32Array(1));',
      /2: take\(\) reaches Atomics .* while the module is loaded/,
    ],
    ['spread arguments', 'export const f = (v) => Atomics.load(...v);', /1: Atomics.load: its arguments/],
    ['a logical assignment', 'export const f = (v) => { v[0] ||= 1; };', /1: \|\|= on an element/],
    ['a syntax error', 'export const f = ;', /module.ts:1: /],
  ])('%s', (_name, source, message) => {
    expect(() => compile(source)).toThrow(message);
  });

  test('but not what merely looks like it', () => {
    expect(compile('const f = (v) => Atomics.isLockFree(4) && v.length;')).not.toContain('function*');
    const code = compile(
      'export const free = (a) => a.map((x) => x + 1);\nexport const f = (v) => Atomics.load(v, 0);',
    );
    expect(code.match(/function\*/g)).toHaveLength(1);
    expect(code.split('\n')).toHaveLength(2);
  });
});
