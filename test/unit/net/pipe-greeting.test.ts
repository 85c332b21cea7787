import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { readPipeGreeting, writePipeGreeting } from '../../../src/net/pipe-greeting.ts';

const pass = 'a'.repeat(64);
const client = { address: '192.0.2.7', port: 50_123 };
const greeting = writePipeGreeting(pass, client);

describe('greeting of a pipe', () => {
  for (const address of ['192.0.2.7', '2001:db8::1', 'fe80::1%enp0s31f6'])
    test(`what is said of ${address} is understood, and what follows is left`, () => {
      const bytes = Buffer.from(`${writePipeGreeting(pass, { address, port: 65_535 })}GET /`);
      const read = readPipeGreeting(pass, bytes);
      assert.deepEqual(read?.client, { address, port: 65_535 });
      assert.equal(bytes.toString('latin1', read?.end), 'GET /');
    });

  test('nobody else is believed', () => {
    const others = [
      '',
      '\0',
      'OPTIONS * RTSP/1.0\r\n',
      greeting.slice(1),
      greeting.slice(0, -1),
      greeting.replace('a', 'b'),
      greeting.replace(pass, ''),
      greeting.replace(pass, `${pass}a`),
      greeting.replace('192.0.2.7', 'recorder'),
      greeting.replace('50123', ''),
      `\0${'x'.repeat(1000)}\n`,
    ];
    for (const text of others) assert.equal(readPipeGreeting(pass, Buffer.from(text)), null, JSON.stringify(text));
  });
});
