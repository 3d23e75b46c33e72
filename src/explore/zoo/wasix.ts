/**
 * WASIX's and VeridianOS's bugs, each as the reverse of its mending, in the files of their designs.
 *
 * Sources: wasmerio/wasmer, lib/wasix; doublegate/VeridianOS v0.25.2, kernel/src/net/epoll.rs.
 */
import type { Bug } from '../scenario.ts';
import { eventfd, veridianScan, wasixDrain, wasixQueue, wasixSubscriptions } from './files.ts';

const TAKES_BITS = '  const bits = WasixSub.pending.exchange(s, 0);\n';

export const wasixBugs: readonly Bug[] = [
  {
    number: 19,
    name: 'stale-ready-entry',
    about:
      'an entry of a subscription before its MOD is handed out, with what was told then; now an entry of an older generation is dropped',
    origin: 'WASIX',
    patches: [
      {
        file: wasixQueue,
        from: '  const named = s !== 0 && WasixSub.generation.get(s) === WasixEntry.generation.get(entry);',
        to: '  const named = s !== 0;',
      },
      { file: wasixSubscriptions, from: '  WasixSub.pending.store(s, 0);\n', to: '' },
    ],
    scenario: 'changed-after-read',
    finds: 'wrong result',
    schedules: 10,
  },
  {
    number: 20,
    name: 'bits-of-all-cleared',
    about:
      'taking the readiness of one descriptor clears that of all, and the others are never told; now each subscription has bits of its own',
    origin: 'WASIX',
    patches: [
      {
        file: wasixDrain,
        from: TAKES_BITS,
        to: `${TAKES_BITS}  for (let fd = 0; ; fd++) {
    const other = mapCeiling(WasixEpoll.byFd.at(e), fd) as WasixSubPtr;
    if (other === 0) break;
    fd = WasixSub.fd.get(other);
    WasixSub.pending.store(other, 0);
  }
`,
      },
      {
        file: wasixDrain,
        from: "import { NULL } from '../../../shared-mem/pointer.ts';",
        to: "import { mapCeiling } from '../../../shared-mem/int-map.ts';\nimport { NULL } from '../../../shared-mem/pointer.ts';",
      },
    ],
    scenario: 'one-by-one',
    finds: 'deadlock',
    schedules: 10,
  },
  {
    number: 21,
    name: 'split-event',
    about:
      'readiness for reading and for writing are handed out as two events, between which the descriptor may be closed and reused; now one event tells both',
    origin: 'WASIX',
    patches: [
      {
        file: wasixDrain,
        from: TAKES_BITS,
        to: `  const all = WasixSub.pending.exchange(s, 0);
  const bits = all & -all;
  WasixSub.pending.or(s, all & ~bits);
`,
      },
    ],
    scenario: 'both-ways',
    finds: 'wrong result',
    schedules: 10,
  },
  {
    number: 22,
    name: 'new-handler-removed',
    about:
      'after a MOD the guard of the old handler is dropped, and takes the new one out; now the old one goes before the new one comes',
    origin: 'WASIX',
    patches: [
      {
        file: wasixSubscriptions,
        from: `  attachSource(e, s, f, t);
  return 0;
}

function storeMeta`,
        to: `  attachSource(e, s, f, t);
  leaveCallback(WasixSub.stand.at(s));
  return 0;
}

function storeMeta`,
      },
    ],
    scenario: 'changed-interest',
    finds: 'deadlock',
    schedules: 100,
  },
  {
    number: 23,
    name: 'drop-under-lock',
    about:
      'the old handler is dropped with its source locked, and the drop locks the source again; now it is dropped outside',
    origin: 'WASIX',
    patches: [
      {
        file: wasixSubscriptions,
        from: '  if (detachSource(s, 0) === 0) return -ENOENT;\n',
        to: `  const source = WasixSub.file.get(s);
  lock(File.lock.at(source));
  const detached = detachSource(s, 0);
  unlock(File.lock.at(source));
  if (detached === 0) return -ENOENT;
`,
      },
    ],
    scenario: 'changed-interest',
    finds: 'lock order',
    schedules: 10,
  },
  {
    number: 24,
    name: 'lost-on-drain',
    about:
      'a bit that is set between the taking of the others and the clearing of the mark is forgotten; now the drain looks once more and lists the subscription again',
    origin: 'WASIX',
    patches: [
      {
        file: wasixDrain,
        from: '  if (repairReadyQueue(s) === 1) notifyInstance(e, WasixSub.file.get(s), WasixSub.events.get(s));\n',
        to: '',
      },
    ],
    scenario: 'hangup',
    design: 'wasix',
    finds: 'deadlock',
    schedules: 500,
  },
  {
    number: 25,
    name: 'second-event-missed',
    about:
      'an eventfd tells its handlers only if it was not ready when last looked at, so a second write says nothing; now every write tells',
    origin: 'WASIX',
    patches: [
      {
        file: eventfd,
        from: '  if (!full) setCountLocked(f, e, low | 0, high | 0);\n',
        to: '  const was = File.readiness.peek(f) & EPOLLIN;\n  if (!full) setCountLocked(f, e, low | 0, high | 0);\n',
      },
      { file: eventfd, from: '  sourceChanged(f, EPOLLIN);\n', to: '  if (was === 0) sourceChanged(f, EPOLLIN);\n' },
    ],
    scenario: 'second-write',
    finds: 'deadlock',
    schedules: 10,
  },
];

export const veridianBugs: readonly Bug[] = [
  {
    number: 26,
    name: 'registry-table-order',
    about:
      'a wait locks the registry and then the descriptor table, a close the table and then the registry; now a lookup takes no lock, and a node is dropped with none held',
    origin: 'VeridianOS',
    patches: [
      {
        file: veridianScan,
        from: '  const f = lookupFile(t, fd);\n',
        to: `  const table = Task.fdTable.get(t) as FdTablePtr;
  lock(FdTable.lock.at(table));
  const f = lookupFile(t, fd);
  unlock(FdTable.lock.at(table));
`,
      },
      {
        file: veridianScan,
        from: "import { lookupFile } from '../../process/fd-table.ts';\nimport type { TaskPtr } from '../../task/task.ts';",
        to: "import { lock, unlock } from '../../irq/locking.ts';\nimport type { FdTablePtr } from '../../process/fd-table.ts';\nimport { FdTable, lookupFile } from '../../process/fd-table.ts';\nimport type { TaskPtr } from '../../task/task.ts';\nimport { Task } from '../../task/task.ts';",
      },
    ],
    scenario: 'wait-and-close',
    design: 'veridian',
    finds: 'lock order',
    schedules: 10,
  },
];
