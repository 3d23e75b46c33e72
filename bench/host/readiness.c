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

/* With `written`, that many descriptors are written to before each wait: what is ready tells once. */
static int64_t collect_repeatedly(int epoll, long iterations, long expected, const int *written, long count) {
  struct epoll_event events[64];
  const uint64_t one = 1;
  int64_t start = monotonic_ns();
  for (long i = 0; i < iterations; i++) {
    for (long k = 0; k < count; k++)
      if (syscall(SYS_write, written[k], &one, sizeof one) != sizeof one) return -EIO;
    if (collect(epoll, events, 64) != expected) return -EIO;
  }
  return monotonic_ns() - start;
}

static int64_t run_epoll_wait(long iterations, const struct parameters *parameters) {
  struct epoll_event events[64];
  long count = parameters->fds, ready = parameters->ready;
  int edge = parameters->edge != 0;
  if (count < 1 || ready < 0 || ready > count || ready > 64) return -EINVAL;
  long failure = crowd_gather(count, ready, edge ? EPOLLIN | EPOLLET : EPOLLIN);
  if (failure < 0) return failure;
  /* What an edge has told of the crowd's own making is not the loop's. */
  if (edge) collect(crowd.epoll, events, 64);
  const int *written = crowd.fds + crowd.count - ready;
  return collect_repeatedly(crowd.epoll, iterations, ready, written, edge ? ready : 0);
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

static long control_all(int epoll, long op, const int *fds, long count) {
  long failures = 0;
  for (long i = 0; i < count; i++) failures += control(epoll, op, fds[i]) < 0;
  return failures;
}

/*
 * One operation is one epoll_ctl, or an add, a mod and a del. What must be undone before the next add (or redone before the
 * next del) happens outside the time; the two clock reads are shared by 64 operations.
 */
static int64_t control_repeatedly(int epoll, long op, const int *fds, long iterations) {
  int64_t total = 0;
  if (op == EPOLL_CTL_DEL || op == EPOLL_CTL_MOD) control_all(epoll, EPOLL_CTL_ADD, fds, CONTROLLED_FDS);
  for (long done = 0; done < iterations; done += CONTROLLED_FDS) {
    long batch = iterations - done < CONTROLLED_FDS ? iterations - done : CONTROLLED_FDS;
    long failures = 0;
    int64_t start = monotonic_ns();
    if (op != 0) {
      failures = control_all(epoll, op, fds, batch);
    } else {
      failures = control_all(epoll, EPOLL_CTL_ADD, fds, batch);
      failures += control_all(epoll, EPOLL_CTL_MOD, fds, batch);
      failures += control_all(epoll, EPOLL_CTL_DEL, fds, batch);
    }
    total += monotonic_ns() - start;
    if (failures > 0) return -EIO;
    if (op == EPOLL_CTL_ADD) control_all(epoll, EPOLL_CTL_DEL, fds, batch);
    if (op == EPOLL_CTL_DEL) control_all(epoll, EPOLL_CTL_ADD, fds, batch);
  }
  return total;
}

/* `fds`: so many are watched at most, those that are controlled among them. */
static int64_t run_epoll_ctl(long iterations, const struct parameters *parameters) {
  int fds[CONTROLLED_FDS];
  long op = parameters->op;
  if (op != 0 && op != EPOLL_CTL_ADD && op != EPOLL_CTL_DEL && op != EPOLL_CTL_MOD) return -EINVAL;
  long beside = parameters->fds > CONTROLLED_FDS ? parameters->fds - CONTROLLED_FDS : 0;
  int64_t total = crowd_gather(beside, 0, EPOLLIN);
  if (total == 0) total = open_eventfds(fds, CONTROLLED_FDS, 0);
  if (total < 0) return total;
  total = control_repeatedly(crowd.epoll, op, fds, iterations);
  close_all(fds, CONTROLLED_FDS);
  return total;
}

const struct benchmark_entry readiness_benchmarks[] = {
    {"epoll_wait", run_epoll_wait, 1}, {"poll", run_poll}, {"epoll_ctl", run_epoll_ctl, 1}, {NULL, NULL}};
