/**
 * A schedule on one line: version, a hash of the compiled modules' operations, and the turns. Whoever has the same modules
 * runs the same schedule with it; with others it is refused, since it would mean something else.
 */
import { pack, unpack } from '../explore/engine/packed.ts';
import { UsageError } from './problem.ts';

const VERSION = 'smplab1';

/** @param impatient threads whose loops give up, a bit each */
export function tokenOf(order: readonly number[], impatient: number, modules: number): string {
  const numbers = [impatient];
  for (let i = 0; i < order.length; ) {
    const thread = order[i]!;
    let count = 0;
    for (; order[i] === thread; i++) count++;
    numbers.push(thread, count);
  }
  return `${VERSION}-${hex(modules)}-${pack(numbers)}`;
}

/** What a token says: the order in which threads go, and the hash that the modules must have. */
export function readToken(token: string): {
  readonly order: readonly number[];
  readonly impatient: number;
  readonly modules: string;
} {
  const match = /^(smplab\d+)-([0-9a-f]{8})-([\w-]*)$/.exec(token.trim());
  if (match === null) throw new UsageError(`not a token of a schedule: ${token}`);
  const [, version, modules = '', packed = ''] = match;
  if (version !== VERSION) throw new UsageError(`the token is one of ${version}, and this is ${VERSION}`);
  const numbers = unpack(packed);
  if (numbers === undefined) throw new UsageError(`the token was cut off: ${token}`);
  const order: number[] = [];
  const [impatient = 0] = numbers;
  for (let i = 1; i + 1 < numbers.length; i += 2) for (let n = numbers[i + 1]!; n > 0; n--) order.push(numbers[i]!);
  return { order, impatient, modules };
}

/** @throws if the modules that the token's run came through are not what they were */
export function checkModules(token: string, modules: number): void {
  const wanted = readToken(token).modules;
  if (wanted === hex(modules)) return;
  throw new UsageError(
    `the token is of modules ${wanted}, and these are ${hex(modules)}: they have changed since it was made`,
  );
}

function hex(hash: number): string {
  return (hash >>> 0).toString(16).padStart(8, '0');
}
