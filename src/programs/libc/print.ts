/**
 * A line for a person, from inside a guest. It leaves the machine at once, beside stdout, and costs host time.
 */
import { writeSync } from 'node:fs';

export function print(text: string): void {
  writeSync(2, `${text}\n`);
}
