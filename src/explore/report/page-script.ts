/**
 * The page's script, second part: the list of steps, of which only what is in sight stands in the document; the strip of
 * turns above it; keys, search and links. Begins once the first part stands.
 */
export const PAGE_SCRIPT = String.raw`
const HEIGHT = 24, LEFT = 66, LANE_LEFT = 52;
const list = $('list'), space = $('space');
/** Rows of the view: [event, kind, depth, under, text, named]; a fold has event -1. */
const matter = trace.rows;
const kindOf = (event) => (event[BEFORE] !== event[AFTER] ? 'change' : event[KIND] === 'unlock' ? 'lock' : event[KIND] === 'operation' || event[KIND] === 'read' ? 'other' : event[KIND]);
const every = trace.events.map((event, index) => [index, kindOf(event), 0, '', event[TEXT] || event[KIND], 0]);
for (const row of matter) if (row[0] >= 0) every[row[0]] = row;
let rows = matter, at = 0, matches = [], needle = '';
const acting = [...new Set(trace.events.map((event) => event[CPU]))].filter((cpu) => cpu >= 0).sort((a, b) => a - b);

/** From one column to the next: the last one keeps room for its text, and a row's text may run over those to its right. */
function strideOf() {
  const width = Math.max(160, list.clientWidth - LEFT - 180), n = acting.length;
  const last = Math.max(Math.min(400, width * 0.75), width / n);
  return n < 2 ? 0 : Math.max(3, Math.min(340, (width - last) / (n - 1)));
}
const places = new Map(acting.map((cpu, i) => [cpu, i]));
let stride = strideOf();
const columnOf = (cpu) => LEFT + places.get(cpu) * stride;
const crowded = () => acting.length > 1 && stride < 12;
const numbers = new Map();
trace.events.forEach((event, index) => { if (!numbers.has(event[STEP])) numbers.set(event[STEP], index); });
function hashOf(event) {
  const step = trace.events[event][STEP];
  const k = event - numbers.get(step);
  return k === 0 ? String(step) : step + '.' + k;
}
function eventOfHash() {
  const [, step, k] = /^#(\d+)(?:\.(\d+))?$/.exec(location.hash) || [];
  if (step === undefined) return -1;
  const first = numbers.get(Number(step));
  if (first !== undefined && k !== undefined) return Math.min(first + Number(k), trace.events.length - 1);
  // A step alone: the event of it that matters most.
  const named = matter.find((row) => row[0] >= 0 && row[5] === 1 && trace.events[row[0]][STEP] === Number(step));
  const any = named || matter.find((row) => row[0] >= 0 && trace.events[row[0]][STEP] >= Number(step));
  return any ? any[0] : first === undefined ? -1 : first;
}
function marked(text) {
  const box = document.createDocumentFragment();
  const found = needle === '' ? -1 : text.toLowerCase().indexOf(needle);
  if (found < 0) { box.append(text); return box; }
  box.append(text.slice(0, found), make('mark', '', text.slice(found, found + needle.length)), text.slice(found + needle.length));
  return box;
}
function placeOf(event) {
  const place = event[PLACE], frames = trace.places[place] || [];
  if (frames.length === 0) return '';
  const [file, line] = trace.frames[frames[trace.shown[place]]];
  return file.split('/').pop() + ':' + line;
}
function rowElement(number) {
  const [index, kind, depth, under, text, named] = rows[number];
  const event = index < 0 ? undefined : trace.events[index];
  const before = rows[number - 1];
  const switched = event && (!before || before[0] < 0 || trace.events[before[0]][CPU] !== event[CPU]);
  const row = make('div', 'row ' + kind + (number === at ? ' here' : '') + (named ? ' named' : '') + (switched ? ' switch' : ''));
  row.style.top = number * HEIGHT + 'px';
  row.id = 'row' + number;
  row.setAttribute('role', 'option');
  if (number === at) row.setAttribute('aria-selected', 'true');
  const label = make('span', 't');
  if (!event) {
    label.style.left = columnOf(acting[0]) + 'px';
    label.append('⋮ ' + text);
    row.append(label);
    return row;
  }
  const left = columnOf(event[CPU]);
  const dot = make('span', 'dot');
  row.style.setProperty('--hue', hue(event[CPU]));
  dot.style.background = hue(event[CPU]);
  dot.style.left = left + 'px';
  label.style.left = left + depth * 16 + 'px';
  if (crowded()) label.append(make('b', 'who', 'CPU ' + event[CPU]));
  if (under !== '') label.append(make('span', 'tag', under));
  label.append(marked(text));
  row.title = text;
  const shown = kind === 'call' || kind === 'answer' ? '' : placeOf(event);
  row.append(make('span', 'n', String(event[STEP])), dot, label, make('span', 'w', shown));
  row.addEventListener('click', () => go(number));
  return row;
}
function draw() {
  const top = Math.max(0, Math.floor(list.scrollTop / HEIGHT) - 8);
  const bottom = Math.min(rows.length, Math.ceil((list.scrollTop + list.clientHeight) / HEIGHT) + 8);
  space.style.height = rows.length * HEIGHT + 'px';
  const shown = (crowded() ? [] : acting).map((cpu) => {
    const guide = make('div', 'guide');
    guide.style.left = columnOf(cpu) + 3 + 'px';
    guide.style.background = hue(cpu);
    return guide;
  });
  for (let i = top; i < bottom; i++) shown.push(rowElement(i));
  space.replaceChildren(...shown);
}
function heads() {
  if (crowded()) {
    const head = make('span', '', acting.length + ' CPUs');
    head.style.left = LEFT + 'px';
    $('heads').replaceChildren(head);
    return;
  }
  $('heads').replaceChildren(...acting.map((cpu) => {
    const head = make('span');
    head.style.left = columnOf(cpu) - 1 + 'px';
    const dot = make('i');
    dot.style.background = hue(cpu);
    head.append(dot, stride > 64 || acting.length < 2 || cpu === acting.at(-1) ? 'CPU ' + cpu : '');
    head.title = 'CPU ' + cpu;
    return head;
  }));
}

/** Lanes: a bar for each turn of a CPU, over steps. */
const svg = (tag, attributes) => {
  const element = document.createElementNS('http://www.w3.org/2000/svg', tag);
  for (const key in attributes) element.setAttribute(key, attributes[key]);
  return element;
};
function lanes() {
  const box = $('lanes'), width = box.clientWidth || 1000;
  const lane = Math.max(3, Math.min(16, 96 / acting.length)), height = lane * acting.length + 14;
  box.setAttribute('viewBox', '0 0 ' + width + ' ' + height);
  box.style.height = height + 'px';
  $('strip').style.setProperty('--lane-left', LANE_LEFT + 'px');
  const x = (step) => LANE_LEFT + ((width - LANE_LEFT - 8) * step) / Math.max(1, trace.steps);
  const parts = [];
  if (acting.length <= 8) acting.forEach((cpu, i) => {
    const text = svg('text', { x: 0, y: i * lane + lane / 2 + 4 });
    text.textContent = 'CPU ' + cpu;
    parts.push(text);
  });
  let begun = 0;
  for (let i = 1; i <= trace.events.length; i++) {
    const first = trace.events[begun];
    if (i < trace.events.length && trace.events[i][CPU] === first[CPU]) continue;
    const end = trace.events[i - 1][STEP], from = x(first[STEP] - 1);
    const bar = svg('rect', { x: from, y: acting.indexOf(first[CPU]) * lane + 1, width: Math.max(1.5, x(end) - from), height: lane - 2, rx: 2 });
    bar.style.fill = hue(first[CPU]);
    bar.style.opacity = '.8';
    parts.push(bar);
    begun = i;
  }
  for (const row of matter) if (row[5] === 1) {
    const step = x(trace.events[row[0]][STEP]);
    parts.push(svg('line', { class: 'mark', x1: step, x2: step, y1: height - 12, y2: height - 2 }));
  }
  parts.push(svg('line', { class: 'cursor', id: 'cursor', y1: 0, y2: height }), svg('circle', { class: 'knob', id: 'knob', r: 5, cy: height - 6 }));
  box.replaceChildren(...parts);
  box.dataset.width = width;
  cursor();
}
function cursor() {
  const event = rows[at] && rows[at][0] >= 0 ? trace.events[rows[at][0]] : undefined;
  if (!event || !$('cursor')) return;
  const x = LANE_LEFT + ((Number($('lanes').dataset.width) - LANE_LEFT - 8) * event[STEP]) / Math.max(1, trace.steps);
  $('cursor').setAttribute('x1', x);
  $('cursor').setAttribute('x2', x);
  $('knob').setAttribute('cx', x);
}

function nearest(number, way) {
  let i = Math.max(0, Math.min(rows.length - 1, number));
  while (rows[i] && rows[i][0] < 0) i += way;
  if (rows[i]) return i;
  for (i = number; rows[i] && rows[i][0] < 0; i -= way);
  return rows[i] ? i : at;
}
function go(number, way = 1, quiet = false) {
  if (rows.length === 0) return;
  at = nearest(number, way);
  const index = rows[at][0], event = trace.events[index];
  const top = at * HEIGHT;
  if (top < list.scrollTop + 2 * HEIGHT) list.scrollTop = top - 4 * HEIGHT;
  else if (top > list.scrollTop + list.clientHeight - 3 * HEIGHT) list.scrollTop = top - list.clientHeight + 5 * HEIGHT;
  frameChosen = -1;
  draw();
  list.setAttribute('aria-activedescendant', 'row' + at);
  $('at').textContent = 'step ' + event[STEP] + ' of ' + trace.steps;
  $('scrubber').value = event[STEP];
  $('scrubber').setAttribute('aria-valuetext', 'step ' + event[STEP] + ': ' + rows[at][4]);
  showNow(event, rows[at][4]);
  showSource(index);
  showState(index);
  cursor();
  if (!quiet) history.replaceState(null, '', '#' + hashOf(index));
}
function showNow(event, text) {
  const who = make('div', 'quiet');
  who.append(cpuLabel(event[CPU]), event[TASK] === 0 ? ', no task' : ', task ' + event[TASK], event[OPERATION] === '' ? '' : ', ' + event[OPERATION]);
  $('now').replaceChildren(who, make('div', 'what', text));
}
function switchFrom(way) {
  const cpu = trace.events[rows[at][0]][CPU];
  let i = at + way;
  while (rows[i] && (rows[i][0] < 0 || trace.events[rows[i][0]][CPU] === cpu)) i += way;
  if (rows[i]) go(i, way);
}
function view(all) {
  const index = rows[at] ? rows[at][0] : 0;
  rows = all ? every : matter;
  $('all').checked = all;
  showEvent(index);
  find(needle, false);
}
function showEvent(index, quiet) {
  let i = rows.findIndex((row) => row[0] >= index);
  if (i >= 0 && rows[i][0] > index && !$('all').checked && location.hash.includes('.') && !quiet) i = Math.max(0, i);
  go(i < 0 ? rows.length - 1 : i, 1, quiet);
}
function find(text, move) {
  needle = text.toLowerCase();
  matches = needle === '' ? [] : rows.flatMap((row, i) => (row[0] >= 0 && row[4].toLowerCase().includes(needle) ? [i] : []));
  if (move && matches.length > 0) go(matches.find((i) => i >= at) ?? matches[0]);
  else draw();
  count();
}
function count() { $('matches').textContent = needle === '' ? '' : matches.length === 0 ? 'none' : matches.indexOf(at) + 1 + ' of ' + matches.length; }
function searchFor(text) { $('search').value = text; find(text, true); }
function nextMatch(way) {
  const next = way > 0 ? matches.find((i) => i > at) ?? matches[0] : matches.findLast((i) => i < at) ?? matches.at(-1);
  if (next !== undefined) go(next);
  count();
}

function header() {
  const { about, finding } = trace;
  $('kind').textContent = finding.kind;
  if (finding.kind === 'done') $('kind').classList.add('good');
  $('name').textContent = [about.scenario, about.bug && 'with ' + about.bug, about.design && 'on ' + about.design].filter(Boolean).join(' ') || 'a run';
  $('run').textContent = trace.cpus + ' CPUs · ' + trace.steps + ' steps · ' + trace.switches + ' switches' + (trace.dropped > 0 ? ' · ' + trace.dropped + ' events before these' : '');
  $('message').textContent = finding.message;
  const sentences = trace.because;
  $('why').hidden = sentences.length === 0;
  $('because').replaceChildren(...sentences.map((sentence) => {
    const item = make('li');
    let last = 0;
    for (const match of sentence.matchAll(/step (\d+)/g)) {
      const link = make('a', 'step', match[0]);
      link.href = '#' + match[1];
      item.append(sentence.slice(last, match.index), link);
      last = match.index + match[0].length;
    }
    item.append(sentence.slice(last));
    return item;
  }));
  $('replay').textContent = about.replay;
  $('scrubber').max = trace.steps;
}
document.addEventListener('keydown', (event) => {
  const typing = event.target === $('search');
  if (typing && event.key === 'Enter') { nextMatch(event.shiftKey ? -1 : 1); event.preventDefault(); return; }
  if (event.key === 'Escape') { $('search').value = ''; find('', false); list.focus(); return; }
  if (typing || event.ctrlKey || event.metaKey || event.altKey) return;
  const way = event.key === 'ArrowRight' || event.key === 'ArrowDown' ? 1 : event.key === 'ArrowLeft' || event.key === 'ArrowUp' ? -1 : 0;
  if (way !== 0) { if (event.shiftKey) switchFrom(way); else go(at + way, way); }
  else if (event.key === 'Home') go(0);
  else if (event.key === 'End') go(rows.length - 1, -1);
  else if (event.key === 'PageDown') go(at + 20);
  else if (event.key === 'PageUp') go(at - 20, -1);
  else if (event.key === '/') $('search').focus();
  else if (event.key === 'a') view(!$('all').checked);
  else return;
  event.preventDefault();
  count();
});
$('first').addEventListener('click', () => go(0));
$('last').addEventListener('click', () => go(rows.length - 1, -1));
$('back').addEventListener('click', () => go(at - 1, -1));
$('forth').addEventListener('click', () => go(at + 1));
$('all').addEventListener('change', () => view($('all').checked));
$('search').addEventListener('input', () => find($('search').value, true));
$('scrubber').addEventListener('input', () => {
  const step = Number($('scrubber').value);
  const i = rows.findIndex((row) => row[0] >= 0 && trace.events[row[0]][STEP] >= step);
  go(i < 0 ? rows.length - 1 : i, -1);
});
list.addEventListener('scroll', draw);
addEventListener('hashchange', () => { const index = eventOfHash(); if (index >= 0) showEvent(index, true); });
addEventListener('resize', () => { stride = strideOf(); heads(); lanes(); draw(); });
header();
heads();
lanes();
const linked = eventOfHash();
if (linked >= 0) showEvent(linked, true);
else {
  const told = matter.findIndex((row) => row[5] === 1);
  go(told < 0 ? 0 : told, 1, true);
}
list.focus({ preventScroll: true });
`;
