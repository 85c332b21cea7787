import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { ErrorCode } from '../../../src/base/errors.ts';
import { PathRegistry, type PublishConflict } from '../../../src/server/path-registry.ts';
import type { Admission, AdmissionRequest } from '../../../src/server/publish-auth.ts';
import { Publishers } from '../../../src/server/publishers.ts';
import type { RingStore } from '../../../src/server/ring-store.ts';
import { StreamEvents } from '../../../src/server/stream-events.ts';
import { RemoteConnection } from '../../support/remote-connection.ts';
import { testCamera } from '../../support/test-camera.ts';

const key = 'swk_0123456789abcdefghjkmnpqrstvwxyz';
const cameras = [testCamera(), testCamera({ index: 1 })];

class Rig {
  readonly asked: AdmissionRequest[] = [];
  readonly log: string[] = [];
  readonly publishers: Publishers;
  /** Answers of the gate, in the order in which they were asked for. */
  readonly answers: ((admission: Admission) => Promise<void>)[] = [];
  readonly aborted: boolean[] = [];
  #count = 0;

  constructor(policy: PublishConflict = 'reject') {
    const events = new StreamEvents();
    events.on('started', ({ publisher, camera }) => this.log.push(`started ${publisher.id} ${camera.path}`));
    events.on('stopped', ({ publisher, reason }) => this.log.push(`stopped ${publisher.id} ${reason}`));
    events.on('refused', ({ reason, path, camera }) => this.log.push(`refused ${reason} ${path} ${camera?.index}`));
    const rings = { acquire: () => new SharedArrayBuffer(0) } as unknown as RingStore;
    const silence = () => undefined;
    const check = (request: AdmissionRequest, signal: AbortSignal): Promise<Admission> => {
      const place = this.asked.push(request) - 1;
      this.aborted.push(false);
      signal.addEventListener('abort', () => {
        this.aborted[place] = true;
      });
      return new Promise((resolve) => {
        this.answers.push(async (admission) => {
          resolve(admission);
          await new Promise(setImmediate);
        });
      });
    };
    this.publishers = new Publishers(
      new PathRegistry(cameras, policy, () => 0),
      rings,
      events,
      { nowMs: () => 0, wallMs: () => 0 },
      { debug: silence, info: silence, warn: silence, error: silence },
      { auth: { check }, listenerPort: () => 1935 },
    );
  }

  connect(): RemoteConnection {
    return new RemoteConnection(this.publishers, `r${++this.#count}`);
  }
}

/** The newest that main sent to a connection. */
function lastOf({ sent }: RemoteConnection): string {
  const message = sent.at(-1);
  return message === undefined ? 'nothing' : 'reason' in message ? `${message.type} ${message.reason}` : message.type;
}

function admitted(changes: Partial<Admission & { type: 'admitted' }> = {}): Admission {
  return { type: 'admitted', keyId: null, detail: '', use: () => null, giveBack: () => {}, ...changes };
}

function refusal(reason: ErrorCode, passing = false): Admission {
  return { type: 'refused', reason, detail: 'why', passing };
}

test('a path is taken only when the decision has come', async () => {
  const rig = new Rig();
  const connection = rig.connect();
  connection.claims('/stream1', { query: 'key=1', tls: true });
  assert.equal(lastOf(connection), 'nothing');
  assert.deepEqual(rig.publishers.cameras, new Set());
  const { camera, query, tls, listenerPort } = rig.asked[0]!;
  assert.deepEqual([camera?.index, query, tls, listenerPort], [0, 'key=1', true, 1935]);
  await rig.answers[0]!(admitted());
  assert.equal(lastOf(connection), 'granted');
  assert.deepEqual(rig.log, ['started r1 /stream1']);
});

test('who is refused takes nothing over, and is told why for the log', async () => {
  const rig = new Rig('takeover');
  const [holder, other] = [rig.connect(), rig.connect()];
  holder.claims('/stream1');
  await rig.answers[0]!(admitted());
  other.claims('/stream1');
  await rig.answers[1]!(refusal('credential_wrong'));
  assert.deepEqual(other.sent, [{ type: 'refused', reason: 'credential_wrong', detail: 'why' }]);
  assert.equal(lastOf(holder), 'granted');
  assert.equal(rig.publishers.counts.refused.of('credential_wrong'), 1);
  assert.equal(rig.log.at(-1), 'refused credential_wrong /stream1 0');
});

test('a connection that has gone meanwhile takes no path', async () => {
  const rig = new Rig();
  const connection = rig.connect();
  connection.claims('/stream1');
  connection.ends('peer_closed');
  assert.deepEqual(rig.aborted, [true]);
  let used = false;
  const use = () => {
    used = true;
    return null;
  };
  await rig.answers[0]!(admitted({ use }));
  assert.deepEqual([lastOf(connection), used, rig.log], ['nothing', false, []]);
});

test('a connection that has said that it ends takes nobody over, and uses no credential up', async () => {
  const rig = new Rig('takeover');
  const [holder, ending] = [rig.connect(), rig.connect()];
  holder.claims('/stream1');
  await rig.answers[0]!(admitted());
  ending.claims('/stream1');
  ending.says({ type: 'ended', reason: 'peer_closed', detail: undefined });
  assert.deepEqual(rig.aborted, [false, true]);
  await rig.answers[1]!(admitted({ use: () => assert.fail('used up') }));
  assert.equal(lastOf(holder), 'granted');
});

