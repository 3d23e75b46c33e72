// The strace parser over whole traces: what strace prints is what a replay gets, whichever of its options were used,
// and a line that is not understood costs that line only.

import { gzipSync } from 'node:zlib';
import { describe, expect, test } from 'vitest';
import { constantsOf } from '../../src/kernel/abi/flag-groups.ts';
import {
  argument,
  type CallRecord,
  callsInOrder,
  decodeTrace,
  durationIn,
  epollEventsIn,
  eventsInOrder,
  kernelResult,
  maskIn,
  numberIn,
  parseStrace,
  pollEntriesIn,
  printCall,
  readTrace,
  StraceError,
  textIn,
  type Trace,
} from '../../src/replay/trace.ts';

const constants = constantsOf('x86_64');

function callOf(line: string): CallRecord {
  const [call] = callsInOrder(parseStrace(`${line}\n`, { strict: true }));
  if (call === undefined) throw new Error(`no call in ${line}`);
  return call;
}

/** What a test wants to see of a trace at a glance. */
function outline(trace: Trace): string[] {
  return eventsInOrder(trace).map((event) => {
    const { record } = event;
    if (record.kind === 'call') return `${event.line} ${record.tid} ${event.kind} ${record.call} ${record.outcome}`;
    return `${event.line} ${record.tid} ${record.kind}${record.kind === 'signal' ? ` ${record.signal}` : ''}`;
  });
}

describe('calls and results', () => {
  test('a plain call', () => {
    const call = callOf('10506 1795215161.276051 read(3, "\\177ELF"..., 832) = 832 <0.000109>');
    expect(call).toMatchObject({ tid: 10506, timeNs: 0, endNs: 109000, durationNs: 109000, call: 'read' });
    expect(call).toMatchObject({ outcome: 'returned', result: { value: 832, details: [] } });
    expect(numberIn(argument(call, 2))).toBe(832);
    expect(printCall(call)).toBe('read(3, "\\177ELF"..., 832) = 832');
  });

  test('an error has its errno, and the kernel answered its negative', () => {
    const call = callOf('accept4(6, 0x7f, [128], SOCK_CLOEXEC) = -1 EAGAIN (Resource temporarily unavailable)');
    expect(call).toMatchObject({ outcome: 'failed', result: { errno: 'EAGAIN', value: -1 } });
    expect(kernelResult(call)).toBe(-11);
    expect(kernelResult(callOf('f() = -1 (errno 523)'))).toBe(-523);
    expect(kernelResult(callOf('f() = -1 ENOSYS (Function not implemented) (INJECTED)'))).toBe(-38);
  });

  test('what stands behind a result is kept by label', () => {
    const select = callOf('select(7, [6], [6], NULL, {tv_sec=0, tv_usec=5}) = 2 (in [6], left {tv_sec=0, tv_usec=4})');
    expect(select.result.details.map((detail) => detail.label)).toEqual(['in', 'left']);
    expect(durationIn(select.result.details[1]?.value)).toBe(4000);
    const poll = callOf('poll([{fd=6, events=POLLIN}, {fd=-1}], 2, 10) = 1 ([{fd=6, revents=POLLIN|POLLHUP}])');
    expect(pollEntriesIn(argument(poll, 0), constants)).toEqual([
      { fd: 6, events: 1 },
      { fd: -1, events: 0 },
    ]);
    expect(pollEntriesIn(poll.result.details[0]?.value, constants)).toEqual([{ fd: 6, events: 0x11 }]);
    const flags = callOf('fcntl(3, F_GETFL) = 0x8002 (flags O_RDWR|O_LARGEFILE)').result;
    expect([flags.value, maskIn(flags.details[0]?.value, constants)]).toEqual([0x8002, 0x8002]);
    expect(callOf('poll(NULL, 0, 1) = 0 (Timeout)').result.message).toBe('Timeout');
  });

  test('restarts, ends without a result, notes behind results', () => {
    const restarted = callOf('read(3, 0x7f, 8) = ? ERESTARTSYS (To be restarted if SA_RESTART is set) <0.1>');
    expect(restarted).toMatchObject({ outcome: 'restarted', result: { errno: 'ERESTARTSYS', value: Number.NaN } });
    expect(kernelResult(restarted)).toBeUndefined();
    expect(callOf('exit_group(0)   = ?')).toMatchObject({ outcome: 'vanished' });
    expect(callOf('futex(0x7f, FUTEX_WAIT, 1, NULL <unfinished ...>) = ?')).toMatchObject({ outcome: 'vanished' });
    expect(callOf('eventfd2(0, EFD_NONBLOCK) = 6<anon_inode:[eventfd]> <0.000005>').result).toMatchObject({
      value: 6,
      note: 'anon_inode:[eventfd]',
    });
    expect(callOf("getpid() = 5 /* 7 in strace's PID NS */").result.value).toBe(5);
  });

  test('a call with the word unfinished in its data is whole', () => {
    const call = callOf('write(1, "f( <unfinished ...>) = ?", 24) = 24');
    expect(textIn(argument(call, 1))).toBe('f( <unfinished ...>) = ?');
  });

  test.each([
    ['read(3, "abc', 'the arguments of read do not end in ")"'],
    ['read(3, "abc", 3)', 'read has no "=" and result behind its arguments'],
    ['read(3, "abc", 3) = what', 'the result of read is not understood: what'],
    ['read(3, "abc", 3) = 3 bananas', 'the result of read is not understood: 3 bananas'],
    ['hello there', 'not a call, a signal or an exit'],
    ['--- SIGUSR1', 'a signal line that does not end in ---'],
    ['+++ what +++', 'an exit line of unknown form'],
    ['<... read resumed>"a", 1) = 1', 'read is resumed, but its beginning is not in the trace'],
  ])('%s is skipped with a reason, or fatal', (line, reason) => {
    const text = `7 getpid() = 7\n7 ${line}\n7 getppid() = 1\n`;
    const trace = parseStrace(text);
    expect(trace.problems).toEqual([{ line: 2, reason, text: `7 ${line}` }]);
    expect(callsInOrder(trace).map((call) => call.call)).toEqual(['getpid', 'getppid']);
    expect(() => parseStrace(text, { strict: true })).toThrow(new StraceError(2, reason));
  });
});

