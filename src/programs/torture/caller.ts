/**
 * One caller: a thread of a torture that makes random calls and judges every answer. What a call is made with comes from
 * its recipe (recipes.ts and the rooms beside it); what must hold of any call's answer is looked at here:
 *
 *     the error is one that Linux can give for the call (errnos.ts)
 *     what is returned is of the kind and size that the call returns
 *     no byte around what the call was given has changed (scratch.ts)
 */
import type { SyscallName } from '../../kernel/abi/syscalls.ts';
import { SYS, syscallSpec } from '../../kernel/abi/syscalls.ts';
import { EINTR, EMFILE, errnoName } from '../../kernel/abi/errno.ts';
import { registers, trap } from '../libc/trap.ts';
import type { Guest } from '../libc/thread.ts';
import type { TortureBoard } from './board.ts';
import { DESCRIPTORS_MAX, Descriptors } from './descriptors.ts';
import { isErrorOf } from './errnos.ts';
import { spoil } from './mutation.ts';
import { Random } from './random.ts';
import { Scratch } from './scratch.ts';

export interface Recipe {
  readonly name: SyscallName;
  /** How often, beside the others. */
  readonly weight: number;
  /** Fills the registers. @returns the number to trap with */
  readonly make: (c: Caller) => number;
  /** Calls to be made first, so that this one has a chance. */
  readonly before?: (c: Caller) => Guest<unknown>;
  /** What is known of its answer. @returns what is wrong with it, or undefined */
  readonly after?: (c: Caller, result: number) => string | undefined;
  /** Its arguments are left as they are: made worse they might end the process, or its peace. */
  readonly isWhole?: boolean;
  /** Never by a child, or a thread that lives for a few calls. */
  readonly isForWorkers?: boolean;
  /** By children alone: who leads its group and session has no chance. */
  readonly isForChildren?: boolean;
}

/** Calls that never succeed otherwise. */
const ENDS_BY_SIGNAL: ReadonlySet<SyscallName> = new Set<SyscallName>(['pause', 'rt_sigsuspend']);
/** One call in so many gets an argument that is made worse. */
const SPOILED_ONCE_IN = 7;
export const UNBOUNDED = -1;
/** With more descriptors open than this, every second call closes one; counted now and then. */
const CROWDED = 150;
const TURNS_PER_COUNT = 16;

/** What the callers of a process share: addresses of its user memory. */
export interface Shared {
  readonly hints: number;
  readonly futexes: number;
  /** Threads that may be sent signals: tids, 0 for none. */
  readonly tids: number;
  /** Children that may live: pids, 0 for none. */
  readonly children: number;
  /** Places for threads and children that live for a few calls. */
  readonly nests: number;
}

/** What of the program can be started, by the numbers that the kernel knows. */
export interface Entries {
  /** Handlers: one that counts, one that makes calls. */
  readonly handler: number;
  readonly deepHandler: number;
  /** A thread, and a child, that live for a few calls. */
  readonly nestling: number;
  readonly hatchling: number;
}

export interface CallerOrder {
  readonly board: TortureBoard;
  /** Its place on the board. */
  readonly worker: number;
  readonly shared: Shared;
  readonly entries: Entries;
  readonly recipes: readonly Recipe[];
  readonly seed: number;
  /** Which of the seed's streams of random numbers. */
  readonly stream: number;
  /** Where its scratch lies; 0: it takes some. */
  readonly scratchAt?: number;
}

export class Caller {
  readonly random: Random;
  readonly scratch: Scratch;
  readonly fds: Descriptors;
  readonly shared: Shared;
  readonly board: TortureBoard;
  readonly worker: number;
  /** The most that the call under way may return; UNBOUNDED where that is not known. */
  most = UNBOUNDED;
  /** An argument of the call under way was made worse: only what holds of any call is looked at. */
  spoiled = false;
  /** For a recipe, between `make` and `after`. */
  readonly notes: [number, number, number] = [0, 0, 0];
  readonly entries: Entries;
  private readonly choices: readonly Recipe[];
  private readonly close: Recipe | undefined;
  private turns = 0;
  private isCrowded = false;

  constructor({ board, worker, shared, entries, recipes, seed, stream, scratchAt = 0 }: CallerOrder) {
    this.board = board;
    this.worker = worker;
    this.shared = shared;
    this.entries = entries;
    this.random = new Random(seed, stream);
    this.scratch = new Scratch(scratchAt);
    this.fds = new Descriptors(shared.hints, this.random);
    this.choices = recipes.flatMap((recipe) => Array.from({ length: recipe.weight }, () => recipe));
    this.close = recipes.find(({ name }) => name === 'close');
  }

  /** One random call, with what must come before it. */
  *one(): Guest<void> {
    if (this.turns++ % TURNS_PER_COUNT === 0) this.isCrowded = this.fds.open > CROWDED;
    const closes = this.isCrowded && this.close !== undefined && this.random.once(2);
    const recipe = closes ? this.close! : this.choices[this.random.below(this.choices.length)]!;
    if (recipe.before !== undefined) yield* recipe.before(this);
    yield* this.perform(recipe);
  }

  /** Makes a call by its recipe. @returns its answer */
  *perform(recipe: Recipe): Guest {
    this.scratch.clear();
    this.most = UNBOUNDED;
    this.spoiled = false;
    const number = recipe.make(this);
    const call = SYS[recipe.name];
    if (recipe.isWhole !== true && this.random.once(SPOILED_ONCE_IN)) {
      this.spoiled = spoil(this.random, syscallSpec(call)!);
    }
    this.board.noteCall(this.worker, call, registers);
    const result = yield number;
    this.board.noteResult(this.worker, result);
    const succeeded = result >= 0 || (result === -EINTR && ENDS_BY_SIGNAL.has(recipe.name));
    // There are more open than anybody knows of.
    if (result === -EMFILE) this.isCrowded = true;
    this.board.count(this.worker, succeeded);
    this.board.countCall(this.worker, call, succeeded);
    const wrong = this.judge(recipe.name, result) ?? recipe.after?.(this, result) ?? this.scratch.damage();
    if (wrong !== undefined) this.board.fail(`worker ${this.worker}, task ${trap.tid}: ${recipe.name}: ${wrong}`);
    return result;
  }

  /** A call that will not return is about to be made: to have made it is all the success there is. */
  noteLast(name: SyscallName): void {
    const call = SYS[name];
    this.board.noteCall(this.worker, call, registers);
    this.board.count(this.worker, true);
    this.board.countCall(this.worker, call, true);
  }
  /** It did return. */
  failed(name: SyscallName, result: number): void {
    this.board.fail(`worker ${this.worker}, task ${trap.tid}: ${name} returned ${result}`);
  }

  private judge(name: SyscallName, result: number): string | undefined {
    if (!Number.isInteger(result)) return `returned ${result}`;
    if (result < 0) {
      return isErrorOf(name, -result) ? undefined : `returned -${errnoName(-result)}, which it cannot on Linux`;
    }
    switch (syscallSpec(SYS[name])!.result) {
      case 'zero':
        return result === 0 ? undefined : `returned ${result}, and can only return 0`;
      case 'fd':
        return result < DESCRIPTORS_MAX ? undefined : `returned descriptor ${result}, beyond the limit`;
      case 'count':
        return this.most === UNBOUNDED || this.spoiled || result <= this.most
          ? undefined
          : `returned ${result}, and was asked for ${this.most} at most`;
      case 'signal':
        return result >= 1 && result <= 64 ? undefined : `returned signal ${result}`;
      case 'never':
        return `returned ${result}, and never returns`;
      default:
        return undefined;
    }
  }
}
