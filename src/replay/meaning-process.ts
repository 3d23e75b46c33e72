// What values mean where processes are made, end and tell each other: statuses of wait, siginfo, sets of select, messages.
// Like meaning.ts: undefined or empty where the trace does not say, and nothing throws.

import { signalIn } from './meaning.ts';
import type { CallRecord, SignalRecord } from './record.ts';
import { afterCall, beforeCall, fieldIn, itemsIn, numberIn, type Value, wordsIn } from './value.ts';

/** wait4's status as the kernel stores it, from `[{WIFEXITED(s) && WEXITSTATUS(s) == 3}]`, or from `[768]` of -X. */
export function waitStatusIn(value: Value | undefined): number | undefined {
  const [stored] = itemsIn(value === undefined ? undefined : afterCall(value));
  const number = numberIn(stored);
  if (number !== undefined) return number;
  const field = stored?.kind === 'struct' ? stored.fields[0]?.value : undefined;
  const text = field?.kind === 'text' ? field.text : field?.kind === 'macro' ? field.name : '';
  const detail = /(?:WEXITSTATUS|WTERMSIG|WSTOPSIG)\(s\) == (\w+)/.exec(text)?.[1];
  if (text.startsWith('WIFCONTINUED')) return CONTINUED;
  if (detail === undefined) return undefined;
  if (text.startsWith('WIFEXITED')) return (Number(detail) & 0xff) << 8;
  const signal = signalIn({ kind: 'flags', words: [detail] }) ?? (/^\d+$/.test(detail) ? Number(detail) : undefined);
  if (signal === undefined) return undefined;
  if (text.startsWith('WIFSTOPPED')) return (signal << 8) | 0x7f;
  return signal | (text.includes('WCOREDUMP') ? 0x80 : 0);
}
const CONTINUED = 0xffff;

/** How a process ended, from its status. */
export function endOfStatus(status: number): { readonly exited?: number; readonly signal?: number } {
  const signal = status & 0x7f;
  if (signal === 0) return { exited: (status >> 8) & 0xff };
  return signal === 0x7f ? {} : { signal };
}

export interface ChildNews {
  readonly pid: number;
  /** CLD_EXITED, CLD_KILLED, ... */
  readonly code: string;
  readonly status: number | undefined;
}

/** What siginfo says of a child: waitid's, or that of a delivered SIGCHLD. */
export function childNewsIn(info: Value | undefined): ChildNews | undefined {
  const pid = numberIn(fieldIn(info, 'si_pid'));
  const [code = ''] = wordsIn(fieldIn(info, 'si_code'));
  if (pid === undefined || !(code.startsWith('CLD_') || /^\d+$/.test(code))) return undefined;
  return { pid, code, status: signalIn(fieldIn(info, 'si_status')) };
}

/** Who sent a signal, where a process did: kill, tgkill and rt_sigqueueinfo say so; the kernel does not. */
export function senderOf({ info }: SignalRecord): number | undefined {
  const [code = ''] = wordsIn(fieldIn(info, 'si_code'));
  return code === 'SI_USER' || code === 'SI_TKILL' || code === 'SI_QUEUE'
    ? numberIn(fieldIn(info, 'si_pid'))
    : undefined;
}

/** A set of descriptors: `[3 5]`; empty for NULL, undefined for a bare address. */
export function descriptorSetIn(value: Value | undefined): readonly number[] | undefined {
  if (value === undefined || value.kind === 'null') return [];
  if (value.kind !== 'array') return undefined;
  const numbers = value.items.map((item) => numberIn(item));
  return numbers.every((number) => number !== undefined) ? numbers : undefined;
}

export interface Selection {
  readonly read: readonly number[];
  readonly write: readonly number[];
  readonly except: readonly number[];
}

/** What select was asked for. */
export function selectionAsked(record: CallRecord): Selection | undefined {
  const [read, write, except] = [1, 2, 3].map((place) => {
    const value = record.args[place]?.value;
    return descriptorSetIn(value === undefined ? undefined : beforeCall(value));
  });
  return read === undefined || write === undefined || except === undefined ? undefined : { read, write, except };
}

/** What select answered: `(in [3], out [4 5], left {...})`. Empty for a timeout or an error. */
export function selectionAnswered(record: CallRecord): Selection {
  const labelled = (label: string): readonly number[] =>
    descriptorSetIn(record.result.details.find((detail) => detail.label === label)?.value) ?? [];
  return { read: labelled('in'), write: labelled('out'), except: labelled('except') };
}

export interface Message {
  /** The msghdr. */
  readonly header: Value;
  /** Bytes that were moved; undefined where the call did not get so far. */
  readonly moved: number | undefined;
}

/** The messages of sendmmsg and recvmmsg. */
export function messagesIn(value: Value | undefined): readonly Message[] {
  const messages: Message[] = [];
  for (const item of itemsIn(value === undefined ? undefined : afterCall(value))) {
    const header = fieldIn(item, 'msg_hdr');
    if (header !== undefined) messages.push({ header, moved: numberIn(fieldIn(item, 'msg_len')) });
  }
  return messages;
}

/** The signal that a clone's parent gets at its child's end; 0 for none, as a thread has. */
export function exitSignalOf(record: CallRecord): number {
  if (record.call === 'fork' || record.call === 'vfork') return signalIn({ kind: 'flags', words: ['SIGCHLD'] }) ?? 0;
  const first = record.args[0] === undefined ? undefined : beforeCall(record.args[0].value);
  const named = fieldIn(first, 'exit_signal');
  if (named !== undefined) return signalIn(named) ?? 0;
  const flags = record.args.find((field) => field.name === 'flags')?.value ?? first;
  const word = wordsIn(flags).find((one) => one.startsWith('SIG'));
  return word === undefined ? 0 : (signalIn({ kind: 'flags', words: [word] }) ?? 0);
}
