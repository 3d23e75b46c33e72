// What a replay does not have to itself: networks, limits, files, programs, and calls that strace was told to leave out.
// Small traces, each of which once ended in a mismatch or a deadlock.

import { describe, expect, test } from 'vitest';
import { replaySmall as replay } from './small-traces.ts';

const NETWORK = `
  epoll_create1(0) = 3 <0.000002>
  socket(AF_INET, SOCK_STREAM|SOCK_NONBLOCK, 0) = 4 <0.000002>
  bind(4, {sa_family=AF_INET, sin_port=htons(8088), sin_addr=inet_addr("127.0.0.1")}, 16) = 0 <0.000002>
  listen(4, 16) = 0 <0.000002>
  socket(AF_INET, SOCK_STREAM|SOCK_NONBLOCK, 0) = 5 <0.000002>
  connect(5, {sa_family=AF_INET, sin_port=htons(8088), sin_addr=inet_addr("127.0.0.1")}, 16) = -1 EINPROGRESS (Operation now in progress) <0.000005>
  accept4(4, {sa_family=AF_INET, sin_port=htons(40000), sin_addr=inet_addr("127.0.0.1")}, [128 => 16], SOCK_NONBLOCK) = 6 <0.000002>
  epoll_ctl(3, EPOLL_CTL_ADD, 6, {events=EPOLLIN, data={u32=6, u64=6}}) = 0 <0.000002>`;

describe('networks', () => {
  test('a connection that closes is at its end, and has not hung up', async () => {
    await replay(`${NETWORK}
      sendto(5, "hello", 5, 0, NULL, 0) = 5 <0.000002>
      epoll_wait(3, [{events=EPOLLIN, data={u32=6, u64=6}}], 8, -1) = 1 <0.000002>
      recvfrom(6, "hello", 100, 0, NULL, NULL) = 5 <0.000002>
      close(5) = 0 <0.000002>
      epoll_wait(3, [{events=EPOLLIN, data={u32=6, u64=6}}], 8, -1) = 1 <0.000002>
      recvfrom(6, "", 100, 0, NULL, NULL) = 0 <0.000002>
      close(6) = 0 <0.000002>`);
  });

  test('options, states and errors of the network are imposed', async () => {
    const summary = await replay(`${NETWORK}
      setsockopt(6, SOL_SOCKET, SO_LINGER, {l_onoff=0, l_linger=0}, 8) = 0 <0.000002>
      setsockopt(6, SOL_TCP, TCP_NODELAY, [1], 4) = 0 <0.000002>
      shutdown(6, SHUT_RDWR) = -1 ENOTCONN (Transport endpoint is not connected) <0.000002>
      accept4(4, 0x7ffe, [128], SOCK_CLOEXEC) = -1 EMFILE (Too many open files) <0.000002>
      socket(AF_NETLINK, SOCK_RAW|SOCK_CLOEXEC, NETLINK_ROUTE) = 7 <0.000002>
      socket(AF_INET, SOCK_DGRAM|SOCK_CLOEXEC, IPPROTO_IP) = 8 <0.000002>`);
    expect(summary.unsupported).toEqual({});
  });

  test('an unread answer of the program is no reset where the trace shows none', async () => {
    await replay(`
      epoll_create1(0) = 3 <0.000002>
      socket(AF_UNIX, SOCK_STREAM|SOCK_NONBLOCK, 0) = 4 <0.000002>
      bind(4, {sa_family=AF_UNIX, sun_path="/run/bus"}, 110) = 0 <0.000002>
      listen(4, 16) = 0 <0.000002>
      accept4(4, {sa_family=AF_UNIX}, [128 => 2], SOCK_NONBLOCK) = 6 <0.000002>
      epoll_ctl(3, EPOLL_CTL_ADD, 6, {events=EPOLLIN, data={u32=6, u64=6}}) = 0 <0.000002>
      write(6, "hello", 5) = 5 <0.000002>
      write(6, "hello", 5) = -1 EPIPE (Broken pipe) <0.000002>
      epoll_wait(3, [{events=EPOLLIN|EPOLLHUP, data={u32=6, u64=6}}], 8, -1) = 1 <0.000002>
      read(6, "farewell", 100) = 8 <0.000002>
      read(6, "", 100) = 0 <0.000002>
      close(6) = 0 <0.000002>`);
  });
});

