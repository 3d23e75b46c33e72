/*
 * The host side of `smplab bench --compare-host`: one process that waits for a line and takes one sample per line, so that
 * the caller can alternate samples of the host with samples of its own machine.
 *
 *   in    NAME <tab> ITERATIONS [<tab> KEY=NUMBER]...     names hold spaces, so tabs separate
 *   out   TOTAL_NS                                        the whole loop
 *   out   error TEXT                                      this sample could not be taken; the process stays
 *
 * It sleeps between lines and ends when its input does.
 */
#include "bench.h"

#include <sched.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <time.h>

static cpu_set_t allowed;

int64_t monotonic_ns(void) {
  struct timespec now;
  clock_gettime(CLOCK_MONOTONIC, &now);
  return (int64_t)now.tv_sec * 1000000000 + now.tv_nsec;
}

int allowed_cpu(int n) {
  for (int cpu = 0; cpu < CPU_SETSIZE; cpu++)
    if (CPU_ISSET(cpu, &allowed) && n-- == 0) return cpu;
  return -1;
}

int pin_to(int cpu) {
  cpu_set_t only;
  CPU_ZERO(&only);
  CPU_SET(cpu, &only);
  return sched_setaffinity(0, sizeof only, &only) == 0 ? 0 : -errno;
}

static const struct benchmark_entry *find(const char *name) {
  const struct benchmark_entry *const tables[] = {identity_benchmarks, transfer_benchmarks, readiness_benchmarks,
                                                  scheduling_benchmarks};
  for (size_t table = 0; table < sizeof tables / sizeof *tables; table++)
    for (const struct benchmark_entry *entry = tables[table]; entry->name != NULL; entry++)
      if (strcmp(entry->name, name) == 0) return entry;
  return NULL;
}

static int read_parameter(struct parameters *parameters, const char *field) {
  const struct {
    const char *key;
    long *value;
  } known[] = {{"bytes=", &parameters->bytes},
               {"fds=", &parameters->fds},
               {"ready=", &parameters->ready},
               {"op=", &parameters->op},
               {"edge=", &parameters->edge},
               {"spin=", &parameters->spin}};
  for (size_t i = 0; i < sizeof known / sizeof *known; i++) {
    size_t length = strlen(known[i].key);
    if (strncmp(field, known[i].key, length) == 0) {
      char *end;
      *known[i].value = strtol(field + length, &end, 10);
      return *end == '\0' && end != field + length ? 0 : -1;
    }
  }
  return -1;
}

static void answer(char *line) {
  struct parameters parameters = {.bytes = 1, .fds = 1, .ready = 1, .op = 3, .edge = 0, .spin = 0};
  char *rest = line;
  const char *name = strsep(&rest, "\t");
  const char *count = strsep(&rest, "\t");
  const char *field;
  const struct benchmark_entry *entry = find(name);
  long iterations = count != NULL ? strtol(count, NULL, 10) : 0;
  if (entry == NULL || iterations < 1) {
    printf("error no such benchmark or no iterations: %s\n", name);
    return;
  }
  while ((field = strsep(&rest, "\t")) != NULL) {
    if (read_parameter(&parameters, field) < 0) {
      printf("error unknown parameter %s\n", field);
      return;
    }
  }
  if (entry->uses_crowd == 0) crowd_leave();
  int64_t total = entry->run(iterations, &parameters);
  if (total < 0)
    printf("error %s: %s\n", name, strerror((int)-total));
  else
    printf("%lld\n", (long long)total);
}

int main(void) {
  struct rlimit files;
  char *line = NULL;
  size_t capacity = 0;
  ssize_t length;

  sched_getaffinity(0, sizeof allowed, &allowed);
  /* poll of 10,000 descriptors needs more than the usual soft limit of 1,024. */
  if (getrlimit(RLIMIT_NOFILE, &files) == 0) {
    files.rlim_cur = files.rlim_max;
    setrlimit(RLIMIT_NOFILE, &files);
  }
  while ((length = getline(&line, &capacity, stdin)) > 0) {
    if (line[length - 1] == '\n') line[length - 1] = '\0';
    answer(line);
    fflush(stdout);
  }
  free(line);
  return 0;
}
