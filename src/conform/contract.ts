// What can be held against the outcome of a case with threads that nobody has recorded. The list of recorded outcomes
// may lack a rare one, so such an outcome is not wrong by itself; it is wrong if it breaks a rule that every design
// owes. These are the consequences of those rules that can be read off the program and its outcome alone:
//
//  - nothing that precedes the first thread, and no call but a wait, may answer what it never answered in a recording;
//  - an event carries data that was registered there, and no bit that was not asked for except ERR and HUP (D1, B16);
//  - never more events than slots or registrations, and the count is what was stored (E21);
//  - a wait without end does not answer zero, nor an error that was never recorded (E7, E9, E10);
//  - a one-shot entry is delivered at most once for each time it was armed (D10), an edge entry at most once for each
//    arming and each call that can make an edge (D3 to D5);
//  - nobody sleeps at the end on what is surely ready (D2, F3).
//
// Promise: an outcome that breaks none of these may still be wrong. That is why it counts as unseen, is printed in
// full, and is a failure once there are many.

import {
  type ConformCase,
  type Json,
  type Observation,
  type StepResult,
  type SystemCallStep,
  threadsOf,
} from '../programs/conform/case.ts';
import { sameResult } from './canonical.ts';
import { constantOf, numberOf } from '../programs/conform/constants.ts';
import {
  isCall,
  type ProgramFacts,
  plainNumber,
  programFacts,
  type Registration,
  variableOf,
} from './program-facts.ts';

const EVENT_WAITS: readonly string[] = ['epoll_wait', 'epoll_pwait', 'epoll_pwait2'];
const POLLS: readonly string[] = ['poll', 'ppoll'];
const ALWAYS_REPORTED = numberOf('EPOLLERR|EPOLLHUP');
const EPOLLET = numberOf('EPOLLET') >>> 0;
const EPOLLONESHOT = numberOf('EPOLLONESHOT');
const READABLE = numberOf('EPOLLIN');
const SPECIAL = (EPOLLET | EPOLLONESHOT | numberOf('EPOLLEXCLUSIVE')) >>> 0;

interface Answer {
  readonly thread: string;
  readonly index: number;
  readonly call: SystemCallStep;
  readonly result: StepResult;
  readonly recorded: readonly StepResult[];
}

/** One sentence that names the broken rule, or undefined where none can be shown to be broken. */
export function contractViolation(one: ConformCase, run: Observation): string | undefined {
  const early = changedBeforeThreads(one, run);
  if (early !== undefined) return early;
  const facts = programFacts(one);
  const answers = answersOf(one, run);
  for (const answer of answers) {
    const violation = answerViolation(answer, facts);
    if (violation !== undefined)
      return `thread ${answer.thread}, step ${answer.index} (${answer.call.sys}): ${violation}`;
  }
  return deliveredTooOften(answers, facts) ?? sleepsOnReady(answers, facts);
}

function changedBeforeThreads(one: ConformCase, run: Observation): string | undefined {
  const firstStart = one.main.findIndex((step) => 'start' in step);
  const until = firstStart < 0 ? one.main.length : firstStart;
  for (let index = 0; index < until; index += 1) {
    const got = run.outcome['main']?.[index];
    if (one.expect.some((expect) => sameResult(expect['main']?.[index], got))) continue;
    return `step ${index} of main comes before any thread, so it has one right answer`;
  }
  return undefined;
}

function answersOf(one: ConformCase, run: Observation): readonly Answer[] {
  const steps = threadsOf(one);
  const answers: Answer[] = [];
  for (const [thread, results] of Object.entries(run.outcome)) {
    results.forEach((result, index) => {
      const call = steps[thread]?.[index];
      if (call === undefined || !isCall(call)) return;
      answers.push({ thread, index, call, result, recorded: recordedAt(one, thread, index) });
    });
  }
  return answers;
}

/** What this step answered in any recording, in this thread or one with the same steps. */
function recordedAt(one: ConformCase, thread: string, index: number): readonly StepResult[] {
  const steps = threadsOf(one);
  const same = Object.keys(steps).filter((name) => JSON.stringify(steps[name]) === JSON.stringify(steps[thread]));
  return one.expect.flatMap((expect) => same.flatMap((name) => expect[name]?.[index] ?? []));
}

