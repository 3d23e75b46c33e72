// The strace parser against traces that nobody wrote: random interleavings, damage and nonsense.

import { readFileSync } from 'node:fs';
import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { callsInOrder, decodeTrace, parseStrace, printCall, StraceError } from '../../src/replay/trace.ts';

describe('any trace', () => {
  interface Scripted {
    readonly tid: number;
    readonly call: string;
    readonly args: readonly string[];
    readonly result: string;
    /** Where the line breaks off, in arguments; undefined for a call on one line. */
    readonly splitAt: number | undefined;
  }

  const scriptedCall = fc.record<Scripted>({
    tid: fc.integer({ min: 100, max: 104 }),
    call: fc.constantFrom('read', 'epoll_wait', 'futex', 'close_range'),
    args: fc.array(fc.constantFrom('3', '"a\\"b, )"...', '{a=1, b=[X|Y]}', '[128 => 16]', 'NULL', '~[INT]'), {
      maxLength: 4,
    }),
    result: fc.constantFrom(
      '0',
      '-1 EAGAIN (Resource temporarily unavailable)',
      '0x7f00',
      '? ERESTARTSYS (To be restarted)',
    ),
    splitAt: fc.option(fc.nat(4), { nil: undefined }),
  });

  /** Prints calls as strace -f does: split ones break off, and are resumed when their thread is next seen. */
  function printScript(script: readonly Scripted[]): string[] {
    const lines: string[] = [];
    const open = new Map<number, string>();
    let time = 0;
    const stamp = (tid: number): string => `${tid} 1700000000.${String(time++).padStart(6, '0')}`;
    const resume = (tid: number): void => {
      const rest = open.get(tid);
      if (rest !== undefined) lines.push(`${stamp(tid)} ${rest}`);
      open.delete(tid);
    };
    for (const { tid, call, args, result, splitAt } of script) {
      resume(tid);
      const at = Math.min(splitAt ?? 0, args.length);
      const before = args.slice(0, at).join(', ');
      const after = args.slice(at).join(', ');
      const comma = before !== '' && after !== '' ? ', ' : '';
      if (splitAt === undefined) lines.push(`${stamp(tid)} ${call}(${args.join(', ')}) = ${result} <0.000001>`);
      else {
        lines.push(`${stamp(tid)} ${call}(${before}${comma} <unfinished ...>`);
        open.set(tid, `<... ${call} resumed>${after}) = ${result} <0.000001>`);
      }
    }
    for (const tid of Array.from(open.keys())) resume(tid);
    return lines;
  }

  test('however calls are interleaved, each comes back whole and in order', () => {
    fc.assert(
      fc.property(fc.array(scriptedCall, { maxLength: 30 }), (script) => {
        const trace = parseStrace(`${printScript(script).join('\n')}\n`, { strict: true });
        const calls = callsInOrder(trace);
        expect(calls.map((call) => [call.tid, printCall(call)])).toEqual(
          script.map(({ tid, call, args, result }) => [tid, `${call}(${args.join(', ')}) = ${result}`]),
        );
      }),
      { numRuns: 200 },
    );
  });

  test('damage to one line costs the calls on that line, and never throws', () => {
    fc.assert(
      fc.property(
        fc.array(scriptedCall, { minLength: 1, maxLength: 15 }),
        fc.nat(),
        fc.string(),
        (script, where, junk) => {
          const whole = script.map((call) => ({ ...call, splitAt: undefined }));
          const lines = printScript(whole);
          const damaged = where % lines.length;
          lines[damaged] = `#${junk.replaceAll(/[\r\n]/g, '')}`;
          const trace = parseStrace(`${lines.join('\n')}\n`);
          expect(callsInOrder(trace)).toHaveLength(lines.length - 1);
          expect(trace.problems.map((problem) => problem.line)).toEqual([damaged + 1]);
        },
      ),
    );
  });

  test('no text makes the parser throw', () => {
    const piece = fc.constantFrom(
      '1 ',
      '[pid 2] ',
      'read(',
      '"',
      '{',
      ']',
      '=> ',
      ' = 1',
      '\n',
      '<... read resumed>',
      ' <unfinished ...>',
      '--- SIG',
      '+++',
      'strace: Process 3 attached',
      '<',
      '/*',
      '~[',
      ', ',
      ')',
    );
    fc.assert(
      fc.property(fc.array(fc.oneof(piece, fc.string({ maxLength: 3 })), { maxLength: 40 }), (pieces) => {
        const trace = parseStrace(pieces.join(''));
        expect(trace.lines).toBeGreaterThanOrEqual(trace.problems.length > 0 ? 1 : 0);
      }),
      { numRuns: 500 },
    );
  });

  test('a real trace, cut and damaged anywhere, is read as far as it is understood', () => {
    const text = decodeTrace(readFileSync(new URL('../../data/traces/memcached.strace.gz', import.meta.url))).text;
    const junk = fc.constantFrom(
      '',
      '\n',
      '"',
      ')',
      '{',
      '<unfinished ...>',
      ' = ',
      '[pid 5] ',
      'write(1, "',
      '\r\n',
      '\u0000',
    );
    const damage = fc.record({ at: fc.double({ min: 0, max: 1, noNaN: true }), gone: fc.nat(300), junk });
    fc.assert(
      fc.property(
        fc.double({ min: 0, max: 0.95, noNaN: true }),
        fc.array(damage, { minLength: 1, maxLength: 8 }),
        (from, damages) => {
          const start = Math.floor(text.length * from);
          let piece = text.slice(start, start + 20_000);
          for (const { at, gone, junk: put } of damages) {
            const place = Math.floor(piece.length * at);
            piece = piece.slice(0, place) + put + piece.slice(place + gone);
          }
          const trace = parseStrace(piece);
          const calls = callsInOrder(trace);
          expect(calls.length + trace.problems.length).toBeGreaterThan(0);
          // What was understood can be said again, and in strict mode the first problem is the error.
          for (const call of calls) printCall(call);
          const [first] = trace.problems;
          if (first !== undefined) expect(() => parseStrace(piece, { strict: true })).toThrow(StraceError);
        },
      ),
      { numRuns: 150 },
    );
  });
});
