import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { PublishAnswer, type PublishStep } from '../../../native-free-bench/system/publish-answer.ts';
import { serverHelloLength } from '../../../native-free-bench/system/rtmp-dialogue.ts';
import { rtmpMessage } from '../../../native-free-bench/system/synthetic-stream.ts';
import { encodeNotification, encodeStatus } from '../../../src/rtmp/command.ts';

const message = (body: Buffer) => rtmpMessage(3, 20, 0, body, 128);
const status = (level: 'status' | 'error', code: string) => message(encodeStatus(level, code, 'in words'));
const heard = message(encodeNotification('onFCPublish', Buffer.alloc(8), 'NetStream.Publish.Start', 'FCPublish'));
const start = status('status', 'NetStream.Publish.Start');

/** An answer whose hello has come. */
function greeted(): PublishAnswer {
  const answer = new PublishAnswer();
  assert.equal(answer.receive(Buffer.alloc(serverHelloLength - 1, 0x5a)), 'waiting');
  assert.equal(answer.receive(Buffer.alloc(1)), 'greeted');
  return answer;
}

describe('the answer to a publisher', () => {
  test('the reply to FCPublish is not the permission to publish', () => {
    const answer = greeted();
    assert.equal(answer.receive(heard), 'waiting');
    assert.equal(answer.receive(start), 'publishing');
  });

  test('a refusal behind it is one', () => {
    for (const code of ['NetStream.Publish.BadName', 'NetStream.Publish.Denied', 'NetConnection.Connect.Rejected']) {
      const answer = greeted();
      assert.equal(answer.receive(Buffer.concat([heard, status('error', code)])), 'refused', code);
      assert.equal(answer.refusal, code);
    }
  });

  test('a status of another kind in front of it does not make it a permission', () => {
    const answer = greeted();
    assert.equal(answer.receive(Buffer.concat([status('status', 'NetStream.Publish.Reset'), heard])), 'waiting');
  });

  test('the answer is the same however the bytes are cut', () => {
    const outcomes: [Buffer, PublishStep][] = [
      [Buffer.concat([heard, start]), 'publishing'],
      [Buffer.concat([heard, status('error', 'NetStream.Publish.BadConnection')]), 'refused'],
    ];
    for (const [bytes, outcome] of outcomes) {
      const answer = greeted();
      let step: PublishStep = 'waiting';
      for (let at = 0; at < bytes.length && step === 'waiting'; at++) step = answer.receive(bytes.subarray(at, at + 1));
      assert.equal(step, outcome);
      assert.equal(answer.refusal, outcome === 'refused' ? 'NetStream.Publish.BadConnection' : '');
    }
  });
});
