// How the tests run: each file in a process of its own, two at a time, for the machines under test bring their threads.
import { defineConfig } from 'vitest/config';

// .ci/run counts the tests from a file; everyone else reads the terminal.
const report = process.env['SMPLAB_TEST_REPORT'];

export default defineConfig({
  test: {
    include: ['test/**/*.test.ts'],
    reporters: report ? ['default', ['json', { outputFile: report }]] : ['default'],
    pool: 'forks',
    maxWorkers: 2,
    testTimeout: 30_000,
    hookTimeout: 30_000,
    teardownTimeout: 10_000,
    coverage: {
      provider: 'v8',
      reportOnFailure: true,
      include: ['src/**/*.ts'],
      reporter: ['json'],
      reportsDirectory: 'coverage/in-process',
    },
  },
});
