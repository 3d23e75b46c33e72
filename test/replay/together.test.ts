// Several processes and threads in one trace: ends that overlap with calls, workers that wait for the same, signals that
// the machine may deliver to another thread. Each of these once ended in a mismatch or never.

import { describe, expect, test } from 'vitest';
import { replaySmall } from './small-traces.ts';

const THREAD = 'CLONE_VM|CLONE_FS|CLONE_FILES|CLONE_SIGHAND|CLONE_THREAD|CLONE_SYSVSEM';
const bySignal = '{WIFSIGNALED(s) && WTERMSIG(s) == SIGTERM}';

describe('ends', () => {
  test('a process that is killed in a call need not come back from it', async () => {
    await replaySmall(`
      clone(child_stack=NULL, flags=SIGCHLD) = 11 <0.000009>
      11 clock_nanosleep(CLOCK_REALTIME, 0, {tv_sec=9, tv_nsec=0},  <unfinished ...>
      kill(11, SIGTERM) = 0 <0.000003>
      wait4(11,  <unfinished ...>
      11 <... clock_nanosleep resumed>{tv_sec=8, tv_nsec=0}) = ? ERESTART_RESTARTBLOCK (Interrupted by signal) <0.00002>
      11 --- SIGTERM {si_signo=SIGTERM, si_code=SI_USER, si_pid=10, si_uid=0} ---
      11 +++ killed by SIGTERM +++
      <... wait4 resumed>[${bySignal}], 0, NULL) = 11 <0.00004>
      exit_group(0) = ?
      +++ exited with 0 +++`);
  });

  test('a child that is killed and not found dead at once is no mismatch, and is found later', async () => {
    const summary = await replaySmall(`
      clone(child_stack=NULL, flags=SIGCHLD) = 11 <0.000009>
      11 pause( <unfinished ...>
      kill(11, SIGTERM) = 0 <0.000003>
      wait4(11, 0x7ffe, WNOHANG, NULL) = 0 <0.000003>
      11 <... pause resumed>) = ? ERESTARTNOHAND (To be restarted if no handler) <0.00002>
      11 --- SIGTERM {si_signo=SIGTERM, si_code=SI_USER, si_pid=10, si_uid=0} ---
      11 +++ killed by SIGTERM +++
      wait4(11, [${bySignal}], WNOHANG, NULL) = 11 <0.000003>
      exit_group(0) = ?
      +++ exited with 0 +++`);
    expect(summary.imposed['children that are about to end']).toBe(1);
  });

  test('a process that exits ends what others read before its exit is told of', async () => {
    await replaySmall(`
      pipe2([3, 4], 0) = 0 <0.000003>
      clone(child_stack=NULL, flags=SIGCHLD) = 11 <0.000009>
      close(4) = 0 <0.000003>
      poll([{fd=3, events=POLLIN}], 1, -1 <unfinished ...>
      11 exit_group(0) = ?
      <... poll resumed>) = 1 ([{fd=3, revents=POLLHUP}]) <0.0001>
      11 +++ exited with 0 +++
      read(3, "", 9) = 0 <0.000003>
      exit_group(0) = ?
      +++ exited with 0 +++`);
  });

  test('an interrupted read has not seen the end that comes while a child executes another program', async () => {
    await replaySmall(`
      rt_sigaction(SIGCHLD, {sa_handler=0x55e0, sa_mask=[], sa_flags=SA_RESTORER|SA_RESTART, sa_restorer=0x7f00}, NULL, 8) = 0 <0.000003>
      clone(child_stack=NULL, flags=SIGCHLD) = 12 <0.000009>
      pipe2([3, 4], O_CLOEXEC) = 0 <0.000003>
      clone(child_stack=NULL, flags=SIGCHLD) = 11 <0.000009>
      close(4) = 0 <0.000003>
      read(3,  <unfinished ...>
      12 exit_group(0) = ?
      12 +++ exited with 0 +++
      11 execve("/bin/true", ["true"], 0x7ffe <unfinished ...>
      <... read resumed>0x7ffe, 4) = ? ERESTARTSYS (To be restarted if SA_RESTART is set) <0.00006>
      --- SIGCHLD {si_signo=SIGCHLD, si_code=CLD_EXITED, si_pid=12, si_uid=0, si_status=0, si_utime=0, si_stime=0} ---
      rt_sigreturn({mask=[]}) = 0 <0.000003>
      11 <... execve resumed>) = 0 <0.00008>
      read(3, "", 4) = 0 <0.000003>
      11 exit_group(0) = ?
      11 +++ exited with 0 +++
      exit_group(0) = ?
      +++ exited with 0 +++`);
  });

  test('a sleep in which the process ends does not run out', async () => {
    await replaySmall(`
      clone(child_stack=0x7f00, flags=${THREAD}) = 11 <0.000009>
      11 clock_nanosleep(CLOCK_REALTIME, 0, {tv_sec=0, tv_nsec=1000},  <unfinished ...>
      clock_nanosleep(CLOCK_REALTIME, 0, {tv_sec=0, tv_nsec=50000000}, NULL) = 0 <0.05>
      exit_group(0) = ?
      11 <... clock_nanosleep resumed> <unfinished ...>) = ?
      11 +++ exited with 0 +++
      +++ exited with 0 +++`);
  });
});

