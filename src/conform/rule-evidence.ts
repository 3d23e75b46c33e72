// What shows the rules that no conformance case can show, because a case is one process that only its calls can look into.
// Each names the test of the machine that shows it, or says why nothing does.

/** A test, by file and name; or a reason, where the rule is out of reach. */
export type Evidence = { readonly file: string; readonly test: string } | { readonly outOfReach: string };

export const evidence: Readonly<Record<string, Evidence>> = {
  A11: { outOfReach: 'the machine has no /proc' },
  B11: { file: 'test/machine/exhaustion.test.ts', test: 'watches of Linux: ENOSPC' },
  B12: { file: 'test/machine/exhaustion.test.ts', test: 'places in the queues of files: ENOMEM' },
  B23: {
    file: 'test/explore/epoll.test.ts',
    test: 'a file that is closed, an instance that is closed and a write that is under way leave nothing',
  },
  D15: { file: 'test/syscall/signalfd.test.ts', test: 'hears nothing more when that process is gone' },
  E12: { file: 'test/syscall/signals.test.ts', test: 'that is killed takes no events' },
  E18: {
    file: 'test/unit/linux-ready.test.ts',
    test: 'what was left stands first, then what changed meanwhile, then what was delivered',
  },
  F6: { outOfReach: 'no call tells of a wake that found nothing' },
  G6: { file: 'test/syscall/epoll-shared.test.ts', test: 'is changed and emptied by a child, too' },
  G7: {
    file: 'test/syscall/epoll-shared.test.ts',
    test: 'reports a file that only the child has, as long as that has it',
  },
  G8: { file: 'test/syscall/processes.test.ts', test: 'begins with new memory and its arguments' },
  I15: { file: 'test/syscall/epoll-shared.test.ts', test: 'a timer is shared with a child' },
  J8: { file: 'test/syscall/signalfd.test.ts', test: 'hears of the signals of the process that added, as Linux does' },
  J11: { file: 'test/syscall/signalfd.test.ts', test: 'is shared with a child, whose signals are its own' },
  K10: { outOfReach: 'the machine has no files by name, and so no fifos' },
};
