/**
 * What a random program has at hand: the files that it has opened, by the names under which its steps keep them, and how
 * each kind is opened, read and written. All are nonblocking unless asked otherwise: a program of one thread that blocks
 * says little.
 */
import type { Argument, Step, SystemCallStep } from '../../programs/conform/case.ts';
import type { Random } from '../../programs/torture/random.ts';

export type FileKind = 'eventfd' | 'pipe' | 'stream' | 'message' | 'timerfd' | 'signalfd' | 'epoll';

export interface NamedFile {
  readonly name: string;
  readonly kind: FileKind;
  readonly reads: boolean;
  readonly writes: boolean;
}

export const SIGNALS = ['SIGUSR1', 'SIGUSR2', 'SIGTERM'] as const;

export function call(sys: string, ...args: readonly Argument[]): SystemCallStep {
  return { sys, args };
}

/** The files of one program, and steps about them. */
export class Files {
  readonly all: NamedFile[] = [];
  private readonly random: Random;
  private readonly blocking: boolean;
  private names = 0;

  constructor(random: Random, blocking = false) {
    this.random = random;
    this.blocking = blocking;
  }

  of(kind: FileKind): NamedFile[] {
    return this.all.filter((file) => file.kind === kind);
  }
  any(): NamedFile {
    return this.random.pick(this.all);
  }

  /** Opens one of the kind. */
  open(kind: FileKind): Step {
    const flag = (name: string): string => (this.blocking ? '0' : name);
    if (kind === 'pipe') return this.pair('pipe', (pair) => call('pipe2', pair, flag('O_NONBLOCK')));
    if (kind === 'stream' || kind === 'message') {
      const type = kind === 'stream' ? 'SOCK_STREAM' : this.random.pick(['SOCK_DGRAM', 'SOCK_SEQPACKET']);
      const flags = this.blocking ? type : `${type}|SOCK_NONBLOCK`;
      return this.pair(kind, (pair) => call('socketpair', 'AF_UNIX', flags, 0, pair));
    }
    if (kind === 'epoll') return this.single(kind, call('epoll_create1', 0));
    if (kind === 'timerfd') return this.single(kind, call('timerfd_create', 'CLOCK_MONOTONIC', flag('TFD_NONBLOCK')));
    if (kind === 'signalfd') {
      const some = SIGNALS.filter(() => this.random.once(2));
      return this.single(kind, call('signalfd4', -1, { sigset: some }, 8, flag('SFD_NONBLOCK')));
    }
    const semaphore = this.random.once(3) ? '|EFD_SEMAPHORE' : '';
    return this.single(kind, call('eventfd2', this.random.pick([0, 0, 3]), flag('EFD_NONBLOCK') + semaphore));
  }

  private single(kind: FileKind, step: SystemCallStep): Step {
    const name = `f${this.names++}`;
    this.all.push({ name, kind, reads: true, writes: kind === 'eventfd' });
    return { ...step, as: name };
  }

  private pair(kind: FileKind, step: (pair: Argument) => SystemCallStep): Step {
    const number = this.names++;
    const [first, second] = [`r${number}`, `w${number}`];
    const both = kind !== 'pipe';
    this.all.push({ name: first, kind, reads: true, writes: both }, { name: second, kind, reads: both, writes: true });
    return step({ out_pair: [first, second] });
  }

  /** A second name for a file, kept like the first. */
  duplicate(file: NamedFile): Step {
    const name = `d${this.names++}`;
    this.all.push({ ...file, name });
    return { ...call('dup', `$${file.name}`), as: name };
  }

  read({ name, kind }: NamedFile): Step {
    const fd = `$${name}`;
    if (kind === 'eventfd' || kind === 'timerfd') return call('read', fd, { out_u64: 8 }, 8);
    if (kind === 'signalfd') {
      const records = this.random.between(1, 3);
      return call('read', fd, { out_siginfo: records }, records * 128);
    }
    const bytes = this.random.pick([1, 8, 64, 4096, 70_000]);
    if (kind === 'stream' || kind === 'message') {
      const flags = this.random.pick(['0', '0', 'MSG_DONTWAIT', 'MSG_PEEK']);
      if (flags !== '0' || this.random.once(2))
        return call('recvfrom', fd, { scratch: bytes }, bytes, flags, null, null);
    }
    return call('read', fd, { scratch: bytes }, bytes);
  }

  write({ name, kind }: NamedFile): Step {
    const fd = `$${name}`;
    if (kind === 'eventfd') {
      const value = this.random.pick(['0', '1', '1', '5', '18446744073709551614', '18446744073709551615']);
      return call('write', fd, { u64: value }, 8);
    }
    const bytes = this.random.pick([1, 1, 8, 100, 4096, 5000, 70_000]);
    return call('write', fd, { fill: bytes }, bytes);
  }
}
