/**
 * One line on the terminal that says what takes so long. It appears after a second, moves a few times a second at most,
 * and is gone before anything else is printed. Without a terminal there is none.
 */

const SILENT_MS = 1000;
const STEP_MS = 100;
const CLEAR_LINE = '\r\u001b[2K';

export class Progress {
  private readonly isShown: boolean;
  private readonly startMs = performance.now();
  private timer: NodeJS.Timeout | undefined;
  private text = '';
  private isDrawn = false;

  constructor(isShown: boolean) {
    this.isShown = isShown;
    if (!isShown) return;
    // Drawn by a timer, so that a step that takes long is seen to take long.
    this.timer = setInterval(() => this.draw(), STEP_MS);
    this.timer.unref();
  }

  /** What is being done now. */
  show(text: string): void {
    this.text = text;
  }

  private draw(): void {
    const elapsedMs = performance.now() - this.startMs;
    if (elapsedMs < SILENT_MS || this.text === '') return;
    const line = `${(elapsedMs / 1000).toFixed(0).padStart(3)} s  ${this.text}`;
    process.stderr.write(CLEAR_LINE + line.slice(0, Math.max(10, (process.stderr.columns || 80) - 1)));
    this.isDrawn = true;
  }

  /** Takes the line away until the next step, for other words. */
  clear(): void {
    if (this.isDrawn) process.stderr.write(CLEAR_LINE);
    this.isDrawn = false;
  }

  end(): void {
    clearInterval(this.timer);
    this.clear();
  }

  get shown(): boolean {
    return this.isShown;
  }
}
