// Lines that are not as strace means them: broken by its own messages, by the program's output on the same terminal, by
// -z; and what its other options print instead of names. Each comes out as if nothing had come between.

import { describe, expect, test } from 'vitest';
import { constantsOf } from '../../src/kernel/abi/flag-groups.ts';
import {
  addressIn,
  callsInOrder,
  epollEventsIn,
  iovecLengthIn,
  maskIn,
  parseStrace,
  printCall,
} from '../../src/replay/trace.ts';

function callsOf(...lines: string[]): string[] {
  return callsInOrder(parseStrace(`${lines.join('\n')}\n`, { strict: true })).map(printCall);
}

describe('lines that something broke', () => {
  test('the output of the program on the same terminal is taken out of its write', () => {
    expect(
      callsOf('write(1, "hello\\n", 6hello', ')                  = 6', 'write(1, "3", 13)      = 1', 'close(1) = 0'),
    ).toEqual(['write(1, "hello\\n", 6) = 6', 'write(1, "3", 1) = 1', 'close(1) = 0']);
  });

  test('output of several lines, and of a writev', () => {
    expect(
      callsOf(
        'write(1, "a\\nb\\n\\nc\\n", 7a',
        'b',
        '',
        'c',
        ')                  = 7',
        '[pid  7] writev(2, [{iov_base="x", iov_len=1}, {iov_base="y\\n", iov_len=2}], 2xy',
        ') = 3',
      ),
    ).toEqual([
      'write(1, "a\\nb\\n\\nc\\n", 7) = 7',
      'writev(2, [{iov_base="x", iov_len=1}, {iov_base="y\\n", iov_len=2}], 2) = 3',
    ]);
  });

  test('a write that moved less than it was given keeps its count', () => {
    expect(
      callsOf(
        'write(7, "*2"..., 49) = 49',
        'write(1, "abcdef", 6)  = 3',
        'write(1, "hello"..., 4096hello',
        ')  = 4096',
      ),
    ).toEqual(['write(7, "*2"..., 49) = 49', 'write(1, "abcdef", 6) = 3', 'write(1, "hello"..., 4096) = 4096']);
  });

  test('an open call whose end never comes costs its line only', () => {
    const trace = parseStrace('write(1, "hello\\n", 6hello\nclose(1) = 0\n');
    expect(trace.problems.map(({ line }) => line)).toEqual([1]);
    expect(callsInOrder(trace).map(printCall)).toEqual(['close(1) = 0']);
  });

  test('a call that -z held back ends on the next line, which has neither tid nor stamp', () => {
    expect(
      callsOf(
        '473   1795267260.396967 epoll_wait(3,  <unfinished ...>',
        '[{events=EPOLLIN, data={u32=4, u64=4}}], 7, 500) = 1',
        '475   1795267260.414895 munmap(0x7fa0d4159000, 16384 <unfinished ...>',
        ')                                       = 0',
      ),
    ).toEqual([
      'epoll_wait(3, [{events=EPOLLIN, data={u32=4, u64=4}}], 7, 500) = 1',
      'munmap(0x7fa0d4159000, 16384) = 0',
    ]);
  });

  test('strace detaches while a call stands on the terminal', () => {
    const trace = parseStrace(
      [
        '[pid   802] close(6)                    = 0',
        '[pid   802] pselect6(4, [3], NULL, NULL, {tv_sec=0, tv_nsec=5}, NULLstrace: Process 800 detached',
        'strace: Process 802 detached',
        ' <detached ...>',
        'strace: Process 803 detached',
        '',
      ].join('\n'),
      { strict: true },
    );
    expect(callsInOrder(trace).map(({ call, outcome }) => [call, outcome])).toEqual([
      ['close', 'returned'],
      ['pselect6', 'unfinished'],
    ]);
  });

  test('dumps of -e read= and write= are no lines of their own', () => {
    const dump = [
      ' | 00000  7f 45 4c 46 02 01 01 00  00 00 00 00 00 00 00 00  .ELF............ |',
      ' * 2 bytes in buffer 0',
    ];
    expect(callsOf('read(3, "\\177ELF"..., 16) = 16', ...dump, 'close(3) = 0')).toHaveLength(2);
  });

  test('a process that is gone, a call without a name, whole seconds of -T', () => {
    const trace = parseStrace(
      '7 ????( <unfinished ...>\n8 read(3, <ptrace(SYSCALL):No such process>\n9 close(3) = 0 <2>\n',
      { strict: true },
    );
    expect(callsInOrder(trace).map(({ call, durationNs }) => [call, durationNs])).toEqual([
      ['????', undefined],
      ['read', undefined],
      ['close', 2e9],
    ]);
  });
});

