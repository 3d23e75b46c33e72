// A guest: two threads on two CPUs hand a message back and forth through two pipes.
//
// A task is a generator; `yield` is its trap instruction, and `yield*` calls a generator of one's own or of the libc.
// Whatever a thread begins at is exported by the module.
import { alloc, check, join, load32, makePipe, startThread, store32, sys } from 'smplab/guest';

/**
 * Answers every message until the pipe ends.
 * @param {number} ends user memory with the two descriptors
 * @returns {import('smplab/guest').Guest}
 */
export function* answerer(ends) {
  const input = load32(ends);
  const output = load32(ends + 4);
  const message = alloc(8);
  while (check(yield sys.read(input, message, 8), 'read') > 0) {
    check(yield sys.write(output, message, 8), 'write');
  }
  return 0;
}

/**
 * @param {number} _argument
 * @param {{ rounds?: number } | undefined} options what the host passes as `argv`
 * @returns {import('smplab/guest').Guest} the exit code
 */
export function* main(_argument, options) {
  const rounds = options?.rounds ?? 1000;
  const there = yield* makePipe();
  const back = yield* makePipe();
  const ends = alloc(8);
  store32(ends, there.read);
  store32(ends + 4, back.write);
  const thread = yield* startThread(answerer, ends, 1);
  const message = alloc(8);
  for (let round = 0; round < rounds; round++) {
    store32(message, round);
    check(yield sys.write(there.write, message, 8), 'write');
    store32(message, -1);
    check(yield sys.read(back.read, message, 8), 'read');
    if (load32(message) !== round) return 1;
  }
  yield sys.close(there.write); // the answerer reads the end of the file
  yield* join(thread);
  return 0;
}
