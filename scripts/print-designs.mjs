// docs/designs.md: the four designs of epoll against Linux's rules, and against what their calls cost.
//
// The rules are those of src/conform/rules.ts, the reasons those of the declared divergences, which the conformance cases
// hold to a real kernel's answers; the costs are counted by the stepped kernel on one CPU, so they are the same wherever this runs.
import { register } from 'tsx/esm/api';
import { root } from './kernel-tables.mjs';

register();

const { divergencesOf } = await import('../src/conform/divergences/index.ts');
const { evidence } = await import('../src/conform/rule-evidence.ts');
const { rules, sections } = await import('../src/conform/rules.ts');
const { bundleStepped, loadBundle } = await import('../src/stepped/bundle.ts');
const { DESIGN_NAMES } = await import('../src/kernel/epoll/source-ops.ts');

const MODULES = ['src/stepped/scene.ts', 'src/stepped/costs.ts'];
const FDS = [1, 10, 100, 1000];
const WAITERS = [0, 1, 10, 100];

function rulesPart() {
  const reasons = DESIGN_NAMES.map((d) => new Map(divergencesOf(d).map(({ rule, reason }) => [rule, reason])));
  const shown = rules.filter(({ number }) => evidence[number]?.outOfReach === undefined);
  const broken = shown.filter(({ number }) => reasons.some((own) => own.has(number)));
  const kept = shown.filter((rule) => !broken.includes(rule));
  const cell = (own, number) => (own.has(number) ? `broken: ${own.get(number)}` : 'kept');
  return [
    '## Rules',
    '',
    `${shown.length} rules of what Linux answers are shown by [conformance cases or tests](conformance.md). All four designs keep`,
    `${kept.length} of them. These ${broken.length} are broken by some design; *kept* means that no case and no random program has`,
    'shown otherwise, but for what another rule of the table explains.',
    '',
    `| rule | of Linux | ${DESIGN_NAMES.join(' | ')} |`,
    `|---|---|${DESIGN_NAMES.map(() => '---|').join('')}`,
    ...broken.map(
      ({ number, title }) => `| ${number} | ${title} | ${reasons.map((own) => cell(own, number)).join(' | ')} |`,
    ),
    '',
    'Kept by all four:',
    '',
    ...Object.entries(sections).flatMap(([letter, name]) => {
      const own = kept.filter(({ number }) => number.startsWith(letter));
      return own.length === 0 ? [] : [`- ${name}: ${own.map(({ number, title }) => `${number} ${title}`).join('; ')}`];
    }),
    '',
  ];
}

/** Locks from the kernel with checks, which lists them; the rest from the one without, as machines run. */
function counter(checked, unchecked) {
  return (count) => {
    const locks = [count(checked, checked)].flat();
    return [count(unchecked, unchecked)].flat().map((cost, i) => ({ ...cost, locks: locks[i].locks }));
  };
}

const cell = ({ locks, atomics, visits }) => `${locks} / ${atomics} / ${visits}`;

/** By how much a cost grows with each further one, between the two largest sizes. */
function growth(sizes, costs) {
  const [before, last] = costs.slice(-2);
  const more = sizes.at(-1) - sizes.at(-2);
  const each = (figure) => Number(((last[figure] - before[figure]) / more).toFixed(1));
  return { locks: each('locks'), atomics: each('atomics'), visits: each('visits') };
}

/** @param unit what the sizes count, in the singular and in the plural */
function costTable(title, about, [one, several], sizes, costOf) {
  return [
    `### ${title}`,
    '',
    ...about,
    '',
    `| design | ${sizes.map((size) => `${size} ${size === 1 ? one : several}`).join(' | ')} | each further ${one} |`,
    `|---|${sizes.map(() => '---:|').join('')}---:|`,
    ...DESIGN_NAMES.map((design) => {
      const costs = sizes.map((size) => costOf(design, size));
      return `| ${[design, ...costs.map(cell), cell(growth(sizes, costs))].join(' | ')} |`;
    }),
    '',
  ];
}

function costsPart(count) {
  const wakes = new Map();
  for (const design of DESIGN_NAMES) {
    for (const waiters of WAITERS) {
      wakes.set(
        `${design} ${waiters}`,
        count(({ wakeCost }, scene) => wakeCost(scene, design, waiters)),
      );
    }
  }
  return [
    '## Costs',
    '',
    'Each cell is *locks taken / atomic operations / records visited*, beyond those of a call that does nothing. Visited are',
    'interests, stands in wait queues, ready entries and nodes of the map from descriptors to interests, each counted once a',
    'call. Counted on one CPU, so nobody competes for a lock; watched are eventfds, level-triggered unless it says otherwise.',
    '',
    ...costTable(
      'An add',
      ['`EPOLL_CTL_ADD` of a file that is not ready, by how many the instance watches.'],
      ['fd', 'fds'],
      FDS,
      (design, fds) => count(({ addCost }, scene) => addCost(scene, design, fds))[0],
    ),
    ...costTable(
      'A wait in vain',
      ['`epoll_wait` with timeout 0, none ready, by how many are watched.'],
      ['fd', 'fds'],
      FDS,
      (design, fds) => count(({ waitCost }, scene) => waitCost(scene, design, fds, 0))[0],
    ),
    ...costTable(
      'One event',
      ['`epoll_wait` when the last added one is ready, by how many are watched.'],
      ['fd', 'fds'],
      FDS,
      (design, fds) => count(({ waitCost }, scene) => waitCost(scene, design, fds, 1))[0],
    ),
    ...costTable(
      'A delivery of many',
      ['`epoll_wait` that reports all, by how many are ready.'],
      ['ready fd', 'ready fds'],
      FDS,
      (design, fds) => count(({ waitCost }, scene) => waitCost(scene, design, fds, fds))[0],
    ),
    ...costTable(
      'A wake: the writer',
      ['A write to a file that is watched by edge, by how many threads sleep in `epoll_wait`. The part of the writer.'],
      ['waiter', 'waiters'],
      WAITERS,
      (design, waiters) => wakes.get(`${design} ${waiters}`)[0],
    ),
    ...costTable(
      'A wake: the woken',
      [
        "The same write: what all others do until it is the writer's turn again. One of them takes the event, reads the file and",
        'waits again. Where waiters stay runnable (veridian) they go through this at every turn, whether anything was written or not.',
      ],
      ['waiter', 'waiters'],
      WAITERS,
      (design, waiters) => wakes.get(`${design} ${waiters}`)[1],
    ),
  ];
}

export async function designsPage() {
  const bundle = await bundleStepped(root.replaceAll('\\', '/'), MODULES);
  const checked = await loadBundle(bundle, { checks: true, profile: false });
  const unchecked = await loadBundle(bundle, { checks: false, profile: false });
  return [
    '# Four designs of epoll',
    '',
    'What each of them does, and why, stands at the head of its file: [kevlar](../src/kernel/epoll/kevlar/instance.ts),',
    '[linux](../src/kernel/epoll/linux/instance.ts), [wasix](../src/kernel/epoll/wasix/instance.ts),',
    '[veridian](../src/kernel/epoll/veridian/instance.ts).',
    '',
    ...rulesPart(),
    ...costsPart(counter(checked, unchecked)),
  ];
}
