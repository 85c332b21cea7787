import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { XMLParser } from 'fast-xml-parser';
import type { HookEntry } from '../../../src/config/hook-list.ts';
import { Hook } from '../../../src/hooks/hook.ts';
import { eventGuid, type HookEvent } from '../../../src/hooks/hook-event.ts';
import type { HookAnswer } from '../../../src/hooks/outcome.ts';
import { testCamera } from '../../support/test-camera.ts';

const camera = testCamera({ index: 3, name: 'Gate', path: '/gate', rtspPath: '/north/gate' });
const publisher = { id: 'r7', address: '192.0.2.1', port: 5000 };
const wallMs = Date.parse('2026-11-21T12:00:00.250Z');
const place = { hardware: 'North', onvifPort: 8082, channel: 3 };
const figures = { framesPerSecond: 12.5 };
const degraded: HookEvent = {
  id: 'run-5',
  type: 'degraded',
  record: { camera, publisher, wallMs, reason: null, detail: { blame: 'network', text: 'late', figures } },
};

function hook(entry: Partial<HookEntry> = {}, secret: string | null = null): Hook {
  return new Hook({ url: 'http://example.org/hook', ...entry }, { secret, ca: null });
}

describe('a webhook', () => {
  test('says in JSON what happened, with an id, a time and the figures', () => {
    const content = hook().content(degraded, place);
    assert.deepEqual(JSON.parse(content), {
      id: 'run-5',
      event: 'degraded',
      title: 'RTMP Stream Degraded',
      time: '2026-11-21T12:00:00.250Z',
      camera: { index: 3, name: 'Gate', path: '/gate', rtspPath: '/north/gate' },
      publisher: { connection: 'r7', address: '192.0.2.1', port: 5000 },
      path: '/gate',
      address: '192.0.2.1',
      reason: null,
      count: 1,
      blame: 'network',
      rule: null,
      text: 'late',
      figures,
    });
  });

  test('wants all events, or those that it names', () => {
    assert.ok(hook().wants('rejected', null));
    const some = hook({ events: ['stopped'] });
    assert.deepEqual([some.wants('stopped', camera), some.wants('started', camera)], [true, false]);
  });

  test('chooses cameras by name or path, and then wants nothing that concerns none of them', () => {
    for (const name of ['gate', '/GATE', '/north/gate'])
      assert.ok(hook({ cameras: [name] }).wants('started', camera), name);
    assert.ok(!hook({ cameras: ['other'] }).wants('started', camera));
    assert.ok(!hook({ cameras: ['gate'] }).wants('overloaded', null));
  });

  test('adds the headers of the file, and signs only with a secret', () => {
    const plain = hook({ headers: { 'X-Team': 'noc' } }).headers('run-5', '{}', wallMs);
    assert.deepEqual(Object.keys(plain), ['Content-Type', 'Skyweir-Id', 'X-Team']);
    const signed = hook({}, 'a secret of some length').headers('run-5', '{}', wallMs);
    assert.match(signed['Skyweir-Signature']!, /^t=1795262400,v1=[0-9a-f]{64}$/);
  });

  test('shows its address without what may be secret', () => {
    assert.equal(
      hook({ url: 'https://user:pass@example.org:8443/in?token=x#y' }).shownUrl,
      'https://***@example.org:8443/in?***',
    );
  });
});

