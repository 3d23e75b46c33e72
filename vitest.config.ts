// How the tests run: each file in a process of its own, two at a time, for the machines under test bring their threads.
import { fileURLToPath } from 'node:url';
import { defineConfig } from 'vitest/config';
import { steppedPlugin } from './src/stepped/vite-plugin.ts';
import { smplabTesting } from './src/testing/vite.ts';
import { mutations } from './test/explore/mutations.ts';

// .ci/run counts the tests from a file; everyone else reads the terminal.
const report = process.env['SMPLAB_TEST_REPORT'];

// What `?stepped` in an import compiles besides the kernel.
const project = fileURLToPath(new URL('.', import.meta.url));
const roots = ['test/fixtures/toy-kernel'];

export default defineConfig({
  plugins: [steppedPlugin({ project, roots, mutations }), smplabTesting()],
  // The package under its own name, from its source.
  resolve: {
    alias: [{ find: /^smplab\/testing(\/runtime|\/doors)?$/, replacement: `${project}src/testing$1` }],
  },
  test: {
    include: ['test/**/*.test.ts', 'examples/testing/*.test.ts'],
    reporters: report ? ['default', ['json', { outputFile: report }]] : ['default'],
    globalSetup: ['test/test-programs.ts'],
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
