import assert from 'node:assert/strict';
import { test } from 'node:test';
import { ConnectionError } from '../../../src/base/errors.ts';
import { limits } from '../../../src/base/limits.ts';
import { TlsContexts } from '../../../src/net/tls-context.ts';
import { type TlsMaterial, TlsMaterialBoard } from '../../../src/net/tls-material.ts';

const first: TlsMaterial = { form: 'pfx', pfx: Buffer.alloc(500, 0xa1), passphrase: 'first secret' };
const second: TlsMaterial = {
  form: 'pem',
  certificate: Buffer.alloc(900, 0xb2),
  key: Buffer.alloc(300, 0xc3),
  passphrase: '',
};

/** With plain arrays for bytes, since views of different classes are not equal. */
function plain(material: TlsMaterial | undefined): object {
  return Object.fromEntries(
    Object.entries(material ?? {}).map(([key, value]) => [key, value instanceof Uint8Array ? [...value] : value]),
  );
}

test('a new board has nothing', () => {
  const board = new TlsMaterialBoard();
  assert.equal(board.version, 0);
  assert.equal(board.read(), null);
});

test('who opens the board late, as a worker that replaces another, reads the newest', () => {
  const board = new TlsMaterialBoard();
  board.publish(first);
  const early = new TlsMaterialBoard(board.memory);
  assert.deepEqual(plain(early.read()?.material), plain(first));
  board.publish(second);
  const late = new TlsMaterialBoard(board.memory);
  for (const reader of [early, late]) {
    assert.equal(reader.version, 2);
    assert.equal(reader.read()?.version, 2);
    assert.deepEqual(plain(reader.read()?.material), plain(second));
  }
});

test('nothing of a replaced key or password stays in the memory', () => {
  const board = new TlsMaterialBoard();
  board.publish(first);
  const memory = Buffer.from(board.memory);
  assert.ok(memory.includes('first secret'), 'the test looks at the right place');
  board.publish(second);
  assert.ok(!memory.includes('first secret'));
  assert.ok(!memory.includes(Buffer.alloc(8, 0xa1)));
});

test('what was read stays as it is when the next one comes', () => {
  const board = new TlsMaterialBoard();
  board.publish(first);
  const read = board.read();
  board.publish(second);
  board.publish(second);
  assert.deepEqual(plain(read?.material), plain(first));
});

test('more than the memory holds is refused, and what is in force stays', () => {
  const board = new TlsMaterialBoard();
  board.publish(first);
  const huge: TlsMaterial = { form: 'pfx', pfx: Buffer.alloc(limits.tls.materialBytes), passphrase: '' };
  assert.throws(() => board.publish(huge), RangeError);
  assert.equal(board.version, 1);
  assert.deepEqual(plain(board.read()?.material), plain(first));
});

test('who begins TLS after it was turned off is told so: it is no fault of ours', () => {
  const board = new TlsMaterialBoard();
  const contexts = new TlsContexts(board.memory);
  board.publish(first);
  board.withdraw();
  assert.throws(
    () => contexts.current(),
    (error) => error instanceof ConnectionError && error.code === 'tls_handshake_failed' && error.detail !== undefined,
  );
});
