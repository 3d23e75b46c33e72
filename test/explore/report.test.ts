/**
 * Promise: a failing schedule is told so that it can be understood. A wakeup is lost on purpose, in a schedule that is made
 * here, and its report says in a few rows what came before what, by name and place.
 */
import { beforeAll, describe, expect, it } from 'vitest';
import { EPOLL_CTL_ADD, EPOLLIN } from '../../src/kernel/abi/flags-event.ts';
import type { GuestBody, Setup } from '../../src/stepped/machine.ts';
import { entryOf, CHOSEN } from '../../src/stepped/schedule.ts';
import type { RunTrace } from '../../src/explore/report/trace.ts';
import type { Scenario } from '../../src/explore/scenario.ts';
import { DESIGN_NAMES } from '../../src/kernel/epoll/source-ops.ts';
import type { ReportKernel } from './report-kernel.ts';
import { reportKernel } from './report-kernel.ts';

const FD = 3;
const TO_THE_END = 100_000;

/** Two CPUs, one wakeup: a task on CPU 1 reads an eventfd, one on CPU 0 writes it. */
function oneWakeup({ scene, readEventfd, writeEventfd }: ReportKernel): Setup {
  const reads: GuestBody = function* (guest) {
    yield* readEventfd(guest, FD);
  };
  const writes: GuestBody = function* (guest) {
    yield* writeEventfd(guest, FD, 7);
  };
  const threads = [
    { home: 1, body: reads },
    { home: 0, body: writes },
  ];
  return { scene, threads, cpus: 2, eventfds: [0], lock: 'ttas', lockSpins: 2 };
}

/** CPU 1 is left behind after so many operations, and goes on when CPU 0 is through. */
function leftBehind(points: number): number[] {
  return [entryOf(1, CHOSEN), points, entryOf(0, CHOSEN), TO_THE_END];
}

/** The first such schedule with the ending. */
function scheduleThatEnds(kernel: ReportKernel, ending: string): number[] {
  const run = kernel.steppedMachine(oneWakeup(kernel));
  const all = Array.from({ length: 120 }, (_, points) => leftBehind(points + 1));
  const found = all.find((schedule) => run(kernel.replayOf(schedule)).end === ending);
  expect(found, `no schedule ends in ${ending}`).toBeDefined();
  return found!;
}

function record(kernel: ReportKernel, schedule: readonly number[]): RunTrace {
  return kernel.recordRun({
    setup: oneWakeup(kernel),
    schedule,
    locate: kernel.locate,
    sources: kernel.sources,
    about: { scenario: 'one-wakeup', bug: 'one-look', design: 'kevlar', replay: 'smplab explore --replay TOKEN' },
  });
}

/** Without what changes with every line of the kernel: step numbers and line numbers, and the blanks around them. */
function withoutNumbers(report: string): string[] {
  return report
    .split('\n')
    .map((line) =>
      line
        .replace(/^ *\d+/, '')
        .replaceAll(/\d+( steps?| switches)/g, 'n$1')
        .replaceAll(/(steps?) \d+/g, '$1 n')
        .replaceAll(/(\.ts):\d+/g, '$1')
        .replaceAll(/ {2,}/g, '  ')
        .trim(),
    )
    .filter((line) => line !== '');
}

