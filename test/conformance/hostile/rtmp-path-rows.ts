import assert from 'node:assert/strict';
import type { ErrorCode } from '../../../src/base/errors.ts';
import { amf } from '../../golden/wire.ts';
import { command, connect, publish, type Row, type Scene } from './row.ts';

/** What must never be seen in a log; the suite looks for it at its end. */
export const secret = 'hunter2';

/** Longest line that a peer's words may make, in characters. */
const longestLine = 2048;

interface Words {
  readonly app?: string;
  readonly name?: string;
  readonly tcUrl?: string;
  readonly flashVer?: string;
}

/** A row whose peer publishes under names of its choice. */
function naming(id: string, attack: string, ends: ErrorCode, words: Words | ((scene: Scene) => Words)): Row {
  return {
    id,
    protocol: 'RTMP',
    attack,
    ends,
    play: async (scene) => {
      const { app = '', name = 'nowhere', tcUrl, flashVer } = typeof words === 'function' ? words(scene) : words;
      const values: Record<string, Buffer> = { app: amf.string(app) };
      if (tcUrl !== undefined) values['tcUrl'] = amf.string(tcUrl);
      if (flashVer !== undefined) values['flashVer'] = amf.string(flashVer);
      const peer = await scene.greeted(connect(values), command('createStream', 4, amf.null), publish(name));
      await peer.end();
      const lines = () => scene.server.endings(peer);
      while (lines().length === 0) await new Promise((resolve) => setTimeout(resolve, 20));
      assert.ok(lines()[0]!.raw.length < longestLine, `a log line of ${lines()[0]!.raw.length} characters`);
    },
  };
}

/** Names, and what they could do in a file system, a log or a terminal. */
export const pathRows: readonly Row[] = [
  naming('path-traversal', 'publishes to ../../etc/passwd', 'path_invalid', { name: '../../etc/passwd' }),
  naming('path-traversal-app', 'hides .. in the application', 'path_invalid', { app: 'live/../..', name: 'stream1' }),
  naming('path-traversal-escaped', 'hides .. in percent escapes', 'path_invalid', { name: '%2e%2e/%2e%2e/etc/passwd' }),
  naming('path-traversal-twice-escaped', 'escapes the escapes', 'path_unknown', { name: '%252e%252e%252fetc' }),
  naming('path-backslash', 'separates with backslashes', 'path_invalid', { name: '..\\..\\windows' }),
  naming('path-nul', 'hides a NUL in the name', 'path_invalid', { name: 'stream1\0.jpg' }),
  naming('path-crlf', 'forges a line of the log in the name', 'path_invalid', {
    name: 'x\r\n{"level":"info","msg":"connection closed: fake"}',
  }),
  naming('path-crlf-escaped', 'forges a line of the log in percent escapes', 'path_invalid', { name: 'x%0d%0afake' }),
  naming('path-escape-sequence', 'steers the terminal from the application', 'path_invalid', {
    app: '\u001b[2J\u001b]0;x\u0007',
  }),
  naming('path-c1-control', 'steers the terminal with 8-bit control characters', 'path_unknown', {
    name: 'x\u009b2J\u009d0;x\u009c',
  }),
  naming('path-bidi', 'turns the text of the log around with bidirectional controls', 'path_unknown', {
    name: '\u202egpj.1maerts\u2066\u200f',
  }),
  naming('encoder-escape-sequence', 'steers the terminal from the name of its program', 'path_unknown', {
    flashVer: '\u001b[31mroot\u001b[0m\r\nfake\u009b2J\u202e',
  }),
  naming('encoder-huge', 'says that its program has a name of 40 kB', 'path_unknown', { flashVer: 'x'.repeat(40_000) }),
  naming('path-long', 'publishes to a path of 600 bytes', 'path_invalid', { name: 'x'.repeat(600) }),
  naming('path-deep', 'publishes to a path of 100 segments', 'path_invalid', { name: 'x/'.repeat(100) }),
  naming('path-prototype', 'publishes to __proto__', 'path_unknown', { app: '__proto__', name: 'constructor' }),
  naming('path-secrets', 'sends keys in queries and an address with a password', 'path_unknown', {
    app: `live?token=${secret}`,
    name: `cam?key=${secret}`,
    tcUrl: `rtmp://admin:${secret}@127.0.0.1/live?token=${secret}`,
  }),
  naming('path-unknown', 'guesses a path', 'path_unknown', { app: 'live', name: 'cam1' }),
  naming('path-busy', 'publishes to a path that is in use', 'path_busy', { name: 'stream1' }),
  {
    id: 'path-busy-again',
    protocol: 'RTMP',
    attack: 'publishes to a path that is in use twelve times, coming back at once',
    ends: 'path_busy',
    play: async (scene) => {
      // An address may have four connections: those that were refused must not count any more.
      for (let i = 0; i < 12; i++) {
        const peer = await scene.greeted(connect(), command('createStream', 4, amf.null), publish('stream1'));
        await peer.end();
      }
    },
  },
];
