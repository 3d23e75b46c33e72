// Replays on a real machine: what a trace shows comes out again, a wrong trace is found out by line, and a replay that
// cannot go on says who waits for what.

import { fileURLToPath } from 'node:url';
import { describe, expect, test } from 'vitest';
import { replayWords } from '../../src/replay/report.ts';
import { type DesignReplay, replayFile, replayTrace } from '../../src/replay/run.ts';
import { ReplayStuck } from '../../src/replay/stuck.ts';
import { parseStrace } from '../../src/replay/trace.ts';

async function replay(
  lines: string,
  options: { readonly cpus?: number; readonly patienceMs?: number } = {},
): Promise<DesignReplay> {
  const text = lines
    .trim()
    .split('\n')
    .filter((line) => line.trim() !== '')
    .map((line) =>
      line.trim().replace(/^(\d+) (\d+) /, (_all, tid: string, us: string) => {
        const stamp = `${1700000000 + Math.floor(Number(us) / 1e6)}.${String(Number(us) % 1e6).padStart(6, '0')}`;
        return `${tid} ${stamp} `;
      }),
    )
    .join('\n');
  const trace = parseStrace(`${text}\n`);
  expect(trace.problems).toEqual([]);
  const summary = await replayTrace(trace, { designs: ['kevlar'], boot: { checks: true }, ...options });
  return summary.designs[0]!;
}

const trace = (name: string): string => fileURLToPath(new URL(`../../data/traces/${name}.strace.gz`, import.meta.url));

describe('bundled traces', () => {
  test.each([
    ['redis', 2],
    ['redis', 1],
    ['redis', 4],
    ['memcached', 2],
    ['memcached', 4],
  ])('%s on %i CPUs comes out as it was recorded', async (name, cpus) => {
    const summary = await replayFile(trace(name), { designs: ['kevlar'], cpus });
    const [design] = summary.designs;
    expect(design?.firstMismatches).toEqual([]);
    expect(design?.compared).toBe(summary.compared);
    const imposed = Object.values(summary.imposed).reduce((sum, count) => sum + count, 0);
    const unsupported = Object.values(summary.unsupported).reduce((sum, count) => sum + count, 0);
    expect(summary.compared + imposed + unsupported).toBe(summary.calls);
    const { total, useful, timeout, signal, herd, nudge, spurious } = design!.wakeups;
    expect(useful + timeout + signal + herd + nudge + spurious).toBe(total);
    expect(design!.eventsDelivered).toBeGreaterThan(1000);
    expect(design!.repolls).toBeGreaterThan(design!.eventsDelivered);
  });
});

