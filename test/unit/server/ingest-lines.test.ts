import assert from 'node:assert/strict';
import { EventEmitter } from 'node:events';
import { test } from 'node:test';
import type { MessagePort } from 'node:worker_threads';
import type { IngestToMain, MainToIngest, Newcomer, NewcomersNote } from '../../../src/control/messages.ts';
import { IngestLines, type WorkerLine } from '../../../src/server/ingest-lines.ts';
import { PublisherCounts } from '../../../src/status/counts.ts';

class Line extends EventEmitter {
  readonly sent: MainToIngest[] = [];

  postMessage(message: MainToIngest): void {
    this.sent.push(message);
  }

  says(message: IngestToMain): void {
    this.emit('message', message);
  }

  notes(note: Partial<NewcomersNote>): void {
    const nothing = { accepted: [], ended: [], came: [], left: [], misled: [] };
    this.says({ type: 'newcomers', note: { ...nothing, ...note } });
  }
}

function newcomer(id: string): Newcomer {
  return { peer: { id, address: '10.0.0.1', port: 1 }, listener: '1935', acceptedMs: 0 };
}

function rig() {
  const counts = new PublisherCounts();
  const heard: string[] = [];
  /** Their workers, by the ids of the peers. */
  const publishers = new Map<string, WorkerLine>();
  const lines = new IngestLines(counts, {
    onPublisher: ({ peer }, line) => {
      publishers.set(peer.id, line);
      heard.push(`publisher ${peer.id}`);
    },
    onMessage: (id, { type }) => heard.push(`${type} ${id}`),
    onMisled: ({ id }) => heard.push(`misled ${id}`),
    onLost: () => heard.push('lost'),
  });
  const connect = (): Line => {
    const line = new Line();
    lines.add(line as unknown as MessagePort);
    return line;
  };
  return {
    counts,
    heard,
    publishers,
    lines,
    connect,
    present: () => [...lines.newcomers()].map(({ peer }) => peer.id),
  };
}

test('newcomers are there until they leave, or ask for a path', () => {
  const { connect, present, heard, counts } = rig();
  const [line, other] = [connect(), connect()];
  line.notes({ accepted: [['1935', 3]], came: [newcomer('r1'), newcomer('r2')], ended: [['peer_closed', 1]] });
  other.notes({ came: [newcomer('r9')], misled: [newcomer('r8').peer] });
  assert.deepEqual(present(), ['r1', 'r2', 'r9']);
  line.says({ type: 'publisher', newcomer: newcomer('r1') });
  line.notes({ left: ['r2'], ended: [['publish_timeout', 1]] });
  assert.deepEqual(present(), ['r9']);
  assert.deepEqual(heard, ['misled r8', 'publisher r1']);
  assert.equal(counts.accepted.of('1935'), 3);
  assert.deepEqual([counts.ends.of('peer_closed'), counts.ends.of('publish_timeout')], [1, 1]);
});

test('newcomers of a worker that dies have ended with it, those of others have not', () => {
  const { connect, present, counts, heard } = rig();
  const [line, other] = [connect(), connect()];
  line.notes({ came: [newcomer('r1'), newcomer('r2')] });
  other.notes({ came: [newcomer('r3')] });
  line.emit('close');
  assert.deepEqual(present(), ['r3']);
  assert.equal(counts.ends.of('worker_failed'), 2);
  assert.deepEqual(heard, ['lost']);
});

test('all workers are told of the end, also one that starts meanwhile', () => {
  const { connect, lines } = rig();
  const line = connect();
  lines.cut('shutdown');
  const late = connect();
  for (const { sent } of [line, late]) assert.deepEqual(sent, [{ type: 'cut', reason: 'shutdown' }]);
});

test('a publisher is reached over the line of its worker, and heard over it', () => {
  const { connect, heard, publishers } = rig();
  const [line, other] = [connect(), connect()];
  line.says({ type: 'publisher', newcomer: newcomer('r1') });
  line.says({ type: 'connection', id: 'r1', message: { type: 'release', reason: 'unpublished' } });
  publishers.get('r1')!.send('r1', { type: 'cut', reason: 'kicked' });
  assert.deepEqual(heard, ['publisher r1', 'release r1']);
  assert.deepEqual(line.sent, [{ type: 'connection', id: 'r1', message: { type: 'cut', reason: 'kicked' } }]);
  assert.deepEqual(other.sent, []);
});