test('a signal that strace shows in another thread than the machine interrupts the right call', async () => {
  await replaySmall(`
    rt_sigaction(SIGUSR1, {sa_handler=0x55e0, sa_mask=[], sa_flags=SA_RESTORER, sa_restorer=0x7f00}, NULL, 8) = 0 <0.000003>
    pipe2([3, 4], 0) = 0 <0.000003>
    clone(child_stack=0x7f00, flags=${THREAD}) = 11 <0.000009>
    11 read(3,  <unfinished ...>
    kill(10, SIGUSR1) = 0 <0.000003>
    11 <... read resumed>0x7ffe, 9) = ? ERESTARTSYS (To be restarted if SA_RESTART is set) <0.00002>
    11 --- SIGUSR1 {si_signo=SIGUSR1, si_code=SI_USER, si_pid=10, si_uid=0} ---
    11 rt_sigreturn({mask=[]}) = 0 <0.000003>
    write(4, "x", 1) = 1 <0.000003>
    11 read(3, "x", 9) = 1 <0.000003>
    exit_group(0) = ?
    11 +++ exited with 0 +++
    +++ exited with 0 +++`);
});

const LISTENER = `
  epoll_create1(0) = 3 <0.000002>
  socket(AF_INET, SOCK_STREAM|SOCK_NONBLOCK, 0) = 4 <0.000002>
  bind(4, {sa_family=AF_INET, sin_port=htons(8088), sin_addr=inet_addr("127.0.0.1")}, 16) = 0 <0.000002>
  listen(4, 16) = 0 <0.000002>
  epoll_ctl(3, EPOLL_CTL_ADD, 4, {events=EPOLLIN, data={u32=4, u64=4}}) = 0 <0.000002>`;

describe('workers of one listener', () => {
  test('one takes a connection, and another that looks meanwhile does not see it', async () => {
    await replaySmall(`${LISTENER}
      clone(child_stack=0x7f00, flags=${THREAD}) = 11 <0.000009>
      epoll_wait(3, [{events=EPOLLIN, data={u32=4, u64=4}}], 8, -1) = 1 <0.000009>
      11 epoll_wait(3,  <unfinished ...>
      accept4(4,  <unfinished ...>
      11 <... epoll_wait resumed>[], 8, 0) = 0 <0.00002>
      <... accept4 resumed>NULL, NULL, SOCK_NONBLOCK) = 5 <0.00002>
      11 epoll_wait(3, [], 8, 0) = 0 <0.000003>`);
  });

  test('what comes for one comes after another has found nothing', async () => {
    await replaySmall(`${LISTENER}
      clone(child_stack=0x7f00, flags=${THREAD}) = 11 <0.000009>
      11 epoll_wait(3, [], 8, 0) = 0 <0.000003>
      epoll_wait(3, [], 8, 0) = 0 <0.000003>
      11 epoll_wait(3,  <unfinished ...>
      epoll_wait(3,  <unfinished ...>
      11 <... epoll_wait resumed>[], 8, 0) = 0 <0.00002>
      <... epoll_wait resumed>[{events=EPOLLIN, data={u32=4, u64=4}}], 8, -1) = 1 <0.00002>
      accept4(4, NULL, NULL, SOCK_NONBLOCK) = 5 <0.000003>`);
  });

  test('two are told of one connection, and the second of them finds nothing', async () => {
    await replaySmall(`${LISTENER}
      clone(child_stack=0x7f00, flags=${THREAD}) = 11 <0.000009>
      11 epoll_wait(3,  <unfinished ...>
      epoll_wait(3,  <unfinished ...>
      11 <... epoll_wait resumed>[{events=EPOLLIN, data={u32=4, u64=4}}], 8, -1) = 1 <0.0002>
      <... epoll_wait resumed>[{events=EPOLLIN, data={u32=4, u64=4}}], 8, -1) = 1 <0.0002>
      11 accept4(4, NULL, NULL, SOCK_NONBLOCK) = 5 <0.000003>
      accept4(4, NULL, NULL, SOCK_NONBLOCK) = -1 EAGAIN (Resource temporarily unavailable) <0.000003>`);
  });
});
