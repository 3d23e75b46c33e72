// What a case's program says about its descriptors, without running it: which names stand for one file, what becomes
// readable by writing where, what each epoll instance was ever asked to watch. The contract checks are built on it.
// Promise: facts err on the side of "possible". A registration that may have been made is listed, so a check that
// finds an event without any registration has found an impossible event.

import {
  type Argument,
  type ConformCase,
  type Step,
  type SystemCallStep,
  threadsOf,
} from '../programs/conform/case.ts';
import { numberOf } from '../programs/conform/constants.ts';

export interface Registration {
  /** Root name of the epoll instance and of the watched file. */
  readonly epoll: string;
  readonly file: string;
  /** The variable by which it was added: the key is the pair of number and file. */
  readonly name: string;
  readonly events: number;
  readonly data: number;
  readonly operation: number;
}

export interface ProgramFacts {
  /** The first name of the file that a name stands for: duplicates share one. */
  readonly rootOf: ReadonlyMap<string, string>;
  /** Root name of a file -> root names of the files that become readable when it is written. */
  readonly feeds: ReadonlyMap<string, readonly string[]>;
  readonly registrations: readonly Registration[];
  readonly calls: readonly SystemCallStep[];
}

const CTL_ADD = numberOf('EPOLL_CTL_ADD');
const CTL_MOD = numberOf('EPOLL_CTL_MOD');

export function variableOf(argument: Argument | undefined): string | undefined {
  return typeof argument === 'string' && argument.startsWith('$') ? argument.slice(1) : undefined;
}

export function plainNumber(argument: Argument | undefined): number | undefined {
  if (typeof argument === 'number') return argument;
  if (typeof argument !== 'string' || /^[$@]|^PID$/.test(argument)) return undefined;
  return numberOf(argument);
}

export function isCall(step: Step): step is SystemCallStep {
  return 'sys' in step;
}

export function programFacts(one: ConformCase): ProgramFacts {
  const calls = Object.values(threadsOf(one)).flatMap((steps) => steps.filter(isCall));
  const rootOf = new Map<string, string>();
  const feeds = new Map<string, readonly string[]>();
  for (const call of calls) nameFiles(call, rootOf, feeds);
  const registrations = calls.flatMap((call) => registrationOf(call, rootOf) ?? []);
  return { rootOf, feeds, registrations, calls };
}

function nameFiles(call: SystemCallStep, rootOf: Map<string, string>, feeds: Map<string, readonly string[]>): void {
  for (const argument of call.args) {
    if (typeof argument !== 'object' || argument === null || !('out_pair' in argument)) continue;
    const [first, second] = argument.out_pair;
    rootOf.set(first, first);
    rootOf.set(second, second);
    if (call.sys === 'socketpair') {
      feeds.set(first, [second]);
      feeds.set(second, [first]);
    } else {
      feeds.set(second, [first]);
    }
  }
  if (call.as === undefined) return;
  const original = variableOf(call.args[0]);
  const duplicates = call.sys === 'dup' || call.sys === 'dup2' || call.sys === 'dup3' || call.sys === 'fcntl';
  const root = duplicates && original !== undefined ? (rootOf.get(original) ?? original) : call.as;
  rootOf.set(call.as, root);
  if (call.sys.startsWith('eventfd')) feeds.set(call.as, [call.as]);
}

function registrationOf(call: SystemCallStep, rootOf: ReadonlyMap<string, string>): Registration | undefined {
  if (call.sys !== 'epoll_ctl') return undefined;
  const operation = plainNumber(call.args[1]);
  if (operation !== CTL_ADD && operation !== CTL_MOD) return undefined;
  const epoll = variableOf(call.args[0]);
  const name = variableOf(call.args[2]);
  const event = call.args[3];
  if (epoll === undefined || name === undefined) return undefined;
  if (typeof event !== 'object' || event === null || !('event' in event)) return undefined;
  return {
    epoll: rootOf.get(epoll) ?? epoll,
    file: rootOf.get(name) ?? name,
    name,
    events: plainNumber(event.event.events) ?? 0xffffffff,
    data: event.event.data ?? 0,
    operation,
  };
}
