import assert from 'node:assert/strict';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { TestContext } from 'node:test';
import { type Browser, type BrowserContextOptions, chromium, type Page } from 'playwright-core';
import { ensureProgram } from '../../scripts/tools/system-programs.ts';

/** As root, without a display, and without anything that the browser would ask the network for by itself. */
const flags = [
  '--no-sandbox',
  '--disable-gpu',
  '--disable-quic',
  '--no-first-run',
  '--disable-background-networking',
  '--disable-component-update',
  '--disable-sync',
];

/** What a browser itself writes where the page turns to something else before a preview was there, as on a slow machine. */
const closedEarly = /WebSocket is closed before the connection is established/;

/** What a page did that it should not have. */
export interface PageFaults {
  /** Errors in the console, and those that nobody caught. */
  readonly errors: string[];
  /** Requests to anything but the page's own host. */
  readonly strangers: string[];
}

/** A browser for the tests of one file, with every page watched. */
export class TestBrowser {
  readonly #browser: Browser;
  readonly #faults: PageFaults[] = [];

  private constructor(browser: Browser) {
    this.#browser = browser;
  }

  /** It ends with the test, which fails if one of its pages had an error or asked another host for something. */
  static async launch(t: TestContext): Promise<TestBrowser> {
    const folder = mkdtempSync(join(tmpdir(), 'skyweir-browser-'));
    const executablePath = await ensureProgram('chromium');
    const browser = await chromium.launch({
      executablePath,
      args: flags,
      env: { ...process.env, HOME: folder } as Record<string, string>,
    });
    t.after(async () => {
      await browser.close();
      rmSync(folder, { recursive: true, force: true });
    });
    return new TestBrowser(browser);
  }

  /** A page of its own context: nobody else's cookies and storage. */
  async open(url: string, options: BrowserContextOptions = {}): Promise<Page> {
    const context = await this.#browser.newContext({ viewport: { width: 1280, height: 800 }, ...options });
    const page = await context.newPage();
    page.setDefaultTimeout(20_000);
    const { host } = new URL(url);
    const faults: PageFaults = { errors: [], strangers: [] };
    this.#faults.push(faults);
    page.on('console', (message) => {
      if (message.type() === 'error' || message.type() === 'warning') faults.errors.push(message.text());
    });
    page.on('pageerror', (error) => faults.errors.push(String(error)));
    const note = (address: string) => {
      const asked = new URL(address);
      if (asked.protocol !== 'blob:' && asked.protocol !== 'data:' && asked.host !== host)
        faults.strangers.push(address);
    };
    page.on('request', (request) => note(request.url()));
    page.on('websocket', (socket) => note(socket.url()));
    await page.goto(url);
    return page;
  }

  /** Fails if something went wrong in one of the pages, but for errors that match. */
  assertFaultless(allowed: RegExp = /$^/): void {
    for (const { errors, strangers } of this.#faults) {
      assert.deepEqual(
        errors.filter((error) => !allowed.test(error) && !closedEarly.test(error)),
        [],
      );
      assert.deepEqual(strangers, []);
    }
  }
}
