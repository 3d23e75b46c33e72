// The rules of the house that no linter knows; CONTRIBUTING.md gives the reasons. Part of `npm run lint`.
//
// Exceptions are named below, each with its reason. An exception that nothing needs any more is an error too, so that
// the lists stay as short as the truth.
import { readdirSync, readFileSync } from 'node:fs';
import { dirname, join, relative } from 'node:path';
import { fileURLToPath } from 'node:url';
import { parseSync, Visitor } from 'oxc-parser';

const root = join(dirname(fileURLToPath(import.meta.url)), '..');
const maximumLines = 300;

/** Rule -> file -> why it may. */
const exceptions = {
  'module-let': {
    'src/shared-mem/self.ts': 'the self door: which CPU this thread is, and its views of the memory',
  },
  'direct-atomics': {
    'src/machine/control-words.ts': 'the host steers running CPUs through words, and is no CPU',
    'src/explore/lane.ts': 'a search that never gives way is stopped by a word, and counts in one',
    'src/explore/run.ts': 'the other end of these words',
    'src/cli/examination.ts': "the doctor tries the host's own Atomics",
    'src/programs/libc/memory.ts': 'a guest has atomic instructions of its own, on its own memory',
    'src/programs/torture/board.ts': 'guests and the host share a board beside the machine, which outlives it',
    'src/conform/host/control.ts': "threads that run cases on the host's kernel speak by words beside every machine",
    'src/programs/conform/case-board.ts': 'threads of a case and the host share a board beside the machine',
  },
  'long-room': {
    'src/kernel/abi/errno.ts': 'one table: names, numbers and texts of Linux errno values',
  },
};

const complaints = [];
const usedExceptions = new Set();

function complain(rule, path, line, message) {
  if (exceptions[rule]?.[path] !== undefined) {
    usedExceptions.add(`${rule} ${path}`);
    return;
  }
  complaints.push(`${path}:${line}: ${message} (${rule})`);
}

/** TypeScript files below a directory of the project, with forward slashes. */
function sources(directory) {
  return readdirSync(join(root, directory), { recursive: true, withFileTypes: true })
    .filter((entry) => entry.isFile() && entry.name.endsWith('.ts'))
    .map((entry) => relative(root, join(entry.parentPath ?? entry.path, entry.name)).replaceAll('\\', '/'))
    .sort();
}

function lineCounter(text) {
  const ends = [...text.matchAll(/\n/g)].map((match) => match.index);
  return (offset) => {
    let line = 1;
    for (const end of ends) {
      if (end >= offset) break;
      line++;
    }
    return line;
  };
}

/** What any room of src must keep. */
function checkRoom(path, text, program, lineOf) {
  const lines = text.split('\n').length - 1;
  if (lines > maximumLines) complain('long-room', path, lines, `${lines} lines; a room has at most ${maximumLines}`);
  if (!/^(#!.*\n)?\s*(\/\/|\/\*)/.test(text)) {
    complain('no-opening', path, 1, 'opens without saying what it is, who may call it and what it promises');
  }
  if (!path.startsWith('src/shared-mem/')) {
    new Visitor({
      MemberExpression(node) {
        if (node.object.type !== 'Identifier' || node.object.name !== 'Atomics') return;
        complain(
          'direct-atomics',
          path,
          lineOf(node.start),
          'Atomics outside src/shared-mem: go through the atomic door',
        );
      },
    }).visit(program);
  }
}

/** Names of top-level functions, to find the second of a name: the stepped compiler tells functions apart by name. */
const functionNames = new Map();

/** What kernel and shared-mem must keep besides, so that they compile to the stepped machine and hold no state. */
function checkKernelRoom(path, program, lineOf) {
  const say = (rule, node, message) => complain(rule, path, lineOf(node.start), message);
  for (const statement of program.body) {
    const node = statement.type === 'ExportNamedDeclaration' ? (statement.declaration ?? statement) : statement;
    if (node.type === 'VariableDeclaration' && node.kind !== 'const' && !node.declare) {
      say('module-let', node, 'mutable module state: put it into shared memory');
    }
    if (node.type === 'FunctionDeclaration' && node.id) {
      const other = functionNames.get(node.id.name);
      if (other !== undefined) say('same-name', node, `a second function ${node.id.name}; the other is in ${other}`);
      functionNames.set(node.id.name, path);
    }
    if (node.type === 'ClassDeclaration' && path.startsWith('src/kernel/')) {
      say('kernel-class', node, 'a class in the kernel: fields are declared with struct(), code is plain functions');
    }
  }
  const checkFunction = (node) => {
    if (node.async) say('kernel-async', node, 'async: the kernel runs on a CPU, not on an event loop');
    if (!node.returnType) say('result-type', node, 'a function without an explicit result type');
  };
  new Visitor({
    TryStatement(node) {
      if (node.finalizer)
        say('no-finally', node, 'finally: a throw is a panic, and a panic keeps its locks for the report');
    },
    TSAnyKeyword(node) {
      say('no-any', node, 'any: the type checker proves the stepped tree complete, any blinds it');
    },
    FunctionDeclaration: checkFunction,
    MethodDefinition(node) {
      if (node.kind === 'get' || node.kind === 'set') say('no-getter', node, 'an accessor hides a call');
      else if (node.kind === 'method') checkFunction(node.value);
    },
    Property(node) {
      if (node.kind === 'get' || node.kind === 'set') say('no-getter', node, 'an accessor hides a call');
    },
  }).visit(program);
}

for (const path of sources('src')) {
  const text = readFileSync(join(root, path), 'utf8');
  const { program, errors } = parseSync(path, text);
  if (errors.length > 0) {
    complaints.push(`${path}: ${errors[0].message} (syntax)`);
    continue;
  }
  const lineOf = lineCounter(text);
  checkRoom(path, text, program, lineOf);
  if (/^src\/(kernel|shared-mem)\//.test(path)) checkKernelRoom(path, program, lineOf);
}

for (const [rule, files] of Object.entries(exceptions)) {
  for (const path of Object.keys(files)) {
    if (!usedExceptions.has(`${rule} ${path}`))
      complaints.push(`${path}: needs no exception from ${rule} any more (stale)`);
  }
}

if (/"resolved":/.test(readFileSync(join(root, 'package-lock.json'), 'utf8'))) {
  complaints.push('package-lock.json: names where a package was fetched from; .npmrc keeps that out (lockfile)');
}

for (const complaint of complaints) console.error(complaint);
if (complaints.length > 0) console.error(`${complaints.length} complaints`);
process.exitCode = complaints.length > 0 ? 1 : 0;
