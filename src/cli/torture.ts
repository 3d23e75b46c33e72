/**
 * `smplab torture`: much at once for a while, and a verdict. What is tortured and how it is judged is torture's own
 * (src/torture); each kind has its flags in a room beside this one.
 */
import type { Command } from 'commander';
import { defineSyscalls, defineWaits } from './torture-guests.ts';
import { defineLock } from './torture-lock.ts';

export function define(command: Command): void {
  command.addHelpText(
    'after',
    `
Examples:
  smplab torture lock --lock all --cpus 4
  smplab torture syscalls --calls 10000000 --cpus 4 --seed 7
  smplab torture waitqueue --lock ticket --seconds 30
  smplab torture timer --json

Every kind takes --json, -o, --seed and --cpus; smplab torture KIND --help has the rest.
The exit code is 3 if anything failed. Ctrl-C ends a run with a report of what was done so far.`,
  );
  defineLock(command.command('lock').description('locks on threads: exclusion, lost wakeups, fairness'));
  defineSyscalls(command.command('syscalls').description('random calls, every answer judged; then an audit'));
  defineWaits(command.command('waitqueue').description('sleepers and wakers: no token lost or doubled'), 'waitqueue');
  defineWaits(command.command('epoll').description('shared instances under many hands: no event lost'), 'epoll');
  defineWaits(command.command('timer').description('waits for time: never early, never lost'), 'timer');
}
