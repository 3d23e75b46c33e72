/**
 * Which algorithm the locks of each class have, from words: `ticket`, or `ttas,runqueue=ticket,waitqueue=ticket`. A name
 * alone is for every class that is not named; a class of two words is written with a hyphen. Pure: whoever reads a
 * command line and whoever lays the memory out come to the same table.
 */
import { LOCK_CLASSES, LOCK_NAMES } from './classes.ts';

/** A wrong word: what it was to be, and what there is; `about` says it in a sentence. */
export interface LockChoiceProblem {
  readonly what: 'lock' | 'lock class' | 'choice of locks';
  readonly word: string;
  readonly names: readonly string[];
  readonly about: string;
}
export interface LockChoice {
  /** Index into LOCK_NAMES, by class. */
  readonly kinds: readonly number[];
  readonly problem: LockChoiceProblem | undefined;
}

const DEFAULT_KIND = 0;

/** Names of the classes that locks have, as they are written in a choice. */
export const LOCK_CLASS_NAMES: readonly string[] = LOCK_CLASSES.slice(1).map((each) => each.name.replace(/ /g, '-'));

function wrongChoice(
  what: LockChoiceProblem['what'],
  word: string,
  names: readonly string[],
  about: string,
): LockChoice {
  return { kinds: [], problem: { what, word, names, about } };
}

export function parseLockChoice(text: string): LockChoice {
  const kinds: number[] = [];
  let others = -1;
  for (const part of text.split(',')) {
    const at = part.indexOf('=');
    const word = part.slice(at + 1).trim();
    const kind = (LOCK_NAMES as readonly string[]).indexOf(word);
    if (kind < 0) {
      return wrongChoice('lock', word, LOCK_NAMES, `no lock is named '${word}'; there is: ${LOCK_NAMES.join(', ')}`);
    }
    if (at < 0) {
      if (others >= 0) return wrongChoice('choice of locks', text, [], `'${text}' names two locks for all classes`);
      others = kind;
      continue;
    }
    const className = part.slice(0, at).trim().replace(/ /g, '-');
    const lockClass = LOCK_CLASS_NAMES.indexOf(className) + 1;
    if (lockClass === 0) {
      const known = LOCK_CLASS_NAMES.join(', ');
      const about = `no class of locks is named '${className}'; there is: ${known}`;
      return wrongChoice('lock class', className, LOCK_CLASS_NAMES, about);
    }
    if (kinds[lockClass] !== undefined) {
      return wrongChoice('choice of locks', text, [], `'${text}' names two locks for class ${className}`);
    }
    kinds[lockClass] = kind;
  }
  const rest = others < 0 ? DEFAULT_KIND : others;
  return { kinds: LOCK_CLASSES.map((_, lockClass) => kinds[lockClass] ?? rest), problem: undefined };
}
