/**
 * Whole conversations as clients hold them, in `rtsp/*.txt`. A file begins with `name: value` lines: `client`, `origin`
 * (recorded from the client, or written after what), `server` (how the test server is set) and `line ends` of the
 * client. Then come blocks:
 *
 *   --- client         a request; {nonce} is of the last challenge, {response} is computed from it
 *   --- client bytes   in hex
 *   --- server         the exact answer to everything sent since the last such block; {nonce} stands for any
 *   --- calls          what the server behind the session was asked to do since the last such block
 *   --- silence        that many milliseconds pass, and the session must not have expired a moment before
 *   --- progress       the client's socket took media
 *   --- expired        the reason for which the session has ended by now
 */
import assert from 'node:assert/strict';
import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, test } from 'node:test';
import { digestResponse, RtspPeer } from '../support/rtsp-peer.ts';

interface Block {
  readonly kind: string;
  readonly text: string;
}

interface Transcript {
  readonly facts: ReadonlyMap<string, string>;
  readonly blocks: readonly Block[];
}

const folder = join(import.meta.dirname, 'rtsp');

function parseTranscript(text: string): Transcript {
  const [head, ...parts] = text.split(/^--- /m);
  const facts = new Map<string, string>();
  for (const line of head!.trim().split('\n')) {
    const colon = line.indexOf(':');
    facts.set(line.slice(0, colon), line.slice(colon + 1).trim());
  }
  const blocks = parts.map((part, i) => {
    const end = part.indexOf('\n');
    // The line before a block's mark is for the reader of the file.
    const text = i < parts.length - 1 ? part.slice(end + 1, -1) : part.slice(end + 1);
    return { kind: part.slice(0, end).trim(), text };
  });
  return { facts, blocks };
}

function peerFor(facts: ReadonlyMap<string, string>): RtspPeer {
  const server = (facts.get('server') ?? '').split(',').map((word) => word.trim());
  const lifetime = server.map((word) => /^nonce lifetime (\d+) s$/.exec(word)?.[1]).find(Boolean);
  return new RtspPeer({
    auth: server.includes('auth'),
    sha256: server.includes('sha256'),
    udp: !server.includes('no udp'),
    nonceLifetimeMs: Number(lifetime ?? 300) * 1000,
  });
}

/** Fills {nonce} and {response} in and sets the line ends. */
function requestBytes(text: string, peer: RtspPeer, lineEnd: string): Buffer {
  const method = text.trimStart().split(' ', 1)[0]!;
  const uri = /uri="([^"]*)"/.exec(text)?.[1] ?? '';
  const filled = text.replace('{nonce}', peer.nonce).replace('{response}', digestResponse(method, uri, peer.nonce));
  return Buffer.from(filled.replaceAll('\n', lineEnd));
}

function replay(transcript: Transcript, step: number): void {
  const peer = peerFor(transcript.facts);
  const lineEnd = transcript.facts.get('line ends') === 'LF' ? '\n' : '\r\n';
  for (const { kind, text } of transcript.blocks) {
    if (kind === 'client') {
      const bytes = requestBytes(text, peer, lineEnd);
      assert.equal(peer.receive(bytes, Math.min(step, bytes.length)), '', text);
    } else if (kind === 'client bytes') {
      const bytes = Buffer.from(text.trim(), 'hex');
      assert.equal(peer.receive(bytes, Math.min(step, bytes.length)), '');
    } else if (kind === 'server') {
      const answer = peer.takeOutput().replaceAll('\r\n', '\n');
      assert.equal(answer.replace(/nonce="[0-9a-f]+"/g, 'nonce="{nonce}"'), text);
    } else if (kind === 'calls') {
      assert.equal(peer.takeCalls().join('\n'), text.replace(/\n$/, ''));
    } else if (kind === 'silence') {
      peer.nowMs += Number(text);
      assert.equal(peer.session.expired(peer.nowMs - 1), null);
    } else if (kind === 'progress') {
      peer.session.noteProgress(peer.nowMs);
    } else if (kind === 'expired') {
      assert.equal(peer.session.expired(peer.nowMs), text.trim());
    } else assert.fail(`unknown block ${kind}`);
  }
}

describe('RTSP conversations', () => {
  for (const file of readdirSync(folder).sort()) {
    const transcript = parseTranscript(readFileSync(join(folder, file), 'utf8'));
    const client = transcript.facts.get('client');
    test(`${client} is served`, () => replay(transcript, Number.POSITIVE_INFINITY));
    test(`${client} is served in reads of any size`, () => {
      for (const step of [1, 2, 3, 7, 64]) replay(transcript, step);
    });
  }
});
