/**
 * Whole numbers as text for a token: seven bits a byte, the high bit set where more follow, and the bytes in base64url.
 */
export function pack(numbers: Iterable<number>): string {
  const bytes: number[] = [];
  for (const number of numbers) {
    let left = number;
    for (; left > 127; left >>>= 7) bytes.push((left & 127) | 128);
    bytes.push(left);
  }
  return Buffer.from(bytes).toString('base64url');
}

/** @returns undefined if the text ends in the middle of a number */
export function unpack(text: string): number[] | undefined {
  const numbers: number[] = [];
  let [number, shift] = [0, 0];
  for (const byte of Buffer.from(text, 'base64url')) {
    number |= (byte & 127) << shift;
    shift += 7;
    if (byte > 127) continue;
    numbers.push(number);
    [number, shift] = [0, 0];
  }
  return shift === 0 ? numbers : undefined;
}
