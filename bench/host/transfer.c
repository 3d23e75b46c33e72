/*
 * One thread that writes into an object and reads the same data back: no sleep, no other thread. One operation is one
 * write and one read.
 */
#include "bench.h"

#include <stdlib.h>

static int64_t write_and_read(int writer, int reader, char *buffer, size_t bytes, long iterations) {
  int64_t start = monotonic_ns();
  for (long i = 0; i < iterations; i++) {
    if (syscall(SYS_write, writer, buffer, bytes) != (long)bytes) return -EIO;
    if (syscall(SYS_read, reader, buffer, bytes) != (long)bytes) return -EIO;
  }
  return monotonic_ns() - start;
}

static int64_t run_eventfd(long iterations, const struct parameters *parameters) {
  (void)parameters;
  uint64_t value = 1;
  int fd = (int)make_eventfd(0, 0);
  if (fd < 0) return -errno;
  int64_t total = write_and_read(fd, fd, (char *)&value, sizeof value, iterations);
  close(fd);
  return total;
}

static int64_t run_pipe(long iterations, const struct parameters *parameters) {
  int ends[2];
  /* A pipe holds 64 KiB: a larger write would sleep with nobody left to read. */
  if (parameters->bytes < 1 || parameters->bytes > 65536) return -EINVAL;
  size_t bytes = (size_t)parameters->bytes;
  char *buffer = calloc(1, bytes);
  if (buffer == NULL) return -ENOMEM;
  if (make_pipe(ends, 0) < 0) {
    int64_t failure = -errno;
    free(buffer);
    return failure;
  }
  int64_t total = write_and_read(ends[1], ends[0], buffer, bytes, iterations);
  close(ends[0]);
  close(ends[1]);
  free(buffer);
  return total;
}

const struct benchmark_entry transfer_benchmarks[] = {
    {"eventfd write+read", run_eventfd}, {"pipe write+read", run_pipe}, {NULL, NULL}};
