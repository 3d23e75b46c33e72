// Messages of sendmsg and recvmsg in scratch memory: a header, a vector, and descriptors that go along.

import { cmsghdrLayout, msghdrLayout } from '../kernel/abi/layout.ts';
import { bytesAt, load32, load64, SCM_RIGHTS, SOL_SOCKET, store32, store64 } from '../programs/libc/index.ts';
import type { Table } from './replayer-table.program.ts';
import type { ScriptArgument } from './script.program.ts';

export interface Placed {
  readonly value: number;
  /** The next free byte of scratch memory. */
  readonly free: number;
}

/** Every buffer of a vector is the one that all threads share. */
export function placeVector(lengths: readonly number[], at: number, sink: number): Placed {
  lengths.forEach((length, index) => {
    store64(at + index * 16, sink);
    store64(at + index * 16 + 8, length);
  });
  return { value: at, free: aligned(at + lengths.length * 16) };
}

export function placeMessage(
  table: Table,
  argument: Extract<ScriptArgument, { readonly message: readonly number[] }>,
  at: number,
  sink: number,
): Placed {
  const { message, rights, room } = argument;
  const vector = placeVector(message, aligned(at + msghdrLayout.size), sink);
  const control = vector.free;
  const sent =
    rights === undefined
      ? 0
      : placeRights(
          control,
          rights.map((slot) => (slot < 0 ? table.courier() : load32(table.slot(slot)))),
        );
  const bytes = rights === undefined ? (room ?? 0) : sent;
  placeHeader(at, vector.value, message.length, control, bytes);
  return { value: at, free: aligned(control + bytes) };
}

export function placeHeader(at: number, vector: number, parts: number, control: number, controlBytes: number): void {
  bytesAt(at, msghdrLayout.size).fill(0);
  store64(at + msghdrLayout.iov, vector);
  store64(at + msghdrLayout.iovLength, parts);
  store64(at + msghdrLayout.control, controlBytes === 0 ? 0 : control);
  store64(at + msghdrLayout.controlLength, controlBytes);
}

/** A control message with descriptors. @returns its bytes */
export function placeRights(at: number, fds: readonly number[]): number {
  const length = cmsghdrLayout.data + fds.length * 4;
  const whole = aligned8(length);
  bytesAt(at, whole).fill(0);
  store64(at + cmsghdrLayout.length, length);
  store32(at + cmsghdrLayout.level, SOL_SOCKET);
  store32(at + cmsghdrLayout.type, SCM_RIGHTS);
  fds.forEach((fd, index) => {
    store32(at + cmsghdrLayout.data + index * 4, fd);
  });
  return whole;
}

/** The descriptors that a received message brought. */
export function receivedRights(header: number): number[] {
  const control = Number(load64(header + msghdrLayout.control));
  const end = control + Number(load64(header + msghdrLayout.controlLength));
  const fds: number[] = [];
  for (let at = control; at + cmsghdrLayout.size <= end; ) {
    const length = Number(load64(at + cmsghdrLayout.length));
    if (length < cmsghdrLayout.size) break;
    if (load32(at + cmsghdrLayout.level) === SOL_SOCKET && load32(at + cmsghdrLayout.type) === SCM_RIGHTS) {
      for (let fd = at + cmsghdrLayout.data; fd + 4 <= Math.min(at + length, end); fd += 4) fds.push(load32(fd));
    }
    at += aligned8(length);
  }
  return fds;
}

export function aligned(address: number): number {
  return (address + 15) & ~15;
}

function aligned8(bytes: number): number {
  return (bytes + cmsghdrLayout.align - 1) & ~(cmsghdrLayout.align - 1);
}
