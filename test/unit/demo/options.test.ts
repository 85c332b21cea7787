import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { DemoUsageError, parseDemoOptions } from '../../../scripts/demo/options.ts';

describe('demo options', () => {
  test('without arguments: eight drones, no end, colours, the usual ports', () => {
    assert.deepEqual(parseDemoOptions([], {}), {
      drones: 8,
      seconds: 0,
      colour: true,
      host: '::',
      rtmpPort: 1935,
      rtspPort: 8554,
    });
  });

  test('every option is taken', () => {
    const args = '--drones 200 --seconds 7 --no-color --host 127.0.0.1 --rtmp-port 0 --rtsp-port 8600'.split(' ');
    assert.deepEqual(parseDemoOptions(args, {}), {
      drones: 200,
      seconds: 7,
      colour: false,
      host: '127.0.0.1',
      rtmpPort: 0,
      rtspPort: 8600,
    });
  });

  test('NO_COLOR takes the colours away, an empty one does not', () => {
    assert.equal(parseDemoOptions([], { NO_COLOR: '1' })?.colour, false);
    assert.equal(parseDemoOptions([], { NO_COLOR: '' })?.colour, true);
  });

  test('--help asks for nothing else', () => {
    assert.equal(parseDemoOptions(['--help'], {}), null);
  });

  const mistakes: [string[], RegExp][] = [
    [['--drones', '0'], /^--drones 0: must be a whole number from 1 to 200$/],
    [['--drones', '201'], /^--drones 201: must be/],
    [['--drones', '2.5'], /^--drones 2\.5: must be/],
    [['--drones', ''], /^--drones : must be/],
    [['--seconds', 'x'], /^--seconds x: must be/],
    [['--rtmp-port', '65536'], /^--rtmp-port 65536: must be/],
    [['--drone', '3'], /'--drone'.*; see --help$/],
    [['8'], /'8'.*; see --help$/],
  ];
  for (const [args, message] of mistakes) {
    test(`${args.join(' ')} is one line that says what is wrong`, () => {
      assert.throws(
        () => parseDemoOptions(args, {}),
        (error: unknown) =>
          error instanceof DemoUsageError && message.test(error.message) && !error.message.includes('\n'),
      );
    });
  }
});
