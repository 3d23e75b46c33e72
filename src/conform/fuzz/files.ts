/**
 * What a random program has at hand: the files that it has opened, by the names under which its steps keep them, and a
 * rough idea of what lies in each. The idea only steers the dice, so that most calls find what they need; nothing is
 * expected because of it. All are nonblocking unless asked otherwise: a program of one thread that blocks says little.
 */
import type { Argument, Step, SystemCallStep } from '../../programs/conform/case.ts';
import type { Random } from '../../programs/torture/random.ts';

export type FileKind =
  | 'eventfd'
  | 'pipe'
  | 'packets'
  | 'stream'
  | 'dgram'
  | 'seqpacket'
  | 'timerfd'
  | 'signalfd'
  | 'epoll'
  | 'listener'
  | 'regular';

/** What was written and not read yet, roughly: in writes, not in bytes. */
export interface Channel {
  pending: number;
}

export interface NamedFile {
  readonly name: string;
  kind: FileKind;
  reads: Channel | undefined;
  writes: Channel | undefined;
  isOpen: boolean;
  /** A thread that reads or writes it may sleep; main must not. */
  blocks: boolean;
  /** Of sockets, the other end; of names of one file, nothing. */
  peer?: NamedFile;
}

export const SIGNALS = ['SIGUSR1', 'SIGUSR2', 'SIGTERM'] as const;
/** Nothing more fits into an eventfd that holds it. */
export const EVENTFD_MAX = '18446744073709551614';

export function call(sys: string, ...args: readonly Argument[]): SystemCallStep {
  return { sys, args };
}

/** The files of one program, and steps about them. */
export class Files {
  readonly all: NamedFile[] = [];
  private readonly random: Random;
  private names = 0;

  constructor(random: Random) {
    this.random = random;
  }

  nextName(letter: string): string {
    return `${letter}${this.names++}`;
  }

  open(): NamedFile[] {
    return this.all.filter(({ isOpen }) => isOpen);
  }
  /** Those that are open, if any is. */
  of(...kinds: readonly FileKind[]): NamedFile[] {
    const some = this.all.filter(({ kind }) => kinds.includes(kind));
    const open = some.filter(({ isOpen }) => isOpen);
    return open.length > 0 ? open : some;
  }
  /** Mostly one that is open. */
  any(): NamedFile {
    const open = this.open();
    return this.random.pick(open.length > 0 && !this.random.once(30) ? open : this.all);
  }

  /** Opens one of the kind. */
  make(kind: FileKind, blocks = false): Step {
    const { random } = this;
    const flag = (name: string): string => {
      const flags = [...(blocks ? [] : [name]), ...(random.once(6) ? [name.replace('NONBLOCK', 'CLOEXEC')] : [])];
      return flags.join('|') || '0';
    };
    switch (kind) {
      case 'pipe':
      case 'packets': {
        const flags = kind === 'pipe' ? flag('O_NONBLOCK') : `O_DIRECT|${flag('O_NONBLOCK')}`;
        const channel = { pending: 0 };
        return this.pair(kind, channel, undefined, blocks, (pair) => call('pipe2', pair, flags));
      }
      case 'stream':
      case 'dgram':
      case 'seqpacket': {
        const type = `SOCK_${kind.toUpperCase()}|${flag('SOCK_NONBLOCK')}`;
        const make = (pair: Argument): SystemCallStep => call('socketpair', 'AF_UNIX', type, 0, pair);
        return this.pair(kind, { pending: 0 }, { pending: 0 }, blocks, make);
      }
      case 'epoll':
        return this.single(
          kind,
          undefined,
          undefined,
          blocks,
          call('epoll_create1', random.pick(['0', '0', 'EPOLL_CLOEXEC'])),
        );
      case 'timerfd': {
        const clock = random.pick(['CLOCK_MONOTONIC', 'CLOCK_MONOTONIC', 'CLOCK_REALTIME', 'CLOCK_BOOTTIME']);
        return this.single(
          kind,
          { pending: 0 },
          undefined,
          blocks,
          call('timerfd_create', clock, flag('TFD_NONBLOCK')),
        );
      }
      case 'signalfd': {
        const some = SIGNALS.filter(() => !random.once(3));
        const make = call('signalfd4', -1, { sigset: some }, 8, flag('SFD_NONBLOCK'));
        return this.single(kind, { pending: 0 }, undefined, blocks, make);
      }
      case 'regular':
        this.single(kind, undefined, undefined, false, call(''));
        return { file: 1, as: this.all.at(-1)!.name };
      case 'listener':
        return this.single(
          kind,
          { pending: 0 },
          undefined,
          blocks,
          call('socket', 'AF_UNIX', `SOCK_STREAM|${flag('SOCK_NONBLOCK')}`, 0),
        );
      default: {
        const semaphore = random.once(3) ? '|EFD_SEMAPHORE' : '';
        const value = random.pick([0, 0, 0, 1, 3, 4_294_967_295]);
        const channel = { pending: value === 0 ? 0 : 1 };
        return this.single(kind, channel, channel, blocks, call('eventfd2', value, flag('EFD_NONBLOCK') + semaphore));
      }
    }
  }

