import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { resolve } from 'node:path';
import { describe, test } from 'node:test';
import { limits } from '../../../src/base/limits.ts';
import { maximumCameras } from '../../../src/config/camera-list.ts';
import { OfflineCards, type OfflineCardsOptions, publishHost } from '../../../src/egress/offline-cards.ts';
import type { CardPicture, CardStream } from '../../../src/egress/offline-source.ts';
import { SliceHeader } from '../../../src/h264/slice-header.ts';
import { decodeSps } from '../../../src/h264/sps.ts';
import { OfflineCardStore } from '../../../src/offline-card/offline-card.ts';
import { testCamera } from '../../support/test-camera.ts';
import { fonts } from '../offline-card/card-model.ts';

const readFont = (name: string) => readFileSync(resolve(import.meta.dirname, '../../../assets/font', name));
const gate = testCamera({ name: 'North gate', path: '/Gate/north 1' });

function makeCards(options: Partial<OfflineCardsOptions> = {}): OfflineCards {
  const live = [false, false];
  // All at once, where a test does not want it otherwise.
  const onWork = (): void => {
    while (cards.encode());
  };
  const cards = new OfflineCards({ readFont, product: 'Skyweir 1.2.3', host: '::', live, onWork, ...options });
  cards.setPublishAddresses([{ listener: '1935', scheme: 'rtmp', port: 1935 }]);
  return cards;
}

/** What goes out in sweeps from one moment to another, with the times. */
function run(stream: CardStream, fromMs: number, toMs: number): [number, CardPicture][] {
  const pictures: [number, CardPicture][] = [];
  for (let nowMs = fromMs; nowMs < toMs; nowMs += 250)
    if (stream.due(nowMs)) pictures.push([nowMs, stream.next(nowMs)]);
  return pictures;
}

const times = (pictures: readonly [number, CardPicture][]) => pictures.map(([nowMs]) => nowMs);
const idrTimes = (pictures: readonly [number, CardPicture][]) =>
  times(pictures.filter(([, { parameterSets }]) => parameterSets !== null));

/** A card that says this, whose IDR pictures can be compared. */
function expected(name: string, url: string): Buffer {
  const content = { variant: 'offline', name, url, product: 'Skyweir 1.2.3', hint: '' } as const;
  return new OfflineCardStore(fonts).card(content).idr(1);
}

describe('the card of one reader', () => {
  test('is a picture a second, the first and every tenth an IDR with parameter sets in front', () => {
    const cards = makeCards();
    const stream = cards.open(gate, '192.0.2.1');
    assert.equal(stream.due(0), false, 'not before the reader plays');
    stream.restart(100, false);
    const pictures = run(stream, 100, 31_000);
    assert.equal(pictures.length, 31);
    assert.ok(times(pictures).every((nowMs, i) => Math.abs(nowMs - 100 - i * 1000) < 250));
    assert.deepEqual(idrTimes(pictures), [100, 10_100, 20_100, 30_100]);
    assert.equal(pictures[0]![1].parameterSets, cards.parameters.units);
  });

  test('starts a second after a stream has ended, so that a publisher that reconnects leaves no trace', () => {
    const stream = makeCards().open(gate, '192.0.2.1');
    stream.restart(0, true);
    assert.deepEqual(times(run(stream, 0, 2500)), [1000, 2000]);
  });

  test('is not shown to a reader that joins a live stream, unless no keyframe comes for 5 s', () => {
    const cards = makeCards({ live: [true, false] });
    const stream = cards.open(gate, '192.0.2.1');
    stream.restart(0, false);
    assert.deepEqual(times(run(stream, 0, 7000)), [5000, 6000]);
  });

  test('goes on when a publisher comes, until its first keyframe', () => {
    const cards = makeCards();
    const stream = cards.open(gate, '192.0.2.1');
    stream.restart(0, false);
    run(stream, 0, 500);
    cards.setLive(0, true);
    assert.deepEqual(times(run(stream, 500, 3500)), [1000, 2000, 3000]);
  });

  test('two IDR pictures in a row differ in their id', () => {
    const cards = makeCards();
    const facts = decodeSps(cards.parameters.sps[0]!);
    const stream = cards.open(gate, '192.0.2.1');
    const ids = [0, 100, 200].map((nowMs) => {
      stream.restart(nowMs, false);
      const header = new SliceHeader();
      const { unit } = stream.next(nowMs);
      header.read(unit, 4, 4 + unit.readUInt32BE(0), facts);
      return header.idrPicId;
    });
    assert.ok(ids[0] !== ids[1] && ids[1] !== ids[2], String(ids));
  });
});

