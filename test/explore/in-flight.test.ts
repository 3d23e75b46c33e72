/**
 * Promise: the collector lets nothing go that a call can still reach. One CPU closes a socket that lies in its own queue,
 * which makes it garbage; another receives from it meanwhile. Over thousands of schedules the receiver finds the socket
 * closed, or gets it back with all that lies behind; and one that does not hold the socket while descriptors are in flight
 * is shown to lose them.
 */
import { describe, expect, it } from 'vitest';
import { EBADF } from '../../src/kernel/abi/errno.ts';
import { AF_UNIX, MSG_DONTWAIT, SCM_RIGHTS, SOCK_SEQPACKET, SOL_SOCKET } from '../../src/kernel/abi/flags-socket.ts';
import {
  CLONE_FILES,
  CLONE_FS,
  CLONE_SIGHAND,
  CLONE_SYSVSEM,
  CLONE_THREAD,
  CLONE_VM,
} from '../../src/kernel/abi/flags-task.ts';
import { I32 } from '../../src/stepped/doors/self.ts';
import { mixed, stickyRandom, uniformRandom } from '../../src/stepped/strategies.ts';
import * as sound from '../../src/stepped/scene.ts?stepped';
import * as unheld from '../../src/stepped/scene.ts?stepped=unheld-receiver';
import type { Guest, GuestBody, Scene } from '../../src/stepped/machine.ts';
import { steppedMachine } from '../../src/stepped/machine.ts';

const RECEIVER = 1;
const THREAD = CLONE_VM | CLONE_FS | CLONE_FILES | CLONE_SIGHAND | CLONE_THREAD | CLONE_SYSVSEM;
/** What the first pair and the first pipe of a process are. */
const [A, B, WRITING] = [3, 4, 6];

/** A msghdr with a buffer of one byte and room for one descriptor, 128 bytes for each message. @returns its address */
function message(guest: Guest, place: number, fd: number): number {
  const at = (guest.buffer & ~1023) + 2048 + 128 * place;
  I32.fill(0, at >> 2, (at + 128) >> 2);
  const word = (offset: number, value: number): void => {
    I32[(at + offset) >> 2] = value;
  };
  word(16, at + 56); // vector
  word(24, 1);
  word(32, at + 72); // control message
  word(40, 24);
  word(56, at + 104); // the byte
  word(64, 1);
  word(72, 20);
  word(80, SOL_SOCKET);
  word(84, SCM_RIGHTS);
  word(88, fd);
  return at;
}

const closing: GuestBody = function* (guest) {
  yield guest.call('socketpair', AF_UNIX, SOCK_SEQPACKET, 0, guest.buffer);
  yield guest.call('pipe2', guest.buffer, 0);
  yield guest.call('sendmsg', B, message(guest, 0, A), 0);
  yield guest.call('sendmsg', B, message(guest, 0, WRITING), 0);
  yield guest.call('close', WRITING);
  yield guest.call('close', B);
  yield guest.call('clone', THREAD, guest.newborn(RECEIVER, 1), 0, 0, 0);
  // The other CPU is about to wake up.
  for (let i = 0; i < 6; i++) yield guest.call('getpid');
  yield guest.call('close', A);
  yield guest.call('exit', 0);
};
/** Notes of each message what the call answered and how many bytes of control messages came. */
const receiving: GuestBody = function* (guest) {
  let from = A;
  for (let place = 1; place < 3; place++) {
    const at = message(guest, place, -1);
    const r = yield guest.call('recvmsg', from, at, MSG_DONTWAIT);
    found.push(r);
    if (r < 0) return;
    found.push(I32[(at + 40) >> 2]!);
    from = I32[(at + 88) >> 2]!;
  }
};
/** The receiver is no thread of the scene's, so what it finds stands here. */
const found: number[] = [];

function scene(kernel: Scene) {
  const run = steppedMachine({
    scene: kernel,
    threads: [{ home: 0, body: closing }],
    entries: [receiving],
    cpus: 2,
    eventfds: [],
    lock: 'ttas',
    lockSpins: 2,
    room: { tasks: 2, files: 10, pages: 2, pipes: 1 },
  });
  return (...args: Parameters<typeof run>) => {
    found.length = 0;
    return { ...run(...args), found: found.join(' ') };
  };
}
const CLOSED = String(-EBADF);
const WHOLE = '1 24 1 24';

describe('a receiver from a socket that is about to be garbage', () => {
  it.each([
    ['uniform random', uniformRandom],
    ['sticky random', stickyRandom],
    ['mixed', mixed],
  ] as const)('finds it closed, or whole, under %s', (_strategy, strategyOf) => {
    const run = scene(sound);
    const seen = new Set<string>();
    for (let seed = 0; seed < 500; seed++) {
      const { end, found } = run(strategyOf(seed));
      expect(end).toBe('done');
      seen.add(found);
    }
    expect([...seen].sort()).toEqual([CLOSED, WHOLE]);
  });

  it('orders every plain access of the two', () => {
    const run = scene(sound);
    for (let seed = 0; seed < 150; seed++) expect(run(mixed(seed)).end).toBe('done');
  });
});

it('a receiver that does not hold its socket loses what lies behind', () => {
  const run = scene(unheld);
  const seen = new Set<string>();
  for (let seed = 0; seed < 800; seed++) seen.add(run(mixed(seed)).found);
  expect([...seen].filter((found) => found !== CLOSED && found !== WHOLE)).not.toEqual([]);
});
