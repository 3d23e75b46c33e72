// What a guest may rely on of futex operations on two words, and of the libc's conditions; `main` runs what argv names.
import {
  alloc,
  allocTimespec,
  atomicAdd32,
  atomicLoad32,
  atomicStore32,
  condBroadcast,
  condSignal,
  condWait,
  EAGAIN,
  EFAULT,
  EINTR,
  EINVAL,
  ENOSYS,
  ETIMEDOUT,
  FUTEX_CLOCK_REALTIME,
  FUTEX_CMP_REQUEUE,
  FUTEX_LOCK_PI,
  FUTEX_OP_ADD,
  FUTEX_OP_ANDN,
  FUTEX_OP_CMP_EQ,
  FUTEX_OP_CMP_GE,
  FUTEX_OP_CMP_GT,
  FUTEX_OP_CMP_LE,
  FUTEX_OP_CMP_LT,
  FUTEX_OP_CMP_NE,
  FUTEX_OP_OPARG_SHIFT,
  FUTEX_OP_OR,
  FUTEX_OP_SET,
  FUTEX_OP_XOR,
  FUTEX_PRIVATE_FLAG,
  FUTEX_REQUEUE,
  FUTEX_WAIT,
  FUTEX_WAIT_BITSET,
  FUTEX_WAKE,
  FUTEX_WAKE_BITSET,
  FUTEX_WAKE_OP,
  type Guest,
  join,
  lockMutex,
  sigaction,
  SIGUSR1,
  startThread,
  store64,
  sys,
  type Thread,
  unlockMutex,
} from '../../src/programs/libc/index.ts';

const MS = 1e6;
const P = FUTEX_PRIVATE_FLAG;
const MANY = 0x7fffffff;

function same(found: number, wanted: number, promise: string): void {
  if (found !== wanted) throw new Error(`broken promise: ${promise} (found ${found}, wanted ${wanted})`);
}
/** FUTEX_OP of linux/futex.h */
function wakeOp(op: number, oparg: number, cmp: number, cmparg: number): number {
  return (op << 28) | (cmp << 24) | ((oparg & 0xfff) << 12) | (cmparg & 0xfff);
}

function* argumentsAreChecked(): Guest {
  const a = alloc(16);
  const b = a + 8;
  const kernel = 0x7fffff00 + 0x100;
  const nowhere = 64;
  same(yield sys.futex(a, FUTEX_REQUEUE | P, -1, 0, b, 0), -EINVAL, 'a negative number to wake');
  same(yield sys.futex(a, FUTEX_REQUEUE | P, 1, -1, b, 0), -EINVAL, 'a negative number to move');
  same(yield sys.futex(a, FUTEX_CMP_REQUEUE | P, 1, 2 ** 32 + 1, b, 0), 0, 'which is cut to 32 bits');
  same(yield sys.futex(a + 1, FUTEX_REQUEUE | P, 1, 1, b, 0), -EINVAL, 'an odd address');
  same(yield sys.futex(a, FUTEX_REQUEUE | P, 1, 1, b + 2, 0), -EINVAL, 'an odd second address');
  same(yield sys.futex(kernel, FUTEX_REQUEUE | P, 1, 1, b + 2, 0), -EFAULT, 'the first is looked at first');
  same(yield sys.futex(nowhere, FUTEX_REQUEUE | P, 1, 1, b, 0), 0, 'a private address that leads nowhere');
  same(yield sys.futex(a, FUTEX_REQUEUE | P, 1, 1, nowhere, 0), 0, 'or a second one');
  same(yield sys.futex(nowhere, FUTEX_REQUEUE, 1, 1, b, 0), -EFAULT, 'a shared one must lead somewhere');
  same(yield sys.futex(a, FUTEX_REQUEUE, 1, 1, nowhere, 0), -EFAULT, 'the second too');
  same(yield sys.futex(nowhere, FUTEX_WAKE, 1, 0, 0, 0), -EFAULT, 'so of wakes');
  same(yield sys.futex(nowhere, FUTEX_WAKE | P, 1, 0, 0, 0), 0, 'but a private one finds nobody');
  same(yield sys.futex(nowhere, FUTEX_CMP_REQUEUE | P, 1, 1, b, 0), -EFAULT, 'a word to compare must be there');
  same(yield sys.futex(a, FUTEX_CMP_REQUEUE | P, 1, 1, b, 7), -EAGAIN, 'and be as expected');
  same(yield sys.futex(a, FUTEX_CMP_REQUEUE | P, 1, 1, nowhere, 7), -EAGAIN, 'before all else');
  for (const op of [FUTEX_WAKE, FUTEX_REQUEUE, FUTEX_WAKE_OP]) {
    same(yield sys.futex(a, op | FUTEX_CLOCK_REALTIME, 1, 0, b, 0), -ENOSYS, 'only waits know the wall clock');
  }
  const wall = FUTEX_WAIT | FUTEX_CLOCK_REALTIME;
  same(yield sys.futex(a, wall, 0, allocTimespec(MS), 0, 0), -ENOSYS, 'and of them not WAIT');
  const bad = alloc(16);
  store64(bad + 8, 1_000_000_000n);
  same(yield sys.futex(a, wall, 0, bad, 0, 0), -EINVAL, 'whose timeout is checked before');
  same(yield sys.futex(a, wall, 0, nowhere, 0, 0), -EFAULT, 'and read before');
  same(yield sys.futex(a, FUTEX_WAKE_OP | P, 1, 1, nowhere, 0), -EFAULT, 'a word to change must be there');
  same(yield sys.futex(nowhere, FUTEX_WAKE_OP | P, 1, 1, b, 0), 0, 'the other need not');
  same(yield sys.futex(nowhere, FUTEX_WAKE_OP, 1, 1, b, 0), -EFAULT, 'unless it is shared');
  same(yield sys.futex(a, FUTEX_WAKE_OP | P, 1, 1, b + 1, 0), -EINVAL, 'an odd second address');
  same(yield sys.futex(a, FUTEX_LOCK_PI, 0, 0, 0, 0), -ENOSYS, 'declared: no priority inheritance');
  same(yield sys.futex(a, 77, 0, 0, 0, 0), -ENOSYS, 'no such operation');
  return 0;
}

