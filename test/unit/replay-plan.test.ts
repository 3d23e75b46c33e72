// The plan of a replay: every call has one verdict, descriptors have lifetimes, what comes from outside comes as late as
// the trace allows and in the amounts that it shows, and overlapping calls keep the order that their results show.

import { describe, expect, test } from 'vitest';
import { type Plan, planReplay } from '../../src/replay/plan.ts';
import type { ScriptAction, ScriptStep } from '../../src/replay/script.program.ts';
import { parseStrace } from '../../src/replay/trace.ts';

const implemented = [
  'accept',
  'accept4',
  'bind',
  'clock_nanosleep',
  'clone',
  'close',
  'connect',
  'dup',
  'dup2',
  'epoll_create1',
  'epoll_ctl',
  'epoll_wait',
  'eventfd2',
  'exit_group',
  'fcntl',
  'getpid',
  'kill',
  'listen',
  'nanosleep',
  'pipe2',
  'poll',
  'read',
  'shutdown',
  'socket',
  'socketpair',
  'timerfd_create',
  'timerfd_settime',
  'write',
  'writev',
];

/** Lines as `tid start call`, times in microseconds; a stamp is added. */
function plan(lines: string): Plan {
  const text = lines
    .trim()
    .split('\n')
    .filter((line) => line.trim() !== '')
    .map((line) => line.trim().replace(/^(\d+) (\d+) /, (_all, tid: string, us: string) => stamped(tid, Number(us))))
    .join('\n');
  const trace = parseStrace(`${text}\n`);
  expect(trace.problems).toEqual([]);
  return planReplay(trace, { implemented, cpus: 2 });
}

function stamped(tid: string, us: number): string {
  return `${tid} ${1700000000 + Math.floor(us / 1e6)}.${String(us % 1e6).padStart(6, '0')} `;
}

function verdicts(made: Plan): string[] {
  return made.calls.map((call) => `${call.verdict}${call.reason === '' ? '' : `: ${call.reason}`}`);
}

function stepAt(made: Plan, line: number): ScriptStep {
  const call = made.calls.find((one) => one.record.line === line);
  const step = made.script.threads.flatMap((thread) => thread.steps).find((one) => one.index === call?.index);
  if (step === undefined) throw new Error(`no step at line ${line}`);
  return step;
}

/** What the outside does for the call of a line: `before send 0 5`, `during finish 0`. */
function deliveries(made: Plan, line: number): string[] {
  const call = made.calls.find((one) => one.record.line === line);
  return made.script.threads.flatMap((thread, index) =>
    thread.deliveries
      .filter((delivery) => made.steps[index]?.[delivery.place] === call?.index)
      .flatMap((delivery) => {
        const when = delivery.afterNs < 0 ? 'before' : 'during';
        return delivery.actions.map((action) => `${when} ${actionText(action)}`);
      }),
  );
}

function actionText(action: ScriptAction): string {
  switch (action.do) {
    case 'send':
    case 'pump':
      return `${action.do} ${action.endpoint} ${action.bytes}`;
    case 'feed':
      return `feed ${action.endpoint} ${action.bytes}`;
    case 'signal':
      return `signal ${action.signal}`;
    case 'rescue':
    case 'await':
      return action.do;
    case 'accept':
      return `accept ${action.listener} ${action.endpoint}`;
    default:
      return `${action.do} ${action.endpoint}`;
  }
}

const server = `
  10 0 epoll_create1(0) = 3 <0.000002>
  10 10 socket(AF_INET, SOCK_STREAM|SOCK_NONBLOCK, IPPROTO_TCP) = 4 <0.000002>
  10 20 bind(4, {sa_family=AF_INET, sin_port=htons(80), sin_addr=inet_addr("0.0.0.0")}, 16) = 0 <0.000002>
  10 30 listen(4, 16) = 0 <0.000002>
  10 40 epoll_ctl(3, EPOLL_CTL_ADD, 4, {events=EPOLLIN, data={u32=4, u64=4}}) = 0 <0.000002>
`;
const accepted = `${server}
  10 50 epoll_wait(3, [{events=EPOLLIN, data={u32=4, u64=4}}], 8, -1) = 1 <0.000002>
  10 60 accept4(4, NULL, NULL, SOCK_NONBLOCK) = 5 <0.000002>
  10 70 epoll_ctl(3, EPOLL_CTL_ADD, 5, {events=EPOLLIN, data={u32=5, u64=5}}) = 0 <0.000002>
`;

