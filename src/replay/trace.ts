// The parser's public face: what the replay, the command line and the library's users import.

export { decodeTrace, readTrace } from './read-trace.ts';
export { type ParseOptions, parseStrace } from './parse.ts';
export { callsInOrder, eventsInOrder, type TraceEvent } from './order.ts';
export * from './meaning.ts';
export * from './meaning-process.ts';
export * from './record.ts';
export * from './value.ts';
export { printCall, printField, printValue } from './value-print.ts';
