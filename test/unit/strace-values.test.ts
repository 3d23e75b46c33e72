// strace's argument syntax: every value that it prints becomes data, and the data means what a replay needs.

import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { constantsOf } from '../../src/kernel/abi/flag-groups.ts';
import { cursorOver } from '../../src/replay/tokens.ts';
import {
  addressIn,
  bigintIn,
  type CallRecord,
  callsInOrder,
  epollEventsIn,
  fieldIn,
  iovecLengthIn,
  maskIn,
  parseStrace,
  passedDescriptorsIn,
  printValue,
  signalSetIn,
  straceSignal,
  textIn,
  timerSettingIn,
  type Value,
} from '../../src/replay/trace.ts';
import { parseValue } from '../../src/replay/value-parse.ts';

const constants = constantsOf('x86_64');

const parsed = (text: string): Value | undefined => parseValue(cursorOver(text));

function callOf(line: string): CallRecord {
  const [call] = callsInOrder(parseStrace(`${line}\n`, { strict: true }));
  if (call === undefined) throw new Error(`no call in ${line}`);
  return call;
}

describe('values', () => {
  test.each([
    ['-1', { kind: 'number', value: -1, text: '-1' }],
    ['0644', { kind: 'number', value: 0o644, text: '0644' }],
    ['0x7f7f18679a4c', { kind: 'number', value: 0x7f7f18679a4c, text: '0x7f7f18679a4c' }],
    ['8192*1024', { kind: 'number', value: 8388608, text: '8192*1024' }],
    ['0x7ffe /* 35 vars */', { kind: 'number', value: 0x7ffe, text: '0x7ffe' }],
    ['NULL', { kind: 'null' }],
    ['O_RDWR|0x10', { kind: 'flags', words: ['O_RDWR', '0x10'] }],
    ['0x2 /* O_RDWR */|0x800 /* O_NONBLOCK */', { kind: 'flags', words: ['0x2', '0x800'] }],
    ['AT_FDCWD</tmp>', { kind: 'flags', words: ['AT_FDCWD'], note: '/tmp' }],
    ['3<pipe:[21175]>', { kind: 'number', value: 3, text: '3', note: 'pipe:[21175]' }],
    [
      '4<TCP:[127.0.0.1:5->127.0.0.1:6]>',
      { kind: 'number', value: 4, text: '4', note: 'TCP:[127.0.0.1:5->127.0.0.1:6]' },
    ],
    ['1</dev/null<char 1:3>>', { kind: 'number', value: 1, text: '1', note: '/dev/null<char 1:3>' }],
    ['<... resuming interrupted poll ...>', { kind: 'text', text: '<... resuming interrupted poll ...>' }],
  ])('%s', (text, expected) => {
    expect(parsed(text)).toEqual(expected);
  });

  test('strings: every escape, the mark of truncation, abstract names', () => {
    const string = parsed(String.raw`"a\0\1771\x41\n\"\\z"...`);
    expect(string?.kind === 'string' && [...string.bytes]).toEqual([97, 0, 127, 49, 65, 10, 34, 92, 122]);
    expect(string).toMatchObject({ truncated: true, abstract: false });
    expect(parsed('@"abs"')).toMatchObject({ kind: 'string', abstract: true, truncated: false });
    expect(textIn(parsed('"> 3) = 0 <0.1>"'))).toBe('> 3) = 0 <0.1>');
  });

  test('a part of unknown syntax becomes text, and its neighbours stay', () => {
    const value = parsed('[{a=1, b=WIFEXITED(s) && WEXITSTATUS(s) == 3, c="x, y}"}]');
    expect(value?.kind === 'array' && fieldIn(value.items[0], 'b')).toEqual({
      kind: 'text',
      text: 'WIFEXITED(s) && WEXITSTATUS(s) == 3',
    });
    expect(value?.kind === 'array' && textIn(fieldIn(value.items[0], 'c'))).toBe('x, y}');
    expect(parsed('1<<CAP_CHOWN|1<<CAP_KILL')).toMatchObject({ kind: 'text' });
  });

  test('what a call changed has a before and an after, in both arrows', () => {
    for (const text of ['[128 => 16]', '[128->16]']) {
      expect(parsed(text)).toMatchObject({
        kind: 'change',
        before: { items: [{ value: 128 }] },
        after: { items: [{ value: 16 }] },
      });
    }
    const message = parsed('{msg_namelen=110 => 0, msg_flags=0}');
    expect(fieldIn(message, 'msg_namelen')).toMatchObject({ kind: 'change', after: { value: 0 } });
  });

  test('64 bits survive', () => {
    expect(bigintIn(parsed('18446744069720004216'))).toBe(18446744069720004216n);
    expect(bigintIn(parsed('-9223372036854775807'))).toBe(-9223372036854775807n);
    expect(bigintIn(parsed('0xffffffffffffffff'))).toBe(2n ** 64n - 1n);
  });

  test('nesting beyond all reason costs neither the stack nor the line', () => {
    const deep = `${'['.repeat(20000)}${']'.repeat(20000)}`;
    expect(callOf(`f(${deep}, 3) = 0`).args).toHaveLength(2);
    expect(parseStrace(`f(${'{'.repeat(50000)}\n`).problems).toHaveLength(1);
  });

  const name = fc.stringMatching(/^[A-Z_][A-Z0-9_]{1,8}$/).filter((word) => word !== 'NULL');
  const number = fc.oneof(fc.integer(), fc.nat().map(hexadecimal), fc.nat().map(octal)).map((shown): Value => {
    const text = String(shown);
    return { kind: 'number', value: /^0[0-7]/.test(text) ? Number.parseInt(text, 8) : Number(text), text };
  });
  const annotated = fc
    .nat(1000)
    .map((fd): Value => ({ kind: 'number', value: fd, text: `${fd}`, note: `pipe:[${fd}]` }));
  const flags = fc.array(name, { minLength: 1, maxLength: 4 }).map((words): Value => ({ kind: 'flags', words }));
  const string = fc
    .record({ bytes: fc.uint8Array({ maxLength: 20 }), truncated: fc.boolean(), abstract: fc.boolean() })
    .map((parts): Value => ({ kind: 'string', ...parts, bytes: Uint8Array.from(parts.bytes) }));
  const set = fc
    .record({ items: fc.array(fc.oneof(number, flags), { minLength: 2, maxLength: 5 }), inverted: fc.boolean() })
    .map((parts): Value => ({ kind: 'array', spaced: true, truncated: false, ...parts }));
  const { value: anyValue } = fc.letrec<{ value: Value }>((tie) => ({
    value: fc.oneof(
      { maxDepth: 4 },
      number,
      annotated,
      flags,
      string,
      set,
      fc.constant<Value>({ kind: 'null' }),
      fc
        .record({
          fields: fc.array(fc.record({ name: fc.constantFrom('', 'fd', 'it_value', 'u64'), value: tie('value') }), {
            maxLength: 4,
          }),
          truncated: fc.boolean(),
        })
        .map((parts): Value => ({ kind: 'struct', ...parts })),
      fc
        .record({ items: fc.array(tie('value'), { maxLength: 4 }), truncated: fc.boolean() })
        .map((parts): Value => ({ kind: 'array', spaced: false, inverted: false, ...parts })),
      fc
        .record({ name, args: fc.array(tie('value'), { maxLength: 3 }) })
        .map((parts): Value => ({ kind: 'macro', ...parts })),
    ),
  }));

  test('what is printed parses to the same value', () => {
    fc.assert(
      fc.property(anyValue, (value) => {
        expect(parsed(printValue(value))).toEqual(value);
      }),
      { numRuns: 500 },
    );
  });

  test('a changed value keeps both sides', () => {
    fc.assert(
      fc.property(anyValue, anyValue, (before, after) => {
        expect(parsed(printValue({ kind: 'change', before, after }))).toEqual({ kind: 'change', before, after });
      }),
    );
  });
});

