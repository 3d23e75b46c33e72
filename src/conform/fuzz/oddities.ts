/**
 * What calls do with arguments that make no sense: numbers of nothing, files of the wrong kind, addresses that fault, flags
 * that nobody knows, sizes that are too small.
 */
import type { Argument, Step } from '../../programs/conform/case.ts';
import type { Random } from '../../programs/torture/random.ts';
import { call, type Files } from './files.ts';

const BAD: Argument = { bad: 1 };
const EVENT: Argument = { event: { events: 'EPOLLIN', data: 1 } };

/** One of them. @param epoll the name of one */
export function oddity(random: Random, files: Files, epoll: string): Step {
  const fd = `$${epoll}`;
  const any = `$${files.any().name}`;
  const nothing = random.pick([-1, 999]);
  const epollOddities = (): Step =>
    random.pick([
      call('epoll_create', random.pick([0, -1])),
      call('epoll_create1', random.pick([1, 2048])),
      call('epoll_wait', fd, { out_events: 1 }, random.pick([0, -1]), 0),
      call('epoll_wait', fd, { out_events: 1 }, 178_956_971, 0),
      call('epoll_wait', any, { out_events: 1 }, 1, 0),
      call('epoll_wait', nothing, { out_events: 1 }, 0, 0),
      call('epoll_wait', fd, BAD, 4, 0),
      call('epoll_wait', fd, { edge_events: random.pick([12, 24, 30]) }, 4, 0),
      call('epoll_pwait', fd, { out_events: 1 }, 1, 0, { sigset: ['SIGUSR1'] }, random.pick([4, 16])),
      call('epoll_pwait', fd, { out_events: 1 }, 1, 0, BAD, 8),
      call(
        'epoll_pwait2',
        fd,
        { out_events: 1 },
        1,
        {
          timespec: random.pick([
            [0, -1],
            [-1, 0],
            [0, 1_000_000_000],
          ]),
        },
        null,
        8,
      ),
      call('epoll_pwait2', fd, { out_events: 1 }, 1, BAD, null, 8),
      call('epoll_ctl', any, 'EPOLL_CTL_ADD', fd, EVENT),
      call('epoll_ctl', fd, 'EPOLL_CTL_ADD', fd, EVENT),
      call('epoll_ctl', fd, 'EPOLL_CTL_ADD', nothing, EVENT),
      call('epoll_ctl', nothing, 'EPOLL_CTL_ADD', any, EVENT),
      call('epoll_ctl', fd, random.pick(['EPOLL_CTL_ADD', 'EPOLL_CTL_MOD', 'EPOLL_CTL_DEL']), any, BAD),
      call('epoll_ctl', fd, random.pick([0, 4]), any, EVENT),
    ]);
  const createOddities = (): Step =>
    random.pick([
      call('eventfd2', 0, 4),
      call('pipe2', BAD, 'O_NONBLOCK'),
      call('pipe2', { scratch: 8 }, 'O_APPEND'),
      call('socketpair', random.pick([99, 'AF_UNIX']), random.pick([9, 'SOCK_STREAM']), 7, { scratch: 8 }),
      call('socketpair', 'AF_UNIX', 'SOCK_STREAM', 0, BAD),
      call('timerfd_create', random.pick([2, 99]), 0),
      call('timerfd_create', 'CLOCK_MONOTONIC', 1),
      call('signalfd4', -1, { sigset: ['SIGUSR1'] }, random.pick([4, 16]), 0),
      call('signalfd4', -1, BAD, 8, 0),
      call('signalfd4', any, { sigset: ['SIGUSR2'] }, 8, 0),
      call('signalfd4', nothing, { sigset: ['SIGUSR2'] }, 8, 0),
      call('dup', nothing),
      call('dup2', nothing, 20),
      call('dup2', any, any),
      call('dup3', any, any, 0),
      call('dup3', any, 21, 'O_NONBLOCK'),
      call('fcntl', nothing, 'F_GETFL', 0),
      call('fcntl', any, 'F_DUPFD', -1),
      call('close', nothing),
    ]);
  const transferOddities = (): Step =>
    random.pick([
      call('read', any, { scratch: 8 }, random.pick([0, 4, 7])),
      call('read', nothing, { scratch: 8 }, 8),
      call('write', any, { u64: '1' }, random.pick([0, 4, 7])),
      call('write', any, BAD, 8),
      call('write', nothing, { u64: '1' }, 8),
      call('pread64', any, { scratch: 8 }, 8, 0),
      call('lseek', any, 0, 'SEEK_CUR'),
      call('recvfrom', any, { scratch: 8 }, 8, 'MSG_DONTWAIT', null, null),
      call('sendto', any, { fill: 8 }, 8, 'MSG_DONTWAIT', null, 0),
      call('shutdown', any, random.pick(['SHUT_WR', 3])),
      call('listen', any, 1),
      call('connect', any, { unix_name: 'nobody' }, 24),
      call('timerfd_settime', any, 0, { itimerspec: [0, 0, 3600, 0] }, null),
      call(
        'timerfd_settime',
        any,
        random.pick([0, 4]),
        {
          itimerspec: random.pick([
            [0, -1, 1, 0],
            [0, 0, -1, 0],
            [0, 0, 0, 1_000_000_000],
          ]),
        },
        null,
      ),
      call('timerfd_settime', any, 0, BAD, null),
      call('timerfd_gettime', any, { out_itimerspec: 1 }),
      call('poll', BAD, 1, 0),
      call('poll', null, 0, 0),
      call('ppoll', { pollfds: [[any, 'POLLIN']] }, 1, { timespec: [0, -5] }, null, 8),
      call('ppoll', { pollfds: [[any, 'POLLIN']] }, 1, { timespec: [0, 0] }, { sigset: [] }, 4),
      call('select', -1, null, null, null, { timespec: [0, 0] }),
      call('select', 8, BAD, null, null, { timespec: [0, 0] }),
      call('select', 8, { fdset: [any] }, null, null, { timespec: [0, -1] }),
      call('kill', 'PID', random.pick([0, 65, -1])),
      call('rt_sigprocmask', 7, { sigset: ['SIGUSR1'] }, null, 8),
      call('rt_sigprocmask', 'SIG_BLOCK', BAD, null, 8),
      call('rt_sigpending', { out_sigset: 1 }, 16),
    ]);
  return random.pick([epollOddities, epollOddities, createOddities, transferOddities])();
}
