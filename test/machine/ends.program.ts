// Programs that end in every way a program can.
import { alloc, type Guest, SIGKILL, sys } from '../../src/programs/libc/index.ts';

export function* returnsSeven(): Guest {
  yield sys.getpid();
  return 7;
}
/** Traps oftener than the flight recorder has places, and then sleeps for ever. */
export function* sleepsAfterMuch(): Guest {
  for (let i = 0; i < 100; i++) yield sys.getpid();
  return yield* sleepsForEver();
}

export function* sleepsForEver(): Guest {
  const fd = yield sys.eventfd2(0, 0);
  return yield sys.read(fd, alloc(8), 8);
}
export function* throwsAway(): Guest {
  yield sys.getpid();
  throw new Error('thrown on purpose');
}
export function* leavesTheProcess(): Guest {
  yield sys.getpid();
  process.exit(5);
}
export function* opensFiles(): Guest {
  return yield sys.eventfd2(0, 0);
}
export function* killsItself(): Guest {
  yield sys.kill(yield sys.getpid(), SIGKILL);
  return 0;
}
