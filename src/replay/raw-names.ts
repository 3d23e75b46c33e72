// With -X raw or -X verbose strace prints numbers where it otherwise prints names: here they become names again, by what
// the table of system calls says that each argument is. So nothing downstream needs to know of -X.
// parse.ts calls it for every call; one whose names are printed comes back as it is.

import { formatFlags } from '../kernel/abi/flag-groups.ts';
import { signalName } from '../kernel/abi/flags-signal.ts';
import type { FlagGroup } from '../kernel/abi/syscall-spec.ts';
import { isSyscallName, SYS, syscallSpec } from '../kernel/abi/syscalls.ts';
import { numberIn, type Field, type StringValue, type Value } from './value.ts';

/** Fields of structs that hold a name, whichever call they belong to. */
const namedFields: Readonly<Record<string, FlagGroup>> = {
  sa_family: 'family',
  events: 'epollEvents',
  cmsg_level: 'sockoptLevel',
  sa_flags: 'sigaction',
};
const SCM_RIGHTS = 1;
const LAST_STANDARD_SIGNAL = 31;

/** The arguments of a call with their names. */
export function nameNumbers(call: string, args: readonly Field[]): readonly Field[] {
  const spec = isSyscallName(call) ? syscallSpec(SYS[call]) : undefined;
  let changed = false;
  const named = args.map((field, place) => {
    const kind = spec?.args[place]?.[1];
    const value = nameArgument(field, kind);
    if (value === field.value) return field;
    changed = true;
    return { name: field.name, value };
  });
  return changed ? named : args;
}

function nameArgument(field: Field, kind: string | undefined): Value {
  const { value } = field;
  // clone's arguments have names, and stand in another order than in the table.
  if (field.name === 'flags') return nameFlags(value, 'clone');
  if (field.name !== '') return value;
  if (kind === 'signal') return nameSignal(value);
  if (kind?.startsWith('flags:') === true) return nameFlags(value, kind.slice('flags:'.length) as FlagGroup);
  if (kind === 'pollfds')
    return inside(value, (inner) =>
      inner.name.endsWith('events') ? nameFlags(inner.value, 'pollEvents') : inner.value,
    );
  if (kind === 'sigaction')
    return inside(value, (inner) => (inner.name === 'sa_handler' ? nameHandler(inner.value) : nameField(inner)));
  if (structured.has(value.kind)) return inside(value, nameField);
  return value;
}
const structured: ReadonlySet<Value['kind']> = new Set(['struct', 'array', 'change']);

/** The same value with what its structs hold, at any depth, as `name` says; itself where nothing changes. */
function inside(value: Value, name: (field: Field) => Value): Value {
  switch (value.kind) {
    case 'struct': {
      const fields = mapped(value.fields, (field) => {
        const own = name(field);
        const deep = own === field.value ? inside(own, name) : own;
        return deep === field.value ? field : { name: field.name, value: deep };
      });
      return fields === value.fields ? value : { ...value, fields };
    }
    case 'array': {
      const items = mapped(value.items, (item) => inside(item, name));
      return items === value.items ? value : { ...value, items };
    }
    case 'change': {
      const before = inside(value.before, name);
      const after = inside(value.after, name);
      return before === value.before && after === value.after ? value : { ...value, before, after };
    }
    default:
      return value;
  }
}

/** The same array where nothing changes. */
function mapped<T>(from: readonly T[], change: (one: T) => T): readonly T[] {
  let to: T[] | undefined;
  from.forEach((one, index) => {
    const other = change(one);
    if (other === one) return;
    to ??= from.slice();
    to[index] = other;
  });
  return to ?? from;
}

function nameField({ name, value }: Field): Value {
  const group = namedFields[name];
  if (group !== undefined) return nameFlags(value, group);
  if (name === 'cmsg_type') return numberIn(value) === SCM_RIGHTS ? { kind: 'flags', words: ['SCM_RIGHTS'] } : value;
  if (value.kind !== 'string') return value;
  if (/^sin6?_port$/.test(name)) return macro('htons', portOf(value));
  return name === 'sin_addr' ? macro('inet_addr', addressOf(value)) : value;
}

/** `"\x1f\x98"` of a port, which -X does not take apart. */
function portOf(value: StringValue): Value {
  const port = (value.bytes[0] ?? 0) * 256 + (value.bytes[1] ?? 0);
  return { kind: 'number', value: port, text: String(port) };
}

function addressOf(value: StringValue): Value {
  return { kind: 'string', bytes: Buffer.from(value.bytes.join('.')), truncated: false, abstract: false };
}

function macro(name: string, argument: Value): Value {
  return { kind: 'macro', name, args: [argument] };
}

/** A number, or numbers joined by `|`, by the names of a group; anything without names stays. */
function nameFlags(value: Value, group: FlagGroup): Value {
  if (value.kind !== 'number' && value.kind !== 'flags') return value;
  const words = value.kind === 'flags' ? value.words : [value.text];
  // -X prints them so; a decimal number is what strace itself has no name for.
  if (!words.every((word) => /^(0x[0-9a-f]+|0)$/i.test(word))) return value;
  const number = words.reduce((bits, word) => bits | BigInt(word), 0n);
  // Without -X too, strace prints no flags of a pipe as 0.
  if (number === 0n && group === 'open') return value;
  const text = nameOf(group, Number(number));
  if (!/^[A-Z]/.test(text)) return value;
  return { kind: 'flags', words: text.split('|') };
}

/** The same few numbers come again and again, and their names are looked for among all constants. */
const names = new Map<string, string>();

function nameOf(group: FlagGroup, number: number): string {
  const key = `${group} ${number}`;
  const known = names.get(key);
  if (known !== undefined) return known;
  const name = formatFlags('x86_64', group, number);
  if (names.size < NAMES_MAX) names.set(key, name);
  return name;
}
const NAMES_MAX = 1000;

/** strace counts real-time signals from another one than `signalName`; they stay numbers. */
function nameSignal(value: Value): Value {
  if (value.kind !== 'number' || value.value < 1 || value.value > LAST_STANDARD_SIGNAL) return value;
  return { kind: 'flags', words: [signalName(value.value)] };
}

function nameHandler(value: Value): Value {
  const number = numberIn(value);
  if (number === 0) return { kind: 'flags', words: ['SIG_DFL'] };
  return number === 1 ? { kind: 'flags', words: ['SIG_IGN'] } : value;
}