describe('the report of a lost wakeup', () => {
  let kernel: ReportKernel;
  let trace: RunTrace;
  beforeAll(async () => {
    kernel = await reportKernel('one-look');
    trace = record(kernel, scheduleThatEnds(kernel, 'deadlock'));
  });

  it('tells in less than 40 rows what came before what', () => {
    const report = kernel.columnReport(trace);
    expect(withoutNumbers(report)).toEqual(EXPECTED);
    expect(report.split('\n').length).toBeLessThan(40);
    for (const line of report.split('\n')) expect(line.length).toBeLessThanOrEqual(100);
  });

  it('is the same each time, and plain data', () => {
    const again = record(kernel, scheduleThatEnds(kernel, 'deadlock'));
    expect(again).toEqual(trace);
    expect(JSON.parse(JSON.stringify(trace))).toEqual(trace);
  });

  it('points at lines of the source, with the mutation in it', () => {
    const lineOf = (wanted: RegExp): string => {
      const { place } = trace.events.find(
        ({ kind, word }) => kind !== 'lock' && wanted.test(trace.words[word]?.name ?? ''),
      )!;
      const { file, line } = trace.frames[trace.places[place]![0]!]!;
      const piece = trace.sources[file]!.find(({ from, lines }) => from <= line && line < from + lines.length)!;
      const text = piece.lines[line - piece.from]!;
      expect(text).toBe(kernel.sources.get(file)!.split('\n')[line - 1]);
      return text.trim();
    };
    expect(lineOf(/^eventfd#3\.counter$/)).toBe('let low = Eventfd.low.get(e);');
    expect(lineOf(/^globalQueue\.waiterCount$/)).toMatch(/WaitQueue\.waiterCount\.load\(q\)/);
    expect(lineOf(/^verdict$/)).toBe('Machine.verdict.store(MACHINE, VERDICT_DEADLOCK);');
  });

  it('is the same of a scenario that the search runs, with what its judge says', () => {
    const { scene: _, ...machine } = oneWakeup(kernel);
    const scenario: Scenario = { name: 'one-wakeup', about: 'two CPUs, one wakeup', designs: ['kevlar'], machine };
    const schedule = scheduleThatEnds(kernel, 'deadlock');
    const options = { scene: kernel.scene, scenario, design: 'kevlar', schedule, locate: kernel.locate } as const;
    const told = kernel.recordScenario(options);
    expect(told.finding.kind).toBe('lost wakeup');
    expect(told.finding.message).toContain('sleeps in read although it could go on');
    expect(told.because).toEqual(trace.because);
    expect(told.events.map(({ text }) => text)).toEqual(trace.events.map(({ text }) => text));
  });
});

describe('words', () => {
  let kernel: ReportKernel;
  beforeAll(async () => {
    kernel = await reportKernel('');
  });

  it('are called by what they are', () => {
    const trace = record(kernel, scheduleThatEnds(kernel, 'done'));
    const names = new Map(trace.words.map((word) => [word.name, word]));
    for (const name of [
      'eventfd#3.counter',
      'CPU 1.doorbell',
      'task 2.state',
      'globalQueue.waiterCount',
      'descriptor 3',
    ]) {
      expect([...names.keys()]).toContain(name);
    }
    expect(names.get('task 2.state')!.initial).toBe('RUNNABLE');
    expect(names.get('CPU 0.runLock.word')!.initial).toBe('free');
    expect(trace.locks.map(({ name }) => name)).toEqual(
      expect.arrayContaining(['file of eventfd#3', 'runqueue of CPU 1']),
    );
    const wake = trace.events.find(({ text }) => text.startsWith('wakes task 1'));
    if (wake !== undefined) expect(`${wake.before} ${wake.after}`).toMatch(/SLEEPING RUNNABLE|RUNNING WOKEN/);
  });

  it('are told of where something passes between CPUs, and bookkeeping is not', () => {
    const rows = withoutNumbers(kernel.columnReport(record(kernel, leftBehind(TO_THE_END))));
    for (const change of ['counter 0 → 7', 'counter 7 → 0', 'readiness OUT → IN|OUT', 'waiterCount 1 → 0']) {
      expect(rows.filter((row) => row.includes(change))).toHaveLength(1);
    }
    expect(rows.join('\n')).toContain('wakes task 1: SLEEPING → RUNNABLE');
    expect(rows.join('\n')).not.toMatch(/idling|epoch|completedCalls|\.refs|\.lock\.word|generation/);
  });

  it.each(DESIGN_NAMES)('all have a name, epoll of %s too', (epoll) => {
    const waits: GuestBody = function* (guest) {
      const instance = yield guest.call('epoll_create1', 0);
      guest.put(EPOLLIN);
      yield guest.call('epoll_ctl', instance, EPOLL_CTL_ADD, FD, guest.buffer);
      yield guest.call('epoll_wait', instance, guest.buffer + 512, 1, -1);
    };
    const writes: GuestBody = function* (guest) {
      yield* kernel.writeEventfd(guest, FD, 7);
    };
    const threads = [waits, writes].map((body, home) => ({ home, body }));
    const room = { epoll, files: 8, interests: 4, nofile: 12 };
    const setup = { ...oneWakeup(kernel), threads, room };
    const trace = kernel.recordRun({ setup, schedule: leftBehind(400), locate: kernel.locate });
    expect(trace.finding.kind).toBe('done');
    const names = trace.words.map(({ name }) => name);
    expect(names.filter((name) => /\+\d|^word |\bundefined\b/.test(name))).toEqual([]);
    expect(names.some((name) => name.startsWith(epoll === 'linux' ? 'epoll#4[3].' : 'epoll'))).toBe(true);
    // Files are known by their descriptors even before these are open.
    const nameless = names.filter((name) => /\(file \d|epoll record|\(new\)/.test(name) && !name.endsWith('.nextFree'));
    expect(epoll === 'veridian' ? nameless.filter((name) => !name.startsWith('epoll record')) : nameless).toEqual([]);
    const unknown = trace.words.filter(({ key }) => key === '').map(({ name }) => name);
    expect(unknown.filter((name) => !/^(descriptor|timers of|exit log)/.test(name))).toEqual([]);
  });
});

describe('a lock that is never left', () => {
  it('is told with its holder and who waits for it, by name', async () => {
    const kernel = await reportKernel('spins-with-lock');
    const setup = oneWakeup(kernel);
    const { finding, because } = kernel.recordRun({ setup, schedule: leftBehind(TO_THE_END), locate: kernel.locate });
    expect(finding).toEqual({ kind: 'deadlock', message: 'nobody will ever leave file of eventfd#3' });
    expect(because[0]).toBe('CPU 0 holds no lock and waits for file of eventfd#3, which CPU 1 holds.');
    expect(because[1]).toMatch(
      /^CPU 1 holds file of eventfd#3 and spins until eventfd#3\.readiness changes \(eventfd\.ts:\d+\)\.$/,
    );
  });
});

describe('a race', () => {
  it('is told with both places, and the word by name', async () => {
    const kernel = await reportKernel('late-note');
    const again: GuestBody = function* (guest) {
      yield* kernel.readEventfd(guest, FD);
      yield* kernel.readEventfd(guest, FD);
    };
    const writes: GuestBody = function* (guest) {
      yield* kernel.writeEventfd(guest, FD, 7);
      yield* kernel.writeEventfd(guest, FD, 7);
    };
    const threads = [again, writes].map((body, home) => ({ home, body }));
    const setup = { ...oneWakeup(kernel), threads, eventfds: [1] };
    const run = kernel.steppedMachine(setup);
    const seeds = Array.from({ length: 2000 }, (_, seed) => seed);
    const seed = seeds.find((each) => run(kernel.mixed(each)).end.startsWith('RaceError'));
    expect(seed, 'no schedule of 2000 raced').toBeDefined();
    const { schedule } = run(kernel.mixed(seed!)).outcome;
    const { finding } = kernel.recordRun({ setup, schedule, locate: kernel.locate });
    expect(finding.kind).toBe('race');
    expect(finding.message).toMatch(
      /^task \d+\.wokenAtNs: CPU \d .* at step \d+ \([\w-]+\.ts:\d+\) (without a lock|holding .*), CPU \d .* at step \d+ \([\w-]+\.ts:\d+\) (without a lock|holding .*); nothing orders the two$/,
    );
    expect(finding.message).toMatch(/writes it \(\d+ → \d+\)/);
  });
});

const EXPECTED: readonly string[] = [
  'lost wakeup  one-wakeup with one-look on kevlar  2 CPUs, n steps, n switches',
  'step CPU 0  CPU 1  where',
  '│ ⋮ n steps of CPU 1  │',
  '│  ▶ task 1 runs  trap-loop.ts',
  '│  │ read(3, 0x11000, 8)',
  '│  │  takes file of eventfd#3  eventfd.ts',
  '●│  │  [file] eventfd#3.counter is 0  eventfd.ts',
  '│ ⋮ n steps of CPU 0  │',
  '▶ task 2 runs  │  trap-loop.ts',
  '│ write(3, [7], 8)  │',
  '│  spins for file of eventfd#3, held by CPU 1  eventfd.ts',
  '│  ▶  leaves file of eventfd#3  eventfd.ts',
  '│ ⋮ n steps of CPU 0  │',
  '●▶  [file] eventfd#3.counter 0 → 7  eventfd.ts',
  '●│  globalQueue.waiterCount is 0  wait-queue.ts',
  '│ write(3, [7], 8) = 8  │',
  '│ [process] task 2 ends  │  exit.ts',
  '│ ⋮ n steps of CPU 0 and CPU 1',
  '●│  ▶  [waitqueue] globalQueue.waiterCount 0 → 1  wait-queue.ts',
  '│  │  task 1 goes to sleep  trap-loop.ts',
  "│  │ the kernel's verdict: deadlock  idle.ts",
  'lost wakeup: task 1 sleeps in read(3, 0x11000, 8) for ever; what it waits for has come',
  'Task 1 sleeps in read(3, 0x11000, 8) on CPU 1 since step n (trap-loop.ts), and stands in',
  'globalQueue.',
  'It last looked at eventfd#3.counter at step n (eventfd.ts), which was 0.',
  'Task 2 on CPU 0 made it 7 at step n (eventfd.ts), found at step n that nobody waits for',
  'globalQueue (waiterCount 0), and woke nobody.',
  'It counts among the waiters since step n (wait-queue.ts), and did not look again before it',
  'slept.',
  'CPU 0  idles, at idle.ts',
  'CPU 1  idles, at idle.ts',
  'task 1 on CPU 1  SLEEPING in read(3, 0x11000, 8), stands in globalQueue',
  'again: smplab explore --replay TOKEN',
];
