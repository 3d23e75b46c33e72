/**
 * What a machine is booted with, and where each thing will lie. Pure: the host computes it to know how much memory to
 * allocate, and the CPU that lays the memory out computes the same again.
 */
import { FIRST_RECORD, placeRegions } from '../../shared-mem/layout.ts';
import type { Region } from '../../shared-mem/layout.ts';
import { MAP_HEIGHT_MAX, MapNode } from '../../shared-mem/int-map.ts';
import type { StructType } from '../../shared-mem/struct.ts';
import type { Abi, EpollDesign } from '../abi/types.ts';
import { Cpu } from '../cpu/cpu.ts';
import { KevlarEpoll, KevlarInterest } from '../epoll/kevlar/interest.ts';
import { LinuxEpoll, LinuxItem } from '../epoll/linux/records.ts';
import { INSTANCES_MAX, VeridianEntry, VeridianInstance } from '../epoll/veridian/records.ts';
import { SPARE_ENTRIES, WASIX_ENTRIES_EACH, WasixEntry, WasixEpoll, WasixSub } from '../epoll/wasix/records.ts';
import { File } from '../file/file.ts';
import { PAGE_STRIDE_WORDS } from '../file/pages.ts';
import { Pipe } from '../file/pipe-buffer.ts';
import { Socket } from '../file/socket-struct.ts';
import { CONTROL_RECORDS_MAX, ControlData } from '../file/control-data.ts';
import { Machine } from '../machine-record.ts';
import { AddressSpace } from '../process/address-space.ts';
import { FdTable } from '../process/fd-table.ts';
import { Process } from '../process/process.ts';
import { FUTEX_BUCKETS } from '../syscall/futex-buckets.ts';
import { QueuedSignal } from '../signal/pending-struct.ts';
import { Frame, Task } from '../task/task.ts';
import { WaitEntry, WaitQueue } from '../wait/wait-queue-struct.ts';

/** Of every design, so that one size fits all. */
const EPOLL_RECORDS: readonly StructType<string>[] = [KevlarEpoll, LinuxEpoll, VeridianInstance, WasixEpoll];
const INTEREST_RECORDS: readonly StructType<string>[] = [KevlarInterest, LinuxItem, VeridianEntry, WasixSub];

/** Everything that can be chosen at boot. Times in ns, sizes in pieces unless the name says bytes. */
export interface BootConfig {
  readonly cpus: number;
  readonly hz: number;
  readonly epoll: EpollDesign;
  readonly abi: Abi;
  /** The algorithm of all locks, or of each class: shared-mem/locks/choice.ts. */
  readonly lock: string;
  readonly idleSpinNs: number;
  /** Turns a lock wait spins before it sleeps. */
  readonly lockSpins: number;
  readonly sliceTicks: number;
  readonly seed: number;
  readonly tasks: number;
  readonly processes: number;
  /** User memories that may exist at once; 0: one a process. Processes that share theirs (CLONE_VM) need fewer. */
  readonly addressSpaces: number;
  readonly files: number;
  readonly nofile: number;
  readonly epolls: number;
  readonly interests: number;
  readonly pipes: number;
  readonly sockets: number;
  /** Pending signals that can be told apart, of all processes together (RLIMIT_SIGPENDING). */
  readonly signalInfos: number;
  /** 4096-byte buffers of pipes, sockets and memfds. */
  readonly pages: number;
  readonly userBytes: number;
}

export const defaultBootConfig: BootConfig = {
  cpus: 2,
  hz: 100,
  epoll: 'kevlar',
  abi: 'x86_64',
  lock: 'ttas',
  idleSpinNs: 50_000,
  lockSpins: 2000,
  sliceTicks: 3,
  seed: 1,
  tasks: 256,
  processes: 16,
  addressSpaces: 0,
  files: 4096,
  nofile: 1024,
  epolls: 256,
  interests: 4096,
  pipes: 256,
  sockets: 512,
  signalInfos: 512,
  pages: 2048,
  userBytes: 1 << 20,
};

