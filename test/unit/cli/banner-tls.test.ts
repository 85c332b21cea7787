import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { describeStart, type StartFacts, startRecord } from '../../../src/banner.ts';
import { loadConfig } from '../../../src/config/load.ts';

function factsOf(flags: Record<string, string | boolean>, rtmpsPort: number | null): StartFacts {
  const { config } = loadConfig({
    flags: new Map(Object.entries(flags)),
    environment: {},
    readFile: () => '',
    cores: 2,
    terminal: true,
  });
  const addresses = { host: '::', rtmpPort: 1935, rtmpsPort, rtspPort: 8554 };
  return { version: '1.2.3', config, addresses, hosts: ['192.0.2.10'], credentials: null };
}

describe('the banner with TLS', () => {
  test('on the RTMP port: every URL to push to is rtmps', () => {
    const facts = factsOf({ tls: true }, null);
    const banner = describeStart(facts);
    assert.ok(banner.includes('RTMPS on [::]:1935, RTSP on [::]:8554\n'), banner);
    assert.ok(banner.includes('Push to      rtmps://192.0.2.10:1935/stream1\n'), banner);
    assert.ok(banner.includes('Server:     rtmps://192.0.2.10:1935\n'), banner);
    assert.ok(banner.includes(' -f flv rtmps://192.0.2.10:1935/stream1\n'), banner);
    assert.ok(!banner.includes('rtmp://'), banner);
    const record = startRecord(facts) as Record<string, unknown>;
    assert.equal(record['rtmps'], '[::]:1935');
    assert.equal(record['rtmp'], undefined);
    assert.equal(record['pushUrl'], 'rtmps://192.0.2.10:1935/stream1');
  });

  test('on a second port: both URLs', () => {
    const facts = factsOf({ 'rtmps-port': '8443' }, 8443);
    const banner = describeStart(facts);
    assert.ok(banner.includes('RTMP on [::]:1935, RTMPS on [::]:8443, RTSP on [::]:8554\n'), banner);
    assert.ok(banner.includes('Push to      rtmp://192.0.2.10:1935/stream1\n'), banner);
    assert.ok(banner.includes('  or         rtmps://192.0.2.10:8443/stream1\n'), banner);
    const record = startRecord(facts) as Record<string, unknown>;
    assert.deepEqual([record['rtmp'], record['rtmps']], ['[::]:1935', '[::]:8443']);
    assert.equal(record['pushUrl'], 'rtmp://192.0.2.10:1935/stream1');
    assert.equal(record['securePushUrl'], 'rtmps://192.0.2.10:8443/stream1');
  });
});
