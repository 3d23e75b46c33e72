/**
 * `smplab doctor`: what this environment has of what smplab needs, and what to do about the rest.
 */
import type { Command } from 'commander';
import { GREEN, paint, RED, type TableStyle, YELLOW } from '../bench/columns.ts';
import type { Finding } from './examination.ts';
import { EXIT_OK, EXIT_UNSUPPORTED } from './exit-codes.ts';
import { type OutputFlags, outputFlags } from './output.ts';
import { inSession } from './session.ts';

export function define(command: Command): void {
  outputFlags(command).addHelpText(
    'after',
    `
Examples:
  smplab doctor
  smplab doctor --json | jq '.findings[] | select(.status != "ok")'

The exit code is 4 if smplab cannot run here.`,
  );
  command.action((flags: OutputFlags) =>
    inSession(flags, async ({ output, progress }) => {
      const { examine } = await import('./examination.ts');
      const findings: Finding[] = [];
      for await (const finding of examine((name) => progress.show(`doctor: ${name}`))) findings.push(finding);
      progress.end();
      const isSupported = findings.every(({ status }) => status !== 'fail');
      if (output.json) {
        const { describeHost } = await import('../bench/run.ts');
        await output.document('doctor', describeHost(), { supported: isSupported, findings });
      } else {
        const shown = output.quiet ? findings.filter(({ status }) => status !== 'ok') : findings;
        const end = isSupported ? 'smplab runs here' : 'smplab does not run here; see the lines that say fail';
        const lines = [...shown.map((finding) => findingLine(finding, output.style)), ...(output.quiet ? [] : [end])];
        if (lines.length > 0) await output.result(`${lines.join('\n')}\n`);
      }
      return isSupported ? EXIT_OK : EXIT_UNSUPPORTED;
    }),
  );
}

const COLORS = { ok: GREEN, warn: YELLOW, fail: RED };

function findingLine({ name, status, found, advice }: Finding, style: TableStyle): string {
  const line = `${paint(status.padEnd(4), COLORS[status], style)}  ${name.padEnd(18)}  ${found}`;
  return advice === undefined ? line : `${line}\n${' '.repeat(26)}-> ${advice}`;
}
