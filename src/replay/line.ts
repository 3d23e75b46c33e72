// One line of a trace, before what the call means: whose it is, when, and of which kind.
// Called by parse.ts for every line. It knows no other line; what a line means among others is decided there.

/** The part of a line before its body. */
export interface LineHead {
  /** Undefined without a tid: the column of -o, or the `[pid N]` of a terminal. */
  readonly tid?: number;
  readonly stamp?: string;
  readonly body: string;
}

export type LineBody =
  | { readonly kind: 'call'; readonly text: string }
  /** `read(3, <unfinished ...>`: its other half comes later. `movedTo`: execve made the thread another tid. */
  | { readonly kind: 'unfinished'; readonly text: string; readonly movedTo?: number }
  | { readonly kind: 'resumed'; readonly call: string; readonly text: string; readonly again: boolean }
  | { readonly kind: 'signal'; readonly signal: string; readonly stopped: boolean; readonly info: string }
  | { readonly kind: 'exited'; readonly status: number }
  | { readonly kind: 'killed'; readonly signal: string }
  | { readonly kind: 'superseded'; readonly by: number }
  | { readonly kind: 'attached'; readonly tid: number }
  /** strace's own words, stack traces of -k, dumps of -e read=, empty lines. */
  | { readonly kind: 'nothing' }
  /** The table of -C begins, which goes on to the end of the trace. */
  | { readonly kind: 'summary' }
  | { readonly kind: 'bad'; readonly reason: string };

/** Numbers up to here are tids (the kernel's PID_MAX_LIMIT); above, a bare number is a stamp in seconds. */
const HIGHEST_TID = 4194304;

// -Y prints the program's name behind a tid: `[pid 12<redis>]`.
const headPattern =
  /^(?:\[pid +(\d+)(?:<[^>]*>)?\] +|(\d+)(?:<[^>]*>)? +)?(?:(\d+\.\d+|\d\d:\d\d:\d\d(?:\.\d+)?|\d{8,}) +)?(?:\(\+ +(\d+\.\d+)\) +)?/;

/** Takes tid and stamp off a line. */
export function parseHead(line: string): LineHead {
  const [head = '', prefixed, column, clockStamp, relative] = headPattern.exec(line.trimStart()) ?? [];
  const body = line.trimStart().slice(head.length);
  const first = Number(prefixed ?? column ?? Number.NaN);
  // A trace without tids may begin its lines with whole seconds.
  if (first > HIGHEST_TID && clockStamp === undefined) return { stamp: String(first), body: withoutPrefixes(body) };
  const stamp = clockStamp ?? relative;
  return {
    ...(Number.isNaN(first) ? {} : { tid: first }),
    ...(stamp === undefined ? {} : { stamp }),
    body: withoutPrefixes(body),
  };
}

/** `[ 59] ` of -n and `[00007f4ba088fad7] ` of -i. */
function withoutPrefixes(body: string): string {
  return body.replace(/^(?:\[ *\d+\] )?(?:\[[0-9a-f?]{8,16}\] )?/, '');
}

const attachedPattern = /^(?:strace: )?Process (\d+) attached(?: .*)?$/;
// Stack traces of -k begin with "> "; what -e read= and write= dump begins with "| 00010" or "* 5 bytes in buffer 0".
const nothingPattern =
  /^(?:strace: .*|Process \d+ .*|\[ Process PID=\d+ runs in .* \]|> .*|\| +[0-9a-f]{5,16} .*|\* \d+ bytes in buffer \d+|)$/;
const signalPattern = /^--- (stopped by )?(SIG\w+|SIGRTMIN\+\d+|\d+)(?: (.*?))? ---$/;
const exitedPattern = /^\+\+\+ exited with (-?\d+) \+\+\+$/;
const killedPattern = /^\+\+\+ killed by (SIG\w+|\d+)(?: \(core dumped\))? \+\+\+$/;
const supersededPattern = /^\+\+\+ superseded by execve in pid (\d+) \+\+\+$/;
const resumedPattern = /^<\.\.\. (\w+|\?{3,4}) resumed> ?/;
// `<ptrace(SYSCALL):No such process>`: it died while strace looked at it.
const unfinishedPattern = / ?<(?:(?:unfinished|detached|pid changed to (\d+)) \.\.\.|ptrace\(SYSCALL\):.*)>$/;

export function parseBody(body: string): LineBody {
  if (body.startsWith('---')) {
    const found = signalPattern.exec(body);
    if (found === null) return { kind: 'bad', reason: 'a signal line that does not end in ---' };
    return { kind: 'signal', signal: found[2] ?? '', stopped: found[1] !== undefined, info: found[3] ?? '' };
  }
  if (body.startsWith('+++')) return parseEnd(body);
  if (body.startsWith('<...')) {
    const found = resumedPattern.exec(body);
    if (found === null) return { kind: 'bad', reason: 'neither "resumed" nor anything else that begins with "<..."' };
    const rest = body.slice(found[0].length);
    const text = rest.replace(unfinishedPattern, '');
    return { kind: 'resumed', call: found[1] ?? '', text, again: text !== rest };
  }
  const attached = attachedPattern.exec(body);
  if (attached !== null) return { kind: 'attached', tid: Number(attached[1]) };
  if (nothingPattern.test(body)) return { kind: 'nothing' };
  if (/^% time +seconds /.test(body)) return { kind: 'summary' };
  if (!/^(?:[A-Za-z_]\w*|\?{3,4})\(/.test(body)) return { kind: 'bad', reason: 'not a call, a signal or an exit' };
  const unfinished = unfinishedPattern.exec(body);
  if (unfinished === null) return { kind: 'call', text: body };
  const text = body.slice(0, unfinished.index);
  if (unfinished[1] !== undefined) return { kind: 'unfinished', text, movedTo: Number(unfinished[1]) };
  return { kind: 'unfinished', text };
}

function parseEnd(body: string): LineBody {
  const exited = exitedPattern.exec(body);
  if (exited !== null) return { kind: 'exited', status: Number(exited[1]) };
  const killed = killedPattern.exec(body);
  if (killed !== null) return { kind: 'killed', signal: killed[1] ?? '' };
  const superseded = supersededPattern.exec(body);
  if (superseded !== null) return { kind: 'superseded', by: Number(superseded[1]) };
  return { kind: 'bad', reason: 'an exit line of unknown form' };
}
