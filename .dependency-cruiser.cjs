// The layers of the project as rules: imports run downwards only, type imports included.
//
//   shared-mem < kernel < programs (which see kernel/abi only), cpu-worker < machine
//              < profile, conform, replay, stepped, explore, testing, model, bench, torture < cli
//
// A layer that is not named in a rule's `to` may not be imported by it. src/index.ts, the public door, may see all but
// the command line.

const tools = 'profile|conform|replay|stepped|explore|testing|model|bench|torture';

// A constant table names all its implementations, and some of them call through it: epoll polls files of any kind. The
// cycle closes inside functions only, long after every module has run. Nothing else may close one.
const operationTables = '^src/kernel/(.*[/-])?(ops|operations|dispatch)(-table)?\\.ts$';

/** Modules of src that `layer` sees besides itself. */
function layer(name, from, sees, comment) {
  return {
    name,
    comment,
    severity: 'error',
    from: { path: from },
    to: { path: '^(src|bench|test)/', pathNot: sees },
  };
}

// A guest program is code for the simulated machine, wherever its file lies.
const guest = '^src/programs/|\\.program\\.ts$';

module.exports = {
  forbidden: [
    {
      name: 'no-cycles',
      comment:
        'Two rooms that need each other are one room, or hide a third. Calls through an operations table are free.',
      severity: 'error',
      from: {},
      to: { circular: true, viaOnly: { pathNot: operationTables } },
    },
    {
      name: 'resolvable',
      severity: 'error',
      from: {},
      to: { couldNotResolve: true },
    },
    layer(
      'shared-mem-knows-no-kernel',
      '^src/shared-mem/',
      '^src/shared-mem/',
      'Memory, doors and locks stand below all.',
    ),
    layer('kernel', '^src/kernel/', '^src/(shared-mem|kernel)/', 'The kernel does not know who runs it.'),
    layer(
      'kernel-abi',
      '^src/kernel/abi/',
      '^src/kernel/abi/',
      'Numbers and layouts that guests see too: they import nothing.',
    ),
    layer(
      'guest',
      guest,
      '^src/(programs|kernel/abi)/|\\.program\\.ts$',
      'A guest meets the kernel through traps alone.',
    ),
    layer(
      'cpu-worker',
      '^src/cpu-worker/',
      '^src/(shared-mem|kernel|cpu-worker)/',
      'Programs are loaded by URL, not imported.',
    ),
    layer('machine', '^src/machine/', '^src/(shared-mem|kernel|cpu-worker|programs|machine)/'),
    layer('tools', `^src/(${tools})/`, `^src/(shared-mem|kernel|cpu-worker|programs|machine|${tools})/`),
    layer('public-door', '^src/index\\.ts$', '^src/(?!cli/)'),
    layer('cli', '^src/cli/', '^src/'),
    {
      name: 'kernel-stands-alone',
      comment: 'Kernel and shared-mem use no package and no part of Node, except where a door meets the host.',
      severity: 'error',
      from: {
        path: '^src/(kernel|shared-mem)/',
        pathNot: [
          '^src/shared-mem/boot-constants\\.ts$', // reads workerData, once, before the first kernel line
        ],
      },
      to: { dependencyTypes: ['core', 'npm', 'npm-dev', 'npm-optional', 'npm-peer', 'npm-unknown', 'npm-no-pkg'] },
    },
    {
      name: 'no-test-code-in-src',
      severity: 'error',
      from: { path: '^(src|bench)/' },
      to: { path: '^test/' },
    },
    {
      name: 'development-packages-stay-out',
      comment: 'The installed package has its dependencies only. The stepped compiler runs from a checkout.',
      severity: 'error',
      from: { path: '^src/', pathNot: '^src/stepped/' },
      to: { dependencyTypes: ['npm-dev', 'npm-no-pkg', 'npm-unknown'], dependencyTypesNot: ['npm', 'type-only'] },
    },
  ],
  options: {
    doNotFollow: { path: 'node_modules' },
    exclude: { path: '^dist/' },
    tsConfig: { fileName: 'tsconfig.json' },
    tsPreCompilationDeps: true,
    enhancedResolveOptions: {
      exportsFields: ['exports'],
      conditionNames: ['import', 'node', 'default', 'types'],
      extensions: ['.ts', '.mjs', '.js', '.json'],
    },
  },
};
