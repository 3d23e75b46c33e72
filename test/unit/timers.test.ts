/**
 * Promises of the timers: they expire earliest first, each once, on the CPU whose heap they are in; an earlier deadline
 * that another CPU brings is noticed.
 */
import fc from 'fast-check';
import { beforeEach, describe, expect, test } from 'vitest';
import type { OrdinaryMachine } from './ordinary-machine.ts';
import { bootOrdinaryMachine, tiny } from './ordinary-machine.ts';
import { Cpu } from '../../src/kernel/cpu/cpu.ts';
import { interruptsOff, interruptsOn, IRQ_CALL } from '../../src/kernel/irq/interrupts.ts';
import type { TimerPtr } from '../../src/kernel/time/timers.ts';
import { armTimer, disarmTimer, earliestDeadline, takeExpired, Timer } from '../../src/kernel/time/timers.ts';
import { CpuCore } from '../../src/shared-mem/cpu-core.ts';
import { wordAt } from '../../src/shared-mem/plain.ts';
import { acquire, release } from '../../src/shared-mem/locks/lock.ts';
import { becomeCpu, cpu } from '../../src/shared-mem/self.ts';

const TIMERS = 9;

let machine: OrdinaryMachine;
let timers: TimerPtr[];
beforeEach(fresh);

function fresh(): void {
  machine = bootOrdinaryMachine({ ...tiny, tasks: 4, files: 5 });
  timers = Array.from({ length: TIMERS }, () => machine.place(Timer));
}

/** The heap of a CPU from its root on: every timer knows its place, and no child is earlier than its parent. */
function checkHeap(index: number): void {
  const target = machine.cpus[index]!;
  interruptsOff();
  acquire(Cpu.timerLock.at(target));
  const count = Cpu.timerCount.get(target);
  for (let i = 0; i < count; i++) {
    const t = wordAt(Cpu.timerHeap.get(target) + i) as TimerPtr;
    expect([Timer.place.get(t), Timer.cpu.load(t)]).toEqual([i + 1, target]);
    const parent = wordAt(Cpu.timerHeap.get(target) + ((i - 1) >> 1)) as TimerPtr;
    if (i > 0) expect(Timer.deadlineNs.get(parent)).toBeLessThanOrEqual(Timer.deadlineNs.get(t));
  }
  release(Cpu.timerLock.at(target));
  interruptsOn();
}

/** Everything that is due on this CPU, in the order in which it expires. */
function expire(nowNs: number): number[] {
  const due: number[] = [];
  for (let t = takeExpired(nowNs); t !== 0; t = takeExpired(nowNs)) due.push(timers.indexOf(t));
  return due;
}

