// What a plan depends on besides its trace.

export interface PlanOptions {
  /** Names of the calls that the machine's kernel answers. */
  readonly implemented: Iterable<string>;
  /** Of the machine. */
  readonly cpus: number;
}
