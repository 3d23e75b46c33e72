/**
 * The proof of an emitted tree: the type checker passes it, and every generator that a call makes is run by `yield*`.
 *
 * The first alone is not enough. A call without its marker, or an operation without its point, has the wrong number of
 * arguments; but a generator that is made and never run may stand wherever TypeScript asks for no type: as a statement,
 * behind `!`, in a condition. So each call whose type is a stepped generator is looked at as well. Called by the check of
 * the build and by its test; lines and columns are those of the source.
 */
import { existsSync, readFileSync } from 'node:fs';
import { SourceMap } from 'node:module';
import { join } from 'node:path';
import ts from 'typescript';
import type { Complaint } from './ast.ts';
import type { CompiledFile } from './compile.ts';

/** What nobody runs does nothing, silently: said of it, whatever else is wrong there. */
const NOT_RUN = 'a generator that nobody runs: the call was not converted with its yield*';

/**
 * @param files text of the tree by path, relative to the project
 * @param compiled those of them that were compiled
 */
export function proveTree(
  project: string,
  files: ReadonlyMap<string, string>,
  compiled: ReadonlyMap<string, CompiledFile>,
): Complaint[] {
  const top = join(project, '.stepped-in-memory');
  const program = programOf(project, top, files);
  const checker = program.getTypeChecker();
  const complaints: Complaint[] = [];
  for (const path of files.keys()) {
    const file = path.endsWith('.ts') ? program.getSourceFile(join(top, path)) : undefined;
    if (file === undefined) continue;
    const place = placeIn(file, compiled.get(path)?.map);
    const complain = (at: number, message: string): void => {
      complaints.push({ file: path, ...place(at), message });
    };
    for (const { start = 0, messageText } of [
      ...program.getSyntacticDiagnostics(file),
      ...program.getSemanticDiagnostics(file),
    ]) {
      complain(start, ts.flattenDiagnosticMessageText(messageText, ' '));
    }
    if (!compiled.has(path)) continue;
    const visit = (node: ts.Node): void => {
      if (ts.isCallExpression(node) && !isRun(node) && isStepped(checker.getTypeAtLocation(node), checker))
        complain(node.getStart(file), NOT_RUN);
      ts.forEachChild(node, visit);
    };
    visit(file);
  }
  const [general] = program.getGlobalDiagnostics();
  if (general !== undefined) {
    const message = ts.flattenDiagnosticMessageText(general.messageText, ' ');
    complaints.push({ file: 'tsconfig.json', line: 1, column: 1, message });
  }
  return complaints;
}

function programOf(project: string, top: string, files: ReadonlyMap<string, string>): ts.Program {
  const { config } = ts.readConfigFile(join(project, 'tsconfig.json'), (path) => readFileSync(path, 'utf8'));
  const { compilerOptions } = config as { compilerOptions: object };
  const { options } = ts.convertCompilerOptionsFromJson(compilerOptions, project);
  const settings = { ...options, noEmit: true, incremental: false, typeRoots: [join(project, 'node_modules/@types')] };
  delete settings.tsBuildInfoFile;
  const host = ts.createCompilerHost(settings);
  const own = (path: string): string | undefined =>
    path.startsWith(`${top}/`) ? files.get(path.slice(top.length + 1)) : undefined;
  const { getSourceFile } = host;
  host.fileExists = (path) => own(path) !== undefined || ts.sys.fileExists(path);
  host.readFile = (path) => own(path) ?? ts.sys.readFile(path);
  host.directoryExists = (path) => path.startsWith(top) || existsSync(path);
  host.getCurrentDirectory = () => project;
  host.getSourceFile = (path, languageVersion, ...rest) => {
    const text = own(path);
    if (text === undefined) return getSourceFile.call(host, path, languageVersion, ...rest);
    return ts.createSourceFile(path, text, languageVersion, true);
  };
  const roots = [...files.keys()].filter((path) => path.endsWith('.ts')).map((path) => join(top, path));
  return ts.createProgram(roots, settings, host);
}

function isRun(call: ts.CallExpression): boolean {
  let parent: ts.Node = call.parent;
  while (ts.isParenthesizedExpression(parent)) parent = parent.parent;
  return ts.isYieldExpression(parent) && parent.asteriskToken !== undefined;
}

/** `Generator<void, T, 1>`: nothing else is resumed with 1 alone. */
function isStepped(type: ts.Type, checker: ts.TypeChecker): boolean {
  if (type.symbol?.name !== 'Generator') return false;
  const [gives, , takes] = checker.getTypeArguments(type as ts.TypeReference);
  return (
    gives !== undefined &&
    (gives.flags & ts.TypeFlags.Void) !== 0 &&
    takes?.isNumberLiteral() === true &&
    takes.value === 1
  );
}

/** From a position in what was emitted to a place in the source. */
function placeIn(file: ts.SourceFile, map: string | undefined): (at: number) => { line: number; column: number } {
  const back = map === undefined ? undefined : new SourceMap(JSON.parse(map));
  return (at) => {
    const { line, character } = file.getLineAndCharacterOfPosition(at);
    const entry = back?.findEntry(line, character);
    if (entry === undefined || !('originalLine' in entry) || entry.originalLine !== line)
      return { line: line + 1, column: character + 1 };
    return { line: line + 1, column: entry.originalColumn + 1 };
  };
}
