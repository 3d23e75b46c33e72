// Why an answer that is foretold for VeridianOS is not the expected one: the numbers of the rules of Linux that it breaks
// there. Called by its divergences; each takes what bears its number.

import type { StepResult, SystemCallStep } from '../../programs/conform/case.ts';
import type { History, StepAt } from '../history.ts';
import { ADD, EDGE, EXCLUSIVE } from './epoll-calls.ts';
import { eventsOf, retOf } from './explain.ts';
import { ERR, HUP, IN, OUT, RDHUP } from './told.ts';
import type { Foretold } from './foretell.ts';
import { isPoll, polledFds, statusOf } from './poll-calls.ts';
import { veridianModel } from './veridian.ts';
import { fileAt, type Look, numberIn } from './world.ts';

export function rulesVeridianBreaks(
  at: StepAt,
  history: History,
  foretold: Foretold,
  expected: StepResult,
): ReadonlySet<string> {
  if (!('sys' in at.step)) return new Set();
  const { sys } = at.step;
  if (sys.startsWith('epoll_create')) return new Set(['A2']);
  if (sys === 'epoll_ctl') return new Set([controlRule(at, foretold, expected)]);
  if (isPoll(at.step)) return pollRules(at.step, foretold);
  if (sys.startsWith('epoll_') && sys.includes('wait')) return waitRules(at, history, foretold, expected);
  const onInstance = fileAt(foretold.world, at.step.args[0])?.file.kind === 'epoll';
  return new Set(onInstance && (sys === 'read' || sys === 'write') ? ['A6'] : []);
}

function pollRules(call: SystemCallStep, { world }: Foretold): ReadonlySet<string> {
  const polled = polledFds(call).map((fd) => fileAt(world, fd));
  const nested = polled.some((open) => open?.file.kind === 'epoll');
  return new Set([...(nested ? ['A7'] : []), ...(polled.includes(undefined) ? ['L1'] : [])]);
}

function controlRule(at: StepAt, foretold: Foretold, expected: StepResult): string {
  if (!('sys' in at.step)) return '';
  const { world } = foretold;
  const [epoll, operation, fd, event] = at.step.args;
  const answer = retOf(foretold.result);
  const pointer = typeof event === 'object' && event !== null && 'event' in event ? event.event : undefined;
  switch (retOf(expected)) {
    case '-EFAULT':
      return 'B1';
    case '-EBADF':
      return answer === 0 && numberIn(world, operation) !== ADD ? 'G2' : 'B2';
    case '-EPERM':
      return 'B3';
    case '-ELOOP':
      return 'C1';
    case '-ENOENT':
      return 'G4';
    case 0:
      return answer === '-EFAULT' ? 'B1' : 'G4';
    case '-EINVAL':
      break;
    default:
      return '';
  }
  const instance = fileAt(world, epoll);
  if (instance?.file.kind !== 'epoll' || instance === fileAt(world, fd)) return 'B4';
  const exclusive = ((numberIn(world, pointer?.events) ?? 0) & EXCLUSIVE) !== 0;
  if (numberIn(world, operation) === ADD) return exclusive ? 'F10' : 'C3';
  if (!exclusive) return answer === 0 ? 'F9' : '';
  return answer === 0 ? 'F9' : 'B5';
}

function waitRules(at: StepAt, history: History, foretold: Foretold, expected: StepResult): ReadonlySet<string> {
  if (!('sys' in at.step)) return new Set();
  const { world } = foretold;
  const wanted = retOf(expected);
  if (wanted === '-EINVAL') return new Set([retOf(foretold.result) === '-EBADF' ? 'E5' : 'E1']);
  if (retOf(foretold.result) === '-EFAULT') return new Set(['E3']);
  // A wait that a signal should have ended sleeps on.
  if (wanted === '-EINTR' && eventsOf(foretold.result).length === 0) return new Set(['E10']);
  if (wanted === '-EFAULT') return faultRules(foretold, history);
  if (typeof wanted === 'string' && wanted !== '-EINTR') return new Set();
  const slots = numberIn(world, at.step.args[2]) ?? 0;
  const events = eventsOf(expected);
  const isFull = events.length >= slots;
  const rules = new Set<string>();
  const unmatched = [...events];
  for (const look of foretold.looks) {
    const position = unmatched.findIndex(([, data]) => data === look.data);
    const bits = position < 0 ? 0 : unmatched.splice(position, 1)[0]![0];
    if (look.reported === bits) continue;
    const rule = lookRule(look, bits, foretold, isFull, history);
    if (rule !== undefined) rules.add(rule);
  }
  // What Linux reports, and this design has no entry for.
  if (unmatched.length > 0) rules.add('G4');
  const isOrder = rules.size === 0 && foretold.looks.filter(({ reported }) => reported !== 0).length === events.length;
  if (isOrder && events.length > 1) rules.add('E16');
  return rules;
}

/** Linux had something to store, and could not: what is that here? */
function faultRules(foretold: Foretold, history: History): ReadonlySet<string> {
  const rules = new Set<string>();
  for (const look of foretold.looks) {
    const ready = (statusOf(veridianModel, foretold.world, look.file) ?? 0) & (look.events | ERR | HUP);
    const rule = look.reported === 0 && ready !== 0 ? lookRule(look, ready, foretold, false, history) : undefined;
    if (rule !== undefined) rules.add(rule);
  }
  return rules;
}

/** @param bits what Linux reports of it */
function lookRule(look: Look, bits: number, foretold: Foretold, isFull: boolean, history: History): string | undefined {
  const now = foretold.world.descriptors[look.fd];
  const isThreaded = Object.keys(history.case.threads).length > 0;
  if (look.why === 'not reached') return 'E17';
  if (now === undefined) return look.reported === 0 ? 'G2' : 'G1';
  if (now !== look.file) return 'G4';
  if (isInstance(foretold, look.fd) && ((look.reported ^ bits) & (IN | OUT)) !== 0) return 'C4';
  const missing = bits & ~look.reported;
  if (look.reported === 0 && (missing & look.events & (IN | OUT)) !== 0) {
    if (look.why !== 'not ready') return isThreaded && look.spent ? 'F1' : undefined;
    // This wait, or a poll before it, should have waited for it, and did not because of an instance that is always ready.
    if (foretold.looks.some((other) => other.reported !== 0 && isInstance(foretold, other.fd))) return 'C4';
    if (polledAnInstance(history, foretold)) return 'A7';
    return isThreaded ? 'F1' : undefined;
  }
  if (bits === 0) {
    if ((look.events & EXCLUSIVE) !== 0 && !isFull) return 'F11';
    if ((look.events & EDGE) !== 0) return 'D3';
    if (isFull) return 'E17';
    return isThreaded ? 'F1' : undefined;
  }
  if ((missing & (ERR | HUP)) !== 0) return 'B16';
  if ((missing & RDHUP) !== 0) return 'M4';
  // It looked at another moment than Linux did.
  if (((look.reported ^ bits) & (IN | OUT)) !== 0 && isThreaded) return (look.events & EDGE) !== 0 ? 'D3' : 'F1';
  return (missing & ~(IN | OUT)) !== 0 ? 'D1' : undefined;
}

function isInstance(foretold: Foretold, fd: number): boolean {
  return foretold.world.descriptors[fd]?.file.kind === 'epoll';
}

function polledAnInstance(history: History, foretold: Foretold): boolean {
  return history.past.some(({ step }) => {
    if (!('sys' in step) || !isPoll(step)) return false;
    return polledFds(step).some((fd) => fileAt(foretold.world, fd)?.file.kind === 'epoll');
  });
}
