// Why a foretold answer is not the expected one: the numbers of the rules of Linux that the design breaks there.
// Called by the divergences of a design; each takes what bears its number.

import type { Json, StepResult, SystemCallStep } from '../../programs/conform/case.ts';
import { constantOf } from '../../programs/conform/constants.ts';
import type { History, PastStep, StepAt } from '../history.ts';
import { ADD, EDGE, EXCLUSIVE, ONESHOT, refusedMask } from './epoll-calls.ts';
import { ERR, HUP, IN, OUT, RDHUP } from './told.ts';
import type { Foretold } from './foretell.ts';
import { isPoll, polledFds } from './poll-calls.ts';
import { type Change, fileAt, type Look, numberIn, type OpenFile, type World } from './world.ts';

export function brokenRules(
  at: StepAt,
  history: History,
  foretold: Foretold,
  expected: StepResult,
): ReadonlySet<string> {
  const rules = suspectedRules(at, history, foretold, expected);
  if (!rules.has('G1') || closedFileLives(foretold.world)) return rules;
  // Nothing lives on that Linux has closed: whatever differs here, it is not that, and it is not forgiven.
  return new Set([...rules].filter((rule) => rule !== 'G1'));
}

/** Is there a file without a descriptor that an interest keeps alive? Only then can a broken G1 show. */
function closedFileLives(world: World): boolean {
  const seen = new Set<OpenFile>();
  const lives = (file: OpenFile): boolean => {
    if (seen.has(file)) return false;
    seen.add(file);
    if (file.descriptors === 0) return true;
    return file.file.kind === 'epoll' && file.file.interests.some((interest) => lives(interest.file));
  };
  return world.descriptors.some((file) => file !== undefined && lives(file));
}

function suspectedRules(at: StepAt, history: History, foretold: Foretold, expected: StepResult): ReadonlySet<string> {
  if (!('sys' in at.step)) return new Set();
  const { sys } = at.step;
  if (sys.startsWith('epoll_create')) return new Set(['A2']);
  if (sys === 'epoll_ctl') return controlRules(at, foretold, expected);
  if (sys.startsWith('epoll_') && sys.includes('wait')) return waitRules(at, history, foretold, expected);
  if (isPoll(at.step)) return pollRules(at.step, foretold, expected);
  // A read or write answers otherwise only because a closed file still lives.
  return new Set(['G1']);
}

export function retOf(result: StepResult): number | string | undefined {
  return result === 'blocked' ? undefined : result.ret;
}

function controlRules(at: StepAt, foretold: Foretold, expected: StepResult): ReadonlySet<string> {
  const wanted = retOf(expected);
  if (wanted === '-EPERM') return new Set(['B3']);
  if (wanted === '-ELOOP') return new Set(['C1']);
  if (wanted === 0) return new Set([retOf(foretold.result) === '-EEXIST' ? 'G4' : 'G1']);
  if (wanted === '-EBADF') return new Set([retOf(foretold.result) === 0 ? 'G2' : 'B2']);
  if (wanted === '-ENOENT') return new Set(['G2']);
  if (wanted === '-EEXIST') return new Set(['B7']);
  return wanted === '-EINVAL' ? invalidRules(at, foretold) : new Set();
}

/** Linux refuses in this order: no instance or the instance itself (B4), then what EXCLUSIVE does not go with (B5). */
function invalidRules(at: StepAt, foretold: Foretold): ReadonlySet<string> {
  if (!('sys' in at.step)) return new Set();
  const { world } = foretold;
  const [epoll, operation, fd, event] = at.step.args;
  const instance = fileAt(world, epoll);
  if (instance?.file.kind !== 'epoll' || instance === fileAt(world, fd)) return new Set(['B4']);
  const given = typeof event === 'object' && event !== null && 'event' in event ? event.event.events : 0;
  const exclusive = ((numberIn(world, given) ?? 0) & EXCLUSIVE) !== 0;
  if (numberIn(world, operation) === ADD) return new Set([exclusive ? 'F10' : 'C3']);
  return new Set([retOf(foretold.result) === 0 ? 'F9' : 'B5']);
}

function pollRules(call: SystemCallStep, foretold: Foretold, expected: StepResult): ReadonlySet<string> {
  const polled = polledFds(call).map((fd) => fileAt(foretold.world, fd));
  const interests = polled.flatMap((open) => (open?.file.kind === 'epoll' ? open.file.interests : []));
  // Linux has dropped an entry for which another thread looked in vain.
  const more = Number(retOf(foretold.result)) > Number(retOf(expected));
  if (more && interests.some(({ file }) => file.file.kind === 'signalfd')) return new Set(['J8']);
  const nested = polled.some((open) => open?.file.kind === 'epoll');
  return new Set(['G1', ...(nested ? ['A9'] : []), ...(polled.includes(undefined) ? ['L1'] : [])]);
}

type Reported = readonly [bits: number, data: number];

export function eventsOf(result: StepResult): readonly Reported[] {
  if (result === 'blocked' || !Array.isArray(result.out)) return [];
  return (result.out as readonly Json[]).map((entry) => {
    const [names, data] = entry as readonly [string, number];
    return [names.split('|').reduce((bits, name) => bits | (constantOf(name) ?? 0), 0), data];
  });
}