describe('other forms of the same', () => {
  test('numbers of -X raw and -X verbose are named by what the call is', () => {
    expect(
      callsOf(
        'socket(0x2, 0x1|0x800, 0) = 6',
        'epoll_ctl(3, 0x1 /* EPOLL_CTL_ADD */, 6, {events=0x80000001 /* EPOLLIN|EPOLLET */, data={u32=6, u64=6}}) = 0',
        'fcntl(3, 0x2, 0x1) = 0',
        'rt_sigaction(13 /* SIGPIPE */, {sa_handler=0x1 /* SIG_IGN */, sa_mask=[], sa_flags=0}, NULL, 8) = 0',
        'poll([{fd=3, events=0x1}], 1, 5) = 1 ([{fd=3, revents=0x1}])',
      ),
    ).toEqual([
      'socket(AF_INET, SOCK_STREAM|SOCK_NONBLOCK, 0) = 6',
      'epoll_ctl(3, EPOLL_CTL_ADD, 6, {events=EPOLLIN|EPOLLET, data={u32=6, u64=6}}) = 0',
      'fcntl(3, F_SETFD, 0x1) = 0',
      'rt_sigaction(SIGPIPE, {sa_handler=SIG_IGN, sa_mask=[], sa_flags=0}, NULL, 8) = 0',
      'poll([{fd=3, events=POLLIN}], 1, 5) = 1 ([{fd=3, revents=0x1}])',
    ]);
    const [bound] = callsInOrder(
      parseStrace('bind(6, {sa_family=0x2, sin_port="\\x1f\\x98", sin_addr="\\x7f\\x00\\x00\\x01"}, 16) = 0\n'),
    );
    expect(addressIn(bound?.args[1]?.value)).toBe('inet:127.0.0.1:8088');
  });

  test('what strace printed by name, and numbers that are none, stay as they are', () => {
    const lines = [
      'pipe2([3, 4], 0) = 0',
      'kill(7, 0) = 0',
      'eventfd2(0, EFD_NONBLOCK) = 3',
      'syscall_0x1b9(0x3, 0x2) = 0',
    ];
    expect(callsOf(...lines)).toEqual(lines);
  });

  test('old versions: events without names, counted vectors', () => {
    const constants = constantsOf('x86_64');
    const [wait, send] = callsInOrder(
      parseStrace(
        'epoll_wait(3, {{EPOLLIN, {u32=5, u64=5}}, {EPOLLOUT, {u32=6, u64=6}}}, 16, -1) = 2\n' +
          'sendmsg(3, {msg_name(0)=NULL, msg_iov(1)=[{"abc", 3}], msg_controllen=0, msg_flags=0}, 0) = 3\n',
        { strict: true },
      ),
    );
    expect(epollEventsIn(wait?.args[1]?.value, constants)?.events).toEqual([
      { events: maskIn({ kind: 'flags', words: ['EPOLLIN'] }, constants), data: 5n },
      { events: maskIn({ kind: 'flags', words: ['EPOLLOUT'] }, constants), data: 6n },
    ]);
    expect(iovecLengthIn(send?.args[1]?.value)).toBe(3);
  });
});
