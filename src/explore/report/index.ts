/**
 * The report of a failing schedule: recorded once, then shown as columns of text or as a page.
 */
export { recordRun, recordScenario } from './record.ts';
export type { RecordOptions, RecordScenarioOptions, TellOptions } from './record.ts';
export { locateBy } from './places.ts';
export type { Locate } from './places.ts';
export type { About, Finding, RunTrace, TraceEvent } from './trace.ts';
export { columnReport } from './columns.ts';
export type { ColumnOptions } from './columns.ts';
export { htmlReport } from './page.ts';
