/**
 * A pipeline as a shell makes it, by fork or posix_spawn, or of threads to compare. A source, filters and a sink are joined
 * by pipes, which each of them finds as its standard input and output.
 *
 *     smplab run pipeline --set stages=5 --set kilobytes=4096 --set chunk=4096 --set how=spawn
 *
 *     source ──▶ pipe ──▶ filter 1 ──▶ pipe ──▶ filter 2 ──▶ pipe ──▶ sink
 *
 * The source's bytes follow from their place in the stream, and its checksum comes last; each filter adds 1 to every
 * byte; the sink takes that off again, looks at every byte and compares the checksum. An end of file travels down the
 * line because nobody keeps a write end that is not its own: a shell's commonest mistake, which would hang here.
 */
import {
  alloc,
  argvAt,
  bytesAt,
  check,
  contextSwitches,
  duration,
  figure,
  fork,
  type Guest,
  join,
  load32,
  makePipe,
  monotonicNs,
  posix_spawn,
  printFigures,
  readAll,
  RUSAGE_CHILDREN,
  RUSAGE_SELF,
  startThread,
  store32,
  sys,
  type Thread,
  waitpid,
  writeAll,
} from './libc/index.ts';

export interface PipelineOptions {
  /** Source and sink among them. */
  readonly stages?: number;
  readonly kilobytes?: number;
  /** Bytes of one read and of one write. */
  readonly chunk?: number;
  readonly how?: 'fork' | 'spawn' | 'threads';
}

const STDIN = 0;
const STDOUT = 1;
const CHECKSUM_BYTES = 4;

/** What `thread` finds at its argument. */
const INDEX = 0;
const READ = 4;
const WRITE = 8;
const STATUS = 12;
const RECORD_BYTES = 16;

interface Pipeline {
  readonly stages: number;
  readonly bytes: number;
  readonly chunk: number;
  readonly how: 'fork' | 'spawn' | 'threads';
}

function settingsOf(options: PipelineOptions | undefined): Pipeline {
  const { stages = 4, kilobytes = 1024, chunk = 4096, how = 'fork' } = options ?? {};
  return { stages: Math.max(2, stages), bytes: kilobytes * 1024, chunk, how };
}

/** The byte at a place of the stream. */
function byteAt(place: number): number {
  return (Math.imul(place, 31) + (place >> 8)) & 0xff;
}

/** Adler-32 without its modulus: order counts, not only what came. */
function added(sums: { a: number; b: number }, bytes: Uint8Array): void {
  for (const byte of bytes) {
    sums.a = (sums.a + byte) | 0;
    sums.b = (sums.b + sums.a) | 0;
  }
}
const checksumOf = (sums: { a: number; b: number }): number => sums.a ^ Math.imul(sums.b, 0x9e3779b1);

function* source({ bytes, chunk }: Pipeline, write: number): Guest {
  const buffer = alloc(Math.max(chunk, CHECKSUM_BYTES));
  const sums = { a: 1, b: 0 };
  for (let place = 0; place < bytes; ) {
    const n = Math.min(chunk, bytes - place);
    const view = bytesAt(buffer, n);
    for (let i = 0; i < n; i++) view[i] = byteAt(place + i);
    added(sums, view);
    if ((yield* writeAll(write, buffer, n)) !== n) return 1;
    place += n;
  }
  store32(buffer, checksumOf(sums));
  return (yield* writeAll(write, buffer, CHECKSUM_BYTES)) === CHECKSUM_BYTES ? 0 : 1;
}

function* filter({ chunk }: Pipeline, read: number, write: number): Guest {
  const buffer = alloc(chunk);
  for (;;) {
    const n = check(yield sys.read(read, buffer, chunk), 'read');
    if (n === 0) return 0;
    const view = bytesAt(buffer, n);
    for (let i = 0; i < n; i++) view[i] = view[i]! + 1;
    if ((yield* writeAll(write, buffer, n)) !== n) return 1;
  }
}

function* sink({ stages, bytes, chunk }: Pipeline, read: number): Guest {
  const filters = stages - 2;
  const buffer = alloc(Math.max(chunk, CHECKSUM_BYTES));
  const sums = { a: 1, b: 0 };
  const restore = (view: Uint8Array): void => {
    for (let i = 0; i < view.length; i++) view[i] = view[i]! - filters;
  };
  for (let place = 0; place < bytes; ) {
    const n = check(yield sys.read(read, buffer, Math.min(chunk, bytes - place)), 'read');
    if (n === 0) return 1;
    const view = bytesAt(buffer, n);
    restore(view);
    for (let i = 0; i < n; i++) if (view[i] !== byteAt(place + i)) return 1;
    added(sums, view);
    place += n;
  }
  if ((yield* readAll(read, buffer, CHECKSUM_BYTES)) !== CHECKSUM_BYTES) return 1;
  restore(bytesAt(buffer, CHECKSUM_BYTES));
  if (load32(buffer) !== checksumOf(sums)) return 1;
  // And then nothing more: every writer is gone.
  return yield sys.read(read, buffer, 1);
}

