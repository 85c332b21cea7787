import assert from 'node:assert/strict';
import { test } from 'node:test';
import { deviceIdentity } from '../../../src/onvif/identity.ts';
import { originOf } from '../../../src/onvif/origin.ts';
import { deviceScopes } from '../../../src/onvif/scopes.ts';
import { shownVideo } from '../../../src/onvif/shown-video.ts';
import { channelAt, sourceToken, tokenOf } from '../../../src/onvif/tokens.ts';
import { childOf, textAt } from '../../../src/onvif/xml.ts';
import { bodyOf, OnvifDialogue } from '../../support/onvif-dialogue.ts';
import { cardVideo, envelope, liveVideo, makeDevice } from '../../support/onvif-peer.ts';

test('an identity stays, and is every device’s own', () => {
  const seen = new Set<string>();
  for (const server of ['a', 'b', 'a\n8081']) {
    for (const port of [8081, 8082, 80]) {
      const identity = deviceIdentity(server, port);
      assert.deepEqual(identity, deviceIdentity(server, port));
      assert.match(identity.mac, /^02(:[0-9a-f]{2}){5}$/);
      assert.match(identity.uuid, /^[0-9a-f]{8}-[0-9a-f]{4}-5[0-9a-f]{3}-[89ab][0-9a-f]{3}-[0-9a-f]{12}$/);
      assert.match(identity.serial, /^[0-9A-F]{12}$/);
      for (const value of [identity.mac, identity.uuid, identity.serial]) seen.add(value);
    }
  }
  assert.equal(seen.size, 27);
  // Recorders keep it: no release may change it.
  assert.equal(deviceIdentity('a', 8081).mac, '02:3d:d4:db:0d:ba');
});

test('tokens are made from places', () => {
  const device = { ...makeDevice(3), channels: [makeDevice(3).channels[0]!, null, makeDevice(3).channels[2]!] };
  assert.equal(sourceToken(0), 'VideoSource_1');
  assert.equal(channelAt(device, 'profile', tokenOf('profile', 2)).channel.camera, 2);
  for (const token of [
    '',
    'Profile_2',
    'Profile_0',
    'Profile_4',
    'Profile_01',
    'Profile_1x',
    'profile_1',
    'VideoSource_1',
  ])
    assert.throws(() => channelAt(device, 'profile', token), { reason: /no such token/ });
});

test('addresses lead back to the host that the client called', () => {
  const of = (host: string | undefined, secure = false) => originOf(host, secure, '192.0.2.7', 8081);
  assert.equal(of('camera.example:9000'), 'http://camera.example:9000');
  assert.equal(of('192.0.2.9:8081', true), 'https://192.0.2.9:8081');
  assert.equal(of('[2001:db8::1]:80'), 'http://[2001:db8::1]:80');
  assert.equal(of('Forwarded.Example'), 'http://forwarded.example');
  assert.equal(of('camera.example.:9000'), 'http://camera.example.:9000', 'a name from the root down');
  for (const odd of [
    undefined,
    '',
    '.',
    'a..',
    'a b',
    'a/b',
    'a@b',
    'x:99999',
    '"<x>',
    'a:1:2',
    '[::1',
    'a\r\nb',
    '-a',
    '%41',
    'é',
  ])
    assert.equal(of(odd), 'http://192.0.2.7:8081');
  // A zone names an interface of one machine, and URLs have none.
  for (const host of [undefined, '[fe80::1%eth0]:8081', '[fe80::1%25eth0]:8081']) {
    const origin = originOf(host, false, 'fe80::1%eth0', 8081);
    assert.equal(origin, 'http://[fe80::1]:8081');
    assert.ok(URL.canParse(origin));
  }
  assert.equal(originOf('[:::::::]', false, '2001:db8::7', 8081), 'http://[2001:db8::7]:8081');
});

test('rates are rounded properly, and what is not known is filled in', () => {
  const shown = shownVideo(liveVideo);
  assert.equal(shown.fps, 29.97);
  assert.equal(shown.wholeFps, 30);
  assert.equal(shown.profile, 'High');
  assert.equal(shownVideo({ ...liveVideo, fps: 0.2 }).wholeFps, 1);
  assert.equal(shownVideo({ ...liveVideo, fps: Number.NaN }).wholeFps, 30);
  const unknown = shownVideo({ ...liveVideo, fps: 0, kbps: 0, gop: 0, width: 0, height: 0 });
  for (const value of [unknown.fps, unknown.kbps, unknown.gop, unknown.width, unknown.height]) assert.ok(value > 0);
  assert.equal(shownVideo(cardVideo).profile, 'Baseline');
});

