import type { TestContext } from 'node:test';
import type { Page } from 'playwright-core';
import { TestBrowser } from './browser.ts';
import { startTestServer, type TestServer } from './media-server.ts';
import { until } from './program.ts';

/** Milliseconds for what takes some blocks of statistics. */
export const patienceMs = 30_000;

/** A server with its page, open in a browser. Nobody has to log in: the port is open to this machine alone. */
export async function openServer(t: TestContext, flags: Record<string, string | boolean> = { auth: false }) {
  const media = await startTestServer({ 'stats-interval': '2s', 'video-timeout': '60s', ...flags });
  t.after(media.stop);
  const browser = await TestBrowser.launch(t);
  return { media, browser, url: pageUrl(media) };
}

function pageUrl({ server }: TestServer): string {
  return `http://127.0.0.1:${server.addresses.httpPort}/`;
}

/** The row of a camera by its index. */
export const rowOf = (page: Page, index: number) => page.locator(`#camera-${index}`);

/** Makes a page think that nobody sees it, as it does in another tab. */
export async function hide(page: Page, hidden: boolean): Promise<void> {
  await page.evaluate(`{
    Object.defineProperty(document, 'hidden', { configurable: true, get: () => ${hidden} });
    document.dispatchEvent(new Event('visibilitychange'));
  }`);
}

/** Asks again and again until the answer is yes. */
export function eventually(what: string, ask: () => Promise<boolean>): Promise<void> {
  return until(what, ask, patienceMs);
}
