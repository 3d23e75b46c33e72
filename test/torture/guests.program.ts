// Guests for the torture's own tests: each does one thing that the runner has to notice.
import { alloc, type Guest, print, startThread, store32, sys } from '../../src/programs/libc/index.ts';
import { trap } from '../../src/programs/libc/trap.ts';
import { TortureBoard } from '../../src/programs/torture/board.ts';

interface Options {
  readonly board: SharedArrayBuffer;
  readonly does: string;
}

function* works(board: TortureBoard, pauseNs = 100_000): Guest<void> {
  const pause = alloc(16);
  store32(pause + 8, pauseNs);
  board.begin(0);
  while (!board.stopped) {
    yield sys.nanosleep(pause, 0);
    board.count(0, true);
  }
  board.end(0);
}

/** Never comes back, while others work. */
export function* stuck(_: number, { board }: Options): Guest {
  new TortureBoard(board).begin(1);
  yield sys.pause();
  return 0;
}

const ACTIONS: Readonly<Record<string, (board: TortureBoard) => Guest>> = {
  *works(board) {
    yield* works(board);
    return 0;
  },
  *fails(board) {
    board.begin(0);
    yield sys.getpid();
    board.noteCall(0, 0, new Float64Array([3, 4, 5, 0, 0, 0]));
    board.noteResult(0, -9);
    board.fail('worker 0: read: returned what it cannot');
    return 0;
  },
  *endsBadly() {
    yield sys.getpid();
    return 3;
  },
  *standsStill(board) {
    yield* startThread(stuck);
    yield* works(board);
    return 0;
  },
  *deadlocks() {
    yield sys.pause();
    return 0;
  },
  /** Adds a reference that nobody has to the file behind descriptor 0: guests see all memory, as rowhammer does. */
  *damages(board) {
    const words = new Int32Array(trap.memory);
    const { fileRefs } = trap.image!.argv as { readonly fileRefs: number };
    words[fileRefs]!++;
    yield* works(board);
    words[fileRefs]!--;
    return 0;
  },
};

export function* main(_: number, options: Options): Guest {
  const act = ACTIONS[options.does];
  if (act === undefined) print(`there is no ${options.does}`);
  return act === undefined ? 1 : yield* act(new TortureBoard(options.board));
}
