/**
 * execve and posix_spawn: another program in this process, or in a new one. A program is an exported generator function
 * of the module; it gets the address of its arguments, and `argvAt` reads them.
 *
 * posix_spawn is made as C libraries make it: the child borrows this memory (CLONE_VM | CLONE_VFORK), does what the
 * actions say, and calls execve; until then the parent waits, so a failure can be told by a word that both see. All signals
 * are blocked meanwhile, for no handler may run in borrowed memory.
 */
import { F_SETFD } from '../../kernel/abi/flags-file.ts';
import { SIG_DFL, SIG_SETMASK, SIGCHLD } from '../../kernel/abi/flags-signal.ts';
import { CLONE_VFORK, CLONE_VM } from '../../kernel/abi/flags-task.ts';
import { alloc, allocString, load32, load64, load8, store32, store64, storeFloat } from './memory.ts';
import { sys } from './sys.ts';
import type { Guest } from './thread.ts';
import { entryOf, sigaction } from './thread.ts';
import { trap } from './trap.ts';

/** What a child does with its descriptors before it begins. */
export type SpawnAction =
  | { readonly action: 'dup2'; readonly from: number; readonly to: number }
  | { readonly action: 'close'; readonly fd: number };

export interface SpawnOptions {
  readonly actions?: readonly SpawnAction[];
  /** Its signal mask; the parent's if it is left out. */
  readonly mask?: bigint;
  /** Signals whose action becomes the default, though the parent ignores them. */
  readonly defaults?: readonly number[];
  /** Its process group: 0 for one of its own. */
  readonly group?: number;
  /** 1: a session of its own. */
  readonly newSession?: boolean;
  /** Its home CPU, -1 to let the kernel choose. */
  readonly cpu?: number;
}

// What parent and child share, int32 words: error, path, argv, group (-1: the parent's), new session, mask low, mask
// high, how many signals get their default, how many actions; then the signals; then (kind, fd, to) of each action.
const ERROR = 0;
const PATH = 1;
const ARGV = 2;
const GROUP = 3;
const SESSION = 4;
const MASK = 6;
const DEFAULTS = 8;
const ACTIONS = 9;
const HEAD_WORDS = 10;
const ACTION_DUP2 = 1;
const ACTION_CLOSE = 2;
const EXIT_NOT_STARTED = 127;
/** The libc's own entry -1: `spawnedChild`. */
const CHILD_ENTRY = -1;

/** This process goes on as another program. @returns -errno, or not at all */
export function* execve(start: unknown, args: readonly string[] = []): Guest {
  return yield sys.execve(allocString(`/entry/${entryOf(start)}`), allocArguments(args), 0);
}

/** The strings that a program was started with. @param address its argument */
export function argvAt(address: number): string[] {
  if (address === 0) return [];
  const argc = load32(address);
  return Array.from({ length: argc }, (_, i) => stringAt(Number(load64(address + 8 * (1 + i)))));
}

/** The string at an address, up to its NUL. */
export function stringAt(address: number): string {
  const bytes: number[] = [];
  for (let at = address; load8(at) !== 0; at++) bytes.push(load8(at));
  return new TextDecoder().decode(Uint8Array.from(bytes));
}

function allocArguments(args: readonly string[]): number {
  const at = alloc(8 * (args.length + 1));
  for (const [i, text] of args.entries()) store64(at + 8 * i, allocString(text));
  return at;
}

/** Begins a child that runs `start` with strings as its arguments. @returns its pid, or -errno */
export function* posix_spawn(start: unknown, args: readonly string[] = [], options: SpawnOptions = {}): Guest {
  const masks = alloc(16);
  store64(masks, -1n);
  yield sys.rt_sigprocmask(SIG_SETMASK, masks, masks + 8, 8);
  const block = allocBlock(start, args, options, options.mask ?? load64(masks + 8));
  const stack = alloc(24);
  store64(stack, CHILD_ENTRY);
  storeFloat(stack + 8, block);
  store64(stack + 16, options.cpu ?? -1);
  const pid = yield sys.clone(CLONE_VM | CLONE_VFORK | SIGCHLD, stack, 0, 0, 0);
  const error = load32(block + 4 * ERROR);
  // One that never became the program is no child of the caller's.
  if (pid > 0 && error !== 0) yield sys.wait4(pid, 0, 0, 0);
  yield sys.rt_sigprocmask(SIG_SETMASK, masks + 8, 0, 8);
  return pid > 0 && error !== 0 ? error : pid;
}

function allocBlock(start: unknown, args: readonly string[], options: SpawnOptions, mask: bigint): number {
  const actions = options.actions ?? [];
  const defaults = options.defaults ?? [];
  const block = alloc(4 * (HEAD_WORDS + defaults.length + 3 * actions.length));
  store32(block + 4 * PATH, allocString(`/entry/${entryOf(start)}`));
  store32(block + 4 * ARGV, allocArguments(args));
  store32(block + 4 * GROUP, options.group ?? -1);
  store32(block + 4 * SESSION, options.newSession === true ? 1 : 0);
  store64(block + 4 * MASK, mask);
  store32(block + 4 * DEFAULTS, defaults.length);
  store32(block + 4 * ACTIONS, actions.length);
  let at = block + 4 * HEAD_WORDS;
  for (const signal of defaults) {
    store32(at, signal);
    at += 4;
  }
  for (const action of actions) {
    store32(at, action.action === 'dup2' ? ACTION_DUP2 : ACTION_CLOSE);
    store32(at + 4, action.action === 'dup2' ? action.from : action.fd);
    store32(at + 8, action.action === 'dup2' ? action.to : 0);
    at += 12;
  }
  return block;
}

/** The child, in its parent's memory: prepares itself and becomes the program, or says why not. */
function* spawnedChild(block: number): Guest {
  store32(block + 4 * ERROR, yield* prepare(block));
  yield sys.exit_group(EXIT_NOT_STARTED);
  return 0;
}

/** @returns -errno, or not at all */
function* prepare(block: number): Guest {
  if (load32(block + 4 * SESSION) === 1) yield sys.setsid();
  const group = load32(block + 4 * GROUP);
  const grouped = group < 0 ? 0 : yield sys.setpgid(0, group);
  if (grouped < 0) return grouped;
  let at = block + 4 * HEAD_WORDS;
  for (let i = load32(block + 4 * DEFAULTS); i > 0; i--, at += 4) yield* sigaction(load32(at), SIG_DFL);
  for (let i = load32(block + 4 * ACTIONS); i > 0; i--, at += 12) {
    const done = yield* act(load32(at), load32(at + 4), load32(at + 8));
    if (done < 0) return done;
  }
  yield sys.rt_sigprocmask(SIG_SETMASK, block + 4 * MASK, 0, 8);
  return yield sys.execve(load32(block + 4 * PATH), load32(block + 4 * ARGV), 0);
}

/** dup2 onto the same number keeps the descriptor open across the exec, as POSIX asks of posix_spawn. */
function* act(kind: number, fd: number, to: number): Guest {
  if (kind === ACTION_CLOSE) {
    yield sys.close(fd);
    return 0;
  }
  return fd === to ? yield sys.fcntl(fd, F_SETFD, 0) : yield sys.dup3(fd, to, 0);
}

trap.libcEntries[-1 - CHILD_ENTRY] = spawnedChild;
