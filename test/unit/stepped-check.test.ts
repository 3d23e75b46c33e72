/**
 * Promise: the proof of the emitted tree finds every call, and every operation of the door, that was not converted, or
 * not wholly. Proved by leaving them out: in a toy each by itself, in the kernel as many at once as do not touch.
 */
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { beforeAll, describe, expect, it } from 'vitest';
import type { Complaint } from '../../src/stepped/ast.ts';
import type { Omission, Site } from '../../src/stepped/emit.ts';
import { proveTree } from '../../src/stepped/proof.ts';
import { KERNEL_ROOTS } from '../../src/stepped/sources.ts';
import { steppedTree } from '../../src/stepped/tree.ts';

const project = fileURLToPath(new URL('../..', import.meta.url));
const TOY_ROOTS = ['src/shared-mem', 'test/fixtures/toy-kernel'];

interface Hole extends Site {
  readonly file: string;
  readonly omission: Omission;
  /** the call, as the source has it */
  readonly text: string;
}

/**
 * Leaves out what `wanted` says, as far as no two holes are of one call or stand on one line, and has the tree proved.
 * @returns the holes, and those that nobody complained of
 */
function proveWithHoles(roots: readonly string[], wanted: (file: string, site: Site) => Omission | undefined) {
  const holes: Hole[] = [];
  const sources = new Map<string, string>();
  const sourceOf = (file: string): string => {
    const source = sources.get(file) ?? readFileSync(join(project, file), 'utf8');
    sources.set(file, source);
    return source;
  };
  const touches = (source: string, one: Site, other: Site): boolean => {
    const [first, last] = one.start < other.start ? [one, other] : [other, one];
    return last.start < first.end || !source.slice(first.start, last.start).includes('\n');
  };
  const { files, compiled } = steppedTree(project, roots, (file, site) => {
    const omission = wanted(file, site);
    const source = sourceOf(file);
    if (omission === undefined || holes.some((hole) => hole.file === file && touches(source, hole, site)))
      return undefined;
    holes.push({ ...site, file, omission, text: source.slice(site.start, site.end) });
    return omission;
  });
  const complaints = proveTree(project, files, compiled.files);
  const offsetOf = ({ file, line, column }: Complaint): number => {
    let start = 0;
    for (let i = 1; i < line; i++) start = sourceOf(file).indexOf('\n', start) + 1;
    return start + column - 1;
  };
  const places = complaints.map((complaint) => ({ file: complaint.file, at: offsetOf(complaint) }));
  const missed = holes.filter(
    ({ file, start, end }) => !places.some((place) => place.file === file && place.at >= start && place.at < end),
  );
  return { holes, missed, complaints };
}

describe('the proof of the emitted tree', () => {
  it('passes what was compiled whole', { timeout: 60_000 }, () => {
    const { files, compiled } = steppedTree(project, TOY_ROOTS);
    expect(compiled.complaints).toEqual([]);
    expect(compiled.generators).toBeGreaterThan(20);
    expect(proveTree(project, files, compiled.files)).toEqual([]);
  });

  describe('with holes in the kernel', () => {
    let kernel: ReturnType<typeof proveWithHoles>;
    let count = 0;
    beforeAll(() => {
      kernel = proveWithHoles(KERNEL_ROOTS, () => (count++ % 2 === 0 ? 'conversion' : 'yield'));
    }, 120_000);

    it.each(['conversion', 'yield'] as const)('finds each of which the %s was left out', (omission) => {
      const of = (hole: Hole): boolean => hole.omission === omission;
      console.log(
        `${omission}: ${kernel.holes.filter(of).length - kernel.missed.filter(of).length} of ${kernel.holes.filter(of).length} refused`,
      );
      expect(kernel.missed.filter(of)).toEqual([]);
      expect(kernel.holes.filter(of).length).toBeGreaterThan(500);
    });

    it('complains of nothing else', () => {
      const files = new Set(kernel.holes.map(({ file }) => file));
      expect(kernel.complaints.filter(({ file }) => !files.has(file))).toEqual([]);
    });
  });
});
