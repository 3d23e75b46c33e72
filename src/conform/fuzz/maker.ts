/**
 * What random programs of one thread and of several do with epolls and with files: one step each, thrown by the dice.
 */
import type { Argument, Step, SystemCallStep } from '../../programs/conform/case.ts';
import type { Random } from '../../programs/torture/random.ts';
import { call, type Channel, type FileKind, Files, type NamedFile } from './files.ts';

const EVENTS = [
  'EPOLLIN',
  'EPOLLOUT',
  'EPOLLRDHUP',
  'EPOLLPRI',
  'EPOLLRDNORM',
  'EPOLLWRNORM',
  'EPOLLET',
  'EPOLLONESHOT',
];
const USUAL = ['EPOLLIN', 'EPOLLIN', 'EPOLLIN', 'EPOLLOUT', 'EPOLLIN|EPOLLOUT', 'EPOLLIN|EPOLLRDHUP', '0'];
const MODES = ['', '', '|EPOLLET', '|EPOLLET', '|EPOLLONESHOT', '|EPOLLET|EPOLLONESHOT'];
const EXCLUSIVE = ['EPOLLIN', 'EPOLLIN', 'EPOLLOUT', 'EPOLLIN|EPOLLOUT', 'EPOLLIN|EPOLLET', 'EPOLLIN|EPOLLONESHOT'];
const POLLED = ['POLLIN', 'POLLIN', 'POLLOUT', 'POLLRDHUP', 'POLLPRI', 'POLLIN|POLLOUT', 'POLLIN|POLLRDHUP', '0'];
/** More than any descriptor of a program. */
const SELECT_FDS = 64;

export const KINDS: readonly FileKind[] = [
  'eventfd',
  'eventfd',
  'eventfd',
  'pipe',
  'pipe',
  'packets',
  'stream',
  'stream',
  'dgram',
  'seqpacket',
  'timerfd',
  'signalfd',
];

/** How long a call waits: not at all, or in thread that may sleep, for ever. */
export type Patience = 'none' | 'some' | 'ever';

export class Maker {
  protected readonly random: Random;
  protected readonly files: Files;
  /** What each epoll watches, by name, as far as the dice know. */
  private readonly watched = new Map<string, Set<string>>();
  /** What some epoll may watch: a file, whatever its name. */
  protected readonly everWatched = new Set<Channel>();
  private data = 0;

  constructor(random: Random) {
    this.random = random;
    this.files = new Files(random);
  }

  /** Or another file, where the names of all have become names of other files. */
  protected epoll(): NamedFile {
    const epolls = this.files.of('epoll');
    return epolls.length > 0 ? this.random.pick(epolls) : this.files.any();
  }

  private eventsText(operation: string): string {
    const { random } = this;
    if (operation === 'ADD' && random.once(7)) return `${random.pick(EXCLUSIVE)}|EPOLLEXCLUSIVE`;
    if (!random.once(8)) return random.pick(USUAL) + random.pick(MODES);
    const some = EVENTS.filter(() => random.once(3));
    if (random.once(5)) some.push('EPOLLEXCLUSIVE');
    return some.length === 0 ? '0' : some.join('|');
  }

  /** An epoll_ctl that mostly suits what is registered. */
  protected control(): Step {
    const { random, files } = this;
    const epoll = this.epoll();
    let known = this.watched.get(epoll.name);
    if (known === undefined) this.watched.set(epoll.name, (known = new Set()));
    const fresh = files
      .open()
      .filter(({ name, kind }) => !known.has(name) && name !== epoll.name && kind !== 'regular');
    const old = files.open().filter(({ name }) => known.has(name));
    let operation = random.pick(['ADD', 'ADD', 'ADD', 'MOD', 'MOD', 'DEL']);
    if (operation === 'ADD' && fresh.length === 0) operation = 'MOD';
    if (operation !== 'ADD' && old.length === 0) operation = 'ADD';
    const suiting = operation === 'ADD' ? fresh : old;
    const target = suiting.length > 0 && !random.once(12) ? random.pick(suiting) : files.any();
    if (operation === 'ADD') {
      known.add(target.name);
      if (target.reads !== undefined) this.everWatched.add(target.reads);
    }
    if (operation === 'DEL') known.delete(target.name);
    const event: Argument = { event: { events: this.eventsText(operation), data: this.nextData() } };
    return call('epoll_ctl', `$${epoll.name}`, `EPOLL_CTL_${operation}`, `$${target.name}`, event);
  }

  protected nextData(): number {
    this.data++;
    return this.random.once(10) ? this.random.next() >>> 0 : this.data;
  }

  /** For a call that waits with a signal mask of its own. */
  protected mask(): { readonly sigset: readonly string[] } {
    return { sigset: this.random.pick([[], ['SIGUSR1'], ['SIGUSR2', 'SIGTERM']]) };
  }

