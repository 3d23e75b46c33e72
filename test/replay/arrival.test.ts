// How much comes from outside at once, and when: just what the program took before it looked again. All designs, for by
// edge a piece too many is a report too many.

import { describe, expect, test } from 'vitest';
import { DESIGN_NAMES } from '../../src/kernel/epoll/source-ops.ts';
import { replaySmall } from './small-traces.ts';

const SERVER = `
  epoll_create1(0) = 3 <0.000002>
  socket(AF_INET, SOCK_STREAM|SOCK_NONBLOCK, 0) = 4 <0.000002>
  bind(4, {sa_family=AF_INET, sin_port=htons(8088), sin_addr=inet_addr("127.0.0.1")}, 16) = 0 <0.000002>
  listen(4, 16) = 0 <0.000002>
  accept4(4, NULL, NULL, SOCK_NONBLOCK) = 5 <0.000002>`;
const ADD = 'epoll_ctl(3, EPOLL_CTL_ADD, 5, {events=';
const DATA = ', data={u32=5, u64=5}}';

test('what was read short is all that had come, whatever is read after it', async () => {
  await replaySmall(
    `${SERVER}
    ${ADD}EPOLLIN${DATA}) = 0 <0.000002>
    epoll_wait(3, [{events=EPOLLIN${DATA}], 8, -1) = 1 <0.000002>
    recvfrom(5, "first", 100, 0, NULL, NULL) = 5 <0.000002>
    recvfrom(5, "second", 100, 0, NULL, NULL) = 6 <0.000002>`,
    DESIGN_NAMES,
  );
});

test('by edge one report is one arrival, even where another wait lies before the read', async () => {
  await replaySmall(
    `${SERVER}
    ${ADD}EPOLLIN|EPOLLOUT|EPOLLET${DATA}) = 0 <0.000002>
    epoll_wait(3, [{events=EPOLLOUT${DATA}], 8, 0) = 1 <0.000002>
    epoll_wait(3, [{events=EPOLLIN|EPOLLOUT${DATA}], 8, -1) = 1 <0.000002>
    epoll_wait(3, [], 8, 0) = 0 <0.000002>
    read(5, "a message of 20 byte", 100) = 20 <0.000002>
    epoll_wait(3, [], 8, 0) = 0 <0.000002>`,
    DESIGN_NAMES,
  );
});

test('a read takes what was reported and the rest of it at once', async () => {
  await replaySmall(
    `${SERVER}
    ${ADD}EPOLLIN${DATA}) = 0 <0.000002>
    epoll_wait(3, [{events=EPOLLIN${DATA}], 8, -1) = 1 <0.000002>
    epoll_wait(3, [{events=EPOLLIN${DATA}], 8, 0) = 1 <0.000002>
    epoll_ctl(3, EPOLL_CTL_DEL, 5, 0x7ffe) = 0 <0.000002>
    fcntl(5, F_SETFL, O_RDWR) = 0 <0.000002>
    epoll_wait(3, [], 8, 0) = 0 <0.000002>
    read(5, "a message of 20 byte", 100) = 20 <0.005>`,
    DESIGN_NAMES,
  );
});

test('a wait that had no room for all that was ready is not compared', async () => {
  const summary = await replaySmall(
    `${SERVER}
    ${ADD}EPOLLOUT${DATA}) = 0 <0.000002>
    epoll_ctl(3, EPOLL_CTL_ADD, 4, {events=EPOLLIN, data={u32=4, u64=4}}) = 0 <0.000002>
    epoll_wait(3, [{events=EPOLLIN, data={u32=4, u64=4}}], 1, -1) = 1 <0.000002>
    accept4(4, NULL, NULL, SOCK_NONBLOCK) = 6 <0.000002>
    epoll_wait(3, [{events=EPOLLOUT${DATA}], 1, -1) = 1 <0.000002>`,
    DESIGN_NAMES,
  );
  expect(summary.imposed['more was ready than a wait had room for']).toBe(1);
});

test('a connection that is refused after a while is reported as broken', async () => {
  await replaySmall(
    `socket(AF_INET, SOCK_STREAM|SOCK_NONBLOCK, IPPROTO_TCP) = 3 <0.000002>
    connect(3, {sa_family=AF_INET, sin_port=htons(1), sin_addr=inet_addr("127.0.0.1")}, 16) = -1 EINPROGRESS (Operation now in progress) <0.000002>
    poll([{fd=3, events=POLLOUT}], 1, 3500) = 1 ([{fd=3, revents=POLLOUT|POLLERR|POLLHUP}]) <0.000009>
    getsockopt(3, SOL_SOCKET, SO_ERROR, [ECONNREFUSED], [4]) = 0 <0.000002>
    close(3) = 0 <0.000002>`,
    DESIGN_NAMES,
  );
});

describe('between processes', () => {
  test('a message with descriptors keeps its bounds, whatever files they are of', async () => {
    const rights = (length: number, fd: number): string =>
      `{msg_name=NULL, msg_namelen=0, msg_iov=[{iov_base="hi", iov_len=${length}}], msg_iovlen=1, ` +
      `msg_control=[{cmsg_len=20, cmsg_level=SOL_SOCKET, cmsg_type=SCM_RIGHTS, cmsg_data=[${fd}]}], msg_controllen=24, msg_flags=0}`;
    await replaySmall(
      `socketpair(AF_UNIX, SOCK_STREAM, 0, [3, 4]) = 0 <0.000003>
      pipe2([5, 6], 0) = 0 <0.000003>
      sendmsg(3, ${rights(2, 0)}, 0) = 2 <0.000003>
      sendmsg(3, ${rights(2, 6)}, 0) = 2 <0.000003>
      write(3, "more", 4) = 4 <0.000003>
      recvmsg(4, ${rights(64, 7)}, 0) = 2 <0.000003>
      recvmsg(4, ${rights(64, 8)}, 0) = 2 <0.000003>
      read(4, "more", 64) = 4 <0.000003>
      write(8, "through", 7) = 7 <0.000003>
      read(5, "through", 64) = 7 <0.000003>`,
      DESIGN_NAMES,
    );
  });

  test('select says what poll would', async () => {
    const summary = await replaySmall(
      `pipe2([3, 4], 0) = 0 <0.000002>
      pipe2([5, 6], 0) = 0 <0.000002>
      write(6, "x", 1) = 1 <0.000002>
      pselect6(6, [3 5], NULL, NULL, NULL, NULL) = 1 (in [5]) <0.000002>
      pselect6(7, [3 5], [4], [], {tv_sec=0, tv_nsec=500000000}, NULL) = 2 (in [5], out [4], left {tv_sec=0, tv_nsec=494617370}) <0.000002>
      select(4, [3], NULL, NULL, {tv_sec=0, tv_usec=10000}) = 0 (Timeout) <0.010002>`,
      DESIGN_NAMES,
    );
    expect(summary.compared).toBe(6);
  });
});
