import assert from 'node:assert/strict';
import { once } from 'node:events';
import { type AddressInfo, connect, createServer, type Socket } from 'node:net';
import { describe, type TestContext, test } from 'node:test';
import { clearLink } from '../../../scripts/fleet/link-plan.ts';
import { RadioProxy } from '../../../scripts/fleet/radio-proxy.ts';
import { until } from '../../support/program.ts';

interface Ends {
  readonly proxy: RadioProxy;
  readonly camera: Socket;
  readonly server: Socket;
  /** What each end has received. */
  readonly got: { camera: string; server: string };
  readonly ended: { camera: boolean; server: boolean };
}

async function link(t: TestContext): Promise<Ends> {
  const listener = createServer({ allowHalfOpen: true });
  listener.listen(0, '127.0.0.1');
  await once(listener, 'listening');
  const { port } = listener.address() as AddressInfo;
  const proxy = new RadioProxy({ targetHost: '127.0.0.1', targetPort: port, bytesPerSecond: 1e6 });
  const accepted = once(listener, 'connection');
  const camera = connect({ port: await proxy.listen(), host: '127.0.0.1', allowHalfOpen: true });
  const [server] = (await accepted) as [Socket];
  const ends: Ends = {
    proxy,
    camera,
    server,
    got: { camera: '', server: '' },
    ended: { camera: false, server: false },
  };
  for (const name of ['camera', 'server'] as const) {
    ends[name].on('error', () => undefined);
    ends[name].on('data', (bytes: Buffer) => {
      ends.got[name] += bytes.toString('latin1');
    });
    ends[name].on('end', () => {
      ends.ended[name] = true;
    });
  }
  t.after(() => {
    camera.destroy();
    server.destroy();
    proxy.close();
    listener.close();
  });
  return ends;
}

describe('the proxy that stands for a radio link', () => {
  test('carries bytes in both directions, and the end of each', { timeout: 20_000 }, async (t) => {
    const { camera, server, got, ended } = await link(t);
    const long = 'x'.repeat(3_000_000);
    camera.end(long);
    server.write('reply');
    await until('all bytes came', () => got.server.length === long.length && got.camera === 'reply');
    await until('the camera has ended its side', () => ended.server);
    assert.ok(!ended.camera, 'the other direction is still open');
    server.end();
    await until('the server has ended its side', () => ended.camera);
  });

  test('a black-out loses nothing: everything comes when it is over', { timeout: 20_000 }, async (t) => {
    const { proxy, camera, server, got } = await link(t);
    camera.write('before');
    await until('the link works', () => got.server === 'before');
    proxy.setPhase({ ...clearLink, blackout: true });
    camera.write('during');
    server.write('reply');
    // A second link of the same machine shows that time enough has passed for the bytes to come.
    const other = await link(t);
    other.camera.write('witness');
    await until('a clear link carries', () => other.got.server === 'witness');
    assert.deepEqual(got, { camera: '', server: 'before' });
    proxy.setPhase(clearLink);
    await until('everything came', () => got.server === 'beforeduring' && got.camera === 'reply');
  });

  test('a camera that hangs up with a reset loses nothing that it had sent', { timeout: 20_000 }, async (t) => {
    const { proxy, camera, server, got, ended } = await link(t);
    camera.write('before');
    await until('the link works', () => got.server === 'before');
    proxy.setPhase({ ...clearLink, blackout: true });
    camera.write('under way');
    await until('the camera has handed it over', () => camera.writableLength === 0);
    camera.resetAndDestroy();
    const other = await link(t);
    other.camera.end('witness');
    await until('a clear link carries', () => other.ended.server);
    assert.deepEqual([got.server, ended.server, server.destroyed], ['before', false, false]);
    proxy.setPhase(clearLink);
    await until('everything came', () => got.server === 'beforeunder way');
    await until('and then the end', () => ended.server || server.closed);
  });

  test('a throttled link carries everything in order', { timeout: 20_000 }, async (t) => {
    const { proxy, camera, got } = await link(t);
    proxy.setPhase({ ...clearLink, delayMs: 20, rateShare: 0.5 });
    const text = Array.from({ length: 20_000 }, (_, index) => String(index)).join();
    camera.write(text);
    await until('all bytes came', () => got.server.length === text.length);
    assert.equal(got.server, text);
  });

  test('a cut resets both sides', { timeout: 20_000 }, async (t) => {
    const { proxy, camera, server, got } = await link(t);
    camera.write('hello');
    await until('the link works', () => got.server === 'hello');
    proxy.cut();
    await until('both ends are closed', () => camera.closed && server.closed);
  });

  test('a black-hole swallows everything, and the server is told nothing even when the camera gives up', {
    timeout: 20_000,
  }, async (t) => {
    const { proxy, camera, server, got, ended } = await link(t);
    camera.write('hello');
    await until('the link works', () => got.server === 'hello');
    proxy.blackHole();
    camera.write('lost');
    server.write('lost too');
    proxy.giveUp();
    await until('the camera is told', () => camera.closed);
    assert.deepEqual([got.server, got.camera], ['hello', '']);
    assert.deepEqual([ended.server, server.destroyed], [false, false]);
  });
});
