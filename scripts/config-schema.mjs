// The JSON schema of smplab.config.json, for editors: names, ranges and defaults from the schema that checks them
// (src/machine/config.ts), what each means from the comments of src/machine/boot-options.ts.
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { build } from 'esbuild';
import { parseSync } from 'oxc-parser';
import { z } from 'zod';

const optionsFile = 'src/machine/boot-options.ts';

/** What the interface's comments say, by option. */
function commentsOf(root) {
  const text = readFileSync(join(root, optionsFile), 'utf8');
  const { program, comments } = parseSync(optionsFile, text);
  const declared = program.body
    .map((node) => node.declaration ?? node)
    .find((node) => node.type === 'TSInterfaceDeclaration' && node.id.name === 'BootOptions');
  return new Map(
    declared.body.body.map((member) => {
      const comment = comments.findLast(({ end }) => end <= member.start);
      const words = comment.value.split('\n').map((line) => line.replace(/^\s*\*?\s?/, '').trim());
      return [member.key.name, words.join(' ').trim()];
    }),
  );
}

/** Settings that a person may write with a unit, and those of which some verbs take several. */
const TIME = { type: 'string', pattern: '^\\d+(\\.\\d+)?\\s*(ns|us|ms|s)$' };
const several = (one) => ({ anyOf: [one, { type: 'array', items: one, minItems: 1, uniqueItems: true }] });
const written = {
  idleSpinNs: (one) => ({ anyOf: [one, TIME] }),
  cpus: several,
  epoll: several,
};

/** @returns the schema's text */
export async function configSchema(root) {
  const { outputFiles } = await build({
    absWorkingDir: root,
    stdin: { contents: `export { bootOptionsSchema } from './src/machine/config.ts';`, resolveDir: root },
    bundle: true,
    format: 'esm',
    platform: 'node',
    packages: 'bundle',
    write: false,
    logLevel: 'silent',
  });
  const code = Buffer.from(outputFiles[0].text).toString('base64');
  const { bootOptionsSchema } = await import(`data:text/javascript;base64,${code}`);
  const { properties } = z.toJSONSchema(bootOptionsSchema, { io: 'input' });
  const comments = commentsOf(root);
  const described = Object.entries(properties).map(([name, own]) => {
    const { default: fallback, ...type } = own;
    const description = comments.get(name);
    if (description === undefined) throw new Error(`${optionsFile}: ${name} has no comment`);
    return [name, { description, default: fallback, ...(written[name]?.(type) ?? type) }];
  });
  const schema = {
    $schema: 'https://json-schema.org/draft/2020-12/schema',
    title: 'smplab.config.json',
    description: 'Settings of the machines that smplab boots; a flag or a variable goes before them.',
    type: 'object',
    additionalProperties: false,
    properties: { $schema: { type: 'string' }, ...Object.fromEntries(described) },
  };
  return `${JSON.stringify(schema, null, 2)}\n`;
}