describe('lines of one trace', () => {
  test('interrupted calls are joined, and the order of lines is the order of events', () => {
    const trace = parseStrace(
      [
        '10 1700000100.000000 clone3({flags=CLONE_VM|CLONE_THREAD, stack=0x7f} <unfinished ...>',
        '11 1700000100.000100 epoll_wait(7,  <unfinished ...>',
        '10 1700000100.000200 <... clone3 resumed> => {parent_tid=[11]}, 88) = 11 <0.000200>',
        '10 1700000100.000300 write(6, "\\1\\0\\0\\0\\0\\0\\0\\0", 8 <unfinished ...>',
        '11 1700000100.000400 <... epoll_wait resumed>[{events=EPOLLIN, data={u32=6, u64=6}}], 32, -1) = 1 <0.000300>',
        '10 1700000100.000500 <... write resumed>) = 8 <0.000150>',
        '',
      ].join('\n'),
      { strict: true },
    );
    expect(outline(trace)).toEqual([
      '1 10 begin clone3 returned',
      '2 11 begin epoll_wait returned',
      '3 10 end clone3 returned',
      '4 10 begin write returned',
      '5 11 end epoll_wait returned',
      '6 10 end write returned',
    ]);
    const wait = trace.threads[1]?.records[0] as CallRecord;
    expect(wait).toMatchObject({ timeNs: 100000, endNs: 400000, line: 2, endLine: 5 });
    expect(wait.args).toHaveLength(4);
    expect(trace.threads[1]).toMatchObject({
      tid: 11,
      parent: 0,
      process: 0,
      birthFlags: ['CLONE_VM', 'CLONE_THREAD'],
    });
  });

  test('without -T, a resumed call ends at its second line and a whole one when the next line begins', () => {
    const [read, getpid, last] = callsInOrder(
      parseStrace(
        '1 1700000005.0 read(3,  <unfinished ...>\n2 1700000005.1 getpid() = 2\n1 1700000005.3 <... read resumed>"", 1) = 0\n1 1700000005.4 f() = 0\n',
      ),
    );
    expect(read).toMatchObject({ timeNs: 0, endNs: 300000000, durationNs: 300000000 });
    expect([getpid?.timeNs, getpid?.endNs, getpid?.durationNs]).toEqual([100000000, 300000000, undefined]);
    expect(last?.endNs).toBe(last?.timeNs);
  });

  test('signals, stops, exits and deaths', () => {
    const trace = parseStrace(
      [
        '5 pause() = ? ERESTARTNOHAND (To be restarted if no handler)',
        '5 --- SIGUSR1 {si_signo=SIGUSR1, si_code=SI_USER, si_pid=5, si_uid=0} ---',
        '5 rt_sigreturn({mask=[]}) = -1 EINTR (Interrupted system call)',
        '5 --- stopped by SIGSTOP ---',
        '5 read(3,  <unfinished ...>',
        '6 exit(0) = ?',
        '6 +++ exited with 0 +++',
        '5 +++ killed by SIGSEGV (core dumped) +++',
      ].join('\n'),
      { strict: true },
    );
    const [first, second] = trace.threads;
    expect(first?.records.map((record) => record.kind)).toEqual(['call', 'signal', 'call', 'signal', 'call', 'exit']);
    expect(first?.records[1]).toMatchObject({ signal: 'SIGUSR1', stopped: false });
    expect(first?.records[3]).toMatchObject({ signal: 'SIGSTOP', stopped: true });
    expect(first?.records[4]).toMatchObject({ call: 'read', outcome: 'vanished', args: [{ value: { value: 3 } }] });
    expect(first?.exit).toMatchObject({ signal: 'SIGSEGV' });
    expect(second?.exit).toMatchObject({ status: 0 });
  });

  test('a tid that is used twice is two threads', () => {
    const trace = parseStrace(
      [
        '1 fork() = 2',
        '2 exit_group(1) = ?',
        '2 +++ exited with 1 +++',
        '1 vfork( <unfinished ...>',
        '2 getpid() = 2',
        '1 <... vfork resumed>) = 2',
        '',
      ].join('\n'),
      { strict: true },
    );
    expect(trace.threads.map((thread) => [thread.tid, thread.parent, thread.bornBy?.call, thread.process])).toEqual([
      [1, undefined, undefined, 0],
      [2, 0, 'fork', 1],
      [2, 0, 'vfork', 2],
    ]);
  });

  test('a thread that was there before a call is not born by it', () => {
    const trace = parseStrace('2 exit(0) = ?\n2 +++ exited with 0 +++\n1 fork() = 2\n2 getpid() = 2\n', {
      strict: true,
    });
    expect(trace.threads.map((thread) => [thread.tid, thread.parent])).toEqual([
      [2, undefined],
      [1, undefined],
      [2, 1],
    ]);
  });

  test('stamps of the day go on over every midnight', () => {
    const stamps = ['23:00:00', '01:00:00', '23:00:00', '01:00:00'];
    const trace = parseStrace(stamps.map((stamp) => `${stamp} getpid() = 1\n`).join(''), { strict: true });
    expect(callsInOrder(trace).map((call) => call.timeNs / 3600e9)).toEqual([0, 2, 24, 26]);
  });

  test.each([
    ['told by the line about the tid', '10 +++ superseded by execve in pid 12 +++\n', ''],
    ['told in the call', '10 +++ superseded by execve in pid 12 +++\n', ' <pid changed to 10 ...>'],
    ['not told', '', ''],
  ])('an execve by another thread goes on under the first one’s tid: %s', (_, superseded, changed) => {
    const text =
      '10 clone(child_stack=0x1, flags=CLONE_VM|CLONE_THREAD) = 12\n10 futex(0x7f, FUTEX_WAIT, 1, NULL <unfinished ...>\n' +
      `12 execve("/bin/true", ["true"], 0x7f${changed === '' ? ' <unfinished ...>' : changed}\n${superseded}` +
      '10 <... execve resumed>) = 0\n10 getpid() = 10\n';
    const trace = parseStrace(text, { strict: true });
    expect(trace.threads.map((thread) => thread.tid)).toEqual([10, 12]);
    const calls = trace.threads.map((thread) => thread.records.filter((record) => record.kind === 'call'));
    expect(calls[0]?.map((call) => call.outcome)).toEqual(['returned', 'vanished']);
    expect(calls[1]?.map((call) => [call.call, call.tid])).toEqual([
      ['execve', 10],
      ['getpid', 10],
    ]);
    if (superseded !== '') expect(trace.threads[0]?.exit).toMatchObject({ supersededBy: 12, thread: 0 });
  });

  test('a call that never comes back is unfinished, and a lost end is a problem', () => {
    const trace = parseStrace('1 read(3,  <unfinished ...>\n1 getpid() = 1\n1 epoll_wait(4,  <unfinished ...>\n');
    expect(outline(trace)).toEqual([
      '1 1 begin read unfinished',
      '2 1 begin getpid returned',
      '2 1 end getpid returned',
      '3 1 begin epoll_wait unfinished',
    ]);
    expect(trace.problems.map((problem) => problem.line)).toEqual([2]);
  });
});

