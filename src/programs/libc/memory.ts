/**
 * User memory, as a guest sees it: addresses are byte offsets into the machine's memory, handed to system calls as they
 * are. Threads of a process share it. The first 16 bytes are the allocator's; it only grows, as a program's brk does. The
 * next 48 are the program's data segment.
 */
import { epollEventLayout, memoryHeadLayout } from '../../kernel/abi/layout.ts';
import { trap } from './trap.ts';

/** Bytes of `dataSegment`. */
export const DATA_SEGMENT_BYTES = 48;

interface Views {
  readonly memory: ArrayBufferLike;
  readonly u8: Uint8Array;
  readonly i32: Int32Array;
  readonly view: DataView;
}

let views: Views | undefined;

/** The views of this machine's memory; the same object as long as the memory is the same. */
export function memoryViews(): Views {
  if (views === undefined || views.memory !== trap.memory) {
    const memory = trap.memory;
    views = { memory, u8: new Uint8Array(memory), i32: new Int32Array(memory), view: new DataView(memory) };
  }
  return views;
}

/**
 * Takes `bytes` of user memory for good, zeroed. Any thread may.
 * @throws RangeError when the process has no more (boot with a larger `userBytes`)
 */
export function alloc(bytes: number, align = 8): number {
  const { i32 } = memoryViews();
  const size = Math.ceil(bytes / 8) * 8 + (align > 8 ? align : 0);
  const used = Atomics.add(i32, trap.userBase >> 2, size) + memoryHeadLayout.size + DATA_SEGMENT_BYTES;
  if (used + size > trap.userBytes - i32[(trap.userBase + memoryHeadLayout.reservedAtEnd) >> 2]!) {
    throw new RangeError(`out of user memory: ${trap.userBytes} bytes a process, ${used} used, ${bytes} wanted`);
  }
  const at = trap.userBase + used;
  return Math.ceil(at / align) * align;
}

/**
 * Where a process keeps its few global variables, zeroed at its start: a signal handler gets a signal's number and
 * nothing else, so what it works on must lie at a place that it knows. (A module's own variables are the CPU's: all
 * processes there share them.)
 */
export function dataSegment(): number {
  return trap.userBase + memoryHeadLayout.size;
}

export function load8(address: number): number {
  return memoryViews().u8[address]!;
}
export function store8(address: number, value: number): void {
  memoryViews().u8[address] = value;
}
export function load16(address: number): number {
  return memoryViews().view.getInt16(address, true);
}
export function store16(address: number, value: number): void {
  memoryViews().view.setInt16(address, value, true);
}
export function load32(address: number): number {
  return memoryViews().view.getInt32(address, true);
}
export function store32(address: number, value: number): void {
  memoryViews().view.setInt32(address, value, true);
}
/** An unsigned 64-bit value, exact. */
export function load64(address: number): bigint {
  return memoryViews().view.getBigUint64(address, true);
}
export function store64(address: number, value: bigint | number): void {
  memoryViews().view.setBigUint64(address, BigInt.asUintN(64, BigInt(value)), true);
}
export function loadFloat(address: number): number {
  return memoryViews().view.getFloat64(address, true);
}
export function storeFloat(address: number, value: number): void {
  memoryViews().view.setFloat64(address, value, true);
}

/** Atomic int32 access, for words that threads share; the address is a multiple of 4. */
export function atomicLoad32(address: number): number {
  return Atomics.load(memoryViews().i32, address >> 2);
}
export function atomicStore32(address: number, value: number): void {
  Atomics.store(memoryViews().i32, address >> 2, value);
}
export function atomicAdd32(address: number, value: number): number {
  return Atomics.add(memoryViews().i32, address >> 2, value);
}
export function compareExchange32(address: number, expected: number, value: number): number {
  return Atomics.compareExchange(memoryViews().i32, address >> 2, expected, value);
}

/** The bytes themselves, as a view: what a guest writes there the kernel sees. */
export function bytesAt(address: number, length: number): Uint8Array {
  return new Uint8Array(trap.memory, address, length);
}

/** A string in fresh user memory, ending in NUL. */
export function allocString(text: string): number {
  const bytes = new TextEncoder().encode(text);
  const at = alloc(bytes.length + 1);
  memoryViews().u8.set(bytes, at);
  memoryViews().u8[at + bytes.length] = 0;
  return at;
}

/** The text of `bytes` bytes. */
export function loadString(address: number, bytes: number): string {
  // A copy, for no decoder takes shared memory.
  return new TextDecoder().decode(memoryViews().u8.slice(address, address + bytes));
}

/** Writes text without a NUL. @returns its bytes */
export function storeString(address: number, text: string): number {
  const bytes = new TextEncoder().encode(text);
  memoryViews().u8.set(bytes, address);
  return bytes.length;
}

/** A struct timespec in fresh user memory. */
export function allocTimespec(ns: number): number {
  const at = alloc(16);
  storeTimespec(at, ns);
  return at;
}
export function storeTimespec(address: number, ns: number): void {
  const seconds = Math.floor(ns / 1e9);
  store64(address, BigInt(seconds));
  store64(address + 8, BigInt(Math.round(ns - seconds * 1e9)));
}
export function loadTimespec(address: number): number {
  return Number(load64(address)) * 1e9 + Number(load64(address + 8));
}

/** struct epoll_event: 12 bytes on x86_64, 16 on arm64. */
export function epollEventSize(): number {
  return epollEventLayout[trap.abi].size;
}
export function storeEpollEvent(address: number, events: number, data: number): void {
  store32(address, events);
  store64(address + epollEventLayout[trap.abi].data, data);
}
export function allocEpollEvent(events: number, data: number): number {
  const at = alloc(16);
  storeEpollEvent(at, events, data);
  return at;
}
/** Mask of event `index` of an array. */
export function epollEventsAt(array: number, index: number): number {
  return load32(array + index * epollEventSize()) >>> 0;
}
/** The low 32 bits of its data, which is what descriptors fit in. */
export function epollDataAt(array: number, index: number): number {
  return load32(array + index * epollEventSize() + epollEventLayout[trap.abi].data);
}
export function epollData64At(array: number, index: number): bigint {
  return load64(array + index * epollEventSize() + epollEventLayout[trap.abi].data);
}