function* wordsChangeAsAsked(): Guest {
  const a = alloc(16);
  const b = a + 8;
  function* change(code: number, promise: string, wanted: number, result = 0): Guest<void> {
    same(yield sys.futex(a, FUTEX_WAKE_OP | P, 1, 1, b, code), result, promise);
    same(atomicLoad32(b), wanted, promise);
  }
  yield* change(wakeOp(FUTEX_OP_SET, 5, FUTEX_OP_CMP_EQ, 0), 'set', 5);
  yield* change(wakeOp(FUTEX_OP_ADD, -6, FUTEX_OP_CMP_EQ, 0), 'add a negative', -1);
  yield* change(wakeOp(FUTEX_OP_OR, 2, FUTEX_OP_CMP_EQ, 0), 'or', -1);
  yield* change(wakeOp(FUTEX_OP_ANDN, 0xf0, FUTEX_OP_CMP_EQ, 0), 'and not', -241);
  yield* change(wakeOp(FUTEX_OP_XOR, 0xff, FUTEX_OP_CMP_EQ, 0), 'xor', -16);
  yield* change(wakeOp(5, 0xff, FUTEX_OP_CMP_EQ, 0), 'no such operation changes nothing', -16, -ENOSYS);
  yield* change(wakeOp(FUTEX_OP_SET, 9, 6, 0), 'no such comparison, but the word is changed', 9, -ENOSYS);
  yield* change(wakeOp(FUTEX_OP_OPARG_SHIFT, 4, FUTEX_OP_CMP_EQ, 0), 'a bit by its place', 16);
  yield* change(wakeOp(FUTEX_OP_OPARG_SHIFT, 33, FUTEX_OP_CMP_EQ, 0), 'a place is cut to five bits', 2);
  yield* change(wakeOp(FUTEX_OP_OPARG_SHIFT, -1, FUTEX_OP_CMP_EQ, 0), 'the highest bit', -0x80000000);
  return 0;
}

/** argument: address of (word, bits, result, timeout) */
export function* sleeper(at: number): Guest {
  const r = yield sys.futex(at, FUTEX_WAIT_BITSET | P, 0, 0, 0, atomicLoad32(at + 4));
  atomicAdd32(at + 8, r === 0 ? 1 : 1000);
  return 0;
}
export function* sleeperWithTimeout(at: number): Guest {
  const r = yield sys.futex(at, FUTEX_WAIT | P, 0, allocTimespec(300 * MS), 0, 0);
  atomicStore32(at + 8, r);
  return 0;
}

function* sleepers(at: number, count: number): Guest<Thread[]> {
  const threads: Thread[] = [];
  for (let i = 0; i < count; i++) {
    atomicStore32(at + 4, 1 << (i & 15));
    threads.push(yield* startThread(sleeper, at));
    // A sleeper has read its bits before the next ones are written.
    yield sys.smplab_settle();
  }
  // Settling may have made the last one look once more, and so leave its queue and stand in it again.
  yield sys.nanosleep(allocTimespec(2 * MS), 0);
  return threads;
}