describe('verdicts', () => {
  test('every call has one, and they add up', () => {
    const made = plan(`
      10 0 openat(AT_FDCWD, "/etc/passwd", O_RDONLY) = 3 <0.000002>
      10 10 read(3, "root"..., 100) = 100 <0.000002>
      10 20 write(1, "hello", 5) = 5 <0.000002>
      10 30 futex(0x1000, FUTEX_WAKE_PRIVATE, 1) = 0 <0.000002>
      10 40 clock_gettime(CLOCK_MONOTONIC, {tv_sec=1, tv_nsec=2}) = 0 <0.000002>
      10 50 getpid() = 10 <0.000002>
      10 60 mmap(NULL, 4096, PROT_READ, MAP_PRIVATE, -1, 0) = 0x1000 <0.000002>
      10 70 eventfd2(0, 0) = 4 <0.000002>
      10 80 close(77) = -1 EBADF (Bad file descriptor) <0.000002>
    `);
    expect(verdicts(made)).toEqual([
      'imposed: files and directories',
      'imposed: descriptors of kinds that the machine lacks',
      'imposed: descriptors that the trace never opened',
      'imposed: futex',
      'imposed: clocks',
      'imposed: identities',
      'imposed: memory',
      'compared',
      'compared',
    ]);
    const { compared, imposed, unsupported, calls } = made;
    const sum = (counts: Readonly<Record<string, number>>): number =>
      Object.values(counts).reduce((total, count) => total + count, 0);
    expect(compared + sum(imposed) + sum(unsupported)).toBe(calls.length);
  });

  test('a short socket write is imposed, a short pipe write is not', () => {
    const made = plan(`${accepted}
      10 80 write(5, "x"..., 100000) = 4000 <0.000002>
      10 90 write(5, "x"..., 96000) = -1 EAGAIN (Resource temporarily unavailable) <0.000002>
      10 100 pipe2([6, 7], O_NONBLOCK) = 0 <0.000002>
      10 110 write(7, "x"..., 100000) = 65536 <0.000002>
    `);
    expect(verdicts(made).slice(-4)).toEqual([
      'imposed: short socket writes',
      'imposed: short socket writes',
      'compared',
      'compared',
    ]);
    expect(stepAt(made, 9).fills).toBeDefined();
  });

  test('a result that the trace lost is imposed', () => {
    const made = plan('10 0 eventfd2(0, 0) = 3 <0.000002>\n10 10 read(3, <unfinished ...>');
    expect(verdicts(made)).toEqual(['compared', 'imposed: results that the trace does not show']);
    // It is the thread's last call, so it waits as the program did.
    expect(stepAt(made, 2).kind).toBe('call');
  });
});

describe('descriptors', () => {
  test('a number that is used again is another descriptor', () => {
    const made = plan(`
      10 0 eventfd2(0, 0) = 3 <0.000002>
      10 10 close(3) = 0 <0.000002>
      10 20 eventfd2(0, 0) = 3 <0.000002>
      10 30 close(3) = 0 <0.000002>
    `);
    const [first, second] = [stepAt(made, 1), stepAt(made, 3)];
    expect(first.opens).not.toEqual(second.opens);
    expect(stepAt(made, 2).args).toEqual([{ fd: first.opens?.[0] }]);
    expect(stepAt(made, 4).args).toEqual([{ fd: second.opens?.[0] }]);
  });

  test('a close that the trace does not show is made up for', () => {
    const made = plan('10 0 eventfd2(0, 0) = 3 <0.000002>\n10 10 eventfd2(0, 0) = 3 <0.000002>');
    expect(stepAt(made, 2).closes).toEqual(stepAt(made, 1).opens);
  });

  test('a watched descriptor that the trace never opened has a stand-in', () => {
    const made = plan(`
      10 0 epoll_create1(0) = 3 <0.000002>
      10 10 epoll_ctl(3, EPOLL_CTL_ADD, 0, {events=EPOLLIN, data={u32=0, u64=0}}) = 0 <0.000002>
      10 20 epoll_wait(3, [{events=EPOLLIN, data={u32=0, u64=0}}], 8, -1) = 1 <1.000000>
      10 1000100 read(0, "q", 1) = 1 <0.000002>
    `);
    expect(verdicts(made)).toEqual([
      'compared',
      'compared',
      'compared',
      'imposed: descriptors that the trace never opened',
    ]);
    expect(deliveries(made, 3)).toEqual(['during send 0 1']);
    expect(stepAt(made, 4).empties).toBeDefined();
  });
});

