import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { limits } from '../../../../src/base/limits.ts';
import { eventCapabilitiesXml, subscriptionPath } from '../../../../src/onvif/events/event-service.ts';
import { OnvifFault } from '../../../../src/onvif/fault.ts';
import { childOf, parseXml, textAt } from '../../../../src/onvif/xml.ts';
import {
  brief,
  deviceOf,
  EventClient,
  messagesIn,
  origin,
  parseBody,
  readByOnvifClient,
  startWallMs,
} from './event-client.ts';

const bounds = limits.onvifEvents;

/** Asserts a fault, by its subcode or by the element of its detail. */
function faults(action: () => unknown, name: string): void {
  assert.throws(action, (error) => {
    assert.ok(error instanceof OnvifFault, String(error));
    const detail = error.detail === '' ? undefined : parseXml(error.detail);
    assert.ok(error.subcodes.includes(name) || detail?.name === name, `${error.subcodes} ${detail?.name}`);
    if (detail !== undefined) assert.match(textAt(detail, 'Timestamp'), /^\d{4}-.*Z$/);
    return true;
  });
}

/** Lets the time pass that a subscription has, which ends then and not before. */
function endsAfter(client: EventClient, path: string, ms: number): void {
  client.nowMs += ms - 1;
  assert.ok(client.isThere(path));
  client.nowMs += 1;
  assert.ok(!client.isThere(path));
}

const filter = (expression: string, dialect = 'http://www.onvif.org/ver10/tev/topicExpression/ConcreteSet') =>
  `<tev:Filter><wsnt:TopicExpression Dialect="${dialect}">${expression}</wsnt:TopicExpression></tev:Filter>`;
const concrete = 'http://docs.oasis-open.org/wsn/t-1/TopicExpression/Concrete';

describe('properties and capabilities', () => {
  test('the topic set describes a boolean state per video source', () => {
    const answer = new EventClient().ask('GetEventProperties');
    assert.equal(answer.name, 'GetEventPropertiesResponse');
    assert.deepEqual(
      answer.children.map((child) => child.name),
      [
        'TopicNamespaceLocation',
        'FixedTopicSet',
        'TopicSet',
        'TopicExpressionDialect',
        'TopicExpressionDialect',
        'MessageContentFilterDialect',
        'MessageContentSchemaLocation',
      ],
    );
    assert.equal(textAt(answer, 'FixedTopicSet'), 'true');
    const root = childOf(childOf(answer, 'TopicSet'), 'VideoSource')!;
    const topic = childOf(root, 'RtmpPublishing')!;
    assert.equal(root.namespace, 'http://www.onvif.org/ver10/topics');
    assert.equal(topic.namespace, 'urn:skyweir:onvif:topics');
    assert.equal(topic.attributes.get('topic'), 'true');
    const description = childOf(topic, 'MessageDescription')!;
    assert.equal(description.attributes.get('IsProperty'), 'true');
    const item = (group: string) =>
      Object.fromEntries(childOf(childOf(description, group), 'SimpleItemDescription')!.attributes);
    assert.deepEqual(item('Source'), { Name: 'VideoSourceToken', Type: 'tt:ReferenceToken' });
    assert.deepEqual(item('Data'), { Name: 'State', Type: 'xs:boolean' });
  });

  test('the topic set is the same whatever cameras there are', () => {
    const none = new EventClient(deviceOf()).call('GetEventProperties');
    assert.equal(none, new EventClient(deviceOf(1, 2, 3)).call('GetEventProperties'));
  });

  test('the capabilities tell of pull points, and of no basic notification', () => {
    const answer = new EventClient().ask('GetServiceCapabilities');
    const capabilities = childOf(answer, 'Capabilities')!;
    assert.equal(capabilities.attributes.get('WSPullPointSupport'), 'true');
    assert.equal(capabilities.attributes.get('MaxNotificationProducers'), '0');
    assert.equal(capabilities.attributes.get('MaxPullPoints'), String(bounds.subscriptions));
    assert.equal(parseBody(eventCapabilitiesXml).name, 'Capabilities');
  });

  test('what is left out is answered ActionNotSupported', () => {
    const client = new EventClient();
    const path = client.subscribe();
    faults(
      () => client.call('Seek', '<tev:UtcTime>2026-01-01T00:00:00Z</tev:UtcTime>', path),
      'ter:ActionNotSupported',
    );
    faults(() => client.call('Subscribe', '', undefined, 'wsnt'), 'ter:ActionNotSupported');
    faults(() => client.call('toString'), 'ter:ActionNotSupported');
  });
});

