/*
 * What crosses a scheduler: yielding, a signal to oneself, and two threads on two CPUs that hand one message back and
 * forth. One ping-pong operation is one round trip: two writes and two reads. Both threads are pinned, or the kernel
 * would put them on one CPU and measure something else.
 */
#include "bench.h"

#include <fcntl.h>
#include <pthread.h>
#include <signal.h>
#include <stddef.h>

/* Enough round trips for both CPUs to leave their idle states before the clock starts. */
#define WARMUP_ROUNDS 100

static int64_t run_sched_yield(long iterations, const struct parameters *parameters) {
  (void)parameters;
  int64_t start = monotonic_ns();
  for (long i = 0; i < iterations; i++) syscall(SYS_sched_yield);
  return monotonic_ns() - start;
}

static volatile sig_atomic_t delivered;

static void count_delivery(int signal) {
  (void)signal;
  delivered++;
}

static int64_t run_signal_delivery(long iterations, const struct parameters *parameters) {
  (void)parameters;
  struct sigaction action = {.sa_handler = count_delivery}, previous;
  if (sigaction(SIGUSR1, &action, &previous) < 0) return -errno;
  long process = syscall(SYS_getpid), thread = syscall(SYS_gettid);
  delivered = 0;
  int64_t start = monotonic_ns();
  for (long i = 0; i < iterations; i++) syscall(SYS_tgkill, process, thread, SIGUSR1);
  int64_t total = monotonic_ns() - start;
  sigaction(SIGUSR1, &previous, NULL);
  return delivered == (sig_atomic_t)iterations ? total : -EIO;
}

struct side {
  int in, out;
  long rounds;
  size_t bytes;
  int cpu;
  int starts;
  int64_t total_ns;
};

/* Both kinds in one line: a blocking read sleeps here, an O_NONBLOCK one answers EAGAIN and asks again at once. */
static int receive(int fd, void *message, size_t bytes) {
  for (;;) {
    long got = syscall(SYS_read, fd, message, bytes);
    if (got == (long)bytes) return 0;
    if (got < 0 && errno != EAGAIN && errno != EINTR) return -errno;
    if (got >= 0) return -EIO;
  }
}

static int exchange(const struct side *side, long rounds) {
  uint64_t message = 1;
  for (long i = 0; i < rounds; i++) {
    int failure;
    if (side->starts && syscall(SYS_write, side->out, &message, side->bytes) < 0) return -errno;
    if ((failure = receive(side->in, &message, side->bytes)) < 0) return failure;
    if (!side->starts && syscall(SYS_write, side->out, &message, side->bytes) < 0) return -errno;
  }
  return 0;
}

static void *play(void *argument) {
  struct side *side = argument;
  pin_to(side->cpu);
  int failure = exchange(side, WARMUP_ROUNDS);
  int64_t start = monotonic_ns();
  if (failure == 0) failure = exchange(side, side->rounds);
  side->total_ns = failure == 0 ? monotonic_ns() - start : failure;
  return NULL;
}

/* Both sides run on threads of their own: pinning the main thread would also pin every later benchmark. */
static int64_t play_both(int first_in, int first_out, int second_in, int second_out, size_t bytes, long rounds) {
  pthread_t threads[2];
  int first_cpu = allowed_cpu(0), second_cpu = allowed_cpu(1);
  if (second_cpu < 0) return -ENODEV;
  struct side first = {first_in, first_out, rounds, bytes, first_cpu, 1, 0};
  struct side second = {second_in, second_out, rounds, bytes, second_cpu, 0, 0};
  int failure = pthread_create(&threads[0], NULL, play, &second);
  if (failure != 0) return -failure;
  failure = pthread_create(&threads[1], NULL, play, &first);
  if (failure != 0) {
    pthread_cancel(threads[0]);
    pthread_join(threads[0], NULL);
    return -failure;
  }
  pthread_join(threads[0], NULL);
  pthread_join(threads[1], NULL);
  return second.total_ns < 0 ? second.total_ns : first.total_ns;
}

static int64_t run_pipe_pingpong(long iterations, const struct parameters *parameters) {
  int there[2], back[2];
  int flags = parameters->spin ? O_NONBLOCK : 0;
  if (make_pipe(there, flags) < 0) return -errno;
  if (make_pipe(back, flags) < 0) {
    int64_t failure = -errno;
    close(there[0]);
    close(there[1]);
    return failure;
  }
  int64_t total = play_both(back[0], there[1], there[0], back[1], 1, iterations);
  close(there[0]);
  close(there[1]);
  close(back[0]);
  close(back[1]);
  return total;
}

static int64_t run_eventfd_pingpong(long iterations, const struct parameters *parameters) {
  int flags = parameters->spin ? O_NONBLOCK : 0;
  int there = (int)make_eventfd(0, flags);
  if (there < 0) return -errno;
  int back = (int)make_eventfd(0, flags);
  if (back < 0) {
    int64_t failure = -errno;
    close(there);
    return failure;
  }
  int64_t total = play_both(back, there, there, back, sizeof(uint64_t), iterations);
  close(there);
  close(back);
  return total;
}

const struct benchmark_entry scheduling_benchmarks[] = {{"sched_yield", run_sched_yield},
                                                        {"signal_delivery", run_signal_delivery},
                                                        {"pipe_pingpong", run_pipe_pingpong},
                                                        {"eventfd_pingpong", run_eventfd_pingpong},
                                                        {NULL, NULL}};
