/**
 * Every suite there is, in the order in which `bench all` runs them: the short ones first.
 */

import type { Suite } from './suite.ts';
import { bootMemory, bootTime } from './suites/boot.ts';
import { epollRepoll } from './suites/epoll-repoll.ts';
import { epollCtl, epollWait } from './suites/epoll-wait.ts';
import { scaleDescriptors, scaleTasks } from './suites/scale.ts';
import { schedPingpong } from './suites/sched-pingpong.ts';
import { syscallBasic } from './suites/syscall-basic.ts';
import { timerTicks } from './suites/timer-ticks.ts';

export const SUITES: readonly Suite[] = [
  bootTime,
  bootMemory,
  syscallBasic,
  schedPingpong,
  epollRepoll,
  epollWait,
  epollCtl,
  timerTicks,
  scaleTasks,
  scaleDescriptors,
];
