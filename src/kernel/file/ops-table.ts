/**
 * The operations of every kind of file, by kind, and what stands above them all: letting a file go.
 */
import { freeRecord } from '../../shared-mem/slab.ts';
import { retireFile, takeDropped, takeReclaimable } from '../cpu/quiescence.ts';
import { endInVain } from '../cpu/stops.ts';
import { designIndex, epollOps } from '../epoll/design-ops.ts';
import { epollFileOps } from '../epoll/epoll-file.ts';
import { MACHINE, Machine } from '../machine-record.ts';
import { deviceOps } from './device.ts';
import { eventfdOps } from './eventfd.ts';
import type { FilePtr } from './file.ts';
import { File } from './file.ts';
import type { FileOps } from './file-ops.ts';
import { collectSockets, onlyInFlight } from './in-flight.ts';
import { memfdOps } from './memfd.ts';
import { pipeOps } from './pipe.ts';
import { signalfdOps } from './signalfd.ts';
import { socketOps } from './socket.ts';
import { timerfdOps } from './timerfd.ts';

/** By KIND_*; kind 0 is no file, and no file of kind 0 is ever reachable. */
export const fileOps: readonly FileOps[] = [
  deviceOps,
  eventfdOps,
  pipeOps,
  timerfdOps,
  signalfdOps,
  socketOps,
  memfdOps,
  deviceOps,
  epollFileOps,
];

/** Drops a reference; with the last one the file dies and goes to limbo. Called without locks. */
export function releaseFile(f: FilePtr): void {
  const left = File.refs.sub(f, 1) - 1;
  if (left === 0) {
    endFile(f);
    retireFile(f);
  } else if (onlyInFlight(f, left)) {
    collectSockets();
  }
}

/** Nobody refers to the file any more: its watchers forget it, and its kind tells the other side. */
function endFile(f: FilePtr): void {
  if (File.watcherCount.load(f) > 0) epollOps[designIndex()]!.sourceGone(f);
  fileOps[File.kind.get(f)]!.release(f);
}

/** Releases the files whose last reference this CPU dropped below the table of operations (dropFileLater). Without locks. */
export function releaseDropped(): void {
  for (;;) {
    const f = takeDropped();
    if (f === 0) return;
    endFile(f);
    retireFile(f);
  }
}

/** Releases what was dropped, and frees the files of this CPU that nobody can be looking at any more. Between traps. */
export function reclaimDeadFiles(): void {
  endInVain();
  releaseDropped();
  for (;;) {
    const f = takeReclaimable();
    if (f === 0) return;
    fileOps[File.kind.get(f)]!.reclaim(f);
    freeRecord(Machine.files.at(MACHINE), f);
  }
}