describe('what a card says', () => {
  test('the URL of the address at which the reader reached us, when we listen on all', () => {
    const stream = makeCards().open(gate, '::ffff:192.0.2.1');
    stream.restart(0, false);
    assert.deepEqual(stream.next(0).unit, expected('North gate', 'rtmp://192.0.2.1:1935/Gate/north%201'));
  });

  test('publishHost: the bound name or address, else the local one, without what a URL cannot hold', () => {
    for (const [boundTo, local, host] of [
      ['::', '::ffff:10.0.0.7', '10.0.0.7'],
      ['0.0.0.0', '10.0.0.7', '10.0.0.7'],
      ['[::]', 'fe80::1%eth0', 'fe80::1'],
      ['::', '2001:db8::7', '2001:db8::7'],
      ['127.0.0.1', '127.0.0.1', '127.0.0.1'],
      ['[2001:db8::1]', '2001:db8::1', '2001:db8::1'],
      ['media.example', '10.0.0.7', 'media.example'],
      ['localhost', '::1', 'localhost'],
    ] as const)
      assert.equal(publishHost(boundTo, local), host, `${boundTo} ${local}`);
  });

  test('an IPv6 address stands in brackets', () => {
    const stream = makeCards({ host: '2001:db8::1' }).open({ ...gate, path: '/a' }, '2001:db8::1');
    stream.restart(0, false);
    assert.deepEqual(stream.next(0).unit, expected('North gate', 'rtmp://[2001:db8::1]:1935/a'));
  });

  test('its new name at once when it is renamed, with an IDR', () => {
    const cards = makeCards();
    const stream = cards.open(gate, '192.0.2.1');
    stream.restart(0, false);
    stream.next(0);
    cards.setCameras([{ ...gate, name: 'South gate' }]);
    const [, renamed] = run(stream, 1000, 2000)[0]!;
    assert.notEqual(renamed.parameterSets, null);
    const content = { variant: 'offline', name: 'South gate', url: 'rtmp://192.0.2.1:1935/Gate/north%201' } as const;
    const card = new OfflineCardStore(fonts).card({ ...content, product: 'Skyweir 1.2.3', hint: '' });
    assert.deepEqual(renamed.unit, card.idr(2));
  });

  test('the same as before, without an IDR, when what changed is of other cameras', () => {
    const cards = makeCards();
    const stream = cards.open(gate, '192.0.2.1');
    stream.restart(0, false);
    stream.next(0);
    cards.setCameras([{ ...gate }, testCamera({ index: 1, name: 'New', path: '/new' })]);
    cards.setPublishAddresses([{ listener: '1935', scheme: 'rtmp', port: 1935 }]);
    assert.deepEqual(idrTimes(run(stream, 1000, 12_000)), [10_000]);
  });

  test('nothing, when information is off', () => {
    const cards = makeCards();
    const stream = cards.open({ ...gate, offlineInfo: false }, '192.0.2.1');
    stream.restart(0, false);
    assert.deepEqual(stream.next(0).unit, cards.plain.idr(1));
  });

  test('an error on every card until it is taken back, each change with an IDR, also when information is off', () => {
    for (const offlineInfo of [true, false]) {
      const cards = makeCards();
      const stream = cards.open({ ...gate, offlineInfo }, '192.0.2.1');
      stream.restart(0, false);
      const before = stream.next(0).unit;
      cards.setCardError('Port 1935 is in use.');
      const [, error] = run(stream, 1000, 2000)[0]!;
      assert.notEqual(error.parameterSets, null);
      const content = { variant: 'error', name: gate.name, reason: 'Port 1935 is in use.' } as const;
      const card = new OfflineCardStore(fonts).card({ ...content, product: 'Skyweir 1.2.3', hint: '' });
      assert.deepEqual(error.unit, card.idr(2));
      cards.setCardError(null);
      const [, after] = run(stream, 2000, 3000)[0]!;
      assert.notEqual(after.parameterSets, null);
      assert.equal(after.unit.length, before.length);
    }
  });
});

