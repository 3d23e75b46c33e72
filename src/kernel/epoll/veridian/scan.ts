/**
 * VeridianOS: one look at an instance. Every entry is visited in ascending order of its number until the caller's slots are
 * full, under the registry's lock; what the caller's table has under that number now is asked what it is ready for.
 *
 *     nothing under that number    ERR|HUP
 *     a file with a readiness      that, of which IN, OUT, ERR and HUP are known
 *     any other                    IN|OUT, always: regular files and devices, and an instance of epoll
 *
 * All of it is masked by what was asked for, ERR and HUP too. Nothing is remembered from one look to the next but that a
 * one-shot entry was told, so an edge is told as long as its level holds.
 *
 * Its readiness of pipes and sockets is not part of the design: here files answer for themselves, as on Linux.
 *
 * Source: doublegate/VeridianOS v0.25.2, kernel/src/net/epoll.rs (poll_events, poll_fd_readiness).
 */
import { List, ListNode } from '../../../shared-mem/list.ts';
import { cpu } from '../../../shared-mem/self.ts';
import { EBADF } from '../../abi/errno.ts';
import { EPOLLERR, EPOLLHUP, EPOLLIN, EPOLLOUT } from '../../abi/flags-event.ts';
import { Cpu } from '../../cpu/cpu.ts';
import { File } from '../../file/file.ts';
import { fileOps } from '../../file/ops-table.ts';
import { lookupFile } from '../../process/fd-table.ts';
import type { TaskPtr } from '../../task/task.ts';
import { closeClockPass, openClockPass } from '../../time/clock.ts';
import { storeEvent } from '../event-store.ts';
import type { VeridianInstancePtr } from './records.ts';
import { VeridianEntry, VeridianInstance } from './records.ts';
import { instanceLocked, lockRegistry, unlockRegistry } from './registry.ts';

const KNOWN = EPOLLIN | EPOLLOUT | EPOLLERR | EPOLLHUP;

/**
 * @param buffer user address for up to `max` events
 * @returns how many were stored, -EFAULT if not even the first could be, -EBADF if the instance has ended
 */
export function scanInstance(number: number, t: TaskPtr, buffer: number, max: number): number {
  const r = lockRegistry();
  const e = instanceLocked(r, number);
  const count = e === 0 ? -EBADF : scanLocked(e, t, buffer, max);
  unlockRegistry(r);
  Cpu.registryScans.set(cpu, Cpu.registryScans.get(cpu) + 1);
  return count;
}

/** An event that cannot be stored leaves its entry as it was: it is the next call's. */
function scanLocked(e: VeridianInstancePtr, t: TaskPtr, buffer: number, max: number): number {
  let count = 0;
  let visited = 0;
  let fault = 0;
  openClockPass();
  let node = List.first.get(VeridianInstance.inOrder.at(e));
  while (node !== 0 && count < max && fault === 0) {
    const i = VeridianEntry.node.outer(node);
    node = ListNode.next.get(node);
    if (VeridianEntry.disabled.get(i) === 1) continue;
    visited++;
    const ready = readinessUnder(t, VeridianEntry.fd.get(i)) & VeridianEntry.events.get(i);
    if (ready === 0) continue;
    fault = storeEvent(t, buffer, count, ready, VeridianEntry.dataLow.get(i), VeridianEntry.dataHigh.get(i));
    if (fault < 0) continue;
    count++;
    if (VeridianEntry.oneShot.get(i) === 1) VeridianEntry.disabled.set(i, 1);
  }
  closeClockPass();
  Cpu.repolls.set(cpu, Cpu.repolls.get(cpu) + visited);
  // Each descriptor visited is a unit of work: a long look must not hide the clock from the tick.
  Cpu.workLeft.set(cpu, Cpu.workLeft.get(cpu) - visited);
  return count > 0 ? count : fault;
}

/** Of whatever the caller has under that number; the lookup takes no lock, where the original's takes the table's. */
function readinessUnder(t: TaskPtr, fd: number): number {
  const f = lookupFile(t, fd);
  if (f === 0) return EPOLLERR | EPOLLHUP;
  return fileOps[File.kind.get(f)]!.poll(f, t) & KNOWN;
}
