/*
 * Asking which descriptors are ready, never waiting: epoll_wait and poll with timeout 0, and the price of changing what
 * an epoll instance watches. Every watched descriptor is an eventfd; `ready` of them hold a count.
 */
#include "bench.h"

#include <poll.h>
#include <stdlib.h>
#include <sys/epoll.h>
#include <sys/eventfd.h>
#include <time.h>

/* As many interests as `perf bench epoll ctl` gives a thread. */
#define CONTROLLED_FDS 64

static void close_all(const int *fds, long count) {
  for (long i = 0; i < count; i++) close(fds[i]);
}

/* Opens `count` eventfds, the first `ready` of them readable. The answer is 0 or a negative errno with all closed. */
static long open_eventfds(int *fds, long count, long ready) {
  for (long i = 0; i < count; i++) {
    fds[i] = (int)make_eventfd(i < ready ? 1 : 0, EFD_NONBLOCK);
    if (fds[i] < 0) {
      long failure = -errno;
      close_all(fds, i);
      return failure;
    }
  }
  return 0;
}

static long control(int epoll, long op, int fd) {
  struct epoll_event event = {.events = EPOLLIN, .data = {.fd = fd}};
  return syscall(SYS_epoll_ctl, epoll, op, fd, &event);
}

static long collect(int epoll, struct epoll_event *events, int capacity) {
#ifdef SYS_epoll_wait
  return syscall(SYS_epoll_wait, epoll, events, capacity, 0);
#else
  return syscall(SYS_epoll_pwait, epoll, events, capacity, 0, NULL, 8);
#endif
}

static int64_t collect_repeatedly(int epoll, long iterations, long expected) {
  struct epoll_event events[64];
  int64_t start = monotonic_ns();
  for (long i = 0; i < iterations; i++)
    if (collect(epoll, events, 64) != expected) return -EIO;
  return monotonic_ns() - start;
}

static int64_t run_epoll_wait(long iterations, const struct parameters *parameters) {
  long count = parameters->fds;
  if (count < 1 || parameters->ready < 0 || parameters->ready > count || parameters->ready > 64) return -EINVAL;
  int *fds = calloc((size_t)count, sizeof *fds);
  if (fds == NULL) return -ENOMEM;
  int64_t total = open_eventfds(fds, count, parameters->ready);
  if (total == 0) {
    int epoll = (int)syscall(SYS_epoll_create1, 0);
    if (epoll < 0) {
      total = -errno;
    } else {
      for (long i = 0; i < count && total == 0; i++)
        if (control(epoll, EPOLL_CTL_ADD, fds[i]) < 0) total = -errno;
      if (total == 0) total = collect_repeatedly(epoll, iterations, parameters->ready);
      close(epoll);
    }
    close_all(fds, count);
  }
  free(fds);
  return total;
}

static int64_t poll_repeatedly(struct pollfd *polled, long count, long iterations, long expected) {
#ifndef SYS_poll
  const struct timespec now = {0, 0};
#endif
  int64_t start = monotonic_ns();
  for (long i = 0; i < iterations; i++) {
#ifdef SYS_poll
    long answer = syscall(SYS_poll, polled, count, 0);
#else
    long answer = syscall(SYS_ppoll, polled, count, &now, NULL, 8);
#endif
    if (answer != expected) return -EIO;
  }
  return monotonic_ns() - start;
}

static int64_t run_poll(long iterations, const struct parameters *parameters) {
  long count = parameters->fds;
  if (count < 1 || parameters->ready < 0 || parameters->ready > count) return -EINVAL;
  int *fds = calloc((size_t)count, sizeof *fds);
  struct pollfd *polled = calloc((size_t)count, sizeof *polled);
  int64_t total = fds == NULL || polled == NULL ? -ENOMEM : open_eventfds(fds, count, parameters->ready);
  if (total == 0) {
    for (long i = 0; i < count; i++) polled[i] = (struct pollfd){.fd = fds[i], .events = POLLIN};
    total = poll_repeatedly(polled, count, iterations, parameters->ready);
    close_all(fds, count);
  }
  free(polled);
  free(fds);
  return total;
}

/*
 * One operation is one epoll_ctl. What must be undone before the next add (or redone before the next del) happens outside
 * the time; the two clock reads are shared by 64 operations.
 */
static int64_t run_epoll_ctl_beside(int watched, const int *others, long iterations, const struct parameters *parameters) {
  int fds[CONTROLLED_FDS];
  long op = parameters->op;
  if (op != EPOLL_CTL_ADD && op != EPOLL_CTL_DEL && op != EPOLL_CTL_MOD) return -EINVAL;
  int64_t total = open_eventfds(fds, CONTROLLED_FDS, 0);
  if (total < 0) return total;
  int epoll = (int)syscall(SYS_epoll_create1, 0);
  if (epoll < 0) {
    total = -errno;
    close_all(fds, CONTROLLED_FDS);
    return total;
  }
  for (int i = 0; i < watched; i++) control(epoll, EPOLL_CTL_ADD, others[i]);
  if (op != EPOLL_CTL_ADD)
    for (int i = 0; i < CONTROLLED_FDS; i++) control(epoll, EPOLL_CTL_ADD, fds[i]);
  for (long done = 0; done < iterations && total >= 0;) {
    long batch = iterations - done < CONTROLLED_FDS ? iterations - done : CONTROLLED_FDS;
    long failures = 0;
    int64_t start = monotonic_ns();
    for (long i = 0; i < batch; i++) failures += control(epoll, op, fds[i]) < 0;
    total += monotonic_ns() - start;
    if (failures > 0) total = -EIO;
    if (op != EPOLL_CTL_MOD)
      for (long i = 0; i < batch; i++) control(epoll, op == EPOLL_CTL_ADD ? EPOLL_CTL_DEL : EPOLL_CTL_ADD, fds[i]);
    done += batch;
  }
  close(epoll);
  close_all(fds, CONTROLLED_FDS);
  return total;
}

/* `fds`: so many are watched beside those that are controlled. */
static int64_t run_epoll_ctl(long iterations, const struct parameters *parameters) {
  int count = (int)parameters->fds;
  int *others = calloc((size_t)count + 1, sizeof *others);
  if (others == NULL) return -ENOMEM;
  int64_t total = open_eventfds(others, count, 0);
  if (total == 0) {
    total = run_epoll_ctl_beside(count, others, iterations, parameters);
    close_all(others, count);
  }
  free(others);
  return total;
}

const struct benchmark_entry readiness_benchmarks[] = {
    {"epoll_wait", run_epoll_wait}, {"poll", run_poll}, {"epoll_ctl", run_epoll_ctl}, {NULL, NULL}};
