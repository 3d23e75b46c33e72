// Where WASIX's epoll answers otherwise than Linux, rule by rule. Every entry is shown by a bundled case; the answers
// are foretold by the model of WASIX (model/wasix.ts) from the program and the expected results, and an entry takes
// those that break its rule. A wrong answer of WASIX is reproduced here; what hangs is mended: its sources have room for
// one handler, and a second subscription silences the first for ever, so here a source calls all of its handlers.

import { wasixModel } from '../model/wasix.ts';
import { wasixBrokenRules } from '../model/wasix-rules.ts';
import type { Divergence } from '../verdict.ts';
import { foretoldInstead } from './foretold.ts';

function foretold(rule: string, reason: string): Divergence {
  return { rule, reason, instead: foretoldInstead(wasixModel, wasixBrokenRules, rule) };
}

export const wasixDivergences: readonly Divergence[] = [
  foretold('A2', 'epoll_create1 takes any flags'),
  foretold('A8', 'polling an instance asks whether anything was told and not handed out, and looks at no file'),
  foretold('B1', 'an event is read whenever there is one, for DEL too; for ADD and MOD none at all is EINVAL'),
  foretold('B2', 'an instance given its own number refuses it before it looks whether it is open'),
  foretold('B3', 'a file that cannot be polled is watched, and never ready'),
  foretold('B4', 'what is no instance is noticed after the watched descriptor, and an instance by its number alone'),
  foretold('B5', 'EXCLUSIVE is not looked at, so a MOD with it of a stranger finds no subscription'),
  foretold('C1', 'an instance has no handlers, so none can be watched'),
  foretold('D1', 'of all readiness only IN, OUT, ERR and HUP are told'),
  foretold('D2', 'readiness is handed out once for each time it is told, level-triggered or not'),
  foretold('D4', 'a write that finds the pipe full tells nobody'),
  foretold('D7', 'what was told is handed out without a look at the file, though it holds no more'),
  foretold('D8', 'an event says what was told since the last one, and not all that holds'),
  foretold('D10', 'ONESHOT is not looked at: a subscription is never disarmed'),
  foretold('E1', 'maxevents has no upper bound'),
  foretold('E2', 'maxevents is looked at before the descriptor'),
  foretold('E4', 'events are taken before they are stored, so what cannot be stored is lost'),
  foretold('E16', 'what keeps its place here was moved back by Linux, or the other way round'),
  { ...foretold('F1', 'the first to wait is the first to be woken'), byChance: true },
  foretold('F9', 'EXCLUSIVE is not looked at: MOD may bring it, or change a subscription that has it'),
  foretold('F10', 'EXCLUSIVE is not looked at: it goes with every other flag and with every file'),
  foretold('F11', 'EXCLUSIVE is not looked at: every instance that watches is told'),
  foretold('G4', 'subscriptions are keyed by descriptor alone, so a reused number is taken while the file lives'),
  foretold('M4', 'RDHUP is never told'),
];
