// The rarer kinds of arguments of a case's calls: names of sockets, sets for select, what ioctl wrote, a buffer at the end
// of memory. As marshal.ts, which calls it, does for the others.

import type { Json, ObjectArgument, Scalar } from './case.ts';
import { siginfoLayout, signalfdSiginfoLayout } from '../../kernel/abi/layout.ts';
import { AF_UNIX, FD_SETSIZE } from '../../kernel/abi/flags.ts';
import { bytesAt, fdIsSet, fdSet, fdSetBytes, load32, load64, store16, store32, trap } from '../libc/index.ts';
import {
  type Arena,
  eventsAt,
  type Marshalled,
  output,
  placed64,
  placedBytes,
  scalarValue,
  sigsetOf,
} from './arena.ts';
import { type CaseBoard, wordName } from './case-board.ts';
import { signalNameOf } from './constants.ts';

/** Of every address that `unix_name` makes: family, a zero byte, the process in eight digits, the name filled up. */
const UNIX_ADDRESS_BYTES = 24;
const SIGINFO_BYTES = 128;
const SI_QUEUE = -1;

/** User memory that such an argument needs; undefined where little will do. */
export function roomForMore(argument: ObjectArgument): number | undefined {
  if ('out_raw' in argument) return argument.out_raw;
  if ('out_signals' in argument) return argument.out_signals * SIGINFO_BYTES;
  if ('text' in argument) return Buffer.byteLength(argument.text) + 1;
  if ('fdset' in argument || 'sigvalue' in argument) return Math.max(fdSetBytes(), SIGINFO_BYTES);
  return undefined;
}

export function marshalMore(board: CaseBoard, arena: Arena, argument: ObjectArgument): Marshalled | undefined {
  if ('out_int' in argument) {
    return output(arena.take(4), (at, answer) => (answer >= 0 ? load32(at) | 0 : undefined));
  }
  if ('out_raw' in argument) {
    const { out_raw: bytes } = argument;
    return output(arena.take(bytes), (at, answer) =>
      answer >= 0 ? Buffer.from(bytesAt(at, bytes)).toString('hex') : undefined,
    );
  }
  if ('out_signals' in argument) {
    return output(arena.take(SIGINFO_BYTES * argument.out_signals), (at, answer) =>
      answer > 0
        ? Array.from({ length: Math.floor(answer / SIGINFO_BYTES) }, (_, index) => signalAt(at + index * SIGINFO_BYTES))
        : undefined,
    );
  }
  if ('edge_events' in argument) {
    const at = trap.userBase + trap.userBytes - argument.edge_events;
    return output(at, (array, answer) => (answer < 0 ? undefined : eventsAt(array, answer)));
  }
  if ('fdset' in argument) return descriptorSet(board, arena, argument.fdset);
  if ('time_left' in argument) return timeLeft(arena, argument.time_left);
  const word = marshalMoreInput(board, arena, argument);
  return word === undefined ? undefined : { word, readBack: undefined };
}

function marshalMoreInput(board: CaseBoard, arena: Arena, argument: ObjectArgument): number | undefined {
  if ('text' in argument) return placedBytes(arena, Buffer.from(`${argument.text}\0`, 'utf8'));
  if ('rlimit' in argument) return placed64(arena, argument.rlimit.map(BigInt));
  if ('word' in argument) return wordAt(board, argument.word);
  if ('unix_name' in argument) return unixAddress(arena, argument.unix_name);
  if ('sigset_pair' in argument) {
    const set = placed64(arena, [sigsetOf(board, argument.sigset_pair)]);
    return placed64(arena, [BigInt(set), 8n]);
  }
  if (!('sigvalue' in argument)) return undefined;
  const address = arena.take(SIGINFO_BYTES);
  store32(address + siginfoLayout.si_code, SI_QUEUE);
  store32(address + siginfoLayout.si_value, argument.sigvalue);
  return address;
}

function wordAt(board: CaseBoard, word: { readonly name: string; readonly set?: number | undefined }): number {
  const address = board.kept(wordName(word.name));
  if (word.set !== undefined) store32(address, word.set);
  return address;
}

/** A name in the abstract space, which one process has for itself. */
function unixAddress(arena: Arena, name: string): number {
  const address = arena.take(UNIX_ADDRESS_BYTES);
  store16(address, AF_UNIX);
  const text = `${trap.pid.toString(16).padStart(8, '0')}${name}`;
  bytesAt(address + 3, text.length).set(Buffer.from(text, 'latin1'));
  return address;
}

/** What a signalfd tells of a signal: its name, its code, the number that was sent along. */
function signalAt(at: number): Json {
  const { ssi_signo, ssi_code, ssi_int } = signalfdSiginfoLayout;
  return [signalNameOf(load32(at + ssi_signo)), load32(at + ssi_code) | 0, load32(at + ssi_int) | 0];
}

/** Out: 1 for each of them that is still in the set, else 0. */
function descriptorSet(board: CaseBoard, arena: Arena, fds: readonly Scalar[]): Marshalled {
  const set = arena.take(fdSetBytes());
  const numbers = fds.map((fd) => scalarValue(board, fd));
  const fits = (fd: number): boolean => fd >= 0 && fd < FD_SETSIZE;
  for (const fd of numbers) if (fits(fd)) fdSet(set, fd);
  return output(set, (at, answer) =>
    answer < 0 ? undefined : numbers.map((fd) => (fits(fd) && fdIsSet(at, fd) ? 1 : 0)),
  );
}

/** In: seconds, and nano- or microseconds. Out: was all of it left, some, or none? */
function timeLeft(arena: Arena, given: readonly [number, number]): Marshalled {
  return output(placed64(arena, given.map(BigInt)), (at) => {
    const [seconds, rest] = [load64(at), load64(at + 8)].map((word) => Number(BigInt.asIntN(64, word)));
    if (seconds === given[0] && rest === given[1]) return 'all';
    return seconds === 0 && rest === 0 ? 'none' : 'some';
  });
}
