/**
 * Promise: the page of a failing schedule works in a browser as it is: steps by keys, links and the scrubber; state, source and
 * search follow; it asks for nothing from outside. Skipped by name where there is no browser.
 */
import { existsSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { pathToFileURL } from 'node:url';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { CHOSEN, entryOf } from '../../src/stepped/schedule.ts';
import { reportKernel } from './report-kernel.ts';

const BROWSERS = ['/usr/bin/chromium', '/usr/bin/chromium-browser', '/usr/bin/google-chrome'];
const browserPath = process.env['SMPLAB_CHROMIUM'] ?? BROWSERS.find((path) => existsSync(path));
// Asked for by a name that is computed: whoever checks types need not have installed it.
const driver = await import(['playwright', 'core'].join('-')).catch(() => undefined);
const missing =
  browserPath === undefined
    ? 'no Chromium is installed'
    : driver === undefined
      ? 'playwright-core is not installed'
      : '';

/** What of a browser this test uses. */
interface Page {
  goto(url: string): Promise<unknown>;
  evaluate<T>(script: string): Promise<T>;
  textContent(selector: string): Promise<string | null>;
  click(selector: string): Promise<void>;
  fill(selector: string, text: string): Promise<void>;
  screenshot(options: { readonly path: string }): Promise<unknown>;
  readonly keyboard: { press(key: string): Promise<void> };
  on(event: 'pageerror' | 'request', heard: (about: { readonly message?: string; url?(): string }) => void): void;
}
interface Browser {
  newPage(options: object): Promise<Page>;
  close(): Promise<void>;
}

const FD = 3;

async function lostWakeup(): Promise<string> {
  const kernel = await reportKernel('one-look');
  const { scene, readEventfd, writeEventfd, steppedMachine, replayOf, recordRun, htmlReport, locate, sources } = kernel;
  const setup = {
    scene,
    threads: [
      { home: 1, body: (guest: Parameters<typeof readEventfd>[0]) => readEventfd(guest, FD) },
      { home: 0, body: (guest: Parameters<typeof readEventfd>[0]) => writeEventfd(guest, FD, 7) },
    ],
    cpus: 2,
    eventfds: [0],
    lock: 'ttas',
    lockSpins: 2,
  };
  const run = steppedMachine(setup);
  const schedules = Array.from({ length: 120 }, (_, i) => [entryOf(1, CHOSEN), i + 1, entryOf(0, CHOSEN), 100_000]);
  const schedule = schedules.find((each) => run(replayOf(each)).end === 'deadlock')!;
  const about = { scenario: 'one-wakeup', bug: 'one-look', design: 'kevlar', replay: 'smplab explore --replay TOKEN' };
  return htmlReport(recordRun({ setup, schedule, locate, sources, about }));
}

describe.skipIf(missing !== '')(`the page of a lost wakeup${missing === '' ? '' : ` (skipped: ${missing})`}`, () => {
  const directory = mkdtempSync(join(tmpdir(), 'smplab-page-'));
  const problems: string[] = [];
  const requests: string[] = [];
  let browser: Browser;
  let page: Page;
  let address: string;

  beforeAll(async () => {
    const path = join(directory, 'page.html');
    writeFileSync(path, await lostWakeup());
    address = pathToFileURL(path).href;
    browser = await driver.chromium.launch({ executablePath: browserPath, args: ['--no-sandbox'] });
    page = await browser.newPage({ viewport: { width: 1440, height: 900 } });
    page.on('pageerror', ({ message }) => problems.push(message!));
    page.on('request', (request) => requests.push(request.url!()));
    await page.goto(address);
  }, 60_000);
  afterAll(async () => {
    await browser?.close();
    rmSync(directory, { recursive: true, force: true });
  });

  const now = (): Promise<string | null> => page.textContent('#now .what');
  const cpuNow = async (): Promise<string> => /CPU \d/.exec((await page.textContent('#now'))!)![0];
  const step = async (): Promise<number> => Number(/step (\d+)/.exec((await page.textContent('#at'))!)![1]);
  const press = (key: string): Promise<void> => page.keyboard.press(key);

  it('names what was found, and why', async () => {
    expect(await page.textContent('#kind')).toBe('lost wakeup');
    expect(await page.textContent('#because')).toContain('woke nobody');
    expect(await page.textContent('#replay')).toBe('smplab explore --replay TOKEN');
  });

  it('begins at the first step that the explanation names, with its state and its line', async () => {
    expect(await now()).toBe('eventfd#3.counter is 0');
    expect(await page.textContent('#source pre .here')).toContain('Eventfd.low.get(e)');
    expect(await page.textContent('#state')).toContain('RUNNING in read(3');
  });

  it('steps by arrows, from switch to switch with shift, and to both ends', async () => {
    await press('Home');
    const first = await step();
    await press('ArrowRight');
    await press('ArrowRight');
    expect(await step()).toBeGreaterThan(first);
    const before = await cpuNow();
    await press('Shift+ArrowRight');
    expect(await cpuNow()).not.toBe(before);
    await press('Shift+ArrowLeft');
    expect(await cpuNow()).toBe(before);
    await press('End');
    expect(await now()).toBe("the kernel's verdict: deadlock");
  });

  it('shows the state as it is at the chosen step, and what is new', async () => {
    await page.fill('#search', 'counter 0');
    expect(await now()).toBe('eventfd#3.counter 0 → 7');
    expect(await page.textContent('#state tr.new.word')).toMatch(/^eventfd#3\.counter07/);
    await press('Escape');
    await press('Home');
    expect(await page.evaluate('document.querySelector("tr.word td:nth-child(2)").textContent')).toBe('0');
  });

  it('has a link for each step, which leads to it again', async () => {
    await page.click('#because a.step');
    const there = await step();
    const link = await page.evaluate<string>('location.hash');
    expect(link).toMatch(/^#\d+/);
    await press('Home');
    expect(await step()).not.toBe(there);
    await page.goto('about:blank');
    await page.goto(address + link);
    expect(await step()).toBe(there);
  });

  it('shows every event where that is wanted, and only those in sight stand in the document', async () => {
    await press('a');
    const sizes = await page.evaluate<number[]>('[rows.length, document.querySelectorAll(".row").length]');
    expect(sizes[0]).toBeGreaterThan(200);
    expect(sizes[1]).toBeLessThan(80);
    await press('End');
    expect(await step()).toBe(await page.evaluate<number>('trace.steps'));
    await press('a');
  });

  it('does without errors and without anything from outside', () => {
    expect(problems).toEqual([]);
    expect(requests.filter((url) => !url.startsWith('file:') && url !== 'about:blank')).toEqual([]);
  });
});
