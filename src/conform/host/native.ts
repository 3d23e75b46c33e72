/**
 * The host's kernel from JavaScript: raw system calls by number, through koffi, which is an optional package. Callers:
 * the threads and the main thread of the process in which a case runs (executor.ts, warden.ts).
 *
 * User memory of a case is a SharedArrayBuffer: its bytes do not move, so an address in it is its own plus an offset.
 */
import { createRequire } from 'node:module';

/** What of koffi is used here. */
interface Koffi {
  load(library: string): { func(prototype: string): NativeFunction; symbol(name: string, type: string): bigint };
  address(buffer: Uint8Array): bigint;
  errno(): number;
}
type NativeFunction = (...args: readonly (number | bigint)[]) => number;

/** Said once, with what to do. */
export class HostUnavailable extends Error {
  override name = 'HostUnavailable';
}

export interface Native {
  /** @returns the answer as a guest gets it: negative errno included */
  readonly call: (number: number, args: readonly (number | bigint)[]) => number;
  /** Of the first byte. */
  readonly addressOf: (bytes: Uint8Array) => number;
  /** sigaction(2) of the C library, which adds the restorer; the address of a C function as the handler. */
  readonly sigaction: (signal: number, handler: bigint, flags: number, blocksAll: boolean) => number;
  /** Of a C function, by name: what a handler can be, for no JavaScript may run in one. */
  readonly symbol: (name: string) => bigint;
}

/** struct sigaction of glibc and musl on 64 bits: handler, mask, flags, restorer. */
const SIGACTION_BYTES = 152;
const SIGACTION_MASK = 8;
const SIGACTION_MASK_BYTES = 128;
const SIGACTION_FLAGS = 136;

const ABIS = { x64: 'x86_64', arm64: 'arm64' } as const;

/** The host's architecture, as the table of system calls names it. @throws HostUnavailable */
export function hostAbi(): 'x86_64' | 'arm64' {
  const abi = ABIS[process.arch as keyof typeof ABIS];
  if (process.platform === 'linux' && abi !== undefined) return abi;
  throw new HostUnavailable(
    `the host engine needs Linux on x64 or arm64; this is ${process.platform} on ${process.arch}`,
  );
}

/**
 * @param from path or URL of the module from which the package is looked for
 * @throws HostUnavailable where the package or the C library is not there
 */
export function loadNative(from: string): Native {
  let koffi: Koffi;
  try {
    koffi = createRequire(from)('koffi') as Koffi;
  } catch {
    throw new HostUnavailable('the host engine calls the kernel through the package koffi: npm install koffi@3.3.4');
  }
  const libc = koffi.load('libc.so.6');
  const raw = libc.func('long syscall(long n, long a, long b, long c, long d, long e, long f)');
  const action = libc.func('int sigaction(int signal, uintptr_t action, uintptr_t old)');
  const structure = new Uint8Array(new SharedArrayBuffer(SIGACTION_BYTES));
  const view = new DataView(structure.buffer);
  const structureAt = koffi.address(structure);
  const symbols = new Map<string, bigint>();
  return {
    call(number, args) {
      const answer = raw(number, args[0] ?? 0, args[1] ?? 0, args[2] ?? 0, args[3] ?? 0, args[4] ?? 0, args[5] ?? 0);
      return answer === -1 ? -koffi.errno() : Number(answer);
    },
    addressOf: (bytes) => Number(koffi.address(bytes)),
    sigaction(signal, handler, flags, blocksAll) {
      view.setBigUint64(0, handler, true);
      structure.fill(blocksAll ? 0xff : 0, SIGACTION_MASK, SIGACTION_MASK + SIGACTION_MASK_BYTES);
      view.setInt32(SIGACTION_FLAGS, flags, true);
      return action(signal, structureAt, 0) === 0 ? 0 : -koffi.errno();
    },
    symbol(name) {
      const known = symbols.get(name) ?? libc.symbol(name, 'void *');
      symbols.set(name, known);
      return known;
    },
  };
}

/** The highest signal number. */
export const SIGNALS = 64;
