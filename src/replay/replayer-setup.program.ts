// Before the first call of the trace: the shared table, the sockets of the outside, and what it must be told of signals.

import {
  AF_UNIX,
  alloc,
  CLOCK_MONOTONIC,
  CLONE_VM,
  cloneProcess,
  F_DUPFD,
  type Guest,
  load32,
  loadTimespec,
  memoryViews,
  SIGCHLD,
  sigaction,
  SOCK_NONBLOCK,
  SOCK_SEQPACKET,
  SOCK_STREAM,
  store32,
  sys,
  trap,
} from '../programs/libc/index.ts';
import { type Table, tableAt } from './replayer-table.program.ts';
import {
  HEAD_COURIER,
  HEAD_COURIER_OUTSIDE,
  HEAD_CPUS,
  HEAD_FIRST_CPU,
  HEAD_GROUP,
  HEAD_NEVER,
  HEAD_SINK,
  HEAD_STARTED,
  MAGIC_HIGH,
  MAGIC_LOW,
  type Script,
  type ScriptEndpoint,
  tableLayout,
} from './script.program.ts';

const SIG_IGN = 1;

/** @param onlyLeads an exported function that only waits: a group needs a process that leads it */
export function* setUp(script: Script, onlyLeads: unknown): Guest<Table> {
  const layout = tableLayout(script);
  const base = alloc(layout.words * 4, 8);
  const table = tableAt(base, script);
  for (let slot = 0; slot < script.slots; slot++) store32(table.slot(slot), -1);
  for (const endpoint of script.endpoints.keys()) store32(table.endpoint(endpoint), -1);
  store32(table.head(HEAD_FIRST_CPU), trap.cpu);
  store32(table.head(HEAD_CPUS), script.cpus);
  store32(table.head(HEAD_SINK), alloc(script.sinkBytes, 64));
  const scratch = alloc(64);
  const standIns = { next: script.standInFds };
  if (script.threads.some((thread) => thread.steps.some((step) => step.lends !== undefined))) {
    const [ours, theirs] = yield* makePair(SOCK_SEQPACKET, script, standIns, scratch);
    store32(table.head(HEAD_COURIER_OUTSIDE), ours);
    store32(table.head(HEAD_COURIER), theirs);
  }
  for (const [index, endpoint] of script.endpoints.entries()) {
    yield* makeEndpoint(table, script, index, endpoint, standIns, scratch);
  }
  yield* sigaction(SIGCHLD, SIG_IGN);
  if (script.groups === 1) {
    const leader = yield* cloneProcess(CLONE_VM | SIGCHLD, onlyLeads, table.head(HEAD_NEVER), trap.cpu);
    if (leader > 0 && (yield sys.setpgid(leader, leader)) === 0) store32(table.head(HEAD_GROUP), leader);
  }
  yield sys.clock_gettime(CLOCK_MONOTONIC, scratch);
  memoryViews().view.setFloat64(table.head(HEAD_STARTED), loadTimespec(scratch), true);
  store32(base, MAGIC_LOW);
  store32(base + 4, MAGIC_HIGH);
  return table;
}

interface StandIns {
  /** The next number for a descriptor that the program is to have from the start. */
  next: number;
}

/** The outside's descriptors lie above the program's, so that the program's numbers are what they would be without. */
function* makeEndpoint(
  table: Table,
  script: Script,
  index: number,
  endpoint: ScriptEndpoint,
  standIns: StandIns,
  scratch: number,
): Guest<void> {
  if (endpoint.kind === 'socket') {
    const fd = yield sys.socket(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK, 0);
    store32(table.endpoint(index), yield* raised(fd, script.outsideFds));
  } else if (endpoint.kind === 'standIn') {
    const [ours, theirs] = yield* makePair(SOCK_STREAM, script, standIns, scratch);
    store32(table.endpoint(index), ours);
    for (const slot of endpoint.slots ?? []) store32(table.slot(slot), theirs);
  }
}

/** @returns the outside's end and the program's */
function* makePair(type: number, script: Script, standIns: StandIns, scratch: number): Guest<[number, number]> {
  const made = yield sys.socketpair(AF_UNIX, type | SOCK_NONBLOCK, 0, scratch);
  if (made < 0) throw new Error(`socketpair: ${made}`);
  const [mine, theirs] = [load32(scratch), load32(scratch + 4)];
  return [yield* raised(mine, script.outsideFds), yield* raised(theirs, standIns.next++)];
}

/** The same file under a number of the outside. */
export function* raised(fd: number, lowest: number): Guest {
  if (fd < 0) throw new Error(`the outside has no descriptor: ${fd}`);
  const high = yield sys.fcntl(fd, F_DUPFD, lowest);
  if (high < 0) throw new Error(`the outside has no descriptor: ${high}`);
  yield sys.close(fd);
  return high;
}
