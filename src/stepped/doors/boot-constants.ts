/**
 * The boot constants of a bundled stepped kernel: they stand in the address that it is imported by, as in
 * `stepped-machine.js?pollCache=false`, so that kernels which differ in them live side by side in one thread.
 * The build puts this in the place of shared-mem/boot-constants.ts.
 */
const given = new URL(import.meta.url).searchParams;

export const CHECKS: boolean = given.get('checks') !== 'false';
export const PROFILE: boolean = given.get('profile') !== 'false';
export const FAST_PATH: boolean = given.get('fastPath') !== 'false';
export const POLL_CACHE: boolean = given.get('pollCache') !== 'false';
/** The stepped clock jumps by itself. */
export const WARP = false;
