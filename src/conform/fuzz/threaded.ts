/**
 * Random programs of several threads. Main lets all come to rest between two steps: then what came of a step is settled
 * before the next, and the outcomes differ only by who is faster within one. In a few programs it does not, here and
 * there; what such a program answers is held against the rules alone, where the host never answered it.
 *
 * Main never sleeps in a call: of files that block it writes little, and reads none.
 */
import type { Argument, Step } from '../../programs/conform/case.ts';
import type { Random } from '../../programs/torture/random.ts';
import { call, type Channel, EVENTFD_MAX, type FileKind } from './files.ts';
import type { RandomProgram } from './program.ts';
import { Maker } from './maker.ts';
import { oddity } from './oddities.ts';

const WATCHED: readonly FileKind[] = ['eventfd', 'eventfd', 'pipe', 'stream', 'dgram', 'seqpacket', 'packets'];
/** Main may write so much to a file that blocks. */
const SMALL = 100;
const PIPE_BYTES = 65_536;
/** Handlers: SIGUSR1 ends a call with EINTR, SIGUSR2 may start it again, SIGTERM is ignored. */
const SENT = ['SIGUSR1', 'SIGUSR1', 'SIGUSR2', 'SIGTERM'];

export class ThreadedMaker extends Maker {
  private readonly threads: Record<string, readonly Step[]> = {};
  private readonly started: string[] = [];
  private readonly waiting: string[] = [];
  private readonly settles: boolean;
  /** What is full, of files that block, or may be filled by a thread; main writes no more to it. */
  private readonly full = new Set<Channel>();

  constructor(random: Random) {
    super(random);
    this.settles = !random.once(10);
  }

  program(name: string): RandomProgram {
    const { random, files } = this;
    const main: Step[] = [
      { handler: 'SIGUSR1' },
      { handler: 'SIGUSR2', how: 'restart' },
      { handler: 'SIGTERM', how: 'SIG_IGN' },
    ];
    main.push(files.make('epoll'));
    if (random.once(2)) main.push(files.make('epoll'));
    for (let i = random.between(1, 3); i > 0; i--) main.push(...this.opened());
    if (random.once(6)) main.push(files.make('timerfd'));
    for (let i = random.between(2, 5); i > 0; i--) main.push(this.control());
    const count = random.pick([1, 1, 2, 2, 3, 3, 4]);
    for (let t = 0; t < count; t++) {
      this.threads[`t${t}`] = Array.from({ length: random.between(1, 3) }, (_, i) => this.threadStep(i === 0));
      this.waiting.push(`t${t}`);
    }
    main.push(...this.start());
    while (this.waiting.length > 0 && !random.once(4)) main.push(...this.start());
    for (let i = random.between(3, 8); i > 0; i--) main.push(...this.event());
    while (this.waiting.length > 0) main.push(...this.start());
    main.push({ settle: true });
    for (const epoll of files.of('epoll')) {
      main.push(call('epoll_wait', `$${epoll.name}`, { out_events: 8 }, 8, 0), { settle: true });
    }
    return {
      name,
      about: `a random program of several threads${this.settles ? '' : ', not always at rest'}`,
      main,
      threads: this.threads,
    };
  }

  /** A file, blocking or not; some of those that block are full. */
  private opened(): Step[] {
    const { random, files } = this;
    const kind = random.pick(WATCHED);
    const blocks = random.once(2);
    const steps = [files.make(kind, blocks)];
    const file = files.all.at(-1)!;
    if (!random.once(5) || (kind !== 'eventfd' && kind !== 'pipe')) return steps;
    if (blocks) this.full.add(file.writes!);
    // An eventfd that holds something already refuses, and would make main wait.
    if (kind === 'pipe') steps.push(call('write', `$${file.name}`, { fill: PIPE_BYTES }, PIPE_BYTES));
    else if (file.reads!.pending === 0) steps.push(call('write', `$${file.name}`, { u64: EVENTFD_MAX }, 8));
    file.writes!.pending = 1;
    return steps;
  }

  private start(): Step[] {
    const name = this.waiting.shift();
    if (name === undefined) return [];
    this.started.push(name);
    return [{ start: name }, ...this.rest()];
  }

  private rest(): Step[] {
    return this.settles || !this.random.once(3) ? [{ settle: true }] : [];
  }

