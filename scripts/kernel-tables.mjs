// The kernel's own tables, for the documents that are printed from them: every struct that a file of the kernel or of
// shared-mem declares, exported or not, the lock classes, the system calls.
//
// The sources are bundled and run here, with a struct() that keeps what it made. So offsets and sizes are what the
// kernel uses, and not what a reader of its text would make of it; what a field is for is read from its comment.
import { readdirSync, readFileSync } from 'node:fs';
import { dirname, join, relative } from 'node:path';
import { fileURLToPath } from 'node:url';
import { build } from 'esbuild';
import { parseSync, Visitor } from 'oxc-parser';

export const root = join(dirname(fileURLToPath(import.meta.url)), '..');

/** The text of every file of the kernel and of shared-mem, by its path in the project. */
function kernelSources() {
  const sources = new Map();
  for (const layer of ['src/shared-mem', 'src/kernel']) {
    const files = readdirSync(join(root, layer), { recursive: true, withFileTypes: true })
      .filter((entry) => entry.isFile() && entry.name.endsWith('.ts'))
      .map((entry) => relative(root, join(entry.parentPath ?? entry.path, entry.name)).replaceAll('\\', '/'))
      .sort();
    for (const path of files) sources.set(path, readFileSync(join(root, path), 'utf8'));
  }
  return sources;
}

/** What a comment says, on one line. */
function sentence(comment) {
  return comment
    .split('\n')
    .map((line) => line.replace(/^\s*\*?\s?/, '').trim())
    .join(' ')
    .trim();
}

/** The structs that a file declares: name and the comment of each field. */
function declarationsOf(path, text) {
  const { program, comments } = parseSync(path, text);
  const documents = comments.filter(({ type, value }) => type === 'Block' && value.startsWith('*'));
  const found = [];
  new Visitor({
    CallExpression(node) {
      const [name, fields] = node.arguments;
      if (node.callee.name !== 'struct' || fields?.type !== 'ObjectExpression') return;
      const about = {};
      let end = fields.start;
      for (const property of fields.properties) {
        const comment = documents.find((each) => each.start >= end && each.end <= property.start);
        about[property.key.name] = comment === undefined ? '' : sentence(comment.value.slice(1));
        end = property.end;
      }
      found.push({ name: name.value, path, about });
    },
  }).visit(program);
  return found;
}

/** Runs the sources. @returns the structs by name, LOCK_CLASSES and the CLASS_* numbers, the system calls */
async function runKernel(paths) {
  const entry = [
    // First what the CPU worker imports first: some tables of operations name each other.
    "export * from './src/kernel/boot/format.ts';",
    "export { implementedCalls } from './src/kernel/syscall/ops-table.ts';",
    "export { syscallTable } from './src/kernel/abi/syscalls.ts';",
    "export * as classes from './src/shared-mem/locks/classes.ts';",
    "export { declared } from './src/shared-mem/struct.ts';",
    ...[...paths].map((path) => `import './${path}';`),
  ].join('\n');
  const keeper = `
    export const declared = [];
    export function struct(name: string, spec: any): any {
      const made = declareStruct(name, spec);
      declared.push({ made, spec });
      return made;
    }`;
  const { outputFiles } = await build({
    stdin: { contents: entry, resolveDir: root, loader: 'ts' },
    bundle: true,
    format: 'esm',
    platform: 'node',
    target: 'node20',
    write: false,
    plugins: [
      {
        name: 'keep-structs',
        setup({ onLoad }) {
          onLoad({ filter: /[/\\]shared-mem[/\\]struct\.ts$/ }, ({ path }) => ({
            contents: readFileSync(path, 'utf8').replace('export function struct<', 'function declareStruct<') + keeper,
            loader: 'ts',
          }));
        },
      },
    ],
  });
  return import(`data:text/javascript;base64,${Buffer.from(outputFiles[0].contents).toString('base64')}`);
}

/** The class of each lock that lies in a struct, as the calls that initialise it say: `Struct.field` -> class number. */
function classesOfLocks(sources, classes) {
  const found = new Map();
  for (const text of sources.values()) {
    for (const [, lock, name] of text.matchAll(/initLock\(\s*(\w+\.\w+)\.at\([^;]*?\b(CLASS_\w+)/g)) {
      found.set(lock, classes[name]);
    }
  }
  return found;
}

export async function kernelTables() {
  const sources = kernelSources();
  const declarations = [...sources].flatMap(([path, text]) => declarationsOf(path, text));
  const { declared, classes, syscallTable, implementedCalls } = await runKernel(
    new Set(declarations.map((d) => d.path)),
  );
  const made = new Map(declared.map((each) => [each.made.structName, each]));
  const structs = declarations.map((declaration) => {
    const run = made.get(declaration.name);
    if (run === undefined)
      throw new Error(`${declaration.path}: the struct ${declaration.name} is not declared at its top level`);
    return { ...declaration, spec: run.spec, size: run.made.size, aligned: run.made.aligned, layout: run.made.layout };
  });
  return {
    structs,
    lockClasses: classes.LOCK_CLASSES,
    lockClassOf: classesOfLocks(sources, classes),
    syscalls: syscallTable,
    implementedCalls: new Set(implementedCalls),
  };
}
