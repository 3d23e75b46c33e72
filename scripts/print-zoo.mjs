// docs/zoo.md: the bugs that can be switched on, and the scenarios in which a search finds them. Called by print-docs.mjs.
import { register } from 'tsx/esm/api';

/** Each with the first design of its scenario, or the one that it names. */
function bugRow({ number, name, origin, about, finds, scenario, design, schedules, memory }) {
  const where = design === undefined ? `\`${scenario}\`` : `\`${scenario}\`, ${design}`;
  const how = memory === undefined ? finds : `${finds}, with stores delayed`;
  return `| ${number ?? ''} | \`${name}\` | ${origin} | ${about} | ${how} | ${where} | ${schedules} |`;
}

export async function zooPage() {
  const unregister = register();
  const { bugs } = await import('../src/explore/zoo/index.ts');
  const { scenarios } = await import('../src/explore/scenarios/index.ts');
  await unregister();
  const met = bugs.filter(({ number }) => number !== undefined);
  const own = bugs.filter(({ number }) => number === undefined);
  const head = [
    '| | name | origin | what it was, and what it is now | what finds it | scenario | schedules |',
    '|---:|---|---|---|---|---|---:|',
  ];
  return [
    '# The bug zoo',
    '',
    `${bugs.length} bugs, each switched on by name: \`smplab explore --bug lost-wakeup\`. A bug is the reverse of its mending, as text that the`,
    'compile step replaces in the kernel before it is compiled to the stepped machine; the kernel itself knows of none. Its',
    'scenario is the small machine in which a search finds it, and which is clean without it. The last column says within how',
    'many schedules of the default portfolio with seed 1.',
    '',
    `## Met by the projects that are reproduced`,
    '',
    `${met.length} of thirty. What is not here does not fit this machine: a herd that delays timers (15) is a matter of Kevlar's`,
    'scheduler, which is no part of its design here.',
    '',
    ...head,
    ...met.map(bugRow),
    '',
    "## This kernel's own",
    '',
    'Steps of its own arguments, left out or done in the wrong order: what a search found in it, or what its comments say',
    'would go wrong.',
    '',
    ...head,
    ...own.map(bugRow),
    '',
    '## Scenarios',
    '',
    '| name | what runs, and what must hold | CPUs | designs |',
    '|---|---|---:|---|',
    ...scenarios.map(
      ({ name, about, machine, designs }) => `| \`${name}\` | ${about} | ${machine.cpus} | ${designs.join(', ')} |`,
    ),
    '',
  ];
}
