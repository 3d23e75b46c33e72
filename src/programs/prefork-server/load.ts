/**
 * The load: a process of its own with a thread for each client. Every request is a connection, and is made again when the
 * worker died that had it; so each is answered once, and the answers say by whom.
 */
import {
  abstractAddress,
  AF_UNIX,
  alloc,
  atomicAdd32,
  atomicLoad32,
  check,
  checkWhole,
  type Guest,
  inherited,
  join,
  load32,
  MSG_NOSIGNAL,
  readAll,
  SIGTERM,
  SOCK_STREAM,
  type SocketAddress,
  startThread,
  store32,
  sys,
  type Thread,
  writeAll,
} from '../libc/index.ts';
import {
  ADDRESS,
  ANSWER_BYTES,
  ANSWER_NUMBER,
  ANSWER_WORKER,
  ANSWERS,
  CHILD_REPORT,
  type PreforkOptions,
  REPORT_BYTES,
  REPORT_COUNT,
  REPORT_KIND,
  REPORT_WORKER,
  REQUEST_BYTES,
  REQUEST_DEADLY,
  REQUEST_NUMBER,
  RETRIES,
  settingsOf,
} from './shared.ts';

/** What the clients share; then a count of answers for each worker. */
const NEXT_CLIENT = 0;
const RETRIED = 4;
const WRONG = 8;
const BY_WORKER = 12;

/** @returns who answered, or -1 when the connection ended without an answer */
function* request(to: SocketAddress, number: number, deadly: boolean, message: number): Guest {
  const fd = check(yield sys.socket(AF_UNIX, SOCK_STREAM, 0), 'socket');
  check(yield sys.connect(fd, to.at, to.length), 'connect');
  store32(message + REQUEST_NUMBER, number);
  store32(message + REQUEST_DEADLY, deadly ? 1 : 0);
  // The worker may be dead already: an error, and no signal.
  yield sys.sendto(fd, message, REQUEST_BYTES, MSG_NOSIGNAL, 0, 0);
  const n = yield* readAll(fd, message, ANSWER_BYTES);
  yield sys.close(fd);
  if (n !== ANSWER_BYTES) return -1;
  return load32(message + ANSWER_NUMBER) === number ? load32(message + ANSWER_WORKER) : -2;
}

export function* client(shared: number, options: PreforkOptions | undefined): Guest {
  const { requests, crash } = settingsOf(options);
  const to = abstractAddress(ADDRESS);
  const message = alloc(16);
  const me = atomicAdd32(shared + NEXT_CLIENT, 1);
  for (let i = 0; i < requests; i++) {
    // The first client's middle request is deadly, once.
    let deadly = crash && me === 0 && i === Math.floor(requests / 2);
    for (;;) {
      const worker = yield* request(to, me * requests + i, deadly, message);
      if (worker === -2) atomicAdd32(shared + WRONG, 1);
      if (worker >= 0) atomicAdd32(shared + BY_WORKER + 4 * worker, 1);
      if (worker !== -1) break;
      atomicAdd32(shared + RETRIED, 1);
      deadly = false;
    }
  }
  return 0;
}

/** The process: it tells the parent, its own, that the server may end, and what it counted. */
export function* loadProcess(record: number, options: PreforkOptions | undefined): Guest {
  const { clients, workers } = settingsOf(options);
  const report = load32(inherited(record) + CHILD_REPORT);
  const shared = alloc(BY_WORKER + 4 * workers);
  const threads: Thread[] = [];
  for (let i = 0; i < clients; i++) threads.push(yield* startThread(client, shared));
  for (const thread of threads) yield* join(thread);
  yield* tell(report, RETRIES, 0, atomicLoad32(shared + RETRIED));
  for (let i = 0; i < workers; i++) yield* tell(report, ANSWERS, i, atomicLoad32(shared + BY_WORKER + 4 * i));
  check(yield sys.kill(yield sys.getppid(), SIGTERM), 'kill');
  return atomicLoad32(shared + WRONG) === 0 ? 0 : 1;
}

export function* tell(report: number, kind: number, worker: number, count: number): Guest<void> {
  const at = alloc(REPORT_BYTES);
  store32(at + REPORT_KIND, kind);
  store32(at + REPORT_WORKER, worker);
  store32(at + REPORT_COUNT, count);
  checkWhole(yield* writeAll(report, at, REPORT_BYTES), REPORT_BYTES, 'write');
}