describe('an Analytics Event of XProtect', () => {
  const parse = (xml: string) => {
    const parser = new XMLParser({
      ignoreAttributes: false,
      parseTagValue: false,
      processEntities: true,
      htmlEntities: true,
    });
    return parser.parse(xml).AnalyticsEvent;
  };
  const analytics = (entry: Partial<HookEntry> = {}) =>
    hook({ type: 'milestone-analytics', url: 'http://127.0.0.1:9090/', ...entry });

  test('has the header that the event server asks for, in its order, with the name of the event as Message', () => {
    const xml = analytics().content(degraded, place);
    assert.match(xml, /^<\?xml version="1.0" encoding="utf-8"\?>\n<AnalyticsEvent xmlns="urn:milestone-systems">/);
    const { EventHeader: header, Description, Vendor } = parse(xml);
    assert.deepEqual(Object.keys(header), ['ID', 'Timestamp', 'Type', 'Message', 'CustomTag', 'Source']);
    assert.equal(header.ID, eventGuid('run-5'));
    assert.match(header.ID, /^[0-9a-f]{8}-[0-9a-f]{4}-8[0-9a-f]{3}-[89ab][0-9a-f]{3}-[0-9a-f]{12}$/);
    assert.deepEqual(
      [header.Timestamp, header.Message, header.Source.Name, Description, Vendor.Name],
      ['2026-11-21T12:00:00.250Z', 'RTMP Stream Degraded', 'Gate', 'network: late', 'Skyweir'],
    );
  });

  test('names the camera as XProtect knows it: by an address with its channel, or by its GUID', () => {
    const byAddress = parse(analytics({ source: '192.0.2.10:{onvif-port},{channel}' }).content(degraded, place));
    assert.equal(byAddress.EventHeader.Source.Name, '192.0.2.10:8082,3');
    const guid = '7f3b0e9a-5a3c-4e4f-9a5d-0a1b2c3d4e5f';
    for (const name of ['Gate', '/GATE', '/North/Gate']) {
      const byGuid = parse(analytics({ 'camera-ids': { [name]: guid } }).content(degraded, place));
      assert.deepEqual(byGuid.EventHeader.Source, { FQID: { ObjectId: guid } }, name);
    }
  });

  test('stays well-formed whatever a camera is called', () => {
    const odd = testCamera({ name: '<a href="x">&\u0001\ud800]]>' });
    const xml = analytics().content({ ...degraded, record: { ...degraded.record, camera: odd } }, null);
    assert.ok(xml.isWellFormed() && !xml.includes('\u0001'));
    assert.equal(parse(xml).EventHeader.Source.Name, '<a href="x">& \ufffd]]>');
  });

  test('that nobody has defined is refused, although the answer is 200', () => {
    const judge = (text: string, status = 200) => {
      const answer: HookAnswer = { status, retryAfter: undefined, text };
      return analytics().judge(answer, wallMs).result;
    };
    assert.equal(judge('Warning: Event message not known'), 'refused');
    assert.equal(judge(''), 'delivered');
    assert.equal(judge('', 500), 'retry');
    assert.equal(judge('', 403), 'refused');
  });
});

describe('a Generic Event of XProtect', () => {
  const generic = (entry: Partial<HookEntry> = {}) =>
    hook({ type: 'milestone-generic', url: 'tcp://127.0.0.1:1234', ...entry });

  test('is a text with its fields separated, or the text of the file', () => {
    assert.equal(generic().content(degraded, place), 'Skyweir;degraded;Gate;/gate;;network');
    const text = 'ALARM {title} {camera} {unknown} {address}';
    assert.equal(
      generic({ text, separator: '\r\n' }).content(degraded, place),
      'ALARM RTMP Stream Degraded Gate {unknown} 192.0.2.1\r\n',
    );
  });

  test('keeps its fields apart: a stranger who asks for a path cannot write another event into it', () => {
    const detail = { path: '/x;Skyweir;degraded;Gate;' };
    const record = { ...degraded.record, camera: null, publisher: null, reason: 'path_unknown' as const, detail };
    const content = generic().content({ ...degraded, type: 'rejected', record }, null);
    assert.equal(content, 'Skyweir;rejected;;/x Skyweir degraded Gate ;path_unknown;');
  });

  test('is one record, whatever a camera is called', () => {
    const record = { ...degraded.record, camera: testCamera({ name: 'A\r\nB||C' }) };
    const content = generic({ text: '{camera}', separator: '||' }).content({ ...degraded, record }, null);
    assert.equal(content, 'A  B C||');
  });
});
