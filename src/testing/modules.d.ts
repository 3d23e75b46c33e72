// For TypeScript: modules imported with `?explore` have the exports of the module, as generators. Named in a test by
// `/// <reference types="smplab/testing/modules" />`, or once in the compiler's option `types`.
declare module '*?explore';