  /** One of the three calls that wait at an epoll. */
  protected wait(patience: Patience): SystemCallStep {
    const { random } = this;
    const epoll = `$${this.epoll().name}`;
    const max = random.pick([1, 1, 2, 3, 16]);
    const out = { out_events: max };
    const ms = patience === 'none' ? 0 : patience === 'some' ? random.pick([1, 2]) : random.pick([-1, -1, -7, 60_000]);
    if (!random.once(3)) return call('epoll_wait', epoll, out, max, ms);
    const mask = random.once(2) ? null : this.mask();
    if (random.once(2)) return call('epoll_pwait', epoll, out, max, ms, mask, 8);
    return call('epoll_pwait2', epoll, out, max, timespecOf(ms), mask, 8);
  }

  /** poll, ppoll, select or pselect6. */
  protected poll(patience: Patience, some = this.random.between(1, 4)): SystemCallStep {
    const { random } = this;
    const ms = patience === 'none' ? 0 : patience === 'some' ? random.pick([1, 2]) : random.pick([-1, -1, 60_000]);
    if (random.once(4)) return this.select(ms);
    const asked = Array.from(
      { length: some },
      () => [`$${this.files.any().name}`, random.pick(POLLED)] as [string, string],
    );
    if (random.once(12)) asked.push(['-1', 'POLLIN']);
    const out = { pollfds: asked };
    if (random.once(2)) return call('poll', out, asked.length, ms);
    return call('ppoll', out, asked.length, timespecOf(ms), random.once(2) ? null : this.mask(), 8);
  }

  private select(ms: number): SystemCallStep {
    const { random } = this;
    const set = (): Argument => {
      const open = this.files.open();
      if (open.length === 0 || random.once(3)) return null;
      return { fdset: Array.from({ length: random.between(1, 3) }, () => `$${random.pick(open).name}`) };
    };
    const sets = [set(), set(), random.once(4) ? set() : null];
    const isLong = ms < 0;
    if (random.once(2)) {
      return call(
        'select',
        SELECT_FDS,
        ...sets,
        isLong ? null : { timespec: [Math.floor(ms / 1000), (ms % 1000) * 1000] },
      );
    }
    return call(
      'pselect6',
      SELECT_FDS,
      ...sets,
      timespecOf(ms),
      random.once(2) ? null : { sigset_pair: this.mask().sigset },
    );
  }

  /** A deadline that is surely over, or surely not. */
  protected timer(): Step[] {
    const { random } = this;
    const timers = this.files.of('timerfd');
    if (timers.length === 0) return [this.files.make('timerfd')];
    const file = random.pick(timers);
    const timer = `$${file.name}`;
    if (random.once(6)) return [call('timerfd_gettime', timer, { out_itimerspec: 1 })];
    const old: Argument = random.once(5) ? { out_itimerspec: 1 } : null;
    const [flags, value] = random.pick([
      ['0', [0, 0, 0, 0]],
      ['0', [0, 0, 3600, 0]],
      ['0', [7200, 5, 3600, 0]],
      ['0', [0, 0, 0, 1]],
      ['0', [0, 0, 0, 1]],
      ['0', [3600, 0, 0, 1]],
      ['TFD_TIMER_ABSTIME', [0, 0, 0, 1]],
      ['TFD_TIMER_ABSTIME', [0, 0, 1, 0]],
    ] as const);
    const set = call('timerfd_settime', timer, flags, { itimerspec: [...value] }, old);
    const isOver = value[3] === 1 || flags !== '0';
    if (file.reads !== undefined) file.reads.pending = isOver ? 1 : 0;
    return isOver ? [set, { sleep_ms: 2 }] : [set];
  }

  /** A socket that listens, and one that has connected to it. */
  protected connection(): Step[] {
    const { files } = this;
    const address: Argument = { unix_name: files.nextName('n') };
    const listening = files.make('listener');
    const listener = files.all.at(-1)!;
    listener.reads!.pending = 1;
    const client = files.nextName('c');
    const channels = [{ pending: 0 }, { pending: 0 }] as const;
    const open = call('socket', 'AF_UNIX', 'SOCK_STREAM|SOCK_NONBLOCK', 0);
    files.all.push({
      name: client,
      kind: 'stream',
      reads: channels[0],
      writes: channels[1],
      isOpen: true,
      blocks: false,
    });
    return [
      listening,
      call('bind', `$${listener.name}`, address, 24),
      call('listen', `$${listener.name}`, this.random.pick([0, 1, 4])),
      { ...open, as: client },
      call('connect', `$${client}`, address, 24),
    ];
  }

  protected shutdown(): Step {
    const sockets = this.files.of('stream', 'seqpacket', 'dgram');
    return this.shutdownOf(sockets.length > 0 ? this.random.pick(sockets) : this.files.any());
  }

  protected shutdownOf(file: NamedFile): Step {
    return call('shutdown', `$${file.name}`, this.random.pick(['SHUT_RD', 'SHUT_WR', 'SHUT_RDWR']));
  }
}

/** No end is no time at all. */
export function timespecOf(ms: number): Argument {
  if (ms < 0) return null;
  return { timespec: [Math.floor(ms / 1000), (ms % 1000) * 1_000_000] };
}
