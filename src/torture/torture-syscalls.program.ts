/**
 * Random system calls from many threads of several processes, each answer judged as it comes (src/programs/torture).
 * Started by syscalls.ts, which boots the machine and looks at it from outside.
 *
 *     main        handlers, memory that its threads share, workers on every CPU; waits, then gives everything back
 *     worker      its share of the calls
 *     watcher     sends a signal to whoever has been in one call for too long: no wait is for ever
 *     nestling    a thread that lives for a few calls; hatchling: a child; reborn: what a child becomes by execve
 */
import {
  alloc,
  allocString,
  allocTimespec,
  atomicAdd32,
  atomicLoad32,
  atomicStore32,
  compareExchange32,
  dataSegment,
  ECHILD,
  entryOf,
  ESRCH,
  type Guest,
  load32,
  loadString,
  SA_RESTART,
  SIGCHLD,
  SIGKILL,
  sigaction,
  SIGUSR1,
  startThread,
  store32,
  store64,
  sys,
  trap,
  WNOHANG,
} from '../programs/libc/index.ts';
import type { SyscallName } from '../kernel/abi/syscalls.ts';
import { ENDED, TortureBoard } from '../programs/torture/board.ts';
import { ALARM_SIGNAL, SENT_SIGNALS, SET_OF_SENT } from '../programs/torture/build-arguments.ts';
import { Caller, type Entries, type Recipe, type Shared } from '../programs/torture/caller.ts';
import { HINTS_BYTES } from '../programs/torture/descriptors.ts';
import { Random } from '../programs/torture/random.ts';
import { recipesFor, type Role } from '../programs/torture/recipes.ts';
import {
  CHILD_CODE,
  FREE,
  NEST_BYTES,
  NESTS,
  REAPED_WORDS,
  REBORN_CODE,
  scratchOfNest,
  THREAD_NESTS,
} from '../programs/torture/recipes-processes.ts';
import { TIDS_MAX } from '../programs/torture/recipes-signals.ts';
import { FUTEX_WORDS } from '../programs/torture/recipes-waits.ts';

export interface SyscallTortureOptions {
  readonly board: SharedArrayBuffer;
  readonly process: number;
  readonly processes: number;
  readonly seed: number;
  /** Of each worker. */
  readonly calls: number;
  readonly workers: number;
  readonly cpus: number;
  /** What the kernel answers. */
  readonly names: readonly SyscallName[];
}

/** The words of the data segment: where what is shared lies, signals handled, and the watcher's order to end. */
const SHARED_AT = 0;
const HANDLED_AT = 4;
const WATCH_AT = 8;
const LIVES_AT = 12;
const WATCHING = 1;

const WATCH_NS = 1e6;
const LIFE_CALLS = 12;
const STREAMS = 1000;

/** What a CPU keeps of a program: recipes are the same for all callers. */
const recipes = new Map<string, readonly Recipe[]>();
function recipesOf(options: SyscallTortureOptions, role: Role): readonly Recipe[] {
  const key = `${trap.abi} ${role}`;
  const known = recipes.get(key) ?? recipesFor(options.names, role);
  recipes.set(key, known);
  return known;
}

function sharedAt(base: number): Shared {
  const hints = base;
  const futexes = Math.ceil((hints + HINTS_BYTES) / 8) * 8;
  const tids = futexes + FUTEX_WORDS * 4;
  const children = tids + TIDS_MAX * 4;
  const nests = children + REAPED_WORDS * 4;
  return { hints, futexes, tids, children, nests };
}
const SHARED_BYTES = HINTS_BYTES + 8 + FUTEX_WORDS * 4 + TIDS_MAX * 4 + REAPED_WORDS * 4 + NESTS * NEST_BYTES;

/** Where the threads of this process, or of the one that it is a copy of, share their memory. */
function shared(): Shared {
  return sharedAt(trap.userBase + load32(dataSegment() + SHARED_AT));
}

function entries(): Entries {
  return {
    handler: entryOf(onSignal),
    deepHandler: entryOf(onSignalDeeply),
    nestling: entryOf(nestling),
    hatchling: entryOf(hatchling),
  };
}

