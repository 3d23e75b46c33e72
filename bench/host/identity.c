/*
 * The system calls that only read who is calling: the price of the trap itself.
 */
#include "bench.h"

#include <stddef.h>

static int64_t repeat_call(long number, long iterations) {
  int64_t start = monotonic_ns();
  for (long i = 0; i < iterations; i++) syscall(number);
  return monotonic_ns() - start;
}

static int64_t run_getpid(long iterations, const struct parameters *parameters) {
  (void)parameters;
  return repeat_call(SYS_getpid, iterations);
}

static int64_t run_getppid(long iterations, const struct parameters *parameters) {
  (void)parameters;
  return repeat_call(SYS_getppid, iterations);
}

static int64_t run_gettid(long iterations, const struct parameters *parameters) {
  (void)parameters;
  return repeat_call(SYS_gettid, iterations);
}

const struct benchmark_entry identity_benchmarks[] = {
    {"getpid", run_getpid}, {"getppid", run_getppid}, {"gettid", run_gettid}, {NULL, NULL}};