function answerViolation(answer: Answer, facts: ProgramFacts): string | undefined {
  const { call, result, recorded } = answer;
  if (recorded.some((known) => sameResult(known, result))) return undefined;
  if (result === 'blocked') {
    return mayBlock(call) ? undefined : 'it does not wait, and yet it never ended';
  }
  const { ret } = result;
  if (typeof ret === 'string' && ret.startsWith('-')) {
    const known = recorded.some((other) => other !== 'blocked' && other.ret === ret);
    const raced = call.sys === 'read' && ret === '-EAGAIN';
    return known || raced ? undefined : `${ret} was never recorded here`;
  }
  if (EVENT_WAITS.includes(call.sys)) return eventsViolation(call, result, facts);
  if (POLLS.includes(call.sys)) return pollViolation(call, result);
  return 'only a wait may answer what it never answered in a recording';
}

function mayBlock(call: SystemCallStep): boolean {
  if (EVENT_WAITS.includes(call.sys)) return plainNumber(call.args[3]) !== 0;
  if (POLLS.includes(call.sys)) return plainNumber(call.args[2]) !== 0;
  return call.sys === 'read' || call.sys === 'write';
}

type Reported = readonly [bits: number, data: number];

/** The (bits, data) pairs of a wait's result; undefined where it is not of that shape. */
function reportedEvents(result: StepResult): readonly Reported[] | undefined {
  if (result === 'blocked' || !Array.isArray(result.out)) return undefined;
  const events: Reported[] = [];
  for (const entry of result.out as readonly Json[]) {
    if (!Array.isArray(entry)) return undefined;
    const [bits, data] = entry as readonly Json[];
    if (typeof bits !== 'string' || typeof data !== 'number') return undefined;
    events.push([numberOf(bits) >>> 0, data]);
  }
  return events;
}

function registrationsFor(call: SystemCallStep, facts: ProgramFacts): readonly Registration[] {
  const name = variableOf(call.args[0]);
  const epoll = name === undefined ? undefined : (facts.rootOf.get(name) ?? name);
  return epoll === undefined ? facts.registrations : facts.registrations.filter((entry) => entry.epoll === epoll);
}

function eventsViolation(call: SystemCallStep, result: StepResult, facts: ProgramFacts): string | undefined {
  if (result === 'blocked') return undefined;
  const events = reportedEvents(result);
  if (events === undefined || events.length !== result.ret) return 'the count is not the number of events (E21)';
  const slots = plainNumber(call.args[2]);
  if (slots !== undefined && events.length > slots) return 'more events than slots (E21)';
  const endless = call.sys !== 'epoll_pwait2' && (plainNumber(call.args[3]) ?? 0) < 0;
  if (endless && events.length === 0) return 'a wait without end answered 0 (E7)';
  const registered = registrationsFor(call, facts);
  for (const [bits, data] of events) {
    const matching = registered.filter((entry) => entry.data === data);
    if (matching.length === 0) return `data ${data} was never registered (D1)`;
    const asked = matching.reduce((mask, entry) => mask | entry.events, ALWAYS_REPORTED);
    if ((bits & ~asked) !== 0) return `reports bits that data ${data} never asked for (D1)`;
    const keys = new Set(matching.map((entry) => `${entry.file} ${entry.name}`));
    const reports = events.filter((other) => other[1] === data).length;
    if (reports > keys.size) return `data ${data} reported ${reports} times at once (D5)`;
  }
  return undefined;
}

function pollViolation(call: SystemCallStep, result: StepResult): string | undefined {
  if (result === 'blocked' || !Array.isArray(result.out)) return 'poll without an array of revents (L9)';
  const list = result.out as readonly Json[];
  const reported = list.filter((revents) => revents !== '0');
  if (reported.length !== result.ret) return 'the count is not the number of entries with revents (L1)';
  if (reported.length === 0 && (plainNumber(call.args[2]) ?? 0) < 0) return 'a poll without end answered 0 (L1)';
  const asked = call.args[0];
  if (typeof asked !== 'object' || asked === null || !('pollfds' in asked)) return undefined;
  const always = numberOf('POLLERR|POLLHUP|POLLNVAL');
  for (const [position, revents] of list.entries()) {
    const wanted = plainNumber(asked.pollfds[position]?.[1]) ?? 0;
    const bits =
      typeof revents === 'string' ? revents.split('|').reduce((sum, name) => sum | (constantOf(name) ?? 0), 0) : 0;
    if ((bits & ~(wanted | always)) !== 0) return 'poll reports bits that were not asked for (L1)';
  }
  return undefined;
}

/** Calls that can wake a source: each makes at most one edge for each entry that watches it. */
const EDGE_MAKERS: readonly string[] = [
  'write',
  'writev',
  'read',
  'readv',
  'close',
  'shutdown',
  'sendto',
  'recvfrom',
  'kill',
  'tgkill',
];

