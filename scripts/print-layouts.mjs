// docs/memory-layout.md: every record of the machine's memory, field by field.

/** A link to a heading of the same page. */
const section = (name) => `[${name}](#${name.toLowerCase()})`;

const kinds = { atomic: 'int32', atomics: 'int32', plain: 'int32', plains: 'int32', f64: 'float64', f64s: 'float64' };

/** A bar ends a cell, unless it is escaped. */
const inCell = (text) => text.replaceAll('|', '\\|');

function typeOf(spec) {
  if (spec.spec === 'embed') return section(spec.type.structName);
  return spec.length === undefined ? kinds[spec.spec] : `${kinds[spec.spec]} × ${spec.length}`;
}

function guardOf(spec) {
  if (spec.spec === 'embed') return 'its own fields';
  if (spec.guard === undefined) return 'atomic';
  const [kind, first, second] = spec.guard.split(':');
  if (kind === 'immutable') return 'immutable';
  if (kind === 'owned') return `owned by the ${first}`;
  if (kind === 'class') return `a lock of class ${second ?? first}`;
  return `\`${kind}\``;
}

function structSection({ name, path, about, spec, size, aligned, layout }) {
  const rows = layout.map((field) => {
    const of = spec[field.name];
    return `| ${field.off} | ${field.words} | \`${field.name}\` | ${typeOf(of)} | ${guardOf(of)} | ${inCell(about[field.name])} |`;
  });
  return [
    `### ${name}`,
    '',
    `${size} words${aligned ? ', on a cache line' : ''}; declared in [${path}](../${path}).`,
    '',
    '| offset | words | field | type | guard | what it is |',
    '|---:|---:|---|---|---|---|',
    ...rows,
    '',
  ];
}

export function layoutsPage({ structs }) {
  const layers = [
    ['src/shared-mem/', 'Shared memory'],
    ['src/kernel/', 'Kernel'],
  ];
  const lines = [
    '# The layout of the memory',
    '',
    'One SharedArrayBuffer holds the whole machine. A pointer is the index of an int32 word; offsets and sizes are in',
    'words of 4 bytes. Where each region begins is computed in [src/kernel/boot/plan.ts](../src/kernel/boot/plan.ts).',
    '',
    'The guard of a field says who may touch it, and with `checks` on every access is held against it:',
    '',
    '| guard | means |',
    '|---|---|',
    '| atomic | anybody, through the atomic door |',
    '| immutable | written before the record is published, then only read |',
    '| `name` | the holder of the lock of that name in the same record |',
    '| a lock of class x | the holder of any lock of that class; see [locks.md](locks.md) |',
    '| owned by the x | one CPU at a time by construction: the CPU itself, the home CPU of a task, the holder of what contains it; not checked |',
    '| its own fields | a struct inside a struct |',
    '',
  ];
  for (const [folder, title] of layers) {
    const own = structs.filter(({ path }) => path.startsWith(folder));
    lines.push(`## ${title}`, '', own.map(({ name, size }) => `${section(name)} (${size})`).join(' · '), '');
    for (const each of own) lines.push(...structSection(each));
  }
  return lines;
}
