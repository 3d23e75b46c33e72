/**
 * The bug zoo: every bug that can be switched on, by name. Data alone, which the command line reads without a kernel; what
 * applies a patch is the compile step (stepped/compile.ts), and what finds the bug a search of its scenario.
 */
import type { Bug } from '../scenario.ts';
import { kevlarAnswerBugs } from './kevlar-answers.ts';
import { kevlarWakeupBugs } from './kevlar.ts';
import { smplabMoreBugs } from './smplab-more.ts';
import { smplabEpollBugs, smplabWaitBugs } from './smplab.ts';
import { veridianBugs, wasixBugs } from './wasix.ts';

const numbered = [...kevlarWakeupBugs, ...kevlarAnswerBugs, ...wasixBugs, ...veridianBugs];

/** Those that the reproduced projects met, in the order of their numbers; then this kernel's own. */
export const bugs: readonly Bug[] = [
  ...numbered.sort((a, b) => (a.number ?? 0) - (b.number ?? 0)),
  ...smplabWaitBugs,
  ...smplabEpollBugs,
  ...smplabMoreBugs,
];
