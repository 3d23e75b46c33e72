/**
 * What the words mean for the machine as a whole: who holds which lock, which task is in which state and queue, who wakes
 * and rings whom. Fed by the recorder with each change, in order; reads memory and writes nothing.
 */
import { CpuCore } from '../../shared-mem/cpu-core.ts';
import { HELD_STRIDE } from '../../shared-mem/guard.ts';
import { List, ListNode } from '../../shared-mem/list.ts';
import { Cpu } from '../../kernel/cpu/cpu.ts';
import { Machine } from '../../kernel/machine-record.ts';
import { TASK_DEAD, TASK_RUNNABLE, TASK_RUNNING, TASK_SLEEPING, TASK_WOKEN } from '../../kernel/task/task.ts';
import type { Names, WordName } from './names.ts';
import type { EventKind, Slot } from './trace.ts';
import { interruptNames } from './values.ts';

type Changes = (readonly [slot: string, value: string])[];
interface SlotState {
  readonly slot: Slot;
  value: string;
}

/** Lists whose members are shown: who can run, who waits, what is ready. */
const SHOWN_LIST = /\.(runList|list|ready)$/;

export class Machinery {
  readonly #names: Names;
  /** Slots by what the recorder calls them, in the order in which they came up. */
  readonly slots = new Map<string, SlotState>();
  readonly #held: number[][];
  /** Locks that are about to be left, and by which CPU. */
  readonly #leaving = new Map<number, number>();
  /** By task: its state, and the call that it is in. */
  readonly #states = new Map<string, string>();
  readonly #calls = new Map<string, string>();
  readonly #members = new Map<number, string[]>();

  constructor(names: Names) {
    this.#names = names;
    const cpus = names.machine(Machine.cpus);
    this.#held = Array.from({ length: cpus }, (_, index) => this.#heldBy(index));
    for (let index = 0; index < cpus; index++) this.#slot(`cpu ${index}`, 'cpus', `CPU ${index}`, 'not begun');
    for (let index = 0; index < cpus; index++) {
      const list = names.cpuAt(index) + Cpu.runList.off;
      this.#slot(`queue ${list}`, 'queues', this.#listName(list), this.#membersOf(list).join(', '));
    }
  }

  /** The slots' first values change: what happened before the events that are kept. */
  begin(changes: readonly (readonly [slot: string, value: string])[]): void {
    for (const [key, value] of changes) {
      const state = this.slots.get(key);
      if (state !== undefined) this.slots.set(key, { slot: { ...state.slot, initial: value }, value: state.value });
    }
  }

  /** Private words of a CPU that tell of locks nevertheless. */
  follows(key: string): boolean {
    return key === 'CpuCore.heldCount';
  }

