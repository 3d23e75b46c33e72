/**
 * The self-pipe: a handler may run between any two system calls, so all it does is write the signal's number into a
 * pipe, and the program reads numbers where it reads everything else. SA_RESTART keeps the handler from disturbing the
 * read that it interrupts.
 */
import {
  alloc,
  atomicLoad32,
  dataSegment,
  EINTR,
  type Guest,
  load8,
  load32,
  makePipe,
  SA_RESTART,
  setNonblocking,
  SIG_DFL,
  SIGUSR1,
  SIGUSR2,
  sigaction,
  store8,
  store32,
  sys,
} from '../libc/index.ts';
import {
  type Account,
  accountOf,
  DONE_MESSAGE,
  newShared,
  noteTaken,
  NUMBERS,
  PIPE_FD,
  startSenders,
  TAKEN,
} from './senders.ts';

const CHUNK_BYTES = 64;

export function* onSignalToPipe(signal: number): Guest {
  const shared = load32(dataSegment());
  yield sys.write(load32(shared + PIPE_FD), shared + NUMBERS + signal, 1);
  yield* noteTaken(shared);
  return 0;
}

/** What came out of the pipe. */
interface Numbers {
  count: number;
  /** Number 0: the senders are done. */
  done: boolean;
}

/** One read's worth. @returns false if nothing could be read */
function* readNumbers(fd: number, buffer: number, numbers: Numbers, complaints: string[]): Guest<boolean> {
  const n = yield sys.read(fd, buffer, CHUNK_BYTES);
  if (n === -EINTR) complaints.push('read answered EINTR though its handlers have SA_RESTART');
  if (n <= 0) return false;
  for (let i = 0; i < n; i++) {
    const number = load8(buffer + i);
    if (number === 0) numbers.done = true;
    else if (number === SIGUSR1 || number === SIGUSR2) numbers.count++;
    else complaints.push(`number ${number} came, which nobody sent`);
  }
  return true;
}

export function* receiveBySelfPipe(senders: number, rounds: number): Guest<Account> {
  const shared = newShared(rounds);
  const pipe = yield* makePipe();
  store32(shared + PIPE_FD, pipe.write);
  for (let signal = 1; signal <= 64; signal++) store8(shared + NUMBERS + signal, signal);
  store8(shared + DONE_MESSAGE, 0);
  for (const signal of [SIGUSR1, SIGUSR2]) yield* sigaction(signal, onSignalToPipe, SA_RESTART);
  const threads = yield* startSenders(shared, senders, pipe.write, 1);
  const complaints: string[] = [];
  const buffer = alloc(CHUNK_BYTES);
  const numbers = { count: 0, done: false };
  while (!numbers.done && (yield* readNumbers(pipe.read, buffer, numbers, complaints)));
  const account = yield* accountOf(shared, threads, complaints);
  // A handler may have run in a sender at its very end.
  yield* setNonblocking(pipe.read);
  while (yield* readNumbers(pipe.read, buffer, numbers, complaints));
  const handled = atomicLoad32(shared + TAKEN);
  if (numbers.count !== handled) complaints.push(`${handled} handlers ran, and ${numbers.count} numbers came`);
  for (const signal of [SIGUSR1, SIGUSR2]) yield* sigaction(signal, SIG_DFL);
  yield sys.close(pipe.read);
  yield sys.close(pipe.write);
  return account;
}