  /** What a thread does: mostly a call that sleeps until another thread does something. */
  private threadStep(isFirst: boolean): Step {
    const { random } = this;
    switch (random.below(16)) {
      case 0:
      case 1:
        return this.poll('ever', random.between(1, 2));
      case 2:
      case 3:
        return this.threadRead();
      case 4:
        return this.threadWrite();
      case 5:
        return random.pick([
          call('pause'),
          call('rt_sigsuspend', { sigset: random.pick([[], ['SIGUSR1']]) }, 8),
          call('rt_sigprocmask', 'SIG_BLOCK', { sigset: ['SIGUSR1'] }, { out_sigset: 1 }, 8),
        ]);
      case 6:
        if (isFirst) return this.wait('ever');
        return random.once(2) ? this.control() : this.writeByAll(SMALL);
      case 7:
        return random.once(2) ? this.wait('none') : this.wait('ever');
      default:
        return this.wait('ever');
    }
  }

  private threadRead(): Step {
    const { random, files } = this;
    const some = files.all.filter(({ reads, kind }) => reads !== undefined && kind !== 'timerfd');
    const blocking = some.filter(({ blocks }) => blocks);
    return files.read(random.pick(blocking.length > 0 ? blocking : some));
  }

  private threadWrite(): Step {
    const { random, files } = this;
    const filled = files.all.filter(({ writes }) => writes !== undefined && this.full.has(writes));
    const file = filled.length > 0 ? random.pick(filled) : files.writable();
    if (file.blocks && file.writes !== undefined) this.full.add(file.writes);
    return files.write(file);
  }

  /** A write that does not block. @param most bytes, where the file itself would not */
  private writeByAll(most: number): Step {
    const { random, files } = this;
    const some = files.all.filter(({ writes }) => writes !== undefined && !this.full.has(writes));
    const open = some.filter(({ isOpen }) => isOpen);
    if (some.length === 0) return this.control();
    const file = random.pick(open.length > 0 ? open : some);
    return files.write(file, file.blocks ? SMALL : most);
  }

  /** Something that main does, and then all come to rest. */
  private event(): Step[] {
    const steps = this.mainStep();
    return steps.some((step) => 'settle' in step) ? steps : [...steps, ...this.rest()];
  }

  private mainStep(): Step[] {
    const { random, files } = this;
    switch (random.below(20)) {
      case 0:
      case 1:
      case 2:
      case 3:
      case 4:
      case 5:
        return [this.writeByAll(70_000)];
      case 6:
      case 7:
        return [this.mainRead()];
      case 8:
      case 9:
      case 10:
      case 11:
        return [this.control()];
      case 12:
        return this.waiting.length > 0 ? this.start() : [this.wait(random.once(3) ? 'some' : 'none')];
      case 13:
        return [files.close(files.any())];
      case 14:
        return [random.once(2) ? files.duplicate(files.any()) : files.replace(files.any(), files.any())];
      case 15:
        return random.once(2) ? [this.quietShutdown()] : this.timer();
      case 16:
        return this.blocked();
      case 17:
        return [random.once(2) ? this.poll('none') : this.wait('none')];
      case 18:
        if (files.all.some(({ blocks }) => blocks)) return [this.control()];
        return [oddity(random, files, this.epoll().name)];
      default:
        return [this.signal()];
    }
  }

  /** Of what surely does not make main wait. */
  private mainRead(): Step {
    const { random, files } = this;
    const file = files.readable();
    if (!file.blocks) return files.read(file);
    const sockets = files.of('stream', 'dgram', 'seqpacket');
    if (sockets.length === 0) return this.wait('none');
    const bytes = random.pick([1, 64, 4096]);
    return call('recvfrom', `$${random.pick(sockets).name}`, { scratch: bytes }, bytes, 'MSG_DONTWAIT', null, null);
  }

  /** Both ends hear of a shutdown, one after the other: who waits for both may look in between, or not. */
  private quietShutdown(): Step {
    const sockets = this.files.of('stream', 'seqpacket', 'dgram').filter(({ reads, peer }) => {
      return !this.everWatched.has(reads!) || (peer?.reads !== undefined && !this.everWatched.has(peer.reads));
    });
    return sockets.length > 0 ? this.shutdownOf(this.random.pick(sockets)) : this.control();
  }

  private blocked(): Step[] {
    return [{ settle: true }, { blocked: this.random.pick(this.started) }];
  }

  private signal(): Step {
    const { random } = this;
    const thread = `@${random.pick(this.started)}`;
    const signal: Argument = random.pick(SENT);
    return random.once(2) ? call('tkill', thread, signal) : call('tgkill', 'PID', thread, signal);
  }
}
