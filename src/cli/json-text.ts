/**
 * JSON that a person wrote: read with the place of every key of the outermost object, and a mistake told with its line.
 * JSON.parse says neither on every version of Node.
 */

export interface Place {
  readonly line: number;
  readonly column: number;
}

export class JsonProblem extends Error {
  override readonly name = 'JsonProblem';
  readonly place: Place;
  constructor(message: string, place: Place) {
    super(message);
    this.place = place;
  }
}

interface Token {
  /** A sign, `string`, `number`, `word`, `end` or `wrong`. */
  readonly kind: string;
  readonly text: string;
  readonly at: number;
}

const TOKEN =
  /\s*(?:([{}[\]:,])|("(?:[^"\\\n]|\\.)*")|(-?\d+(?:\.\d+)?(?:[eE][+-]?\d+)?)|([A-Za-z_$][\w$]*)|(\S[^\s,:{}[\]]*))/y;

class Reader {
  readonly keys = new Map<string, Place>();
  private readonly text: string;
  private token: Token;
  private next = 0;
  private depth = 0;

  constructor(text: string) {
    this.text = text;
    this.token = this.scan();
  }

  private scan(): Token {
    TOKEN.lastIndex = this.next;
    const match = TOKEN.exec(this.text);
    if (match === null) return { kind: 'end', text: '', at: this.text.trimEnd().length };
    this.next = TOKEN.lastIndex;
    const [, sign, string, number, word] = match;
    const text = (sign ?? string ?? number ?? word ?? match[5])!;
    const at = this.next - text.length;
    if (sign !== undefined) return { kind: sign, text, at };
    const kind =
      string !== undefined ? 'string' : number !== undefined ? 'number' : word !== undefined ? 'word' : 'wrong';
    return { kind, text, at };
  }

  private take(): Token {
    const taken = this.token;
    this.token = this.scan();
    return taken;
  }

  placeOf(at: number): Place {
    const before = this.text.slice(0, at);
    return { line: before.split('\n').length, column: at - before.lastIndexOf('\n') };
  }

  fail(wanted: string): never {
    const { kind, text, at } = this.token;
    if (/^\/[/*]/.test(text))
      throw new JsonProblem('JSON has no comments; smplab.config.mjs may have', this.placeOf(at));
    const found = kind === 'end' ? 'the end of the file' : text;
    throw new JsonProblem(`${wanted} was expected here, and not ${found}`, this.placeOf(at));
  }

  private expect(kind: string, wanted: string): Token {
    if (this.token.kind !== kind) this.fail(wanted);
    return this.take();
  }

  value(): unknown {
    const { kind, text } = this.token;
    if (kind === '{') return this.object();
    if (kind === '[') return this.array();
    const isWord = kind === 'word' && ['true', 'false', 'null'].includes(text);
    if (kind !== 'string' && kind !== 'number' && !isWord) this.fail('a value');
    try {
      const parsed: unknown = JSON.parse(text);
      this.take();
      return parsed;
    } catch {
      return this.fail('a value');
    }
  }

  private object(): Record<string, unknown> {
    const found: Record<string, unknown> = {};
    this.take();
    this.depth++;
    while (this.token.kind !== '}') {
      const { text, at } = this.expect('string', "a name in double quotes, or '}',");
      const key = JSON.parse(text) as string;
      if (Object.hasOwn(found, key)) throw new JsonProblem(`${key} stands here a second time`, this.placeOf(at));
      if (this.depth === 1) this.keys.set(key, this.placeOf(at));
      this.expect(':', "':'");
      found[key] = this.value();
      if (!this.separated('}')) break;
    }
    this.expect('}', "',' or '}'");
    this.depth--;
    return found;
  }

  private array(): unknown[] {
    const found: unknown[] = [];
    this.take();
    this.depth++;
    while (this.token.kind !== ']') {
      found.push(this.value());
      if (!this.separated(']')) break;
    }
    this.expect(']', "',' or ']'");
    this.depth--;
    return found;
  }

  /** @returns whether a comma came, which must not be the last thing */
  private separated(end: string): boolean {
    if (this.token.kind !== ',') return false;
    this.take();
    if (this.token.kind === end) this.fail('something after the comma');
    return true;
  }

  end(): void {
    if (this.token.kind !== 'end') this.fail('the end of the file');
  }
}

/** @throws JsonProblem with the place of the first mistake */
export function readJson(text: string): { readonly value: unknown; readonly keys: ReadonlyMap<string, Place> } {
  const reader = new Reader(text.replace(/^\ufeff/, ''));
  const value = reader.value();
  reader.end();
  return { value, keys: reader.keys };
}