describe('a subscription', () => {
  test('has an address below the origin that the client called, that nobody can guess', () => {
    const client = new EventClient();
    const answer = client.ask('CreatePullPointSubscription');
    const address = textAt(answer, 'SubscriptionReference', 'Address');
    assert.match(address, /^http:\/\/192\.0\.2\.1:8081\/onvif\/events\/subscription\/[0-9a-f]{32}$/);
    assert.notEqual(client.subscribe(), address.slice(origin.length));
  });

  test('lives a minute if nothing was asked, and says so in UTC', () => {
    const answer = new EventClient().ask('CreatePullPointSubscription');
    assert.equal(textAt(answer, 'CurrentTime'), '2026-01-02T03:04:05.000Z');
    assert.equal(textAt(answer, 'TerminationTime'), '2026-01-02T03:05:05.000Z');
  });

  for (const [given, ends] of [
    ['PT10S', '2026-01-02T03:04:15.000Z'],
    ['P0Y0M0DT0H2M0.500S', '2026-01-02T03:06:05.500Z'],
    ['2026-01-02T03:10:00Z', '2026-01-02T03:10:00.000Z'],
    ['2026-01-02T05:10:00.25+02:00', '2026-01-02T03:10:00.250Z'],
    ['P30D', '2026-01-02T04:04:05.000Z'],
  ] as const)
    test(`asked to live until ${given} ends at ${ends}`, () => {
      const answer = new EventClient().ask(
        'CreatePullPointSubscription',
        `<tev:InitialTerminationTime> ${given} </tev:InitialTerminationTime>`,
      );
      assert.equal(textAt(answer, 'TerminationTime'), ends);
    });

  for (const given of ['PT0S', '-PT1M', '2026-01-02T03:04:04Z', 'soon', 'P', `PT${'9'.repeat(80)}S`])
    test(`asked to live until ${given.slice(0, 20)} is refused`, () => {
      const client = new EventClient();
      const content = `<tev:InitialTerminationTime>${given}</tev:InitialTerminationTime>`;
      faults(() => client.subscribe(content), 'UnacceptableInitialTerminationTimeFault');
      // It takes nobody's place.
      for (let i = 0; i < bounds.subscriptions; i++) client.subscribe();
    });

  test('ends when its time is up, and what it was asked then is a fault', () => {
    const client = new EventClient();
    const path = client.subscribe('<tev:InitialTerminationTime>PT10S</tev:InitialTerminationTime>');
    endsAfter(client, path, 10_000);
    for (const operation of ['PullMessages', 'SetSynchronizationPoint'])
      faults(() => client.call(operation, '', path), 'ResourceUnknownFault');
    for (const operation of ['Renew', 'Unsubscribe'])
      faults(() => client.call(operation, '', path, 'wsnt'), 'ResourceUnknownFault');
  });

  test('is not found under the event service itself, or under part of its id', () => {
    const client = new EventClient();
    const path = client.subscribe();
    for (const other of ['/onvif/event_service', subscriptionPath, path.slice(0, -1), `${path}0`, `/x${path}`])
      faults(() => client.pull(other), 'ResourceUnknownFault');
  });

  test('is renewed from now, to an earlier or a later time', () => {
    const client = new EventClient();
    const path = client.subscribe('<tev:InitialTerminationTime>PT10M</tev:InitialTerminationTime>');
    const answer = client.ask('Renew', '<wsnt:TerminationTime>PT2M</wsnt:TerminationTime>', path, 'wsnt');
    assert.equal(answer.namespace, 'http://docs.oasis-open.org/wsn/b-2');
    assert.deepEqual(
      answer.children.map(({ name, text }) => `${name} ${text}`),
      ['TerminationTime 2026-01-02T03:06:05.000Z', 'CurrentTime 2026-01-02T03:04:05.000Z'],
    );
    faults(
      () => client.call('Renew', '<wsnt:TerminationTime>-PT2M</wsnt:TerminationTime>', path, 'wsnt'),
      'UnacceptableTerminationTimeFault',
    );
    endsAfter(client, path, 120_000);
  });

  test('is gone after Unsubscribe, and its waiting pull is answered', () => {
    const client = new EventClient();
    const path = client.subscribe();
    client.messages(path);
    const { bodies } = client.wait(path);
    assert.equal(client.ask('Unsubscribe', '', path, 'wsnt').name, 'UnsubscribeResponse');
    assert.deepEqual(bodies.map(messagesIn), [[]]);
    faults(() => client.pull(path), 'ResourceUnknownFault');
  });

  test('is refused when there are too many, and possible again when one has ended', () => {
    const client = new EventClient();
    const paths = Array.from({ length: bounds.subscriptions }, () => client.subscribe());
    faults(() => client.subscribe(), 'SubscribeCreationFailedFault');
    client.call('Unsubscribe', '', paths[3], 'wsnt');
    client.subscribe();
    faults(() => client.subscribe(), 'SubscribeCreationFailedFault');
  });
});