test('scopes hold the name, and no profile that we do not conform to', () => {
  const scopes = deviceScopes({ ...makeDevice(1), name: 'Küche / <1>' }, 'Skyweir');
  assert.ok(scopes.includes('onvif://www.onvif.org/name/K%C3%BCche%20%2F%20%3C1%3E'));
  assert.ok(scopes.every((scope) => !/profile/i.test(scope)));
});

test('a profile tells what the publisher sends, from one request to the next', () => {
  let video = cardVideo;
  const dialogue = new OnvifDialogue({ video: (camera) => (camera === 1 ? video : cardVideo) });
  const ask = () => {
    const profile = dialogue.ask('<trt:GetProfile><trt:ProfileToken>Profile_2</trt:ProfileToken></trt:GetProfile>');
    return childOf(childOf(profile, 'Profile'), 'VideoEncoderConfiguration')!;
  };
  assert.equal(textAt(ask(), 'Resolution', 'Width'), '1280');
  assert.equal(textAt(ask(), 'RateControl', 'FrameRateLimit'), '1');
  video = liveVideo;
  assert.equal(textAt(ask(), 'Resolution', 'Width'), '1920');
  assert.equal(textAt(ask(), 'RateControl', 'FrameRateLimit'), '30');
  assert.equal(textAt(ask(), 'RateControl', 'BitrateLimit'), '4670');
  assert.equal(textAt(ask(), 'H264', 'GovLength'), '60');
});

test('new names and paths count from the next request on, and tokens stay', () => {
  const dialogue = new OnvifDialogue();
  const channels = [{ camera: 4, name: 'A <b> & "c"', rtspPath: '/drone 7/é' }, null, dialogue.device.channels[2]!];
  dialogue.device = { ...dialogue.device, channels };
  const profiles = dialogue.ask('<trt:GetProfiles/>').children;
  assert.deepEqual(
    profiles.map(({ attributes }) => attributes.get('token')),
    ['Profile_1', 'Profile_3'],
  );
  assert.equal(textAt(profiles[0]!, 'Name'), 'A <b> & "c"');
  const uri = dialogue.ask(
    '<tr2:GetStreamUri><tr2:Protocol>RTSP</tr2:Protocol><tr2:ProfileToken>Profile_1</tr2:ProfileToken></tr2:GetStreamUri>',
  );
  assert.equal(textAt(uri, 'Uri'), 'rtsp://192.0.2.7:8554/drone%207/%C3%A9');
});

test('names are no longer than ONVIF allows, and not cut through a character', () => {
  const dialogue = new OnvifDialogue();
  dialogue.device = { ...dialogue.device, channels: [{ camera: 0, name: '😀'.repeat(70), rtspPath: '/a' }] };
  assert.equal(textAt(dialogue.ask('<tr2:GetProfiles/>').children[0]!, 'Name'), '😀'.repeat(64));
});

test('Media2 tells the configurations that are asked for', () => {
  const dialogue = new OnvifDialogue();
  const ask = (types: string) => dialogue.ask(`<tr2:GetProfiles>${types}</tr2:GetProfiles>`).children[0]!;
  assert.equal(childOf(ask(''), 'Configurations'), null);
  const some = childOf(ask('<tr2:Type>VideoEncoder</tr2:Type><tr2:Type>PTZ</tr2:Type>'), 'Configurations')!;
  assert.deepEqual(
    some.children.map(({ name }) => name),
    ['VideoEncoder'],
  );
  assert.equal(textAt(some, 'VideoEncoder', 'RateControl', 'FrameRateLimit'), '1');
});

test('the time is the wall clock’s, in UTC', () => {
  const time = childOf(new OnvifDialogue().ask('<tds:GetSystemDateAndTime/>').children[0], 'UTCDateTime')!;
  assert.equal(textAt(time, 'Date', 'Month'), '5');
  assert.equal(textAt(time, 'Time', 'Hour'), '13');
});

test('the interface has the device’s MAC address and the address that was called', () => {
  const dialogue = new OnvifDialogue();
  const answer = dialogue.ask('<tds:GetNetworkInterfaces/>').children[0]!;
  assert.equal(textAt(answer, 'Info', 'HwAddress'), dialogue.device.identity.mac);
  assert.equal(textAt(answer, 'IPv4', 'Config', 'Manual', 'Address'), '192.0.2.7');
});

test('an odd host name cannot break out of an answer', () => {
  const answer = new OnvifDialogue().send(envelope('<tds:GetServices/>'), { origin: 'http://a"<b>' });
  assert.equal(textAt(bodyOf(answer).children[0]!, 'XAddr'), 'http://a"<b>/onvif/device_service');
});
