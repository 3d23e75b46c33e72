// What the replay itself asks of epoll instances, where a design would keep the program from going on: interests that end,
// and interests that are made anew.

import { EPOLL_CTL_DEL, EPOLL_CTL_MOD, type Guest, load32, store32, sys } from '../programs/libc/index.ts';
import { epollEventLayout } from '../kernel/abi/layout.ts';
import type { Table } from './replayer-table.program.ts';

/** Interests of files that are about to be closed, which end with them on Linux. */
export function* removeInterests(table: Table, removes: readonly number[]): Guest<void> {
  for (let at = 0; at < removes.length; at += 2) {
    yield sys.epoll_ctl(load32(table.slot(removes[at]!)), EPOLL_CTL_DEL, load32(table.slot(removes[at + 1]!)), 0);
  }
}

/** Interests by level that a wait is about to report again. @param event scratch memory */
export function* tellAgain(table: Table, repeats: readonly number[], event: number): Guest<void> {
  for (let at = 0; at < repeats.length; at += REPEAT_WORDS) {
    store32(event, repeats[at + 2]!);
    store32(event + epollEventLayout.x86_64.data, repeats[at + 3]!);
    store32(event + epollEventLayout.x86_64.data + 4, repeats[at + 4]!);
    yield sys.epoll_ctl(load32(table.slot(repeats[at]!)), EPOLL_CTL_MOD, load32(table.slot(repeats[at + 1]!)), event);
  }
}
const REPEAT_WORDS = 5;