function* sleepersMove(): Guest {
  const a = alloc(16);
  const b = alloc(16);
  const threads = yield* sleepers(a, 4);
  same(yield sys.futex(a, FUTEX_REQUEUE | P, 0, 9, b, 0), 4, 'who is moved is counted');
  same(yield sys.futex(a, FUTEX_WAKE | P, 9, 0, 0, 0), 0, 'nobody is left');
  same(yield sys.futex(b, FUTEX_WAKE_BITSET | P, 9, 0, 0, 1 << 2), 1, 'who is moved keeps its bits');
  yield* join(threads[2]!);
  same(yield sys.futex(b, FUTEX_REQUEUE | P, 1, 1, a, 0), 2, 'who is woken is counted too');
  same(yield sys.futex(a, FUTEX_WAKE | P, 9, 0, 0, 0), 1, 'one was moved');
  same(yield sys.futex(b, FUTEX_WAKE | P, 9, 0, 0, 0), 1, 'one has stayed');
  for (const thread of threads) yield* join(thread);
  same(atomicLoad32(a + 8), 4, 'each answered 0');
  return 0;
}

function* sleepersMoveWithinOneWord(): Guest {
  const a = alloc(16);
  const b = alloc(16);
  const threads = yield* sleepers(a, 4);
  same(yield sys.futex(a, FUTEX_CMP_REQUEUE | P, 0, 0, b, 0), 0, 'nobody to wake, nobody to move');
  same(yield sys.futex(a, FUTEX_CMP_REQUEUE | P, 0, 1, a, 0), 1, 'to the same address');
  same(yield sys.futex(a, FUTEX_CMP_REQUEUE | P, 0, 3, b, 0), 3, 'three to another');
  const zero = wakeOp(FUTEX_OP_SET, 0, FUTEX_OP_CMP_EQ, 0);
  same(yield sys.futex(b, FUTEX_WAKE_OP | P, 1, 9, a, zero), 2, 'one there, and the rest here for the word was 0');
  const one = wakeOp(FUTEX_OP_SET, 1, FUTEX_OP_CMP_NE, 0);
  same(yield sys.futex(a, FUTEX_WAKE_OP | P, 9, 9, b, one), 0, 'nobody here, and not there for the word was 0');
  for (const [cmp, argument] of [
    [FUTEX_OP_CMP_LT, 1],
    [FUTEX_OP_CMP_GT, 1],
    [FUTEX_OP_CMP_NE, 1],
  ] as const) {
    const code = wakeOp(FUTEX_OP_SET, 1, cmp, argument);
    same(yield sys.futex(a, FUTEX_WAKE_OP | P, 9, 9, b, code), 0, 'a comparison that fails wakes nobody');
  }
  const atLeast = wakeOp(FUTEX_OP_SET, 1, FUTEX_OP_CMP_GE, 1);
  same(yield sys.futex(a, FUTEX_WAKE_OP | P, 0, 0, b, atLeast), 1, 'to wake 0 is to wake one');
  const atMost = wakeOp(FUTEX_OP_SET, 1, FUTEX_OP_CMP_LE, 1);
  same(yield sys.futex(a, FUTEX_WAKE_OP | P, 9, 9, b, atMost), 1, 'the last one');
  for (const thread of threads) yield* join(thread);
  same(atomicLoad32(a + 8), 4, 'each answered 0');
  return 0;
}

function* manyMoveAtOnce(): Guest {
  const a = alloc(16);
  const b = alloc(16);
  const threads = yield* sleepers(a, 90);
  same(yield sys.futex(a, FUTEX_REQUEUE | P, 40, 45, b, 0), 85, 'more than one batch is woken, and 45 moved');
  same(yield sys.futex(a, FUTEX_WAKE | P, MANY, 0, 0, 0), 5, 'five have stayed');
  const code = wakeOp(FUTEX_OP_SET, 0, FUTEX_OP_CMP_EQ, 0);
  same(yield sys.futex(b, FUTEX_WAKE_OP | P, 40, MANY, b, code), 45, 'by two orders: 40, and all the others');
  for (const thread of threads) yield* join(thread);
  same(atomicLoad32(a + 8), 90, 'each answered 0');
  return 0;
}

