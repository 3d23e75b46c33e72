// A guest that waits for what never comes: nobody else has the pipe's other end.
import { alloc, makePipe, sys } from 'smplab/guest';

/** @returns {import('smplab/guest').Guest} */
export function* main() {
  const pipe = yield* makePipe();
  return yield sys.read(pipe.read, alloc(8), 8);
}
