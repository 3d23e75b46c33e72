/**
 * A system call that must not fail: `const fd = check(yield sys.epoll_create1(0), 'epoll_create1')`.
 *
 * For programs, which may use it around every call whose failure they cannot do anything about. A thrown error ends the
 * machine with the program's exit code 1, and its message names the call and the errno as Linux calls it.
 */
import { errnoName, errnoText } from '../../kernel/abi/errno.ts';

export class SyscallError extends Error {
  override readonly name = 'SyscallError';
  /** The call, or what the program was about. */
  readonly what: string;
  /** Positive, as in C. */
  readonly errno: number;

  constructor(what: string, errno: number) {
    super(`${what}: ${errnoName(errno)} (${errnoText(errno)})`);
    this.what = what;
    this.errno = errno;
  }
}

/** @returns the result, which is not negative @throws SyscallError with the errno's name */
export function check(result: number, what: string): number {
  if (result < 0) throw new SyscallError(what, -result);
  return result;
}

/** A call that must move so many bytes. @throws SyscallError with the errno's name, or Error with the count */
export function checkWhole(result: number, bytes: number, what: string): void {
  if (check(result, what) !== bytes) throw new Error(`${what}: ${result} of ${bytes} bytes`);
}

/** EAGAIN for -11, the number itself for what is no error: for messages. */
export function resultName(result: number): string {
  return result < 0 ? errnoName(-result) : String(result);
}
