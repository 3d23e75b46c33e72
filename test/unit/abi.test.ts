// The ABI tables are facts about Linux. Where this machine has Linux's own headers, the tables are held against them;
// elsewhere against a few numbers that everybody knows.

import { existsSync, readFileSync } from 'node:fs';
import { describe, expect, test } from 'vitest';
import * as errno from '../../src/kernel/abi/errno.ts';
import { constantsOf, flagsOf, formatFlags, parseFlags } from '../../src/kernel/abi/flag-groups.ts';
import * as flags from '../../src/kernel/abi/flags.ts';
import { epollEventLayout, signalfdSiginfoLayout, statLayout } from '../../src/kernel/abi/layout.ts';
import { buildIndexByNumber, numberOf, SYS, SYSCALL_COUNT, syscallTable } from '../../src/kernel/abi/syscalls.ts';

const x86Header = ['/usr/include/x86_64-linux-gnu/asm/unistd_64.h', '/usr/include/asm/unistd_64.h'].find(existsSync);
const genericHeader = ['/usr/include/asm-generic/unistd.h'].find(existsSync);
const genericErrno = ['/usr/include/asm-generic/errno.h', '/usr/include/asm-generic/errno-base.h'];

/** `#define NAME value` of a header, with the numbers in C's notations; values that are other names are left out. */
function defines(path: string): Map<string, number> {
  const found = new Map<string, number>();
  for (const match of readFileSync(path, 'utf8').matchAll(/^#\s*define\s+(\w+)\s+(0x[0-9a-fA-F]+|\d+)U?\b/gm)) {
    const [, name, digits] = match;
    if (name === undefined || digits === undefined) continue;
    found.set(name, /^0\d/.test(digits) ? Number.parseInt(digits, 8) : Number(digits));
  }
  return found;
}

const isPrivate = (name: string): boolean => name.startsWith('smplab_');

describe('system call numbers', () => {
  test('are those that everybody knows', () => {
    expect([numberOf('x86_64', 'read'), numberOf('arm64', 'read')]).toEqual([0, 63]);
    expect([numberOf('x86_64', 'epoll_wait'), numberOf('arm64', 'epoll_wait')]).toEqual([232, -1]);
    expect([numberOf('x86_64', 'epoll_pwait'), numberOf('arm64', 'epoll_pwait')]).toEqual([281, 22]);
    expect([numberOf('x86_64', 'epoll_pwait2'), numberOf('arm64', 'epoll_pwait2')]).toEqual([441, 441]);
    expect([numberOf('x86_64', 'exit_group'), numberOf('arm64', 'exit_group')]).toEqual([231, 94]);
    expect([numberOf('x86_64', 'fcntl'), numberOf('arm64', 'fcntl')]).toEqual([72, 25]);
  });

  test('the calls that arm64 left out are -1 there', () => {
    const missing = syscallTable.filter((spec) => spec.arm64 === -1).map((spec) => spec.name);
    const none = 'alarm dup2 epoll_create epoll_wait eventfd fork getpgrp open pause pipe poll select signalfd vfork';
    expect(missing.sort()).toEqual(none.split(' '));
  });

  test.skipIf(x86Header === undefined)('agree with unistd_64.h on x86_64', () => {
    const numbers = defines(x86Header ?? '');
    for (const spec of syscallTable) {
      if (!isPrivate(spec.name))
        expect([spec.name, spec.x86_64]).toEqual([spec.name, numbers.get(`__NR_${spec.name}`)]);
    }
  });

  test.skipIf(genericHeader === undefined)('agree with the generic unistd.h on arm64', () => {
    const numbers = defines(genericHeader ?? '');
    for (const spec of syscallTable) {
      const number = numbers.get(`__NR_${spec.name}`) ?? numbers.get(`__NR3264_${spec.name}`) ?? -1;
      if (!isPrivate(spec.name)) expect([spec.name, spec.arm64]).toEqual([spec.name, number]);
    }
  });

  test('dense indices and numbers lead to each other', () => {
    for (const abi of ['x86_64', 'arm64'] as const) {
      const indexByNumber = buildIndexByNumber(abi);
      let known = 0;
      for (const index of indexByNumber) known += index >= 0 ? 1 : 0;
      expect(known).toBe(syscallTable.filter((spec) => spec[abi] >= 0).length);
      syscallTable.forEach((spec, index) => {
        expect(SYS[spec.name]).toBe(index);
        if (spec[abi] >= 0) expect(indexByNumber[spec[abi]]).toBe(index);
      });
    }
    expect(Object.keys(SYS)).toHaveLength(SYSCALL_COUNT);
  });
});

describe('errno', () => {
  test('names, numbers and words belong together', () => {
    expect([errno.EPERM, errno.EAGAIN, errno.EINVAL, errno.ELOOP, errno.ECONNRESET]).toEqual([1, 11, 22, 40, 104]);
    expect(errno.errnoName(11)).toBe('EAGAIN');
    expect(errno.errnoText(11)).toBe('Resource temporarily unavailable');
    expect(errno.errnoByName('EWOULDBLOCK')).toBe(11);
    expect(errno.errnoByName('ENONSENSE')).toBeUndefined();
    for (const [number, name] of errno.errnoTable) {
      expect(errno.errnoByName(name)).toBe(number);
      expect((errno as unknown as Record<string, unknown>)[name]).toBe(number);
    }
  });

  test.skipIf(!genericErrno.every(existsSync))('agree with the generic errno.h', () => {
    const numbers = new Map(genericErrno.flatMap((path) => [...defines(path)]));
    for (const [name, number] of numbers) expect([name, errno.errnoByName(name)]).toEqual([name, number]);
    expect(numbers.size).toBeGreaterThan(120);
  });
});

const flagHeaders = [
  '/usr/include/asm-generic/fcntl.h',
  '/usr/include/asm-generic/socket.h',
  '/usr/include/asm-generic/signal.h',
  '/usr/include/asm-generic/signal-defs.h',
  '/usr/include/asm-generic/ioctls.h',
  '/usr/include/asm-generic/poll.h',
  '/usr/include/asm-generic/resource.h',
  '/usr/include/linux/sched.h',
  '/usr/include/linux/futex.h',
  '/usr/include/linux/eventpoll.h',
  '/usr/include/linux/time.h',
  '/usr/include/linux/wait.h',
  '/usr/include/linux/fcntl.h',
  '/usr/include/linux/memfd.h',
  '/usr/include/linux/close_range.h',
].filter(existsSync);

describe('flags', () => {
  test('are those that everybody knows', () => {
    expect([flags.O_NONBLOCK, flags.O_CLOEXEC, flags.EPOLLET, flags.SIGCHLD]).toEqual([2048, 524288, 2 ** 31, 17]);
    expect(flags.openFlags.x86_64.O_DIRECTORY).toBe(flags.openFlags.arm64.O_LARGEFILE / 2);
  });

  test.skipIf(flagHeaders.length === 0)('agree with the headers', () => {
    const constants = constantsOf('x86_64');
    // Names that the C library, or a 64-bit kernel, gives another value than these headers do.
    const elsewhere = new Set(['SIGRTMIN', 'SIGRTMAX', 'O_SYNC', 'O_TMPFILE', 'NSIG', 'POLLREMOVE']);
    let compared = 0;
    for (const path of flagHeaders) {
      for (const [name, value] of defines(path)) {
        const ours = constants.get(name);
        if (ours === undefined || elsewhere.has(name)) continue;
        expect([name, ours]).toEqual([name, value]);
        compared++;
      }
    }
    expect(compared).toBeGreaterThan(flagHeaders.length * 3);
  });

  test('signals are named from both ends', () => {
    for (let signal = 1; signal < flags.NSIG; signal++) {
      expect(flags.signalByName(flags.signalName(signal))).toBe(signal);
    }
    expect(flags.signalName(34)).toBe('SIGRTMIN');
    expect(flags.signalByName('SIGRTMAX-2')).toBe(62);
    expect(flags.signalByName('USR1')).toBe(flags.SIGUSR1);
    expect(flags.signalByName('SIGRTMAX-60')).toBeUndefined();
    expect(flags.signalByName('0')).toBeUndefined();
  });

  test('print as strace prints them', () => {
    expect(formatFlags('x86_64', 'open', 0o2004001)).toBe('O_WRONLY|O_NONBLOCK|O_CLOEXEC');
    expect(formatFlags('x86_64', 'open', 0)).toBe('O_RDONLY');
    expect(formatFlags('x86_64', 'open', 0o4010002)).toBe('O_RDWR|O_SYNC');
    expect(formatFlags('arm64', 'open', 0o40000)).toBe('O_RDONLY|O_DIRECTORY');
    expect(formatFlags('x86_64', 'epollEvents', -2147483647)).toBe('EPOLLIN|EPOLLET');
    expect(formatFlags('x86_64', 'epollEvents', 0x100001)).toBe('EPOLLIN|0x100000');
    expect(formatFlags('x86_64', 'epollOp', 2)).toBe('EPOLL_CTL_DEL');
    expect(formatFlags('x86_64', 'epollOp', 9)).toBe('0x9');
    expect(formatFlags('x86_64', 'clone', 0x4111)).toBe('SIGCHLD|CLONE_VM|CLONE_VFORK');
    expect(formatFlags('x86_64', 'clone', flags.CLONE_CLEAR_SIGHAND)).toBe('CLONE_CLEAR_SIGHAND');
    expect(formatFlags('x86_64', 'futexOp', 0x89 | 256)).toBe(
      'FUTEX_WAIT_BITSET|FUTEX_PRIVATE_FLAG|FUTEX_CLOCK_REALTIME',
    );
    expect(formatFlags('x86_64', 'socketType', 0o2004001)).toBe('SOCK_STREAM|SOCK_NONBLOCK|SOCK_CLOEXEC');
    expect(formatFlags('x86_64', 'eventfd', 0)).toBe('0');
  });

  test('a printed mask reads back as itself', () => {
    const constants = constantsOf('x86_64');
    for (const group of ['open', 'epollEvents', 'pollEvents', 'clone', 'message', 'sigaction', 'timerSet'] as const) {
      expect(flagsOf('x86_64', group).length).toBeGreaterThan(1);
      for (const [, value] of flagsOf('x86_64', group)) {
        for (const extra of [0, 0x4000, 0x10000000]) {
          const mask = Number(BigInt(value) | BigInt(extra));
          expect([group, parseFlags(constants, formatFlags('x86_64', group, mask))]).toEqual([group, mask]);
        }
      }
    }
    expect(parseFlags(constants, '0x10|020|3')).toBe(0x13);
    expect(parseFlags(constants, '-1')).toBe(-1);
    expect(parseFlags(constants, 'EPOLLIN|EPOLLNONSENSE')).toBeUndefined();
  });
});

describe('layouts', () => {
  test('have the sizes of both architectures', () => {
    expect([epollEventLayout.x86_64.size, epollEventLayout.arm64.size]).toEqual([12, 16]);
    expect([statLayout.x86_64.size, statLayout.arm64.size]).toEqual([144, 128]);
    expect(signalfdSiginfoLayout.size).toBe(128);
  });
});
