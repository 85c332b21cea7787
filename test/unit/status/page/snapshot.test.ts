import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { describeChanges } from '../../../../src/status/page/announcements.ts';
import { everything, queryCameras, sortedBy } from '../../../../src/status/page/list-query.ts';
import { parsePlace, placeHash } from '../../../../src/status/page/place.ts';
import { urlsOf } from '../../../../src/status/page/publish-urls.ts';
import { goneCameras, readNames, readSnapshot, type Snapshot } from '../../../../src/status/page/snapshot.ts';
import { type LiveCamera, namesAnswer, overviewAnswer } from '../../../support/overview.ts';

type Live = { readonly camera: number } & Partial<LiveCamera>;

const sixNames = namesAnswer(6);
const sixCameras = readNames(sixNames);

function snapshotOf(live: readonly Live[]): Snapshot {
  return readSnapshot(overviewAnswer(6, live), sixNames, sixCameras);
}

const six = snapshotOf([
  { camera: 0, kbps: 500 },
  { camera: 2, kbps: 4000, blame: 'network', why: 'frames arrive up to 900 ms after their time stamps' },
  { camera: 3, kbps: 0, silent: 4.4 },
  { camera: 5, kbps: 3000, blame: null, why: null, publisher: '198.51.100.9' },
]);

const placesOf = (cameras: readonly { readonly place: number }[]) => cameras.map(({ place }) => place);

describe('a snapshot of the status page', () => {
  test('tells which cameras are gone, also where another one has the index', () => {
    const [gate, roof, yard] = readNames(namesAnswer(3));
    const other = { ...roof!, name: 'Lobby', path: '/lobby', rtspPath: '/lobby' };
    const renamed = { ...gate!, name: 'Front gate', path: '/front' };
    assert.deepEqual(goneCameras([gate!, roof!, yard!], [renamed, other]), [1, 2]);
    assert.deepEqual(goneCameras([], [gate!]), []);
  });

  test('tells what is on air, troubled and offline, and sums it up', () => {
    assert.deepEqual(
      six.cameras.map(({ state }) => state),
      ['air', 'offline', 'trouble', 'trouble', 'offline', 'air'],
    );
    assert.deepEqual(six.counts, { air: 2, trouble: 2, offline: 2 });
    assert.deepEqual([six.kbps, six.readers], [7500, 6]);
  });

  test('shows silence before the server has judged it, and a rule that is broken', () => {
    assert.deepEqual([six.cameras[3]!.blame, six.cameras[3]!.why], ['silent', 'nothing has arrived for 4 s']);
    assert.equal(six.cameras[5]!.blame, 'measuring');
    const [camera] = snapshotOf([{ camera: 0, rules: 'max-fps: 60, allowed: 30' }]).cameras;
    assert.deepEqual([camera!.state, camera!.blame], ['trouble', 'source']);
    assert.match(camera!.why, /max-fps/);
  });

  test('orders names as people count', () => {
    const names = readNames(namesAnswer(3, ['Drone 10', 'Drone 9', 'drone 1']));
    assert.deepEqual(
      names.map(({ rank }) => rank),
      [2, 1, 0],
    );
  });

  test('tells a screen reader of few changes one by one, and of many in sum', () => {
    assert.equal(describeChanges(six, six), '');
    assert.equal(describeChanges(null, six), '');
    const later = snapshotOf([{ camera: 0 }, { camera: 1 }]);
    assert.equal(describeChanges(snapshotOf([{ camera: 0 }]), later), 'Stream 2 is on air');
    assert.match(
      describeChanges(snapshotOf([{ camera: 2 }]), snapshotOf([{ camera: 2, blame: 'network' }])),
      /troubled: .*network/i,
    );
    const all = snapshotOf([0, 1, 2, 3, 4, 5].map((camera) => ({ camera })));
    assert.equal(describeChanges(snapshotOf([]), all), '6 cameras changed: 6 on air');
  });
});

describe('the list of the status page', () => {
  test('finds by words of name, path and address, all of which must be there', () => {
    const find = (text: string) => placesOf(queryCameras(six.cameras, { ...everything, text }));
    assert.deepEqual(find('STREAM3'), [2]);
    assert.deepEqual(find('198.51.100'), [5]);
    assert.deepEqual(find('stream 192.0.2.7'), [0, 2, 3]);
    assert.deepEqual(find('nothing'), []);
  });

  test('shows one state only', () => {
    const show = (state: 'trouble' | 'offline') => placesOf(queryCameras(six.cameras, { ...everything, state }));
    assert.deepEqual(show('trouble'), [2, 3]);
    assert.deepEqual(show('offline'), [1, 4]);
  });

  test('sorts in both directions, with what has no figure last in each', () => {
    const sort = (descending: boolean) =>
      placesOf(queryCameras(six.cameras, { ...everything, sort: 'kbps', descending }));
    assert.deepEqual(sort(true), [2, 5, 0, 3, 1, 4]);
    assert.deepEqual(sort(false), [3, 0, 5, 2, 1, 4]);
    assert.deepEqual(placesOf(queryCameras(six.cameras, { ...everything, sort: 'blame' })).slice(0, 2), [2, 3]);
  });

  test('three clicks on a head lead back to the order of the configuration', () => {
    const first = sortedBy(everything, 'kbps');
    assert.deepEqual([first.sort, first.descending], ['kbps', true]);
    const second = sortedBy(first, 'kbps');
    assert.deepEqual([second.sort, second.descending], ['kbps', false]);
    assert.deepEqual(sortedBy(second, 'kbps'), everything);
  });
});

describe('addresses of a camera', () => {
  const [camera] = sixCameras;

  test('are those of its listener, on the host of the page', () => {
    assert.deepEqual(urlsOf(camera!, sixNames, 'video.example'), {
      rtmp: 'rtmp://video.example:1935/stream1',
      rtmps: null,
      rtsp: 'rtsp://video.example:8554/stream1',
      obsServer: 'rtmp://video.example:1935',
      obsKey: 'stream1',
    });
  });

  test('are encrypted where nothing else is taken', () => {
    const urls = urlsOf(camera!, { listeners: [{ rtmp: null, rtmps: 1936 }], rtspPort: 554 }, '[::1]');
    assert.deepEqual(
      [urls.rtmp, urls.rtmps, urls.obsServer],
      [null, 'rtmps://[::1]:1936/stream1', 'rtmps://[::1]:1936'],
    );
  });
});

test('a place of the page survives its URL, and nonsense leads to the cameras', () => {
  for (const hash of ['#/cameras', '#/cameras/17', '#/server', '#/events'])
    assert.equal(placeHash(parsePlace(hash)), hash);
  for (const hash of ['', '#', '#/cameras/x', '#/nowhere/3']) assert.equal(parsePlace(hash).part, 'cameras');
});