describe('small traces', () => {
  test('two threads and a pipe: a blocked read is woken by the other thread', async () => {
    const result = await replay(`
      10 0 pipe2([3, 4], 0) = 0 <0.000002>
      10 10 clone(child_stack=0x1000, flags=CLONE_VM|CLONE_FS|CLONE_FILES|CLONE_SIGHAND|CLONE_THREAD, parent_tid=[11], tls=0x1, child_tidptr=0x2) = 11 <0.000002>
      11 20 read(3, <unfinished ...>
      10 5000 write(4, "hello", 5) = 5 <0.000002>
      11 5010 <... read resumed>"hello", 100) = 5 <0.004990>
      11 5020 read(3, <unfinished ...>
      10 9000 close(4) = 0 <0.000002>
      11 9010 <... read resumed>"", 100) = 0 <0.003990>
      11 9020 exit(0) = ?
      11 9030 +++ exited with 0 +++
      10 9040 exit_group(3) = ?
      10 9050 +++ exited with 3 +++
    `);
    expect(result.firstMismatches).toEqual([]);
    expect(result.compared).toBe(8);
    expect(result.wakeups.useful).toBe(2);
  });

  test('a server that blocks in accept and read, and a client of the outside', async () => {
    const result = await replay(`
      10 0 socket(AF_INET6, SOCK_STREAM, IPPROTO_TCP) = 3 <0.000002>
      10 10 bind(3, {sa_family=AF_INET6, sin6_port=htons(80), inet_pton(AF_INET6, "::", &sin6_addr), sin6_flowinfo=htonl(0), sin6_scope_id=0}, 28) = 0 <0.000002>
      10 20 listen(3, 1) = 0 <0.000002>
      10 30 accept(3, NULL, NULL) = 4 <0.010000>
      10 10040 read(4, "GET /"..., 1000) = 400 <0.020000>
      10 30050 write(4, "200 OK"..., 50000) = 50000 <0.000002>
      10 30060 read(4, "", 1000) = 0 <0.001000>
      10 31070 close(4) = 0 <0.000002>
      10 31080 close(3) = 0 <0.000002>
    `);
    expect(result.firstMismatches).toEqual([]);
    expect(result.wakeups.useful).toBe(3);
  });

  test('poll, a timer, a timeout and an interruption', async () => {
    const result = await replay(`
      10 0 timerfd_create(CLOCK_MONOTONIC, 0) = 3 <0.000002>
      10 10 timerfd_settime(3, 0, {it_interval={tv_sec=0, tv_nsec=0}, it_value={tv_sec=0, tv_nsec=30000000}}, NULL) = 0 <0.000002>
      10 20 poll([{fd=3, events=POLLIN}, {fd=-1}], 2, 1000) = 1 ([{fd=3, revents=POLLIN}]) <0.030000>
      10 30030 read(3, "\\1\\0\\0\\0\\0\\0\\0\\0", 8) = 8 <0.000002>
      10 30040 poll([{fd=3, events=POLLIN}], 1, 20) = 0 (Timeout) <0.020000>
      10 50050 poll([{fd=99, events=POLLIN}], 1, 20) = 1 ([{fd=99, revents=POLLNVAL}]) <0.000002>
      10 50060 nanosleep({tv_sec=0, tv_nsec=5000000}, NULL) = 0 <0.005000>
      10 55070 read(3, 0x7ffe, 8) = ? ERESTARTSYS (To be restarted if SA_RESTART is set) <0.010000>
      10 65080 --- SIGALRM {si_signo=SIGALRM, si_code=SI_KERNEL} ---
      10 65090 close(3) = 0 <0.000002>
    `);
    expect(result.firstMismatches).toEqual([]);
    expect(result.compared).toBe(9);
    expect(result.wakeups).toMatchObject({ signal: 1 });
  });

  test('an edge that only Kevlar sees is declared, and the program waits again', async () => {
    const result = await replay(`
      10 0 epoll_create1(0) = 3 <0.000002>
      10 10 socketpair(AF_UNIX, SOCK_STREAM|SOCK_NONBLOCK, 0, [4, 5]) = 0 <0.000002>
      10 20 epoll_ctl(3, EPOLL_CTL_ADD, 4, {events=EPOLLIN|EPOLLOUT|EPOLLET, data={u32=4, u64=4}}) = 0 <0.000002>
      10 30 epoll_wait(3, [{events=EPOLLOUT, data={u32=4, u64=4}}], 8, -1) = 1 <0.000002>
      10 40 write(4, "hello", 5) = 5 <0.000002>
      10 50 epoll_wait(3, [], 8, 30) = 0 <0.030000>
      10 30060 write(5, "hello", 5) = 5 <0.000002>
      10 30070 epoll_wait(3, [{events=EPOLLIN|EPOLLOUT, data={u32=4, u64=4}}], 8, -1) = 1 <0.000002>
    `);
    expect(result.firstMismatches).toEqual([]);
    expect(result.divergences).toEqual([{ rule: 'M5', calls: 1 }]);
  });

  test('connections of the program to itself and to the outside, and a name that somebody else has', async () => {
    const result = await replay(`
      10 0 socket(AF_INET, SOCK_STREAM, IPPROTO_TCP) = 3 <0.000002>
      10 10 bind(3, {sa_family=AF_INET, sin_port=htons(80), sin_addr=inet_addr("0.0.0.0")}, 16) = -1 EADDRINUSE (Address already in use) <0.000002>
      10 20 listen(3, 8) = 0 <0.000002>
      10 30 bind(3, {sa_family=AF_INET, sin_port=htons(81), sin_addr=inet_addr("0.0.0.0")}, 16) = -1 EINVAL (Invalid argument) <0.000002>
      10 40 getsockname(3, {sa_family=AF_INET, sin_port=htons(4001), sin_addr=inet_addr("0.0.0.0")}, [128 => 16]) = 0 <0.000002>
      10 50 socket(AF_INET, SOCK_STREAM|SOCK_NONBLOCK, IPPROTO_TCP) = 4 <0.000002>
      10 60 connect(4, {sa_family=AF_INET, sin_port=htons(4001), sin_addr=inet_addr("127.0.0.1")}, 16) = -1 EINPROGRESS (Operation now in progress) <0.000002>
      10 70 accept(3, {sa_family=AF_INET, sin_port=htons(5000), sin_addr=inet_addr("127.0.0.1")}, [128 => 16]) = 5 <0.000002>
      10 80 write(4, "ping", 4) = 4 <0.000002>
      10 90 read(5, "ping", 100) = 4 <0.000002>
      10 100 socket(AF_INET, SOCK_STREAM|SOCK_NONBLOCK, IPPROTO_TCP) = 6 <0.000002>
      10 110 connect(6, {sa_family=AF_INET, sin_port=htons(443), sin_addr=inet_addr("1.2.3.4")}, 16) = -1 EINPROGRESS (Operation now in progress) <0.000002>
      10 120 poll([{fd=6, events=POLLIN|POLLOUT}], 1, 0) = 0 (Timeout) <0.000002>
      10 130 poll([{fd=6, events=POLLIN|POLLOUT}], 1, 1000) = 1 ([{fd=6, revents=POLLOUT}]) <0.010000>
      10 10140 write(6, "GET", 3) = 3 <0.000002>
      10 10150 poll([{fd=6, events=POLLIN}], 1, 1000) = 1 ([{fd=6, revents=POLLIN}]) <0.010000>
      10 20160 read(6, "200", 100) = 3 <0.000002>
      10 20170 connect(6, {sa_family=AF_UNIX, sun_path="/run/no/such"}, 110) = -1 EISCONN (Transport endpoint is already connected) <0.000002>
    `);
    expect(result.firstMismatches).toEqual([]);
    expect(result.compared).toBe(15);
  });

  test('a child process at the other ends of pipes is the outside', async () => {
    const result = await replay(`
      10 0 pipe2([3, 4], O_CLOEXEC) = 0 <0.000002>
      10 10 pipe2([5, 6], O_CLOEXEC) = 0 <0.000002>
      10 20 clone(child_stack=NULL, flags=CLONE_CHILD_CLEARTID|CLONE_CHILD_SETTID|SIGCHLD, child_tidptr=0x2) = 11 <0.000002>
      10 40 close(3) = 0 <0.000002>
      10 50 close(6) = 0 <0.000002>
      10 60 write(4, "x"..., 50000) = 50000 <0.000002>
      10 70 write(4, "x"..., 50000) = 50000 <0.010000>
      10 10080 close(4) = 0 <0.000002>
      10 10090 read(5, "x"..., 65536) = 40000 <0.005000>
      10 15100 read(5, "", 65536) = 0 <0.005000>
      10 20110 wait4(11, [{WIFEXITED(s) && WEXITSTATUS(s) == 0}], 0, NULL) = 11 <0.000002>
    `);
    expect(result.firstMismatches).toEqual([]);
    expect(result.compared).toBe(9);
  });

  test('a program that was killed, and a trace that was cut', async () => {
    const killed = await replay(`
      10 0 pipe2([3, 4], 0) = 0 <0.000002>
      10 10 read(3, <unfinished ...>) = ?
      10 500 +++ killed by SIGKILL +++
    `);
    expect(killed.firstMismatches).toEqual([]);
    const cut = await replay('10 0 pipe2([3, 4], 0) = 0 <0.000002>\n10 10 read(3, <unfinished ...>');
    expect(cut.firstMismatches).toEqual([]);
  });

  test('a result that cannot be is a mismatch, named by line, expected and got', async () => {
    const result = await replay(`
      10 0 eventfd2(5, EFD_NONBLOCK) = 3 <0.000002>
      10 10 read(3, "\\5\\0\\0\\0\\0\\0\\0\\0", 8) = 8 <0.000002>
      10 20 read(3, "\\5\\0\\0\\0\\0\\0\\0\\0", 4) = 4 <0.000002>
      10 30 listen(3, 1) = 0 <0.000002>
    `);
    expect(result.mismatches).toBe(2);
    expect(result.firstMismatches[0]).toMatchObject({ line: 3, tid: 10, expected: '4', got: '-EINVAL' });
    expect(result.firstMismatches[1]).toMatchObject({ line: 4, expected: '0', got: '-ENOTSOCK' });
  });
});

test('what was not replayed is said in words, and what it means', async () => {
  const summary = await replayFile(trace('redis'), { designs: ['kevlar'] });
  const words = replayWords(summary).join('\n');
  expect(words).toMatch(/2841 calls, of which 2716 \(95\.6 %\) were made again and compared/);
  expect(words).toMatch(/29 futex: the order of the trace stands for/);
  expect(words).toMatch(/kevlar answered every compared call as recorded\./);
});

test('a replay that cannot go on ends by itself, and says which call waits', async () => {
  const stuck = replay(`
    10 0 timerfd_create(CLOCK_MONOTONIC, 0) = 3 <0.000002>
    10 10 read(3, "\\1\\0\\0\\0\\0\\0\\0\\0", 8) = 8 <0.030000>
    10 30020 close(3) = 0 <0.000002>
  `);
  await expect(stuck).rejects.toThrow(ReplayStuck);
  await expect(stuck).rejects.toThrow(/thread 10: line 2, read\(3.*waits in its call/);
  await expect(stuck).rejects.toMatchObject({ exitCode: 3 });
});