describe('many cards', () => {
  test('are encoded one after the other, a little at a time; who waits long sees grey until its card is ready', () => {
    let calls = 0;
    const cards = makeCards({ onWork: () => calls++ });
    const streams = Array.from({ length: 6 }, (_, i) => cards.open({ ...gate, name: `Camera ${i}` }, '192.0.2.1'));
    for (const stream of streams) stream.restart(0, false);
    assert.deepEqual(
      streams.filter((stream) => stream.due(0)),
      [],
    );
    assert.equal(calls, 1, 'work is announced once');
    const [first, ...others] = streams;
    let steps = 0;
    for (; !first!.due(100); steps++) assert.ok(cards.encode());
    assert.ok(steps > 20, `${steps} steps`);
    assert.ok(first!.next(100).unit.length > 4000);
    assert.deepEqual(
      others.filter((stream) => stream.due(100)),
      [],
    );
    for (const stream of others) {
      assert.ok(stream.due(500));
      assert.ok(stream.next(500).unit.length < 4000, 'grey');
    }
    while (cards.encode());
    for (const stream of others) {
      const { unit, parameterSets } = stream.next(1500);
      assert.ok(unit.length > 4000);
      assert.notEqual(parameterSets, null);
    }
  });

  test('what is wanted while another card is half encoded comes out as if alone', () => {
    const alone = makeCards();
    const cards = makeCards({ onWork: () => {} });
    const show = (of: OfflineCards, name: string) => of.card({ ...gate, name }, '192.0.2.1').idr(1);
    cards.prepare(cards.card({ ...gate, name: 'half' }, '192.0.2.1'));
    for (let step = 0; step < 5; step++) cards.encode();
    assert.deepEqual(cards.plain.delta(3, 1), alone.plain.delta(3, 1));
    for (let step = 0; step < 5; step++) cards.encode();
    assert.deepEqual(show(cards, 'other'), show(alone, 'other'));
    while (cards.encode());
    assert.deepEqual(show(cards, 'half'), show(alone, 'half'));
  });

  test('a second reader of a camera costs nothing, and encoded cards stay below their bound', () => {
    const cards = makeCards();
    const streams = [0, 1].map(() => cards.open(gate, '192.0.2.1'));
    for (const stream of streams) stream.restart(0, false);
    streams[0]!.next(0);
    const { bytes } = cards;
    streams[1]!.next(0);
    assert.equal(cards.bytes, bytes);
    assert.ok(bytes > 0 && bytes * 1000 < 2 * limits.card.storeBytes);
  });

  test('those of all cameras of a server are kept, also when their names and addresses are long', () => {
    const cards = makeCards();
    const host = '2001:db8:1234:5678:9abc:def0:1234:5678';
    const bytesWith = (number: number) => {
      const name = `Überwachungskamera Parkplatz Süd, Äußere Zufahrt zur Ölmühle ${number}`;
      const path = `/live/site-gross-gerau/building-b/level-2/camera-${number}`;
      cards.prepare(cards.card({ ...gate, name, path }, host));
      while (cards.encode());
      return cards.bytes;
    };
    const before = bytesWith(100);
    const own = bytesWith(101) - before;
    assert.ok(own > 20_000 && own * maximumCameras < limits.card.storeBytes, `${own} bytes each`);
  });

  test('after the warm-up only name and URL of a card have to be encoded', () => {
    const cards = makeCards();
    cards.warmUp();
    assert.ok(cards.plain.ready);
    const { bytes } = cards;
    const stream = cards.open(gate, '192.0.2.1');
    stream.restart(0, false);
    const first = stream.next(0);
    assert.ok(cards.bytes - bytes < first.unit.length / 1.5);
  });
});
