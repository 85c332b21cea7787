import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { limits } from '../../../src/base/limits.ts';
import { ChunkDecoder } from '../../../src/rtmp/chunk-decoder.ts';
import { ChunkEncoder } from '../../../src/rtmp/chunk-encoder.ts';
import type { ChunkStream, MessageSink } from '../../../src/rtmp/chunk-stream.ts';
import { SessionCounters } from '../../../src/rtmp/session-counters.ts';
import { body, bytes, fmt0, fmt1, fmt3 } from '../../golden/wire.ts';

class Sink implements MessageSink {
  readonly ended: string[] = [];
  readonly buffers: Buffer[] = [];
  pauseAfter = -1;
  decoder: ChunkDecoder | null = null;
  begin(_stream: ChunkStream): void {}
  append(_stream: ChunkStream, buffer: Buffer): void {
    this.buffers.push(buffer);
  }
  end(stream: ChunkStream): void {
    this.ended.push(`${stream.csid}:${stream.timestamp}`);
    if (this.ended.length === this.pauseAfter) this.decoder!.pause();
  }
  abort(_stream: ChunkStream): void {}
}

function decoder(sink = new Sink()): { sink: Sink; counters: SessionCounters; decoder: ChunkDecoder } {
  const counters = new SessionCounters();
  sink.decoder = new ChunkDecoder(sink, counters);
  return { sink, counters, decoder: sink.decoder };
}

const all = (target: ChunkDecoder, input: Buffer): number => target.decode(input, 0, input.length);

describe('pause', () => {
  const three = bytes(fmt0(4, 1, 5, 9), body(5), fmt0(5, 2, 5, 9), body(5), fmt0(6, 3, 5, 9), body(5));

  test('stops behind the message in which it was asked for, and goes on from there', () => {
    for (let cut = 1; cut < three.length; cut++) {
      const sink = new Sink();
      sink.pauseAfter = 2;
      const target = decoder(sink).decoder;
      let rest = three;
      let limit = cut;
      while (sink.ended.length < 3) {
        const consumed = target.decode(rest, 0, limit);
        rest = rest.subarray(consumed);
        if (sink.ended.length === 2) assert.ok(rest.length >= 17, `cut ${cut}: the third message must not be touched`);
        limit = rest.length;
      }
      assert.deepEqual(sink.ended, ['4:1', '5:2', '6:3']);
    }
  });

  test('keeps bytes that were read ahead for an extended timestamp', () => {
    // The last byte of the first message follows a fmt 3 without its timestamp; behind it are three more messages.
    const late = 0x01000000;
    const small = bytes(fmt0(5, 2, 0, 9), fmt3(5), fmt3(5));
    const input = bytes(fmt0(4, late, 129, 9), body(128), fmt3(4), [1], small);
    for (let cut = 1; cut < input.length; cut++) {
      const sink = new Sink();
      sink.pauseAfter = 1;
      const target = decoder(sink).decoder;
      let at = target.decode(input, 0, cut);
      while (at < input.length) at = target.decode(input, at, input.length);
      assert.deepEqual(sink.ended, [`4:${late}`, '5:2', '5:4', '5:6'], `cut ${cut}`);
    }
  });
});

describe('cost', () => {
  test('payload comes from the buffer that was given, never from a copy', () => {
    const { sink, decoder: target } = decoder();
    const input = bytes(fmt0(4, 1, 128, 9), body(128), fmt1(4, 1, 128, 9), body(128));
    all(target, input);
    assert.equal(sink.buffers.length, 2);
    for (const buffer of sink.buffers) assert.equal(buffer, input);
  });

  test('C6: small chunks are accepted as long as they do not go on, and mixed with large ones for ever', () => {
    const { decoder: target } = decoder();
    target.chunkSize = 1;
    const tiny = Buffer.concat(
      Array.from({ length: 100 }, (_, i) => bytes(i === 0 ? fmt0(4, 0, 100, 8) : fmt3(4), [i])),
    );
    const large = bytes(fmt0(6, 0, 4096, 9), body(4096));
    for (let i = 0; i < 1000; i++) {
      target.chunkSize = 1;
      all(target, tiny);
      target.chunkSize = 4096;
      all(target, large);
    }
    target.chunkSize = 1;
    assert.throws(
      () => {
        for (let i = 0; i < 1000; i++) all(target, tiny);
      },
      { code: 'work_exceeded' },
    );
  });

  test('C6: chunks of 16 bytes may go on for ever, and so may tiny audio messages', () => {
    const { decoder: target } = decoder();
    target.chunkSize = 16;
    const content = Buffer.concat(
      Array.from({ length: 64 }, (_, i) => bytes(i === 0 ? fmt0(4, 0, 1024, 9) : fmt3(4), body(16))),
    );
    const audio = bytes(fmt1(4, 20, 6, 8), body(6));
    for (let i = 0; i < 5000; i++) all(target, content);
    for (let i = 0; i < 100_000; i++) all(target, audio);
  });
});

