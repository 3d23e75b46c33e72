// Births and ends at random on every CPU: children, orphans, threads, programs; killed, waited for, ignored. What is left
// afterwards is for the census; `main` answers how many births were refused for want of room, which is no fault.
import {
  alloc,
  allocTimespec,
  atomicAdd32,
  CLONE_PARENT,
  CLONE_VFORK,
  CLONE_VM,
  cloneProcess,
  ECHILD,
  execve,
  fork,
  type Guest,
  join,
  PR_SET_CHILD_SUBREAPER,
  SIGCHLD,
  SIGKILL,
  SIGTERM,
  startThread,
  sys,
  trap,
  waitpid,
  WNOHANG,
} from '../../src/programs/libc/index.ts';

/** A small generator of numbers, one a task: the same seed, the same life. */
function random(seed: number): (below: number) => number {
  let state = (seed * 2654435761) | 1;
  return (below) => {
    state ^= state << 13;
    state ^= state >>> 17;
    state ^= state << 5;
    return (state >>> 0) % below;
  };
}

function* rest(ns: number): Guest {
  return yield sys.nanosleep(allocTimespec(ns), 0);
}

export function* naps(seed: number): Guest {
  if (seed % 3 !== 0) yield* rest((seed % 7) * 50_000);
  return seed & 0x7f;
}
export function* becomesNothing(): Guest {
  yield sys.sched_yield();
  return 0;
}
export function* becomesAnother(seed: number): Guest {
  if (seed % 2 === 0) yield* startThread(naps, seed);
  return yield* execve(becomesNothing, ['x']);
}
/** Has children of its own and leaves them behind. */
export function* abandons(seed: number): Guest {
  yield* cloneProcess(CLONE_VM | SIGCHLD, naps, seed + 1);
  if (seed % 2 === 0) yield* cloneProcess(CLONE_VM | SIGCHLD, abandons, (seed >> 1) | 1);
  return 0;
}
export function* threaded(seed: number): Guest {
  const threads = [yield* startThread(naps, seed), yield* startThread(naps, seed + 2)];
  if (seed % 3 === 0) yield sys.exit_group(1);
  for (const thread of threads) yield* join(thread);
  return 0;
}

const LIVES = [naps, becomesAnother, abandons, threaded];
const FLAGS = [CLONE_VM | SIGCHLD, CLONE_VM | CLONE_VFORK | SIGCHLD, CLONE_VM | CLONE_PARENT | SIGCHLD];

/** One of those who bear: `rounds` births, every second one waited for. */
export function* bears(seed: number): Guest {
  const next = random(seed);
  const refused = alloc(8);
  for (let round = 0; round < 150; round++) {
    const life = LIVES[next(LIVES.length)]!;
    const copied = next(8) === 0;
    const pid = copied ? yield* fork(life, next(1000)) : yield* cloneProcess(FLAGS[next(3)]!, life, next(1000));
    if (pid < 0) atomicAdd32(refused, 1);
    if (pid > 0 && next(3) === 0) yield sys.kill(pid, next(2) === 0 ? SIGKILL : SIGTERM);
    if (next(2) === 0) yield* waitpid(next(2) === 0 ? -1 : pid, WNOHANG);
    else if (pid > 0) yield* waitpid(pid);
    if (next(16) === 0) yield* rest(100_000);
  }
  return 0;
}

export function* main(_argument: number, seed: string): Guest {
  yield sys.prctl(PR_SET_CHILD_SUBREAPER, Number(seed) % 2, 0, 0, 0);
  for (let i = 0; i < 4; i++) yield* cloneProcess(CLONE_VM | SIGCHLD, bears, Number(seed) * 16 + i, i % 2);
  for (;;) {
    const child = yield* waitpid(-1);
    if (child.pid === -ECHILD) break;
    if (child.pid < 0) return 1;
  }
  // Orphans that went to the outside may still be at it; they are of this group, and end with it.
  yield* rest(5_000_000);
  yield sys.kill(0, 0);
  return trap.pid > 0 ? 0 : 1;
}
