/**
 * Sockets: what an end has unread is what its segments add up to, a record lives as long as somebody holds it, names and
 * descriptors in flight are counted as there are.
 */
import { RECORD_HEADER_WORDS } from '../../shared-mem/slab.ts';
import { PAGE_SIZE } from '../abi/flags-file.ts';
import { ControlData } from '../file/control-data.ts';
import type { FilePtr } from '../file/file.ts';
import { bodyOf, File, KIND_SOCKET } from '../file/file.ts';
import { PAGE_HEADER_WORDS } from '../file/pages.ts';
import {
  HEAD_BYTES,
  HEAD_CONTROL,
  HEAD_COST,
  HEAD_LENGTH,
  HEAD_READ,
  HEAD_SENDER,
  padded,
} from '../file/socket-buffer.ts';
import { SOCKET_NAMES_MAX, SocketNames } from '../file/socket-names-struct.ts';
import { Socket, SOCKET_LISTENING, SocketEnd } from '../file/socket-struct.ts';
import { MACHINE, Machine } from '../machine-record.ts';
import { auditLock } from './slabs.ts';
import type { MemoryView } from './view.ts';
import { complain, livesIn, livingOf, see, seeAt, seeMachine, tally, walkList } from './view.ts';

/** What the walk over all sockets counts, by record. */
interface SocketCounts {
  readonly holders: Map<number, number>;
  /** What senders of datagrams have unread, wherever it waits. */
  readonly sent: Map<number, number>;
  /** Chains of descriptors that lie in queues. */
  readonly controls: number[];
  readonly names: Map<number, number>;
}

export function auditSockets(v: MemoryView): void {
  const counts: SocketCounts = { holders: new Map(), sent: new Map(), controls: [], names: new Map() };
  for (const f of livingOf(v, 'files')) {
    if (see(v, f, File.kind) === KIND_SOCKET) tally(counts.holders, see(v, bodyOf(f as FilePtr), SocketEnd.socket));
  }
  const sockets = livingOf(v, 'sockets');
  for (const s of sockets) auditRecord(v, s, counts);
  for (const s of sockets) {
    const holders = see(v, s, Socket.holders);
    const found = counts.holders.get(s) ?? 0;
    if (holders !== found) complain(v, `socket ${s}: counts ${holders} holders, and has ${found}`);
    const sent = see(v, s, Socket.sent);
    const unread = counts.sent.get(s) ?? 0;
    if (sent !== unread) complain(v, `socket ${s}: has ${sent} to its charge, and ${unread} of it is unread`);
  }
  auditNames(v, counts.names);
  auditFlight(v, counts.controls);
}

function auditRecord(v: MemoryView, s: number, counts: SocketCounts): void {
  for (let end = 0; end < 2; end++) {
    auditSegments(v, s, end, counts);
    const name = seeAt(v, s, Socket.name, end);
    if (name !== 0) tally(counts.names, name - 1);
  }
  const peer = see(v, s, Socket.peer);
  if (peer !== 0) tally(counts.holders, peer);
  for (const node of walkList(v, s + Socket.waiters.off, `socket ${s}: waiters`)) {
    const waiter = node - Socket.waiterNode.off;
    tally(counts.holders, waiter);
    if (see(v, waiter, Socket.waitsFor) !== s) complain(v, `socket ${s}: ${waiter} waits there, and says elsewhere`);
  }
  const pending = walkList(v, s + Socket.pending.off, `socket ${s}: pending`);
  for (const node of pending) tally(counts.holders, node - Socket.pendingNode.off);
  const promised = see(v, s, Socket.promised);
  const listens = see(v, s, Socket.state) === SOCKET_LISTENING;
  if (listens && promised !== pending.length) {
    complain(v, `socket ${s}: promised ${promised} places, and ${pending.length} connections wait`);
  }
}

