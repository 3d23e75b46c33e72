/**
 * From the address of a word to what it is: `eventfd#3.counter`, `CPU 1.doorbell`, `task 2.state`.
 *
 * Everything is found in the memory itself: the machine's record says where slabs and CPUs lie, and the declarations of
 * structs say the rest. A file is called by the lowest descriptor that leads to it, and keeps that name while it lives.
 */
import { File, KIND_NAMES } from '../../kernel/file/file.ts';
import { SLOT_INDEX_MASK } from '../../kernel/process/fd-table.ts';
import { Process } from '../../kernel/process/process.ts';
import { FUTEX_BUCKETS } from '../../kernel/syscall/futex-buckets.ts';
import { Task } from '../../kernel/task/task.ts';
import { WaitEntry, WaitQueue } from '../../kernel/wait/wait-queue-struct.ts';
import { Cpu } from '../../kernel/cpu/cpu.ts';
import { MACHINE, Machine } from '../../kernel/machine-record.ts';
import { LOCK_CLASSES } from '../../shared-mem/locks/classes.ts';
import { SpinLock } from '../../shared-mem/locks/spin-lock.ts';
import { Slab } from '../../shared-mem/slab.ts';
import type { FieldPlace } from './layout.ts';
import { fieldAt } from './layout.ts';
import type { AnyStruct } from './records.ts';
import { BODIES, DESIGN_EPOLL, DESIGN_INTEREST, FIELD_WORDS, POINTERS, SINGULAR, SLABS } from './records.ts';
import { meaningOfValue } from './values.ts';

/** What a word is. */
export interface WordName {
  readonly name: string;
  /** the record that it lies in: `eventfd#3` */
  readonly record: string;
  /** struct and field: `File.readiness`; empty where no field is known */
  readonly key: string;
  /** the lock that it is a word of, or 0 */
  readonly lock: number;
  /** 2: half of a float64 */
  readonly words: number;
  /** never changes once the record is published */
  readonly immutable: boolean;
}

