import assert from 'node:assert/strict';
import { describe, type TestContext, test } from 'node:test';
import { makeClip, temporaryFolder } from '../support/media.ts';
import { startTestServer, testCredentials } from '../support/media-server.ts';
import { type Program, start, until } from '../support/program.ts';

const timeout = 180_000;
/** Milliseconds until a stream has begun, and was long enough for a rule. */
const ruleMs = 90_000;
const cameras = [
  { path: '/larger' },
  { path: '/allowed', 'max-resolution': 'none' },
  { path: '/fat', 'max-resolution': 'none', 'max-bitrate': 0.2, 'rule-action': 'reject' },
  { path: '/main', 'max-resolution': 'none', 'allowed-profiles': ['baseline'], 'rule-action': 'reject' },
] as const;
const [larger, allowed, fat, profile] = [0, 1, 2, 3];

/** A server with a rule for all, cameras that differ, and a publisher that can push to each. */
async function setUp(t: TestContext) {
  // FFmpeg takes its time to begin on a busy machine.
  const patience = {
    'handshake-timeout': '5m',
    'publish-timeout': '5m',
    'video-timeout': '5m',
    'receive-timeout': '5m',
  };
  const media = await startTestServer({ 'max-resolution': '320x180', ...patience }, {}, cameras as never);
  t.after(media.stop);
  const folder = temporaryFolder(t);
  const extra = ['-profile:v', 'main', '-bf', '0', '-b:v', '1M'];
  const clip = await makeClip(folder, 'clip', { seconds: 5, size: '640x360', extra });
  const told: string[] = [];
  const { events, history } = media.server;
  events.on('rule', ({ camera, state, rule, value, limit }) =>
    told.push(`${camera.path} ${state} ${rule} ${value} ${limit}`),
  );
  events.on('stopped', ({ camera, reason }) => told.push(`${camera.path} stopped ${reason}`));
  events.on('refused', ({ path, reason }) => told.push(`${path} refused ${reason}`));
  const push = (camera: number): Program => {
    const args = ['-v', 'error', '-re', '-stream_loop', '-1', '-i', clip, '-c', 'copy', '-f', 'flv'];
    return start(t, 'ffmpeg', [...args, `${media.rtmp}${cameras[camera]!.path}`]);
  };
  const get = async (path: string): Promise<string> => {
    const { user, password } = testCredentials;
    const authorization = `Basic ${Buffer.from(`${user}:${password}`).toString('base64')}`;
    const answer = await fetch(`http://127.0.0.1:${media.server.addresses.httpPort}${path}`, {
      headers: { authorization },
    });
    return answer.text();
  };
  return { media, told, history, push, get };
}

describe('ingest rules, with FFmpeg', () => {
  test('a picture that is too large is flagged, and its stream goes on; a camera may be without the limit', {
    timeout,
  }, async (t) => {
    const { media, told, history, push, get } = await setUp(t);
    push(larger);
    push(allowed);
    await until('it is told', () => told.length > 0, ruleMs);
    await until('both have frames', () =>
      [larger, allowed].every((camera) => media.server.snapshot(camera).publisher.frames > 10),
    );
    assert.deepEqual(told, ['/larger broken max-resolution 640x360 320x180']);

    const { streams } = JSON.parse(await get('/api/v1/streams')) as { streams: { live: boolean; rules: unknown[] }[] };
    const violation = { rule: 'max-resolution', value: '640x360', limit: '320x180' };
    assert.deepEqual([streams[larger]!.live, streams[larger]!.rules], [true, [violation]]);
    assert.deepEqual([streams[allowed]!.live, streams[allowed]!.rules], [true, []]);
    assert.match(
      await get('/metrics'),
      /^skyweir_stream_rule_broken\{[^}]*path="\/larger",rule="max-resolution"\} 1$/m,
    );
    const { events } = JSON.parse(await get('/api/v1/events')) as { events: Record<string, unknown>[] };
    const ruleEvents = events.filter(({ type }) => type === 'rule');
    assert.equal(ruleEvents.length, 1);
    assert.deepEqual(ruleEvents[0]!['rule'], { ...violation, state: 'broken', action: 'flag' });
    assert.equal(history.ofCamera(larger)[0]!.type, 'rule');
    const logged = media.log.filter(({ msg }) => String(msg).startsWith('RTMP Stream Rule'));
    assert.deepEqual(
      logged.map(({ rule, value, limit }) => [rule, value, limit]),
      [['max-resolution', '640x360', '320x180']],
    );
  });

  test('another configuration holds for the stream that runs', { timeout }, async (t) => {
    const { media, told, push } = await setUp(t);
    push(larger);
    await until('it is told', () => told.length > 0, ruleMs);
    const { config } = media.server;
    const cameraList = config.cameraList.map((camera) => ({ ...camera, rules: { ...camera.rules, maxSize: null } }));
    await media.server.apply({ ...config, cameraList });
    assert.deepEqual(told.slice(1), ['/larger kept max-resolution 640x360 320x180']);
    assert.equal(media.server.snapshot(larger).publisher.width, 640);
    await media.server.apply({
      ...config,
      cameraList: config.cameraList.map((camera) => ({ ...camera, rules: { ...camera.rules, action: 'reject' } })),
    });
    await until('it has stopped', () => told.length > 3, ruleMs);
    assert.deepEqual(told.slice(2), ['/larger broken max-resolution 640x360 320x180', '/larger stopped rule_violated']);
  });

  test('a profile that is not allowed is disconnected at once, and held off', { timeout }, async (t) => {
    const { media, told, push } = await setUp(t);
    const first = push(profile);
    await first.ended;
    await until('it has stopped', () => told.length > 1, ruleMs);
    assert.deepEqual(told, ['/main broken allowed-profiles main baseline', '/main stopped rule_violated']);
    const second = push(profile);
    await second.ended;
    await until('it was refused', () => told.length > 2, ruleMs);
    assert.deepEqual(told.slice(2), ['/main refused rule_hold_off']);
    assert.equal(media.server.connections, 0);
  });

  test('a bitrate that stays too high is disconnected', { timeout }, async (t) => {
    const { told, push } = await setUp(t);
    await push(fat).ended;
    await until('it has stopped', () => told.length > 1, ruleMs);
    assert.match(told[0]!, /^\/fat broken max-bitrate (?:0\.[5-9]|1\.?\d?) Mbit\/s 0\.2 Mbit\/s$/);
    assert.equal(told[1], '/fat stopped rule_violated');
  });
});
