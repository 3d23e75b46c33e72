// The two names that everything else is keyed by: the architecture whose numbers and layouts a guest sees, and the
// design of epoll that a machine is booted with. Imported by every layer; imports nothing.

/** The architecture whose system call numbers, flag values and struct layouts the guest sees. */
export type Abi = 'x86_64' | 'arm64';

/** Whose epoll the machine runs. One machine has one design. */
export type EpollDesign = 'kevlar' | 'veridian' | 'wasix' | 'linux';