describe('strace’s options', () => {
  const body = 'close(3) = 0';

  test.each([
    ['no column at all', `${body}\n${body}\n`, 'none', 0, 1000],
    ['-ttt', `1795215161.000001 ${body}\n1795215163.500002 ${body}\n`, 'unix', 0, 2500001000],
    ['-ttt with nanoseconds', `7 1795215161.999999999 ${body}\n7 1795215162.000000001 ${body}\n`, 'unix', 7, 2],
    ['-f -ttt, seconds only', `7 1795215161 ${body}\n7 1795215163 ${body}\n`, 'unix', 7, 2e9],
    ['seconds only, no tid', `1795215161 ${body}\n1795215163 ${body}\n`, 'unix', 0, 2e9],
    ['-tt over midnight', `7 23:59:59.5 ${body}\n7 00:00:01.0 ${body}\n`, 'day', 7, 1.5e9],
    ['-t', `7 12:00:01 ${body}\n7 12:00:03 ${body}\n`, 'day', 7, 2e9],
    ['-r', `7      0.000000 ${body}\n7      0.000250 ${body}\n`, 'relative', 7, 250000],
    ['-r without tids', `     0.000000 ${body}\n     0.000250 ${body}\n`, 'relative', 0, 250000],
    ['-r -tt', `7 12:00:01.0 (+     0.000000) ${body}\n7 12:00:03.0 (+     2.000000) ${body}\n`, 'day', 7, 2e9],
    ['-n -i', `7 12:00:01 [   3] [00007f4b] ${body}\n7 12:00:03 [   3] [????????????????] ${body}\n`, 'day', 7, 2e9],
    ['-Y', `7<redis> 12:00:01 ${body}\n7<redis> 12:00:03 ${body}\n`, 'day', 7, 2e9],
    ['CRLF, empty lines, stacks', `7 ${body}\r\n\r\n > /lib/x.so(read+0x1) [0x2]\r\n7 ${body}\r\n`, 'none', 7, 1000],
  ] as const)('%s', (_, text, clock, tid, secondNs) => {
    const trace = parseStrace(text, { strict: true });
    const calls = callsInOrder(trace);
    expect([trace.clock, calls.length, calls[0]?.tid]).toEqual([clock, 2, tid]);
    expect(calls.map((call) => call.timeNs - (calls[0]?.timeNs ?? 0))).toEqual([0, secondNs]);
  });

  test('a terminal’s trace: tids appear with the second thread, and strace breaks into its own lines', () => {
    const trace = parseStrace(
      [
        'getpid() = 20',
        'clone(child_stack=NULL, flags=CLONE_CHILD_SETTID|SIGCHLDstrace: Process 21 attached',
        ', child_tidptr=0x7f) = 21',
        '[pid    21] pause( <unfinished ...>',
        '[pid    20] vfork(strace: Process 22 attached',
        ' <unfinished ...>',
        '[pid    22] exit_group(0) = ?',
        '[pid    22] +++ exited with 0 +++',
        '[pid    20] <... vfork resumed>)        = 22',
        '[pid    20] kill(21, SIGKILL) = 0',
        '[pid    21] <... pause resumed>)        = ?',
        '[pid    21] +++ killed by SIGKILL +++',
        '--- SIGCHLD {si_signo=SIGCHLD, si_code=CLD_KILLED, si_pid=21} ---',
        'exit_group(0) = ?',
        '+++ exited with 0 +++',
        '',
      ].join('\n'),
      { strict: true },
    );
    expect(trace.threads.map((thread) => [thread.tid, thread.parent, thread.exit?.signal])).toEqual([
      [20, undefined, undefined],
      [21, 0, 'SIGKILL'],
      [22, 0, undefined],
    ]);
    expect(trace.threads[0]?.records.map((record) => (record.kind === 'call' ? record.call : record.kind))).toEqual([
      'getpid',
      'clone',
      'vfork',
      'kill',
      'signal',
      'exit_group',
      'exit',
    ]);
    expect(trace.threads[0]?.records[1]).toMatchObject({ line: 2, result: { value: 21 } });
  });

  test('an attached process that is let go, and a table of -C at the end', () => {
    const trace = parseStrace(
      'strace: Process 9 attached\n9 restart_syscall(<... resuming interrupted read ...> <detached ...>\n' +
        'strace: Process 9 detached\n% time     seconds  usecs/call     calls    errors syscall\n------ -----\n100 0 read\n',
      { strict: true },
    );
    expect(outline(trace)).toEqual(['2 9 begin restart_syscall unfinished']);
  });

  test('the program is named by its execve, else by the file', () => {
    const exec = 'execve("/usr/bin/redis-server", ["redis-server", "--port", "7"], 0x7f /* 3 vars */) = 0\n';
    expect(parseStrace(exec)).toMatchObject({ program: 'redis-server', argv: ['redis-server', '--port', '7'] });
    expect(parseStrace('', { fileName: 'dir/memcached.strace.gz' }).program).toBe('memcached');
    expect(parseStrace('').program).toBe('unknown');
  });
});

