/**
 * The command line's entry: which verbs there are, and what becomes of their errors. A verb's file is loaded only when
 * it is asked for, and loads the machine only when it runs, so that --help answers at once.
 *
 * Exit codes stand in exit-codes.ts.
 */
import { Command, CommanderError } from 'commander';
import { EXIT_OK, EXIT_UNSUPPORTED, EXIT_USAGE } from './exit-codes.ts';
import { commandLine, failureOf } from './failure.ts';
import { packageVersion } from './package.ts';

interface Verb {
  readonly name: string;
  readonly about: string;
  readonly hidden?: boolean;
  readonly load: () => Promise<{ define(command: Command): void }>;
}

const VERBS: readonly Verb[] = [
  { name: 'run', about: 'run a program on the machine', load: () => import('./run.ts') },
  {
    name: 'replay',
    about: "replay a recorded strace, and compare the machine's answers",
    load: () => import('./replay.ts'),
  },
  { name: 'conform', about: "run cases with a real kernel's answers", load: () => import('./conform.ts') },
  { name: 'bench', about: 'measure, beside the host if asked to', load: () => import('./bench.ts') },
  {
    name: 'torture',
    about: 'locks, wait queues, timers, system calls: as hard as it goes',
    load: () => import('./torture.ts'),
  },
  {
    name: 'explore',
    about: 'every order of operations: find races, replay them, prove small things',
    load: () => import('./explore.ts'),
  },
  {
    name: 'list',
    about: 'designs, locks, system calls, programs, benchmarks, scenarios, bugs',
    load: () => import('./list.ts'),
  },
  { name: 'doctor', about: 'can this environment run it, and what to do if not', load: () => import('./doctor.ts') },
  { name: 'start', about: 'the example: replay the bundled trace', hidden: true, load: () => import('./start.ts') },
];

const NODE_MAJOR_MIN = 20;

const EXAMPLES = `
Examples:
  smplab                                      replay a recorded redis-server: what do its wakeups cost?
  smplab run echo-server                      a sample program, and its wakeups by class
  smplab run ./mine.ts --cpus 4 --checks      a program of your own
  smplab replay server.strace.gz              strace -f -ttt -T -o server.strace COMMAND records one
  smplab conform                              the bundled cases
  smplab bench syscall basic --compare-host   beside the same calls of this host
  smplab torture lock --cpus 4                mutual exclusion, lost wakeups, fairness
  smplab explore --bug lost-wakeup            find a race, and see the schedule that shows it
  smplab list                                 all names there are

smplab VERB --help has the flags and more examples. Settings also come from SMPLAB_CPUS, SMPLAB_EPOLL ... and from
smplab.config.json, .js or .mjs in the working directory: { "cpus": 4 }. A flag goes before a variable, a variable before the file.

Exit codes: 0 ok, 1 a check failed, 2 usage, 3 panic, deadlock, lockup or a race found, 4 environment unsupported, 124 timeout,
130 interrupted.`;

async function buildProgram(args: readonly string[]): Promise<Command> {
  const program = new Command('smplab')
    .description('a multi-core machine inside a Node.js process')
    .version(packageVersion(), '-V, --version')
    .addHelpText('after', EXAMPLES)
    // Inherited by the verbs, so it stands before them.
    .exitOverride()
    .showSuggestionAfterError(true)
    .configureHelp({ sortOptions: false });
  for (const { name, about, hidden, load } of VERBS) {
    const command = program.command(name, hidden === undefined ? {} : { hidden }).description(about);
    command.showHelpAfterError(`(smplab ${name} --help has the flags and examples)`);
    // Named anywhere: `smplab help run` needs its flags too.
    if (args.includes(name)) (await load()).define(command);
  }
  return program.showHelpAfterError('(smplab --help has the verbs)');
}

async function main(args: readonly string[]): Promise<void> {
  const major = Number(process.versions.node.split('.')[0]);
  if (major < NODE_MAJOR_MIN) {
    process.stderr.write(`smplab: needs Node ${NODE_MAJOR_MIN} or newer; this is ${process.versions.node}\n`);
    process.exitCode = EXIT_UNSUPPORTED;
    return;
  }
  // The default is the example. As commander's default command it would also swallow misspelt verbs.
  const given = args.length === 0 ? ['start'] : args;
  try {
    const program = await buildProgram(given);
    await program.parseAsync(given, { from: 'user' });
  } catch (error) {
    if (error instanceof CommanderError) {
      // Commander has printed it. Its own exit code for wrong usage is 1.
      process.exitCode = error.exitCode === EXIT_OK ? EXIT_OK : EXIT_USAGE;
      return;
    }
    const { text, exitCode, isReproducible } = failureOf(error, given.includes('-v') || given.includes('--verbose'));
    process.stderr.write(text);
    if (isReproducible) process.stderr.write(`again: ${commandLine(given)}\n`);
    process.exitCode = exitCode;
  }
}

// A reader that has gone is told by the write itself (output.ts); unheard, these events would end us first, with a stack.
process.stdout.on('error', () => {});
process.stderr.on('error', () => {});

await main(process.argv.slice(2));
// Everything has been written. What is still alive, a CPU that would not stop, shall not keep the process.
process.exit();