describe('filters', () => {
  const own = 'tns1:VideoSource/skyweir:RtmpPublishing';
  for (const [expression, dialect] of [
    [own, concrete],
    ['tns1:VideoSource/RtmpPublishing', concrete],
    [own, undefined],
    [`${own}//.`, undefined],
    ['tns1:VideoSource//.', undefined],
    [' tns1:RuleEngine//. | tns1:VideoSource//. ', undefined],
    [`tns1:Device/Trigger|${own}`, undefined],
  ] as const)
    test(`${expression.trim()} selects the topic`, () => {
      const client = new EventClient();
      assert.equal(client.messages(client.subscribe(filter(expression, dialect))).length, 2);
    });

  for (const [expression, fault] of [
    ['tns1:RuleEngine//.', 'TopicNotSupportedFault'],
    ['tns1:VideoSource', 'TopicNotSupportedFault'],
    [`${own}/Deeper//.`, 'TopicNotSupportedFault'],
    ['RtmpPublishing', 'TopicNotSupportedFault'],
    ['', 'InvalidTopicExpressionFault'],
    ['tns1:VideoSource/', 'InvalidTopicExpressionFault'],
    ['tns1:VideoSource//.//.', 'InvalidTopicExpressionFault'],
    [`${own}|`, 'InvalidTopicExpressionFault'],
    ['a b', 'InvalidTopicExpressionFault'],
    [`${own}|${'x'.repeat(bounds.expressionCharacters)}`, 'InvalidTopicExpressionFault'],
  ] as const)
    test(`'${expression.slice(0, 60)}' is refused with ${fault}`, () => {
      faults(() => new EventClient().subscribe(filter(expression)), fault);
    });

  test('an unknown dialect and a filter of contents are refused', () => {
    faults(() => new EventClient().subscribe(filter(own, 'urn:x')), 'TopicExpressionDialectUnknownFault');
    const content = '<wsnt:MessageContent Dialect="x">boolean(//tt:SimpleItem)</wsnt:MessageContent>';
    faults(() => new EventClient().subscribe(`<tev:Filter>${content}</tev:Filter>`), 'InvalidFilterFault');
  });

  test('no filter, and an empty one, select everything', () => {
    const client = new EventClient();
    assert.equal(client.messages(client.subscribe()).length, 2);
    assert.equal(client.messages(client.subscribe('<tev:Filter/>')).length, 2);
  });

  test('ChangedOnly leaves out Initialized and Deleted', () => {
    const client = new EventClient();
    const path = client.subscribe('<tev:SubscriptionPolicy><tev:ChangedOnly/></tev:SubscriptionPolicy>');
    client.setState(1, true);
    client.service.replaceDevice(deviceOf(null, 1), client.nowMs);
    assert.deepEqual(brief(client.messages(path)), ['2 Changed true']);
  });
});

