/**
 * Random programs, the same for the same seed. One of a single thread has one right answer, so it may do anything that
 * does not block. In one with threads, main lets all come to rest between two steps: then what came of a step is settled
 * before the next, and the outcomes differ only by who is faster within one.
 */
import type { ConformCase, Step } from '../../programs/conform/case.ts';
import { Random } from '../../programs/torture/random.ts';
import { call, type FileKind, Files, type NamedFile, SIGNALS } from './files.ts';

/** A case whose answers nobody knows yet. */
export type RandomProgram = Omit<ConformCase, 'expect'>;

const EVENTS = ['EPOLLIN', 'EPOLLOUT', 'EPOLLRDHUP', 'EPOLLPRI', 'EPOLLRDNORM', 'EPOLLET', 'EPOLLONESHOT', 'EPOLLET'];
const POLLED = ['POLLIN', 'POLLOUT', 'POLLRDHUP', 'POLLPRI', 'POLLIN|POLLOUT', '0'];
const KINDS: readonly FileKind[] = ['eventfd', 'eventfd', 'pipe', 'pipe', 'stream', 'message', 'timerfd', 'signalfd'];
const STEPS = { least: 15, most: 40 } as const;
const FILES_MAX = 16;
/** Of the programs, one in so many has threads. */
const THREADED = 3;

export function randomProgram(seed: number, index: number): RandomProgram {
  const random = new Random(seed, index);
  return random.once(THREADED)
    ? new ThreadedMaker(random).program(`fuzz-${seed}-${index}`)
    : new SingleMaker(random).program(`fuzz-${seed}-${index}`);
}

export function isThreaded(program: RandomProgram): boolean {
  return Object.keys(program.threads).length > 0;
}

/** What both kinds of program do with epolls. */
class Maker {
  protected readonly random: Random;
  protected readonly files: Files;

  constructor(random: Random) {
    this.random = random;
    this.files = new Files(random);
  }

  protected eventsText(): string {
    const some = EVENTS.filter(() => this.random.once(3));
    if (this.random.once(8)) some.push('EPOLLEXCLUSIVE');
    return some.length === 0 ? this.random.pick(['0', 'EPOLLIN', 'EPOLLIN']) : some.join('|');
  }

  protected control(): Step {
    const epoll = this.random.pick(this.files.of('epoll'));
    const target = this.files.any();
    const operation = this.random.pick(['ADD', 'ADD', 'ADD', 'MOD', 'DEL']);
    const event = { event: { events: this.eventsText(), data: this.random.next() >>> 0 } };
    return call('epoll_ctl', `$${epoll.name}`, `EPOLL_CTL_${operation}`, `$${target.name}`, event);
  }

  protected wait(timeoutMs: number): Step {
    const epoll = this.random.pick(this.files.of('epoll'));
    const max = this.random.pick([1, 2, 3, 16]);
    return call('epoll_wait', `$${epoll.name}`, { out_events: max }, max, timeoutMs);
  }

  protected poll(timeoutMs: number, some = this.random.between(1, 4)): Step {
    const asked = Array.from(
      { length: some },
      () => [`$${this.files.any().name}`, this.random.pick(POLLED)] as [string, string],
    );
    return call('poll', { pollfds: asked }, some, timeoutMs);
  }

  protected readable(): NamedFile {
    return this.random.pick(this.files.all.filter(({ reads, kind }) => reads && kind !== 'epoll'));
  }
  protected writable(): NamedFile {
    const all = this.files.all.filter(({ writes }) => writes);
    return all.length > 0 ? this.random.pick(all) : this.files.any();
  }
}

class SingleMaker extends Maker {
  /** All of them, for good: one without a handler would end the program. Otherwise each has a handler. */
  private blocksSignals = false;

  program(name: string): RandomProgram {
    const { random, files } = this;
    const main: Step[] = [files.open('epoll'), files.open('eventfd'), files.open(random.pick(KINDS))];
    this.blocksSignals = random.once(3);
    if (this.blocksSignals) main.push(call('rt_sigprocmask', 'SIG_BLOCK', { sigset: [...SIGNALS] }, null, 8));
    else main.push(...SIGNALS.map((signal) => ({ handler: signal }) as const));
    const steps = random.between(STEPS.least, STEPS.most);
    while (main.length < steps) main.push(...this.step());
    main.push(this.wait(0));
    return { name, about: 'a random program of one thread', main, threads: {} };
  }

  private step(): Step[] {
    const { random, files } = this;
    switch (random.below(20)) {
      case 0:
      case 1:
        return files.all.length < FILES_MAX ? [files.open(random.once(4) ? 'epoll' : random.pick(KINDS))] : [];
      case 2:
      case 3:
      case 4:
      case 5:
      case 6:
        return [this.control()];
      case 7:
      case 8:
      case 9:
      case 10:
        return [this.wait(0)];
      case 11:
      case 12:
      case 13:
        return [files.write(this.writable())];
      case 14:
      case 15:
        return [files.read(this.readable())];
      case 16:
        return [this.poll(0)];
      case 17:
        return [random.once(3) ? this.closing() : this.control()];
      case 18:
        return [random.once(2) && files.all.length < FILES_MAX ? files.duplicate(files.any()) : this.oddity()];
      default:
        return random.once(2) ? this.timer() : [this.signal()];
    }
  }

