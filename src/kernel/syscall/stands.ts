/**
 * Where the calls stand that wait for a file, and how: in the queue that the design gives to those who wait for it, and in
 * a queue of the file's own as on Linux. There a change wakes all who share it, the last comer first, and of those who
 * stand exclusively one, the first comer; an exclusive one that goes without what it was woken for passes the wake on.
 *
 * Where the design has no queue, its answer is YIELD: the call stays runnable and looks again (VeridianOS's).
 *
 * A queue that is not the file's own (Kevlar's, or that of a process's signals) knows no exclusive ones.
 *
 * Linux: kernel/sched/wait.c, fs/pipe.c, net/core/datagram.c __skb_wait_for_more_packets, net/unix/af_unix.c.
 */
import { ENOMEM } from '../abi/errno.ts';
import { EPOLLERR, EPOLLIN } from '../abi/flags-event.ts';
import { SOCK_STREAM, SOCK_DGRAM } from '../abi/flags-socket.ts';
import { queueForFile } from '../epoll/source.ts';
import type { FilePtr } from '../file/file.ts';
import { File, KIND_EVENTFD, KIND_PIPE, KIND_SOCKET, KIND_TIMERFD } from '../file/file.ts';
import { Socket, socketOf } from '../file/socket-struct.ts';
import { queueForConnecting } from '../file/socket-waiters.ts';
import type { FramePtr, TaskPtr } from '../task/task.ts';
import { Frame, YIELD } from '../task/task.ts';
import { EXCLUSIVE, SHARED, SHARED_FIRST, standInQueue } from '../wait/wait-queue.ts';

/** What wakes a receiver of packets (receiver_wake_function). */
const RECEIVER_KEYS = EPOLLIN | EPOLLERR;

/** @param keys, @param how when the queue is the file's own @returns 0, YIELD or -ENOMEM */
function standAt(t: TaskPtr, f: FilePtr, keys: number, how: number): number {
  const q = queueForFile(f);
  if (q === 0) return YIELD;
  const stood = q === File.queue.at(f) ? standInQueue(q, t, keys, how) : standInQueue(q, t, 0, SHARED);
  return stood === 1 ? 0 : -ENOMEM;
}

/** For the frame's file: each kind as its Linux code stands. */
export function standsAtItsFile(t: TaskPtr, fr: FramePtr): number {
  const f = Frame.file.get(fr) as FilePtr;
  return standAt(t, f, 0, standOfKind(File.kind.get(f)));
}

/**
 * At a pipe exclusively (K15). At an eventfd or a timerfd behind all others, so that a wake which an exclusive item uses up
 * does not come so far (do_wait_intr_irq); a later signal finds what it missed.
 */
function standOfKind(kind: number): number {
  if (kind === KIND_PIPE) return EXCLUSIVE;
  return kind === KIND_EVENTFD || kind === KIND_TIMERFD ? SHARED : SHARED_FIRST;
}

/** For something to read: of a socket that keeps messages apart exclusively too (F14). */
export function standsToReceive(t: TaskPtr, fr: FramePtr): number {
  const f = Frame.file.get(fr) as FilePtr;
  const isPacket = File.kind.get(f) === KIND_SOCKET && Socket.type.get(socketOf(f)) !== SOCK_STREAM;
  return isPacket ? standAt(t, f, RECEIVER_KEYS, EXCLUSIVE) : standsAtItsFile(t, fr);
}

/** For a connection: one connection, one of those who wait (F14). */
export function standsToAccept(t: TaskPtr, fr: FramePtr): number {
  return standAt(t, Frame.file.get(fr) as FilePtr, RECEIVER_KEYS, EXCLUSIVE);
}

/** A datagram's sender may have to wait for room at the receiver, of whom its own file hears nothing. */
export function standsToSend(t: TaskPtr, fr: FramePtr): number {
  const f = Frame.file.get(fr) as FilePtr;
  const own = standsAtItsFile(t, fr);
  if (own < 0 || File.kind.get(f) !== KIND_SOCKET || Socket.type.get(socketOf(f)) !== SOCK_DGRAM) return own;
  const q = queueForConnecting(f);
  return q === queueForFile(f) || standInQueue(q, t, 0, SHARED) === 1 ? 0 : -ENOMEM;
}
