#!/usr/bin/env node
// The command: hands over to the built command line. Says what to do where nothing is built yet.
import { existsSync } from 'node:fs';
import { fileURLToPath } from 'node:url';

const built = new URL('../dist/cli.js', import.meta.url);

if (existsSync(fileURLToPath(built))) {
  await import(built.href);
} else {
  process.stderr.write('smplab is not built. Run `npm ci` (which builds) or `npm run build` in its directory.\n');
  process.exitCode = 4; // the environment is not usable; see the table of exit codes in the README
}