describe('cut traces', () => {
  const head = '1 5.0 getpid() = 1 <0.000001>\n';
  test.each([
    ['1 5.1 epoll_wait(3, ', ['getpid returned', 'epoll_wait unfinished']],
    ['1 5.1 read(3, "ab", 2) = 2', ['getpid returned', 'read unfinished']],
    ['1 5.1 read(3, "ab", 2) = 2 <0.0', ['getpid returned', 'read unfinished']],
    ['1 5.1 read(3, "ab", 2) = 2 <0.000003>', ['getpid returned', 'read returned']],
    ['1 5.1 epol', ['getpid returned']],
    ['1 5.1 --- SIGUS', ['getpid returned']],
  ])('after %s what is sure is kept, even in strict mode', (last, expected) => {
    const trace = parseStrace(head + last, { strict: true });
    expect(callsInOrder(trace).map((call) => `${call.call} ${call.outcome}`)).toEqual(expected);
    expect(trace.truncated).toBe(!last.endsWith('>'));
  });

  test('the second half of a call may be the cut one', () => {
    const trace = parseStrace(
      `${head}1 5.1 read(3,  <unfinished ...>\n2 5.2 getpid() = 2 <0.1>\n1 5.3 <... read resumed>"a`,
    );
    expect(callsInOrder(trace)[1]).toMatchObject({ call: 'read', outcome: 'unfinished' });
    expect(trace).toMatchObject({ truncated: true, problems: [] });
  });

  test('a gzip stream that ends early is read as far as it goes', () => {
    const text = Array.from({ length: 5000 }, (_, index) => `1 5.${index} getpid() = ${index} <0.000001>\n`).join('');
    const whole = gzipSync(text);
    expect(decodeTrace(whole)).toEqual({ text, truncated: false });
    const cut = decodeTrace(whole.subarray(0, whole.length / 2));
    expect(cut.truncated).toBe(true);
    expect(cut.text.length).toBeGreaterThan(100);
    expect(text.startsWith(cut.text)).toBe(true);
    expect(parseStrace(cut.text, { strict: true, truncated: true }).threads).toHaveLength(1);
  });
});

describe('the bundled traces', () => {
  test.each([
    ['redis', { lines: 2856, threads: 5, calls: 2841, truncated: false }],
    ['memcached', { lines: 5583, threads: 10, calls: 3158, truncated: true }],
  ])('%s is understood to the last line', (name, expected) => {
    const trace = readTrace(new URL(`../../data/traces/${name}.strace.gz`, import.meta.url).pathname, { strict: true });
    const calls = callsInOrder(trace);
    expect({
      lines: trace.lines,
      threads: trace.threads.length,
      calls: calls.length,
      truncated: trace.truncated,
    }).toEqual(expected);
    expect(trace.program).toBe(name);
    expect(trace.threads.slice(1).every((thread) => thread.parent === 0 && thread.process === 0)).toBe(true);
    for (const call of calls) {
      for (const { value } of call.args) expect(value.kind).not.toBe('text');
      if (call.call !== 'epoll_wait' || call.outcome !== 'returned') continue;
      const printed = epollEventsIn(call.args[1]?.value, constants);
      // These traces were taken with -s 16, which bounds lists too.
      expect(printed?.events).toHaveLength(Math.min(call.result.value, 16));
      expect(printed?.truncated).toBe(call.result.value > 16);
    }
  });
});