describe('what the trace does not show', () => {
  test('a descriptor that answers EAGAIN was made so by a call that was left out', async () => {
    await replay(`
      socket(AF_INET, SOCK_STREAM, 0) = 4
      bind(4, {sa_family=AF_INET, sin_port=htons(8088), sin_addr=inet_addr("127.0.0.1")}, 16) = 0
      listen(4, 16) = 0
      accept4(4, 0x7ffe, [128], SOCK_CLOEXEC) = -1 EAGAIN (Resource temporarily unavailable)
      accept4(4, {sa_family=AF_INET, sin_port=htons(40000), sin_addr=inet_addr("127.0.0.1")}, [128 => 16], SOCK_CLOEXEC) = 5
      recvfrom(5, 0x7ffe, 100, 0, NULL, NULL) = -1 EAGAIN (Resource temporarily unavailable)`);
  });

  test('events that -s 0 leaves out', async () => {
    await replay(`
      epoll_create1(0) = 3 <0.000002>
      pipe2([4, 5], O_NONBLOCK) = 0 <0.000002>
      epoll_ctl(3, EPOLL_CTL_ADD, 4, {events=EPOLLIN, data={u32=4, u64=4}}) = 0 <0.000002>
      epoll_wait(3, [...], 8, -1) = 1 <0.000002>
      read(4, ""..., 100) = 3 <0.000002>
      poll([...], 1, -1) = 1 ([...]) <0.000002>`);
  });

  test('a program that begins by execve, limits of the host, files and memory', async () => {
    const summary = await replay(`
      execve("/usr/bin/x", ["x"], 0x7ffd /* 5 vars */) = 0 <0.000100>
      prlimit64(0, RLIMIT_NPROC, {rlim_cur=0, rlim_max=0}, NULL) = 0 <0.000002>
      openat(AT_FDCWD, "/etc/passwd", O_RDONLY) = 7 <0.000002>
      read(7, "root"..., 4096) = 812 <0.000002>
      close(7) = 0 <0.000002>
      mmap(NULL, 8192, PROT_READ|PROT_WRITE, MAP_PRIVATE|MAP_ANONYMOUS, -1, 0) = 0x7f0000 <0.000002>
      setitimer(ITIMER_REAL, {it_interval={tv_sec=0, tv_usec=0}, it_value={tv_sec=0, tv_usec=0}}, NULL) = 0 <0.000002>
      exit_group(0) = ?`);
    expect(summary.unsupported).toEqual({});
    expect(summary.compared).toBe(1);
  });
});

describe('designs', () => {
  test('a program that closes what it watches, and uses the number again', async () => {
    await replay(`
      epoll_create1(0) = 3 <0.000002>
      socketpair(AF_UNIX, SOCK_STREAM|SOCK_NONBLOCK, 0, [4, 5]) = 0 <0.000002>
      epoll_ctl(3, EPOLL_CTL_ADD, 4, {events=EPOLLIN, data={u32=4, u64=4}}) = 0 <0.000002>
      close(5) = 0 <0.000002>
      close(4) = 0 <0.000002>
      socketpair(AF_UNIX, SOCK_STREAM|SOCK_NONBLOCK, 0, [4, 5]) = 0 <0.000002>
      epoll_wait(3, [], 8, 0) = 0 <0.000002>
      epoll_ctl(3, EPOLL_CTL_ADD, 4, {events=EPOLLIN, data={u32=4, u64=4}}) = 0 <0.000002>
      epoll_wait(3, [], 8, 10) = 0 <0.010002>`);
  });
});
