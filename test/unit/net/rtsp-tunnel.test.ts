import assert from 'node:assert/strict';
import { type TestContext, test } from 'node:test';
import { limits } from '../../../src/base/limits.ts';
import { type TunnelHalf, type TunnelPost, Tunnels } from '../../../src/net/rtsp-tunnel.ts';
import { until } from '../../support/program.ts';

const timeout = 30_000;
const cookie = 'abc';
/** What may be on its way to another thread, in four parts. */
const quarterBytes = limits.rtsp.tunnelBytes / 4;
const quarter = Buffer.from(Buffer.alloc(quarterBytes, '\r\n').toString('base64'));

/** A connection that only counts the bytes of RTSP which it gets. */
function half(id: string): TunnelHalf & { bytes: number } {
  return {
    bytes: 0,
    peer: { id, address: '192.0.2.9', port: 50_000 },
    receiveRequests(_bytes, start, end) {
      this.bytes += end - start;
    },
    trusted: true,
    write: () => undefined,
    trust: () => undefined,
    endTunnel: () => undefined,
  };
}

let names = 0;

/** As many threads as asked for, each with its table. */
function threads(t: TestContext, count: number): Tunnels[] {
  const name = `test-tunnel-${process.pid}-${++names}`;
  const tables = Array.from({ length: count }, () => new Tunnels(name));
  t.after(() => {
    for (const table of tables) table.close();
  });
  return tables;
}

/** Another thread has had a quarter of the POST with this id. */
const takenOf = (post: string) => ({ type: 'taken', post, length: quarterBytes, trusted: true }) as const;

function send(post: TunnelPost): void {
  post.receive(quarter, 0, quarter.length);
}

test('requests for another thread may be of any number, as long as they are taken', { timeout }, async (t) => {
  const [here, there] = threads(t, 2);
  const get = half('s1');
  assert.ok(here!.openGet(cookie, get));
  const post = there!.openPost(cookie, half('s2'), 0);
  const { mock } = t.mock.method(post, 'onTaken');
  const taken = () => mock.calls.reduce((sum, call) => sum + call.arguments[0].length, 0);
  for (let i = 1; i <= 20; i++) {
    send(post);
    await until('the POST knows that they were taken', () => taken() === i * quarterBytes);
  }
  assert.equal(get.bytes, 20 * quarterBytes);
});

test('what other POSTs have had does not count for one whose own requests are not taken', (t) => {
  const [alone] = threads(t, 1);
  const post = alone!.openPost(cookie, half('s2'), 0);
  for (let i = 0; i < 4; i++) send(post);
  post.onTaken(takenOf('s3'));
  assert.throws(() => send(post), { name: 'ConnectionError', code: 'rtsp_too_large' });

  const taken = alone!.openPost(cookie, half('s4'), 0);
  for (let i = 0; i < 4; i++) send(taken);
  taken.onTaken(takenOf('s4'));
  send(taken);
  assert.throws(() => send(taken), { name: 'ConnectionError', code: 'rtsp_too_large' });
});
