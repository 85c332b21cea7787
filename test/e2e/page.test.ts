import assert from 'node:assert/strict';
import { describe, type TestContext, test } from 'node:test';
import jsqr from 'jsqr';
import type { Page, WebSocket, WebSocketRoute } from 'playwright-core';
import { makeClip, temporaryFolder } from '../support/media.ts';
import { NumberedStream } from '../support/numbered-stream.ts';
import { type Program, start, until } from '../support/program.ts';
import { eventually, hide, openServer, patienceMs, rowOf } from '../support/status-page.ts';

const timeout = 120_000;

/** FFmpeg with a picture of 640 x 360, 25 times a second, until it is ended. */
async function publishClip(t: TestContext, url: string): Promise<Program> {
  const clip = await makeClip(temporaryFolder(t), 'clip', { seconds: 4, size: '640x360' });
  const loop = ['-v', 'error', '-re', '-stream_loop', '-1', '-i', clip, '-c', 'copy', '-f', 'flv', url];
  return start(t, 'ffmpeg', loop);
}

describe('the status page', () => {
  test('a drone appears, plays, stalls, is blamed, and goes', { timeout }, async (t) => {
    const { media, browser, url } = await openServer(t);
    const page = await browser.open(url);
    const sockets: WebSocket[] = [];
    page.on('websocket', (socket) => sockets.push(socket));
    const row = rowOf(page, 2);
    await row.getByText('Offline').waitFor();
    assert.equal(await page.locator('.rows .row').count(), 16);

    const drone = await publishClip(t, `${media.rtmp}/stream3`);
    await row.getByText('On air').waitFor();
    await row.getByText('640 × 360').waitFor();
    await row.getByText('Good').waitFor({ timeout: patienceMs });
    await row.getByText('127.0.0.1').waitFor();
    await page.getByRole('button', { name: 'On air 1' }).waitFor();
    await page
      .locator('[role=status][aria-live=polite]', { hasText: 'Stream 3 is on air' })
      .waitFor({ state: 'attached' });

    await row.click();
    const video = page.locator('video');
    const timeOf = () => video.evaluate((element) => (element as unknown as { currentTime: number }).currentTime);
    await page.getByText(/\d s behind/).waitFor({ timeout: patienceMs });
    const first = await timeOf();
    await eventually('the picture moves', async () => (await timeOf()) > first + 1);
    const width = await video.evaluate((element) => (element as unknown as { videoWidth: number }).videoWidth);
    assert.equal(width, 640);
    const age = Number(/([\d.]+) s behind/.exec(await page.locator('.age').innerText())?.[1]);
    t.diagnostic(`from arrival to display: ${age} s`);
    const source = await video.getAttribute('src');
    await hide(page, true);
    await eventually('a hidden page has no preview', async () => sockets.at(-1)!.isClosed());
    const opened = sockets.length;
    await hide(page, false);
    await eventually('a page that is seen again has one', async () => sockets.length > opened);
    await eventually('another video plays', async () => {
      return (await video.getAttribute('src')) !== source && (await timeOf()) > 1;
    });
    await page
      .locator('.chart', { hasText: 'Bitrate' })
      .getByText(/\d (k|M)bit\/s/)
      .waitFor();

    drone.kill('SIGSTOP');
    await row.getByText('Troubled').waitFor({ timeout: patienceMs });
    await row.getByText('Network').waitFor({ timeout: patienceMs });
    await page
      .locator('.verdict-box')
      .getByText(/nothing arrived for the last .* the source may have stopped/)
      .waitFor();

    drone.kill('SIGKILL');
    await row.getByText('Offline').waitFor();
    await page.locator('.detail .event.stopped').waitFor();
    await page.locator('.preview').getByText('No picture').waitFor();
    browser.assertFaultless();
  });

  test('the preview says that it has ended, and shows no picture of before as that of now', { timeout }, async (t) => {
    const { media, browser, url } = await openServer(t);
    const page = await browser.open('about:blank');
    const sockets: WebSocketRoute[] = [];
    await page.routeWebSocket(/preview$/, (socket) => {
      sockets.push(socket);
      socket.connectToServer();
    });
    await publishClip(t, `${media.rtmp}/stream1`);
    await page.goto(`${url}#/cameras/0`);
    const age = page.getByText(/\d s behind/);
    await age.waitFor({ timeout: patienceMs });
    await hide(page, true);
    await age.waitFor({ state: 'detached' });
    assert.equal(await page.locator('video').getAttribute('src'), null);
    await hide(page, false);
    await age.waitFor({ timeout: patienceMs });
    const played = () => page.locator('video').evaluate((element) => (element as never)['currentTime'] as number);
    await eventually('it plays', async () => (await played()) > 1);
    await sockets.at(-1)!.close({ code: 1008, reason: 'the login has ended; log in again' });
    await page.locator('.preview').getByText('the login has ended').waitFor();
    // What the browser had already is played to its end.
    let last = -1;
    await eventually('it stands still', async () => {
      const before = last;
      last = await played();
      return last === before;
    });
    assert.ok(await page.locator('.preview').getByText('the login has ended').isVisible());
    assert.equal(await age.count(), 0);
  });

  test('an operator disconnects a source after a second question', { timeout }, async (t) => {
    const { media, browser, url } = await openServer(t);
    const stream = await NumberedStream.start(t, { port: media.server.addresses.rtmpPort, path: '/stream1' });
    const page = await browser.open(`${url}#/cameras/0`);
    const kick = page.getByRole('button', { name: 'Disconnect the source' });
    await kick.click();
    await page.getByRole('button', { name: 'Cancel' }).click();
    await kick.click();
    await page.getByRole('button', { name: 'Disconnect', exact: true }).click();
    await until('the publisher has lost its connection', () => stream.closed);
    await page.locator('.detail .event').getByText('an operator ended the stream').waitFor();
    browser.assertFaultless();
  });

  test('addresses to publish to are shown, copied, and in a QR code', { timeout }, async (t) => {
    const { media, browser, url } = await openServer(t);
    const page = await browser.open(`${url}#/cameras/4`);
    const { rtmpPort, rtspPort } = media.server.addresses;
    const detail = page.locator('.detail');
    const shown = async (label: string) =>
      detail
        .locator('.copy-field', { has: page.getByText(label, { exact: true }) })
        .locator('code')
        .innerText();
    const address = `rtmp://127.0.0.1:${rtmpPort}/stream5`;
    assert.equal(await shown('RTMP address'), address);
    assert.equal(await shown('OBS server'), `rtmp://127.0.0.1:${rtmpPort}`);
    assert.equal(await shown('OBS stream key'), 'stream5');
    assert.equal(await shown('RTSP address'), `rtsp://127.0.0.1:${rtspPort}/stream5`);
    assert.equal(await readCode(page), address);
    await page.context().grantPermissions(['clipboard-read', 'clipboard-write']);
    await page.getByRole('button', { name: 'Copy RTMP address' }).click();
    await page.getByRole('button', { name: 'RTMP address: Copied' }).waitFor();
    assert.equal(await page.evaluate('navigator.clipboard.readText()'), address);
    await detail.getByText('The path is the key').waitFor();
    browser.assertFaultless();
  });

  test('the keyboard does everything: / searches, arrows choose, Enter opens, Esc closes', { timeout }, async (t) => {
    const { browser, url } = await openServer(t);
    const page = await browser.open(url);
    await rowOf(page, 0).waitFor();
    await page.keyboard.press('ArrowDown');
    const chosen = () => page.locator('#camera-list').getAttribute('aria-activedescendant');
    assert.equal(await chosen(), 'camera-0');
    await page.keyboard.press('ArrowDown');
    await page.keyboard.press('ArrowDown');
    assert.equal(await chosen(), 'camera-2');
    assert.equal(await rowOf(page, 2).getAttribute('aria-selected'), 'true');
    await page.keyboard.press('Enter');
    await page.getByRole('heading', { name: 'Stream 3' }).waitFor();
    await page.keyboard.press('ArrowDown');
    await page.getByRole('heading', { name: 'Stream 4' }).waitFor();
    await page.keyboard.press('Escape');
    await page.locator('.detail').waitFor({ state: 'detached' });
    await page.keyboard.press('End');
    assert.equal(await chosen(), 'camera-15');

    await page.keyboard.press('/');
    await page.locator('input[type=search]:focus').waitFor();
    await page.keyboard.type('stream12');
    await eventually('one is found', async () => (await page.locator('.rows .row').count()) === 1);
    await page.keyboard.press('Enter');
    await page.keyboard.press('Home');
    assert.equal(await chosen(), 'camera-11');
    await page.keyboard.press('Escape');
    await eventually('all are there', async () => (await page.locator('.rows .row').count()) === 16);
    browser.assertFaultless();
  });
});

/** Reads the QR code of the page as a camera would: from its black modules. */
async function readCode(page: Page): Promise<string | undefined> {
  const code = page.locator('svg.qr');
  const modules = Number((await code.getAttribute('viewBox'))!.split(' ')[2]);
  const path = (await code.locator('path').getAttribute('d'))!;
  const scale = 4;
  const side = modules * scale;
  const pixels = new Uint8ClampedArray(side * side * 4).fill(255);
  for (const [, x, y] of path.matchAll(/M(\d+) (\d+)h1v1h-1z/g)) {
    for (let place = 0; place < scale * scale; place++) {
      const column = Number(x) * scale + (place % scale);
      const line = Number(y) * scale + Math.floor(place / scale);
      pixels.fill(0, (line * side + column) * 4, (line * side + column) * 4 + 3);
    }
  }
  const read = (jsqr as unknown as typeof jsqr.default)(pixels, side, side);
  return read?.data;
}
