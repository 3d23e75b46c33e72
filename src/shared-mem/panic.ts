/**
 * A panic is the one throw of kernel code: something that cannot be happened. It stops the machine; whoever runs the
 * CPU catches it, and the report names CPUs, tasks and held locks. An expected failure is a negative errno instead.
 */
export class KernelPanic extends Error {
  override readonly name = 'KernelPanic';
}

export function panic(message: string): never {
  throw new KernelPanic(message);
}

/** States a fact. Stays on in every build: cheap facts only. */
export function assert(fact: boolean, message: string): void {
  if (!fact) throw new KernelPanic(message);
}
