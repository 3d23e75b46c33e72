/**
 * `npm start`, and `smplab` without a verb: the bundled trace of a redis-server, replayed with two CPUs on every design
 * of epoll, side by side. What a newcomer sees first.
 */
import { join } from 'node:path';
import type { Command } from 'commander';
import { type OutputFlags, outputFlags } from './output.ts';
import { packageRoot } from './package.ts';
import { replay } from './replay.ts';
import { inSession } from './session.ts';

const NEXT = 'Next: `npx smplab run thundering-herd` shows who wakes for nothing; `npx smplab --help` has the rest.';

export function define(command: Command): void {
  outputFlags(command).addHelpText(
    'after',
    `
The same as: smplab replay data/traces/redis.strace.gz --cpus 2`,
  );
  command.action((flags: OutputFlags) =>
    inSession(flags, async (session) => {
      const file = join(packageRoot(), 'data', 'traces', 'redis.strace.gz');
      const { DESIGN_NAMES } = await import('../kernel/epoll/source-ops.ts');
      session.output.note(
        'A recorded redis-server, replayed on a machine of two CPUs, once with each design of epoll.',
      );
      const exitCode = await replay(session, {
        file,
        designs: DESIGN_NAMES,
        speed: 'max',
        strict: false,
        boot: { cpus: 2 },
      });
      session.output.note(`\n${NEXT}`);
      return exitCode;
    }),
  );
}
