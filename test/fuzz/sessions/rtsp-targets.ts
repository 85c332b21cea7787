import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { TunnelEntry, type TunnelHalf, Tunnels } from '../../../src/net/rtsp-tunnel.ts';
import { isReaderReport } from '../../../src/rtp/rtcp.ts';
import { RequestParser } from '../../../src/rtsp/request-parser.ts';
import { digestResponse, RtspPeer } from '../../support/rtsp-peer.ts';
import type { Seed } from './mutator.ts';
import { type FuzzTarget, feed, plainSeed } from './target.ts';

const folder = join(import.meta.dirname, '../../conformance/rtsp');
const cookie = 'abc';

interface Conversation {
  readonly name: string;
  readonly auth: boolean;
  readonly requests: readonly Buffer[];
}

/** What the client of each recorded conversation sent, with the nonces that a {@link RtspPeer} gives. */
function conversations(): Conversation[] {
  return readdirSync(folder)
    .sort()
    .map((file) => {
      const [head, ...parts] = readFileSync(join(folder, file), 'utf8').split(/^--- /m);
      const auth = /^server:.*\bauth\b/m.test(head!);
      const peer = new RtspPeer({ auth });
      const lineEnd = /^line ends: LF/m.test(head!) ? '\n' : '\r\n';
      const requests = parts.flatMap((part, i) => {
        const end = part.indexOf('\n');
        const kind = part.slice(0, end).trim();
        const text = i < parts.length - 1 ? part.slice(end + 1, -1) : part.slice(end + 1);
        if (kind !== 'client' && kind !== 'client bytes') return [];
        const bytes = kind === 'client' ? filled(text, peer, lineEnd) : Buffer.from(text.trim(), 'hex');
        peer.receive(bytes);
        peer.takeOutput();
        return [bytes];
      });
      return { name: file, auth, requests };
    });
}

function filled(text: string, peer: RtspPeer, lineEnd: string): Buffer {
  const method = text.trimStart().split(' ', 1)[0]!;
  const uri = /uri="([^"]*)"/.exec(text)?.[1] ?? '';
  const complete = text.replace('{nonce}', peer.nonce).replace('{response}', digestResponse(method, uri, peer.nonce));
  return Buffer.from(complete.replaceAll('\n', lineEnd));
}

/** A seed with the lengths of its interleaved frames, and the numbers behind `Content-Length`. */
function requestSeed(name: string, bytes: Buffer): Seed {
  const lengths: [number, number][] = [];
  for (let at = bytes.indexOf('$'); at >= 0 && at + 4 <= bytes.length; at = bytes.indexOf('$', at + 1))
    lengths.push([at + 2, 2]);
  return { name, bytes, prefix: 0, headers: [], lengths };
}

function requestSeeds(): Seed[] {
  return conversations().flatMap(({ name, requests }) => [
    requestSeed(name, Buffer.concat(requests)),
    ...requests.map((request, i) => requestSeed(`${name} ${i}`, request)),
  ]);
}

/** Requests and interleaved frames alone. */
export function requestTarget(): FuzzTarget {
  return {
    name: 'rtsp-requests',
    seeds: requestSeeds(),
    splits: true,
    run(bytes, cuts, into) {
      const parser = new RequestParser({
        onRequest: ({ method, uri, version, headers, body, wellFormed }) => {
          into.say(`${method} ${uri} ${version} ${wellFormed} ${headers.size}`);
          for (const value of headers.values()) into.say(value);
          if (body.length > 0) into.bytes(body);
        },
        onInterleaved: (channel, frame) => {
          into.say(`frame ${channel} ${frame.length}`);
          if (frame.length > 0) into.bytes(frame);
        },
      });
      feed(bytes, cuts, (buffer, start, end) => parser.receive(buffer, start, end));
    },
  };
}

/** A whole RTSP session: requests, digest login, transport, state. One more byte in front says whether a login is needed. */
export function rtspSessionTarget(): FuzzTarget {
  const seeds = conversations().map(({ name, auth, requests }) => {
    const seed = requestSeed(name, Buffer.concat([Buffer.from([auth ? 1 : 0]), ...requests]));
    return { ...seed, prefix: 1 };
  });
  return {
    name: 'rtsp-session',
    seeds,
    splits: true,
    run(bytes, cuts, into) {
      const peer = new RtspPeer({ auth: (bytes[0] ?? 0) % 2 === 1 });
      let output = '';
      let calls = '';
      let code = '';
      const requests = bytes.subarray(1);
      const inside = cuts.filter((cut) => cut > 1).map((cut) => cut - 1);
      feed(requests, inside, (buffer, start, end) => {
        if (code !== '') return;
        code = peer.receive(Buffer.from(buffer.subarray(start, end)));
        output += peer.takeOutput();
        calls += peer
          .takeCalls()
          .map((call) => `${call}\n`)
          .join('');
      });
      into.outputBytes = output.length;
      into.say(output);
      into.say(calls);
      if (code !== '') into.say(code);
    },
  };
}

/** RTSP over HTTP: the POST of a tunnel whose GET is open. */
export function tunnelTarget(): FuzzTarget {
  const head = `POST /stream1 HTTP/1.0\r\nx-sessioncookie: ${cookie}\r\nContent-Length: 32767\r\n\r\n`;
  const seeds = conversations().map(({ name, requests }) => {
    const body = requests.map((request) => request.toString('base64')).join('');
    return plainSeed(name, Buffer.from(head + body));
  });
  const peerOf = { id: 's1', address: '192.0.2.1', port: 1 };
  return {
    name: 'rtsp-tunnel',
    seeds,
    splits: true,
    run(bytes, cuts, into) {
      const tunnels = new Tunnels(null);
      const peer = new RtspPeer();
      let output = '';
      let code = '';
      const get: TunnelHalf = {
        peer: peerOf,
        trusted: false,
        trust: () => undefined,
        receiveRequests: (buffer, start, end) => {
          if (code !== '') return;
          code = peer.receive(Buffer.from(buffer.subarray(start, end)));
          output += peer.takeOutput();
        },
        write: (text) => {
          output += text;
        },
        endTunnel: (reason) => into.say(reason),
      };
      tunnels.openGet(cookie, get);
      const post: TunnelHalf = {
        ...get,
        receiveRequests: () => into.say('plain'),
        write: (text) => into.say(text),
      };
      const entry = new TunnelEntry(tunnels, post);
      let plain = false;
      try {
        feed(bytes, cuts, (buffer, start, end) => {
          // Like a connection, which takes over what is no tunnel.
          if (!plain) plain = entry.receive(Buffer.from(buffer.subarray(start, end)), 0) !== null;
        });
      } finally {
        entry.close();
        into.outputBytes = output.length;
        into.say(output);
        into.say(`${plain} ${code}`);
      }
    },
  };
}

/** Receiver reports and other RTCP of readers. */
export function rtcpTarget(): FuzzTarget {
  const seeds = [
    ['empty report', '80c9000100000007'],
    ['report', '81c9000700000007deadbeef10ffffff000010000000000a000000000000000081ca000300000007010441424344000000'],
    ['sender report', '80c80006000000070000000000000000000000000000000000000000'],
    ['bye', '80c900010000000781cb000100000007'],
  ].map(([name, hex]) => {
    const bytes = Buffer.from(hex!, 'hex');
    return { ...plainSeed(name!, bytes), lengths: [[2, 2]] as const };
  });
  return {
    name: 'rtcp',
    seeds,
    splits: false,
    run(bytes, _cuts, into) {
      into.say(String(isReaderReport(bytes, 0, bytes.length)));
    },
  };
}