describe('counting', () => {
  test('C3, C8: a fresh fmt 1 and a guarded delta are counted', () => {
    const { counters, decoder: target } = decoder();
    all(target, bytes(fmt1(4, 1, 0, 9), fmt0(5, 60_000, 0, 9), fmt3(5)));
    assert.equal(counters.freshRelativeHeaders, 1);
    assert.equal(counters.guardedDeltas, 1);
    assert.equal(counters.tolerated, 2);
  });

  test('C10: only an abort that drops something is counted', () => {
    const { counters, decoder: target } = decoder();
    all(target, bytes(fmt0(4, 1, 300, 9), body(128)));
    target.abort(5);
    target.abort(4);
    target.abort(4);
    assert.equal(counters.abortedMessages, 1);
  });
});

describe('encoder', () => {
  test('C2, C4: what it writes decodes to the same messages, across extended timestamps and wraps', () => {
    const encoder = new ChunkEncoder();
    const times = [0, 40, 80, 0xfffffe, 0xffffff, 0x1000010, 0xfffffff0, 24, 10, 10];
    for (const chunkSize of [1, 100, 128, 5000]) {
      encoder.chunkSize = chunkSize;
      const written = new ChunkEncoder();
      written.chunkSize = chunkSize;
      for (const time of times) written.write(6, 9, 1, time, body(300));
      const { sink, decoder: target } = decoder();
      target.chunkSize = chunkSize;
      all(target, written.take());
      assert.deepEqual(
        sink.ended,
        times.map((time) => `6:${time}`),
      );
    }
  });

  test('repeated messages have short headers', () => {
    const encoder = new ChunkEncoder();
    encoder.write(6, 9, 1, 0, body(10));
    assert.equal(encoder.take().length, 12 + 10);
    encoder.write(6, 9, 1, 40, body(11));
    assert.equal(encoder.take().length, 8 + 11);
    encoder.write(6, 9, 1, 80, body(11));
    assert.equal(encoder.take().length, 4 + 11);
    encoder.write(6, 9, 2, 80, body(11));
    assert.equal(encoder.take().length, 12 + 11);
    encoder.write(6, 9, 2, 40, Buffer.alloc(0));
    assert.equal(encoder.take().length, 12);
    assert.equal(encoder.take().length, 0);
  });
});

describe('messages that are restarted', () => {
  const { restartedMessages, restartsForgivenAfter } = limits.rtmp;
  const restarted = bytes(fmt0(4, 1, 200, 9), body(128), fmt0(4, 2, 5, 9), body(5));
  const runOf = (count: number): Buffer =>
    bytes(...Array.from({ length: count }, () => [fmt0(4, 3, 5, 9), body(5)]).flat());
  const session = () => {
    const made = decoder();
    // As the session does it.
    made.sink.end = () => {
      made.counters.messages++;
    };
    return made;
  };

  test('are no reason to end a stream when they come once in a while', () => {
    const { decoder: target, counters } = session();
    const whole = runOf(restartsForgivenAfter);
    for (let i = 1; i <= 10 * restartedMessages; i++) {
      all(target, restarted);
      all(target, whole);
      assert.equal(counters.restartedMessages, i);
    }
  });

  test('are one when they come again and again', () => {
    const { decoder: target } = session();
    const between = runOf(restartsForgivenAfter / 10);
    for (let i = 0; i < restartedMessages; i++) {
      all(target, restarted);
      all(target, between);
    }
    assert.throws(() => all(target, restarted), { code: 'chunk_restarted' });
  });
});
