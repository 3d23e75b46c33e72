/**
 * Pointers into the machine's memory: int32 word indices, branded with the names of the structs they point to, so
 * that a file cannot be handed where a task is meant. 0 is the null pointer of every struct.
 */
export type Ptr<Name extends string> = number & { readonly [K in Name]: 'pointer' };

/** A CPU's record begins with its core, so one pointer is both. */
export type CpuPtr = Ptr<'Cpu' | 'CpuCore'>;

/** The null pointer, of any struct. */
export const NULL = 0 as never;

/** An int32 word index that points to no struct (the base of a region, say). */
export type Address = number;
