/**
 * Promise: a failing schedule is told so that it can be understood. A wakeup is lost on purpose, in a schedule that is made
 * here, and its report says in a few rows what came before what, by name and place.
 */
import { beforeAll, describe, expect, it } from 'vitest';
import type { GuestBody, Setup } from '../../src/stepped/machine.ts';
import { entryOf, CHOSEN } from '../../src/stepped/schedule.ts';
import type { RunTrace } from '../../src/explore/report/trace.ts';
import type { ReportKernel } from './report-kernel.ts';
import { reportKernel } from './report-kernel.ts';

const FD = 3;
const TO_THE_END = 100_000;

/** Two CPUs, one wakeup: a task on CPU 1 reads an eventfd, one on CPU 0 writes it. */
function oneWakeup({ scene, machine }: ReportKernel): Setup {
  const reads: GuestBody = function* (guest) {
    yield* machine.readEventfd(guest, FD);
  };
  const writes: GuestBody = function* (guest) {
    yield* machine.writeEventfd(guest, FD, 7);
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
  const run = kernel.machine.steppedMachine(oneWakeup(kernel));
  const all = Array.from({ length: 120 }, (_, points) => leftBehind(points + 1));
  const found = all.find((schedule) => run(kernel.strategies.replayOf(schedule)).end === ending);
  expect(found, `no schedule ends in ${ending}`).toBeDefined();
  return found!;
}

function record(kernel: ReportKernel, schedule: readonly number[]): RunTrace {
  return kernel.report.recordRun({
    setup: oneWakeup(kernel),
    schedule,
    locate: kernel.report.locateBy(kernel.map, 'stepped.mjs'),
    sources: kernel.report.sourcesOf(kernel.map),
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
    const report = kernel.report.columnReport(trace);
    expect(withoutNumbers(report)).toEqual(EXPECTED);
    expect(report.split('\n').length).toBeLessThan(40);
    for (const line of report.split('\n')) expect(line.length).toBeLessThanOrEqual(100);
  });

  it('is the same each time, and plain data', () => {
    const again = record(kernel, scheduleThatEnds(kernel, 'deadlock'));
    expect(again).toEqual(trace);
    expect(JSON.parse(JSON.stringify(trace))).toEqual(trace);
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
  "│  │  the kernel's verdict: deadlock  idle.ts",
  '│ ⋮ n steps of CPU 0 and CPU 1',
  'lost wakeup: task 1 sleeps in read(3, 0x11000, 8) for ever; what it waits for has come',
  'Task 1 sleeps in read(3, 0x11000, 8) on CPU 1 since step n (trap-loop.ts), and stands in',
  'globalQueue.',
  'It last looked at eventfd#3.counter at step n (eventfd.ts), which was 0.',
  'Task 2 on CPU 0 made it 7 at step n (eventfd.ts), found at step n that nobody waits',
  '(waiterCount 0), and woke nobody.',
  'It counts among the waiters since step n (wait-queue.ts), and did not look again before it',
  'slept.',
  'CPU 0  idles at idle.ts',
  'CPU 1  idles at idle.ts',
  'task 1 on CPU 1  SLEEPING in read(3, 0x11000, 8), stands in globalQueue',
  'again: smplab explore --replay TOKEN',
];