describe('the outside', () => {
  test('acts before a call that did not wait, and while one waits that did', () => {
    expect(deliveries(plan(accepted), 6)).toEqual(['before connect 0']);
    const waited = plan(`${server}
      10 50 epoll_wait(3, [{events=EPOLLIN, data={u32=4, u64=4}}], 8, -1) = 1 <0.500000>
      10 500060 accept4(4, NULL, NULL, SOCK_NONBLOCK) = 5 <0.000002>
    `);
    expect(deliveries(waited, 6)).toEqual(['during connect 0']);
    expect(waited.script.threads[0]?.deliveries[0]?.afterNs).toBe(500e6);
  });

  test('brings what is read before the next wait, and no more', () => {
    const made = plan(`${accepted}
      10 80 epoll_wait(3, [{events=EPOLLIN, data={u32=5, u64=5}}], 8, -1) = 1 <0.000002>
      10 90 read(5, "x"..., 100) = 100 <0.000002>
      10 100 read(5, "x"..., 100) = 30 <0.000002>
      10 110 epoll_wait(3, [{events=EPOLLIN, data={u32=5, u64=5}}], 8, -1) = 1 <0.000002>
      10 120 read(5, "x"..., 100) = 7 <0.000002>
      10 130 read(5, 0x7f, 100) = -1 EAGAIN (Resource temporarily unavailable) <0.000002>
    `);
    expect(deliveries(made, 9)).toEqual(['before send 0 130']);
    expect([10, 11, 13, 14].flatMap((line) => deliveries(made, line))).toEqual([]);
    expect(deliveries(made, 12)).toEqual(['before send 0 7']);
  });

  test('ends what it sends where the program reads an end', () => {
    const made = plan(`${accepted}
      10 80 epoll_wait(3, [{events=EPOLLIN|EPOLLRDHUP, data={u32=5, u64=5}}], 8, -1) = 1 <0.000002>
      10 90 read(5, "x"..., 100) = 30 <0.000002>
      10 100 read(5, "", 100) = 0 <0.000002>
      10 110 close(5) = 0 <0.000002>
      10 120 epoll_wait(3, [], 8, 0) = 0 <0.000002>
    `);
    expect(deliveries(made, 9)).toEqual(['before send 0 30', 'before finish 0']);
    expect(deliveries(made, 13)).toEqual(['before close 0']);
  });

  test('a report by edge needs something new each time, one by level does not', () => {
    const read = (events: string): Plan =>
      plan(`${accepted.replace('events=EPOLLIN, data={u32=5', `events=${events}, data={u32=5`)}
      10 80 epoll_wait(3, [{events=EPOLLIN, data={u32=5, u64=5}}], 8, -1) = 1 <0.000002>
      10 90 epoll_wait(3, [{events=EPOLLIN, data={u32=5, u64=5}}], 8, -1) = 1 <0.000002>
      10 100 read(5, "x"..., 100) = 30 <0.000002>
    `);
    expect(deliveries(read('EPOLLIN'), 10)).toEqual([]);
    expect(deliveries(read('EPOLLIN|EPOLLET'), 10)).toHaveLength(1);
  });

  test('the events that strace cut off are those that the program turns to next', () => {
    const made = plan(`${accepted}
      10 80 accept4(4, NULL, NULL, SOCK_NONBLOCK) = 6 <0.000002>
      10 90 epoll_ctl(3, EPOLL_CTL_ADD, 6, {events=EPOLLIN, data={u32=6, u64=6}}) = 0 <0.000002>
      10 100 epoll_wait(3, [{events=EPOLLIN, data={u32=5, u64=5}}, ...], 8, -1) = 2 <0.000002>
      10 110 read(5, "x", 100) = 1 <0.000002>
      10 120 read(6, "xy", 100) = 2 <0.000002>
    `);
    expect(deliveries(made, 11)).toEqual(['before send 0 1', 'before send 1 2']);
  });

  test('reads along before a unix socket would be full', () => {
    const writes = Array.from(
      { length: 60 },
      (_, index) => `10 ${100 + index * 10} write(5, "x"..., 1000) = 1000 <0.000002>`,
    );
    const made = plan(`${accepted}${writes.join('\n')}`);
    const drains = made.script.threads.flatMap((thread) => thread.deliveries.flatMap(({ actions }) => actions));
    expect(drains.filter((action) => action.do === 'drain').length).toBeGreaterThanOrEqual(2);
  });

  test('takes the connections that the program makes', () => {
    const made = plan(`
      10 0 socket(AF_INET, SOCK_STREAM, IPPROTO_TCP) = 3 <0.000002>
      10 10 connect(3, {sa_family=AF_INET, sin_port=htons(80), sin_addr=inet_addr("1.2.3.4")}, 16) = 0 <0.010000>
      10 10020 write(3, "GET", 3) = 3 <0.000002>
      10 10030 read(3, "200", 100) = 3 <0.005000>
      10 15040 close(3) = 0 <0.000002>
    `);
    expect(made.compared).toBe(5);
    expect(deliveries(made, 2)).toEqual(['before listen 0']);
    expect(deliveries(made, 3)).toEqual(['before accept 0 1']);
    expect(deliveries(made, 4)).toEqual(['during send 1 3']);
  });

  test('interrupts a call that was interrupted, with the signal that the trace shows', () => {
    const made = plan(`
      10 0 epoll_create1(0) = 3 <0.000002>
      10 10 epoll_wait(3, 0x7ffe, 8, -1) = -1 EINTR (Interrupted system call) <0.010000>
      10 10020 --- SIGTERM {si_signo=SIGTERM, si_code=SI_USER, si_pid=1, si_uid=0} ---
      10 10030 epoll_wait(3, [], 8, 0) = 0 <0.000002>
    `);
    expect(deliveries(made, 2)).toEqual(['during signal 15']);
    expect(made.script.threads[0]?.handled).toContain(15);
  });
});

describe('order', () => {
  const threads = `
    10 0 eventfd2(0, EFD_NONBLOCK) = 3 <0.000002>
    10 10 epoll_create1(0) = 4 <0.000002>
    10 20 epoll_ctl(4, EPOLL_CTL_ADD, 3, {events=EPOLLIN, data={u32=3, u64=3}}) = 0 <0.000002>
    10 30 clone(child_stack=0x1000, flags=CLONE_VM|CLONE_FS|CLONE_FILES|CLONE_SIGHAND|CLONE_THREAD, parent_tid=[11], tls=0x1, child_tidptr=0x2) = 11 <0.000002>
  `;
  /** Pairs (thread, how many of its calls) that a step waits for. */
  const comesAfter = (made: Plan, line: number): readonly number[] => stepAt(made, line).after;

  test('a call comes after what had ended before it, said once', () => {
    const made = plan(`${threads}
      11 40 eventfd2(0, 0) = 5 <0.000002>
      11 50 eventfd2(0, 0) = 6 <0.000002>
      10 60 eventfd2(0, 0) = 7 <0.000002>
    `);
    // The thread's birth is over, but not waited for twice.
    expect(comesAfter(made, 5)).toEqual([0, 8]);
    expect(comesAfter(made, 6)).toEqual([]);
    expect(comesAfter(made, 7)).toEqual([1, 4]);
    expect(stepAt(made, 6).announce & 2).toBe(2);
  });

  test('a write that an overlapping wait did not see is made after the wait', () => {
    const made = plan(`${threads}
      11 40 epoll_wait(4, <unfinished ...>
      10 50 write(3, "\\1\\0\\0\\0\\0\\0\\0\\0", 8 <unfinished ...>
      11 60 <... epoll_wait resumed>[], 8, 0) = 0 <0.000020>
      10 70 <... write resumed>) = 8 <0.000020>
    `);
    expect(comesAfter(made, 6)).toEqual([1, 2]);
  });

  test('a write that an overlapping wait did see is made once the wait has begun', () => {
    const made = plan(`${threads}
      11 40 epoll_wait(4, <unfinished ...>
      10 50 write(3, "\\1\\0\\0\\0\\0\\0\\0\\0", 8 <unfinished ...>
      11 60 <... epoll_wait resumed>[{events=EPOLLIN, data={u32=3, u64=3}}], 8, -1) = 1 <0.000020>
      10 70 <... write resumed>) = 8 <0.000020>
    `);
    expect(comesAfter(made, 6)).toEqual([1, 1]);
  });

  test('a wait that saw a write and something from outside is made after the write', () => {
    const made = plan(`${threads}
      10 40 socket(AF_INET, SOCK_STREAM, IPPROTO_TCP) = 5 <0.000002>
      10 50 connect(5, {sa_family=AF_INET, sin_port=htons(80), sin_addr=inet_addr("1.2.3.4")}, 16) = 0 <0.000002>
      10 60 epoll_ctl(4, EPOLL_CTL_ADD, 5, {events=EPOLLIN, data={u32=5, u64=5}}) = 0 <0.000002>
      11 70 epoll_wait(4, <unfinished ...>
      10 80 write(3, "\\1\\0\\0\\0\\0\\0\\0\\0", 8) = 8 <0.000002>
      11 900 <... epoll_wait resumed>[{events=EPOLLIN, data={u32=3, u64=3}}, {events=EPOLLIN, data={u32=5, u64=5}}], 8, -1) = 2 <0.000830>
      11 910 read(5, "xy", 100) = 2 <0.000002>
    `);
    expect(comesAfter(made, 8)).toContain(0);
    expect(comesAfter(made, 8).at(-1)).toBe(16);
    expect(deliveries(made, 8)).toEqual(['before send 1 2']);
  });

  test('pauses are kept, haste is not', () => {
    const made = plan(
      '10 0 eventfd2(0, 0) = 3 <0.000002>\n10 10 close(3) = 0 <0.000002>\n10 5000 eventfd2(0, 0) = 3 <0.000002>',
    );
    expect([1, 2, 3].map((line) => stepAt(made, line).startNs)).toEqual([0, -1, 5e6]);
  });

  test('the trace itself has no gate that is left out', () => {
    expect(plan(threads).droppedGates).toBe(0);
  });
});