function* privateAndSharedDoNotMeet(): Guest {
  const a = alloc(16);
  const threads = yield* sleepers(a, 1);
  same(yield sys.futex(a, FUTEX_WAKE, 9, 0, 0, 0), 0, 'a shared wake does not find a private sleeper');
  same(yield sys.futex(a, FUTEX_WAKE | P, 9, 0, 0, 0), 1, 'a private one does');
  yield* join(threads[0]!);
  return 0;
}

export function* onSignal(_signal: number): Guest {
  return yield sys.getpid();
}

function* whoIsMovedCanLeave(): Guest {
  const a = alloc(16);
  const b = alloc(16);
  const timed = yield* startThread(sleeperWithTimeout, a);
  yield sys.smplab_settle();
  same(yield sys.futex(a, FUTEX_REQUEUE | P, 0, 9, b, 0), 1, 'moved');
  yield* join(timed);
  same(atomicLoad32(a + 8), -ETIMEDOUT, 'a timeout holds at the new address');
  same(yield sys.futex(b, FUTEX_WAKE | P, 9, 0, 0, 0), 0, 'and nobody is left there');
  yield* sigaction(SIGUSR1, onSignal);
  atomicStore32(a + 8, 0);
  const [thread] = yield* sleepers(a, 1);
  same(yield sys.futex(a, FUTEX_REQUEUE | P, 0, 9, b, 0), 1, 'moved');
  yield sys.tgkill(yield sys.getpid(), thread!.tid, SIGUSR1);
  yield* join(thread!);
  same(atomicLoad32(a + 8), 1000, `a handler without SA_RESTART ends the wait (${EINTR})`);
  same(yield sys.futex(b, FUTEX_WAKE | P, 9, 0, 0, 0), 0, 'and nobody is left there');
  return 0;
}

/** A bounded buffer: address of (mutex, notEmpty, notFull, items, taken, ended). */
const ROOM = 3;
const ITEMS = 400;
export function* consumer(at: number): Guest {
  for (;;) {
    yield* lockMutex(at);
    while (atomicLoad32(at + 12) === 0 && atomicLoad32(at + 20) === 0) yield* condWait(at + 4, at);
    const items = atomicLoad32(at + 12);
    if (items > 0) {
      atomicStore32(at + 12, items - 1);
      atomicStore32(at + 16, atomicLoad32(at + 16) + 1);
    }
    yield* unlockMutex(at);
    if (items === 0) return 0;
    yield* condSignal(at + 8);
  }
}
export function* producer(at: number): Guest {
  for (let i = 0; i < ITEMS; i++) {
    yield* lockMutex(at);
    while (atomicLoad32(at + 12) === ROOM) yield* condWait(at + 8, at);
    atomicStore32(at + 12, atomicLoad32(at + 12) + 1);
    // With the mutex held and without, one and all.
    if (i % 4 === 0) yield* condBroadcast(at + 4, at);
    yield* unlockMutex(at);
    if (i % 4 === 1) yield* condBroadcast(at + 4, at);
    else if (i % 4 > 1) yield* condSignal(at + 4);
  }
  return 0;
}

function* conditionsCarryABuffer(): Guest {
  const at = alloc(24);
  const consumers: Thread[] = [];
  const producers: Thread[] = [];
  for (let i = 0; i < 4; i++) consumers.push(yield* startThread(consumer, at));
  for (let i = 0; i < 3; i++) producers.push(yield* startThread(producer, at));
  for (const thread of producers) yield* join(thread);
  yield* lockMutex(at);
  atomicStore32(at + 20, 1);
  yield* condBroadcast(at + 4, at);
  yield* unlockMutex(at);
  for (const thread of consumers) yield* join(thread);
  same(atomicLoad32(at + 16), 3 * ITEMS, 'every item is taken, once');
  same(atomicLoad32(at), 0, 'and the mutex is free');
  return 0;
}

function* conditionsTimeOut(): Guest {
  const at = alloc(16);
  yield* lockMutex(at);
  same(yield* condWait(at + 8, at, allocTimespec(5 * MS)), -ETIMEDOUT, 'nobody signals');
  same(atomicLoad32(at) === 0 ? 0 : 1, 1, 'the mutex is held again');
  yield* unlockMutex(at);
  return 0;
}

const scenarios: Readonly<Record<string, () => Guest>> = {
  argumentsAreChecked,
  wordsChangeAsAsked,
  sleepersMove,
  sleepersMoveWithinOneWord,
  manyMoveAtOnce,
  privateAndSharedDoNotMeet,
  whoIsMovedCanLeave,
  conditionsCarryABuffer,
  conditionsTimeOut,
};

export function* main(_argument: number, argv: unknown): Guest {
  return yield* scenarios[String(argv)]!();
}
