// Out of everything there is: the call is refused with Linux's errno, the machine goes on, and what is given back can be had
// again. Nothing is left when the program has ended.
import { expect, describe, it } from 'vitest';
import type { BootOptions } from '../../src/machine/boot-options.ts';
import { Machine } from '../../src/machine/machine.ts';
import { testProgram } from '../test-programs.ts';

const program = testProgram(new URL('./exhaustion.program.ts', import.meta.url));

/** Small, so that each thing runs out soon, and the one under test first. */
const SCENARIOS: readonly (readonly [thing: string, scenario: string, options: BootOptions])[] = [
  ['open files: ENFILE', 'files', { files: 64, nofile: 200 }],
  ['descriptors: EMFILE', 'descriptors', { nofile: 64 }],
  ['pipes: ENFILE', 'pipes', { pipes: 16 }],
  ['sockets: ENFILE', 'sockets', { sockets: 32 }],
  ['epoll instances: ENFILE', 'epolls ENFILE', { epolls: 16 }],
  ['epoll instances of Linux: ENOMEM', 'epolls ENOMEM', { epolls: 16, epoll: 'linux' }],
  ['interests: ENOMEM', 'interests ENOMEM', { interests: 16 }],
  ['watches of Linux: ENOSPC', 'interests ENOSPC', { interests: 16, epoll: 'linux' }],
  ['places in the trees of interests: ENOMEM', 'mapNodes', { epolls: 8, interests: 64, nofile: 4096 }],
  ['the same with Linux’s', 'mapNodes', { epolls: 8, interests: 64, nofile: 4096, epoll: 'linux' }],
  ['places in the queues of files: ENOMEM', 'waitEntries', { files: 32, tasks: 4, epoll: 'linux' }],
  ['pages: ENOMEM for a pipe, ENOBUFS for a socket, ENOSPC for a memfd', 'pages', { pages: 24 }],
  ['names of sockets: ENOSPC', 'socketNames', {}],
  ['descriptors in flight: ETOOMANYREFS', 'inFlight', { nofile: 128 }],
  ['tasks: EAGAIN', 'tasks', { tasks: 16 }],
  ['processes: EAGAIN', 'processes', { processes: 4 }],
  ['user memories: ENOMEM', 'addressSpaces', { processes: 8, addressSpaces: 4 }],
  ['tables of descriptors: ENOMEM', 'fdTables', { processes: 2, tasks: 16 }],
  ['frames of handlers: SIGSEGV', 'frames', { tasks: 5 }],
  ['timers: as many as files', 'timers', { files: 48 }],
  ['user memory', 'userMemory', { userBytes: 65_536 }],
];

it('nobody is told so for what waits only until a neighbour traps again', async () => {
  await using machine = await Machine.boot({ checks: true, cpus: 2, files: 40, sockets: 20, pipes: 6, tasks: 6 });
  const pid = await machine.spawn(program, { argv: 'churn' });
  expect(await machine.exited(pid)).toMatchObject({ code: 0 });
});

it.each([1, 2])('who was joined, or waited for, has made room for another, with %i CPUs', async (cpus) => {
  await using machine = await Machine.boot({ checks: true, cpus, tasks: 4, processes: 3 });
  const pid = await machine.spawn(program, { argv: 'births' });
  expect(await machine.exited(pid)).toMatchObject({ code: 0 });
});

describe.each([1, 2])('with %i CPUs, out of', (cpus) => {
  it.each(SCENARIOS)('%s', async (_thing, scenario, options) => {
    await using machine = await Machine.boot({ checks: true, cpus, ...options });
    const pid = await machine.spawn(program, { argv: scenario });
    expect(await machine.exited(pid)).toMatchObject({ code: 0 });
    const living = (): Record<string, number> => {
      const census = Object.entries(machine.stats().census);
      return Object.fromEntries(census.filter(([, { live }]) => live > 0).map(([name, { live }]) => [name, live]));
    };
    await expect.poll(living, { timeout: 8000 }).toEqual({});
  });
});