describe('the heap', () => {
  test('is what a sorted array is after any operations', () => {
    const timer = fc.nat(TIMERS - 1);
    const home = fc.nat(1);
    const step = fc.oneof(
      { weight: 3, arbitrary: fc.record({ kind: fc.constant('arm' as const), timer, home, deadlineNs: fc.nat(40) }) },
      fc.record({ kind: fc.constant('disarm' as const), timer }),
      fc.record({ kind: fc.constant('expire' as const), home, nowNs: fc.nat(40) }),
    );
    fc.assert(
      fc.property(fc.array(step, { maxLength: 60 }), (steps) => {
        fresh();
        const model = new Map<number, { home: number; deadlineNs: number }>();
        const armed = (on: number) =>
          [...model.values()].filter((each) => each.home === on).map((each) => each.deadlineNs);
        for (const s of steps) {
          if (s.kind === 'arm') {
            armTimer(machine.cpus[s.home]!, timers[s.timer]!, s.deadlineNs);
            model.set(s.timer, s);
          } else if (s.kind === 'disarm') {
            disarmTimer(timers[s.timer]!);
            model.delete(s.timer);
          } else {
            becomeCpu(machine.cpus[s.home]!);
            const due = expire(s.nowNs);
            const deadlines = due.map((i) => model.get(i)!.deadlineNs);
            expect(deadlines).toEqual(
              armed(s.home)
                .filter((deadlineNs) => deadlineNs <= s.nowNs)
                .sort((a, b) => a - b),
            );
            for (const i of due) {
              expect(model.get(i)!.home).toBe(s.home);
              model.delete(i);
            }
            expect(Cpu.nextDeadlineNs.get(cpu)).toBe(Math.min(Number.POSITIVE_INFINITY, ...armed(s.home)));
          }
          for (const on of [0, 1]) {
            checkHeap(on);
            const earliest = Math.min(Number.POSITIVE_INFINITY, ...armed(on));
            expect(earliestDeadline(machine.cpus[on]!)).toBe(earliest);
            // A CPU may look at its timers too early, but never sleep past a deadline of its own making or an interrupt.
            const raised = (CpuCore.pending.load(machine.cpus[on]!) & IRQ_CALL) !== 0;
            if (!raised) expect(Cpu.nextDeadlineNs.get(machine.cpus[on]!)).toBeLessThanOrEqual(earliest);
          }
        }
      }),
      { numRuns: 120 },
    );
  });

  test('closes the gap of a disarmed timer with one that may belong further up', () => {
    const deadlines = [1, 10, 2, 11, 12, 3, 4];
    for (const [i, deadlineNs] of deadlines.entries()) armTimer(cpu, timers[i]!, deadlineNs);
    // The last one, 4, takes the place of 11, below 10.
    disarmTimer(timers[3]!);
    checkHeap(0);
    expect(expire(100).map((i) => deadlines[i])).toEqual([1, 2, 3, 4, 10, 12]);
  });

  test('has room for every timer that can exist, on one CPU, and says so when there are more', () => {
    const capacity = Cpu.timerCapacity.get(cpu);
    expect(capacity).toBe(machine.config.tasks + machine.config.processes + machine.config.files);
    const all = Array.from({ length: capacity }, () => machine.place(Timer));
    for (const [i, t] of all.entries()) armTimer(cpu, t, capacity - i);
    checkHeap(0);
    expect(() => armTimer(cpu, machine.place(Timer), 1)).toThrow('more timers armed than records exist');
  });
});

describe('a timer', () => {
  test('is due at its deadline and not before', () => {
    armTimer(cpu, timers[0]!, 100);
    expect([expire(99), expire(100), expire(101)]).toEqual([[], [0], []]);
  });

  test('that is armed again is in one heap, at the new deadline', () => {
    armTimer(cpu, timers[0]!, 10);
    armTimer(machine.cpus[1]!, timers[0]!, 20);
    expect(expire(1000)).toEqual([]);
    becomeCpu(machine.cpus[1]!);
    expect([expire(19), expire(20)]).toEqual([[], [0]]);
  });

  test('may be disarmed by anybody, twice, or without ever having been armed', () => {
    disarmTimer(timers[0]!);
    armTimer(cpu, timers[0]!, 10);
    becomeCpu(machine.cpus[1]!);
    disarmTimer(timers[0]!);
    disarmTimer(timers[0]!);
    becomeCpu(machine.cpus[0]!);
    expect(expire(1000)).toEqual([]);
  });
});

describe('an earlier deadline', () => {
  const raised = (index: number) => CpuCore.pending.load(machine.cpus[index]!) & IRQ_CALL;

  test('from another CPU raises an interrupt and rings; a later one does not', () => {
    const target = machine.cpus[1]!;
    armTimer(target, timers[0]!, 100);
    expect(raised(1)).toBe(IRQ_CALL);
    const bell = CpuCore.doorbell.load(target);
    CpuCore.pending.store(target, 0);
    armTimer(target, timers[1]!, 200);
    expect([raised(1), CpuCore.doorbell.load(target)]).toEqual([0, bell]);
    armTimer(target, timers[2]!, 50);
    expect([raised(1), CpuCore.doorbell.load(target)]).toEqual([IRQ_CALL, bell + 1]);
  });

  test('of its own a CPU notes without an interrupt', () => {
    armTimer(cpu, timers[0]!, 100);
    armTimer(cpu, timers[1]!, 50);
    expect([raised(0), Cpu.nextDeadlineNs.get(cpu)]).toEqual([0, 50]);
  });
});
