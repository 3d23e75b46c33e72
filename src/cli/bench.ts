/**
 * `smplab bench`: measurements, beside the host's where asked for. Suites and figures are bench's own (src/bench); this
 * file chooses suites, keeps the rows as they come, and prints them, also those of a run that was stopped.
 */
import type { Command } from 'commander';
import type { Row } from '../bench/rows.ts';
import type { Suite } from '../bench/suite.ts';
import { EXIT_INTERRUPTED, EXIT_OK, UsageError } from './exit-codes.ts';
import { type OutputFlags, outputFlags } from './output.ts';
import { inSession, type Session } from './session.ts';
import { readSettings, type SettingUse, settingFlags } from './settings.ts';
import { unknownName } from './suggest.ts';
import { list, wholeNumber } from './values.ts';

/** The other settings are what the suites vary, or would make their rows incomparable. */
const USE: SettingUse = { names: ['epoll', 'cpus'], lists: ['epoll', 'cpus'] };

interface BenchFlags extends OutputFlags {
  readonly fds?: string;
  readonly quick?: boolean;
  readonly compareHost?: boolean;
}

interface Order {
  readonly suites: readonly Suite[];
  readonly designs: readonly string[];
  readonly cpus: readonly number[] | undefined;
  readonly fds: readonly number[] | undefined;
  readonly quick: boolean;
  readonly compareHost: boolean;
}

export function define(command: Command): void {
  command
    .argument('<collection>', 'collection of suites, or all (see `smplab list`)')
    .argument('[suite]', 'one suite of it; all of them by default')
    .option('--fds <n,...>', 'descriptors to watch, where a suite sweeps them')
    .option('--quick', 'fewer and shorter samples: an impression, not a result')
    .option('--compare-host', 'measure the host in turns with the machine; needs a C compiler');
  outputFlags(settingFlags(command, USE)).addHelpText(
    'after',
    `
Examples:
  smplab bench syscall basic --compare-host
  smplab bench epoll repoll --fds 1,10,100,1000 --cpus 1,2
  smplab bench all --quick --json -o rows.json

Every row states its unit, samples, and the 95 % bounds of its median. Checks are off.`,
  );
  command.action((collection: string, suite: string | undefined, flags: BenchFlags) =>
    inSession(flags, async (session) => {
      const { settings, warnings } = await readSettings(command, USE);
      for (const warning of warnings) session.output.warn(`smplab: ${warning}`);
      const { designsOf } = await import('./boot.ts');
      return bench(session, {
        suites: await chosenSuites(collection, suite),
        designs: designsOf(settings.epoll),
        cpus: counts(settings.cpus, '--cpus'),
        fds: flags.fds === undefined ? undefined : counts(list(wholeNumber)(flags.fds, '--fds'), '--fds'),
        quick: flags.quick === true,
        compareHost: flags.compareHost === true,
      });
    }),
  );
}

function counts(given: unknown, where: string): readonly number[] | undefined {
  const numbers = given as readonly number[] | undefined;
  for (const number of numbers ?? []) if (number < 1) throw new UsageError(`${where}: ${number} is less than 1`);
  return numbers;
}

async function chosenSuites(collection: string, name: string | undefined): Promise<readonly Suite[]> {
  const { SUITES } = await import('../bench/registry.ts');
  const { selectSuites } = await import('../bench/suite.ts');
  const found = selectSuites(SUITES, collection, name);
  if (found !== null) return found;
  const collections = [...new Set(SUITES.map((suite) => suite.collection)), 'all'];
  if (!collections.includes(collection)) throw new UsageError(unknownName('collection', collection, collections));
  const suites = SUITES.filter((suite) => suite.collection === collection).map((suite) => suite.name);
  if (collection === 'all') throw new UsageError(`bench all takes no suite; leave out '${name}'`);
  throw new UsageError(unknownName(`suite of ${collection}`, name!, suites));
}

async function bench(session: Session, order: Order): Promise<number> {
  const { output, progress, interrupts } = session;
  const { benchRows, describeHost } = await import('../bench/run.ts');
  const { bootSampler } = await import('../bench/machine-sampler.ts');
  const { oversubscribedWarning } = await import('./boot.ts');
  const warning = oversubscribedWarning(Math.max(1, ...(order.cpus ?? [])));
  if (warning !== undefined) output.note(warning);
  const rows: Row[] = [];
  const iterator = benchRows(order.suites, {
    designs: order.designs,
    ...(order.cpus === undefined ? {} : { cpus: order.cpus }),
    ...(order.fds === undefined ? {} : { fds: order.fds }),
    quick: order.quick,
    compareHost: order.compareHost,
    boot: bootSampler,
    progress: (text) => progress.show(`bench ${text}; ${rows.length} rows so far`),
    complain: (line) => {
      progress.clear();
      output.warn(line);
    },
  })[Symbol.asyncIterator]();
  let isPartial = false;
  for (;;) {
    const next = iterator.next();
    next.catch(() => {});
    // A row may take long; what is measured when somebody stops the run is not waited for.
    const step = await Promise.race([next, interrupts.interrupted]);
    isPartial = step === 'interrupted';
    if (step === 'interrupted' || step.done === true) break;
    rows.push(step.value);
  }
  progress.end();
  if (rows.length === 0 && !isPartial)
    throw new UsageError('none of these suites has a row for these designs and sizes');
  if (output.json) {
    const { designs, cpus, fds, quick, compareHost } = order;
    await output.document('bench', describeHost(), {
      config: { designs, cpus: cpus ?? null, fds: fds ?? null, quick, compareHost, checks: false },
      interrupted: isPartial,
      rows,
    });
  } else {
    const { renderTable } = await import('../bench/table.ts');
    const end = isPartial ? '\ninterrupted: these are the rows that were complete\n' : '';
    await output.result(`${renderTable(rows, describeHost(), output.style)}${end}`);
  }
  return isPartial ? EXIT_INTERRUPTED : EXIT_OK;
}