/** Of files before their descriptor is open, and what is called after them. */
const PROVISIONAL = /\(file \d+\)|^epoll record|^interest in 0$|\(new|\[0\]$/;

interface Place {
  readonly record: string;
  readonly type: AnyStruct | undefined;
  readonly start: number;
}

const OVERFLOW_END = 1;

export class Names {
  readonly #words: Int32Array;
  readonly #floats: Float64Array;
  readonly #known = new Map<number, WordName>();
  /**
   * Names of records that are called by a descriptor, by place and generation. A record has none before its descriptor is
   * open: who names a run for the second time knows it from the first.
   */
  readonly learned: Map<string, string>;
  readonly #regions: readonly { name: string; base: number; end: number; stride: number }[];

  /** @param words the memory of a machine that is booted; looked at whenever something is asked */
  constructor(words: Int32Array, learned: Map<string, string> = new Map()) {
    this.#words = words;
    this.learned = learned;
    this.#floats = new Float64Array(words.buffer, words.byteOffset, words.length >> 1);
    this.#regions = Object.keys(SLABS).map((name) => {
      const slab = MACHINE + (Machine as unknown as Record<string, { off: number }>)[name]!.off;
      const base = words[slab + Slab.base.off]!;
      const stride = words[slab + Slab.stride.off]!;
      return { name, base, stride, end: base + stride * words[slab + Slab.capacity.off]! };
    });
    // What is open already may be met only when it is not any more.
    for (const file of this.living('files')) this.word(file);
  }

  /** Records come and go: to be called when a descriptor or a record's generation changed. */
  forget(): void {
    this.#known.clear();
  }

  get(record: number, field: { readonly off: number }): number {
    return this.#words[record + field.off]!;
  }
  machine(field: { readonly off: number }): number {
    return this.#words[MACHINE + field.off]!;
  }
  cpuAt(index: number): number {
    return this.machine(Machine.firstCpu) + index * Cpu.size;
  }
  /** @returns the number of the CPU whose record it is, or lies in; -1 for none */
  cpuIndex(address: number): number {
    const index = Math.floor((address - this.machine(Machine.firstCpu)) / Cpu.size);
    return index >= 0 && index < this.machine(Machine.cpus) ? index : -1;
  }
  /** The living records of a slab. */
  living(slab: string): number[] {
    const region = this.#regions.find(({ name }) => name === slab);
    const found: number[] = [];
    if (region === undefined) return found;
    for (let record = region.base; record < region.end; record += region.stride) {
      if ((this.#words[record]! & 1) === 1) found.push(record);
    }
    return found;
  }
  /** The number of the task that a CPU runs, or 0. */
  taskOn(cpu: number): number {
    const task = this.get(cpu, Cpu.current);
    return task === 0 ? 0 : this.get(task, Task.tid);
  }

  word(address: number): WordName {
    let known = this.#known.get(address);
    if (known === undefined) {
      known = this.#find(address);
      this.#known.set(address, known);
    }
    return known;
  }

  /** The record, or the part of one, that begins at an address: `task 2`, `eventfd#3.queue`. */
  thing(address: number): string {
    return address === 0 ? 'none' : this.#part(address).replace(/^machine\./, '');
  }

  #part(address: number): string {
    const { record, type, start } = this.#place(address);
    if (type === undefined || address === start) return record;
    const place = fieldAt(type, address - start);
    // The struct inside that begins here, if any: the path to it, without the field in it.
    const depth = place?.within.findIndex(({ off }) => off === address - start) ?? -1;
    if (place === undefined || depth <= 0) return place === undefined ? record : `${record}.${place.path.join('.')}`;
    const inner = place.within.length - depth;
    return [record, ...place.path.slice(0, Math.max(0, place.path.length - inner))].join('.');
  }

  /** A lock by its class and what it is part of: `waitqueue of eventfd#3`. */
  lock(address: number): string {
    const name = this.lockClass(address);
    const path = this.thing(address).split('.');
    if (path.length > 1 && /lock$|^mutex$/i.test(path.at(-1)!)) path.pop();
    if (path.at(-1) === 'queue' && path.length > 1) path.pop();
    return `${name} of ${path.join('.')}`;
  }

  lockClass(address: number): string {
    return LOCK_CLASSES[(this.get(address, SpinLock.info) >> 8) & 0xff]?.name ?? 'lock';
  }

  /** A value of a word, in words. */
  value(address: number, value: number): string {
    const { key, lock } = this.word(address);
    if (POINTERS.has(key)) {
      if (value === OVERFLOW_END && key !== 'Cpu.current') return 'end';
      return key === 'CpuCore.sleepLock' && value !== 0 ? this.lock(value) : this.owner(value);
    }
    return meaningOfValue(key, value, lock !== 0 && (this.get(lock, SpinLock.info) & 0xff) === 1);
  }

  /** What a word holds now; of a float64 both words. */
  read(address: number): number {
    return this.word(address).words === 2 ? this.#floats[address >> 1]! : this.#words[address]!;
  }

  /** Whom a node of a list, or a stand in a queue, stands for. */
  owner(address: number): string {
    if (address === 0) return 'none';
    const { record, start, type } = this.#place(address);
    if (type === WaitEntry) {
      const task = this.get(start, WaitEntry.task);
      if (task !== 0) return this.#place(task).record;
    }
    return address === start || record.startsWith('task ') || record.endsWith(']') ? record : this.thing(address);
  }

  #find(address: number): WordName {
    const { record, type, start } = this.#place(address);
    const place = type === undefined ? undefined : fieldAt(type, address - start);
    if (place === undefined) {
      const name = address === start ? record : `${record}+${address - start}`;
      return { name, record, key: '', lock: 0, words: 1, immutable: false };
    }
    if (place.key === 'File.body') return this.#body(address, record, start) ?? named(record, start, place);
    return named(record, start, place);
  }

  /** A word of what the kind of a file keeps in its record. */
  #body(address: number, record: string, start: number): WordName | undefined {
    const type = BODIES[this.get(start, File.kind)];
    const from = start + File.body.off;
    const place = type === undefined ? undefined : fieldAt(type, address - from);
    return place === undefined ? undefined : named(record, from, place);
  }

  #place(address: number): Place {
    const machine = MACHINE as number;
    if (address < machine) return { record: `word ${address}`, type: undefined, start: address };
    if (address < machine + Machine.size) return { record: 'machine', type: Machine, start: machine };
    const cpu = this.cpuIndex(address);
    if (cpu >= 0) return { record: `CPU ${cpu}`, type: Cpu, start: this.cpuAt(cpu) };
    for (const { name, base, end, stride } of this.#regions) {
      if (address < base || address >= end) continue;
      const index = Math.floor((address - base) / stride);
      const start = base + index * stride;
      return { record: this.#record(name, start, index), type: this.#type(name), start };
    }
    return this.#elsewhere(address);
  }

  #elsewhere(address: number): Place {
    const futexes = this.machine(Machine.futexQueues);
    if (address >= futexes && address < futexes + FUTEX_BUCKETS * WaitQueue.size) {
      const bucket = Math.floor((address - futexes) / WaitQueue.size);
      return { record: `futex bucket ${bucket}`, type: WaitQueue, start: futexes + bucket * WaitQueue.size };
    }
    const slots = this.machine(Machine.fdSlots);
    const nofile = this.machine(Machine.nofile);
    const tables = this.#regions.find(({ name }) => name === 'fdTables')!;
    const count = (tables.end - tables.base) / tables.stride;
    if (address >= slots && address < slots + nofile * count) {
      const table = Math.floor((address - slots) / nofile);
      const of = table === 0 ? '' : ` of table ${table}`;
      return { record: `descriptor ${(address - slots) % nofile}${of}`, type: undefined, start: address };
    }
    const exits = this.machine(Machine.exitLog);
    if (address >= exits && address < exits + 2 * this.machine(Machine.exitLogSize)) {
      return { record: `exit log[${address - exits}]`, type: undefined, start: address };
    }
    for (let cpu = 0; cpu < this.machine(Machine.cpus); cpu++) {
      const heap = this.get(this.cpuAt(cpu), Cpu.timerHeap);
      if (address < heap || address >= heap + this.get(this.cpuAt(cpu), Cpu.timerCapacity)) continue;
      return { record: `timers of CPU ${cpu}[${address - heap}]`, type: undefined, start: address };
    }
    const userBase = this.machine(Machine.userBase);
    if (address * 4 >= userBase)
      return { record: `user memory 0x${(address * 4).toString(16)}`, type: undefined, start: address };
    return { record: `word ${address}`, type: undefined, start: address };
  }

  #type(slab: string): AnyStruct | undefined {
    if (slab === 'epolls') return DESIGN_EPOLL[this.machine(Machine.design)];
    if (slab === 'interests') return DESIGN_INTEREST[this.machine(Machine.design)];
    return SLABS[slab];
  }

  #record(slab: string, start: number, index: number): string {
    if (slab in SINGULAR && slab !== 'epolls') return `${SINGULAR[slab]!} ${index}`;
    // Between two lives it is the one that is about to begin.
    const key = `${slab} ${index} ${this.#words[start]! | 1}`;
    const known = this.learned.get(key);
    if (known !== undefined) return known;
    const name = this.#nameNow(slab, start, index);
    if (!PROVISIONAL.test(name)) this.learned.set(key, name);
    return name;
  }

  #nameNow(slab: string, start: number, index: number): string {
    if (slab === 'tasks') return `task ${this.get(start, Task.tid) || `(new ${index})`}`;
    if (slab === 'processes') return `process ${this.get(start, Process.pid) || `(new ${index})`}`;
    return slab === 'files' ? this.#file(start, index) : this.#epollRecord(slab, start, index);
  }

  /** An instance is called as its file, an item of it by the descriptor that it watches. */
  #epollRecord(slab: string, start: number, index: number): string {
    const type = this.#type(slab) as unknown as Record<string, { readonly off: number } | undefined>;
    const fd = type['fd'] === undefined ? index : this.get(start, type['fd']);
    const pointer = type[slab === 'epolls' ? 'file' : 'epoll'];
    const to = pointer === undefined ? 0 : this.get(start, pointer);
    if (slab === 'epolls') return to === 0 ? `epoll record ${index}` : this.#place(to).record;
    if (pointer === undefined) return `interest in ${fd}`;
    return to === 0 ? `interest in ${fd} (new)` : `${this.#place(to).record}[${fd}]`;
  }

  #file(start: number, index: number): string {
    const kind = KIND_NAMES[this.get(start, File.kind)] ?? 'file';
    const fd = this.#descriptorOf(index);
    return fd < 0 ? `${kind} (file ${index})` : `${kind}#${fd}`;
  }

  /** The lowest number under which a file is open in the first table that has it, or -1. */
  #descriptorOf(file: number): number {
    const slots = this.machine(Machine.fdSlots);
    const nofile = this.machine(Machine.nofile);
    const tables = this.#regions.find(({ name }) => name === 'fdTables')!;
    const count = ((tables.end - tables.base) / tables.stride) * nofile;
    for (let i = 0; i < count; i++) {
      if ((this.#words[slots + i]! & SLOT_INDEX_MASK) === file + 1) return i % nofile;
    }
    return -1;
  }
}

function named(record: string, start: number, { path, key, within, words, guard }: FieldPlace): WordName {
  const lock = within.find(({ struct }) => struct === SpinLock.structName);
  const better = FIELD_WORDS[key];
  const fields = better === undefined ? path : [...path.slice(0, -1), better];
  // There is one machine, and its fields are known by their own names.
  const name = (record === 'machine' ? fields : [record, ...fields]).join('.');
  const immutable = guard === 'immutable';
  return { name, record, key, lock: lock === undefined ? 0 : start + lock.off, words, immutable };
}
