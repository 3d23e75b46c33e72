/**
 * An event loop in the manner of libuv, for guest programs: one thread, one epoll instance, and phases that follow each
 * other in a fixed order.
 *
 *     ┌─▶ idle ─▶ prepare ─▶ poll (epoll_wait) ─▶ check ─▶ closing ─▶ timers ─┐
 *     └──────────────────── while anything is active ─────────────────────────┘
 *
 * poll waits until the next timer is due, or not at all while an idle hook is active. The time is read once a turn:
 * callbacks of one turn see one `nowNs`, and a timer never fires before it is due.
 *
 * A loop belongs to the thread that opened it. Other threads reach it through async.ts alone. What a callback throws is
 * the program's end. Origin: libuv src/unix/core.c (uv_run), linux.c (uv__io_poll).
 */
import {
  alloc,
  check,
  EINTR,
  EPOLL_CTL_ADD,
  EPOLL_CTL_DEL,
  EPOLL_CTL_MOD,
  EPOLLERR,
  EPOLLHUP,
  epollDataAt,
  epollEventsAt,
  epollWait,
  type Guest,
  monotonicNs,
  storeEpollEvent,
  sys,
} from '../libc/index.ts';
import { type Callback, call } from './callback.ts';
import { type Timer, TimerHeap } from './timer-heap.ts';

const EVENTS_MAX = 64;

/** A descriptor that the loop watches. */
export interface Watcher {
  readonly fd: number;
  /** Tells an event of this watcher from one of an earlier watcher of the same descriptor. */
  readonly id: number;
  /** EPOLLIN, EPOLLOUT or both. */
  events: number;
  readonly callback: Callback<[events: number]>;
  /** What does not count keeps no loop alive: its own wakeup is such. */
  readonly counts: boolean;
}

/** A callback of every turn, until `stop`. */
export interface Hook {
  readonly phase: 'idle' | 'prepare' | 'check';
  readonly callback: Callback;
  active: boolean;
}

/** What the loop did. */
export interface LoopCounts {
  turns: number;
  events: number;
  timersFired: number;
  /** Largest distance from due to fired, ns. */
  timerLateNs: number;
}

export class Loop {
  readonly epoll: number;
  /** The time of this turn. */
  nowNs = 0;
  readonly counts: LoopCounts = { turns: 0, events: 0, timersFired: 0, timerLateNs: 0 };
  private readonly timers = new TimerHeap();
  private readonly watchers = new Map<number, Watcher>();
  private readonly hooks: Record<Hook['phase'], Hook[]> = { idle: [], prepare: [], check: [] };
  private closing: Callback[] = [];
  private readonly eventsAt = alloc(16 * EVENTS_MAX);
  private readonly eventAt = alloc(16);
  private readonly clockAt = alloc(16);
  private nextId = 1;
  private nextOrder = 1;
  private stopped = false;
  /** Watchers that keep it alive, and requests (work in the pool) whose end it waits for. */
  private counted = 0;

  constructor(epoll: number) {
    this.epoll = epoll;
  }

  /** Runs until nothing is active any more, or `stop`. */
  *run(): Guest<void> {
    yield* this.updateTime();
    yield* this.fireTimers();
    while (!this.stopped && this.alive()) {
      this.counts.turns++;
      yield* this.runHooks('idle');
      yield* this.runHooks('prepare');
      yield* this.poll(this.timeoutMs());
      yield* this.runHooks('check');
      yield* this.runClosing();
      yield* this.updateTime();
      yield* this.fireTimers();
    }
    this.stopped = false;
  }

  /** Ends `run` after this turn. */
  stop(): void {
    this.stopped = true;
  }

  alive(): boolean {
    const hooked = Object.values(this.hooks).some((hooks) => hooks.length > 0);
    return this.counted > 0 || this.timers.size > 0 || this.closing.length > 0 || hooked;
  }

  /** Reads the clock, for who took long; each turn does it by itself. */
  *updateTime(): Guest<void> {
    this.nowNs = yield* monotonicNs(this.clockAt);
  }

  /** Calls back after `timeoutNs`, and then every `repeatNs` if that is not 0. */
  startTimer(timeoutNs: number, callback: Callback<[Timer]>, repeatNs = 0): Timer {
    const timer: Timer = { dueNs: this.nowNs + timeoutNs, repeatNs, callback, order: this.nextOrder++, place: -1 };
    this.timers.insert(timer);
    return timer;
  }

  stopTimer(timer: Timer): void {
    timer.repeatNs = 0;
    this.timers.remove(timer);
  }

