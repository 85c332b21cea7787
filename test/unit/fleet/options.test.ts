import assert from 'node:assert/strict';
import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, test } from 'node:test';
import { mostProcesses, openFilesOf } from '../../../scripts/fleet/capacity.ts';
import { clipFileName, clipKinds, clipSets, clipsNamed, planClips } from '../../../scripts/fleet/clips.ts';
import { FleetUsageError, parseFleetOptions } from '../../../scripts/fleet/options.ts';
import { SeededRandom } from '../../../scripts/fleet/seeded-random.ts';
import { appAndNameOf, parsePattern, pathOf, shownPattern, urlOf } from '../../../scripts/fleet/url-pattern.ts';
import { temporaryFolder } from '../../support/media.ts';

const parse = (...args: string[]) => parseFleetOptions(args, {})!;

describe('the options of a fleet', () => {
  test('without arguments Skyweir is started and eight cameras fly', () => {
    const options = parse();
    assert.deepEqual(
      [options.startServer, options.target, options.count, options.scenario, options.checkBytes],
      [true, null, 8, 'steady', 'all'],
    );
  });

  test('a target is used as it is; the default one is asked for by --no-start-server', () => {
    assert.equal(parse('rtmps://drones.example/live/%d').rtmps, true);
    assert.equal(parse('rtmp://drones.example/live/%d', '--rtmps').target?.protocol, 'rtmps:');
    const options = parse('--no-start-server', '--synthetic', '--count', '2000', '--ramp', '0.5');
    assert.equal(urlOf(options.target!, 0), 'rtmp://127.0.0.1:1935/stream1');
    assert.deepEqual([options.count, options.ramp, options.checkBytes], [2000, 0.5, 'sample']);
  });

  test('a password comes from a file or the environment, never from the command line', () => {
    const environment = { SKYWEIR_FLEET_USER: 'me', SKYWEIR_FLEET_PASSWORD: 'hush' };
    assert.deepEqual(parseFleetOptions([], environment)!.credentials, { user: 'me', password: 'hush' });
    assert.throws(() => parse('--user', 'me'), /--user: needs a password/);
    assert.throws(() => parse('--password-file', '/no/such/file'), /cannot be read \(ENOENT\)/);
    assert.throws(
      () => parse('rtmp://me:hush@host/%d'),
      (error: Error) => !error.message.includes('hush'),
    );
  });

  test('a password file that an editor began with a byte order mark holds the same password as for the server', (t) => {
    const file = join(temporaryFolder(t), 'password');
    writeFileSync(file, '\ufeffhush\r\nmore\r\n');
    assert.deepEqual(parse('--user', 'me', '--password-file', file).credentials, { user: 'me', password: 'hush' });
  });

  test('long runs are given in minutes, and the scenario rough has slow readers', () => {
    const hour = parse('--scenario', 'rough', '--count', '55', '--minutes', '60');
    assert.deepEqual([hour.seconds, hour.slowReaders], [3600, 6]);
    assert.deepEqual([parse().seconds, parse().slowReaders, parse().promptReaders], [20, 0, 100]);
    assert.equal(parse('--slow-readers', '3', '--prompt-readers', '7').slowReaders, 3);
  });

  test('flags behind -- are for the server that is started', () => {
    assert.deepEqual(parse('--count', '3', '--', '--gop-cache').serverFlags, ['--gop-cache']);
    assert.throws(() => parse('rtmp://host/%d', '--', '--gop-cache'), FleetUsageError);
  });

  test('what cannot be is refused in one line that names it', () => {
    const wrong: [string[], RegExp][] = [
      [['--count', '0'], /^--count 0: must be a whole number from 1 to 2000$/],
      [['--minutes', '5', '--seconds', '5'], /^--minutes: leave --seconds out$/],
      [['--minutes', '500'], /^--minutes 500: must be a whole number from 1 to 240$/],
      [['--scenario', 'party'], /^--scenario party: must be one of steady, mixed, kills, bad-radio, storm, rough$/],
      [['--clips', 'low,xyz'], /^--clips: low is unknown/],
      [['--synthetic', '--live-encode'], /^--live-encode: --synthetic has nothing to encode$/],
      [['--read', 'rtsp://host/%d'], /^--read: the server that is started here is read anyway$/],
      [['rtmp://host/stream'], /^target: must hold %d once/],
      [['http://host/%d'], /^target: must look like/],
      [['rtmp://host:99999/%d'], /^target: the port 99999 does not exist$/],
      [['--start-server', 'rtmp://host/%d'], /^--start-server: /],
      [['--party'], /--party/],
      [['a', 'b'], /^b: only one target/],
    ];
    for (const [args, message] of wrong)
      assert.throws(
        () => parse(...args),
        (error: Error) => error instanceof FleetUsageError && message.test(error.message),
      );
    assert.equal(parseFleetOptions(['--help'], {}), null);
  });
});

