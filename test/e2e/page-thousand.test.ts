import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { TestBrowser } from '../support/browser.ts';
import { startTestServer } from '../support/media-server.ts';
import { NumberedStream } from '../support/numbered-stream.ts';

const timeout = 120_000;
/** Rows that fit a window of 800 pixels, and some to spare. */
const mostRows = 45;

describe('the status page of 1000 cameras', () => {
  test('has rows for what is in sight only; scrolling, search, filter and order reach all', { timeout }, async (t) => {
    const media = await startTestServer({ auth: false, cameras: '1000', onvif: false });
    t.after(media.stop);
    const { rtmpPort, httpPort } = media.server.addresses;
    for (const path of ['/stream500', '/stream777'])
      await NumberedStream.start(t, { port: rtmpPort, path, intervalMs: 100 });
    const browser = await TestBrowser.launch(t);
    const page = await browser.open(`http://127.0.0.1:${httpPort}/`);
    const rows = page.locator('.rows .row');
    await page.locator('#camera-0').waitFor();
    assert.ok((await rows.count()) < mostRows);
    assert.equal(await page.locator('#camera-list').getAttribute('aria-rowcount'), '1001');

    await page.locator('#camera-list').focus();
    await page.keyboard.press('End');
    await page.locator('#camera-999').waitFor();
    assert.ok((await rows.count()) < mostRows);
    await page
      .locator('.rows')
      .evaluate((element) => (element as unknown as { scrollTo(x: number, y: number): void }).scrollTo(0, 19_000));
    await page.locator('#camera-505').waitFor();
    assert.ok((await rows.count()) < mostRows);

    await page.getByRole('searchbox').fill('stream777');
    await page.locator('#camera-776.air').waitFor();
    assert.equal(await rows.count(), 1);
    await page.getByRole('searchbox').fill('127.0.0.1');
    await page.locator('#camera-499').waitFor();
    assert.equal(await rows.count(), 2);
    await page.getByRole('searchbox').fill('');
    await page.getByRole('button', { name: 'On air 2' }).click();
    await page.locator('#camera-499').waitFor();
    assert.equal(await rows.count(), 2);
    await page.getByRole('button', { name: 'All 1000' }).click();
    await page.getByRole('button', { name: 'State', exact: true }).click();
    await page.locator('#camera-499[aria-rowindex="2"]').waitFor();
    await page.locator('[role=columnheader][aria-sort=ascending]', { hasText: 'State' }).waitFor();
    browser.assertFaultless();
  });
});
