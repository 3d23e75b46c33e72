/**
 * "Did you mean", for the command line's words as for boot options.
 */
export { nearest, unknownName } from '../machine/suggest.ts';
