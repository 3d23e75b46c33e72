/**
 * Messages with more than bytes: descriptors handed from one process to another, and who sent them.
 *
 *     yield* sendFds(channel, [connection], 'take this');
 *     const { fds } = yield* receiveFds(channel);
 *
 * A program that does so often keeps the memory of a message (`allocMessage`) and hands it in, for user memory that was
 * allocated is never given back.
 */
import { SCM_CREDENTIALS, SCM_MAX_FD, SCM_RIGHTS, SOL_SOCKET } from '../../kernel/abi/flags-socket.ts';
import { cmsghdrLayout, iovecLayout, msghdrLayout } from '../../kernel/abi/layout.ts';
import { alloc, load32, load64, memoryViews, store32, store64 } from './memory.ts';
import { sys } from './sys.ts';
import type { Guest } from './thread.ts';

/** User memory for one message at a time: a msghdr, a vector of one buffer, the buffer, room for control messages. */
export interface MessageMemory {
  readonly header: number;
  readonly vector: number;
  readonly buffer: number;
  readonly bufferBytes: number;
  readonly control: number;
  readonly controlBytes: number;
}

/** CMSG_SPACE: what a control message of so many bytes takes. */
export function controlSpace(bytes: number): number {
  return cmsghdrLayout.data + Math.ceil(bytes / cmsghdrLayout.align) * cmsghdrLayout.align;
}

/** @param controlBytes by default for as many descriptors as a message may carry, and for who sent them */
export function allocMessage(
  bufferBytes = 256,
  controlBytes: number = controlSpace(4 * SCM_MAX_FD) + controlSpace(12),
): MessageMemory {
  const header = alloc(msghdrLayout.size);
  const vector = alloc(iovecLayout.size);
  return { header, vector, buffer: alloc(bufferBytes), bufferBytes, control: alloc(controlBytes), controlBytes };
}

/** Fills a message's msghdr: so many bytes of its buffer, so many of its control messages, and nobody's name. */
export function storeMessage(message: MessageMemory, bytes: number, controlBytes: number): void {
  const { header, vector } = message;
  store64(vector + iovecLayout.base, message.buffer);
  store64(vector + iovecLayout.length, bytes);
  store64(header + msghdrLayout.name, 0);
  store32(header + msghdrLayout.nameLength, 0);
  store64(header + msghdrLayout.iov, vector);
  store64(header + msghdrLayout.iovLength, 1);
  store64(header + msghdrLayout.control, controlBytes === 0 ? 0 : message.control);
  store64(header + msghdrLayout.controlLength, controlBytes);
  store32(header + msghdrLayout.flags, 0);
}

/** Writes the head of a control message. @returns the address of its `bytes` bytes */
export function storeControlHead(at: number, type: number, bytes: number): number {
  store64(at + cmsghdrLayout.length, cmsghdrLayout.data + bytes);
  store32(at + cmsghdrLayout.level, SOL_SOCKET);
  store32(at + cmsghdrLayout.type, type);
  return at + cmsghdrLayout.data;
}

/**
 * Sends bytes (at least one, through a stream) and descriptors with them, which stay open here.
 * @returns bytes sent, or -errno
 */
export function* sendFds(
  socket: number,
  fds: readonly number[],
  bytes: string | Uint8Array = '\0',
  flags = 0,
  message?: MessageMemory,
): Guest {
  const text = typeof bytes === 'string' ? new TextEncoder().encode(bytes) : bytes;
  const memory = message ?? allocMessage(text.length, controlSpace(4 * fds.length));
  memoryViews().u8.set(text, memory.buffer);
  storeMessage(memory, text.length, fds.length === 0 ? 0 : controlSpace(4 * fds.length));
  const at = storeControlHead(memory.control, SCM_RIGHTS, 4 * fds.length);
  for (const [i, fd] of fds.entries()) store32(at + 4 * i, fd);
  return yield sys.sendmsg(socket, memory.header, flags);
}

export interface ReceivedMessage {
  /** Bytes received, 0 at the end, or -errno. */
  readonly result: number;
  readonly bytes: Uint8Array;
  /** New descriptors, in the order in which they were sent. */
  readonly fds: readonly number[];
  /** Where the socket asks for it (SO_PASSCRED). */
  readonly sender: { readonly pid: number; readonly uid: number; readonly gid: number } | undefined;
  /** MSG_TRUNC, MSG_CTRUNC ... */
  readonly flags: number;
}

/** Receives one message, or what a stream has until the next descriptors, and all that came with it. */
export function* receiveFds(socket: number, flags = 0, message = allocMessage()): Guest<ReceivedMessage> {
  storeMessage(message, message.bufferBytes, message.controlBytes);
  const result = yield sys.recvmsg(socket, message.header, flags);
  if (result < 0) return { result, bytes: new Uint8Array(0), fds: [], sender: undefined, flags: 0 };
  const bytes = memoryViews().u8.slice(message.buffer, message.buffer + Math.min(result, message.bufferBytes));
  const fds: number[] = [];
  let sender: ReceivedMessage['sender'];
  const used = Number(load64(message.header + msghdrLayout.controlLength));
  for (let at = 0; at + cmsghdrLayout.size <= used; ) {
    const head = message.control + at;
    const length = Number(load64(head + cmsghdrLayout.length));
    const data = head + cmsghdrLayout.data;
    const type = load32(head + cmsghdrLayout.type);
    if (type === SCM_RIGHTS) for (let i = cmsghdrLayout.data; i < length; i += 4) fds.push(load32(head + i));
    if (type === SCM_CREDENTIALS) sender = { pid: load32(data), uid: load32(data + 4), gid: load32(data + 8) };
    at += controlSpace(length - cmsghdrLayout.data);
  }
  return { result, bytes, fds, sender, flags: load32(message.header + msghdrLayout.flags) };
}
