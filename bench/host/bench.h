/*
 * What the rooms of the host benchmark share. Every benchmark makes real system calls through syscall(), times its own
 * loop and answers the whole loop's nanoseconds; setting up and tearing down stay outside the time. A benchmark that
 * cannot run here answers a negative errno and leaves no descriptor open, so that the next line finds a clean process.
 */
#ifndef SMPLAB_BENCH_H
#define SMPLAB_BENCH_H

#define _GNU_SOURCE
#include <errno.h>
#include <stdint.h>
#include <sys/syscall.h>
#include <unistd.h>

struct parameters {
  long bytes; /* moved by one write, and by one read */
  long fds;   /* watched descriptors */
  long ready; /* how many of them are readable */
  long op;    /* epoll_ctl: 1 add, 2 del, 3 mod, the numbers of the system call itself; 0 add, mod and del */
  long edge;  /* epoll_wait: 1 watches with EPOLLET, and writes to what is ready before each wait */
  long spin;  /* ping-pong: 0 sleeps in blocking reads, 1 polls with O_NONBLOCK */
};

typedef int64_t (*benchmark)(long iterations, const struct parameters *parameters);

struct benchmark_entry {
  const char *name;
  benchmark run;
  int uses_crowd; /* before any other a crowd that is left from an earlier line leaves */
};

/* Each room ends its table with a null name. */
extern const struct benchmark_entry identity_benchmarks[];
extern const struct benchmark_entry transfer_benchmarks[];
extern const struct benchmark_entry readiness_benchmarks[];
extern const struct benchmark_entry scheduling_benchmarks[];

int64_t monotonic_ns(void);

/* The n-th CPU this process may run on, or -1. */
int allowed_cpu(int n);

/* Moves the calling thread to that CPU; 0 or a negative errno. */
int pin_to(int cpu);

/*
 * Eventfds that an epoll instance watches, however many. The last crowd stays together for the next line that asks for the
 * same: a hundred thousand take longer to gather than a sample to take.
 */
struct crowd {
  long size;
  long ready; /* so many hold a count: the last of `fds` */
  uint32_t events;
  int epoll;
  int *fds;       /* those that are open in this process, the last of the crowd */
  long count;     /* how many those are */
  int keepers;    /* children that keep the others open */
  int release[2]; /* a pipe: they end when its writing end is closed */
};

/* The answer is 0, or a negative errno and there is no crowd. */
long crowd_gather(long size, long ready, uint32_t events);
extern struct crowd crowd;
void crowd_leave(void);

/* The calls as the architecture has them: arm64 knows only the newer forms. */
static inline long make_pipe(int fds[2], int flags) { return syscall(SYS_pipe2, fds, flags); }
static inline long make_eventfd(unsigned initial, int flags) { return syscall(SYS_eventfd2, initial, flags); }

#endif