/** The place on the board of worker `index` of this process. */
function boardPlace(options: SyscallTortureOptions, index: number): number {
  return options.process * (options.workers + NESTS) + index;
}

export function* onSignal(): Guest {
  atomicAdd32(dataSegment() + HANDLED_AT, 1);
  yield sys.gettid();
  return 0;
}

/** Now and then another signal, so that handlers stand on handlers. */
export function* onSignalDeeply(): Guest {
  const count = atomicAdd32(dataSegment() + HANDLED_AT, 1);
  if (count % 4 === 0) yield sys.tgkill(trap.pid, trap.tid, SIGUSR1);
  yield sys.sched_yield();
  return 0;
}

/** Every short life is another one. */
function makeCaller(options: SyscallTortureOptions, index: number, role: Role, scratchAt = 0): Caller {
  const life = role !== 'worker' ? 1 + atomicAdd32(dataSegment() + LIVES_AT, 1) : 0;
  return new Caller({
    board: new TortureBoard(options.board),
    worker: boardPlace(options, index),
    shared: shared(),
    entries: entries(),
    recipes: recipesOf(options, role),
    seed: options.seed,
    stream: boardPlace(options, index) + life * STREAMS,
    scratchAt,
  });
}

/** Known to others for as long as it lives, which so can send it signals. */
function enlist(c: Caller): number {
  for (let place = 0; place < TIDS_MAX; place++) {
    if (compareExchange32(c.shared.tids + place * 4, 0, trap.tid) === 0) return place;
  }
  return -1;
}
function leave(c: Caller, place: number): void {
  if (place >= 0) atomicStore32(c.shared.tids + place * 4, 0);
}

export function* worker(index: number, options: SyscallTortureOptions): Guest {
  const c = makeCaller(options, index, 'worker');
  const place = enlist(c);
  c.board.begin(c.worker);
  for (let call = 0; call < options.calls && !c.board.stopped; call++) yield* c.one();
  leave(c, place);
  c.board.end(c.worker);
  return 0;
}

/** A thread of a few calls. Its nest is cleared when it has ended. */
export function* nestling(nest: number, options: SyscallTortureOptions): Guest {
  const c = makeCaller(options, options.workers + nest, 'nestling', scratchOfNest(shared().nests, nest));
  const place = enlist(c);
  for (let calls = c.random.below(LIFE_CALLS); calls > 0 && !c.board.stopped; calls--) yield* c.one();
  leave(c, place);
  if (c.random.once(4)) return 0;
  const number = sys.exit(c.random.below(256));
  c.noteLast('exit');
  c.failed('exit', yield number);
  return 1;
}

/** A child of a few calls. Its parent's process looks at how it ended. */
export function* hatchling(nest: number, options: SyscallTortureOptions): Guest {
  // Where the memory is borrowed its parent cannot say who moved in, for it waits.
  const home = shared().nests + nest * NEST_BYTES;
  compareExchange32(home, Math.min(0, atomicLoad32(home)), trap.pid);
  const c = makeCaller(options, options.workers + nest, 'child', scratchOfNest(shared().nests, nest));
  for (let calls = c.random.below(LIFE_CALLS); calls > 0 && !c.board.stopped; calls--) yield* c.one();
  const code = CHILD_CODE + nest;
  const end = c.random.below(8);
  if (end === 0) return code;
  if (end === 1) {
    const number = sys.kill(trap.pid, SIGKILL);
    c.noteLast('kill');
    c.failed('kill', yield number);
    return 1;
  }
  if (end <= 3) {
    const argv = alloc(24);
    store64(argv, allocString('reborn'));
    store64(argv + 8, allocString(String(nest)));
    store64(argv + 16, 0);
    const number = sys.execve(allocString(`/entry/${entryOf(reborn)}`), argv, 0);
    c.noteLast('execve');
    const result = yield number;
    // Memory for one more program may be short, and a child that borrowed its parent's may have been refused it.
    if (result > 0) c.failed('execve', result);
    return code;
  }
  const number = sys.exit_group(code);
  c.noteLast('exit_group');
  c.failed('exit_group', yield number);
  return 1;
}

