/**
 * Tasks and their frames.
 *
 * A task is a generator on its home CPU; its record is what all CPUs may know of it. There are no kernel stacks: what a
 * call must remember while its task sleeps stands in a frame. Each signal handler that interrupts a call gets a frame
 * of its own on top.
 *
 *   state      RUNNABLE ─(home CPU picks it)─▶ RUNNING ─(commit: compareExchange)─▶ SLEEPING
 *                 ▲                              │ a wake finds it running             │
 *                 │                              ▼                                     │
 *                 │                            WOKEN (the commit fails, tries again)   │
 *                 └───────────────(a wake: compareExchange, exactly one wins)──────────┘
 */
import { ListNode } from '../../shared-mem/list.ts';
import type { CpuPtr, Ptr } from '../../shared-mem/pointer.ts';
import { RecordHeader } from '../../shared-mem/slab.ts';
import { atomic, cacheLine, embed, f64, f64s, plain, struct } from '../../shared-mem/struct.ts';
import { PendingSet } from '../signal/pending-struct.ts';
import { Timer } from '../time/timers.ts';
import type { WaitEntryPtr } from '../wait/wait-queue-struct.ts';
import { WaitEntry } from '../wait/wait-queue-struct.ts';

export type TaskPtr = Ptr<'Task'>;
export type FramePtr = Ptr<'Frame'>;

/** What one system call keeps between its attempts. */
export const Frame = struct('Frame', {
  header: embed(RecordHeader),
  /** The six arguments as the guest gave them: integers up to 2^53, so float64. */
  args: f64s(6, 'owned:task'),
  /** Absolute, ns since boot; Infinity for none. */
  deadlineNs: f64('owned:task'),
  /** Dense index of the call, -1 between calls. */
  call: plain('owned:task'),
  /** The file the call works on; referenced once the call has slept (HELD_FILE). */
  file: plain<Ptr<'File'>>('owned:task'),
  /** HELD_* below: what must be let go when the call has its answer. */
  fileHeld: plain('owned:task'),
  /** User address and length of the buffer. */
  buffer: plain('owned:task'),
  length: plain('owned:task'),
  /** readv, writev: the user address of the vector and its elements; 0 elements: buffer and length are the whole. */
  vector: plain('owned:task'),
  vectorCount: plain('owned:task'),
  /** Bytes moved by earlier attempts. */
  moved: plain('owned:task'),
  /** Where the call last stayed runnable: what it had moved, and how many messages, in one number. */
  yieldedWith: f64('owned:task'),
  /** 1: answer -EAGAIN instead of waiting. */
  nonblocking: plain('owned:task'),
  /** Two words for the call's own use. */
  first: plain('owned:task'),
  second: plain('owned:task'),
  /** Descriptors to be sent (HELD_CONTROL in `fileHeld`), or just received; 0 for none. */
  control: plain<Ptr<'ControlData'>>('owned:task'),
  /** Who sent, or sends, as SCM_CREDENTIALS tells: a pid, or one of socket-struct.ts's other answers. */
  credentials: plain('owned:task'),
  /** sendmmsg, recvmmsg: messages done, and until when more are received, ns since boot. */
  messages: plain('owned:task'),
  untilNs: f64('owned:task'),
  /** 1: the mask of before the call stands in savedLow, savedHigh, to be put back when the call (or its handler) ends. */
  maskSaved: plain('owned:task'),
  savedLow: plain('owned:task'),
  savedHigh: plain('owned:task'),
  /** Why the task was last woken: REASON_*. */
  reason: plain('owned:task'),
  /** 1: the call has answered "not yet" at least once; 2: and its stands stay till it returns (wait/stand-again.ts). */
  waited: plain('owned:task'),
  /** Handler frames: the mask to put back at return, the signal, and what becomes of the call below (RESTART_*). */
  handlerLow: plain('owned:task'),
  handlerHigh: plain('owned:task'),
  handlerSignal: plain('owned:task'),
  /** 1: the handler asked for what is known of the signal (SA_SIGINFO). */
  handlerInfo: plain('owned:task'),
  /** The call's result, kept while a handler runs on top of its frame. */
  result: f64('owned:task'),
  /** How the task goes on when it gets the CPU again: RESUME_*. */
  resume: plain('owned:task'),
  /** When its call first found no record left, and began again; 0: it found what it needed. */
  shortSinceNs: f64('owned:task'),
  below: plain<Ptr<'Frame'>>('owned:task'),
  depth: plain('owned:task'),
});

export const HELD_FILE = 1;
export const HELD_CONTROL = 2;

