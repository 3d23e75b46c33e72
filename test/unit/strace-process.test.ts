// What strace prints of processes, of select and of several messages at once, as the kernel's own numbers.

import { describe, expect, test } from 'vitest';
import { isSyscallName } from '../../src/kernel/abi/syscalls.ts';
import {
  FILES,
  HOST_ERRORS,
  NETWORK_ERRORS,
  outsideAnswer,
  outsideReason,
  SCHEDULING,
} from '../../src/replay/outside-calls.ts';
import {
  type CallRecord,
  callsInOrder,
  childNewsIn,
  endOfStatus,
  exitSignalOf,
  messagesIn,
  parseStrace,
  selectionAnswered,
  selectionAsked,
  senderOf,
  type SignalRecord,
  waitStatusIn,
} from '../../src/replay/trace.ts';

function callOf(line: string): CallRecord {
  return callsInOrder(parseStrace(`${line}\n`, { strict: true }))[0]!;
}

function signalOf(line: string): SignalRecord {
  const [record] = parseStrace(`${line}\n`, { strict: true }).threads[0]!.records;
  if (record?.kind !== 'signal') throw new Error(line);
  return record;
}

describe('processes', () => {
  test.each([
    ['[{WIFEXITED(s) && WEXITSTATUS(s) == 0}]', 0],
    ['[{WIFEXITED(s) && WEXITSTATUS(s) == 3}]', 0x300],
    ['[{WIFSIGNALED(s) && WTERMSIG(s) == SIGTERM}]', 15],
    ['[{WIFSIGNALED(s) && WTERMSIG(s) == SIGSEGV && WCOREDUMP(s)}]', 0x8b],
    ['[{WIFSIGNALED(s) && WTERMSIG(s) == SIGRT_2}]', 34],
    ['[{WIFSTOPPED(s) && WSTOPSIG(s) == SIGSTOP}]', 0x137f],
    ['[{WIFCONTINUED(s)}]', 0xffff],
    ['[768]', 0x300],
    ['NULL', undefined],
    ['0x7ffe1234', undefined],
  ])('the status %s', (text, status) => {
    expect(waitStatusIn(callOf(`wait4(-1, ${text}, 0, NULL) = 7`).args[1]?.value)).toBe(status);
  });

  test('how a process ended', () => {
    expect([0x300, 15, 0x8b, 0x137f].map(endOfStatus)).toEqual([{ exited: 3 }, { signal: 15 }, { signal: 11 }, {}]);
  });

  test('who sent a signal, and what a child did', () => {
    const sent = signalOf('--- SIGTERM {si_signo=SIGTERM, si_code=SI_USER, si_pid=12, si_uid=0} ---');
    const ended = signalOf(
      '--- SIGCHLD {si_signo=SIGCHLD, si_code=CLD_KILLED, si_pid=15, si_uid=33, si_status=SIGKILL, si_utime=0, si_stime=2 /* 0.02 s */} ---',
    );
    expect([senderOf(sent), senderOf(ended)]).toEqual([12, undefined]);
    expect([childNewsIn(sent.info), childNewsIn(ended.info)]).toEqual([
      undefined,
      { pid: 15, code: 'CLD_KILLED', status: 9 },
    ]);
    const waited = callOf(
      'waitid(P_PID, 12, {si_signo=SIGCHLD, si_code=CLD_EXITED, si_pid=12, si_uid=0, si_status=7, si_utime=0, si_stime=0}, WEXITED, NULL) = 0',
    );
    expect(childNewsIn(waited.args[2]?.value)).toEqual({ pid: 12, code: 'CLD_EXITED', status: 7 });
  });

  test.each([
    ['clone(child_stack=NULL, flags=CLONE_CHILD_SETTID|SIGCHLD, child_tidptr=0x7f) = 5', 17],
    ['clone(child_stack=0x7f, flags=CLONE_VM|CLONE_THREAD, tls=0x7f) = 5', 0],
    ['clone3({flags=CLONE_VM|CLONE_VFORK, exit_signal=SIGCHLD, stack=0x7f, stack_size=0x9000}, 88) = 5', 17],
    ['clone3({flags=CLONE_THREAD, exit_signal=0, stack=0x7f, stack_size=0x9000} => {parent_tid=[5]}, 88) = 5', 0],
    ['vfork() = 5', 17],
  ])('the signal at the end of what %s made', (line, signal) => {
    expect(exitSignalOf(callOf(line))).toBe(signal);
  });
});

describe('several at once', () => {
  test('what select was asked for and what it answered', () => {
    const call = callOf(
      'pselect6(8, [3 5], [4], NULL, {tv_sec=1, tv_nsec=0}, NULL) = 2 (in [3], out [4], left {tv_sec=0, tv_nsec=9})',
    );
    expect(selectionAsked(call)).toEqual({ read: [3, 5], write: [4], except: [] });
    expect(selectionAnswered(call)).toEqual({ read: [3], write: [4], except: [] });
    expect(selectionAnswered(callOf('select(4, [3], NULL, NULL, {tv_sec=0, tv_usec=9}) = 0 (Timeout)')).read).toEqual(
      [],
    );
    expect(selectionAsked(callOf('select(4, 0x7ffe1, NULL, NULL, NULL) = -1 EFAULT (Bad address)'))).toBeUndefined();
  });

  test('messages with what was moved of each', () => {
    const call = callOf(
      'sendmmsg(3, [{msg_hdr={msg_name=NULL, msg_namelen=0, msg_iov=[{iov_base="abc", iov_len=3}], msg_iovlen=1, msg_controllen=0, msg_flags=0}, msg_len=3}], 1, MSG_NOSIGNAL) = 1',
    );
    expect(messagesIn(call.args[1]?.value).map(({ moved }) => moved)).toEqual([3]);
  });
});

describe('the outside', () => {
  test('calls of files, memory, credentials have a reason; what nobody listed has none', () => {
    expect(outsideReason('openat')).toBe(FILES);
    expect(
      ['mmap', 'getuid', 'getrandom', 'sched_setscheduler', 'execve'].every(
        (name) => outsideReason(name) !== undefined,
      ),
    ).toBe(true);
    expect([outsideReason('io_uring_enter'), outsideReason('splice'), outsideReason('toString')]).toEqual([
      undefined,
      undefined,
      undefined,
    ]);
  });

  test('limits are the host’s, and so are its errors; those of the network belong to internet sockets', () => {
    expect(outsideAnswer('prlimit64', undefined, false)).toBe(SCHEDULING);
    expect(outsideAnswer('accept4', 'EMFILE', false)).toBe(HOST_ERRORS);
    expect([true, false].map((internet) => outsideAnswer('shutdown', 'ENOTCONN', internet))).toEqual([
      NETWORK_ERRORS,
      undefined,
    ]);
    expect(
      ['EAGAIN', 'ECONNRESET', 'EADDRINUSE', undefined].map((errno) => outsideAnswer('read', errno, true)),
    ).toEqual(Array(4).fill(undefined));
  });

  test('what the machine is about is never outside', () => {
    const own = [
      'read',
      'write',
      'epoll_wait',
      'poll',
      'futex',
      'pipe2',
      'socketpair',
      'clone',
      'wait4',
      'kill',
      'nanosleep',
    ];
    expect(own.filter((name) => isSyscallName(name) && outsideReason(name) !== undefined)).toEqual([]);
  });
});
