// Takes everything there is of a thing, and is told so by Linux's errno; gives it back, and takes as much again. `main` runs
// the scenario that argv names; a broken promise is thrown, which ends the machine and names it.
import {
  abstractAddress,
  AF_UNIX,
  alloc,
  allocEpollEvent,
  allocTimespec,
  check,
  CLONE_FILES,
  CLOCK_MONOTONIC,
  EAGAIN,
  EMFILE,
  ENFILE,
  ENOBUFS,
  ENOMEM,
  ENOSPC,
  EPOLL_CTL_ADD,
  EPOLL_CTL_DEL,
  EPOLLIN,
  errnoName,
  ETOOMANYREFS,
  fork,
  type Guest,
  inherited,
  join,
  load32,
  makePipe,
  O_NONBLOCK,
  receiveFds,
  SA_NODEFER,
  sendFds,
  sigaction,
  SIGUSR1,
  SOCK_DGRAM,
  SOCK_NONBLOCK,
  SOCK_SEQPACKET,
  SOCK_STREAM,
  startThread,
  store32,
  sys,
  type Thread,
  trap,
  waitpid,
} from '../../src/programs/libc/index.ts';

function expectNumber(got: number, expected: number, what: string): void {
  const named = (n: number): string => (n < 0 ? errnoName(-n) : String(n));
  if (got !== expected) throw new Error(`${what}: ${named(got)}, and not ${named(expected)}`);
}

/** Takes until it is refused, gives all back, and does it twice again: each time there is as much. */
function* thrice(
  errno: number,
  atLeast: number,
  take: () => Guest,
  giveBack: (taken: number) => Guest<void>,
): Guest<void> {
  let first = 0;
  for (let round = 0; round < 3; round++) {
    let count = 0;
    for (;;) {
      const r = yield* take();
      if (r < 0) {
        expectNumber(r, -errno, `what was refused in round ${round} after ${count}`);
        break;
      }
      if (++count > 100_000) throw new Error('there is no end of it');
    }
    // It goes on being refused, and what there is goes on working.
    expectNumber(yield* take(), -errno, 'the next');
    yield* stillWorks();
    yield* giveBack(count);
    yield* passGracePeriod();
    if (round === 0) first = count;
    expectNumber(count, first, `how many there were in round ${round}`);
  }
  if (first < atLeast) throw new Error(`there were ${first}, and there should have been ${atLeast}`);
}

/** Whatever is exhausted, a pipe that is open passes bytes. */
let channel = { read: -1, write: -1 };
function* stillWorks(): Guest<void> {
  const at = alloc(8);
  expectNumber(yield sys.write(channel.write, at, 8), 8, 'a write to an open pipe');
  expectNumber(yield sys.read(channel.read, at, 8), 8, 'a read from an open pipe');
}

/** What was given back may be used again after a boundary of every CPU: soon, and surely after some calls. */
function* passGracePeriod(): Guest<void> {
  yield sys.nanosleep(allocTimespec(20e6), 0);
}

function* opened(list: number[], call: number): Guest {
  const fd = yield call;
  if (fd >= 0) list.push(fd);
  return fd;
}
function* closeAll(list: number[]): Guest<void> {
  for (const fd of list.splice(0)) expectNumber(yield sys.close(fd), 0, `close ${fd}`);
}

/** What a scenario expects to be told, where designs differ. */
const ERRNOS: Readonly<Record<string, number>> = { ENFILE, ENOMEM, ENOSPC };