export const Task = struct('Task', {
  header: embed(RecordHeader),
  /** What a waker on another CPU touches lies on this line and the next: each line more is a miss more. */
  line: cacheLine(),
  state: atomic(),
  /** ATTENTION_* bits: what it must look at before it returns to its guest. */
  attention: atomic(),
  /** In the home CPU's run list. */
  runNode: embed(ListNode),
  /** Written by whoever wins SLEEPING -> RUNNABLE, before the task is listed. */
  wokenBy: plain('owned:waker'),
  wokenSource: plain('owned:waker'),
  /** The source's generation then: nobody holds it for the sleeper, so it may be another file by now. */
  wokenGeneration: plain('owned:waker'),
  wokenKeys: plain('owned:waker'),
  wokenAtNs: f64('owned:waker'),
  /** A waker unlinks it: next to what else a waker writes. */
  waitLine: cacheLine(),
  /** The stand of a call that waits in one queue only, which most do. */
  firstWait: embed(WaitEntry),
  ownLine: cacheLine(),
  /** Signals for this thread alone, and the mask; bit signal - 1. Written under the process's signal lock. */
  pending: embed(PendingSet),
  blockedLow: atomic(),
  blockedHigh: atomic(),
  /** 1: it takes part in the stop of its process, and does nothing. Written under the process's signal lock. */
  stopped: atomic(),
  /** Completed calls of its process when this one last answered "not yet" (checks on). */
  notYetAt: atomic(),
  home: plain<CpuPtr>('immutable'),
  /** CPUs on which neither it nor its children may run (task/affinity.ts). */
  excludedLow: atomic(),
  excludedHigh: atomic(),
  /** Referenced: threads share one table, unless one of them asked for its own. */
  fdTable: plain<Ptr<'FdTable'>>('owned:task'),
  process: plain<Ptr<'Process'>>('immutable'),
  tid: plain('immutable'),
  /** What it runs: image (program and arguments), entry of the program's table, and an argument. */
  image: plain('immutable'),
  entry: plain('owned:task'),
  entryArgument: f64('owned:task'),
  /** How often it slept, and how often it gave up the CPU to another while it could go on; 2^32 comes round. */
  voluntarySwitches: plain('owned:task'),
  involuntarySwitches: plain('owned:task'),
  /** User address that exit clears and wakes (CLONE_CHILD_CLEARTID), or 0. */
  clearTid: plain('owned:task'),
  /** In its process's list of threads, in order of birth. */
  threadNode: embed(ListNode),
  frame: plain<FramePtr>('owned:task'),
  /** Its stands in wait queues. */
  waits: plain<WaitEntryPtr>('owned:task'),
  timer: embed(Timer),
  /** A wakeup that no call has answered for yet. */
  wakePending: plain('owned:task'),
  firstFrame: embed(Frame),
});

export const TASK_FREE = 0;
export const TASK_RUNNABLE = 1;
export const TASK_RUNNING = 2;
export const TASK_WOKEN = 3;
export const TASK_SLEEPING = 4;
export const TASK_DEAD = 5;
export const TASK_STATE_NAMES: readonly string[] = ['free', 'runnable', 'running', 'woken', 'sleeping', 'dead'];

/** A signal may have become deliverable. */
export const ATTENTION_SIGNAL = 1;
/** The process is exiting: this thread ends at its next boundary. */
export const ATTENTION_KILLED = 2;
/** The process is being stopped: this thread is to stop at its next boundary. */
export const ATTENTION_STOP = 4;
/** The process was to stop, or this thread, and goes on before it did: a call that waits is interrupted all the same. */
export const ATTENTION_INTERRUPTED = 8;

export const REASON_SOURCE = 1;
export const REASON_SIGNAL = 2;
export const REASON_TIMEOUT = 3;
export const REASON_TICK = 4;
export const REASON_FUTEX = 5;
export const REASON_KILL = 6;
export const REASON_CHILD = 7;
export const REASON_NAMES: readonly string[] = ['-', 'source', 'signal', 'timeout', 'tick', 'futex', 'kill', 'child'];

/** In a frame's `resume`: its call goes on, or has its `result`, or signals are to be looked at once more, or it begins anew. */
export const RESUME_CALL = 0;
export const RESUME_RESULT = 1;
export const RESUME_SIGNALS = 2;
export const RESUME_BEGIN = 3;

/** Signal handlers that may interrupt each other. */
export const FRAME_DEPTH_MAX = 8;

/** What `begin` answers: go on to `attempt`. */
export const PROCEED = -100_000;
/** What `attempt` answers: not yet. */
export const WAIT = -100_001;
/** What the trap answers: the task sleeps; commit it. */
export const SLEEP = -100_002;
/** What the trap answers: the task ended. */
export const ENDED = -100_003;
/** What `attempt` answers: not yet, but stay runnable and try again after the others ran. */
export const YIELD = -100_004;

/** Linux's internal results, never seen by a guest. */
export const ERESTARTSYS = 512;
export const ERESTARTNOHAND = 514;
export const ERESTART_RESTARTBLOCK = 516;
/** What delivery of signals answers: a handler frame was pushed; run the handler's generator. */
export const HANDLER = -100_005;
/** What execve answers: the task begins anew, at its new entry. */
export const EXECED = -100_007;
/** What delivery of signals answers: the process is stopped; the task sleeps until it goes on. */
export const STOPPED = -100_008;
/** What delivery of signals answers: attempt the interrupted call again. */
export const RESTART = -100_006;