/** At most: a long write or read can wake its peer once a page. */
function edgesOf(call: SystemCallStep): number {
  if (call.sys.startsWith('timerfd_')) return 1;
  if (!EDGE_MAKERS.includes(call.sys)) return 0;
  return 1 + Math.floor((plainNumber(call.args[2]) ?? 0) / 4096);
}

function deliveredTooOften(answers: readonly Answer[], facts: ProgramFacts): string | undefined {
  const edges = facts.calls.reduce((sum, call) => sum + edgesOf(call), 0);
  const keys = new Map<string, Registration[]>();
  for (const entry of facts.registrations) {
    const key = `${entry.epoll} ${entry.name}`;
    keys.set(key, [...(keys.get(key) ?? []), entry]);
  }
  for (const entries of keys.values()) {
    const oneShot = entries.every((entry) => (entry.events & EPOLLONESHOT) !== 0);
    const edge = entries.every((entry) => (entry.events & EPOLLET) >>> 0 !== 0);
    if (!oneShot && !edge) continue;
    // Two keys with the same data cannot be told apart in a result.
    const datas = new Set(entries.map((entry) => entry.data));
    if (facts.registrations.some((other) => datas.has(other.data) && !entries.includes(other))) continue;
    // An inner instance passes on the edges of everything in it: no bound that is worth having.
    if (!oneShot && entries.some((entry) => facts.registrations.some((other) => other.epoll === entry.file))) continue;
    const limit = oneShot ? entries.length : entries.length + edges;
    let delivered = 0;
    for (const { result } of answers) {
      delivered += (reportedEvents(result) ?? []).filter((event) => datas.has(event[1])).length;
    }
    if (delivered > limit) {
      const rule = oneShot ? 'D10' : 'D3';
      return `data ${[...datas].join(', ')} was delivered ${delivered} times, and could be at most ${limit} (${rule})`;
    }
  }
  return undefined;
}

function sleepsOnReady(answers: readonly Answer[], facts: ProgramFacts): string | undefined {
  const ready = surelyReadable(answers, facts);
  if (ready.size === 0) return undefined;
  for (const { thread, index, call, result } of answers) {
    if (result !== 'blocked') continue;
    if (
      EVENT_WAITS.includes(call.sys) &&
      registrationsFor(call, facts).some((entry) => surelyReports(entry, facts, ready))
    ) {
      return `thread ${thread}, step ${index}: sleeps although a level entry is ready (D2, F3)`;
    }
    const asked = call.args[0];
    if (!POLLS.includes(call.sys) || typeof asked !== 'object' || asked === null || !('pollfds' in asked)) continue;
    for (const [fd, events] of asked.pollfds) {
      const name = variableOf(fd);
      if (name === undefined || !ready.has(facts.rootOf.get(name) ?? name)) continue;
      if (((plainNumber(events) ?? 0) & READABLE) !== 0)
        return `thread ${thread}, step ${index}: sleeps in poll on a readable fd (L1)`;
    }
  }
  return undefined;
}

/** Files with unread data at the end whatever the order: written with success, and nothing is read, closed or shut. */
function surelyReadable(answers: readonly Answer[], facts: ProgramFacts): ReadonlySet<string> {
  const ready = new Set<string>();
  if (facts.calls.some((call) => ['close', 'shutdown', 'read', 'readv', 'recvfrom', 'dup2', 'dup3'].includes(call.sys)))
    return ready;
  for (const { call, result } of answers) {
    const name = variableOf(call.args[0]);
    if (call.sys !== 'write' || name === undefined || result === 'blocked') continue;
    if (typeof result.ret !== 'number' || result.ret <= 0) continue;
    const data = call.args[1];
    if (typeof data === 'object' && data !== null && 'u64' in data && /^0*$/.test(data.u64)) continue;
    for (const fed of facts.feeds.get(facts.rootOf.get(name) ?? name) ?? []) ready.add(fed);
  }
  return ready;
}

/** A level entry for IN that was added once, never changed, and whose file is readable. */
function surelyReports(entry: Registration, facts: ProgramFacts, ready: ReadonlySet<string>): boolean {
  if (!ready.has(entry.file) || (entry.events & SPECIAL) >>> 0 !== 0 || (entry.events & READABLE) === 0) return false;
  const touching = facts.calls.filter((call) => call.sys === 'epoll_ctl' && variableOf(call.args[2]) === entry.name);
  const epolls = touching.map((call) => variableOf(call.args[0])).map((name) => facts.rootOf.get(name ?? '') ?? name);
  return epolls.filter((name) => name === entry.epoll).length === 1;
}
