/**
 * Programs as every CPU of a machine has loaded them, each under a number that the kernel knows it by.
 */
import type { CpuThreads } from './threads.ts';

export interface LoadedImage {
  readonly image: number;
  /** Its exported generator functions, in the order in which the kernel numbers them. */
  readonly names: readonly string[];
}

export class Images {
  private count = 0;
  private readonly loaded = new Map<string, number>();

  /** Loads a program on every CPU; they must be at rest. @throws Error that names the program */
  async load(threads: CpuThreads, url: string, argv: unknown): Promise<LoadedImage> {
    // Arguments may hold anything that can be cloned, so only starts without any share an image.
    const known = argv === undefined ? this.loaded.get(url) : undefined;
    const image = known ?? this.count++;
    const names = await threads.all((cpu) => cpu.loadImage(image, url, argv));
    if (argv === undefined) this.loaded.set(url, image);
    return { image, names: names[0]! };
  }
}
