/**
 * fcntl's owner of a file: F_SETOWN, F_GETOWN, F_SETSIG, F_GETSIG. Any file has one, whatever its kind.
 *
 * Declared: the owner is kept and told, and never sent anything. O_ASYNC, which would ask for that, is ignored by F_SETFL,
 * as Linux ignores it for the kinds that know no such thing.
 *
 * Linux: fs/fcntl.c f_setown, f_getown.
 */
import { EINVAL, ESRCH } from '../abi/errno.ts';
import type { FilePtr } from '../file/file.ts';
import { File } from '../file/file.ts';
import { Process } from '../process/process.ts';
import { processOfTid, taskByTid } from '../task/tid.ts';

/** Signal numbers end here; 0 stands for SIGIO. */
const SIGNAL_MAX = 64;
const NO_GROUP = -0x80000000;

/** @param who a task's number, a group's with a minus, or 0 for nobody @returns 0 or -errno */
export function setFileOwner(f: FilePtr, who: number): number {
  if (who === NO_GROUP) return -EINVAL;
  if (who > 0 && taskByTid(who) === 0) return -ESRCH;
  if (who < 0 && processOfTid(-who) === 0) return -ESRCH;
  File.owner.store(f, who);
  return 0;
}

/** @returns the owner, or 0 if it is gone by now, or if what was named as a group is none */
export function fileOwner(f: FilePtr): number {
  const who = File.owner.load(f);
  if (who >= 0) return who === 0 || taskByTid(who) === 0 ? 0 : who;
  const p = processOfTid(-who);
  return p !== 0 && Process.group.load(p) === -who ? who : 0;
}

/** @returns 0 or -EINVAL */
export function setFileSignal(f: FilePtr, signal: number): number {
  if (signal < 0 || signal > SIGNAL_MAX) return -EINVAL;
  File.ownerSignal.store(f, signal);
  return 0;
}

export function fileSignal(f: FilePtr): number {
  return File.ownerSignal.load(f);
}
