// Where VeridianOS's epoll answers otherwise than Linux, rule by rule. Every entry is shown by a bundled case; the answers
// are foretold by the model of VeridianOS (model/veridian.ts) from the program and the expected results, and an entry takes
// those that break its rule. Its hangs are mended: the two locks of wait and close are never held together.

import { rulesVeridianBreaks } from '../model/explain-veridian.ts';
import { veridianModel } from '../model/veridian.ts';
import type { Divergence } from '../verdict.ts';
import { foretoldInstead } from './foretold.ts';
import { outOfTurn } from './turns.ts';

function foretold(rule: string, reason: string): Divergence {
  return { rule, reason, instead: foretoldInstead(veridianModel, rulesVeridianBreaks, rule) };
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
  foretold('C3', 'nobody counts the ways through instances to one file'),
  foretold('C4', 'an instance is ready for reading and writing, whatever it watches'),
  foretold('D1', 'of all readiness only IN, OUT, ERR and HUP are reported'),
  foretold('D3', 'EPOLLET is stored and not read, so an edge is told as long as its level holds'),
  foretold('E10', 'a wait does not look at signals'),
  foretold('E1', 'maxevents has no upper bound'),
  foretold('E3', 'a buffer at 0 is refused whether or not there is an event'),
  foretold('E5', 'a descriptor of another kind is a bad one'),
  foretold('E16', 'events come in ascending order of descriptor'),
  foretold('E17', 'the lowest descriptors fill the slots, and there are no turns'),
  { ...foretold('F1', 'whoever scans first takes what is told once, whenever it began to wait'), byChance: true },
  foretold('F9', 'EXCLUSIVE is not looked at: MOD may bring it, or change an entry that has it'),
  foretold('F10', 'EXCLUSIVE is not looked at: it goes with every other flag and with every file'),
  foretold('F11', 'EXCLUSIVE is not looked at: every instance that watches reports'),
  {
    rule: 'F14',
    reason: 'all who wait look again in turn, and the first to look is served',
    byChance: true,
    instead: outOfTurn,
  },
  foretold('G1', 'an entry outlives its file, and is ERR and HUP once its number is closed'),
  foretold('G2', 'an entry is a number: closed, it says nothing of what a duplicate keeps open, and can be removed'),
  foretold('G4', 'an entry is a number: given to another file, it is an entry of that'),
  foretold('L1', 'a poll that waits looks its descriptors up anew, so one that was closed meanwhile is told'),
  foretold('M4', 'RDHUP is never reported'),
];
