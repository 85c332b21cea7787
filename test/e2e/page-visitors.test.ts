import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { testCredentials } from '../support/media-server.ts';
import { NumberedStream } from '../support/numbered-stream.ts';
import { eventually, hide, openServer, rowOf } from '../support/status-page.ts';

const timeout = 120_000;

describe('the status page, for whoever looks', () => {
  test('whoever has to log in sees a form, and a wrong password says so', { timeout }, async (t) => {
    const { browser, url } = await openServer(t, {});
    const { user, password } = testCredentials;
    const page = await browser.open(url);
    await page.getByLabel('User name').fill(user);
    await page.getByLabel('Password').fill('wrong');
    await page.getByRole('button', { name: 'Log in' }).click();
    await page.getByRole('alert').getByText(/wrong/).waitFor();
    await page.getByLabel('Password').fill(password);
    // Wrong passwords make the next one wait a moment.
    await eventually('the right password is taken', async () => {
      if (await rowOf(page, 0).isVisible()) return true;
      // It may go at any moment, with the form.
      const button = page.getByRole('button', { name: 'Log in' });
      await button.click({ timeout: 1000 }).catch(() => undefined);
      return rowOf(page, 0).isVisible();
    });
    await page.reload();
    await rowOf(page, 0).waitFor();
    await page.context().setOffline(true);
    await page.getByRole('button', { name: 'Log out' }).click();
    // The server does not know of it yet.
    await page.getByText('Skyweir cannot be reached').waitFor();
    await page.context().setOffline(false);
    await page.getByLabel('User name').waitFor();
    await page.reload();
    await page.getByLabel('User name').waitFor();
    // The browser itself writes that requests were refused.
    browser.assertFaultless(/the server responded with a status of (401|429)|net::ERR_/);
  });

  test('a login of the browser itself is enough', { timeout }, async (t) => {
    const { browser, url } = await openServer(t, {});
    const { user, password } = testCredentials;
    const Authorization = `Basic ${Buffer.from(`${user}:${password}`).toString('base64')}`;
    const page = await browser.open(url, { extraHTTPHeaders: { Authorization } });
    await rowOf(page, 0).waitFor();
    await page.locator('.user', { hasText: user }).waitFor();
    assert.equal(await page.getByRole('button', { name: 'Log out' }).count(), 0);
    browser.assertFaultless();
  });

  test('whoever may only look sees no button that acts', { timeout }, async (t) => {
    const { media, browser, url } = await openServer(t);
    await NumberedStream.start(t, { port: media.server.addresses.rtmpPort, path: '/stream1' });
    const page = await browser.open('about:blank');
    await page.route('**/api/v1/me', (route) =>
      route.fulfill({ json: { user: 'guest', role: 'viewer', via: 'session', authentication: 'on' } }),
    );
    await page.goto(`${url}#/cameras/0`);
    await page.locator('.detail').getByText('On air for').waitFor();
    assert.equal(await page.getByRole('button', { name: 'Disconnect the source' }).count(), 0);
  });

  test('whoever comes back to the page sees who is logged in by now', { timeout }, async (t) => {
    const { media, browser, url } = await openServer(t);
    await NumberedStream.start(t, { port: media.server.addresses.rtmpPort, path: '/stream1' });
    const page = await browser.open('about:blank');
    let json = { user: 'anna', role: 'admin', via: 'session', authentication: 'on' };
    await page.route('**/api/v1/me', (route) => route.fulfill({ json }));
    await page.goto(`${url}#/cameras/0`);
    await page.getByRole('button', { name: 'Disconnect the source' }).waitFor();
    await hide(page, true);
    json = { ...json, user: 'bert', role: 'viewer' };
    await hide(page, false);
    await page.locator('.user', { hasText: 'bert' }).waitFor();
    assert.equal(await page.getByRole('button', { name: 'Disconnect the source' }).count(), 0);
  });

  test('says when the server cannot be reached, and goes on when it can', { timeout }, async (t) => {
    const { browser, url } = await openServer(t);
    const page = await browser.open(url);
    await rowOf(page, 0).waitFor();
    await page.context().setOffline(true);
    await page.getByText(/What you see is \d+ s old/).waitFor();
    assert.match(await page.title(), /No answer/);
    await page.context().setOffline(false);
    await page.getByRole('alert').waitFor({ state: 'detached' });
    browser.assertFaultless(/net::ERR_/);
  });

  test('many windows of one browser show it at the same time', { timeout }, async (t) => {
    const { browser, url } = await openServer(t);
    const first = await browser.open(url);
    for (let windows = 1; windows <= 7; windows++) {
      const page = await first.context().newPage();
      await page.goto(url);
      await rowOf(page, 0).waitFor();
    }
  });

  test('the server and what happened have parts of their own', { timeout }, async (t) => {
    const { media, browser, url } = await openServer(t);
    const page = await browser.open(url);
    await page.getByRole('link', { name: 'Server' }).click();
    await page.getByText('Ready: everything runs').waitFor();
    await page.getByText('The path is the key.').waitFor();
    const { rtmpPort } = media.server.addresses;
    const refused = await NumberedStream.start(t, { port: rtmpPort, path: '/nowhere' }).catch(() => null);
    assert.equal(refused, null);
    await page.getByText('no camera has this stream path').first().waitFor();
    await page.getByRole('link', { name: 'Events' }).click();
    await page.getByText('new ones appear by themselves').waitFor();
    await NumberedStream.start(t, { port: rtmpPort, path: '/stream2' });
    await page.locator('.event.started', { hasText: 'Stream 2' }).waitFor();
    await page.getByRole('button', { name: 'Stream 2' }).click();
    await page.getByRole('heading', { name: 'Stream 2' }).waitFor();
    browser.assertFaultless();
  });

  test('a camera that is open asks for its events once a second, however many there are of others', {
    timeout,
  }, async (t) => {
    const { media, browser, url } = await openServer(t);
    const port = media.server.addresses.rtmpPort;
    const page = await browser.open(`${url}#/cameras/0`);
    await page.locator('.detail').getByText('Nothing has happened yet').waitFor();
    let asked = 0;
    page.on('request', (request) => {
      if (request.url().endsWith('/streams/0/events')) asked++;
    });
    const startMs = performance.now();
    for (let camera = 2; camera <= 16; camera++)
      (await NumberedStream.start(t, { port, path: `/stream${camera}` })).stop();
    await NumberedStream.start(t, { port, path: '/stream1' });
    await page.locator('.detail .event.started').waitFor();
    const seconds = (performance.now() - startMs) / 1000;
    assert.ok(asked <= seconds + 2, `${asked} questions in ${seconds} s`);
    browser.assertFaultless();
  });

  test('a camera that is open asks for its events again when there was no answer', { timeout }, async (t) => {
    const { browser, url } = await openServer(t);
    const page = await browser.open('about:blank');
    let asked = 0;
    await page.route('**/streams/0/events', (route) => (asked++ === 0 ? route.abort() : route.continue()));
    await page.goto(`${url}#/cameras/0`);
    await page.locator('.detail').getByText('Nothing has happened yet').waitFor();
  });

  test('a camera can be closed on a telephone, however long its name and its path are', { timeout }, async (t) => {
    const { browser, url } = await openServer(t);
    const page = await browser.open('about:blank', { viewport: { width: 360, height: 740 }, hasTouch: true });
    await page.route('**/overview/names', async (route) => {
      const response = await route.fetch();
      const json = (await response.json()) as { cameras: { name: string[]; path: string[] } };
      json.cameras.name[0] = 'W'.repeat(64);
      json.cameras.path[0] = `/${'p'.repeat(100)}`;
      await route.fulfill({ response, json });
    });
    await page.goto(`${url}#/cameras/0`);
    await page.getByRole('heading', { name: 'WWW' }).waitFor();
    const overflow = await page.locator('.detail').evaluate((element) => {
      const { scrollWidth, clientWidth } = element as unknown as Record<'scrollWidth' | 'clientWidth', number>;
      return scrollWidth - clientWidth;
    });
    assert.equal(overflow, 0);
  });

  test('has room on a telephone of 360 pixels, and both themes', { timeout }, async (t) => {
    const { browser, url } = await openServer(t);
    const viewport = { width: 360, height: 740 };
    const page = await browser.open(url, { viewport, colorScheme: 'light', hasTouch: true });
    const overflow = 'document.scrollingElement.scrollWidth - document.scrollingElement.clientWidth';
    await rowOf(page, 0).waitFor();
    assert.equal(await page.evaluate(overflow), 0);
    const lightness = async () => {
      const colour = String(await page.evaluate('getComputedStyle(document.documentElement).backgroundColor'));
      const parts = colour
        .match(/[\d.]+/g)!
        .slice(0, 3)
        .map(Number);
      return parts.reduce((sum, part) => sum + part, 0) / parts.length / 255;
    };
    assert.ok((await lightness()) > 0.8);
    await page.emulateMedia({ colorScheme: 'dark' });
    assert.ok((await lightness()) < 0.2);
    await page.getByLabel('Colours').selectOption('light');
    await eventually('it is light', async () => (await lightness()) > 0.8);
    await page.reload();
    await rowOf(page, 0).tap();
    await eventually('it still is light', async () => (await lightness()) > 0.8);
    await page.getByRole('heading', { name: 'Stream 1' }).waitFor();
    assert.equal(await page.locator('#camera-list').isVisible(), false);
    assert.equal(await page.evaluate(overflow), 0);
    await page.getByRole('button', { name: 'Close (Esc)' }).tap();
    await page.locator('#camera-list').waitFor();
    for (const part of ['Server', 'Events']) {
      await page.getByRole('link', { name: part }).tap();
      assert.equal(await page.evaluate(overflow), 0);
    }
    browser.assertFaultless();
  });
});
