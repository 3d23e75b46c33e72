/*
 * As many watched eventfds as wanted. A process may have no more descriptors open than RLIMIT_NOFILE says, but an epoll
 * instance watches files, and a file lives as long as any process has it open: so what is too many for this process is
 * handed to a child that keeps it open and sleeps, and closed here. To the instance that makes no difference.
 */
#include "bench.h"

#include <stdlib.h>
#include <sys/epoll.h>
#include <sys/eventfd.h>
#include <sys/resource.h>
#include <sys/wait.h>

/* What else this process has open, with room to spare for the benchmark's own descriptors. */
#define OTHERS 256
/* Where there is no limit. */
#define MOST (1L << 20)

struct crowd crowd = {.epoll = -1, .release = {-1, -1}};

static long room(void) {
  struct rlimit files;
  if (getrlimit(RLIMIT_NOFILE, &files) != 0 || files.rlim_cur <= 2 * OTHERS) return OTHERS;
  return (files.rlim_cur < MOST ? (long)files.rlim_cur : MOST) - OTHERS;
}

/* A child keeps what is open here open until the crowd leaves. */
static long hand_over(void) {
  pid_t child = fork();
  if (child < 0) return -errno;
  if (child == 0) {
    char nothing;
    close(crowd.release[1]);
    close(crowd.epoll);
    while (read(crowd.release[0], &nothing, 1) < 0 && errno == EINTR) continue;
    _exit(0);
  }
  crowd.keepers++;
  for (long i = 0; i < crowd.count; i++) close(crowd.fds[i]);
  crowd.count = 0;
  return 0;
}

static long watch_one(int initial) {
  int fd = (int)make_eventfd((unsigned)initial, EFD_NONBLOCK);
  if (fd < 0) return -errno;
  crowd.fds[crowd.count++] = fd;
  struct epoll_event event = {.events = crowd.events, .data = {.fd = fd}};
  return syscall(SYS_epoll_ctl, crowd.epoll, EPOLL_CTL_ADD, fd, &event) < 0 ? -errno : 0;
}

static long open_empty(long most) {
  crowd.fds = calloc((size_t)most, sizeof(int));
  if (crowd.fds == NULL) return -ENOMEM;
  if (make_pipe(crowd.release, 0) < 0) return -errno;
  crowd.epoll = (int)syscall(SYS_epoll_create1, 0);
  return crowd.epoll < 0 ? -errno : 0;
}

long crowd_gather(long size, long ready, uint32_t events) {
  if (crowd.epoll >= 0 && crowd.size == size && crowd.ready == ready && crowd.events == events) return 0;
  crowd_leave();
  crowd.size = size;
  crowd.ready = ready;
  crowd.events = events;
  long most = room();
  long failure = open_empty(most);
  for (long i = 0; i < size && failure == 0; i++) {
    if (crowd.count == most) failure = hand_over();
    if (failure == 0) failure = watch_one(i >= size - ready);
  }
  if (failure != 0) crowd_leave();
  return failure;
}

void crowd_leave(void) {
  for (long i = 0; i < crowd.count; i++) close(crowd.fds[i]);
  for (int end = 1; end >= 0; end--)
    if (crowd.release[end] >= 0) close(crowd.release[end]);
  for (; crowd.keepers > 0; crowd.keepers--) wait(NULL);
  if (crowd.epoll >= 0) close(crowd.epoll);
  free(crowd.fds);
  crowd = (struct crowd){.epoll = -1, .release = {-1, -1}};
}
