/**
 * Which struct lies where: by slab, by kind of file, by design of epoll; and the words for records and fields that a reader
 * of a report knows better than the kernel's own.
 */
import { KevlarEpoll, KevlarInterest } from '../../kernel/epoll/kevlar/interest.ts';
import { LinuxEpoll, LinuxItem } from '../../kernel/epoll/linux/records.ts';
import { VeridianEntry, VeridianInstance } from '../../kernel/epoll/veridian/records.ts';
import { WasixEntry, WasixEpoll, WasixSub } from '../../kernel/epoll/wasix/records.ts';
import { ControlData } from '../../kernel/file/control-data.ts';
import { Eventfd } from '../../kernel/file/eventfd.ts';
import { File } from '../../kernel/file/file.ts';
import { Memfd } from '../../kernel/file/memfd.ts';
import { PipeEnd } from '../../kernel/file/pipe.ts';
import { Pipe } from '../../kernel/file/pipe-buffer.ts';
import { Signalfd } from '../../kernel/file/signalfd.ts';
import { Socket, SocketEnd } from '../../kernel/file/socket-struct.ts';
import { Timerfd } from '../../kernel/file/timerfd.ts';
import { AddressSpace } from '../../kernel/process/address-space.ts';
import { FdTable } from '../../kernel/process/fd-table.ts';
import { Process } from '../../kernel/process/process.ts';
import { QueuedSignal } from '../../kernel/signal/pending-struct.ts';
import { Frame, Task } from '../../kernel/task/task.ts';
import { WaitEntry } from '../../kernel/wait/wait-queue-struct.ts';
import { MapNode } from '../../shared-mem/int-map.ts';
import type { StructType } from '../../shared-mem/struct.ts';

export type AnyStruct = StructType<string>;

export const DESIGN_EPOLL: readonly AnyStruct[] = [KevlarEpoll, LinuxEpoll, WasixEpoll, VeridianInstance];
export const DESIGN_INTEREST: readonly AnyStruct[] = [KevlarInterest, LinuxItem, WasixSub, VeridianEntry];
/** By kind of file. */
export const BODIES: readonly (AnyStruct | undefined)[] = [
  undefined,
  Eventfd,
  PipeEnd,
  Timerfd,
  Signalfd,
  SocketEnd,
  Memfd,
  undefined,
  undefined,
];
export const SLABS: Readonly<Record<string, AnyStruct | undefined>> = {
  tasks: Task,
  processes: Process,
  addressSpaces: AddressSpace,
  fdTables: FdTable,
  files: File,
  pages: undefined,
  pipes: Pipe,
  sockets: Socket,
  controls: ControlData,
  waitEntries: WaitEntry,
  frames: Frame,
  signalInfos: QueuedSignal,
  epolls: undefined,
  interests: undefined,
  readyEntries: WasixEntry,
  mapNodes: MapNode,
};
/** Of slabs whose records are told apart by nothing but their place. */
export const SINGULAR: Readonly<Record<string, string>> = {
  addressSpaces: 'address space',
  fdTables: 'descriptors',
  pages: 'page',
  pipes: 'pipe buffer',
  sockets: 'socket record',
  controls: 'control data',
  waitEntries: 'stand',
  frames: 'frame',
  signalInfos: 'queued signal',
  epolls: 'epoll record',
  readyEntries: 'ready entry',
  mapNodes: 'map node',
};
/** Better words than the field's own. */
export const FIELD_WORDS: Readonly<Record<string, string>> = {
  'Eventfd.low': 'counter',
  'Eventfd.high': 'counter, upper half',
};
/** Fields that hold the address of a record. */
export const POINTERS: ReadonlySet<string> = new Set([
  'Cpu.current',
  'Cpu.limbo',
  'CpuCore.sleepLock',
  'WaitEntry.queue',
  'WaitEntry.task',
  'WaitEntry.item',
  'WaitEntry.held',
  'Task.waits',
  'Task.frame',
  'Task.process',
  'Process.parent',
  'Process.mainThread',
  'LinuxItem.epoll',
  'WasixSub.file',
  'WasixSub.epoll',
  'WasixSub.spare',
  'KevlarInterest.file',
  'Frame.file',
  'List.first',
  'List.last',
  'ListNode.next',
  'ListNode.prev',
  'ListNode.list',
  'LinuxItem.file',
  'LinuxItem.nextOverflow',
  'LinuxEpoll.overflowFirst',
  'LinuxEpoll.overflowLast',
  'Pipe.readEnd',
  'Pipe.writeEnd',
  'RecordHeader.nextFree',
  'Slab.firstFree',
]);
