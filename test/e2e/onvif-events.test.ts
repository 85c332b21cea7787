import assert from 'node:assert/strict';
import { EventEmitter, once } from 'node:events';
import { createRequire } from 'node:module';
import { test } from 'node:test';
import { systemClock } from '../../src/base/clock.ts';
import { EventService, subscriptionPath } from '../../src/onvif/events/event-service.ts';
import { childOf, parseXml } from '../../src/onvif/xml.ts';
import { startDevice } from '../support/onvif-device.ts';
import { credentials, makeDevice } from '../support/onvif-peer.ts';

/** The part of the npm client that is used. */
interface OnvifCam extends EventEmitter {
  readonly events: { subscription?: object };
}

/** A notification as the npm client reads it. */
interface Notification {
  readonly message: {
    readonly message: {
      readonly $: { readonly PropertyOperation: string };
      readonly source: { readonly simpleItem: { readonly $: { readonly Value: string } } };
      readonly data: { readonly simpleItem: { readonly $: { readonly Value: boolean } } };
    };
  };
}

const { Cam } = createRequire(import.meta.url)('onvif') as {
  Cam: new (options: object, connected: (error: unknown) => void) => OnvifCam;
};

function eventService(cameras: number): EventService {
  return new EventService({ device: makeDevice(cameras), clock: systemClock });
}

function setState(events: EventService, slot: number, live: boolean): void {
  events.setState(slot, live, systemClock.wallMs(), systemClock.nowMs());
}

test('the npm client onvif subscribes, hears of all cameras and of a change while it waits, and unsubscribes', async (t) => {
  const events = eventService(2);
  const { port } = await startDevice(t, {
    device: makeDevice(2),
    services: [events, events.notification],
  });
  const { user: username, password } = credentials;
  const cam = await new Promise<OnvifCam>((resolve, reject) => {
    const options = { hostname: '127.0.0.1', port, username, password, timeout: 5000 };
    const made: OnvifCam = new Cam(options, (error) => (error ? reject(error) : resolve(made)));
  });
  const heard: string[] = [];
  const told = new EventEmitter();
  cam.on('eventsError', (error) => told.emit('error', error));
  cam.on('event', ({ message: { message } }: Notification) => {
    heard.push(
      `${message.$.PropertyOperation} ${message.source.simpleItem.$.Value} ${message.data.simpleItem.$.Value}`,
    );
    told.emit(String(heard.length));
  });
  await once(told, '2');
  assert.deepEqual(heard.splice(0), ['Initialized VideoSource_1 false', 'Initialized VideoSource_2 false']);
  const change = once(told, '1');
  setState(events, 1, true);
  await change;
  assert.deepEqual(heard, ['Changed VideoSource_2 true']);
  const asked = t.mock.method(events, 'call').mock;
  cam.removeAllListeners('event');
  // The answer to the pull that waits is the client's moment to unsubscribe.
  while (!asked.calls.some(({ arguments: [{ operation }] }) => operation === 'Unsubscribe')) {
    setState(events, 0, true);
    setState(events, 0, false);
    await new Promise(setImmediate);
  }
});

test('a client whose connection breaks while it waits gets the change with its next pull', async (t) => {
  const events = eventService(1);
  const { port } = await startDevice(t, { services: [events, events.notification], credentials: null });
  const ask = async (path: string, content: string, signal?: AbortSignal) => {
    const envelope =
      '<s:Envelope xmlns:s="http://www.w3.org/2003/05/soap-envelope"><s:Body' +
      ` xmlns:tev="http://www.onvif.org/ver10/events/wsdl">${content}</s:Body></s:Envelope>`;
    const init = { method: 'POST', body: envelope, headers: { 'Content-Type': 'application/soap+xml' } };
    const response = await fetch(`http://127.0.0.1:${port}${path}`, signal ? { ...init, signal } : init);
    return await response.text();
  };
  const pull = (timeout: string) =>
    `<tev:PullMessages><tev:Timeout>${timeout}</tev:Timeout><tev:MessageLimit>9</tev:MessageLimit></tev:PullMessages>`;
  const created = await ask('/onvif/event_service', '<tev:CreatePullPointSubscription/>');
  const path = `${subscriptionPath}${/subscription\/([0-9a-f]+)/.exec(created)![1]}`;
  await ask(path, pull('PT0S'));

  const abort = new AbortController();
  const broken = ask(path, pull('PT1M'), abort.signal);
  const second = () => ask(path, pull('PT0S'));
  while (!(await second()).includes('UnableToGetMessagesFault'));
  abort.abort();
  await assert.rejects(broken);
  while ((await second()).includes('UnableToGetMessagesFault'));

  setState(events, 0, true);
  const body = childOf(parseXml(await second()), 'Body')!.children[0]!;
  assert.match(JSON.stringify(body), /NotificationMessage/);
});
