/**
 * What no process can reach, and Kevlar keeps all the same. Its interests keep their files alive, so an epoll that lies in
 * a message may keep the very socket in whose queue it lies:
 *
 *     socket ──(in its queue)──▶ epoll ──(an interest)──▶ the same socket
 *
 * Whoever collects sockets in flight sees sockets only, here as there; Kevlar counts references and never finds such a
 * circle. On Linux there is none, for an interest does not keep its file. So this is told, and is no leak of the kernel's:
 * that each of these files is held by what the audit sees, file by file, is for auditFiles to say.
 */
import { ControlData } from '../file/control-data.ts';
import { File, KIND_EPOLL } from '../file/file.ts';
import { DESIGN_NAMES } from '../epoll/source-ops.ts';
import { Machine } from '../machine-record.ts';
import type { SlabName } from '../boot/plan.ts';
import { livesIn, livingOf, see, seeAt, seeMachine, viewOf } from './view.ts';

/** What such a circle is made of, and what that holds. */
const OF_ISLANDS: ReadonlySet<SlabName> = new Set<SlabName>([
  'files',
  'sockets',
  'pipes',
  'pages',
  'controls',
  'epolls',
  'interests',
  'mapNodes',
]);

/** @param memory a copy of a resting machine's memory, in which no process lives @returns slabs of which records may live */
export function slabsOfIslands(memory: ArrayBufferLike): ReadonlySet<SlabName> {
  const v = viewOf(memory);
  if (DESIGN_NAMES[seeMachine(v, Machine.design)] !== 'kevlar') return new Set();
  for (const record of livingOf(v, 'controls')) {
    for (let i = 0; i < see(v, record, ControlData.count); i++) {
      const f = seeAt(v, record, ControlData.files, i);
      if (livesIn(v, 'files', f) && see(v, f, File.kind) === KIND_EPOLL) return OF_ISLANDS;
    }
  }
  return new Set();
}