const scenarios: Readonly<Record<string, (errno: number) => Guest<void>>> = {
  *files() {
    const fds: number[] = [];
    yield* thrice(
      ENFILE,
      40,
      () => opened(fds, sys.eventfd2(0, 0)),
      () => closeAll(fds),
    );
    // At the very limit, each number that is closed can be opened again at once.
    while ((yield* opened(fds, sys.eventfd2(0, 0))) >= 0);
    for (let i = 0; i < 200; i++) {
      expectNumber(yield sys.close(fds.shift()!), 0, 'close');
      if ((yield* opened(fds, sys.eventfd2(0, 0))) < 0) throw new Error(`nothing could be opened after close ${i}`);
    }
    yield* closeAll(fds);
  },

  /** A neighbour that computes holds up who may use a record again; nobody is told ENFILE for that. */
  *churn() {
    const stop = alloc(8);
    const neighbour = yield* startThread(computes, stop, trap.cpu === 0 ? 1 : 0);
    const listener = check(yield sys.socket(AF_UNIX, SOCK_STREAM, 0), 'socket');
    const { at, length } = abstractAddress('churn');
    check(yield sys.bind(listener, at, length), 'bind');
    check(yield sys.listen(listener, 8), 'listen');
    for (let i = 0; i < 300; i++) {
      const client = check(yield sys.socket(AF_UNIX, SOCK_STREAM, 0), `socket ${i}`);
      check(yield sys.connect(client, at, length), `connect ${i}`);
      const server = check(yield sys.accept(listener, 0, 0), `accept ${i}`);
      const { read, write } = yield* makePipe();
      for (const fd of [client, server, read, write]) expectNumber(yield sys.close(fd), 0, 'close');
    }
    store32(stop, 1);
    yield* join(neighbour);
    yield* closeAll([listener]);
  },

  *births() {
    for (let i = 0; i < 300; i++) yield* join(yield* startThread(returns, 0));
    for (let i = 0; i < 100; i++) {
      const pid = check(yield* fork(returns, 0), 'fork');
      expectNumber((yield* waitpid(pid)).pid, pid, 'wait4');
    }
  },

  *descriptors() {
    const fds: number[] = [];
    yield* thrice(
      EMFILE,
      40,
      () => opened(fds, sys.dup(channel.read)),
      () => closeAll(fds),
    );
    while ((yield* opened(fds, sys.dup(channel.read))) >= 0);
    // Two are wanted, and one is there: neither is taken, nor anything behind them.
    expectNumber(yield sys.close(fds.pop()!), 0, 'close');
    const ends = alloc(8);
    for (let i = 0; i < 300; i++) {
      expectNumber(yield sys.pipe2(ends, 0), -EMFILE, 'pipe2');
      expectNumber(yield sys.socketpair(AF_UNIX, SOCK_STREAM, 0, ends), -EMFILE, 'socketpair');
    }
    expectNumber(yield* opened(fds, sys.dup(channel.read)), fds[fds.length - 1]!, 'the last number');
    expectNumber(yield sys.epoll_create1(0), -EMFILE, 'epoll_create1');
    expectNumber(yield sys.timerfd_create(CLOCK_MONOTONIC, 0), -EMFILE, 'timerfd_create');
    expectNumber(yield sys.eventfd2(0, 0), -EMFILE, 'eventfd2');
    expectNumber(yield sys.socket(AF_UNIX, SOCK_STREAM, 0), -EMFILE, 'socket');
    yield* closeAll(fds);
  },

  *pipes() {
    const fds: number[] = [];
    const ends = alloc(8);
    yield* thrice(
      ENFILE,
      10,
      function* () {
        const r = yield sys.pipe2(ends, 0);
        if (r === 0) fds.push(load32(ends), load32(ends + 4));
        return r;
      },
      () => closeAll(fds),
    );
  },

  *sockets() {
    const fds: number[] = [];
    const ends = alloc(8);
    yield* thrice(
      ENFILE,
      10,
      function* () {
        const r = yield sys.socketpair(AF_UNIX, SOCK_SEQPACKET, 0, ends);
        if (r === 0) fds.push(load32(ends), load32(ends + 4));
        return r;
      },
      () => closeAll(fds),
    );
    yield* thrice(
      ENFILE,
      20,
      () => opened(fds, sys.socket(AF_UNIX, SOCK_STREAM, 0)),
      () => closeAll(fds),
    );
  },

  /** Kevlar has one limit for all files; Linux's instances end with the memory. */
  *epolls(errno) {
    const fds: number[] = [];
    yield* thrice(
      errno,
      10,
      () => opened(fds, sys.epoll_create1(0)),
      () => closeAll(fds),
    );
  },

  /** Linux has a quota of watches; Kevlar's end with the memory. */
  *interests(errno) {
    const fds: number[] = [];
    const epoll = check(yield sys.epoll_create1(0), 'epoll_create1');
    const event = allocEpollEvent(EPOLLIN, 0);
    for (let i = 0; i < 60; i++) yield* opened(fds, sys.eventfd2(0, 0));
    let next = 0;
    yield* thrice(
      errno,
      16,
      function* () {
        const r = yield sys.epoll_ctl(epoll, EPOLL_CTL_ADD, fds[next]!, event);
        if (r === 0) next++;
        return r;
      },
      function* (taken) {
        for (let i = 0; i < taken; i++) expectNumber(yield sys.epoll_ctl(epoll, EPOLL_CTL_DEL, fds[i]!, 0), 0, 'DEL');
        next = 0;
      },
    );
    expectNumber(yield sys.close(epoll), 0, 'close');
    yield* closeAll(fds);
  },

  /** Numbers far apart take more of the tree in which they are found than numbers that are neighbours. */
  *mapNodes() {
    const source = check(yield sys.eventfd2(0, 0), 'eventfd2');
    const epolls: number[] = [];
    const event = allocEpollEvent(EPOLLIN, 0);
    const far = [30, 60, 200, 900, 1100, 2100, 3200, 4000];
    for (const fd of far) check(yield sys.dup2(source, fd), 'dup2');
    for (let i = 0; i < 8; i++) yield* opened(epolls, sys.epoll_create1(0));
    yield* thrice(
      ENOMEM,
      4,
      function* () {
        for (const epoll of epolls) {
          for (const fd of far) {
            const r = yield sys.epoll_ctl(epoll, EPOLL_CTL_ADD, fd, event);
            if (r !== -17) return r;
          }
        }
        throw new Error('every descriptor was added');
      },
      function* () {
        for (const epoll of epolls) for (const fd of far) yield sys.epoll_ctl(epoll, EPOLL_CTL_DEL, fd, 0);
      },
    );
    yield* closeAll([...epolls, ...far, source]);
  },

  /** Who polls stands in the queue of every file, if files have queues; and in none, if not in all. */
  *waitEntries() {
    const many = 64;
    const polled = alloc(8 * many);
    for (let i = 0; i < many; i++) {
      store32(polled + 8 * i, channel.read);
      store32(polled + 8 * i + 4, EPOLLIN);
    }
    for (let round = 0; round < 3; round++) {
      // With time enough: a wait whose time is over when it is tried again needs no place.
      expectNumber(yield sys.poll(polled, many, 20_000), -ENOMEM, 'poll of very many');
      yield* stillWorks();
      expectNumber(yield sys.poll(polled, 8, 1), 0, 'poll of a few');
    }
  },

  /** What fills the pages is refused by each kind of file as Linux refuses it; what is in them stays. */
  *pages() {
    const bytes = 4096;
    const buffer = alloc(bytes);
    const pipes: { read: number; write: number }[] = [];
    for (let i = 0; i < 6; i++) pipes.push(yield* makePipe(O_NONBLOCK));
    const ends = alloc(8);
    check(yield sys.socketpair(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK, 0, ends), 'socketpair');
    const [left, right] = [load32(ends), load32(ends + 4)];
    const counter = check(yield sys.eventfd2(0, 0), 'eventfd2');
    const memfd = check(yield sys.memfd_create(alloc(8), 0), 'memfd_create');
    for (let round = 0; round < 3; round++) {
      const filled = pipes.map(() => 0);
      let refused = 0;
      for (const [i, pipe] of pipes.entries()) {
        for (;;) {
          const r = yield sys.write(pipe.write, buffer, bytes);
          if (r === -EAGAIN) break;
          if (r < 0) {
            expectNumber(r, -ENOMEM, 'a write to a pipe');
            refused++;
            break;
          }
          filled[i]! += r;
        }
      }
      if (refused === 0) throw new Error('there were pages for every pipe');
      expectNumber(yield sys.write(left, buffer, bytes), -ENOBUFS, 'a write to a socket');
      expectNumber(yield sys.write(memfd, buffer, bytes), -ENOSPC, 'a write to a memfd');
      expectNumber(yield sys.write(counter, buffer, 8), 8, 'a write to an eventfd');
      for (const [i, pipe] of pipes.entries()) {
        let got = 0;
        for (let r = 0; (r = yield sys.read(pipe.read, buffer, bytes)) !== -EAGAIN; got += r) check(r, 'read');
        expectNumber(got, filled[i]!, `bytes of pipe ${i}`);
      }
      expectNumber(yield sys.write(left, buffer, bytes), bytes, 'a write to a socket, afterwards');
      expectNumber(yield sys.read(right, buffer, bytes), bytes, 'a read from a socket');
      expectNumber(yield sys.lseek(memfd, 0, 0), 0, 'lseek');
      expectNumber(yield sys.write(memfd, buffer, bytes), bytes, 'a write to a memfd, afterwards');
    }
    // What is empty keeps nothing that others want: each pipe in its turn may have nearly all.
    for (const pipe of pipes) {
      let put = 0;
      for (let r = 0; (r = yield sys.write(pipe.write, buffer, bytes)) > 0; ) put += r;
      if (put < 8 * bytes) throw new Error(`an empty machine had room for ${put} bytes in a pipe`);
      while ((yield sys.read(pipe.read, buffer, bytes)) > 0);
    }
  },

  *socketNames() {
    const fds: number[] = [];
    let count = 0;
    yield* thrice(
      ENOSPC,
      100,
      function* () {
        const fd = check(yield sys.socket(AF_UNIX, SOCK_DGRAM, 0), 'socket');
        const { at, length } = abstractAddress(`name ${count++}`);
        const r = yield sys.bind(fd, at, length);
        if (r < 0) yield sys.close(fd);
        else fds.push(fd);
        return r;
      },
      () => closeAll(fds),
    );
  },

  *inFlight() {
    const ends = alloc(8);
    check(yield sys.socketpair(AF_UNIX, SOCK_DGRAM | SOCK_NONBLOCK, 0, ends), 'socketpair');
    const [left, right] = [load32(ends), load32(ends + 4)];
    const many = Array.from({ length: 40 }, () => channel.read);
    const received: number[] = [];
    let sent = 0;
    for (let round = 0; round < 3; round++) {
      let refused = 0;
      for (let i = 0; refused === 0; i++) {
        const r = yield* sendFds(left, many);
        if (r < 0) refused = r;
        else sent++;
        if (i > 1000) throw new Error('there is no end of it');
      }
      if (refused !== -ETOOMANYREFS && refused !== -EAGAIN) expectNumber(refused, -ETOOMANYREFS, 'the last message');
      yield* stillWorks();
      for (; sent > 0; sent--) {
        const { result, fds } = yield* receiveFds(right);
        check(result, 'recvmsg');
        received.push(...fds);
        yield* closeAll(received);
      }
    }
  },

  *tasks() {
    const threads: Thread[] = [];
    const gate = alloc(8);
    yield* thrice(
      EAGAIN,
      10,
      function* () {
        try {
          threads.push(yield* startThread(sleeper, gate));
          return 0;
        } catch (error) {
          return Number(/-?\d+/.exec((error as Error).message)?.[0] ?? 0);
        }
      },
      function* () {
        store32(gate, 1);
        yield sys.futex(gate, 1, 0x7fffffff, 0, 0, 0);
        for (const thread of threads.splice(0)) yield* join(thread);
        store32(gate, 0);
      },
    );
  },

  *processes() {
    const gate = yield* makePipe();
    const children: number[] = [];
    const ends = alloc(8);
    store32(ends, gate.read);
    store32(ends + 4, gate.write);
    yield* thrice(
      EAGAIN,
      3,
      function* () {
        const pid = yield* fork(child, ends);
        if (pid > 0) children.push(pid);
        return pid;
      },
      function* () {
        for (const _child of children.splice(0)) expectNumber(yield sys.write(gate.write, ends, 1), 1, 'write');
        for (;;) {
          const { pid, code } = yield* waitpid(-1);
          if (pid < 0) break;
          expectNumber(code ?? -1, 5, `the exit code of ${pid}`);
        }
      },
    );
  },

  /** Children with user memory of their own, when there are processes left and no memory: ENOMEM, as for lack of pages. */
  *addressSpaces() {
    const gate = yield* makePipe();
    const ends = alloc(8);
    store32(ends, gate.read);
    store32(ends + 4, gate.write);
    let children = 0;
    yield* thrice(
      ENOMEM,
      2,
      function* () {
        const pid = yield* fork(child, ends);
        if (pid > 0) children++;
        return pid;
      },
      function* () {
        for (; children > 0; children--) {
          expectNumber(yield sys.write(gate.write, ends, 1), 1, 'write');
          expectNumber((yield* waitpid(-1)).code ?? -1, 5, 'the exit code');
        }
      },
    );
  },

  /** Threads with tables of descriptors of their own, until there is no table left. */
  *fdTables() {
    const threads: Thread[] = [];
    const had = alloc(8);
    yield* thrice(
      ENOMEM,
      8,
      function* () {
        const thread = yield* startThread(ownsATable, had);
        store32(had, 1);
        while (load32(had) === 1) yield sys.sched_yield();
        if (load32(had) === 0) threads.push(thread);
        else yield* join(thread);
        return -load32(had);
      },
      function* () {
        store32(had + 4, 1);
        yield sys.futex(had + 4, 1, 0x7fffffff, 0, 0, 0);
        for (const thread of threads.splice(0)) yield* join(thread);
        store32(had + 4, 0);
      },
    );
  },

  /** Handlers on top of handlers take frames of all; who finds none is ended as by a stack overflow. */
  *frames() {
    const pid = yield* fork(nests, 0);
    const { signal } = yield* waitpid(pid);
    expectNumber(signal ?? 0, 11, 'the signal that ended it');
    // What it had is there again.
    const again = yield* fork(nestsTwice, 0);
    expectNumber((yield* waitpid(again)).code ?? -1, 0, 'the exit code');
  },

  *timers() {
    const fds: number[] = [];
    const time = alloc(32);
    store32(time + 16, 3600);
    // Every file may be an armed timer, and every task asleep until a deadline besides.
    yield* thrice(
      ENFILE,
      20,
      function* () {
        const fd = yield* opened(fds, sys.timerfd_create(CLOCK_MONOTONIC, 0));
        if (fd >= 0) expectNumber(yield sys.timerfd_settime(fd, 0, time, 0), 0, 'timerfd_settime');
        return fd;
      },
      () => closeAll(fds),
    );
  },

  *userMemory() {
    let taken = 0;
    try {
      for (;;) {
        alloc(1024);
        taken += 1024;
      }
    } catch (error) {
      if (!(error instanceof RangeError)) throw error;
    }
    if (taken < trap.userBytes * 0.8) throw new Error(`only ${taken} of ${trap.userBytes} bytes were there`);
    // A buffer that leaves it is refused.
    expectNumber(yield sys.write(channel.write, trap.userBase + trap.userBytes, 8), -14, 'a write from beyond');
    expectNumber(yield sys.getppid(), 0, 'getppid');
  },
};

