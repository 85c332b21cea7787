import assert from 'node:assert/strict';
import { createHmac } from 'node:crypto';
import { describe, test } from 'node:test';
import type { ErrorCode } from '../../../src/base/errors.ts';
import { ClientHandshake } from '../../../src/rtmp/client-handshake.ts';
import { ServerHandshake } from '../../../src/rtmp/handshake.ts';

let counter = 0;
const random = (into: Uint8Array): void => {
  for (let i = 0; i < into.length; i++) {
    counter = (counter * 1103515245 + 12345) & 0x7fffffff;
    into[i] = counter >> 16;
  }
};

interface Server {
  readonly handshake: ServerHandshake;
  readonly output: Buffer[];
  send(bytes: Buffer): number;
}

function server(): Server {
  const output: Buffer[] = [];
  const handshake = new ServerHandshake(random, (bytes) => output.push(Buffer.from(bytes)));
  return { handshake, output, send: (bytes) => handshake.receive(bytes, 0, bytes.length) };
}

/** C0 and C1 with the four version bytes given. */
function hello(version: number[] = [0, 0, 0, 0]): Buffer {
  const bytes = Buffer.alloc(1537);
  random(bytes);
  bytes[0] = 3;
  Buffer.from(version).copy(bytes, 5);
  return bytes;
}

const clientKey = 'Genuine Adobe Flash Player 001';
const serverKey = 'Genuine Adobe Flash Media Server 001';
const tail = Buffer.from('f0eec24a8068bee82e00d0d1029e7e576eec5d2d29806fab93b8e636cfeb31ae', 'hex');
const hmac = (key: string | Buffer, bytes: Buffer): Buffer => createHmac('sha256', key).update(bytes).digest();

function digestAt(packet: Buffer, pointer: number): number {
  return pointer + 4 + ((packet[pointer]! + packet[pointer + 1]! + packet[pointer + 2]! + packet[pointer + 3]!) % 728);
}

function without(packet: Buffer, at: number): Buffer {
  return Buffer.concat([packet.subarray(0, at), packet.subarray(at + 32)]);
}

describe('simple handshake', () => {
  test('H1: S0, S1 and S2 follow C1 at once, byte by byte or whole, and C2 is not waited for', () => {
    const c0c1 = hello();
    const whole = server();
    assert.equal(whole.send(c0c1), 1537);
    assert.equal(whole.output.length, 1);
    assert.equal(whole.output[0]!.length, 3073);

    const slow = server();
    for (let i = 0; i < 1536; i++) slow.send(c0c1.subarray(i, i + 1));
    assert.equal(slow.output.length, 0);
    slow.send(c0c1.subarray(1536));
    assert.equal(slow.output.length, 1);
    assert.equal(slow.handshake.done, false);
  });

  test('H1: bytes behind C2 are left to the caller', () => {
    const { handshake, send } = server();
    assert.equal(send(Buffer.concat([hello(), Buffer.alloc(1536), Buffer.from('connect')])), 3073);
    assert.equal(handshake.done, true);
  });

  test('H2: S1 has a zero version and is not C1; S2 is C1', () => {
    for (const version of [
      [0, 0, 0, 0],
      [9, 0, 0x7c, 2],
    ]) {
      const { output, send } = server();
      const c0c1 = hello(version);
      send(c0c1);
      const [reply] = output;
      assert.equal(reply![0], 3);
      assert.deepEqual(reply!.subarray(5, 9), Buffer.alloc(4));
      assert.ok(!reply!.subarray(9, 1537).equals(c0c1.subarray(9)));
      assert.ok(reply!.subarray(1537).equals(c0c1.subarray(1)));
    }
  });

  test('H3: C2 may be anything', () => {
    const { handshake, send } = server();
    send(hello());
    assert.equal(send(Buffer.alloc(1536, 0xff)), 1536);
    assert.equal(handshake.done, true);
  });

  test('our client and our server understand each other', () => {
    const { handshake, output, send } = server();
    const sent: Buffer[] = [];
    const client = new ClientHandshake((bytes) => sent.push(Buffer.from(bytes)));
    client.start(random);
    send(sent[0]!);
    const reply = output[0]!;
    for (let i = 0; i < reply.length; i++) client.receive(reply, i, i + 1);
    assert.equal(client.done, true);
    send(sent[1]!);
    assert.equal(handshake.done, true);
    assert.ok(sent[1]!.equals(reply.subarray(1, 1537)));
  });
});