describe('URLs with a place for the number', () => {
  test('IPv6, default ports and queries', () => {
    const pattern = parsePattern('rtmp://[::1]/live/cam%d?key=hush', ['rtmp:']);
    assert.deepEqual([pattern.host, pattern.port, pathOf(pattern, 9)], ['::1', 1935, '/live/cam10?key=hush']);
    assert.equal(urlOf(pattern, 0), 'rtmp://[::1]:1935/live/cam1?key=hush');
    assert.equal(shownPattern(pattern), 'rtmp://[::1]:1935/live/cam%d?...');
  });

  test('application and name of a stream: a key may hold a slash, which divides nothing', () => {
    const parts = (path: string) => {
      const { app, name } = appAndNameOf(path);
      return [app, name];
    };
    assert.deepEqual(parts('/stream1'), ['', 'stream1']);
    assert.deepEqual(parts('/live/east/cam1'), ['live/east', 'cam1']);
    assert.deepEqual(parts('/live/cam1?key=ab/cd=='), ['live', 'cam1?key=ab/cd==']);
  });
});

describe('the clips of a fleet', () => {
  test('every kind gets its turn, and the seed chooses who gets which', () => {
    const kinds = clipsNamed('mixed');
    const planned = planClips(kinds, 16, new SeededRandom(3));
    for (const kind of kinds) assert.equal(planned.filter((one) => one === kind).length, 2);
    assert.deepEqual(planned, planClips(kinds, 16, new SeededRandom(3)));
  });

  test('they differ in all that a server may stumble over', () => {
    const all = clipsNamed('mixed');
    const different = (of: (kind: (typeof all)[number]) => unknown) => new Set(all.map(of)).size;
    assert.ok(different((kind) => kind.height) >= 5);
    assert.deepEqual([...new Set(all.map((kind) => kind.framesPerSecond))].sort(), [15, 25, 30, 60]);
    assert.ok(different((kind) => kind.gop) >= 4);
    assert.ok(all.some((kind) => kind.bFrames > 0) && all.some((kind) => kind.bFrames === 0));
    assert.ok(all.some((kind) => kind.audio) && all.some((kind) => !kind.audio));
    assert.equal(new Set(clipKinds.map(clipFileName)).size, clipKinds.length);
    assert.deepEqual(
      clipsNamed('720p25, 4k15').map(({ name }) => name),
      ['720p25', '4k15'],
    );
    for (const name of Object.values(clipSets).flat()) assert.equal(clipsNamed(name).length, 1);
  });
});

describe('how many FFmpeg processes a machine carries', () => {
  test('its cores and its free memory say so', () => {
    assert.equal(mostProcesses(4, 64e9, false), 400);
    assert.equal(mostProcesses(4, 64e9, true), 16);
    assert.ok(mostProcesses(64, 2e9, false) < 60);
    assert.equal(mostProcesses(1, 0, false), 1);
  });

  test('each connection is an open file, three for a link, and two for the pipes of FFmpeg', () => {
    const synthetic = openFilesOf({ count: 100, synthetic: true, links: 0, readers: 110 });
    assert.ok(synthetic > 210 && synthetic < 310, `${synthetic}`);
    assert.equal(openFilesOf({ count: 100, synthetic: true, links: 25, readers: 110 }), synthetic + 75);
    assert.equal(openFilesOf({ count: 100, synthetic: false, links: 0, readers: 110 }), synthetic + 100);
  });
});
