import assert from 'node:assert/strict';
import { createHash } from 'node:crypto';
import { describe, test } from 'node:test';
import { RtspDialogue } from '../../../native-free-bench/system/rtsp-dialogue.ts';

const url = 'rtsp://127.0.0.1:8554/stream1';
const sdp = 'v=0\r\nm=audio 0 RTP/AVP 8\r\na=control:a\r\nm=video 0 RTP/AVP 96\r\na=control:trackID=0\r\n';
const md5 = (text: string) => createHash('md5').update(text).digest('hex');

describe('RTSP dialogue', () => {
  test('goes from DESCRIBE over SETUP of the video track to PLAY', () => {
    const dialogue = new RtspDialogue(url, null);
    assert.match(dialogue.start(), /^DESCRIBE rtsp:\/\/127.0.0.1:8554\/stream1 RTSP\/1.0\r\n/);
    const setup = dialogue.onResponse(`RTSP/1.0 200 OK\r\nContent-Base: ${url}/`, sdp);
    assert.match(setup!, /^SETUP rtsp:\/\/127.0.0.1:8554\/stream1\/trackID=0 .*interleaved=0-1/s);
    const play = dialogue.onResponse('RTSP/1.0 200 OK\r\nSession: 12345;timeout=30', '');
    assert.match(play!, /^PLAY .*Session: 12345\r\n/s);
    assert.equal(dialogue.playing, false);
    assert.equal(dialogue.onResponse('RTSP/1.0 200 OK', ''), null);
    assert.equal(dialogue.playing, true);
    assert.equal(dialogue.timeoutSeconds, 30);
  });

  test('answers a Digest challenge with the response of RFC 2069, for every later request too', () => {
    const dialogue = new RtspDialogue(url, { user: 'u', password: 'p' });
    dialogue.start();
    const challenge =
      'RTSP/1.0 401 Unauthorized\r\nWWW-Authenticate: Digest realm="r", nonce="n", algorithm=SHA-256\r\nWWW-Authenticate: Digest realm="r", nonce="n"';
    const again = dialogue.onResponse(challenge, '');
    const response = md5(`${md5('u:r:p')}:n:${md5(`DESCRIBE:${url}`)}`);
    assert.ok(again!.includes(`response="${response}"`), again!);
    const setup = dialogue.onResponse('RTSP/1.0 200 OK', sdp);
    assert.ok(setup!.includes(`response="${md5(`${md5('u:r:p')}:n:${md5(`SETUP:${url}/trackID=0`)}`)}"`), setup!);
  });

  test('a challenge with qop gets a counted answer', () => {
    const dialogue = new RtspDialogue(url, { user: 'u', password: 'p' });
    dialogue.start();
    const again = dialogue.onResponse(
      'RTSP/1.0 401 Unauthorized\r\nWWW-Authenticate: Digest realm="r", nonce="n", qop="auth", algorithm=MD5, opaque="o"',
      '',
    );
    const response = md5(`${md5('u:r:p')}:n:00000001:bench:auth:${md5(`DESCRIBE:${url}`)}`);
    assert.ok(again!.includes(`response="${response}"`) && again!.includes('opaque="o"'), again!);
  });

  test('a second refusal and any other status end the conversation', () => {
    const dialogue = new RtspDialogue(url, { user: 'u', password: 'wrong' });
    dialogue.start();
    const refusal = 'RTSP/1.0 401 Unauthorized\r\nWWW-Authenticate: Digest realm="r", nonce="n"';
    dialogue.onResponse(refusal, '');
    assert.throws(() => dialogue.onResponse(refusal, ''), /401/);
    assert.throws(() => new RtspDialogue(url, null).onResponse('RTSP/1.0 404 Not Found', ''), /404/);
  });
});
