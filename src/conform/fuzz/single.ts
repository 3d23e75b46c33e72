/**
 * Random programs of one thread. Such a program has one right answer, so it may do anything that does not block, or that
 * surely comes back: a short wait that nobody but time ends, or a long one for what is ready.
 */
import type { Argument, Step } from '../../programs/conform/case.ts';
import { call, type NamedFile, SIGNALS } from './files.ts';
import type { RandomProgram } from './program.ts';
import { KINDS, Maker } from './maker.ts';
import { oddity } from './oddities.ts';

const STEPS = { least: 15, most: 40 } as const;
const FILES_MAX = 16;

export class SingleMaker extends Maker {
  /** All of them, for good: one without a handler would end the program. Otherwise each has a handler. */
  private blocksSignals = false;

  program(name: string): RandomProgram {
    const { random, files } = this;
    const main: Step[] = [files.make('epoll'), files.make('eventfd'), files.make(random.pick(KINDS))];
    this.blocksSignals = random.once(3);
    if (this.blocksSignals) {
      main.push(call('rt_sigprocmask', 'SIG_BLOCK', { sigset: [...SIGNALS] }, null, 8));
      if (random.once(2)) main.push({ handler: 'SIGUSR2', how: 'SIG_IGN' });
      if (random.once(2)) main.push(files.make('signalfd'));
    } else main.push(...SIGNALS.map((signal) => ({ handler: signal }) as const));
    const steps = random.between(STEPS.least, STEPS.most);
    while (main.length < steps) main.push(...this.step());
    main.push(this.wait('none'));
    return { name, about: 'a random program of one thread', main, threads: {} };
  }

  /** Who blocks its signals has no handlers for them. */
  protected override mask(): { readonly sigset: readonly string[] } {
    return this.blocksSignals ? { sigset: [...SIGNALS] } : super.mask();
  }

  private step(): Step[] {
    const { random, files } = this;
    const isFull = files.all.length >= FILES_MAX;
    switch (random.below(24)) {
      case 0:
      case 1:
        return isFull ? [this.control()] : this.opening();
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
        return [this.wait(random.once(25) ? 'some' : 'none')];
      case 11:
      case 12:
      case 13:
      case 14:
        return [files.write(files.writable())];
      case 15:
      case 16:
      case 17:
        return [files.read(files.readable())];
      case 18:
        return [this.poll(random.once(25) ? 'some' : 'none')];
      case 19:
        return random.once(3) ? [this.closing()] : random.once(4) ? [this.shutdown()] : [this.control()];
      case 20:
        return [oddity(random, files, this.epoll().name)];
      case 21:
        return random.once(2) ? this.timer() : random.once(3) ? this.sure() : [this.size()];
      case 22:
        if (isFull) return [files.replace(files.any(), files.any())];
        return [random.once(3) ? files.replace(files.any(), files.any()) : files.duplicate(files.any())];
      default:
        return [this.signal()];
    }
  }

  private opening(): Step[] {
    const { random, files } = this;
    if (random.once(12)) return this.connection();
    if (random.once(15)) return [files.make('regular')];
    return [files.make(random.once(4) ? 'epoll' : random.pick(KINDS))];
  }

  private closing(): Step {
    return this.files.close(this.files.any());
  }

  /** How large a pipe is, and what flags a file has. */
  private size(): Step {
    const { random, files } = this;
    const pipes = files.of('pipe', 'packets');
    const pipe: NamedFile = pipes.length > 0 && !random.once(10) ? random.pick(pipes) : files.any();
    const fd = `$${pipe.name}`;
    return random.pick([
      call('fcntl', fd, 'F_SETPIPE_SZ', random.pick([0, 4096, 5000, 8192, 65_536, 131_072])),
      call('fcntl', fd, 'F_SETPIPE_SZ', random.pick([4096, 8192, 16_384])),
      call('fcntl', fd, 'F_GETPIPE_SZ', 0),
      call('ioctl', fd, 'FIONREAD', { out_int: 4 }),
      call('fcntl', fd, 'F_GETFL', 0),
      call('fcntl', fd, 'F_SETFL', random.pick(['O_NONBLOCK', 'O_NONBLOCK|O_DIRECT'])),
      call('fcntl', fd, 'F_GETFD', 0),
    ]);
  }

  /** Waits without end, or for long, for what surely comes: what is written now, or a timer that is over soon. */
  private sure(): Step[] {
    const { random, files } = this;
    if (random.once(2)) {
      const made = files.make('timerfd');
      const timer = `$${files.all.at(-1)!.name}`;
      const wait = call('poll', { pollfds: [[timer, 'POLLIN']] }, 1, random.pick([-1, 8000]));
      return [made, call('timerfd_settime', timer, 0, { itimerspec: [0, 0, 0, 1_000_000] }, null), wait];
    }
    const [event, epoll] = [files.make('eventfd'), files.make('epoll')];
    const [source, instance] = files.all.slice(-2).map((file) => `$${file.name}`) as [string, string];
    const asked: Argument = {
      event: { events: random.pick(['EPOLLIN', 'EPOLLIN|EPOLLET', 'EPOLLIN|EPOLLONESHOT']), data: 7 },
    };
    return [
      event,
      epoll,
      call('epoll_ctl', instance, 'EPOLL_CTL_ADD', source, asked),
      call('write', source, { u64: '1' }, 8),
      call('epoll_wait', instance, { out_events: 2 }, 2, random.pick([-1, 60_000])),
      call('epoll_wait', instance, { out_events: 2 }, 2, 0),
    ];
  }

  private signal(): Step {
    const { random } = this;
    const signal = random.pick(SIGNALS);
    switch (random.below(9)) {
      case 0:
        return call('rt_sigpending', { out_sigset: 1 }, 8);
      case 1:
      case 2:
        if (this.blocksSignals) return call('rt_sigpending', { out_sigset: 1 }, 8);
        return call(
          'rt_sigprocmask',
          random.pick(['SIG_BLOCK', 'SIG_UNBLOCK', 'SIG_SETMASK']),
          { sigset: [signal] },
          { out_sigset: 1 },
          8,
        );
      case 3: {
        const blocked = this.random.once(2) ? this.mask() : { sigset: this.blocksSignals ? [...SIGNALS] : [signal] };
        return call('epoll_pwait', `$${this.epoll().name}`, { out_events: 4 }, 4, random.pick([0, 0, 1]), blocked, 8);
      }
      case 4:
        return call(
          'rt_sigtimedwait',
          { sigset: random.pick([[signal], [...SIGNALS]]) },
          null,
          { timespec: [0, 0] },
          8,
        );
      case 5: {
        const signalfds = this.files.of('signalfd');
        if (signalfds.length === 0 || random.once(2)) return this.files.make('signalfd');
        return call('signalfd4', `$${random.pick(signalfds).name}`, { sigset: [signal] }, 8, 0);
      }
      default:
        return call('kill', 'PID', signal);
    }
  }
}
