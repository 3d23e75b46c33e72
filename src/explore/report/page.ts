/**
 * A trace as one HTML file that needs nothing else: columns of CPUs to step through, the machine's state at the chosen step,
 * and the source that stands behind it. Style and script are in rooms of their own; here they are filled with the trace.
 */
import { textOf } from './describe.ts';
import { PAGE_SCRIPT } from './page-script.ts';
import { PAGE_STATE_SCRIPT } from './page-state.ts';
import { PAGE_STYLE } from './page-style.ts';
import { rowsOf } from './rows.ts';
import { frameOf } from './trace.ts';
import type { RunTrace } from './trace.ts';

/** Of an event: all that the page looks at, by position, since there may be thousands. */
type PageEvent = readonly [
  step: number,
  cpu: number,
  task: number,
  kind: string,
  word: number,
  before: string,
  after: string,
  operation: string,
  place: number,
  text: string,
  set: RunTrace['events'][number]['set'],
];

/** An event beside which a row stands: index, kind of row, depth, lock class, text, explained. -1: a fold. */
type PageRow = readonly [event: number, kind: string, depth: number, under: string, text: string, named: 0 | 1];

/** Words that are shown in panels of their own. */
const OWN_PANEL: ReadonlySet<string> = new Set([
  'Task.state',
  'Machine.verdict',
  'CpuCore.doorbell',
  'CpuCore.pending',
]);

export function htmlReport(trace: RunTrace): string {
  const rows = rowsOf(trace);
  const met = new Set(rows.filter(({ event }) => event >= 0).map(({ event }) => trace.events[event]!.word));
  const events = trace.events.map((event): PageEvent => {
    const { step, cpu, task, kind, word, before, after, operation, place, set } = event;
    return [step, cpu, task, kind, word, before, after, operation, place, textOf(trace, event), set];
  });
  const data = {
    about: trace.about,
    finding: trace.finding,
    because: trace.because,
    cpus: trace.cpus,
    steps: trace.steps,
    switches: trace.switches,
    dropped: trace.dropped,
    frames: trace.frames.map(({ file, line, function: name }) => [file, line, name]),
    places: trace.places,
    /** the frame of each place that is shown first */
    shown: trace.places.map((frames, place) => {
      const frame = frameOf(trace, place);
      return frame === undefined ? 0 : Math.max(0, frames.indexOf(trace.frames.indexOf(frame)));
    }),
    words: trace.words.map(({ name, record, key, lock, initial }, index) => [
      name,
      record,
      initial,
      met.has(index) && lock < 0 && !OWN_PANEL.has(key) ? 1 : 0,
    ]),
    slots: trace.slots,
    events,
    rows: rows.map(
      ({ event, kind, depth, under, text, named }): PageRow => [event, kind, depth, under, text, named ? 1 : 0],
    ),
    sources: trace.sources,
  };
  const title = [trace.finding.kind, trace.about.scenario, trace.about.bug].filter((part) => part !== '').join(' · ');
  return `<!doctype html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<meta name="color-scheme" content="light dark">
<title>${escaped(title)}</title>
<style>${PAGE_STYLE}</style>
</head>
<body>
${BODY}
<script type="application/json" id="trace">${inScript(JSON.stringify(data))}</script>
<script>${PAGE_STATE_SCRIPT}
${PAGE_SCRIPT}</script>
</body>
</html>
`;
}

const BODY = `<header>
  <div class="title"><span id="kind" class="kind"></span><h1 id="name"></h1><span id="run" class="quiet"></span></div>
  <p id="message"></p>
  <details id="why" open><summary>Why</summary><ol id="because"></ol></details>
</header>
<nav aria-label="Steps">
  <div class="controls">
    <button id="first" title="First step (Home)" aria-label="First step">⇤</button>
    <button id="back" title="Step back (left arrow)" aria-label="Step back">←</button>
    <output id="at"></output>
    <button id="forth" title="Step on (right arrow)" aria-label="Step on">→</button>
    <button id="last" title="Last step (End)" aria-label="Last step">⇥</button>
    <label class="check" title="Every event, or those that matter (a)"><input type="checkbox" id="all"> all events</label>
    <span class="search"><input id="search" type="search" placeholder="Search ( / )" aria-label="Search"><span id="matches" class="quiet"></span></span>
  </div>
  <div id="strip"><svg id="lanes" role="img" aria-label="Turns of each CPU"></svg><input id="scrubber" type="range" min="0" value="0" aria-label="Step"></div>
</nav>
<main>
  <section id="columns" aria-label="Steps of each CPU">
    <div id="heads"></div>
    <div id="list" tabindex="0" role="listbox" aria-label="Steps"><div id="space"></div></div>
  </section>
  <aside aria-label="State at this step">
    <section id="now"></section>
    <section id="source"></section>
    <section id="state"></section>
  </aside>
</main>
<footer class="quiet"><span><kbd>←</kbd> <kbd>→</kbd> step</span><span><kbd>shift</kbd> + <kbd>←</kbd> <kbd>→</kbd> switch of CPU</span><span><kbd>home</kbd> <kbd>end</kbd></span><span><kbd>/</kbd> search, <kbd>enter</kbd> next</span><span><kbd>a</kbd> all events</span><span id="replay"></span></footer>`;

function escaped(text: string): string {
  return text.replaceAll('&', '&amp;').replaceAll('<', '&lt;').replaceAll('>', '&gt;');
}

/** Nothing in the data ends the element that it stands in. */
function inScript(json: string): string {
  return json.replaceAll('<', '\\u003c').replaceAll('\u2028', '\\u2028').replaceAll('\u2029', '\\u2029');
}
