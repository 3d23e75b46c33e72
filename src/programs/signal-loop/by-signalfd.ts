/**
 * signalfd: the signals are blocked, and what is pending is read as records that also say who sent it and how. No
 * handler runs, and nothing is ever interrupted.
 */
import { signalfdSiginfoLayout } from '../../kernel/abi/layout.ts';
import {
  alloc,
  allocEpollEvent,
  check,
  EAGAIN,
  EFD_NONBLOCK,
  EPOLL_CTL_ADD,
  EPOLLIN,
  epollDataAt,
  epollWait,
  type Guest,
  load32,
  openSignalfd,
  SFD_NONBLOCK,
  SI_TKILL,
  SI_USER,
  SIGINFO_BYTES,
  SIGUSR1,
  SIGUSR2,
  store64,
  sys,
  trap,
  unblockSignals,
} from '../libc/index.ts';
import { type Account, accountOf, DONE_MESSAGE, newShared, noteTaken, startSenders } from './senders.ts';

const { ssi_signo, ssi_code, ssi_pid } = signalfdSiginfoLayout;
/** Records of one read. */
const RECORDS = 4;

/** @returns what stands against the rules in one record, or nothing */
function complaintAbout(record: number): string | undefined {
  const signal = load32(record + ssi_signo);
  const code = load32(record + ssi_code);
  const pid = load32(record + ssi_pid);
  if (signal !== SIGUSR1 && signal !== SIGUSR2) return `a record of signal ${signal}, which nobody sent`;
  if (code !== SI_USER && code !== SI_TKILL) return `a record with the code ${code}, of neither kill nor tgkill`;
  return pid === trap.pid ? undefined : `a record from process ${pid}`;
}

function* readRecords(shared: number, fd: number, records: number, complaints: string[]): Guest<void> {
  for (;;) {
    const n = yield sys.read(fd, records, RECORDS * SIGINFO_BYTES);
    if (n === -EAGAIN) return;
    check(n, 'reading signals');
    for (let at = records; at < records + n; at += SIGINFO_BYTES) {
      const complaint = complaintAbout(at);
      if (complaint !== undefined) complaints.push(complaint);
      yield* noteTaken(shared);
    }
  }
}

export function* receiveBySignalfd(senders: number, rounds: number): Guest<Account> {
  const shared = newShared(rounds);
  store64(shared + DONE_MESSAGE, 1n);
  const complaints: string[] = [];
  // Blocked here, and so in the threads that are made from now on: a signal that one of them took would never be read.
  const signals = yield* openSignalfd(SFD_NONBLOCK, SIGUSR1, SIGUSR2);
  const done = check(yield sys.eventfd2(0, EFD_NONBLOCK), 'eventfd2');
  const epoll = check(yield sys.epoll_create1(0), 'epoll_create1');
  check(yield sys.epoll_ctl(epoll, EPOLL_CTL_ADD, signals, allocEpollEvent(EPOLLIN, signals)), 'epoll_ctl');
  check(yield sys.epoll_ctl(epoll, EPOLL_CTL_ADD, done, allocEpollEvent(EPOLLIN, done)), 'epoll_ctl');
  const threads = yield* startSenders(shared, senders, done, 8);
  const events = alloc(16 * 2);
  const records = alloc(RECORDS * SIGINFO_BYTES);
  for (let ended = false; !ended; ) {
    const ready = check(yield epollWait(epoll, events, 2, -1), 'epoll_wait');
    for (let i = 0; i < ready; i++) {
      if (epollDataAt(events, i) === done) ended = true;
      else yield* readRecords(shared, signals, records, complaints);
    }
  }
  const account = yield* accountOf(shared, threads, complaints);
  // The default action of either would end the process, so none may be left.
  yield* readRecords(shared, signals, records, complaints);
  for (const fd of [signals, done, epoll]) yield sys.close(fd);
  yield* unblockSignals(SIGUSR1, SIGUSR2);
  return account;
}
