// Before the first call of the trace: the shared table, the sockets of the outside, and what becomes of signals.

import {
  AF_UNIX,
  alloc,
  CLOCK_MONOTONIC,
  F_DUPFD,
  type Guest,
  load32,
  loadTimespec,
  memoryViews,
  SIG_BLOCK,
  sigaction,
  SOCK_NONBLOCK,
  SOCK_STREAM,
  store32,
  store64,
  sys,
  trap,
} from '../programs/libc/index.ts';
import { type Table, tableAt } from './replayer-table.program.ts';
import {
  HEAD_CPUS,
  HEAD_FIRST_CPU,
  HEAD_STARTED,
  MAGIC_HIGH,
  MAGIC_LOW,
  type Script,
  type ScriptEndpoint,
  tableLayout,
} from './script.program.ts';

const SIG_IGN = 1;

/** @param onSignal the program's handler, for signals that the outside sends */
export function* setUp(script: Script, onSignal: unknown): Guest<Table> {
  const layout = tableLayout(script);
  const base = alloc(layout.words * 4, 8);
  const table = tableAt(base, script);
  for (let slot = 0; slot < script.slots; slot++) store32(table.slot(slot), -1);
  for (const endpoint of script.endpoints.keys()) store32(table.endpoint(endpoint), -1);
  store32(table.head(HEAD_FIRST_CPU), trap.cpu);
  store32(table.head(HEAD_CPUS), script.cpus);
  const scratch = alloc(64);
  for (const [index, endpoint] of script.endpoints.entries())
    yield* makeEndpoint(table, script, index, endpoint, scratch);
  for (const signal of script.handled) yield* sigaction(signal, onSignal);
  for (const signal of script.ignored) yield* sigaction(signal, SIG_IGN);
  if (script.blocked.length > 0) {
    store64(
      scratch,
      script.blocked.reduce((bits, signal) => bits | (1n << BigInt(signal - 1)), 0n),
    );
    yield sys.rt_sigprocmask(SIG_BLOCK, scratch, 0, 8);
  }
  yield sys.clock_gettime(CLOCK_MONOTONIC, scratch);
  memoryViews().view.setFloat64(table.head(HEAD_STARTED), loadTimespec(scratch), true);
  store32(base, MAGIC_LOW);
  store32(base + 4, MAGIC_HIGH);
  return table;
}

/** The outside's descriptors lie above the program's, so that the program's numbers are what they would be without. */
function* makeEndpoint(
  table: Table,
  script: Script,
  index: number,
  endpoint: ScriptEndpoint,
  scratch: number,
): Guest<void> {
  const type = SOCK_STREAM | SOCK_NONBLOCK;
  if (endpoint.kind === 'socket') {
    store32(table.endpoint(index), yield* raised(yield sys.socket(AF_UNIX, type, 0), script.outsideFds));
  } else if (endpoint.kind === 'standIn') {
    const made = yield sys.socketpair(AF_UNIX, type, 0, scratch);
    if (made < 0) throw new Error(`socketpair: ${made}`);
    const [mine, theirs] = [load32(scratch), load32(scratch + 4)];
    store32(table.endpoint(index), yield* raised(mine, script.outsideFds));
    store32(table.slot(endpoint.slot!), yield* raised(theirs, script.outsideFds));
  }
}

/** The same file under a number of the outside. */
export function* raised(fd: number, lowest: number): Guest {
  if (fd < 0) throw new Error(`the outside has no descriptor: ${fd}`);
  const high = yield sys.fcntl(fd, F_DUPFD, lowest);
  if (high < 0) throw new Error(`the outside has no descriptor: ${high}`);
  yield sys.close(fd);
  return high;
}
