import assert from 'node:assert/strict';
import { EventEmitter } from 'node:events';
import type { Socket } from 'node:net';
import { describe, it } from 'node:test';
import { ConnectionBook } from '../../../src/net/connection-book.ts';

const bounds = { connections: 8, connectionsPerAddress: 3 };
const open = () => new EventEmitter() as Socket;

describe('the connections of a port', () => {
  it('are bounded in all and for each address, and make room when they close', () => {
    const counts = { connections: 0 };
    const book = new ConnectionBook(bounds, counts);
    const first = open();
    assert.ok(book.enter(first, '192.0.2.1'));
    for (let i = 0; i < 2; i++) assert.ok(book.enter(open(), '192.0.2.1'));
    assert.ok(!book.enter(open(), '192.0.2.1'));
    assert.ok(!book.enter(open(), '::ffff:192.0.2.1'), 'the same in IPv6');
    first.emit('close');
    assert.ok(book.enter(open(), '192.0.2.1'));
    for (let i = 2; i < 7; i++) assert.ok(book.enter(open(), `192.0.2.${i}`));
    assert.ok(!book.enter(open(), '192.0.2.7'));
    assert.equal(counts.connections, bounds.connections);
  });

  it('of one IPv6 network count as those of one address', () => {
    const book = new ConnectionBook(bounds, { connections: 0 });
    const first = open();
    assert.ok(book.enter(first, '2001:db8:1:2::1'));
    assert.ok(book.enter(open(), '2001:db8:1:2::2'));
    assert.ok(book.enter(open(), '2001:db8:1:2:3:4:5:6'));
    assert.ok(!book.enter(open(), '2001:db8:1:2::3'));
    assert.ok(book.enter(open(), '2001:db8:1:3::1'), 'others are not concerned');
    first.emit('close');
    assert.ok(book.enter(open(), '2001:db8:1:2::3'));
    assert.ok(!book.enter(open(), '2001:db8:1:2::4'));
  });
});
