/**
 * Where a command's words go. The result goes to stdout, or to the file of -o; everything else goes to stderr. A result
 * that cannot be delivered whole ends the command with a message and a failing exit code.
 *
 * Promise: with --json, what is delivered is one JSON document and nothing else.
 */
import { closeSync, constants, fstatSync, ftruncateSync, openSync, rmSync, writeSync } from 'node:fs';
import type { Command } from 'commander';
import { colorAllowed, type TableStyle } from '../bench/columns.ts';
import { DeliveryError, UsageError } from './exit-codes.ts';

export interface OutputFlags {
  readonly json?: boolean;
  readonly output?: string;
  readonly quiet?: boolean;
  readonly verbose?: boolean;
  readonly color?: boolean;
  readonly progress?: boolean;
}

export function outputFlags(command: Command): Command {
  return command
    .option('--json', 'print one JSON document instead of tables')
    .option('-o, --output <file>', 'write the result to a file (JSON if its name ends in .json)')
    .option('-q, --quiet', 'say only what went wrong')
    .option('-v, --verbose', 'say more')
    .option('--no-color', 'no colour, as with NO_COLOR=1; FORCE_COLOR=1 keeps it in a pipe')
    .option('--no-progress', 'no progress line on the terminal');
}

type Write = typeof process.stdout.write;

/** Writes all of it. @throws DeliveryError when the reader has gone or the disk is full */
function writeAll(write: Write, text: string): Promise<void> {
  return new Promise((resolve, reject) => {
    write(text, (error) => (error ? reject(undelivered('stdout', error)) : resolve()));
  });
}

function undelivered(where: string, error: Error): DeliveryError {
  const { code } = error as NodeJS.ErrnoException;
  if (code === 'EPIPE') return new DeliveryError(`${where} was closed before the whole result was written`, true);
  if (code === 'ENOSPC') return new DeliveryError(`${where}: no space left on the device; the result is incomplete`);
  return new DeliveryError(`${where}: the result could not be written: ${error.message}`);
}

/** The file of -o: opened before any work is done, so that a wrong path is told at once; emptied only to be filled. */
class ResultFile {
  private readonly path: string;
  private readonly fd: number;
  private readonly isRegular: boolean;
  private readonly isNew: boolean;

  constructor(path: string) {
    this.path = path;
    try {
      this.fd = openSync(path, constants.O_WRONLY | constants.O_CREAT, 0o666);
    } catch (error) {
      throw new UsageError(`-o ${path}: cannot be written: ${(error as Error).message}`);
    }
    const status = fstatSync(this.fd);
    this.isRegular = status.isFile();
    this.isNew = this.isRegular && status.size === 0;
  }

  write(text: string): void {
    try {
      if (this.isRegular) ftruncateSync(this.fd, 0);
      const bytes = Buffer.from(text);
      for (let at = 0; at < bytes.length; ) at += writeSync(this.fd, bytes, at, bytes.length - at);
    } catch (error) {
      throw undelivered(`-o ${this.path}`, error as Error);
    }
  }

  /** @param isFilled whether a result was written; an empty file that nothing came of is taken away again */
  close(isFilled: boolean): void {
    closeSync(this.fd);
    if (!isFilled && this.isNew) rmSync(this.path, { force: true });
  }
}

export class Output {
  readonly json: boolean;
  readonly quiet: boolean;
  readonly verbose: boolean;
  /** How tables look where the result goes. */
  readonly style: TableStyle;
  readonly showsProgress: boolean;
  private readonly file: ResultFile | undefined;
  private readonly writeStdout: Write;
  private readonly warnings: { readonly code: string; readonly message: string }[] = [];
  private isFilled = false;

  constructor(flags: OutputFlags, environment: NodeJS.ProcessEnv = process.env) {
    this.file = flags.output === undefined ? undefined : new ResultFile(flags.output);
    this.json = flags.json === true || flags.output?.endsWith('.json') === true;
    this.quiet = flags.quiet === true;
    this.verbose = flags.verbose === true;
    const toTerminal = this.file === undefined && process.stdout.isTTY === true;
    this.style = {
      color: flags.color !== false && colorAllowed(environment, toTerminal),
      columns: Number(environment.COLUMNS) || process.stdout.columns || 100,
    };
    // Guests run in this process. What one of them logs would stand in the middle of the result, so it goes to stderr.
    this.writeStdout = process.stdout.write;
    process.stdout.write = process.stderr.write.bind(process.stderr);
    this.showsProgress = flags.progress !== false && !this.quiet && process.stderr.isTTY === true;
  }

  /** The result, whole: a text that ends in a newline. */
  async result(text: string): Promise<void> {
    this.isFilled = true;
    if (this.file === undefined) await writeAll(this.writeStdout.bind(process.stdout) as Write, text);
    else this.file.write(text);
  }

  /** The result as a document for scripts. */
  async document(verb: string, host: unknown, body: object): Promise<void> {
    const { warnings } = this;
    await this.result(`${JSON.stringify({ schemaVersion: 1, verb, host, ...body, warnings }, null, 2)}\n`);
  }

  /** What a machine warns of: told at once, and kept for the document. */
  machineWarning(code: string, message: string, report: string): void {
    this.warnings.push({ code, message });
    this.warn(`smplab: ${message}`);
    if (!this.quiet) process.stderr.write(`\n${report}\n\n`);
  }

  /** What a person may want to know, unless -q. */
  note(line: string): void {
    if (!this.quiet) process.stderr.write(`${line}\n`);
  }

  /** What a person must know. */
  warn(line: string): void {
    process.stderr.write(`${line}\n`);
  }

  close(): void {
    process.stdout.write = this.writeStdout;
    this.file?.close(this.isFilled);
  }
}