/** What lies in the pages of one end, segment by segment. */
function auditSegments(v: MemoryView, s: number, end: number, counts: SocketCounts): void {
  const what = `socket ${s}, end ${end}`;
  const segments = seeAt(v, s, Socket.segments, end);
  let page = seeAt(v, s, Socket.firstPage, end);
  let offset = seeAt(v, s, Socket.firstOffset, end);
  let bytes = 0;
  let charged = 0;
  let controls = 0;
  for (let i = 0; i < segments; i++) {
    if (offset >= PAGE_SIZE) {
      page = v.words[page + RECORD_HEADER_WORDS]!;
      offset = 0;
    }
    if (!livesIn(v, 'pages', page)) {
      complain(v, `${what}: segment ${i} of ${segments} lies in no page`);
      return;
    }
    const head = page + PAGE_HEADER_WORDS + offset / 4;
    const length = v.words[head + HEAD_LENGTH]!;
    const read = v.words[head + HEAD_READ]!;
    if (length < 0 || read < 0 || read > length || (read > 0 && i > 0)) {
      complain(v, `${what}: segment ${i} has ${length} bytes, ${read} of them read`);
      return;
    }
    const sender = v.words[head + HEAD_SENDER]!;
    const cost = v.words[head + HEAD_COST]!;
    const control = v.words[head + HEAD_CONTROL]!;
    bytes += length - read;
    charged += cost;
    if (control !== 0) {
      controls++;
      counts.controls.push(control);
    }
    if (sender !== 0) {
      tally(counts.holders, sender);
      counts.sent.set(sender, (counts.sent.get(sender) ?? 0) + cost);
    }
    offset += HEAD_BYTES + padded(length);
    while (offset > PAGE_SIZE) {
      page = v.words[page + RECORD_HEADER_WORDS]!;
      offset -= PAGE_SIZE;
    }
  }
  const said = [Socket.bytes, Socket.charged, Socket.controls].map((field) => seeAt(v, s, field, end));
  if (said[0] !== bytes || said[1] !== charged || said[2] !== controls) {
    complain(
      v,
      `${what}: says ${said[0]} bytes at ${said[1]} with ${said[2]} controls; it has ${bytes} at ${charged} with ${controls}`,
    );
  }
  if (segments > 0 && (page !== seeAt(v, s, Socket.lastPage, end) || offset !== seeAt(v, s, Socket.lastOffset, end))) {
    complain(v, `${what}: its segments end at ${page}+${offset}, and it says elsewhere`);
  }
}

/** @param carried how many ends of sockets carry each name */
function auditNames(v: MemoryView, carried: ReadonlyMap<number, number>): void {
  const names = MACHINE + Machine.socketNames.off;
  auditLock(v, names + SocketNames.lock.off, 'names of sockets');
  const top = see(v, names, SocketNames.top);
  for (let place = 0; place < SOCKET_NAMES_MAX; place++) {
    const refs = seeAt(v, names, SocketNames.refs, place);
    const found = carried.get(place) ?? 0;
    if (refs !== found) complain(v, `name ${place}: counts ${refs} ends of sockets, and ${found} carry it`);
    if (place >= top && seeAt(v, names, SocketNames.length, place) !== 0)
      complain(v, `name ${place}: lies above the top`);
    const owner = seeAt(v, names, SocketNames.owner, place);
    if (owner !== 0 && (!livesIn(v, 'files', owner) || see(v, owner, File.refs) === 0)) {
      complain(v, `name ${place}: its owner is closed`);
    }
  }
}

/** @param chains those that lie in queues */
function auditFlight(v: MemoryView, chains: readonly number[]): void {
  auditLock(v, MACHINE + Machine.flightLock.off, 'descriptors in flight');
  let descriptors = 0;
  const flying = new Map<number, number>();
  for (const chain of chains) {
    for (let record = chain; record !== 0; record = see(v, record, ControlData.next)) {
      if (!livesIn(v, 'controls', record)) {
        complain(v, `descriptors in flight: ${record} is no record of them`);
        break;
      }
      for (let i = 0; i < see(v, record, ControlData.count); i++) {
        descriptors++;
        tally(flying, seeAt(v, record, ControlData.files, i));
      }
    }
  }
  const counted = seeMachine(v, Machine.inFlight);
  if (counted !== descriptors) complain(v, `machine: counts ${counted} descriptors in flight, and ${descriptors} are`);
  const listed = new Set<number>();
  for (const node of walkList(v, MACHINE + Machine.flyingSockets.off, 'sockets in flight')) {
    listed.add(node - SocketEnd.flightNode.off - File.body.off);
  }
  for (const f of livingOf(v, 'files')) {
    if (see(v, f, File.kind) !== KIND_SOCKET) continue;
    const said = see(v, bodyOf(f as FilePtr), SocketEnd.inFlight);
    const found = flying.get(f) ?? 0;
    if (said !== found || listed.has(f) !== found > 0) {
      complain(v, `socket ${f}: counts ${said} messages that carry it, and ${found} do`);
    }
  }
}
