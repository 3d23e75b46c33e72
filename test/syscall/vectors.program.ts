// What a guest may rely on of readv and writev on eventfd and timerfd; the answers were read off a Linux 6.18. `main` runs
// the scenario that argv names.
import {
  alloc,
  bytesAt,
  check,
  EAGAIN,
  EFAULT,
  EFD_NONBLOCK,
  EINVAL,
  type Guest,
  load32,
  load64,
  store64,
  sys,
  TFD_NONBLOCK,
} from '../../src/programs/libc/index.ts';
import { ADDRESS, answer, BAD_ADDRESS, FD, get, GOT, helper, runNamed, same, set } from './socket-tools.program.ts';

const VALUE = 0x0102030405060708n;

/** A vector of three buffers, 16 bytes apart, each byte 0xee; the second may lie at a bad address. */
function vectorOf(lengths: readonly number[], bad = -1): { at: number; buffer: number } {
  const buffer = alloc(48);
  bytesAt(buffer, 48).fill(0xee);
  const at = alloc(48);
  lengths.forEach((length, i) => {
    store64(at + 16 * i, i === bad ? BAD_ADDRESS : buffer + 16 * i);
    store64(at + 16 * i + 8, length);
  });
  return { at, buffer };
}
/** What was stored in the three buffers, as far as it was. */
function stored(buffer: number): string {
  return [0, 16, 32]
    .map((at) => [...bytesAt(buffer + at, 16)].filter((byte) => byte !== 0xee).map((byte) => byte.toString(16)))
    .map((bytes) => bytes.join(''))
    .join(',');
}

export function* adder(): Guest {
  const { at, buffer } = vectorOf([8, 8]);
  store64(buffer, 1n);
  store64(buffer + 16, 0xfffffffffffffffdn);
  set(GOT, yield sys.writev(get(FD), at, 2));
  return 0;
}

export function* reader(): Guest {
  set(GOT, yield sys.readv(get(FD), get(ADDRESS), 2));
  return 0;
}

const scenarios: Record<string, () => Guest<void>> = {
  /** Elements are looked at anew when bytes have come. */
  *elementsMayChange() {
    const ends = alloc(8);
    check(yield sys.pipe2(ends, 0), 'pipe2');
    const { at, buffer } = vectorOf([8, 8]);
    yield* helper(reader, load32(ends), 0, at);
    store64(at + 8, -16);
    const text = alloc(8);
    store64(text, VALUE);
    same(yield sys.write(load32(ends + 4), text, 8), 8, 'write');
    same(yield* answer(), 8, 'an element that is none any more holds nothing');
    same(stored(buffer), ',87654321,', 'and the next holds what came');
  },

  *countersAreScattered() {
    const counter = check(yield sys.eventfd2(0, EFD_NONBLOCK), 'eventfd2');
    const value = alloc(8);
    for (const [lengths, result, found] of [
      [[8, 8, 8], 8, '87654321,,'],
      [[4, 4, 8], 8, '8765,4321,'],
      [[3, 2, 8], 8, '876,54,321'],
      [[0, 0, 8], 8, ',,87654321'],
      [[4, 3, 0], -EINVAL, ',,'],
      [[0, 0, 0], 0, ',,'],
    ] as const) {
      store64(value, VALUE);
      yield sys.write(counter, value, 8);
      const { at, buffer } = vectorOf(lengths);
      same(yield sys.readv(counter, at, 3), result, `readv of ${lengths}`);
      same(stored(buffer), found, 'goes across elements');
      yield sys.read(counter, value, 8);
    }
    store64(value, VALUE);
    yield sys.write(counter, value, 8);
    same(yield sys.readv(counter, vectorOf([4, 4], 1).at, 2), -EFAULT, 'an element at a bad address');
    same(yield sys.readv(counter, vectorOf([8]).at, 1), -EAGAIN, 'costs the count');

    const timer = check(yield sys.timerfd_create(1, TFD_NONBLOCK), 'timerfd_create');
    const setting = alloc(32);
    store64(setting + 24, 1n);
    const expire = function* (): Guest<void> {
      check(yield sys.timerfd_settime(timer, 0, setting, 0), 'timerfd_settime');
      const wait = alloc(16);
      store64(wait + 8, 2_000_000n);
      yield sys.nanosleep(wait, 0);
    };
    yield* expire();
    const { at, buffer } = vectorOf([3, 2, 8]);
    same(yield sys.readv(timer, at, 3), 8, 'a timer too');
    same(stored(buffer), '100,00,000', 'is read across elements');
    yield* expire();
    const short = vectorOf([4, 4], 1);
    same(yield sys.readv(timer, short.at, 2), 4, 'and tells what it could store');
    same(yield sys.readv(timer, short.at, 2), -EAGAIN, 'the count is gone');
    same(yield sys.writev(timer, vectorOf([4, 4]).at, 2), -EINVAL, 'timers are not written');
  },

  /** Each element is a write of its own. */
  *elementsAreAdded() {
    const counter = check(yield sys.eventfd2(0, EFD_NONBLOCK), 'eventfd2');
    const value = alloc(8);
    for (const [lengths, bad, result, count] of [
      [[8], -1, 8, 1n],
      [[4, 4], -1, -EINVAL, 0n],
      [[8, 8], -1, 16, 3n],
      [[8, 8, 8], -1, 24, 7n],
      [[4, 0, 4], -1, -EINVAL, 0n],
      [[0, 0, 8], -1, -EINVAL, 0n],
      [[8, 0, 8], -1, 16, 5n],
      [[8, 4], -1, 8, 1n],
      [[8, 8], 1, 8, 1n],
      [[8, 8], 0, -EFAULT, 0n],
    ] as const) {
      const { at, buffer } = vectorOf(lengths, bad);
      for (const [i, add] of [1n, 2n, 4n].entries()) store64(buffer + 16 * i, add);
      same(yield sys.writev(counter, at, lengths.length), result, `writev of ${lengths}`);
      store64(value, 0n);
      yield sys.read(counter, value, 8);
      same(Number(load64(value)), Number(count), 'what was added');
    }
    const blocking = check(yield sys.eventfd2(2, 0), 'eventfd2');
    yield* helper(adder, blocking);
    yield sys.read(blocking, value, 8);
    same(Number(load64(value)), 3, 'the first element was added, the second waits');
    same(yield* answer(), 16, 'and is added in its turn');
  },
};

export function* main(_argument: number, scenario: string): Guest {
  return yield* runNamed(scenarios, scenario);
}
