/**
 * The page's script, first part: the state of the machine at any event, made by applying events from the beginning, and how
 * state and source are shown. It runs in the reader's browser and sees nothing but the trace in the page.
 */
export const PAGE_STATE_SCRIPT = String.raw`'use strict';
const trace = JSON.parse(document.getElementById('trace').textContent);
const STEP = 0, CPU = 1, TASK = 2, KIND = 3, WORD = 4, BEFORE = 5, AFTER = 6, OPERATION = 7, PLACE = 8, TEXT = 9, SET = 10;
const $ = (id) => document.getElementById(id);
const make = (tag, className, text) => {
  const element = document.createElement(tag);
  if (className) element.className = className;
  if (text !== undefined) element.textContent = text;
  return element;
};
const hue = (cpu) => 'light-dark(hsl(' + hueAngle(cpu) + ' 62% 42%), hsl(' + hueAngle(cpu) + ' 68% 68%))';
function hueAngle(cpu) { return [212, 28, 152, 282, 188, 338, 62, 250][cpu % 8] + Math.floor(cpu / 8) * 11; }

/** What every slot and word holds after an event, and since which event; recomputed from the nearest picture before it. */
const EVERY = 512;
const pictures = [];
function begin() {
  return {
    slots: trace.slots.map((slot) => slot.initial), slotSince: trace.slots.map(() => -1), slotWas: trace.slots.map(() => ''),
    words: trace.words.map((word) => word[2]), wordSince: trace.words.map(() => -1), wordWas: trace.words.map(() => ''),
  };
}
function copyOf(state) {
  const copy = {};
  for (const key in state) copy[key] = state[key].slice();
  return copy;
}
function apply(state, index) {
  const event = trace.events[index];
  const word = event[WORD];
  if (word >= 0 && event[BEFORE] !== event[AFTER]) {
    state.wordWas[word] = state.words[word];
    state.words[word] = event[AFTER];
    state.wordSince[word] = index;
  }
  for (const [slot, value] of event[SET]) {
    state.slotWas[slot] = state.slots[slot];
    state.slots[slot] = value;
    state.slotSince[slot] = index;
  }
}
function stateAt(index) {
  if (pictures.length === 0) pictures.push(begin());
  while (pictures.length * EVERY <= index + 1) {
    const next = copyOf(pictures[pictures.length - 1]);
    for (let i = (pictures.length - 1) * EVERY; i < pictures.length * EVERY; i++) apply(next, i);
    pictures.push(next);
  }
  const picture = Math.floor((index + 1) / EVERY);
  const state = copyOf(pictures[picture]);
  for (let i = picture * EVERY; i <= index; i++) apply(state, i);
  return state;
}

/** @param since index of the event that put the value there; fresh: it came with the step that is shown */
function stateRow(table, name, shown, since, fresh, was) {
  const row = make('tr', fresh ? 'new' : '');
  const first = make('td');
  if (typeof name === 'string') first.textContent = name; else first.append(name);
  const second = make('td');
  if (fresh && was !== '' && was !== undefined) second.append(make('span', 'was', was));
  if (typeof shown === 'string') second.append(shown === '' ? '–' : shown); else second.append(shown);
  if (shown === '') row.classList.add('off');
  const third = make('td', 'since');
  if (since >= 0 && trace.events[since]) third.append(stepLink(trace.events[since][STEP], since));
  row.append(first, second, third);
  table.append(row);
  return row;
}
function stepLink(step, event) {
  const link = make('a', '', String(step));
  link.href = '#' + hashOf(event);
  link.style.color = 'inherit';
  return link;
}
function table(parent, title) {
  parent.append(make('h2', '', title));
  const card = make('div', 'card');
  const element = make('table');
  card.append(element);
  parent.append(card);
  return element;
}
function cpuLabel(cpu) {
  const label = make('span');
  const dot = make('i', 'cpu');
  dot.style.background = hue(cpu);
  label.append(dot, 'CPU ' + cpu);
  return label;
}
function taskState(value) {
  const [, state, rest] = /^([A-Z]*)(.*)$/.exec(value);
  const box = make('span');
  box.append(make('span', 'st ' + state, state), rest);
  return box;
}
function chips(value) {
  if (value === '') return '';
  const box = make('span');
  for (const each of value.split(', ')) box.append(make('span', 'chip', each));
  return box;
}
/** Locks that two CPUs take, or that somebody holds: the others are nobody's concern. */
const takers = new Map();
for (const event of trace.events) for (const [slot, value] of event[SET]) {
  if (trace.slots[slot].group !== 'locks' || value === '') continue;
  if (!takers.has(slot)) takers.set(slot, new Set());
  takers.get(slot).add(value);
}
function showState(index) {
  const box = $('state');
  box.replaceChildren();
  const state = stateAt(index);
  const fresh = (since) => since >= 0 && since <= index && trace.events[since][STEP] === trace.events[index][STEP] && trace.events[since][CPU] === trace.events[index][CPU];
  const groups = { cpus: [], tasks: [], queues: [], locks: [] };
  trace.slots.forEach((slot, number) => groups[slot.group].push(number));
  const add = (to, number, name, shown) => stateRow(to, name, shown, state.slotSince[number], fresh(state.slotSince[number]), trace.slots[number].group === 'locks' || trace.slots[number].group === 'queues' ? '' : undefined);
  const cpus = table(box, 'CPUs');
  groups.cpus.forEach((number, cpu) => add(cpus, number, cpuLabel(cpu), state.slots[number]));
  groups.tasks.sort((a, b) => trace.slots[a].name.localeCompare(trace.slots[b].name, undefined, { numeric: true }));
  const tasks = table(box, 'Tasks');
  for (const number of groups.tasks) add(tasks, number, trace.slots[number].name, taskState(state.slots[number]));
  const words = table(box, 'Watched words');
  trace.words.forEach(([name, , , relevant], number) => {
    if (relevant !== 1) return;
    const row = stateRow(words, name, state.words[number], state.wordSince[number], fresh(state.wordSince[number]), state.wordWas[number]);
    row.classList.add('word');
    row.title = 'Search for this word';
    row.addEventListener('click', (event) => { if (event.target.tagName !== 'A') searchFor(name); });
  });
  const held = groups.locks.filter((number) => state.slots[number] !== '' || (takers.get(number) || new Set()).size > 1);
  if (held.length > 0) {
    const locks = table(box, 'Locks');
    held.sort((a, b) => (state.slots[b] !== '') - (state.slots[a] !== ''));
    for (const number of held.slice(0, 24)) {
      const owner = state.slots[number];
      add(locks, number, trace.slots[number].name, owner === '' ? '' : cpuLabel(Number(owner.slice(4))));
    }
  }
  const queues = table(box, 'Queues');
  for (const number of groups.queues.slice(0, 32)) add(queues, number, trace.slots[number].name, chips(state.slots[number]));
}

const TOKENS = /(\/\/.*$|\/\*.*|^\s*\*.*$)|('(?:[^'\\]|\\.)*'|"(?:[^"\\]|\\.)*")|\b(const|let|function|return|if|else|for|while|of|in|new|import|export|from|type|interface|readonly|as|throw|break|continue|yield|true|false|undefined|null)\b|\b(\d[\d_.]*|[A-Z][A-Z0-9_]{2,})\b/g;
function coloured(line) {
  const box = document.createDocumentFragment();
  let last = 0;
  for (const match of line.matchAll(TOKENS)) {
    box.append(line.slice(last, match.index), make('span', match[1] ? 'c' : match[2] ? 's' : match[3] ? 'k' : 'd', match[0]));
    last = match.index + match[0].length;
  }
  box.append(line.slice(last));
  return box;
}
let frameChosen = -1;
function showSource(index) {
  const box = $('source');
  box.replaceChildren();
  const place = trace.events[index][PLACE];
  const frames = trace.places[place] || [];
  if (frames.length === 0) return;
  const chosen = frameChosen >= 0 && frameChosen < frames.length ? frameChosen : trace.shown[place];
  box.append(make('h2', '', 'Source'));
  const stack = make('div', 'stack');
  frames.forEach((frame, number) => {
    const [file, line, name] = trace.frames[frame];
    const button = make('button', number === chosen ? 'here' : '', name || file.split('/').pop());
    button.title = file + ':' + line;
    button.addEventListener('click', () => { frameChosen = number; showSource(index); });
    stack.append(button);
  });
  const [file, line] = trace.frames[frames[chosen]];
  const card = make('div', 'card');
  card.append(make('div', 'file', file + ':' + line));
  const piece = (trace.sources[file] || []).find(({ from, lines }) => from <= line && line < from + lines.length);
  if (piece) {
    const pre = make('pre');
    piece.lines.forEach((text, i) => {
      const number = piece.from + i;
      if (Math.abs(number - line) > 4) return;
      const element = make('div', number === line ? 'here' : '');
      element.append(make('span', 'l', String(number)), coloured(text));
      pre.append(element);
    });
    card.append(pre);
  }
  box.append(stack, card);
}
`;
