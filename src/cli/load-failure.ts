/**
 * Why a program's module did not load, in one line that says where. The error comes from a CPU's thread and has lost
 * what Node would have printed beside it.
 */
import { spawnSync } from 'node:child_process';
import { fileURLToPath } from 'node:url';

const GUEST_HINT = 'a program imports smplab/guest, so install smplab where the program lies: npm install smplab';

export function loadFailure(url: URL, error: Error): string {
  const message = error.message.replaceAll(/\s*\n\s*/g, ' ').trim();
  const place = placeIn(error, url) ?? (error.name === 'SyntaxError' ? placeOfSyntaxError(url) : undefined);
  const where = place === undefined || message.includes(place) ? '' : ` (${place})`;
  const hint = /Cannot find (package|module) '?smplab/.test(message) ? `; ${GUEST_HINT}` : '';
  return `${message}${where}${hint}`;
}

/** The first line of the program itself that the stack names. */
function placeIn({ stack = '' }: Error, url: URL): string | undefined {
  const at = stack.indexOf(`${url.href}:`);
  const position = at < 0 ? null : /^:\d+:\d+/.exec(stack.slice(at + url.href.length));
  return position === null ? undefined : `${fileURLToPath(url)}${position[0]}`;
}

/** A syntax error has no stack. Node says where when it is asked to check the file, and runs nothing of it. */
function placeOfSyntaxError(url: URL): string | undefined {
  const path = fileURLToPath(url);
  const { stderr } = spawnSync(process.execPath, ['--check', path], { encoding: 'utf8', timeout: 5000 });
  const line = /^(?:file:\/\/)?(\/.*|[A-Z]:.*):(\d+)$/m.exec(stderr ?? '');
  return line === null ? undefined : `${path}:${line[2]}`;
}