  private single(
    kind: FileKind,
    reads: Channel | undefined,
    writes: Channel | undefined,
    blocks: boolean,
    step: SystemCallStep,
  ): Step {
    const name = this.nextName('f');
    this.all.push({ name, kind, reads, writes, isOpen: true, blocks });
    return { ...step, as: name };
  }

  /** Two ends; of a pipe, where nothing goes `back`, the first one reads. */
  private pair(
    kind: FileKind,
    there: Channel,
    back: Channel | undefined,
    blocks: boolean,
    step: (pair: Argument) => SystemCallStep,
  ): Step {
    const number = this.names++;
    const first: NamedFile = { name: `r${number}`, kind, reads: there, writes: back, isOpen: true, blocks };
    const second: NamedFile = { name: `w${number}`, kind, reads: back, writes: there, isOpen: true, blocks };
    first.peer = second;
    second.peer = first;
    this.all.push(first, second);
    return step({ out_pair: [first.name, second.name] });
  }

  /** A second name for a file, kept like the first. */
  duplicate(file: NamedFile): Step {
    const name = this.nextName('d');
    this.all.push({ ...file, name });
    const fd = `$${file.name}`;
    const make = this.random.pick([call('dup', fd), call('dup', fd), call('fcntl', fd, 'F_DUPFD', 0)]);
    return { ...make, as: name };
  }

  /** One name becomes another name of a file; what it named before may be closed by that. */
  replace(from: NamedFile, to: NamedFile): Step {
    const { name } = to;
    const step =
      from !== to && this.random.once(2)
        ? call('dup3', `$${from.name}`, `$${name}`, this.random.pick(['0', 'O_CLOEXEC']))
        : call('dup2', `$${from.name}`, `$${name}`);
    if (from.isOpen) Object.assign(to, { ...from, name });
    return step;
  }

  close(file: NamedFile): Step {
    file.isOpen = false;
    return call('close', `$${file.name}`);
  }

  /** One to read from: mostly one in which something lies. */
  readable(): NamedFile {
    const some = this.all.filter(({ reads }) => reads !== undefined);
    const ready = some.filter(({ reads, isOpen }) => isOpen && reads!.pending > 0);
    if (ready.length > 0 && !this.random.once(5)) return this.random.pick(ready);
    return some.length > 0 ? this.random.pick(some) : this.any();
  }
  writable(): NamedFile {
    const some = this.all.filter(({ writes }) => writes !== undefined);
    const open = some.filter(({ isOpen, peer }) => isOpen && peer?.isOpen !== false);
    if (open.length > 0 && !this.random.once(12)) return this.random.pick(open);
    return some.length > 0 ? this.random.pick(some) : this.any();
  }

  read(file: NamedFile): Step {
    const { name, kind, reads } = file;
    const { random } = this;
    const fd = `$${name}`;
    if (reads !== undefined) reads.pending = Math.max(0, reads.pending - (random.once(2) ? 1 : 99));
    if (kind === 'eventfd' || kind === 'timerfd') return call('read', fd, { out_u64: 8 }, 8);
    if (kind === 'signalfd') {
      const records = random.between(1, 3);
      return call('read', fd, { out_signals: records }, records * 128);
    }
    if (kind === 'listener') {
      const accepted = this.nextName('a');
      const channels = [{ pending: 0 }, { pending: 0 }] as const;
      this.all.push({
        name: accepted,
        kind: 'stream',
        reads: channels[0],
        writes: channels[1],
        isOpen: true,
        blocks: false,
      });
      return { ...call('accept4', fd, null, null, 'SOCK_NONBLOCK'), as: accepted };
    }
    const bytes = random.pick([1, 8, 64, 4096, 4096, 70_000]);
    if (kind === 'stream' || kind === 'dgram' || kind === 'seqpacket') {
      const flags = random.pick(['0', '0', 'MSG_DONTWAIT', 'MSG_PEEK', 'MSG_TRUNC', 'MSG_DONTWAIT|MSG_PEEK']);
      if (flags !== '0' || random.once(2)) return call('recvfrom', fd, { scratch: bytes }, bytes, flags, null, null);
    }
    return call('read', fd, { scratch: bytes }, bytes);
  }

  /** @param most bytes: more than these may block */
  write(file: NamedFile, most = 70_000): Step {
    const { name, kind, writes } = file;
    const { random } = this;
    const fd = `$${name}`;
    if (writes !== undefined) writes.pending++;
    if (kind === 'eventfd') {
      const large = [EVENTFD_MAX, '18446744073709551613', '18446744073709551615'];
      const value = random.pick(['0', '1', '1', '1', '2', '5', ...(most > 4096 && random.once(3) ? large : [])]);
      return call('write', fd, { u64: value }, 8);
    }
    const bytes = random.pick([1, 1, 8, 100, 2049, 4000, 4096, 5000, 65_536, 70_000].filter((size) => size <= most));
    if ((kind === 'stream' || kind === 'dgram' || kind === 'seqpacket') && random.once(2)) {
      const flags = random.pick(['MSG_NOSIGNAL', 'MSG_DONTWAIT', 'MSG_NOSIGNAL|MSG_DONTWAIT']);
      return call('sendto', fd, { fill: bytes }, bytes, flags, null, 0);
    }
    return call('write', fd, { fill: bytes }, bytes);
  }
}
