/**
 * Promise: each step of this kernel's own arguments that the zoo leaves out, or does in the wrong order, is missed: its bug is
 * found, as what it is, within the schedules that it names.
 */
import { expect, it } from 'vitest';
import { bugs } from '../../src/explore/zoo/index.ts';
import { searchFor } from './zoo-tools.ts';

it.each(bugs.filter(({ number }) => number === undefined))('$name is found by $scenario', async (bug) => {
  const { found } = await searchFor(bug);
  expect(found?.kind, found?.message).toBe(bug.finds);
});
