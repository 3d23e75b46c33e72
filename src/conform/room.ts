// The room that a machine has for the process of a case, whoever runs it: run.ts and stepped/runner.ts.

/** Each thread takes of it what its largest step needs for its buffers. */
export const CASE_USER_BYTES = 4 * 1024 * 1024;
export const CASE_PROCESSES = 8;
