// What a guest may rely on of epoll instances as files: their parameters, and how they may watch each other and be watched;
// `main` runs the scenario that argv names.
import {
  alloc,
  allocEpollEvent,
  EEXIST,
  EFAULT,
  EINVAL,
  ELOOP,
  EPIOCGPARAMS,
  EPIOCSPARAMS,
  EPOLL_CTL_ADD,
  EPOLL_CTL_DEL,
  EPOLLIN,
  type Guest,
  join,
  load32,
  startThread,
  store32,
  store64,
  sys,
} from '../../src/programs/libc/index.ts';

function same(found: number, wanted: number, promise: string): void {
  if (found !== wanted) throw new Error(`broken promise: ${promise} (found ${found}, wanted ${wanted})`);
}
function* add(epoll: number, fd: number): Guest {
  return yield sys.epoll_ctl(epoll, EPOLL_CTL_ADD, fd, allocEpollEvent(EPOLLIN, fd));
}
function* created(count: number): Guest<number[]> {
  const fds: number[] = [];
  for (let i = 0; i < count; i++) fds.push(yield sys.epoll_create1(0));
  return fds;
}

/** A10: struct epoll_params is { busy_poll_usecs u32, busy_poll_budget u16, prefer_busy_poll u8, pad u8 }. */
function* parametersAreKept(): Guest {
  const epoll = yield sys.epoll_create1(0);
  const params = alloc(8);
  const got = alloc(8);
  same(yield sys.ioctl(epoll, EPIOCGPARAMS, got), 0, 'they can be asked for');
  same(load32(got) | load32(got + 4), 0, 'and are 0');
  const set = function* (microseconds: number, budget: number, prefer: number, pad: number): Guest {
    store32(params, microseconds);
    store32(params + 4, budget | (prefer << 16) | (pad << 24));
    return yield sys.ioctl(epoll, EPIOCSPARAMS, params);
  };
  same(yield* set(50, 64, 1, 0), 0, 'they can be set');
  same(yield* set(1, 1, 1, 1), -EINVAL, 'the pad is 0');
  same(yield* set(1, 1, 2, 0), -EINVAL, 'prefer is 0 or 1');
  same(yield* set(0x80000000 | 0, 1, 1, 0), -EINVAL, 'microseconds end with 31 bits');
  same(yield sys.ioctl(epoll, EPIOCSPARAMS, 0), -EFAULT, 'an address is an address');
  same(yield sys.ioctl(epoll, EPIOCGPARAMS, 0), -EFAULT, 'to be told at too');
  same(yield sys.ioctl(epoll, 0x8a03, params), -EINVAL, 'anything else is EINVAL');
  same(yield sys.ioctl(epoll, EPIOCGPARAMS, got), 0, 'what was refused changed nothing');
  same(load32(got), 50, 'microseconds');
  same(load32(got + 4), 64 | (1 << 16), 'budget and preference');
  return 0;
}

/** C3: in how many ways of each length a file may be watched; directly in any number. */
function* pathsAreCounted(): Guest {
  const most = [500, 100, 50, 10];
  for (let links = 1; links <= most.length; links++) {
    const source = yield sys.eventfd2(0, 0);
    // A chain under which all of the watchers of the source stand: chain[0] watches chain[1], and so on.
    const chain = yield* created(links);
    for (let i = 0; i + 1 < links; i++) same(yield* add(chain[i]!, chain[i + 1]!), 0, 'a chain');
    const limit = most[links - 1]!;
    const inner = yield* created(limit + 1);
    for (const epoll of inner) same(yield* add(chain[links - 1]!, epoll), 0, 'the end of the chain watches many');
    for (const epoll of inner.slice(0, limit)) same(yield* add(epoll, source), 0, `${limit} ways of ${links} links`);
    same(yield* add(inner[limit]!, source), -EINVAL, 'one more');
    same(yield* add(inner[0]!, source), -EEXIST, 'what is there is there');
    same(yield sys.epoll_ctl(inner[limit]!, EPOLL_CTL_DEL, source, 0), -2, 'what was refused is not');
    same(yield sys.epoll_ctl(inner[0]!, EPOLL_CTL_DEL, source, 0), 0, 'one less');
    same(yield* add(inner[limit]!, source), 0, 'makes room for it');
    for (const fd of [source, ...chain, ...inner]) yield sys.close(fd);
  }
  const source = yield sys.eventfd2(0, 0);
  const many = yield* created(700);
  for (const epoll of many) same(yield* add(epoll, source), 0, 'directly, any number');
  const one = alloc(8);
  store64(one, 1n);
  same(yield sys.write(source, one, 8), 8, 'all of which hear');
  for (const epoll of many) same(yield sys.epoll_wait(epoll, alloc(16), 1, 0), 1, 'of it');
  return 0;
}

/** Each of a layer watches each of the next: 24^4 ways from the top to the bottom, of which none is walked twice. */
function* layersAreSearchedOnce(): Guest {
  const width = 24;
  const layers: number[][] = [];
  for (let i = 0; i < 5; i++) layers.push(yield* created(width));
  for (let i = 3; i >= 0; i--) {
    for (const outer of layers[i]!) {
      for (const inner of layers[i + 1]!) same(yield* add(outer, inner), 0, 'four links are allowed');
    }
  }
  const [above] = yield* created(1);
  same(yield* add(above!, layers[0]![0]!), -ELOOP, 'a fifth above is not');
  const [below] = yield* created(1);
  same(yield* add(layers[4]![width - 1]!, below!), -ELOOP, 'nor below');
  same(yield* add(layers[4]![0]!, layers[0]![width - 1]!), -ELOOP, 'nor a circle');
  return 0;
}

export function* waitsInItsOwn(epoll: number): Guest {
  same(yield sys.epoll_wait(epoll, alloc(16), 1, -1), 1, 'each is told');
  return 0;
}
/** More sleepers hear of one write than are woken at a time, each in an instance of its own. */
function* hearOneWrite(watched: number, source: number): Guest {
  const instances = yield* created(45);
  const threads = [];
  for (const epoll of instances) {
    same(yield* add(epoll, watched), 0, 'each watches');
    threads.push(yield* startThread(waitsInItsOwn, epoll, 0));
  }
  yield sys.smplab_settle();
  const one = alloc(8);
  store64(one, 1n);
  same(yield sys.write(source, one, 8), 8, 'one write');
  // Which ends only if every one of them woke.
  for (const thread of threads) yield* join(thread);
  for (const epoll of instances) same(yield sys.close(epoll), 0, 'close');
  same(yield sys.read(source, one, 8), 8, 'and nobody took it');
  return 0;
}
function* manyHearOneWrite(): Guest {
  const source = yield sys.eventfd2(0, 0);
  return yield* hearOneWrite(source, source);
}
function* manyHearThroughAnInstance(): Guest {
  const source = yield sys.eventfd2(0, 0);
  const [inner] = yield* created(1);
  same(yield* add(inner!, source), 0, 'an instance between them and the source');
  return yield* hearOneWrite(inner!, source);
}

const scenarios: Readonly<Record<string, () => Guest>> = {
  parametersAreKept,
  pathsAreCounted,
  layersAreSearchedOnce,
  manyHearOneWrite,
  manyHearThroughAnInstance,
};

export function* main(_argument: number, argv: unknown): Guest {
  return yield* scenarios[String(argv)]!();
}
