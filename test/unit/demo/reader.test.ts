import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { InterleavedInput } from '../../../scripts/demo/reader.ts';

/** An interleaved packet with a marker bit or without. */
function packet(channel: number, marker: boolean, payload: number): Buffer {
  const bytes = Buffer.alloc(4 + 12 + payload, 0x24);
  bytes[1] = channel;
  bytes.writeUInt16BE(12 + payload, 2);
  bytes[4] = 0x80;
  bytes[5] = (marker ? 0x80 : 0) | 96;
  return bytes;
}

const stream = Buffer.concat([
  Buffer.from('RTSP/1.0 200 OK\r\nCSeq: 1\r\nContent-Length: 5\r\n\r\nv=0\r\n'),
  Buffer.from('RTSP/1.0 200 OK\r\nCSeq: 2\r\n\r\n'),
  packet(0, false, 30),
  packet(0, true, 5),
  packet(1, true, 16),
  Buffer.from('RTSP/1.0 200 OK\r\nCSeq: 3\r\n\r\n'),
  packet(0, true, 0),
]);

describe('RTSP reader of the demo', () => {
  test('responses and pictures are told apart, at whatever byte the reads are split', () => {
    for (let split = 0; split <= stream.length; split++) {
      const seen: string[] = [];
      const input = new InterleavedInput(
        (head, body) => seen.push(`${head.split('CSeq: ')[1]![0]}:${body.trim()}`),
        () => seen.push('picture'),
      );
      input.receive(stream.subarray(0, split));
      input.receive(stream.subarray(split));
      assert.deepEqual(seen, ['1:v=0', '2:', 'picture', '3:', 'picture'], `split at ${split}`);
    }
  });

  test('a peer that never ends its head is an error, not memory', () => {
    const input = new InterleavedInput(
      () => undefined,
      () => undefined,
    );
    assert.throws(() => input.receive(Buffer.alloc(70_000, 0x41)), /does not speak RTSP/);
  });
});
