// The threads of a case. Apart from the schema, because the guest program needs them and no schema library.

import type { ConformCase, Step } from './schema.ts';

/** Every thread of a case and its steps, the first one under `main`. */
export function threadsOf(one: ConformCase): Readonly<Record<string, readonly Step[]>> {
  return { main: one.main, ...one.threads };
}
