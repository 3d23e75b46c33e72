/**
 * What an event of a trace is, in a few words: for rows, for the page, for whoever prints a trace whole.
 */
import type { RunTrace, TraceEvent } from './trace.ts';

/** What an event is, in a few words. */
export function textOf({ words, locks }: Pick<RunTrace, 'words' | 'locks'>, event: TraceEvent): string {
  const name = words[event.word]?.name ?? '';
  const change = `${event.before} → ${event.after}`;
  if (event.kind === 'lock' || event.kind === 'unlock')
    return `${event.kind === 'lock' ? 'takes' : 'leaves'} ${locks[event.lock]!.name}`;
  if (event.kind === 'spin') return `spins on ${name}, which is ${event.after}`;
  if (event.kind === 'call' || event.kind === 'answer' || event.kind === 'panic' || event.word < 0) return event.text;
  if (event.text.startsWith('wakes')) return event.text.endsWith('sleeps') ? event.text : `${event.text}: ${change}`;
  if (event.text !== '') return event.text;
  if (event.before !== event.after) return `${name} ${change}`;
  if (event.operation === 'compareExchange') return `${name} is ${event.after}: not exchanged`;
  return event.kind === 'read' || /^(load|peek|wait)/.test(event.operation)
    ? `${name} is ${event.after}`
    : `${name} stays ${event.after}`;
}