/** What a child has become: nothing of its memory is left, its descriptors are. */
export function* reborn(stack: number, options: SyscallTortureOptions): Guest {
  const nest = Number(loadString(load32(stack + 16), 1));
  const base = alloc(SHARED_BYTES);
  store32(dataSegment() + SHARED_AT, base - trap.userBase);
  const c = makeCaller(options, options.workers + nest, 'child', scratchOfNest(shared().nests, nest));
  for (let fd = 0; fd < 8; fd++) c.fds.note(fd, 1 + (fd % 8));
  for (let calls = c.random.below(LIFE_CALLS); calls > 0 && !c.board.stopped; calls--) yield* c.one();
  return REBORN_CODE;
}

/** Wakes threads and children that have been where they are since its last look. */
export function* watcher(_: number, options: SyscallTortureOptions): Guest {
  const s = shared();
  const board = new TortureBoard(options.board);
  const pause = allocTimespec(WATCH_NS);
  let before = -1;
  for (let turn = 0; atomicLoad32(dataSegment() + WATCH_AT) === WATCHING; turn++) {
    yield sys.nanosleep(pause, 0);
    const now = operationsOf(board, options);
    // As long as most are busy, only every fourth turn looks for the others.
    if (now !== before && turn % 4 !== 0) {
      before = now;
      continue;
    }
    before = now;
    for (let place = 0; place < TIDS_MAX; place++) {
      const tid = atomicLoad32(s.tids + place * 4);
      if (tid !== 0) yield sys.tgkill(trap.pid, tid, ALARM_SIGNAL);
    }
    for (let nest = THREAD_NESTS; nest < NESTS; nest++) {
      const at = s.nests + nest * NEST_BYTES;
      const pid = atomicLoad32(at);
      // One whose end its parent ignores leaves nothing to wait for.
      if (pid > 0 && (yield sys.kill(pid, ALARM_SIGNAL)) === -ESRCH) compareExchange32(at, pid, FREE);
    }
  }
  return 0;
}

function operationsOf(board: TortureBoard, options: SyscallTortureOptions): number {
  let sum = 0;
  for (let index = 0; index < options.workers; index++) sum += board.operationsOf(boardPlace(options, index));
  return sum;
}

function* sleep(ns: number): Guest<void> {
  const at = dataSegment() + 16;
  store64(at, 0);
  store64(at + 8, ns);
  yield sys.nanosleep(at, 0);
}

export function* main(_: number, options: SyscallTortureOptions): Guest {
  const board = new TortureBoard(options.board);
  const base = alloc(SHARED_BYTES);
  store32(dataSegment() + SHARED_AT, base - trap.userBase);
  for (const signal of SENT_SIGNALS) yield* sigaction(signal, onSignal, SA_RESTART, SET_OF_SENT);
  yield* sigaction(ALARM_SIGNAL, onSignal, 0, SET_OF_SENT);
  board.arrive(options.process, trap.pid, options.processes);
  while (!board.allArrived) yield* sleep(WATCH_NS);
  atomicStore32(dataSegment() + WATCH_AT, WATCHING);
  const watching = yield* startThread(watcher, 0, options.process % options.cpus);
  for (let index = 0; index < options.workers; index++) {
    yield* startThread(worker, index, (options.process + index) % options.cpus);
  }
  for (let index = 0; index < options.workers; index++) {
    while (board.state(boardPlace(options, index)) !== ENDED) yield* sleep(WATCH_NS);
  }
  // Whoever was begotten last comes to its end as well, with the watcher's help.
  const s = sharedAt(base);
  for (let nest = 0; nest < THREAD_NESTS; nest++) {
    while (atomicLoad32(s.nests + nest * NEST_BYTES) !== FREE) yield* sleep(WATCH_NS);
  }
  yield* sigaction(SIGCHLD, 0);
  while ((yield sys.wait4(-1, 0, WNOHANG, 0)) !== -ECHILD) yield* sleep(WATCH_NS / 4);
  atomicStore32(dataSegment() + WATCH_AT, 0);
  while (atomicLoad32(watching.aliveAt) !== 0) yield* sleep(WATCH_NS);
  // Half of the processes leave everything to their end.
  if (options.process % 2 === 0 && new Random(options.seed, options.process).once(2)) yield sys.close_range(0, 1023, 0);
  return 0;
}
