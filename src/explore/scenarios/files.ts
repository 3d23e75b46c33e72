/**
 * Scenarios of files, futexes and children: what several tasks do to one object at once.
 */
import { EAGAIN, EBADF } from '../../kernel/abi/errno.ts';
import { SIGCHLD } from '../../kernel/abi/flags-signal.ts';
import { AF_UNIX, MSG_DONTWAIT, SCM_RIGHTS, SOCK_SEQPACKET, SOL_SOCKET } from '../../kernel/abi/flags-socket.ts';
import { CLONE_VM, FUTEX_PRIVATE_FLAG, FUTEX_REQUEUE, FUTEX_WAIT, FUTEX_WAKE } from '../../kernel/abi/flags-task.ts';
import { FUTEX_BUCKET_BITS } from '../../kernel/syscall/futex-buckets.ts';
import { readEventfd, writeEventfd } from '../../stepped/machine.ts';
import type { Scenario } from '../scenario.ts';
import type { Guest } from '../../stepped/machine.ts';
import type { GuestBody } from './guests.ts';
import {
  ALL_DESIGNS,
  clearBytes,
  endsWith,
  FIRST,
  kept,
  leave,
  machineOf,
  SECOND,
  setWords,
  shared,
  THREAD,
  timespec,
  wordAt,
} from './guests.ts';

/** The pipe's ends, behind two eventfds. */
const [READ_END, WRITE_END] = [5, 6];
/** Two elements of four bytes each, both `word`. */
const writesPair = (place: number, word: number): GuestBody =>
  function* (guest) {
    yield* readEventfd(guest, FIRST);
    const at = clearBytes(kept(guest, 64 * place), 64);
    setWords(at, at + 40, 0, 4, 0, at + 44, 0, 4, 0, 0, 0, word, word);
    yield guest.call('writev', WRITE_END, at, 2);
    yield* writeEventfd(guest, SECOND, 1);
    yield* leave(guest);
  };
const readsPairs: GuestBody = function* (guest) {
  yield guest.call('pipe2', kept(guest, 512), 0);
  yield* writeEventfd(guest, FIRST, 2);
  yield* readEventfd(guest, SECOND);
  yield* readEventfd(guest, SECOND);
  yield guest.call('read', READ_END, kept(guest, 640), 16);
  for (let i = 0; i < 4; i++) guest.results.push(wordAt(kept(guest, 640 + 4 * i)));
  yield* leave(guest);
};

const twoWritevs: Scenario = {
  name: 'two-writevs',
  about: 'two CPUs write two elements each to one pipe; what one call wrote lies together',
  designs: ALL_DESIGNS,
  machine: machineOf(
    [
      [0, readsPairs],
      [1, writesPair(0, 1)],
      [2, writesPair(1, 2)],
    ],
    { eventfds: [1, 1], room: { files: 8, pages: 8 } },
  ),
  check: endsWith([[1, 1, 1, 1, 2, 2], [1], [1]], [[1, 1, 2, 2, 1, 1], [1], [1]]),
};

/** Where the buckets of the two words lie to each other decides in which order they are locked: the first below the second. */
const bucketOf = (address: number): number => Math.imul(address >>> 2, 0x9e3779b1) >>> (32 - FUTEX_BUCKET_BITS);
function wordsOf(guest: Guest): readonly [first: number, second: number] {
  const first = shared(guest, 0);
  for (let second = first + 4; ; second += 4) if (bucketOf(second) > bucketOf(first)) return [first, second];
}
const sleepsAtFutex = (timeoutNs: number): GuestBody =>
  function* (guest) {
    const [first] = wordsOf(guest);
    const timeout = timeoutNs === 0 ? 0 : timespec(guest, 0, timeoutNs);
    guest.results.push(yield guest.call('futex', first, FUTEX_WAIT | FUTEX_PRIVATE_FLAG, 0, timeout, 0, 0));
    yield* leave(guest);
  };
const movesSleepers: GuestBody = function* (guest) {
  const [first, second] = wordsOf(guest);
  guest.results.push(yield guest.call('futex', first, FUTEX_REQUEUE | FUTEX_PRIVATE_FLAG, 0, 1, second, 0));
  yield* leave(guest);
};
/** Who is not at the first word any more is at the second: in this order nobody slips through. */
const wakesAtBoth: GuestBody = function* (guest) {
  const [first, second] = wordsOf(guest);
  setWords(first, 1);
  const woken = yield guest.call('futex', first, FUTEX_WAKE | FUTEX_PRIVATE_FLAG, 1, 0, 0, 0);
  guest.results.push(woken + (yield guest.call('futex', second, FUTEX_WAKE | FUTEX_PRIVATE_FLAG, 1, 0, 0, 0)));
  yield* leave(guest);
};
const threesome = (timeoutNs: number): Scenario['machine'] =>
  machineOf(
    [
      [1, sleepsAtFutex(timeoutNs)],
      [0, movesSleepers],
      [2, wakesAtBoth],
    ],
    { eventfds: [] },
  );

const movedSleeper: Scenario = {
  name: 'moved-sleeper',
  about:
    'a futex sleeper is moved while another CPU wakes at both words; it is woken and counted, or saw the word change',
  designs: ALL_DESIGNS,
  machine: threesome(0),
  check: (results) => {
    const [slept, woken] = [results[0]![0]!, results[2]![0]!];
    if ((slept === 0 && woken === 1) || (slept === -EAGAIN && woken === 0)) return undefined;
    return `the sleeper was told ${slept}, and ${woken} were counted`;
  },
};
const movedTimeout: Scenario = {
  name: 'moved-timeout',
  about: 'the same, and the sleeper has a deadline; it is counted by a wake, or it was not woken',
  designs: ALL_DESIGNS,
  machine: threesome(700),
  check: (results) => {
    const [slept, woken] = [results[0]![0]!, results[2]![0]!];
    return woken === (slept === 0 ? 1 : 0) ? undefined : `the sleeper was told ${slept}, and ${woken} were counted`;
  },
};

