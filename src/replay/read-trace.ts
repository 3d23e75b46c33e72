// Reads a trace from a file, gzipped or plain. The only part of the parser that touches the world.

import { readFileSync } from 'node:fs';
import { basename } from 'node:path';
import { constants, gunzipSync } from 'node:zlib';
import { type ParseOptions, parseStrace } from './parse.ts';
import type { Trace } from './record.ts';

/** The errors of the file system pass through; a gzip stream that was cut is read as far as it goes. */
export function readTrace(path: string, options: Omit<ParseOptions, 'truncated'> = {}): Trace {
  const { text, truncated } = decodeTrace(readFileSync(path));
  return parseStrace(text, { fileName: basename(path), ...options, truncated });
}

/** Every byte becomes one character: strace escapes what is not ASCII, and what it does not escape must not be lost. */
export function decodeTrace(bytes: Uint8Array): { text: string; truncated: boolean } {
  if (bytes[0] !== 0x1f || bytes[1] !== 0x8b) return { text: Buffer.from(bytes).toString('latin1'), truncated: false };
  try {
    return { text: gunzipSync(bytes).toString('latin1'), truncated: false };
  } catch {
    const text = gunzipSync(bytes, { finishFlush: constants.Z_SYNC_FLUSH }).toString('latin1');
    return { text, truncated: true };
  }
}
