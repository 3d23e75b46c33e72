/** Modules of the stepped machine are loaded by a query; a pattern of TypeScript holds one star, so variants are listed. */
declare module '*?stepped';
declare module '*?stepped=toy-one-look';
declare module '*?stepped=toy-count-late';
declare module '*?stepped=toy-no-lock';
declare module '*?stepped=one-look';
declare module '*?stepped=count-late';
declare module '*?stepped=plain-commit';
declare module '*?stepped=late-note';
declare module '*?stepped=early-wake';
declare module '*?stepped=quiet-by-number';
declare module '*?stepped=quiet-one-look';
declare module '*?stepped=gap-in-move';
declare module '*?stepped=stale-stand';
declare module '*?stepped=wake-then-move';
declare module '*?stepped=count-moved-late';
