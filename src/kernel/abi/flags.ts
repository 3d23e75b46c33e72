// Every flag and small number of the system call interface under one import. The values stand in the files by family.

export * from './flags-event.ts';
export * from './flags-file.ts';
export * from './flags-signal.ts';
export * from './flags-socket.ts';
export * from './flags-task.ts';
