// The published schema of smplab.config.json says what the command accepts: the same names, defaults and ranges.
import { readFileSync } from 'node:fs';
import { describe, expect, test } from 'vitest';
import { SETTINGS } from '../../src/cli/settings-table.ts';
import { BOOT_OPTION_NAMES, bootOptionsSchema, problemWith } from '../../src/machine/config.ts';

interface Property {
  readonly description: string;
  readonly default: unknown;
  readonly minimum?: number;
  readonly maximum?: number;
  readonly enum?: readonly string[];
  readonly anyOf?: readonly Property[];
}

const schema = JSON.parse(readFileSync(new URL('../../smplab.config.schema.json', import.meta.url), 'utf8')) as {
  readonly additionalProperties: boolean;
  readonly properties: Readonly<Record<string, Property>>;
};
const { $schema: _, ...properties } = schema.properties;

test('it has every option of a machine and nothing else, each with what it means', () => {
  expect(Object.keys(properties)).toEqual([...BOOT_OPTION_NAMES]);
  expect(schema.additionalProperties).toBe(false);
  for (const [name, { description }] of Object.entries(properties)) expect(description, name).toMatch(/^[A-Z].*\.$/);
});

test('every option can be set by variable or file', () => {
  expect(SETTINGS.map(({ name }) => name).sort()).toEqual([...BOOT_OPTION_NAMES].sort());
});

test('its defaults are those of a machine that is told nothing', () => {
  const defaults = Object.fromEntries(Object.entries(properties).map(([name, { default: value }]) => [name, value]));
  expect(defaults).toEqual(bootOptionsSchema.parse({}));
});

describe('its ranges are where a value is refused', () => {
  test.each(Object.entries(properties))('%s', (key, property) => {
    const name = key as (typeof BOOT_OPTION_NAMES)[number];
    const { minimum, maximum, enum: names } = property.anyOf?.[0] ?? property;
    for (const each of names ?? []) expect(problemWith(name, each)).toBeUndefined();
    if (names !== undefined) expect(problemWith(name, `${names[0]!}x`)).toContain('did you mean');
    if (minimum !== undefined && maximum !== undefined) {
      for (const value of [minimum, maximum]) expect(problemWith(name, value)).toBeUndefined();
      for (const value of [minimum - 1, maximum + 1, Number.NaN, Number.POSITIVE_INFINITY]) {
        expect(problemWith(name, value)).toContain('is not a');
      }
    }
    for (const value of [null, [], {}, 'nonsense, and long'.repeat(9)]) {
      expect(problemWith(name, value), String(value)).toMatch(/ is not |unknown|no lock/);
    }
  });
});