function hexadecimal(value: number): string {
  return `0x${value.toString(16)}`;
}

function octal(value: number): string {
  return `0${value.toString(8)}`;
}

describe('meanings', () => {
  test('epoll events, in the forms of three generations of strace', () => {
    const expected = { events: [{ events: 0x80000001, data: 7n }], truncated: false };
    for (const text of [
      '[{events=EPOLLIN|EPOLLET, data={u32=7, u64=7}}]',
      '[{events=EPOLLIN|EPOLLET, data=0x7}]',
      '[{EPOLLIN|EPOLLET, {u32=7, u64=7}}]',
    ]) {
      expect(epollEventsIn(parsed(text), constants)).toEqual(expected);
    }
    expect(epollEventsIn(parsed('[{events=EPOLLIN, data={u32=7, u64=7}}, ...]'), constants)?.truncated).toBe(true);
    expect(epollEventsIn(parsed('0x55e624310d80'), constants)).toBeUndefined();
    expect(epollEventsIn(parsed('[{events=EPOLLNOVEL, data=0x7}]'), constants)).toBeUndefined();
  });

  test('flags, futex operations, numbers that strace had no name for', () => {
    expect(maskIn(parsed('FUTEX_WAIT_BITSET_PRIVATE|FUTEX_CLOCK_REALTIME'), constants)).toBe(9 | 128 | 256);
    expect(maskIn(parsed('0x9 /* EPOLL_CTL_??? */'), constants)).toBe(9);
    expect(maskIn(parsed('S_IFREG|0644'), constants)).toBe(0o100644);
    expect(maskIn(parsed('"O_RDWR"'), constants)).toBeUndefined();
  });

  test('signals, which strace counts from the first real-time signal of the kernel', () => {
    expect([straceSignal('SIGUSR1'), straceSignal('SIGRTMIN'), straceSignal('SIGRT_2')]).toEqual([10, 32, 34]);
    expect(signalSetIn(parsed('[USR1 RT_4]'))).toEqual([10, 36]);
    expect(signalSetIn(parsed('[INT]'))).toEqual([2]);
    expect(signalSetIn(parsed('~[RTMIN RT_1]'))).toHaveLength(62);
    expect(signalSetIn(parsed('~[]'))).toHaveLength(64);
    expect(signalSetIn(parsed('[]'))).toEqual([]);
    expect(signalSetIn(parsed('NULL'))).toBeUndefined();
  });

  test('times, messages and addresses', () => {
    const setting = '{it_interval={tv_sec=0, tv_nsec=1000000}, it_value={tv_sec=1, tv_nsec=5}}';
    expect(timerSettingIn(parsed(setting))).toEqual({ intervalNs: 1e6, valueNs: 1e9 + 5 });
    const message = parsed(
      '{msg_name=NULL, msg_iov=[{iov_base="hi", iov_len=2}, {iov_base="yo", iov_len=3}], msg_iovlen=2, ' +
        'msg_control=[{cmsg_len=24, cmsg_level=SOL_SOCKET, cmsg_type=SCM_RIGHTS, cmsg_data=[9, 11]}]}',
    );
    expect(iovecLengthIn(message)).toBe(5);
    expect(passedDescriptorsIn(message)).toEqual([9, 11]);
    const addresses = [
      '{sa_family=AF_INET, sin_port=htons(7002), sin_addr=inet_addr("127.0.0.1")}',
      '{sa_family=AF_INET6, sin6_port=htons(80), sin6_flowinfo=htonl(0), inet_pton(AF_INET6, "::1", &sin6_addr)}',
      '{sa_family=AF_UNIX, sun_path=@"abs"}',
      '{sa_family=AF_UNIX}',
      '{sa_family=AF_NETLINK, nl_pid=0}',
    ].map((text) => addressIn(parsed(text)));
    expect(addresses).toEqual(['inet:127.0.0.1:7002', 'inet6:::1:80', 'unix:@abs', 'unix:', 'AF_NETLINK']);
  });
});
