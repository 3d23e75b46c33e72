/**
 * Pages: each that lives belongs to one pipe, socket or memfd, at one place; and what a pipe or a memfd says of its bytes
 * is what its pages hold.
 */
import { RECORD_HEADER_WORDS } from '../../shared-mem/slab.ts';
import { PAGE_SIZE } from '../abi/flags-file.ts';
import type { FilePtr } from '../file/file.ts';
import { bodyOf, File, KIND_MEMFD, KIND_PIPE, KIND_SOCKET } from '../file/file.ts';
import { Memfd } from '../file/memfd.ts';
import { PAGE_HEADER_WORDS } from '../file/pages.ts';
import { PipeEnd } from '../file/pipe.ts';
import { EXTENT_PACKET, Pipe, PIPE_COUNT_MASK, PIPE_SLOTS_MAX } from '../file/pipe-buffer.ts';
import { Socket, SocketEnd } from '../file/socket-struct.ts';
import type { MemoryView } from './view.ts';
import { complain, livesIn, livingOf, see, seeAt, tally } from './view.ts';

export function auditPages(v: MemoryView): void {
  const owners = new Map<number, number>();
  const pipeEnds = new Map<number, number>();
  const files = livingOf(v, 'files');
  for (const f of files) {
    const kind = see(v, f, File.kind);
    if (kind === KIND_PIPE) tally(pipeEnds, see(v, bodyOf(f as FilePtr), PipeEnd.pipe));
    else if (kind === KIND_MEMFD) auditMemfd(v, f, owners);
    else if (kind === KIND_SOCKET) auditEnd(v, f);
  }
  for (const p of livingOf(v, 'pipes')) auditPipe(v, p, pipeEnds.get(p) ?? 0, owners);
  for (const s of livingOf(v, 'sockets')) for (let end = 0; end < 2; end++) auditChain(v, s, end, owners);
  for (const [page, count] of owners) {
    if (!livesIn(v, 'pages', page)) complain(v, `page ${page}: is in use, and freed`);
    else if (count !== 1) complain(v, `page ${page}: is in use at ${count} places`);
  }
  for (const page of livingOf(v, 'pages')) if (!owners.has(page)) complain(v, `page ${page}: lives, and is nobody's`);
}

function auditPipe(v: MemoryView, p: number, ends: number, owners: Map<number, number>): void {
  const what = `pipe ${p}`;
  const head = see(v, p, Pipe.head);
  const tail = see(v, p, Pipe.tail);
  const used = (head - tail) & PIPE_COUNT_MASK;
  const slots = see(v, p, Pipe.slots);
  if (used > slots) complain(v, `${what}: uses ${used} of ${slots} slots`);
  let bytes = 0;
  for (let slot = 0; slot < PIPE_SLOTS_MAX; slot++) {
    const inUse = ((slot - tail) & (PIPE_SLOTS_MAX - 1)) < used;
    const page = seeAt(v, p, Pipe.page, slot);
    const extent = seeAt(v, p, Pipe.extent, slot);
    if (!inUse && (page !== 0 || extent !== 0)) complain(v, `${what}: slot ${slot} is empty and keeps a page`);
    if (!inUse) continue;
    tally(owners, page);
    const unread = extent & 0xffff;
    const end = ((extent & ~EXTENT_PACKET) >> 16) + unread;
    if (unread === 0 || end > PAGE_SIZE) complain(v, `${what}: slot ${slot} has ${unread} bytes up to ${end}`);
    bytes += unread;
  }
  const said = see(v, p, Pipe.bytes);
  if (said !== bytes) complain(v, `${what}: says ${said} bytes, and its slots hold ${bytes}`);
  const spare = see(v, p, Pipe.sparePage);
  if (spare !== 0) tally(owners, spare);
  if (see(v, p, Pipe.ends) !== ends) complain(v, `${what}: counts ${see(v, p, Pipe.ends)} ends, and has ${ends}`);
  for (const end of [see(v, p, Pipe.readEnd), see(v, p, Pipe.writeEnd)]) {
    if (end !== 0 && (!livesIn(v, 'files', end) || see(v, end, File.refs) === 0)) {
      complain(v, `${what}: names an end that is closed`);
    }
  }
}

function auditMemfd(v: MemoryView, f: number, owners: Map<number, number>): void {
  const m = bodyOf(f as FilePtr);
  const index = see(v, m, Memfd.index);
  const pages = see(v, m, Memfd.pages);
  let found = 0;
  if (index !== 0) tally(owners, index);
  for (let i = 0; index !== 0 && i < PAGE_SIZE / 4; i++) {
    const page = v.words[index + PAGE_HEADER_WORDS + i]!;
    if (page === 0) continue;
    tally(owners, page);
    found++;
  }
  if (found !== pages) complain(v, `memfd ${f}: says ${pages} pages, and has ${found}`);
}

/** An end's file and its record name each other. */
function auditEnd(v: MemoryView, f: number): void {
  const s = see(v, bodyOf(f as FilePtr), SocketEnd.socket);
  const end = see(v, bodyOf(f as FilePtr), SocketEnd.end);
  if (!livesIn(v, 'sockets', s)) complain(v, `socket ${f}: its record is gone`);
  else if (see(v, f, File.refs) > 0 && seeAt(v, s, Socket.file, end) !== f) {
    complain(v, `socket ${f}: its record names ${seeAt(v, s, Socket.file, end)} instead`);
  }
}

/** The pages of what is on its way to one end of a socket. */
function auditChain(v: MemoryView, s: number, end: number, owners: Map<number, number>): void {
  const what = `socket ${s}, end ${end}`;
  const segments = seeAt(v, s, Socket.segments, end);
  const last = seeAt(v, s, Socket.lastPage, end);
  let page = seeAt(v, s, Socket.firstPage, end);
  if ((segments === 0) !== (page === 0)) complain(v, `${what}: ${segments} segments, first page ${page}`);
  let before = 0;
  while (page !== 0) {
    if (!livesIn(v, 'pages', page)) {
      complain(v, `${what}: its chain leads to ${page}, which is no page`);
      return;
    }
    tally(owners, page);
    if ((owners.get(page) ?? 0) > 1) return;
    before = page;
    page = v.words[page + RECORD_HEADER_WORDS]!;
  }
  if (before !== last) complain(v, `${what}: its chain ends at ${before}, and it says ${last}`);
}
