/** The wall clock may be set at any time; what must not be touched by that goes by the monotonic clock. */
import assert from 'node:assert/strict';
import { globSync, readFileSync } from 'node:fs';
import { resolve } from 'node:path';
import { describe, test } from 'node:test';
import { limits } from '../../../src/base/limits.ts';
import { EventService, subscriptionPath } from '../../../src/onvif/events/event-service.ts';
import { childOf, textAt } from '../../../src/onvif/xml.ts';
import { bodyOf, OnvifDialogue } from '../../support/onvif-dialogue.ts';
import { credentials, envelope, makeDevice, securityXml } from '../../support/onvif-peer.ts';

const root = resolve(import.meta.dirname, '../../..');
const hourMs = 3_600_000;

/** Every file that reads the wall clock or hands it on, and what for. Deadlines and pacing have no place here. */
const readers: Readonly<Record<string, string>> = {
  'src/access/access-control.ts': 'expiry of API tokens, a date that people give',
  'src/base/clock.ts': 'is the clock',
  'src/cli/keys.ts': 'dates of stream keys, for people',
  'src/cli/users.ts': 'since when a user exists, for people',
  'src/config/state-lock.ts': 'age of a lock file, which the file system dates',
  'src/doctor.ts': 'is about the clock',
  'src/egress/play-session.ts': 'NTP time of sender reports',
  'src/ingest/frame-counting.ts': 'since when a stream runs, for statistics',
  'src/log.ts': 'time of log lines',
  'src/net/discovery-socket.ts': 'instance id of WS-Discovery, once at the start',
  'src/net/ingest-thread.ts': 'hands it to frame counting',
  'src/net/preview-socket.ts': 'how far behind the picture in a browser is',
  'src/net/rtsp-connection.ts': 'the time that a PLAY response tells',
  'src/onvif/device-service.ts': 'GetSystemDateAndTime',
  'src/onvif/events/event-service.ts': 'times in notifications and subscriptions',
  'src/onvif/onvif-dispatcher.ts': 'age of WS-UsernameTokens',
  'src/publish-auth/publish-gate.ts': 'dates of stream keys, signed URLs and tokens',
  'src/server/certificates.ts': 'validity of certificates',
  'src/server/dead-letters.ts': 'time of what was not delivered, for people',
  'src/server/event-history.ts': 'time of events, for people',
  'src/server/hooks.ts': 'time of trials, and Retry-After with a date',
  'src/server/management.ts': 'hands it to the view of stream keys',
  'src/server/onvif-devices.ts': 'time of ONVIF notifications',
  'src/server/publish-auth.ts': 'until when a credential for one use is remembered',
  'src/server/publish-keys.ts': 'dates of stream keys',
  'src/server/running-hook.ts': 'time in signatures, and of the newest result',
  'src/server/server.ts': 'hands it to the certificates',
  'src/server/statistics.ts': 'since when a stream runs, for statistics',
  'src/server/status-view.ts': 'time of the overview, for people',
  'src/status/page/events-view.ts': 'whether an event was today, for people',
};

test('only what tells the time reads the wall clock', () => {
  const reads = /\b\w*[cC]lock\.wallMs\b|#wallMs\(|ptions\.wallMs\(|\bDate\.now\b|\bnew Date\(\)|\bDate\(\)/;
  const found = globSync(['src/**/*.ts', 'workers/**/*.ts'], { cwd: root })
    .map((file) => file.replaceAll('\\', '/'))
    .filter((file) => reads.test(readFileSync(resolve(root, file), 'utf8').replace(/\/\*[\s\S]*?\*\/|\/\/.*$/gm, '')))
    .sort();
  assert.deepEqual(found, Object.keys(readers));
});

function dialogue(auth = false): OnvifDialogue {
  const device = makeDevice(2);
  const rig = { wallMs: () => client.wallMs };
  const events = new EventService({ device, clock: rig });
  const client: OnvifDialogue = new OnvifDialogue({ device, auth, services: [events, events.notification] });
  return client;
}

/** Pulls at once; returns the name of what comes. */
function pull(client: OnvifDialogue, target: string): string {
  const request =
    '<tev:PullMessages><tev:Timeout>PT0S</tev:Timeout><tev:MessageLimit>10</tev:MessageLimit></tev:PullMessages>';
  return bodyOf(client.send(envelope(request), { target })).name;
}

describe('a wall clock that is set', () => {
  for (const stepMs of [hourMs, -hourMs]) {
    const direction = stepMs > 0 ? 'forward' : 'back';

    test(`${direction} by an hour: a pull point lives and ends by the monotonic clock, and tells the new time`, () => {
      const client = dialogue();
      const created = client.ask('<tev:CreatePullPointSubscription/>');
      const address = textAt(childOf(created, 'SubscriptionReference')!, 'Address');
      const target = address.slice(address.indexOf(subscriptionPath));
      client.wallMs += stepMs;
      assert.equal(pull(client, target), 'PullMessagesResponse');
      const renewed = bodyOf(
        client.send(
          envelope(
            '<u:Renew xmlns:u="http://docs.oasis-open.org/wsn/b-2"><u:TerminationTime>PT60S</u:TerminationTime></u:Renew>',
          ),
          { target },
        ),
      );
      const times = ['CurrentTime', 'TerminationTime'].map((name) => Date.parse(textAt(renewed, name)));
      assert.deepEqual(times, [client.wallMs, client.wallMs + 60_000]);
      client.nowMs += 59_000;
      assert.equal(pull(client, target), 'PullMessagesResponse');
      // Each pull lets it live for as long again.
      client.nowMs += limits.onvifEvents.lifetimeMs + 1;
      assert.equal(pull(client, target), 'Fault');
    });

    test(`${direction} by an hour: ONVIF tells the new time, and takes tokens of it only`, () => {
      const client = dialogue(true);
      const status = (createdMs: number): number =>
        client.send(envelope('<trt:GetProfiles/>', securityXml({ createdMs }))).status;
      const before = client.wallMs;
      assert.equal(status(before), 200);
      client.wallMs += stepMs;
      const time = JSON.stringify(client.ask('<tds:GetSystemDateAndTime/>'));
      assert.ok(time.includes(`"${new Date(client.wallMs).getUTCHours()}"`), time);
      assert.notEqual(status(before), 200);
      assert.equal(status(client.wallMs), 200);
    });

    test(`${direction} by an hour: an address that guessed wrong waits as long as before`, () => {
      const client = dialogue(true);
      const ask = (password: string) =>
        client.send(envelope('<trt:GetProfiles/>', securityXml({ createdMs: client.wallMs, password })));
      for (let i = 0; i < limits.onvif.failedLogins; i++) ask('wrong');
      client.wallMs += stepMs;
      assert.notEqual(ask(credentials.password).status, 200, 'it has to wait');
      client.nowMs += limits.onvif.longestWaitMs;
      assert.equal(ask(credentials.password).status, 200);
    });
  }
});
