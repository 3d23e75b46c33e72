/**
 * Who sends and who connected: what SO_PASSCRED and SO_PEERCRED tell. User and group are 0 for everybody here, so a
 * sender is a pid.
 *
 * A message notes its sender if it names itself (SCM_CREDENTIALS), or if either end has asked to be told; a socket that
 * asks, and may be sent to by anybody, gets a name with its first send or connect, for an answer must find it.
 *
 * Linux: net/unix/af_unix.c, unix_maybe_add_creds, unix_autobind.
 */
import { Process } from '../process/process.ts';
import type { FramePtr, TaskPtr } from '../task/task.ts';
import { Frame, Task } from '../task/task.ts';
import type { FilePtr } from './file.ts';
import { bindAutomatic } from './socket-names.ts';
import type { SocketPtr } from './socket-struct.ts';
import { endOf, Socket, socketOf, UNKNOWN_SENDER } from './socket-struct.ts';

export function pidOfSender(t: TaskPtr): number {
  return Process.pid.get(Task.process.get(t));
}

/** Does an end want to know who sends? A plain look: whoever sets the option meanwhile may be told or not. */
export function wantsCredentials(s: SocketPtr, end: number): boolean {
  return Socket.passesCredentials.peekAt(s, end) === 1;
}

/** @param told has either end asked? @returns the pid to note, or UNKNOWN_SENDER */
export function senderToNote(t: TaskPtr, fr: FramePtr, told: boolean): number {
  const named = Frame.credentials.get(fr);
  if (named !== UNKNOWN_SENDER) return named;
  return told ? pidOfSender(t) : UNKNOWN_SENDER;
}

/** As above, where both ends lie in one record. */
export function senderOfPair(s: SocketPtr, t: TaskPtr, fr: FramePtr): number {
  return senderToNote(t, fr, wantsCredentials(s, 0) || wantsCredentials(s, 1));
}

/** @returns 0 or -ENOSPC */
export function nameForAnswers(f: FilePtr): number {
  const s = socketOf(f);
  const end = endOf(f);
  return wantsCredentials(s, end) ? bindAutomatic(s, end, f) : 0;
}