export function* returns(): Guest {
  return yield sys.getpid();
}

export function* computes(stop: number): Guest {
  while (load32(stop) === 0) {
    for (const endMs = performance.now() + 15; performance.now() < endMs; );
    yield sys.getpid();
  }
  return 0;
}

export function* sleeper(gate: number): Guest {
  while (load32(gate) === 0) yield sys.futex(gate, 0, 0, 0, 0, 0);
  return 0;
}

/** Says at `had` how unshare answered: 0, or the errno; and waits behind the word there. */
export function* ownsATable(had: number): Guest {
  while (load32(had) !== 1) yield sys.sched_yield();
  const r = yield sys.unshare(CLONE_FILES);
  store32(had, -r);
  return r < 0 ? 0 : yield* sleeper(had + 4);
}

export function* child(ends: number): Guest {
  const mine = inherited(ends);
  yield sys.read(load32(mine), mine, 1);
  return 5;
}

let depth = 0;
export function* handlerThatNests(): Guest {
  depth++;
  yield sys.kill(trap.pid, SIGUSR1);
  return 0;
}
export function* nests(): Guest {
  yield* sigaction(SIGUSR1, handlerThatNests, SA_NODEFER);
  yield sys.kill(trap.pid, SIGUSR1);
  return 0;
}

export function* handlerThatNestsOnce(): Guest {
  if (depth++ === 0) yield sys.kill(trap.pid, SIGUSR1);
  return 0;
}
export function* nestsTwice(): Guest {
  depth = 0;
  yield* sigaction(SIGUSR1, handlerThatNestsOnce, SA_NODEFER);
  yield sys.kill(trap.pid, SIGUSR1);
  return depth === 2 ? 0 : depth;
}

export function* main(_argument: number, scenario: string): Guest {
  channel = yield* makePipe();
  yield* stillWorks();
  const [name = '', errno = ''] = scenario.split(' ');
  yield* scenarios[name]!(ERRNOS[errno] ?? 0);
  return 0;
}