  startHook(phase: Hook['phase'], callback: Callback): Hook {
    const hook = { phase, callback, active: true };
    this.hooks[phase].push(hook);
    return hook;
  }

  stopHook(hook: Hook): void {
    hook.active = false;
    this.hooks[hook.phase] = this.hooks[hook.phase].filter((each) => each !== hook);
  }

  /** Calls back at the end of this turn, when no event of it can come any more: to free what callbacks use. */
  whenClosed(callback: Callback): void {
    this.closing.push(callback);
  }

  /** @throws SyscallError for a descriptor that cannot be watched */
  *watch(fd: number, events: number, callback: Callback<[events: number]>, counts = true): Guest<Watcher> {
    const watcher: Watcher = { fd, id: this.nextId++, events, callback, counts };
    storeEpollEvent(this.eventAt, events, watcher.id);
    check(yield sys.epoll_ctl(this.epoll, EPOLL_CTL_ADD, fd, this.eventAt), `watching descriptor ${fd}`);
    this.watchers.set(watcher.id, watcher);
    if (counts) this.counted++;
    return watcher;
  }

  /** Changes what it waits for. */
  *rewatch(watcher: Watcher, events: number): Guest<void> {
    if (watcher.events === events) return;
    watcher.events = events;
    storeEpollEvent(this.eventAt, events, watcher.id);
    check(yield sys.epoll_ctl(this.epoll, EPOLL_CTL_MOD, watcher.fd, this.eventAt), 'epoll_ctl');
  }

  /** To be called before its descriptor is closed. An event of it that this turn already holds is dropped. */
  *unwatch(watcher: Watcher): Guest<void> {
    if (!this.watchers.delete(watcher.id)) return;
    check(yield sys.epoll_ctl(this.epoll, EPOLL_CTL_DEL, watcher.fd, 0), 'epoll_ctl');
    if (watcher.counts) this.counted--;
  }

  /** A request is under way that will end by itself: the loop lives until `requestEnded`. */
  requestStarted(): void {
    this.counted++;
  }
  requestEnded(): void {
    this.counted--;
  }

  private timeoutMs(): number {
    if (this.stopped || this.hooks.idle.length > 0 || this.closing.length > 0 || !this.alive()) return 0;
    const next = this.timers.first();
    // Rounded up: a poll that ends just before the timer is due would only be followed by another.
    return next === undefined ? -1 : Math.max(0, Math.ceil((next.dueNs - this.nowNs) / 1e6));
  }

  private *poll(timeoutMs: number): Guest<void> {
    const ready = yield epollWait(this.epoll, this.eventsAt, EVENTS_MAX, timeoutMs);
    if (ready === -EINTR) return;
    check(ready, 'epoll_wait');
    yield* this.updateTime();
    for (let i = 0; i < ready; i++) {
      const watcher = this.watchers.get(epollDataAt(this.eventsAt, i));
      // A callback before this one may have stopped it.
      if (watcher === undefined) continue;
      const mask = watcher.events | EPOLLERR | EPOLLHUP;
      this.counts.events++;
      yield* call(watcher.callback, epollEventsAt(this.eventsAt, i) & mask);
    }
  }

  private *fireTimers(): Guest<void> {
    // One that a callback starts with no timeout waits for the next turn, or descriptors would never have theirs.
    const started = this.nextOrder;
    for (;;) {
      const timer = this.timers.first();
      if (timer === undefined || timer.dueNs > this.nowNs || timer.order >= started) return;
      this.timers.remove(timer);
      this.counts.timersFired++;
      this.counts.timerLateNs = Math.max(this.counts.timerLateNs, this.nowNs - timer.dueNs);
      if (timer.repeatNs > 0) {
        timer.dueNs = this.nowNs + timer.repeatNs;
        timer.order = this.nextOrder++;
        this.timers.insert(timer);
      }
      yield* call(timer.callback, timer);
    }
  }

  private *runHooks(phase: Hook['phase']): Guest<void> {
    // Those that there are now: a callback may add to them, or stop one.
    for (const hook of this.hooks[phase].slice()) if (hook.active) yield* call(hook.callback);
  }

  private *runClosing(): Guest<void> {
    const closing = this.closing;
    this.closing = [];
    for (const callback of closing) yield* call(callback);
  }
}

/** A loop of this thread's own. @throws SyscallError */
export function* openLoop(): Guest<Loop> {
  const loop = new Loop(check(yield sys.epoll_create1(0), 'epoll_create1'));
  yield* loop.updateTime();
  return loop;
}

/** Closes its epoll instance; what it watched is the caller's. */
export function* closeLoop(loop: Loop): Guest<void> {
  check(yield sys.close(loop.epoll), 'close');
}
