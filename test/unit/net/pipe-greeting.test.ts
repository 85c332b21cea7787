import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { readPipeGreeting, writePipeGreeting } from '../../../src/net/pipe-greeting.ts';

const pass = 'a'.repeat(64);
const client = { address: '192.0.2.7', port: 50_123, reachedAt: '198.51.100.1' };
const greeting = writePipeGreeting(pass, client);

describe('greeting of a pipe', () => {
  for (const [address, reachedAt] of [
    ['192.0.2.7', '198.51.100.1'],
    ['2001:db8::1', '2001:db8::2'],
    ['fe80::1%enp0s31f6', 'fe80::1111:2222:3333:4444%enx001122334455'],
  ] as const)
    test(`what is said of ${address} is understood, and what follows is left`, () => {
      const said = { address, port: 65_535, reachedAt };
      const bytes = Buffer.from(`${writePipeGreeting(pass, said)}GET /`);
      const read = readPipeGreeting(pass, bytes);
      assert.deepEqual(read?.client, said);
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
      greeting.replace('198.51.100.1', 'skyweir'),
      greeting.replace(' 198.51.100.1', ''),
      `\0${'x'.repeat(1000)}\n`,
    ];
    for (const text of others) assert.equal(readPipeGreeting(pass, Buffer.from(text)), null, JSON.stringify(text));
  });
});