describe('messages', () => {
  test('a subscriber first hears of every camera that is there', () => {
    const client = new EventClient(deviceOf(7, null, 9));
    client.setState(2, true);
    assert.deepEqual(brief(client.messages(client.subscribe())), ['1 Initialized false', '3 Initialized true']);
  });

  test('a change is told once, with the time at which it happened', () => {
    const client = new EventClient();
    const path = client.subscribe();
    client.messages(path);
    client.service.setState(0, true, startWallMs - 1234, client.nowMs);
    client.setState(0, true);
    client.setState(1, false);
    client.setState(5, true);
    client.setState(-1, true);
    const messages = client.messages(path);
    assert.deepEqual(brief(messages), ['1 Changed true']);
    assert.equal(messages[0]!.utcTime, '2026-01-02T03:04:03.766Z');
  });

  test('several subscribers hear the same', () => {
    const client = new EventClient();
    const paths = [client.subscribe(), client.subscribe()];
    for (const path of paths) client.messages(path);
    client.setState(1, true);
    for (const path of paths) assert.deepEqual(brief(client.messages(path)), ['2 Changed true']);
  });

  test('a synchronization point tells every state again', () => {
    const client = new EventClient();
    const path = client.subscribe();
    client.messages(path);
    client.setState(0, true);
    for (let i = 0; i < 100; i++)
      assert.equal(client.ask('SetSynchronizationPoint', '', path).name, 'SetSynchronizationPointResponse');
    assert.deepEqual(brief(client.messages(path)), ['1 Changed true', '1 Initialized true', '2 Initialized false']);
  });

  test('a synchronization point answers a waiting pull', () => {
    const client = new EventClient();
    const path = client.subscribe();
    client.messages(path);
    const { bodies } = client.wait(path);
    client.call('SetSynchronizationPoint', '', path);
    assert.deepEqual(
      bodies.map((body) => brief(messagesIn(body))),
      [['1 Initialized false', '2 Initialized false']],
    );
  });

  test('cameras that come, go and change places are told as such', () => {
    const client = new EventClient(deviceOf(0, 1, 2));
    const path = client.subscribe();
    for (const slot of [0, 1, 2]) client.setState(slot, true);
    client.messages(path);
    client.service.replaceDevice(deviceOf(0, null, 8, 9), client.nowMs);
    assert.deepEqual(brief(client.messages(path)), ['2 Deleted', '3 Changed false', '4 Initialized false']);
    client.setState(1, true);
    client.setState(3, true);
    assert.deepEqual(brief(client.messages(path)), ['4 Changed true']);
    client.service.replaceDevice(deviceOf(0, 1, 8), client.nowMs);
    assert.deepEqual(brief(client.messages(path)), ['2 Initialized false', '4 Deleted']);
    client.service.replaceDevice(deviceOf(0, 1, 8), client.nowMs);
    assert.deepEqual(client.messages(path), []);
  });

  test('of a camera that flaps the newest are kept, and others lose nothing', () => {
    const client = new EventClient();
    const path = client.subscribe();
    for (let i = 0; i < 1001; i++) client.setState(0, i % 2 === 0);
    client.setState(1, true);
    const messages = brief(client.messages(path, 1000));
    assert.ok(messages.length <= bounds.messagesPerCamera + 2);
    assert.equal(messages[0], '2 Initialized false');
    assert.deepEqual(messages.slice(-2), ['1 Changed true', '2 Changed true']);
    const own = messages.filter((text) => text.startsWith('1'));
    for (let i = 1; i < own.length; i++) assert.notEqual(own[i], own[i - 1], 'up and down in turn');
  });

  test('the npm client onvif reads subscription, messages and properties', () => {
    const client = new EventClient(deviceOf(0));
    const created = readByOnvifClient(client.call('CreatePullPointSubscription') as string);
    const subscription = created['createPullPointSubscriptionResponse'] as never as {
      subscriptionReference: { address: string };
      currentTime: Date;
      terminationTime: Date;
    };
    assert.equal(subscription.currentTime.getTime(), startWallMs);
    assert.equal(subscription.terminationTime.getTime(), startWallMs + 60_000);
    const path = subscription.subscriptionReference.address.slice(origin.length);
    const pulled = readByOnvifClient(client.pull(path) as string)['pullMessagesResponse'] as never as {
      terminationTime: Date;
      notificationMessage: { topic: { _: string }; message: { message: Record<string, unknown> } };
    };
    assert.ok(pulled.terminationTime instanceof Date);
    assert.equal(pulled.notificationMessage.topic._, 'tns1:VideoSource/skyweir:RtmpPublishing');
    const message = pulled.notificationMessage.message.message as never as {
      $: { PropertyOperation: string };
      source: { simpleItem: { $: { Name: string; Value: string } } };
      data: { simpleItem: { $: { Name: string; Value: boolean } } };
    };
    assert.equal(message.$.PropertyOperation, 'Initialized');
    assert.deepEqual({ ...message.source.simpleItem.$ }, { Name: 'VideoSourceToken', Value: 'VideoSource_1' });
    assert.deepEqual({ ...message.data.simpleItem.$ }, { Name: 'State', Value: false });
    const properties = readByOnvifClient(client.call('GetEventProperties') as string)[
      'getEventPropertiesResponse'
    ] as never as {
      topicSet: { videoSource: { rtmpPublishing: { $: Record<string, unknown> } } };
    };
    assert.deepEqual({ ...properties.topicSet.videoSource.rtmpPublishing.$ }, { 'wstop:topic': true });
    const renewed = readByOnvifClient(client.call('Renew', '', path, 'wsnt') as string)['renewResponse'] as never as {
      terminationTime: Date;
    };
    assert.ok(renewed.terminationTime instanceof Date);
  });
});

