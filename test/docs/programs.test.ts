/**
 * Promises of docs/programs.md: every program has its section, every section its program, and every option that it shows
 * is one that the program has.
 */
import { readdirSync, readFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { describe, expect, test } from 'vitest';
import { openingSentence } from '../../src/cli/package.ts';

const project = fileURLToPath(new URL('../..', import.meta.url));
const read = (path: string): string => readFileSync(`${project}/${path}`, 'utf8');
const tour = read('docs/programs.md');
const programs = readdirSync(`${project}/src/programs`)
  .filter((name) => name.endsWith('.ts'))
  .map((name) => name.slice(0, -3))
  .sort();

/** A program's source, and that of the rooms that belong to it alone. */
function sourceOf(program: string): string {
  const folder = `src/programs/${program}`;
  const files = readdirSync(`${project}/src/programs`).includes(program) ? readdirSync(`${project}/${folder}`) : [];
  return [`${folder}.ts`, ...files.map((file) => `${folder}/${file}`)].map(read).join('\n');
}

describe('the tour of the programs', () => {
  test('leaves none out, and names none that is not there', () => {
    const sections = [...tour.matchAll(/^## (\S+)$/gm)].map(([, name]) => name!);
    const listed = [...tour.matchAll(/^\| \[(\S+)\]\(#/gm)].map(([, name]) => name!);
    expect(sections.sort()).toEqual(programs);
    expect(listed.sort()).toEqual(programs);
  });

  test('shows only options that the program has', () => {
    const shown = [...tour.matchAll(/smplab run (\S+)((?: --set \w+=\S+)+)/g)].flatMap(([, program, sets]) =>
      [...sets!.matchAll(/--set (\w+)=/g)].map(([, option]) => [program!, option!] as const),
    );
    expect(shown.length).toBeGreaterThan(3);
    for (const [program, option] of shown) expect(sourceOf(program)).toMatch(new RegExp(`readonly ${option}\\?:`));
  });

  test.each(programs)('%s opens with a sentence for `smplab list`, and with how it is run', (program) => {
    const source = read(`src/programs/${program}.ts`);
    const sentence = openingSentence(source);
    expect(sentence).toMatch(/^[A-Z].*\.$/);
    // It stands in a line of the list.
    expect(sentence.length).toBeLessThan(110);
    expect(source).toContain(` *     smplab run ${program}`);
  });
});