  /** With checks on a CPU keeps a list of the locks that it holds. */
  locksChanged(index: number, key: string): { lock: number; set: Changes }[] {
    if (!this.follows(key)) return [];
    const before = this.#held[index]!;
    const now = this.#heldBy(index);
    this.#held[index] = now;
    const taken = now.filter((lock) => !before.includes(lock));
    const left = before.filter((lock) => !now.includes(lock));
    for (const lock of left) this.#leaving.set(lock, index);
    return taken.map((lock) => ({ lock, set: this.#setLock(lock, `CPU ${index}`) }));
  }

  /** It is off that list a moment before its word says so: an operation on the word by the same CPU ends it. */
  lockLeft(index: number, lock: number): Changes | undefined {
    if (lock === 0 || this.#leaving.get(lock) !== index) return undefined;
    this.#leaving.delete(lock);
    return this.#setLock(lock, '');
  }

  held(index: number): readonly number[] {
    const leaving = [...this.#leaving].filter(([, cpu]) => cpu === index).map(([lock]) => lock);
    return [...(this.#held[index] ?? []), ...leaving];
  }

  /** What a change of a word means, in words, and what of the machine's state it changes. */
  meaning(
    word: WordName,
    address: number,
    before: number,
    after: number,
    index: number,
  ): { text: string; set: Changes } {
    if (before === after) return { text: '', set: [] };
    if (word.key === 'Task.state') return this.#taskState(word, address, before, after);
    if (word.key === 'Machine.verdict')
      return { text: `the kernel's verdict: ${this.#names.value(address, after)}`, set: [] };
    if (word.key === 'ListNode.list') return { text: '', set: this.#moved(address, before, after) };
    if (word.key === 'CpuCore.doorbell') return { text: `rings CPU ${this.#names.cpuIndex(address)}`, set: [] };
    if (word.key === 'CpuCore.pending') return { text: this.#interrupt(address, before, after, index), set: [] };
    return { text: '', set: [] };
  }

  /** What a CPU is doing, after an event of a kind. */
  cpuState(
    index: number,
    kind: EventKind,
    task: number,
    what: { readonly word?: number; readonly text?: string },
  ): Changes {
    if (index < 0) return [];
    const word = what.word ?? 0;
    let doing = task === 0 ? 'runs no task' : `runs task ${task}`;
    if (kind === 'spin') doing += `, spins on ${this.#names.word(word).name}`;
    if (kind === 'doze') doing = `sleeps${task === 0 ? '' : ` in task ${task}`}`;
    if (kind === 'panic') doing = `panic: ${what.text ?? ''}`;
    return this.#set(`cpu ${index}`, doing);
  }

  #taskState({ record }: WordName, address: number, before: number, after: number): { text: string; set: Changes } {
    this.#states.set(record, this.#names.value(address, after));
    const set = this.#setTask(record, this.#names.value(address, before));
    if (before === TASK_SLEEPING && after === TASK_RUNNABLE) return { text: `wakes ${record}`, set };
    if (before === TASK_RUNNING && after === TASK_WOKEN) return { text: `wakes ${record} before it sleeps`, set };
    if (after === TASK_SLEEPING) return { text: `${record} goes to sleep`, set };
    if (after === TASK_RUNNING)
      return { text: before === TASK_WOKEN ? `${record} was woken: looks again` : `${record} runs`, set };
    if (after === TASK_DEAD) return { text: `${record} ends`, set };
    return { text: '', set };
  }

  /** A task is in a call, or in none. */
  call(task: number, text: string): Changes {
    this.#calls.set(`task ${task}`, text);
    return this.#setTask(`task ${task}`, '');
  }

  #setTask(record: string, before: string): Changes {
    this.#slot(record, 'tasks', record, before);
    const call = this.#calls.get(record) ?? '';
    return this.#set(record, `${this.#states.get(record) ?? ''}${call === '' ? '' : ` in ${call}`}`);
  }

  #interrupt(address: number, before: number, after: number, index: number): string {
    const target = this.#names.cpuIndex(address);
    const gained = interruptNames(after & ~before);
    if (gained === 'none') return `takes the interrupt: ${interruptNames(before & ~after)}`;
    return target === index ? `raises ${gained} for itself` : `interrupts CPU ${target}: ${gained}`;
  }

  /** A node left a list, or stands in one. */
  #moved(address: number, before: number, after: number): Changes {
    const who = this.#names.owner(address - ListNode.list.off);
    const set: Changes = [];
    for (const [list, joins] of [[before, false] as const, [after, true] as const]) {
      if (list === 0 || !SHOWN_LIST.test(this.#names.thing(list))) continue;
      const members = this.#membersOf(list);
      const key = `queue ${list}`;
      this.#slot(key, 'queues', this.#listName(list), members.join(', '));
      const others = members.filter((each) => each !== who);
      this.#members.set(list, joins ? [...others, who] : others);
      set.push(...this.#set(key, this.#members.get(list)!.join(', ')));
    }
    return set;
  }

  /** As known; the first time as it stands in memory. */
  #membersOf(list: number): string[] {
    const known = this.#members.get(list);
    if (known !== undefined) return known;
    const found: string[] = [];
    let node = this.#names.get(list, List.first);
    while (node !== 0 && found.length < 1000) {
      found.push(this.#names.owner(node));
      node = this.#names.get(node, ListNode.next);
    }
    this.#members.set(list, found);
    return found;
  }

  #listName(list: number): string {
    const path = this.#names.thing(list);
    if (path.endsWith('.runList')) return `run queue of ${path.slice(0, -'.runList'.length)}`;
    if (path.endsWith('.ready')) return `ready list of ${path.slice(0, -'.ready'.length)}`;
    return `wait queue of ${path.replace(/(\.queue)?\.list$/, '')}`;
  }

  #heldBy(index: number): number[] {
    const record = this.#names.cpuAt(index);
    return Array.from({ length: this.#names.get(record, CpuCore.heldCount) }, (_, i) =>
      this.#names.get(record + i * HELD_STRIDE, CpuCore.held),
    );
  }

  #setLock(lock: number, owner: string): Changes {
    const key = `lock ${lock}`;
    this.#slot(key, 'locks', this.#names.lock(lock), '');
    return this.#set(key, owner);
  }

  #slot(key: string, group: Slot['group'], name: string, initial: string): void {
    if (!this.slots.has(key)) this.slots.set(key, { slot: { group, name, initial }, value: initial });
  }

  #set(key: string, value: string): Changes {
    const state = this.slots.get(key);
    if (state === undefined || state.value === value) return [];
    state.value = value;
    return [[key, value]];
  }
}