test('a connection that is being cut off takes no path', async () => {
  const rig = new Rig();
  const connection = rig.connect();
  connection.claims('/stream1');
  const ended = rig.publishers.cutAll('shutdown');
  await rig.answers[0]!(admitted());
  assert.equal(lastOf(connection), 'cut shutdown');
  assert.deepEqual(rig.publishers.cameras, new Set());
  connection.ends('shutdown');
  await ended;
});

test('cameras that change meanwhile are checked anew', async () => {
  const rig = new Rig();
  const connection = rig.connect();
  connection.claims('/stream1');
  rig.publishers.replaceCameras([testCamera({ index: 5, path: '/stream1' }), cameras[1]!]);
  await rig.answers[0]!(admitted());
  assert.equal(lastOf(connection), 'refused credential_unavailable');
});

test('a path that there is not is refused as such, whatever was found; but what passes by itself passes there too', async () => {
  for (const [answer, expected] of [
    [admitted(), 'refused path_unknown'],
    [refusal('credential_missing'), 'refused path_unknown'],
    [refusal('credential_wrong'), 'refused path_unknown'],
    [refusal('credential_unavailable', true), 'refused credential_unavailable'],
  ] as const) {
    const rig = new Rig();
    const connection = rig.connect();
    connection.claims('/nowhere');
    assert.equal(rig.asked[0]!.camera, null);
    await rig.answers[0]!(answer);
    assert.equal(lastOf(connection), expected);
  }
});

test('who publishes again on the same connection is checked again', async () => {
  const rig = new Rig();
  const connection = rig.connect();
  connection.claims('/stream1');
  await rig.answers[0]!(admitted());
  connection.says({ type: 'release', reason: 'unpublished' });
  connection.claims('/stream1');
  assert.equal(rig.asked.length, 2);
  await rig.answers[1]!(refusal('credential_replayed'));
  assert.equal(lastOf(connection), 'refused credential_replayed');
});

test('a credential for one use is given back when the path is not to be had', async () => {
  const rig = new Rig();
  const [holder, other] = [rig.connect(), rig.connect()];
  const uses: string[] = [];
  const use = () => {
    uses.push('used');
    return null;
  };
  const once = admitted({ use, giveBack: () => uses.push('given back') });
  holder.claims('/stream1');
  await rig.answers[0]!(admitted());
  other.claims('/stream1');
  await rig.answers[1]!(once);
  assert.equal(lastOf(other), 'refused path_busy');
  assert.deepEqual(uses, ['used', 'given back']);
  const third = rig.connect();
  third.claims('/stream2');
  await rig.answers[2]!(admitted({ use: () => 'credential_replayed' }));
  assert.equal(lastOf(third), 'refused credential_replayed');
});

test('a key at the end of the path is no part of the path, in no event', async () => {
  const rig = new Rig();
  const pathKey = { path: '/stream1', decodedPath: '/stream1', key };
  const connection = rig.connect();
  connection.claims(`/stream1/${key}`, { pathKey });
  assert.deepEqual([rig.asked[0]!.camera?.index, rig.asked[0]!.path, rig.asked[0]!.pathKey], [0, '/stream1', key]);
  await rig.answers[0]!(admitted());
  assert.equal(lastOf(connection), 'granted');
  const nowhere = rig.connect();
  nowhere.claims(`/nowhere/${key}`, { pathKey: { ...pathKey, path: '/nowhere', decodedPath: '/nowhere' } });
  await rig.answers[1]!(refusal('credential_wrong'));
  assert.equal(lastOf(nowhere), 'refused path_unknown');
  assert.ok(!JSON.stringify([rig.log, connection.sent, nowhere.sent]).includes(key));
});

test('a camera may have a path that looks like a key', async () => {
  const rig = new Rig();
  rig.publishers.replaceCameras([testCamera({ path: `/live/${key}` })]);
  const connection = rig.connect();
  connection.claims(`/live/${key}`, { pathKey: { path: '/live', decodedPath: '/live', key } });
  assert.deepEqual([rig.asked[0]!.camera?.index, rig.asked[0]!.pathKey], [0, null]);
});

test('a key that is revoked cuts the stream that was begun with it, and no other', async () => {
  const rig = new Rig();
  const [first, second, third] = [rig.connect(), rig.connect(), rig.connect()];
  first.claims('/stream1');
  await rig.answers[0]!(admitted({ keyId: 'a' }));
  second.claims('/stream2');
  await rig.answers[1]!(admitted({ keyId: 'b' }));
  third.claims('/stream2');
  await rig.answers[2]!(admitted({ keyId: 'a' }));
  assert.deepEqual(rig.publishers.runningKeys, new Set(['a', 'b']));
  rig.publishers.revoke('a');
  assert.deepEqual([lastOf(first), lastOf(second), lastOf(third)], ['cut key_revoked', 'granted', 'refused path_busy']);
  first.says({ type: 'release', reason: 'unpublished' });
  assert.deepEqual(rig.publishers.runningKeys, new Set(['b']));
});
