// Where VeridianOS's epoll answers otherwise than Linux, rule by rule. Every entry is shown by a bundled case; the answers
// are foretold by the model of VeridianOS (model/veridian.ts) from the program and the expected results, and an entry takes
// those that break its rule. Its hangs are mended: the two locks of wait and close are never held together.

import { type StepResult, threadsOf } from '../../programs/conform/case.ts';
import type { History, StepAt } from '../history.ts';
import { rulesVeridianBreaks } from '../model/explain-veridian.ts';
import { foretell } from '../model/foretell.ts';
import { veridianModel } from '../model/veridian.ts';
import type { Divergence } from '../verdict.ts';

function foretold(rule: string, reason: string): Divergence {
  return {
    rule,
    reason,
    instead: (at, history, expected) =>
      foretell(veridianModel, at, history)
        .filter((answer) => rulesVeridianBreaks(at, history, answer, expected).has(rule))
        .map((answer) => answer.result),
  };
}

/** A wait that a signal should have ended goes on: until something comes, or its time is over, or, if that is never, for 30 s. */
function uninterrupted(at: StepAt, history: History, expected: StepResult): readonly StepResult[] {
  if ('join' in at.step) {
    return isInterrupted(history, at.step.join) && expected !== 'blocked' && expected['joined'] === true
      ? [{ joined: false }]
      : [];
  }
  if (!('sys' in at.step) || !isWait(at.step.sys)) return [];
  if (expected === 'blocked' || expected.ret !== '-EINTR') return [];
  const timeout = at.step.args[3];
  const never: StepResult = typeof timeout === 'number' && timeout >= 0 ? { ret: 0, out: [] } : 'blocked';
  return [never, ...foretell(veridianModel, at, history).map((answer) => answer.result)];
}

function isWait(sys: string): boolean {
  return sys === 'epoll_wait' || sys === 'epoll_pwait' || sys === 'epoll_pwait2';
}

/** Is the thread in a wait that ends with EINTR on Linux? */
function isInterrupted(history: History, thread: string): boolean {
  const steps = threadsOf(history.case)[thread] ?? [];
  return history.open.some(({ thread: other, index }) => {
    const step = steps[index];
    if (other !== thread || step === undefined || !('sys' in step) || !isWait(step.sys)) return false;
    return history.case.expect.some((outcome) => {
      const result = outcome[thread]?.[index];
      return result !== undefined && result !== 'blocked' && result.ret === '-EINTR';
    });
  });
}

export const veridianDivergences: readonly Divergence[] = [
  foretold('A2', 'epoll_create1 takes any flags'),
  foretold('A6', 'an instance refuses to be read or written with EPERM'),
  foretold('A7', 'an instance does not say what it is ready for, so it is for reading and writing, always'),
  foretold('B1', 'the instance is looked at first, then the event, of DEL too; none at all is EINVAL'),
  foretold('B2', 'the watched descriptor is never looked up'),
  foretold('B3', 'a file that cannot be polled is watched like any other, and always ready'),
  foretold('B4', 'what is no instance is a bad descriptor, and an instance may watch itself'),
  foretold('B5', 'EXCLUSIVE is not looked at, so a MOD with it of a stranger finds no entry'),
  foretold('B16', 'ERR and HUP are reported only if they are asked for'),
  foretold('C1', 'an entry is a number, and nobody looks what lies behind it'),
  foretold('C4', 'an instance is ready for reading and writing, whatever it watches'),
  foretold('D1', 'of all readiness only IN, OUT, ERR and HUP are reported'),
  foretold('D3', 'EPOLLET is stored and not read, so an edge is told as long as its level holds'),
  { rule: 'E10', reason: 'a wait does not look at signals', instead: uninterrupted },
  foretold('E1', 'maxevents has no upper bound'),
  foretold('E3', 'a buffer at 0 is refused whether or not there is an event'),
  foretold('E5', 'a descriptor of another kind is a bad one'),
  foretold('E16', 'events come in ascending order of descriptor'),
  foretold('E17', 'the lowest descriptors fill the slots, and there are no turns'),
  foretold('F9', 'EXCLUSIVE is not looked at: MOD may bring it, or change an entry that has it'),
  foretold('F10', 'EXCLUSIVE is not looked at: it goes with every other flag and with every file'),
  foretold('F11', 'EXCLUSIVE is not looked at: every instance that watches reports'),
  foretold('G1', 'an entry outlives its file, and is ERR and HUP once its number is closed'),
  foretold('G2', 'an entry is a number: closed, it says nothing of what a duplicate keeps open, and can be removed'),
  foretold('G4', 'an entry is a number: given to another file, it is an entry of that'),
  foretold('M4', 'RDHUP is never reported'),
];
