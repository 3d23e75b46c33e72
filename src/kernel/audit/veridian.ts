/**
 * VeridianOS's registry: every node leads to an instance of its own and every instance has its node, the list and the map
 * of an instance have the same entries in the same order, and no instance has more of them than it may.
 */
import { IntMap } from '../../shared-mem/int-map.ts';
import {
  ENTRIES_MAX,
  INSTANCES_MAX,
  VeridianEntry,
  VeridianInstance,
  VeridianNode,
  VeridianRegistry,
} from '../epoll/veridian/records.ts';
import type { FilePtr } from '../file/file.ts';
import { bodyOf, File, KIND_EPOLL } from '../file/file.ts';
import { MACHINE, Machine } from '../machine-record.ts';
import { auditMap } from './maps.ts';
import { auditLock } from './slabs.ts';
import type { MemoryView } from './view.ts';
import { complain, livesIn, livingOf, see, walkList } from './view.ts';

const REGISTRY = 'epoll registry';

export function auditVeridian(v: MemoryView): void {
  const registry = MACHINE + Machine.epollRegistry.off;
  auditLock(v, registry + VeridianRegistry.lock.off, REGISTRY);
  const map = registry + VeridianRegistry.byNumber.off;
  const registered: number[] = [];
  let nodes = auditMap(v, map, registered, REGISTRY);
  const count = see(v, map, IntMap.count);
  if (count > INSTANCES_MAX) complain(v, `${REGISTRY}: has ${count} instances, and may have ${INSTANCES_MAX}`);
  const instances = new Map<number, number>();
  const entries = new Set<number>();
  let before = 0;
  for (const e of registered) {
    if (!livesIn(v, 'epolls', e)) {
      complain(v, `${REGISTRY}: leads to ${e}, which is no instance`);
      continue;
    }
    const number = see(v, e, VeridianInstance.number);
    if (number <= before) complain(v, `${REGISTRY}: instance ${number} comes after ${before}`);
    before = number;
    instances.set(number, e);
    nodes += auditEntries(v, e, `epoll ${number}`, entries);
  }
  if (before > see(v, registry, VeridianRegistry.lastNumber))
    complain(v, `${REGISTRY}: has a number that it has not given yet`);
  auditCounts(v, registered.length, entries.size, nodes);
  auditNodes(v, instances);
}

/** @returns how many nodes its map has */
function auditEntries(v: MemoryView, e: number, what: string, entries: Set<number>): number {
  const inOrder: number[] = [];
  let before = Number.NEGATIVE_INFINITY;
  for (const node of walkList(v, e + VeridianInstance.inOrder.off, what)) {
    const i = node - VeridianEntry.node.off;
    entries.add(i);
    const fd = see(v, i, VeridianEntry.fd);
    if (fd <= before) complain(v, `${what}: number ${fd} comes after ${before}`);
    before = fd;
    if (see(v, i, VeridianEntry.disabled) === 1 && see(v, i, VeridianEntry.oneShot) === 0)
      complain(v, `${what}: number ${fd} is disabled, and was asked for more than once`);
    // Numbers that no descriptor has are in the list alone.
    if (fd >= 0 && fd < 2 ** 30) inOrder.push(i);
    if (!livesIn(v, 'interests', i)) complain(v, `${what}: an entry was freed`);
  }
  if (entries.size > 0 && inOrder.length > ENTRIES_MAX) complain(v, `${what}: has ${inOrder.length} entries`);
  const mapped: number[] = [];
  const nodes = auditMap(v, e + VeridianInstance.byFd.off, mapped, what);
  if (mapped.length !== inOrder.length || mapped.some((i, at) => i !== inOrder[at])) {
    complain(v, `${what}: its map has ${mapped.length} entries and its list ${inOrder.length}, or in another order`);
  }
  return nodes;
}

/** Nothing lives that no instance has. */
function auditCounts(v: MemoryView, instances: number, entries: number, nodes: number): void {
  const live = (name: 'epolls' | 'interests' | 'mapNodes', found: number, where: string): void => {
    const count = livingOf(v, name).length;
    if (count !== found) complain(v, `slab ${name}: ${count} live, and ${where} ${found}`);
  };
  live('epolls', instances, 'the registry has');
  live('interests', entries, 'instances have');
  live('mapNodes', nodes, 'maps have');
}

/** A file that was released waits for its grace period without an instance; every other one has its own. */
function auditNodes(v: MemoryView, instances: Map<number, number>): void {
  const open = livingOf(v, 'files').filter((f) => see(v, f, File.kind) === KIND_EPOLL && see(v, f, File.refs) > 0);
  for (const f of open) {
    const number = see(v, bodyOf(f as FilePtr), VeridianNode.number);
    if (!instances.delete(number)) complain(v, `file ${f}: its instance ${number} has ended, or is another's`);
  }
  for (const number of instances.keys()) complain(v, `epoll ${number}: no file leads to it`);
}