/** Whoever is woken wakes all at the second word. */
const passesOn: GuestBody = function* (guest) {
  const [first, second] = wordsOf(guest);
  guest.results.push(yield guest.call('futex', first, FUTEX_WAIT | FUTEX_PRIVATE_FLAG, 0, 0, 0, 0));
  yield guest.call('futex', second, FUTEX_WAKE | FUTEX_PRIVATE_FLAG, 9, 0, 0, 0);
  yield* leave(guest);
};
const wakesOneMovesOne: GuestBody = function* (guest) {
  const [first, second] = wordsOf(guest);
  let had = 0;
  while (had < 2) had += yield guest.call('futex', first, FUTEX_REQUEUE | FUTEX_PRIVATE_FLAG, 1, 1, second, 0);
  yield* leave(guest);
};

const requeueChain: Scenario = {
  name: 'requeue-chain',
  about: 'one call wakes a futex sleeper and moves another, which the first one wakes; both come through',
  designs: ALL_DESIGNS,
  machine: machineOf(
    [
      [0, passesOn],
      [1, passesOn],
      [2, wakesOneMovesOne],
    ],
    { eventfds: [] },
  ),
  check: endsWith([[0], [0], []]),
};

const bears: GuestBody = function* (guest) {
  const pid = yield guest.call('clone', CLONE_VM | SIGCHLD, guest.newborn(1, 1), 0, 0, 0);
  const ended = yield guest.call('wait4', -1, guest.buffer, 0, 0);
  guest.results.push(Number(ended === pid), guest.get() >> 8);
};
const endsWithFive: GuestBody = function* (guest) {
  yield guest.call('exit_group', 5);
};

const child: Scenario = {
  name: 'child',
  about: 'a child on another CPU ends while its parent waits for it; the parent is told',
  designs: ALL_DESIGNS,
  machine: machineOf([[0, bears]], {
    cpus: 2,
    eventfds: [],
    entries: [endsWithFive],
    room: { tasks: 2, processes: 2 },
  }),
  check: endsWith([[1, 5]]),
};

/** What the first pair of sockets and the first pipe of a process are. */
const [A, B, WRITING] = [3, 4, 6];
/** A msghdr with a buffer of one byte and room for one descriptor, 128 bytes for each message. @returns its address */
function message(guest: Guest, place: number, fd: number): number {
  const at = clearBytes(shared(guest, 128 * place), 128);
  setWords(at + 16, at + 56);
  setWords(at + 24, 1);
  setWords(at + 32, at + 72);
  setWords(at + 40, 24);
  setWords(at + 56, at + 104, 0, 1, 0, 20, 0, SOL_SOCKET, SCM_RIGHTS, fd);
  return at;
}
/** The socket that carries both messages closes with them in its own queue: garbage, but for who receives from it. */
const closesCarrier: GuestBody = function* (guest) {
  yield guest.call('socketpair', AF_UNIX, SOCK_SEQPACKET, 0, guest.buffer);
  yield guest.call('pipe2', guest.buffer, 0);
  yield guest.call('sendmsg', B, message(guest, 0, A), 0);
  yield guest.call('sendmsg', B, message(guest, 0, WRITING), 0);
  yield guest.call('close', WRITING);
  yield guest.call('close', B);
  yield guest.call('clone', THREAD, guest.newborn(2, 1), 0, 0, 0);
  for (let i = 0; i < 6; i++) yield guest.call('getpid');
  yield guest.call('close', A);
  yield* leave(guest);
};
/** A word of what the receiver, which is born later, found; the witness notes it at the end. */
const FOUND = 768;
const receives: GuestBody = function* (guest) {
  let from = A;
  let found = 0;
  for (let place = 1; place < 3; place++) {
    const at = message(guest, place, -1);
    const r = yield guest.call('recvmsg', from, at, MSG_DONTWAIT);
    if (r === 1 && wordAt(at + 40) === 24) found += 1;
    else found = r === -EBADF && place === 1 ? -1 : 100 + place;
    if (found !== place) break;
    from = wordAt(at + 88);
  }
  setWords(kept(guest, FOUND), found, 1);
  yield guest.call('futex', kept(guest, FOUND + 4), FUTEX_WAKE | FUTEX_PRIVATE_FLAG, 1, 0, 0, 0);
};
const witnesses: GuestBody = function* (guest) {
  const said = kept(guest, FOUND + 4);
  while (wordAt(said) === 0) yield guest.call('futex', said, FUTEX_WAIT | FUTEX_PRIVATE_FLAG, 0, 0, 0, 0);
  guest.results.push(wordAt(kept(guest, FOUND)));
  yield* leave(guest);
};

const carrier: Scenario = {
  name: 'carrier',
  about: 'a socket that lies in its own queue is closed while another CPU receives from it: it is closed, or whole',
  designs: ALL_DESIGNS,
  machine: machineOf(
    [
      [0, closesCarrier],
      [0, witnesses],
    ],
    { cpus: 2, eventfds: [], entries: [receives], room: { tasks: 3, files: 10, pages: 2, pipes: 1 } },
  ),
  check: (results) => {
    const found = results[1]![0]!;
    if (found === -1 || found === 2) return undefined;
    return `the receiver found neither both messages nor a closed socket: ${found}`;
  },
};

export const fileScenarios: readonly Scenario[] = [
  twoWritevs,
  movedSleeper,
  movedTimeout,
  requeueChain,
  child,
  carrier,
];
