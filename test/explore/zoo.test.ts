/**
 * Promise: every bug of the zoo that the reproduced projects met is found, as what it is, within the schedules that it names.
 */
import { expect, it } from 'vitest';
import { bugs } from '../../src/explore/zoo/index.ts';
import { kernelWith, searchFor } from './zoo-tools.ts';

const numbered = bugs.filter(({ number }) => number !== undefined);

it.each(numbered)('$name is found by $scenario', async (bug) => {
  const { found } = await searchFor(bug);
  expect(found?.kind, found?.message).toBe(bug.finds);
});

it.each(numbered.filter(({ memory }) => memory === 'tso'))(
  '$name is none where stores are not delayed',
  async (bug) => {
    const { memory: _, ...stronger } = bug;
    const { found } = await searchFor({ ...stronger, schedules: 2000 });
    expect(found).toBeUndefined();
  },
);

it('numbers at least 24 of the thirty, each once', () => {
  expect(new Set(numbered.map(({ number }) => number)).size).toBe(numbered.length);
  expect(numbered.length).toBeGreaterThanOrEqual(24);
  expect(numbered.find(({ number }) => number === 2)?.name).toBe('lost-wakeup');
});

it('names bugs and scenarios once, and every scenario that it needs', async () => {
  const { scenarios } = await kernelWith([]);
  const names = scenarios.map(({ name }) => name);
  expect(new Set(names).size).toBe(names.length);
  expect(new Set(bugs.map(({ name }) => name)).size).toBe(bugs.length);
  for (const { scenario, design } of bugs) {
    const where = scenarios.find(({ name }) => name === scenario);
    expect(where, scenario).toBeDefined();
    if (design !== undefined) expect(where!.designs).toContain(design);
  }
});