describe('pulls', () => {
  /** A client whose first messages are already taken. */
  function quiet(): { client: EventClient; path: string } {
    const client = new EventClient();
    const path = client.subscribe();
    client.messages(path);
    return { client, path };
  }

  test('what waits is answered at once, up to the limit, and the rest is kept', () => {
    const client = new EventClient(deviceOf(0, 1, 2));
    const path = client.subscribe();
    assert.deepEqual(brief(client.messages(path, 2)), ['1 Initialized false', '2 Initialized false']);
    client.setState(0, true);
    assert.deepEqual(brief(client.messages(path, 2)), ['3 Initialized false', '1 Changed true']);
  });

  test('a change answers a waiting pull at once', () => {
    const { client, path } = quiet();
    const { later, bodies } = client.wait(path);
    assert.equal(later.deadlineMs, client.nowMs + 60_000);
    client.setState(1, true);
    assert.deepEqual(
      bodies.map((body) => brief(messagesIn(body))),
      [['2 Changed true']],
    );
    client.setState(1, false);
    assert.equal(bodies.length, 1);
    assert.deepEqual(brief(client.messages(path)), ['2 Changed false']);
  });

  test('without a change the answer is empty, and comes at the deadline only', () => {
    const { client, path } = quiet();
    const { later, bodies } = client.wait(path, 'PT1M');
    client.nowMs = later.deadlineMs;
    assert.deepEqual(messagesIn(later.expire(client.nowMs)), []);
    assert.deepEqual(bodies, []);
    assert.ok(client.isThere(path));
  });

  test('a timeout of nothing is answered at once', () => {
    const { client, path } = quiet();
    for (const timeout of ['PT0S', '-PT5S']) assert.deepEqual(messagesIn(client.pull(path, timeout)), []);
  });

  test('each pull gives life for its timeout after the answer', () => {
    const client = new EventClient();
    const path = client.subscribe('<tev:InitialTerminationTime>PT10S</tev:InitialTerminationTime>');
    client.messages(path);
    const { later } = client.wait(path, 'PT2M');
    client.nowMs = later.deadlineMs + 5;
    assert.ok(client.isThere(path), 'it cannot end while it is pulled');
    const answer = parseBody(later.expire(client.nowMs));
    assert.equal(textAt(answer, 'CurrentTime'), '2026-01-02T03:06:05.005Z');
    assert.equal(textAt(answer, 'TerminationTime'), '2026-01-02T03:08:05.005Z');
    endsAfter(client, path, 120_000);
  });

  test('a client that polls with short timeouts and never renews stays subscribed', () => {
    const { client, path } = quiet();
    for (let i = 0; i < 100; i++) {
      client.nowMs += 5_000;
      client.pull(path, 'PT0S');
    }
    assert.ok(client.isThere(path));
  });

  test('a long timeout and a large limit are cut, not refused', () => {
    const { client, path } = quiet();
    for (const timeout of ['PT1H', 'P999999999Y']) {
      const { later } = client.wait(path, timeout);
      assert.equal(later.deadlineMs, client.nowMs + bounds.pullTimeoutMs);
      later.cancel();
    }
    client.setState(0, true);
    assert.equal(client.messages(path, 2147483647).length, 1);
    const busy = new EventClient(deviceOf(0, 1, 2, 3, 4, 5, 6, 7));
    const full = busy.subscribe();
    for (let slot = 0; slot < 8; slot++) for (let i = 0; i < 40; i++) busy.setState(slot, i % 2 === 0);
    const answer = busy.pull(full, 'PT0S', '99999999999') as string;
    assert.equal(answer.split('<wsnt:NotificationMessage>').length - 1, bounds.messagesPerAnswer);
  });

  test('a limit below one is taken for one', () => {
    const client = new EventClient();
    const path = client.subscribe();
    for (const limit of [0, -1]) assert.equal(client.messages(path, limit).length, 1);
  });

  test('a timeout or limit that is none is a fault', () => {
    const { client, path } = quiet();
    for (const [timeout, limit] of [
      ['', '1'],
      ['60', '1'],
      ['PT', '1'],
      ['PT1M', ''],
      ['PT1M', '1.5'],
      ['PT1M', 'x'],
    ] as const)
      faults(() => client.pull(path, timeout, limit), 'ter:InvalidArgVal');
  });

  test('a second pull beside a waiting one is a fault, and the first goes on', () => {
    const { client, path } = quiet();
    const { bodies } = client.wait(path);
    faults(() => client.pull(path), 'UnableToGetMessagesFault');
    faults(() => client.pull(path, 'PT0S'), 'UnableToGetMessagesFault');
    client.setState(0, true);
    assert.equal(bodies.length, 1);
  });

  test('a client that went away while it waited misses nothing', () => {
    const { client, path } = quiet();
    const { later, bodies } = client.wait(path);
    later.cancel();
    client.setState(0, true);
    assert.deepEqual(bodies, []);
    assert.deepEqual(brief(client.messages(path)), ['1 Changed true']);
    later.cancel();
    assert.throws(() => later.expire(client.nowMs));
  });

  test('a client that went away while it waited is forgotten in time', () => {
    const { client, path } = quiet();
    client.wait(path, 'PT2M').later.cancel();
    endsAfter(client, path, 120_000);
  });

  test('messages stay while a pull has nobody to answer yet', () => {
    const { client, path } = quiet();
    const later = client.pull(path);
    assert.ok(typeof later !== 'string');
    client.setState(0, true);
    assert.deepEqual(brief(messagesIn(later.expire(later.deadlineMs))), ['1 Changed true']);
  });
});
