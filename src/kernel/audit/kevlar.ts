/**
 * Kevlar's instances: the map and the list of an instance have the same interests in the same order, and sources count
 * the watchers that they have.
 */
import { EpollBody, KevlarEpoll, KevlarInterest } from '../epoll/kevlar/interest.ts';
import type { FilePtr } from '../file/file.ts';
import { bodyOf, Changes, File, KIND_EPOLL, KIND_EVENTFD } from '../file/file.ts';
import { MACHINE, Machine } from '../machine-record.ts';
import { auditMap } from './maps.ts';
import { auditLock } from './slabs.ts';
import type { MemoryView } from './view.ts';
import { complain, livesIn, livingOf, see, tally, walkList } from './view.ts';

export function auditKevlar(v: MemoryView): void {
  auditLock(v, MACHINE + Machine.nestingLock.off, 'epoll nesting');
  const all = new Set<number>();
  for (const node of walkList(v, MACHINE + Machine.allEpolls.off, 'all epolls')) all.add(node - KevlarEpoll.node.off);
  const interests = new Set<number>();
  let nodes = 0;
  for (const e of livingOf(v, 'epolls')) {
    const dead = see(v, e, KevlarEpoll.dead) === 1;
    if (all.has(e) === dead) complain(v, `epoll ${e}: is ${dead ? 'dead, and' : 'alive, and not'} among all epolls`);
    nodes += auditInstance(v, e, interests);
  }
  const live = livingOf(v, 'interests').length;
  if (live !== interests.size) complain(v, `slab interests: ${live} live, and instances have ${interests.size}`);
  const mapNodes = livingOf(v, 'mapNodes').length;
  if (mapNodes !== nodes) complain(v, `slab mapNodes: ${mapNodes} live, and maps have ${nodes}`);
  auditWatchers(v, interests);
}

/** @returns how many nodes its map has */
function auditInstance(v: MemoryView, e: number, interests: Set<number>): number {
  const what = `epoll ${e}`;
  auditLock(v, e + KevlarEpoll.lock.off, what);
  const f = see(v, e, KevlarEpoll.file);
  if (
    !livesIn(v, 'files', f) ||
    see(v, f, File.kind) !== KIND_EPOLL ||
    see(v, bodyOf(f as FilePtr), EpollBody.epoll) !== e
  ) {
    complain(v, `${what}: its file is another's`);
  }
  const inOrder: number[] = [];
  let nested = 0;
  let before = -1;
  for (const node of walkList(v, e + KevlarEpoll.inOrder.off, what)) {
    const i = node - KevlarInterest.node.off;
    inOrder.push(i);
    interests.add(i);
    const fd = see(v, i, KevlarInterest.fd);
    if (fd <= before) complain(v, `${what}: descriptor ${fd} comes after ${before}`);
    before = fd;
    const source = see(v, i, KevlarInterest.file);
    if (!livesIn(v, 'files', source)) complain(v, `${what}: watches a file that was freed`);
    else if (see(v, source, File.kind) === KIND_EPOLL) nested++;
  }
  if (see(v, e, KevlarEpoll.nested) !== nested) {
    complain(v, `${what}: counts ${see(v, e, KevlarEpoll.nested)} epolls that it watches, and has ${nested}`);
  }
  const map = e + KevlarEpoll.byFd.off;
  const mapped: number[] = [];
  const nodes = auditMap(v, map, mapped, what);
  if (mapped.length !== inOrder.length || mapped.some((i, at) => i !== inOrder[at])) {
    complain(v, `${what}: its map has ${mapped.length} interests and its list ${inOrder.length}, or in another order`);
  }
  return nodes;
}

/** Edge-triggered interests, and every interest in an eventfd, are counted where the source keeps its changes. */
function auditWatchers(v: MemoryView, interests: ReadonlySet<number>): void {
  const watchers = new Map<number, number>();
  for (const i of interests) {
    const f = see(v, i, KevlarInterest.file);
    if (!livesIn(v, 'files', f)) continue;
    if (see(v, i, KevlarInterest.watchesEdges) === 1) tally(watchers, see(v, f, File.changes));
    if (see(v, f, File.kind) === KIND_EVENTFD) tally(watchers, see(v, f, File.changes));
  }
  for (const f of livingOf(v, 'files')) {
    const changes = see(v, f, File.changes);
    const counted = see(v, changes, Changes.watchers);
    const found = watchers.get(changes) ?? 0;
    if (counted !== found) complain(v, `file ${f}: counts ${counted} watchers of its changes, and has ${found}`);
  }
}
