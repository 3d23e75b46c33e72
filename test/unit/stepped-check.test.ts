/**
 * Promise: the type check of the emitted tree finds every call, and every operation of the door, that was not converted.
 * Proved by leaving them out one by one.
 */
import { existsSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import ts from 'typescript';
import { describe, expect, it } from 'vitest';
import { compileStepped } from '../../src/stepped/compile.ts';
import { readSources } from '../../src/stepped/sources.ts';
import { steppedTree } from '../../src/stepped/tree.ts';

const project = fileURLToPath(new URL('../..', import.meta.url));
const roots = ['src/shared-mem', 'test/fixtures/toy-kernel'];
const tree = steppedTree(project, roots);

/** The emitted tree in a type checker's hands, with the text of any file to be changed. */
function checker(): { errors(path: string): string[]; put(path: string, text: string): void } {
  const texts = new Map(tree.files);
  const versions = new Map<string, number>();
  const top = join(project, '.stepped-in-memory');
  const own = (path: string): string | undefined =>
    path.startsWith(top) ? texts.get(path.slice(top.length + 1)) : undefined;
  const config = ts.readConfigFile(join(project, 'tsconfig.json'), (path) => readFileSync(path, 'utf8'));
  const { compilerOptions } = config.config as { compilerOptions: object };
  const { options } = ts.convertCompilerOptionsFromJson(compilerOptions, project);
  const host: ts.LanguageServiceHost = {
    getCompilationSettings: () => ({ ...options, typeRoots: [join(project, 'node_modules/@types')] }),
    getScriptFileNames: () => [...texts.keys()].map((path) => join(top, path)),
    getScriptVersion: (path) => String(versions.get(path) ?? 0),
    getScriptSnapshot: (path) => {
      const text = own(path) ?? (existsSync(path) ? readFileSync(path, 'utf8') : undefined);
      return text === undefined ? undefined : ts.ScriptSnapshot.fromString(text);
    },
    getCurrentDirectory: () => project,
    getDefaultLibFileName: (settings) => ts.getDefaultLibFilePath(settings),
    fileExists: (path) => own(path) !== undefined || ts.sys.fileExists(path),
    readFile: (path) => own(path) ?? ts.sys.readFile(path),
    directoryExists: (path) => path.startsWith(top) || ts.sys.directoryExists(path),
  };
  const service = ts.createLanguageService(host);
  return {
    errors: (path) =>
      [...service.getSyntacticDiagnostics(join(top, path)), ...service.getSemanticDiagnostics(join(top, path))].map(
        ({ messageText }) => ts.flattenDiagnosticMessageText(messageText, '\n'),
      ),
    put(path, text) {
      texts.set(path, text);
      versions.set(join(top, path), (versions.get(join(top, path)) ?? 0) + 1);
    },
  };
}

describe('the type check of the emitted tree', () => {
  const check = checker();
  const sources = readSources(project, roots);

  it('passes what was compiled whole', () => {
    expect(tree.compiled.complaints).toEqual([]);
    expect(tree.compiled.generators).toBeGreaterThan(20);
    for (const path of tree.files.keys())
      if (path.endsWith('.ts')) expect([path, check.errors(path)]).toEqual([path, []]);
  });

  const converted = [...tree.compiled.files].filter(([, { conversions }]) => conversions > 0);
  it.each(converted)('finds each conversion that is left out of %s', (path, { code, conversions }) => {
    for (let conversion = 0; conversion < conversions; conversion++) {
      const broken = compileStepped(sources, { file: path, conversion }).files.get(path)!.code;
      expect(broken).not.toBe(code);
      check.put(path, broken);
      expect([conversion, check.errors(path).length]).not.toEqual([conversion, 0]);
    }
    check.put(path, code);
  });
});
