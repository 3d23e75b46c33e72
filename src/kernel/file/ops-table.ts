/**
 * The operations of every kind of file, by kind, and what stands above them all: letting a file go.
 */
import { freeRecord } from '../../shared-mem/slab.ts';
import { retireFile, takeReclaimable, UNRELEASED } from '../cpu/quiescence.ts';
import { epollFileOps } from '../epoll/epoll-file.ts';
import { MACHINE, Machine } from '../machine-record.ts';
import { deviceOps } from './device.ts';
import { eventfdOps } from './eventfd.ts';
import type { FilePtr } from './file.ts';
import { File } from './file.ts';
import type { FileOps } from './file-ops.ts';
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
  if (File.refs.sub(f, 1) !== 1) return;
  fileOps[File.kind.get(f)]!.release(f);
  retireFile(f);
}

/**
 * Releases the files whose last reference went with a stand in a wait queue (dropFileLater), and frees those of this
 * CPU that nobody can be looking at any more. Called between traps, and before the CPU idles.
 */
export function reclaimDeadFiles(): void {
  for (;;) {
    const f = takeReclaimable();
    if (f === 0) return;
    if (File.limboEpoch.get(f) === UNRELEASED) {
      fileOps[File.kind.get(f)]!.release(f);
      retireFile(f);
    } else {
      fileOps[File.kind.get(f)]!.reclaim(f);
      freeRecord(Machine.files.at(MACHINE), f);
    }
  }
}
