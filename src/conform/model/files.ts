// A second, tiny kernel's files: eventfd, pipe, timerfd, signalfd, as plain data with the rules of Linux for what they
// answer and when they are ready; sockets stand in sockets.ts. It serves to foretell what a design answers where it
// differs, so it shares no code with the machine. Callers: model/world.ts and the model of a design.
// Promise: what a rule does not fix is answered `undefined`, never guessed.

import { closeSocket, type SocketFile } from './sockets.ts';
import { ERR, HUP, IN, type Moved, OUT, RDNORM, type Tell, WRNORM } from './told.ts';

const EVENTFD_MAX = 2n ** 64n - 1n;
const PAGE_BYTES = 4096;
export const PIPE_SLOTS = 16;
/** Anybody's pipe may be made as large. */
const PIPE_SURE_BYTES = 1 << 20;

export interface EventfdFile {
  kind: 'eventfd';
  count: bigint;
  semaphore: boolean;
}

/** What both ends of a pipe share. A slot is a page: where its unread bytes begin, and how many they are. */
export interface PipeState {
  /** A packet is read whole: what does not fit is dropped (K17). */
  slots: { offset: number; length: number; packet?: true }[];
  slotsMax: number;
  readerOpen: boolean;
  writerOpen: boolean;
}

export interface PipeEnd {
  kind: 'pipe';
  pipe: PipeState;
  writes: boolean;
  /** O_DIRECT. */
  packets: boolean;
}

export interface TimerFile {
  kind: 'timerfd';
  /** When it expires next, or undefined while disarmed. The clock of the model moves in sleeps only. */
  dueNs: number | undefined;
  intervalNs: number;
  /** Expirations that were counted and not read. */
  ticks: number;
  /** Its expiry was told. */
  told: boolean;
}

export interface SignalFile {
  kind: 'signalfd';
  signals: number[];
}

export type SourceFile = EventfdFile | PipeEnd | SocketFile | TimerFile | SignalFile;

export function eventfdReadiness({ count }: EventfdFile): number {
  return (count > 0n ? IN : 0) | (count < EVENTFD_MAX - 1n ? OUT : 0);
}

export function pipeReadiness({ pipe, writes }: PipeEnd): number {
  const { slots, slotsMax, readerOpen, writerOpen } = pipe;
  if (writes) return (slots.length < slotsMax ? OUT | WRNORM : 0) | (readerOpen ? 0 : ERR);
  return (slots.length > 0 ? IN | RDNORM : 0) | (writerOpen ? 0 : HUP);
}

export function readEventfd(file: EventfdFile, tell: Tell): bigint | undefined {
  if (file.count === 0n) return undefined;
  const value = file.semaphore ? 1n : file.count;
  file.count -= value;
  tell({ to: 'own', keys: OUT, kind: 'changed' });
  return value;
}

export function writeEventfd(file: EventfdFile, value: bigint, tell: Tell): Moved {
  if (value === EVENTFD_MAX) return '-EINVAL';
  if (file.count + value > EVENTFD_MAX - 1n) return '-EAGAIN';
  file.count += value;
  tell({ to: 'own', keys: IN, kind: 'changed' });
  return 8;
}

/** F_SETPIPE_SZ (K16). Who may have more than this is not the model's to know. */
export function resizePipe(pipe: PipeState, bytes: number): Moved {
  if (bytes < 0) return '-EINVAL';
  if (bytes > PIPE_SURE_BYTES) return undefined;
  const pages = Math.max(1, Math.ceil(bytes / PAGE_BYTES));
  const slots = 2 ** Math.ceil(Math.log2(pages));
  if (slots < pipe.slots.length) return '-EBUSY';
  pipe.slotsMax = slots;
  return slots * PAGE_BYTES;
}

export function pipeBytes(pipe: PipeState): number {
  return pipe.slotsMax * PAGE_BYTES;
}

export function readPipe(file: PipeEnd, bytes: number, tell: Tell): Moved {
  const { pipe } = file;
  if (file.writes) return '-EBADF';
  if (bytes === 0) return 0;
  if (pipe.slots.length === 0) return pipe.writerOpen ? '-EAGAIN' : 0;
  const wasFull = pipe.slots.length >= pipe.slotsMax;
  let moved = 0;
  while (moved < bytes && pipe.slots.length > 0) {
    const slot = pipe.slots[0]!;
    const taken = Math.min(slot.length, bytes - moved);
    slot.offset += taken;
    slot.length -= taken;
    moved += taken;
    if (slot.length === 0 || slot.packet === true) pipe.slots.shift();
    if (slot.packet === true) break;
  }
  tell({
    to: pipe.writerOpen ? 'other' : 'own',
    keys: OUT | WRNORM,
    kind: wasFull && pipe.writerOpen ? 'changed' : 'moved',
  });
  return moved;
}

/** K4 to K7: the odd bytes share the last page if they fit in it whole, the rest fills pages of its own. */
export function writePipe(file: PipeEnd, bytes: number, tell: Tell): Moved {
  const { pipe } = file;
  if (!file.writes) return '-EBADF';
  if (bytes === 0) return 0;
  if (!pipe.readerOpen) return '-EPIPE';
  let left = bytes;
  const odd = bytes % PAGE_BYTES;
  const last = pipe.slots.at(-1);
  if (odd > 0 && last !== undefined && last.packet !== true && last.offset + last.length + odd <= PAGE_BYTES) {
    last.length += odd;
    left -= odd;
  }
  while (left > 0 && pipe.slots.length < pipe.slotsMax) {
    const length = Math.min(left, PAGE_BYTES);
    pipe.slots.push({ offset: 0, length, ...(file.packets && { packet: true }) });
    left -= length;
  }
  tell({ to: 'other', keys: IN | RDNORM, kind: left === bytes ? 'refused' : 'changed' });
  return left === bytes ? '-EAGAIN' : bytes - left;
}

/** The last reference is gone: the other end notices. */
export function releaseSource(file: SourceFile, tell: Tell): void {
  if (file.kind === 'socket') closeSocket(file, tell);
  if (file.kind !== 'pipe') return;
  if (file.writes) file.pipe.writerOpen = false;
  else file.pipe.readerOpen = false;
  tell({ to: 'other', keys: 0, kind: 'changed' });
}
