// Sets of signals and what becomes of signals, as the replayer can ask for them.

import { sigactionLayout } from '../kernel/abi/layout.ts';
import { maskIn, signalSetIn } from './meaning.ts';
import { type ScriptArgument, SIGNAL_END, SIGNAL_INTERRUPT } from './script.program.ts';
import { fieldIn, hasWord, type Value } from './value.ts';

export function signalSet(value: Value | undefined): ScriptArgument | undefined {
  const signals = signalSetIn(value);
  return signals === undefined ? undefined : { bytes: signalBytes(signals) };
}

export function signalBytes(signals: readonly number[]): Uint8Array {
  return new Uint8Array(BigUint64Array.of(signalBits(signals)).buffer);
}

/** The replay's own signals are nobody's to block. */
function signalBits(signals: readonly number[]): bigint {
  return signals
    .filter((signal) => signal !== SIGNAL_INTERRUPT && signal !== SIGNAL_END)
    .reduce((bits, signal) => bits | (1n << BigInt(signal - 1)), 0n);
}

/** The handler is the replayer's; flags and mask are the program's, but for SA_RESTART: a restart is a call of its own. */
export function sigaction(
  value: Value | undefined,
  constants: ReadonlyMap<string, number>,
): ScriptArgument | undefined {
  const handler = fieldIn(value, 'sa_handler') ?? fieldIn(value, 'sa_sigaction');
  const mask = signalSetIn(fieldIn(value, 'sa_mask'));
  const flags = maskIn(fieldIn(value, 'sa_flags'), constants);
  if (handler === undefined || mask === undefined || flags === undefined) return undefined;
  const restart = (constants.get('SA_RESTART') ?? 0) | (constants.get('SA_SIGINFO') ?? 0);
  const bytes = Buffer.alloc(sigactionLayout.size);
  bytes.writeBigUInt64LE(BigInt((flags & ~restart) >>> 0), sigactionLayout.flags);
  bytes.writeBigUInt64LE(signalBits(mask), sigactionLayout.mask);
  if (hasWord(handler, 'SIG_DFL')) return { bytes };
  bytes.writeBigUInt64LE(1n, sigactionLayout.handler);
  return hasWord(handler, 'SIG_IGN') ? { bytes } : { action: bytes };
}

/** The same with SIG_IGN. */
export function ignoring(action: ScriptArgument | undefined): ScriptArgument | undefined {
  if (typeof action !== 'object' || !('bytes' in action)) return action;
  const bytes = Buffer.from(action.bytes);
  bytes.writeBigUInt64LE(1n, sigactionLayout.handler);
  return { bytes };
}