describe('digest handshake', () => {
  for (const [schema, pointer] of [
    [1, 8],
    [0, 772],
  ] as const)
    test(`H4: a C1 with a digest of schema ${schema} is answered with digests that verify`, () => {
      const c0c1 = hello([128, 0, 7, 2]);
      const c1 = c0c1.subarray(1);
      const at = digestAt(c1, pointer);
      hmac(clientKey, without(c1, at)).copy(c1, at);
      const { output, send } = server();
      send(c0c1);
      const s1 = output[0]!.subarray(1, 1537);
      const s2 = output[0]!.subarray(1537);
      assert.ok(s1[4]! >= 3);
      const serverAt = digestAt(s1, pointer);
      assert.ok(hmac(serverKey, without(s1, serverAt)).equals(s1.subarray(serverAt, serverAt + 32)));
      const key = hmac(Buffer.concat([Buffer.from(serverKey), tail]), c1.subarray(at, at + 32));
      assert.ok(hmac(key, s2.subarray(0, 1504)).equals(s2.subarray(1504)));
    });

  test('H4: digests at the last possible place are found', () => {
    for (const pointer of [8, 772]) {
      const c0c1 = hello([128, 0, 7, 2]);
      const c1 = c0c1.subarray(1);
      Buffer.from([255, 255, 217, 0]).copy(c1, pointer);
      const at = digestAt(c1, pointer);
      assert.equal(at, pointer + 4 + 727);
      hmac(clientKey, without(c1, at)).copy(c1, at);
      const { output, send } = server();
      send(c0c1);
      assert.ok(output[0]![5]! >= 3);
    }
  });
});

describe('H5: first bytes that are not RTMP', () => {
  const cases: [string, Buffer, ErrorCode][] = [
    ['TLS', Buffer.from([0x16]), 'not_rtmp_tls'],
    ['GET', Buffer.from('GET / HTTP/1.1'), 'not_rtmp_http'],
    ['POST', Buffer.from('POST '), 'not_rtmp_http'],
    ['PUT', Buffer.from('PUT /'), 'not_rtmp_http'],
    ['HEAD', Buffer.from('HEAD /'), 'not_rtmp_http'],
    ['OPTIONS', Buffer.from('OPTIONS *'), 'not_rtmp_http'],
    ['PROXY version 1', Buffer.from('PROXY TCP4'), 'not_rtmp_proxy'],
    ['PROXY version 2', Buffer.from('0d0a0d0a000d0a51', 'hex'), 'not_rtmp_proxy'],
    ['RTMPE', Buffer.from([6]), 'rtmpe_unsupported'],
    ['RTMPE version 8', Buffer.from([8]), 'rtmpe_unsupported'],
    ['version 0', Buffer.from([0]), 'bad_version'],
    ['version 31', Buffer.from([31]), 'bad_version'],
    ['version 13, not PROXY', Buffer.from([13, 13]), 'bad_version'],
    ['text', Buffer.from('POLL'), 'not_rtmp'],
    ['high byte', Buffer.from([0xff]), 'not_rtmp'],
  ];
  for (const [name, bytes, code] of cases)
    test(name, () => {
      assert.throws(() => server().send(bytes), { code });
      const slow = server();
      assert.throws(
        () => {
          for (const byte of bytes) slow.send(Buffer.from([byte]));
        },
        { code },
      );
      assert.equal(slow.output.length, 0);
    });

  test('text that may still become HTTP is waited for', () => {
    assert.equal(server().send(Buffer.from('PO')), 2);
  });
});