/** The slabs, by the name of their field in the machine's record: record type and how many. */
export function slabsOf(config: BootConfig): readonly (readonly [name: SlabName, stride: number, capacity: number])[] {
  const cacheLines = (type: StructType<string>): number => Math.ceil(type.size / 16) * 16;
  return [
    ['tasks', cacheLines(Task), config.tasks],
    ['processes', cacheLines(Process), config.processes],
    ['addressSpaces', AddressSpace.size, addressSpaces(config)],
    ['fdTables', cacheLines(FdTable), fdTables(config)],
    ['files', cacheLines(File), config.files],
    ['pages', PAGE_STRIDE_WORDS, config.pages],
    ['pipes', cacheLines(Pipe), config.pipes],
    ['sockets', cacheLines(Socket), config.sockets],
    ['controls', ControlData.size, controlRecords(config)],
    ['waitEntries', cacheLines(WaitEntry), config.tasks * 2 + Math.min(config.files, 4096)],
    ['frames', cacheLines(Frame), config.tasks],
    ['signalInfos', cacheLines(QueuedSignal), config.signalInfos],
    ['epolls', Math.max(...EPOLL_RECORDS.map(cacheLines)), config.epolls],
    ['interests', Math.max(...INTEREST_RECORDS.map(cacheLines)), config.interests],
    ['readyEntries', WasixEntry.size, readyEntries(config)],
    ['mapNodes', MapNode.size, config.epolls * 2 + Math.ceil(config.interests / 2) + 8 + registryNodes(config)],
  ];
}

export type SlabName =
  | 'tasks'
  | 'processes'
  | 'addressSpaces'
  | 'fdTables'
  | 'files'
  | 'pages'
  | 'pipes'
  | 'sockets'
  | 'controls'
  | 'waitEntries'
  | 'frames'
  | 'signalInfos'
  | 'epolls'
  | 'interests'
  | 'readyEntries'
  | 'mapNodes';

/** VeridianOS's map of instances by number: numbers only grow, so each may end up on a branch of its own. */
function registryNodes(config: BootConfig): number {
  return config.epoll === 'veridian' ? Math.min(config.epolls, INSTANCES_MAX) * MAP_HEIGHT_MAX : 0;
}

/** One a process, and one for whoever is between two programs (execve). */
function addressSpaces(config: BootConfig): number {
  return config.addressSpaces > 0 ? config.addressSpaces : config.processes + 1;
}

/** What the queues of WASIX's instances may hold at the worst (epoll/wasix/queue.ts); other designs have none. */
function readyEntries(config: BootConfig): number {
  return config.epoll === 'wasix' ? WASIX_ENTRIES_EACH * config.interests + SPARE_ENTRIES * config.epolls : 1;
}

/** One a process, and some for threads that ask for a table of their own. */
function fdTables(config: BootConfig): number {
  return config.processes + Math.min(config.tasks, 8);
}

/**
 * As many descriptors may be in flight as a process may have open, and then one message more from each CPU; besides, each
 * task may hold those that it is about to send, or has just received.
 */
function controlRecords(config: BootConfig): number {
  return config.nofile + 1 + CONTROL_RECORDS_MAX * (config.cpus + config.tasks);
}

/** Timers that may be armed on one CPU: one a task, a process, a timerfd; all may be armed on the same. */
export function timersPerCpu(config: BootConfig): number {
  return config.tasks + config.processes + config.files;
}

export interface MemoryPlan {
  readonly regions: ReadonlyMap<string, Region>;
  readonly bytes: number;
}

export function planMemory(config: BootConfig): MemoryPlan {
  const wanted: [string, number][] = [
    ['machine', Machine.size],
    ['cpus', Cpu.size * config.cpus],
    ['timers', timersPerCpu(config) * config.cpus],
    ['exitLog', config.processes * 4],
    ['futexes', WaitQueue.size * FUTEX_BUCKETS],
    ['fdSlots', fdTables(config) * config.nofile],
  ];
  for (const [name, stride, capacity] of slabsOf(config)) wanted.push([`slab ${name}`, stride * capacity]);
  // User memory begins on a page, so that guests' pages are pages.
  wanted.push(['user', (config.userBytes / 4) * addressSpaces(config) + 1024]);
  const regions = placeRegions(FIRST_RECORD, wanted);
  const last = regions[regions.length - 1]!;
  return { regions: new Map(regions.map((r) => [r.name, r])), bytes: (last.base + last.words) * 4 };
}