function* runStage(pipeline: Pipeline, index: number, read: number, write: number): Guest {
  if (index === 0) return yield* source(pipeline, write);
  if (index === pipeline.stages - 1) return yield* sink(pipeline, read);
  return yield* filter(pipeline, read, write);
}

/** A thread: it shares the descriptors, so it closes its own two, and no more. */
export function* stageThread(record: number, options: PipelineOptions | undefined): Guest {
  const read = load32(record + READ);
  const write = load32(record + WRITE);
  store32(record + STATUS, yield* runStage(settingsOf(options), load32(record + INDEX), read, write));
  if (read >= 0) yield sys.close(read);
  if (write >= 0) yield sys.close(write);
  return 0;
}

/** A forked child: dup2, and everything above closed, as a shell does before it executes the command. */
export function* stageChild(packed: number, options: PipelineOptions | undefined): Guest {
  const [index, read, write] = [packed & 0xfff, ((packed >> 12) & 0x3ff) - 1, ((packed >> 22) & 0x3ff) - 1];
  if (read >= 0) check(yield sys.dup3(read, STDIN, 0), 'dup3');
  if (write >= 0) check(yield sys.dup3(write, STDOUT, 0), 'dup3');
  check(yield sys.close_range(3, 0xffffffff, 0), 'close_range');
  return yield* runStage(settingsOf(options), index, STDIN, STDOUT);
}

/** A spawned program: its stdin and stdout are as it shall use them, and its arguments say what it is. */
export function* stageProgram(argv: number, options: PipelineOptions | undefined): Guest {
  return yield* runStage(settingsOf(options), Number(argvAt(argv)[1]), STDIN, STDOUT);
}

function* startProcess({ how }: Pipeline, index: number, read: number, write: number, spare: number): Guest {
  if (how === 'fork') return yield* fork(stageChild, index | ((read + 1) << 12) | ((write + 1) << 22));
  const keep = (from: number, to: number) => (from < 0 ? [] : ([{ action: 'dup2', from, to }] as const));
  const drop = [read, write, spare].filter((fd) => fd >= 0).map((fd) => ({ action: 'close', fd }) as const);
  return yield* posix_spawn(stageProgram, ['stage', String(index)], {
    actions: [...keep(read, STDIN), ...keep(write, STDOUT), ...drop],
  });
}

/** Builds the line from left to right; the parent holds at most one pipe at a time. @returns what failed */
function* runProcesses(pipeline: Pipeline): Guest {
  let read = -1;
  const pids: number[] = [];
  for (let index = 0; index < pipeline.stages; index++) {
    const last = index === pipeline.stages - 1;
    const pipe = last ? { read: -1, write: -1 } : yield* makePipe();
    pids.push(check(yield* startProcess(pipeline, index, read, pipe.write, pipe.read), pipeline.how));
    if (read >= 0) check(yield sys.close(read), 'close');
    if (!last) check(yield sys.close(pipe.write), 'close');
    read = pipe.read;
  }
  let failed = 0;
  for (const pid of pids) if ((yield* waitpid(pid)).code !== 0) failed++;
  return failed;
}

function* runThreads(pipeline: Pipeline): Guest {
  let read = -1;
  const records: number[] = [];
  const threads: Thread[] = [];
  for (let index = 0; index < pipeline.stages; index++) {
    const last = index === pipeline.stages - 1;
    const pipe = last ? { read: -1, write: -1 } : yield* makePipe();
    const record = alloc(RECORD_BYTES);
    store32(record + INDEX, index);
    store32(record + READ, read);
    store32(record + WRITE, pipe.write);
    records.push(record);
    threads.push(yield* startThread(stageThread, record));
    read = pipe.read;
  }
  for (const thread of threads) yield* join(thread);
  return records.filter((record) => load32(record + STATUS) !== 0).length;
}

export function* main(_argument: number, options: PipelineOptions | undefined): Guest {
  const pipeline = settingsOf(options);
  const beginNs = yield* monotonicNs();
  const failed = pipeline.how === 'threads' ? yield* runThreads(pipeline) : yield* runProcesses(pipeline);
  const ns = (yield* monotonicNs()) - beginNs;
  const { stages, bytes, chunk, how } = pipeline;
  const { voluntary, involuntary } = yield* contextSwitches(how === 'threads' ? RUSAGE_SELF : RUSAGE_CHILDREN);
  printFigures(`pipeline: ${stages} stages (${how}), ${figure(bytes / 1024)} KB in chunks of ${figure(chunk)}`, [
    ['time, births and ends with it', duration(ns)],
    ['throughput', `${figure((bytes / ns) * 1000)} MB/s`],
    ['context switches of stages', figure(voluntary + involuntary)],
    ['stages that failed', failed],
  ]);
  return failed === 0 ? 0 : 1;
}
