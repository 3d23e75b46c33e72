// Why an answer that is foretold of WASIX is not the expected one: the numbers of the rules of Linux that it breaks
// there. Called by its divergences; each takes what bears its number.

import type { StepResult } from '../../programs/conform/case.ts';
import type { History, StepAt } from '../history.ts';
import { isPoll, polledFds, statusOf } from './poll-calls.ts';
import { ADD, EDGE, EXCLUSIVE, KNOWN, ONESHOT } from './epoll-calls.ts';
import { eventsOf, retOf } from './explain.ts';
import { ERR, HUP, RDHUP } from './told.ts';
import type { Foretold } from './foretell.ts';
import { wasixModel } from './wasix.ts';
import { fileAt, type Look, numberIn, type World } from './world.ts';

export function wasixBrokenRules(
  at: StepAt,
  history: History,
  foretold: Foretold,
  expected: StepResult,
): ReadonlySet<string> {
  if (!('sys' in at.step)) return new Set();
  const { sys } = at.step;
  if (sys.startsWith('epoll_create')) return new Set(['A2']);
  if (sys === 'epoll_ctl') return controlRules(at, foretold, expected);
  if (sys.startsWith('epoll_') && sys.includes('wait')) return waitRules(at, history, foretold, expected);
  // Of all that is polled only an instance answers otherwise: for what it was told, or for what it handed out.
  const nested = isPoll(at.step) && polledFds(at.step).some((fd) => fileAt(foretold.world, fd)?.file.kind === 'epoll');
  return new Set(nested ? ['A8'] : []);
}

function controlRules(at: StepAt, foretold: Foretold, expected: StepResult): ReadonlySet<string> {
  if (!('sys' in at.step)) return new Set();
  const { world, result } = foretold;
  const [epoll, operation, fd, event] = at.step.args;
  const got = retOf(result);
  const wanted = retOf(expected);
  if (wanted === '-EFAULT' || got === '-EFAULT') return new Set(['B1']);
  if (wanted === '-EPERM') return new Set(['B3']);
  const target = fileAt(world, fd);
  const instance = fileAt(world, epoll);
  if (wanted === '-EINVAL' && (instance?.file.kind !== 'epoll' || instance === target)) return new Set(['B4']);
  if (wanted === '-EINVAL' && isExclusive(world, event)) return exclusiveRules(world, operation, got);
  if (target?.file.kind === 'epoll' && got === '-EBADF') return new Set(['C1']);
  if (wanted === '-EINVAL') return exclusiveRules(world, operation, got);
  if (wanted === '-EBADF') return new Set(['B2']);
  return new Set(got === '-EEXIST' || wanted === '-ENOENT' ? ['G4'] : []);
}

function isExclusive(world: World, event: unknown): boolean {
  const given = typeof event === 'object' && event !== null && 'event' in event ? event.event : undefined;
  const events = (given as { events?: string | number } | undefined)?.events;
  return ((numberIn(world, events ?? 0) ?? 0) & EXCLUSIVE) !== 0;
}

function exclusiveRules(world: World, operation: unknown, got: number | string | undefined): ReadonlySet<string> {
  if (numberIn(world, operation as string | number) === ADD) return new Set(['F10']);
  return new Set([got === 0 ? 'F9' : 'B5']);
}

function waitRules(at: StepAt, history: History, foretold: Foretold, expected: StepResult): ReadonlySet<string> {
  const wanted = retOf(expected);
  const got = retOf(foretold.result);
  if (wanted === '-EINVAL') return new Set(['E1']);
  if (wanted === '-EBADF') return new Set(['E2']);
  if (got === '-EFAULT') return new Set(['E4']);
  if (wanted === '-EFAULT') return faultRules(foretold, history);
  if ([wanted, got].some((ret) => typeof ret === 'string' && ret !== '-EINTR')) return new Set();
  const rules = new Set<string>();
  const slots = ('sys' in at.step ? numberIn(foretold.world, at.step.args[2]) : undefined) ?? 0;
  const unmatched = [...eventsOf(expected)];
  const full = unmatched.length >= slots;
  for (const look of foretold.looks) {
    const position = unmatched.findIndex(([, data]) => data === look.data);
    const bits = position < 0 ? 0 : unmatched.splice(position, 1)[0]![0];
    if (look.reported === bits) continue;
    if (look.reported === 0) rules.add(missingRule(look, bits, history));
    else if (bits === 0) rules.add(extraRule(look, foretold.world, full));
    else for (const rule of maskRules(look.reported ^ bits)) rules.add(rule);
  }
  if (rules.size === 0) rules.add('E16');
  return rules;
}

/** Linux had something to store, and could not: what is that here? */
function faultRules({ looks, world }: Foretold, history: History): ReadonlySet<string> {
  const rules = new Set<string>();
  for (const look of looks) {
    const ready = (statusOf(wasixModel, world, look.file) ?? 0) & (look.events | ERR | HUP);
    if (look.reported === 0 && ready !== 0) rules.add(missingRule(look, ready, history));
  }
  return rules;
}

function isThreaded(history: History): boolean {
  return Object.keys(history.case.threads).length > 0;
}

/** A wait that could not store took the events all the same. */
function faulted(history: History): boolean {
  return history.past.some(
    ({ step, expected }) => 'sys' in step && /^epoll_p?wait/.test(step.sys) && retOf(expected) === '-EFAULT',
  );
}

function missingRule(look: Look, bits: number, history: History): string {
  if (look.why === 'not reached') return 'E16';
  if ((bits & KNOWN) === 0) return (bits & RDHUP) !== 0 ? 'M4' : 'D1';
  if (faulted(history)) return 'E4';
  if ((look.events & EDGE) === 0) return 'D2';
  return isThreaded(history) ? 'F1' : 'D4';
}

function extraRule(look: Look, world: World, full: boolean): string {
  if (look.spent && (look.events & ONESHOT) !== 0) return 'D10';
  const ready = statusOf(wasixModel, world, look.file) ?? look.reported;
  if ((ready & look.reported) === 0) return 'D7';
  if (full) return 'E16';
  return (look.events & EXCLUSIVE) !== 0 ? 'F11' : 'F1';
}

function maskRules(different: number): readonly string[] {
  const rules: string[] = [];
  if ((different & KNOWN) !== 0) rules.push('D8');
  if ((different & RDHUP) !== 0) rules.push('M4');
  if ((different & ~(KNOWN | RDHUP)) !== 0) rules.push('D1');
  return rules;
}