  private closing(): Step {
    const file = this.files.any();
    if (file.kind === 'stream' && this.random.once(2)) {
      return call('shutdown', `$${file.name}`, this.random.pick(['SHUT_RD', 'SHUT_WR', 'SHUT_RDWR']));
    }
    return call('close', `$${file.name}`);
  }

  /** A deadline that is surely over, or surely not. */
  private timer(): Step[] {
    const timers = this.files.of('timerfd');
    if (timers.length === 0) return [this.files.open('timerfd')];
    const timer = `$${this.random.pick(timers).name}`;
    const value = this.random.pick([
      [0, 0, 0, 0],
      [0, 0, 3600, 0],
      [0, 0, 0, 1],
    ] as const);
    const set = call('timerfd_settime', timer, 0, { itimerspec: [...value] }, null);
    return value[3] === 1 ? [set, { sleep_ms: 3 }] : [set];
  }

  private signal(): Step {
    const signal = this.random.pick(SIGNALS);
    switch (this.random.below(5)) {
      case 0:
        return call('rt_sigpending', { out_sigset: 1 }, 8);
      case 1:
        if (this.blocksSignals) return call('rt_sigpending', { out_sigset: 1 }, 8);
        return mask(this.random.pick(['SIG_BLOCK', 'SIG_UNBLOCK', 'SIG_SETMASK']), signal);
      case 2: {
        const epoll = `$${this.random.pick(this.files.of('epoll')).name}`;
        const blocked = { sigset: this.blocksSignals ? [...SIGNALS] : [signal] };
        return call('epoll_pwait', epoll, { out_events: 4 }, 4, 0, blocked, 8);
      }
      default:
        return call('kill', 'PID', signal);
    }
  }

  /** What a call does with arguments that make no sense. */
  private oddity(): Step {
    const epoll = `$${this.random.pick(this.files.of('epoll')).name}`;
    const any = `$${this.files.any().name}`;
    switch (this.random.below(8)) {
      case 0:
        return call('epoll_wait', epoll, { out_events: 1 }, this.random.pick([0, -1]), 0);
      case 1:
        return call('epoll_wait', any, { out_events: 1 }, 1, 0);
      case 2:
        return call('epoll_ctl', any, 'EPOLL_CTL_ADD', epoll, { event: { events: 'EPOLLIN', data: 1 } });
      case 3:
        return call('epoll_ctl', epoll, 'EPOLL_CTL_ADD', any, { bad: 1 });
      case 4:
        return call('epoll_wait', epoll, { bad: 1 }, 4, 0);
      case 5:
        return call('read', any, { scratch: 8 }, this.random.pick([0, 4]));
      case 6:
        return call('write', any, { u64: '1' }, this.random.pick([0, 4]));
      default:
        return call('epoll_ctl', epoll, this.random.pick([0, 4]), any, { event: { events: 'EPOLLIN', data: 2 } });
    }
  }
}

function mask(how: string, signal: string): Step {
  return call('rt_sigprocmask', how, { sigset: [signal] }, { out_sigset: 1 }, 8);
}

class ThreadedMaker extends Maker {
  program(name: string): RandomProgram {
    const { random, files } = this;
    const main: Step[] = [{ handler: 'SIGUSR1' }, files.open('epoll')];
    if (random.once(2)) main.push(files.open('epoll'));
    for (let i = random.between(1, 3); i > 0; i--)
      main.push(files.open(random.pick(['eventfd', 'pipe', 'stream', 'message'])));
    for (let i = random.between(2, 5); i > 0; i--) main.push(this.control());
    const threads: Record<string, readonly Step[]> = {};
    const count = random.between(1, 3);
    for (let t = 0; t < count; t++) {
      threads[`t${t}`] = Array.from({ length: random.between(1, 3) }, () => this.blockingStep());
      main.push({ start: `t${t}` }, { settle: true });
    }
    for (let i = random.between(2, 6); i > 0; i--) main.push(this.event(count), { settle: true });
    for (const { name: epoll } of files.of('epoll'))
      main.push(call('epoll_wait', `$${epoll}`, { out_events: 8 }, 8, 0));
    return { name, about: 'a random program of several threads', main, threads };
  }

  private blockingStep(): Step {
    return this.random.once(5) ? this.poll(-1, this.random.between(1, 2)) : this.wait(-1);
  }

  private event(threads: number): Step {
    const { random, files } = this;
    switch (random.below(10)) {
      case 0:
      case 1:
      case 2:
      case 3:
      case 4:
        return files.write(this.writable());
      case 5:
        return files.read(this.readable());
      case 6:
      case 7:
        return this.control();
      case 8:
        return random.once(2) ? call('close', `$${files.any().name}`) : files.duplicate(files.any());
      default:
        return call('tkill', `@t${random.below(threads)}`, 'SIGUSR1');
    }
  }
}
