// Where Kevlar's epoll answers otherwise than Linux, rule by rule. Every entry is shown by a bundled case; the answers
// are foretold by the model of Kevlar (model/kevlar.ts) from the program and the expected results, and an entry takes
// those that break its rule. A wrong answer of Kevlar is reproduced here; its hangs are mended, so an instance that
// would watch itself, directly or in a loop, is refused as Linux refuses it, and so is too deep a nest (B4, C1, C2).

import { type Scalar, type StepResult, threadsOf } from '../../programs/conform/case.ts';
import { numberOf } from '../../programs/conform/constants.ts';
import type { History, StepAt } from '../history.ts';
import { brokenRules } from '../model/explain.ts';
import { kevlarModel } from '../model/kevlar.ts';
import type { Divergence } from '../verdict.ts';
import { foretoldInstead } from './foretold.ts';
import { outOfTurn } from './turns.ts';

function foretold(rule: string, reason: string): Divergence {
  return { rule, reason, instead: foretoldInstead(kevlarModel, brokenRules, rule) };
}

/**
 * epoll_pwait does not look at its mask: a signal that only the mask blocks interrupts it, and one that only the mask
 * lets through does not.
 */
function maskIgnored(at: StepAt, history: History, expected: StepResult): readonly StepResult[] {
  if (!('sys' in at.step) || at.step.sys !== 'epoll_pwait') return [];
  const mask = at.step.args[4];
  if (typeof mask !== 'object' || mask === null || !('sigset' in mask)) return [];
  const masked = new Set(mask.sigset.map(signalNumber));
  const caught = new Set<number>();
  const sent = new Set<number>();
  // Who sends a signal may see it taken before the sending call has ended.
  const steps = threadsOf(history.case);
  for (const { thread, index } of [...history.past, ...history.open]) {
    const step = steps[thread]?.[index];
    if (step === undefined) continue;
    if ('handler' in step && (step.how ?? 'handler') === 'handler') caught.add(signalNumber(step.handler));
    if (!('sys' in step)) continue;
    const signal = step.sys === 'tgkill' ? step.args[2] : step.sys === 'kill' ? step.args[1] : undefined;
    if (typeof signal === 'string' || typeof signal === 'number') sent.add(signalNumber(signal));
  }
  const interrupted = expected !== 'blocked' && expected.ret === '-EINTR';
  const other = [...sent].some((signal) => caught.has(signal) && masked.has(signal) !== interrupted);
  if (!other) return [];
  if (!interrupted) return [{ ret: '-EINTR' }];
  const timeout = at.step.args[3];
  return typeof timeout === 'number' && timeout >= 0 ? [{ ret: 0, out: [] }] : ['blocked'];
}

function signalNumber(signal: Scalar): number {
  return typeof signal === 'number' ? signal : numberOf(signal);
}

export const kevlarDivergences: readonly Divergence[] = [
  foretold('A2', 'epoll_create1 takes any flags'),
  foretold('B2', 'MOD and DEL never look the watched descriptor up, and ADD does so last'),
  foretold('B3', 'a file that cannot be polled is watched like any other'),
  foretold('B4', 'MOD and DEL of the instance itself find no entry, which is all they look for'),
  foretold('B5', 'EXCLUSIVE is not looked at, so a MOD with it of a stranger finds no entry'),
  foretold('B16', 'an entry with an empty mask is disabled, ERR and HUP included'),
  foretold('B18', 'MOD keeps the generation last seen, so what was reported before is no edge'),
  foretold('D4', 'a write that finds the pipe full is no edge for its reader'),
  foretold('D9', 'an edge is any change of the source: a write is one for an entry that asks for OUT only'),
  foretold('D6', 'an edge is any change of the source: a partial read is one'),
  foretold('K12', 'an edge is any change of the source: any read of a pipe is one for its write end'),
  foretold('M5', 'an edge is any change of the source: what a socket does itself is one'),
  foretold('C3', 'nobody counts the ways through instances to one file'),
  foretold('C4', 'an instance counts no changes, so an edge-triggered entry on one behaves as a level-triggered one'),
  foretold('D3', 'a timer counts no changes, so an edge-triggered entry on one behaves as a level-triggered one'),
  foretold('A9', 'polling an instance collects from it, which uses up its edges and one-shots'),
  foretold('C5', 'an entry keeps an inner instance alive, and is never removed by its close'),
  foretold('E2', 'buffer and maxevents are looked at before the descriptor'),
  foretold('E3', 'a buffer at 0 is refused whether or not there is an event'),
  foretold('E4', 'an edge that could not be stored is lost'),
  { ...foretold('F1', 'whoever looks first takes an edge, whenever it began to wait'), byChance: true },
  foretold('E1', 'maxevents has no upper bound'),
  foretold('F9', 'EXCLUSIVE is not looked at: MOD may bring it, or change an entry that has it'),
  foretold('F10', 'EXCLUSIVE is not looked at: it goes with every other flag and with every file'),
  foretold('F11', 'EXCLUSIVE is not looked at: every instance that watches is woken'),
  foretold('J8', 'there is no ready list, so a signal is found by its thread though another has looked for it in vain'),
  {
    rule: 'F14',
    reason: 'all who wait are woken, and the first to look is served',
    byChance: true,
    instead: outOfTurn,
  },
  foretold('G2', 'entries are keyed by descriptor alone, so one whose descriptor was closed can be removed'),
  foretold('G4', 'entries are keyed by descriptor alone, so a reused number is taken'),
  foretold('G1', 'an entry keeps its file alive and is never removed by close'),
  foretold('L1', 'a poll that waits looks its descriptors up at every tick, so one that was closed meanwhile is told'),
  foretold('M4', 'RDHUP is never reported'),
  foretold('D1', 'of all readiness only IN, OUT, ERR and HUP are reported'),
  foretold('E17', 'the lowest descriptors fill the slots, and there are no turns'),
  foretold('E16', 'events come in ascending order of descriptor'),
  foretold('E13', 'epoll_pwait does not look at its mask, so it refuses none'),
  { rule: 'E14', reason: 'epoll_pwait does not look at its mask', instead: maskIgnored },
];