function waitRules(at: StepAt, history: History, foretold: Foretold, expected: StepResult): ReadonlySet<string> {
  const rules = new Set<string>();
  if ('sys' in at.step && refusedMask(at.step) !== undefined) return new Set(['E13']);
  if (retOf(expected) === '-EINVAL') return new Set(['E1']);
  if (retOf(expected) === '-EBADF') return new Set(['E2']);
  if ('sys' in at.step && at.step.args[1] === null) return new Set(['E3']);
  const failed = [expected, foretold.result].map(retOf).some((ret) => typeof ret === 'string' && ret !== '-EINTR');
  if (failed) return new Set(['E4']);
  const wanted = eventsOf(expected);
  const slots = ('sys' in at.step ? numberIn(foretold.world, at.step.args[2]) : undefined) ?? 0;
  const full = wanted.length >= slots;
  const usedUp = usedUpRule(history);
  const unmatched = [...wanted];
  for (const look of foretold.looks) {
    const position = unmatched.findIndex(([, data]) => data === look.data);
    const bits = position < 0 ? 0 : unmatched.splice(position, 1)[0]![0];
    if (look.reported === bits) continue;
    const rule =
      look.reported === 0
        ? missingRule(look, bits, usedUp)
        : bits === 0
          ? extraRule(look, full, usedUp === 'F1')
          : maskRule(look, bits, usedUp === 'F1');
    rules.add(rule);
  }
  // What Linux reports, and this design has no entry for.
  if (unmatched.length > 0) rules.add('G4');
  if (rules.size === 0) rules.add('E16');
  return rules;
}

/** Why an edge is used up that no poll has looked at, nobody having armed it again. */
function usedUpRule(history: History): string {
  const faulted = ({ step, expected }: PastStep): boolean =>
    'sys' in step && step.sys.startsWith('epoll_') && step.sys !== 'epoll_ctl' && retOf(expected) === '-EFAULT';
  if (history.past.some(faulted)) return 'E4';
  // Alone, nobody else can have taken it: Linux has made a fresh one where nothing changed.
  return Object.keys(history.case.threads).length > 0 ? 'F1' : 'D4';
}

function missingRule(look: Look, bits: number, usedUp: string): string {
  if (look.why === 'not reached') return 'E17';
  if (look.why === 'disabled' && !look.spent) return 'B16';
  if (look.why === 'no edge' && look.modified) return 'B18';
  // What would have hung up lives on, and nothing has changed.
  const hungUp = look.why === 'no edge' && look.lookedBy !== 'poll' && (bits & (ERR | HUP)) !== 0;
  if (hungUp && usedUp !== 'E4') return 'G1';
  if (look.why !== 'not ready') return look.lookedBy === 'poll' ? 'A9' : usedUp;
  if ((bits & (IN | OUT | ERR | HUP)) === 0) return unknownBitsRule(bits);
  return look.file.file.kind === 'epoll' ? 'A9' : 'G1';
}

function maskRule(look: Look, bits: number, contended: boolean): string {
  const different = look.reported ^ bits;
  if ((different & (IN | OUT | ERR | HUP)) === 0) return unknownBitsRule(different);
  // Another took what Linux gave to this one, and it looked again later.
  return contended ? 'F1' : 'G1';
}

function unknownBitsRule(bits: number): string {
  return (bits & RDHUP) !== 0 ? 'M4' : 'D1';
}

function extraRule(look: Look, full: boolean, contended: boolean): string {
  if (look.file.descriptors === 0) return look.file.file.kind === 'epoll' ? 'C5' : 'G1';
  if ((look.events & EXCLUSIVE) !== 0 && !full) return 'F11';
  if ((look.events & EDGE) !== 0 && (look.events & ONESHOT) === 0) {
    if (look.file.changes === undefined) return look.file.file.kind === 'epoll' ? 'C4' : 'D3';
    if (!look.since.some((change) => isLinuxEdge(look, change)) && look.since.length > 0) return edgeRule(look);
  }
  if (look.file.file.kind === 'signalfd' && (look.events & EDGE) === 0) return 'J8';
  if (full) return 'E17';
  // Linux made the edge too, and gave it to somebody else.
  if (contended && look.file.file.kind !== 'epoll') return 'F1';
  return look.file.file.kind === 'epoll' ? 'C4' : edgeRule(look);
}

/** Would Linux have queued the entry for this change? It looks at whom it is told to, and for what. */
function isLinuxEdge(look: Look, { to, keys, kind }: Change): boolean {
  return kind === 'changed' && to === look.file && (keys === 0 || (keys & look.events) !== 0);
}

function edgeRule(look: Look): string {
  const { file } = look.file;
  const change = look.since[0];
  if (change === undefined) return 'D3';
  if (change.how === 'read') return file.kind === 'pipe' && file.writes ? 'K12' : 'D6';
  if (change.how === 'write') return file.kind === 'socket' ? 'M5' : 'D9';
  return 'D3';
}
