// Where the bundled conformance cases lie: in the package's `data/conformance`, from a checkout and from the built
// package alike. The cases carry the answers of a real kernel, x86_64 and 6.18.

import { existsSync, readdirSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';

/** This module is two folders deep in the sources, and one deep once it is built. */
const PACKAGE_ROOTS: readonly string[] = ['../..', '..'];

export function bundledCaseDirectory(): string {
  const here = dirname(fileURLToPath(import.meta.url));
  for (const root of PACKAGE_ROOTS) {
    const directory = join(here, root, 'data', 'conformance');
    if (existsSync(directory)) return directory;
  }
  throw new Error(`the bundled conformance cases are missing: no data/conformance above ${here}`);
}

export function bundledCaseFiles(): readonly string[] {
  const directory = bundledCaseDirectory();
  const names = readdirSync(directory).filter((name) => name.endsWith('.json') || name.endsWith('.json.gz'));
  return names.sort().map((name) => join(directory, name));
}
