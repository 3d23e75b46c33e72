/**
 * What a person is told when a command fails, and the exit code of each kind of failure. Every error ends here.
 */
import { BootError, MachineDied } from '../machine/errors.ts';
import {
  DeliveryError,
  EXIT_FAILED,
  EXIT_MACHINE,
  EXIT_UNSUPPORTED,
  EXIT_USAGE,
  UnsupportedError,
  UsageError,
} from './exit-codes.ts';

export interface Failure {
  readonly text: string;
  readonly exitCode: number;
  /** The machine's end, or ours: the same command may show it again. */
  readonly isReproducible: boolean;
}

/** Errors of rooms that are loaded only when their verb runs: known by name, so that --help does not load them. */
const INPUT_ERRORS = new Set(['StraceError', 'CaseFileError']);

const FILE_ERRORS: Readonly<Record<string, string>> = {
  ENOENT: 'there is no such file',
  EACCES: 'permission denied',
  EISDIR: 'it is a directory',
  ENOTDIR: 'a part of the path is not a directory',
  EMFILE: 'too many open files',
};

export function failureOf(error: unknown, verbose: boolean): Failure {
  if (error instanceof MachineDied) {
    return { text: `${error.report}\n`, exitCode: error.exitCode, isReproducible: true };
  }
  if (error instanceof Error && error.name === 'ReplayStuck') {
    const { report = '' } = error as Error & { readonly report?: string };
    return { text: `smplab: ${error.message}\n${report}\n`, exitCode: EXIT_MACHINE, isReproducible: true };
  }
  if (error instanceof BootError || error instanceof UsageError) return line(error.message, EXIT_USAGE);
  if (error instanceof UnsupportedError || (error instanceof Error && error.name === 'HostUnavailable'))
    return line(error.message, EXIT_UNSUPPORTED);
  if (error instanceof DeliveryError) {
    return error.isReaderGone
      ? { text: '', exitCode: EXIT_FAILED, isReproducible: false }
      : line(error.message, EXIT_FAILED);
  }
  if (!(error instanceof Error)) return line(String(error), EXIT_MACHINE);
  if (INPUT_ERRORS.has(error.name)) return line(error.message, EXIT_USAGE);
  const { code, path } = error as NodeJS.ErrnoException;
  if (code !== undefined && path !== undefined && FILE_ERRORS[code] !== undefined) {
    return line(`${path}: ${FILE_ERRORS[code]}`, EXIT_USAGE);
  }
  if (error.message.includes('is not built: run npm run build')) return line(error.message, EXIT_UNSUPPORTED);
  const more = verbose ? `\n${error.stack ?? ''}` : ' (-v prints where)';
  return line(`an error of smplab's own: ${error.message}${more}`, EXIT_MACHINE);
}

function line(message: string, exitCode: number): Failure {
  return { text: `smplab: ${message}\n`, exitCode, isReproducible: exitCode === EXIT_MACHINE };
}

/** The command as one can type it again. */
export function commandLine(args: readonly string[]): string {
  const quoted = args.map((arg) => (/^[\w@%+=:,./-]+$/.test(arg) ? arg : `'${arg.replaceAll("'", "'\\''")}'`));
  return ['smplab', ...quoted].join(' ');
}
