/**
 * A schedule in one line, to be pasted: version, build, scenario, design, bug, seed, and the packed choices.
 *
 *     v1:3f9c2d10a4:one-wakeup:linux:lost-wakeup:1:AwQDHA...
 *
 * The choices alone repeat the run; the seed says where they came from. A token is bound to a build by the hash of its
 * code, because a schedule counts the operations of that code; a token of another build is refused by name.
 */
import { pack, unpack } from './packed.ts';

export interface Token {
  /** hash of the code that the schedule counts operations of */
  readonly build: string;
  readonly scenario: string;
  readonly design: string;
  /** '' for none */
  readonly bug: string;
  readonly seed: number;
  readonly schedule: readonly number[];
}

const VERSION = 'v1';

/** A token that cannot be read, in words for who pasted it. */
export class TokenError extends Error {
  override readonly name = 'TokenError';
}

export function printToken({ build, scenario, design, bug, seed, schedule }: Token): string {
  return [VERSION, build, scenario, design, bug === '' ? '-' : bug, String(seed), pack(schedule)].join(':');
}

export function readToken(text: string): Token {
  const parts = text.trim().split(':');
  if (parts[0] !== VERSION) {
    throw new TokenError(
      `this is no token that this version reads: one begins with '${VERSION}:', this with '${text.slice(0, 8)}'`,
    );
  }
  const [, build = '', scenario = '', design = '', bug = '', seed = '', packed = ''] = parts;
  if (parts.length !== 7 || !/^\d+$/.test(seed)) {
    throw new TokenError(`a token has 7 parts between colons, this has ${parts.length}: was it cut off?`);
  }
  return { build, scenario, design, bug: bug === '-' ? '' : bug, seed: Number(seed), schedule: readSchedule(packed) };
}

function readSchedule(text: string): number[] {
  if (!/^[\w-]*$/.test(text)) throw new TokenError('the last part of the token holds characters that no token has');
  const schedule = unpack(text);
  if (schedule === undefined || schedule.length % 2 !== 0) {
    throw new TokenError('the token ends in the middle: was it cut off?');
  }
  return schedule;
}
