/**
 * The lock order, one table: a CPU may take a lock only of a class that stands below every class it holds. Two of one
 * class nest only where the table says so. There is no lock without a class.
 */
export interface LockClass {
  readonly name: string;
  /** How two locks of this class nest: not at all; by rising level; or as their owners form no cycle, so deep at most. */
  readonly nesting: 'none' | 'level' | 'acyclic';
  readonly depth: number;
  /** Also taken by interrupt handlers, so interrupts are off while it is held. */
  readonly irqSafe: boolean;
  readonly guards: string;
}

export const LOCK_CLASSES: readonly LockClass[] = [
  {
    name: 'none',
    nesting: 'none',
    depth: 1,
    irqSafe: false,
    guards: 'nothing: class 0 is the mark of an uninitialised lock',
  },
  {
    name: 'process tree',
    nesting: 'none',
    depth: 1,
    irqSafe: false,
    guards: 'who is whose child, groups and sessions, ends that nobody has waited for',
  },
  { name: 'process', nesting: 'none', depth: 1, irqSafe: false, guards: 'the threads of one process' },
  { name: 'fdtable', nesting: 'none', depth: 1, irqSafe: false, guards: 'allocation of descriptor numbers' },
  {
    name: 'epoll nesting',
    nesting: 'none',
    depth: 1,
    irqSafe: false,
    guards: 'which epoll watches which, while that changes',
  },
  { name: 'epoll', nesting: 'acyclic', depth: 6, irqSafe: false, guards: 'the interests of one epoll instance' },
  {
    name: 'in flight',
    nesting: 'none',
    depth: 1,
    irqSafe: false,
    guards: 'which sockets are on their way in messages, and the search for those that only each other can reach',
  },
  {
    name: 'file',
    nesting: 'none',
    depth: 1,
    irqSafe: false,
    guards: 'the state of one file object (pipe, socket pair, eventfd ...)',
  },
  {
    name: 'signal',
    nesting: 'none',
    depth: 1,
    irqSafe: true,
    guards: 'dispositions and pending signals of one process',
  },
  { name: 'futex', nesting: 'level', depth: 2, irqSafe: true, guards: 'the sleepers of one bucket of futexes' },
  { name: 'waitqueue', nesting: 'acyclic', depth: 8, irqSafe: true, guards: 'the list of one wait queue' },
  {
    name: 'epoll ready',
    nesting: 'none',
    depth: 1,
    irqSafe: true,
    guards: 'which items of one epoll instance are ready',
  },
  { name: 'timers', nesting: 'none', depth: 1, irqSafe: true, guards: 'the deadlines of one CPU' },
  { name: 'runqueue', nesting: 'none', depth: 1, irqSafe: true, guards: 'the runnable tasks of one CPU' },
  { name: 'slab', nesting: 'none', depth: 1, irqSafe: true, guards: 'the free list of one slab' },
];

export const CLASS_TREE = 1;
export const CLASS_PROCESS = 2;
export const CLASS_FDTABLE = 3;
export const CLASS_EPOLL_NESTING = 4;
export const CLASS_EPOLL = 5;
export const CLASS_FLIGHT = 6;
export const CLASS_FILE = 7;
export const CLASS_SIGNAL = 8;
export const CLASS_FUTEX = 9;
export const CLASS_WAITQUEUE = 10;
export const CLASS_READY = 11;
export const CLASS_TIMERS = 12;
export const CLASS_RUNQUEUE = 13;
export const CLASS_SLAB = 14;

/** Algorithms by name; the index is what a lock's info word holds. */
export const LOCK_NAMES = ['ttas', 'ticket'] as const;
export type LockName = (typeof LOCK_NAMES)[number];
