import assert from 'node:assert/strict';
import { spawnSync } from 'node:child_process';
import { join } from 'node:path';
import { describe, test } from 'node:test';
import { type Logger, withBlocks } from '../../../src/base/logger.ts';
import { createLogger, figuresOf, type LogOptions, lineFormatter } from '../../../src/log.ts';

const json: LogOptions = { level: 'debug', format: 'json' };
const pretty: LogOptions = { level: 'debug', format: 'pretty' };

/** What `use` logs with these options, as it would be written. */
function written(options: LogOptions, use: (logger: ReturnType<typeof createLogger>) => void): string {
  const format = lineFormatter(options);
  let output = '';
  use(
    createLogger(options, 'main', (line) => {
      output += format(line);
    }),
  );
  return output;
}

const neverMade = (): string => assert.fail('nobody reads it');

/** The first line of `output`, parsed. */
function record(output: string): Record<string, unknown> {
  return JSON.parse(output.split('\n')[0]!);
}

describe('json', () => {
  test('a line has level, time, thread, message and fields', () => {
    const { time, ...others } = record(written(json, (logger) => logger.info({ camera: 'A' }, 'hello')));
    assert.deepEqual(others, { level: 'info', thread: 'main', camera: 'A', msg: 'hello' });
    assert.match(String(time), /^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}Z$/);
  });

  test('child loggers add their fields', () => {
    const output = written(json, (logger) => logger.child({ conn: 'r1' }).warn({ bytes: 2 }, 'x'));
    assert.equal(record(output)['conn'], 'r1');
  });

  test('messages below the level are not written', () => {
    assert.equal(
      written({ ...json, level: 'warn' }, (logger) => logger.info({}, 'x')),
      '',
    );
  });

  test('a block is left out and its fields are in', () => {
    const output = written(json, (logger) =>
      logger.info({ block: 'a\nb', frames: 900 }, 'RTMP Stream Stats: /stream1'),
    );
    const { frames, block } = record(output);
    assert.deepEqual([frames, block, output.trimEnd().includes('\n')], [900, undefined, false]);
  });

  test('a block that is a function is never made', () => {
    const fields = { block: neverMade, frames: 900 };
    const { frames, block: shown } = record(written(json, (logger) => logger.info(fields, 'x')));
    assert.deepEqual([frames, shown], [900, undefined]);
  });

  test('lines of figures have the same form, with configured secrets masked', () => {
    const secret = 'correct horse';
    const output = written({ ...json, secrets: [secret] }, (logger) =>
      figuresOf(logger).info({ camera: secret, window: { frames: 3 } }, 'x', neverMade),
    );
    const { time, ...others } = record(output);
    assert.deepEqual(others, { level: 'info', thread: 'main', camera: '[secret]', window: { frames: 3 }, msg: 'x' });
    assert.match(String(time), /^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}Z$/);
  });

  test('a line of figures is letter for letter what the logger itself writes', (t) => {
    t.mock.timers.enable({ apis: ['Date'], now: 1_777_000_000_000 });
    const nothing = { none: null, absent: undefined, not: Number.NaN, list: [1, 'a'], empty: {} };
    for (const fields of [
      {},
      {
        camera: 'A "quoted" name\\\n',
        frames: 3,
        part: 0.25,
        final: false,
        window: { frames: 3, deep: { a: [null] } },
      },
      { ...nothing, path: '\u001b\u007f\u009b\u202e\u2028é' },
    ])
      for (const message of ['RTMP Stream Stats: /stream1', '"/stréam\u0007"'])
        assert.equal(
          written(json, (logger) => figuresOf(logger).info(fields, message, neverMade)),
          written(json, (logger) => withBlocks(logger).info(fields, message, neverMade)),
        );
    assert.equal(
      written({ ...json, level: 'warn' }, (logger) => figuresOf(logger).info({}, 'x', neverMade)),
      '',
    );
  });

  test('the time of a line is that of the clock, in every millisecond', (t) => {
    t.mock.timers.enable({ apis: ['Date'], now: 1_777_000_000_998 });
    for (const expected of ['.998Z', '.999Z', '1.000Z', '1.001Z']) {
      const { time } = record(written(json, (logger) => logger.info({}, 'x')));
      assert.equal(time, new Date().toISOString());
      assert.ok(String(time).endsWith(expected), `${time}`);
      t.mock.timers.tick(1);
    }
  });

  test('characters that steer a terminal are escaped, and the text is what it was', () => {
    const path = '\u001b[2J\u009b2J\u202egpj\u2066\u200f\u2028x\u007f';
    for (const options of [json, { ...json, secrets: ['correct horse'] }]) {
      const output = written(options, (logger) => logger.info({ path, detail: 'correct horse' }, 'x'));
      // biome-ignore lint/suspicious/noControlCharactersInRegex: they are what is looked for
      assert.doesNotMatch(output.trimEnd(), /[\u0000-\u001f\u007f-\u009f\u200e\u200f\u2028-\u202e\u2066-\u2069]/);
      assert.equal(record(output)['path'], path);
    }
  });

  test('the logger is what services expect', () => {
    const logger: Logger = createLogger(json, 'main', () => {});
    assert.equal(typeof logger.debug, 'function');
  });
});

describe('pretty', () => {
  test('a line has time, level, message and fields', () => {
    const output = written(pretty, (logger) => logger.info({ camera: 'A', frames: 3 }, 'hello'));
    assert.match(output, /^\[\d\d:\d\d:\d\d\.\d{3}\] INFO: hello \{"camera":"A","frames":3\}\n$/);
  });

  test('a block comes out in lines of its own, without the fields', () => {
    const block = '==== RTMP Stream Stats ====\n Publisher : 1.2.3.4:5\n====';
    const output = written(pretty, (logger) => logger.info({ block, frames: 900 }, 'RTMP Stream Stats: /stream1'));
    assert.match(output, /INFO: RTMP Stream Stats: \/stream1\n/);
    assert.ok(output.includes(`\n${block}\n`));
    assert.ok(!output.includes('900'));
  });

  test('a block may be a function', () => {
    const output = written(pretty, (logger) => logger.info({ block: () => 'one\ntwo', frames: 900 }, 'title'));
    assert.match(output, /INFO: title\n\s*one\n\s*two\n/);
    const ofFigures = written(pretty, (logger) =>
      figuresOf(logger, 'pretty').info({ frames: 900 }, 'title', () => 'one\ntwo'),
    );
    assert.equal(ofFigures.slice(ofFigures.indexOf('INFO')), output.slice(output.indexOf('INFO')));
  });

  test('a peer cannot steer the terminal', () => {
    const output = written(pretty, (logger) =>
      logger.info({ app: '\u001b[2J\u009b2J' }, 'from \u001b]0;x\u0007 peer\r'),
    );
    // biome-ignore lint/suspicious/noControlCharactersInRegex: none of them may be there
    assert.doesNotMatch(output, /[\u0000-\u0009\u000b-\u001f\u007f-\u009f]/);
  });

  test('colours only when asked for', () => {
    const use = (logger: ReturnType<typeof createLogger>): void => logger.error({}, 'x');
    assert.ok(written({ ...pretty, colour: true }, use).includes('\u001b['));
    assert.ok(!written(pretty, use).includes('\u001b['));
  });

  test('an error is shown with its stack', () => {
    const output = written(pretty, (logger) => logger.error({ err: new Error('boom') }, 'failed'));
    assert.match(output, /Error: boom\n\s+at /);
  });
});

describe('secrets', () => {
  for (const options of [json, pretty]) {
    test(`${options.format}: a configured secret is masked in messages, fields, child fields and errors`, () => {
      const secret = 'k7mq"x2\\vd';
      const output = written({ ...options, secrets: [secret] }, (logger) => {
        logger.info({ deep: { list: [`a ${secret} b`] } }, `message ${secret}`);
        logger.child({ peer: secret }).info({ err: new Error(secret) }, 'x');
      });
      assert.ok(!output.includes('k7mq'), output);
      assert.ok(output.includes('[secret]'));
    });

    test(`${options.format}: named fields are hidden whatever they hold`, () => {
      const output = written(options, (logger) =>
        logger.info({ password: 'hidden1', request: { query: 'hidden2', authorization: 'hidden3' } }, 'x'),
      );
      assert.ok(!output.includes('hidden'), output);
    });
  }

  test('a secret made of digits does not break the numbers of a JSON line', () => {
    const output = written({ ...json, secrets: ['1935'] }, (logger) => logger.info({ port: 1935 }, 'port 1935'));
    assert.deepEqual([record(output)['port'], record(output)['msg']], [1935, 'port [secret]']);
  });
});

describe('threads', { skip: process.platform === 'win32' }, () => {
  const fixture = join(import.meta.dirname, 'many-threads.fixture.ts');
  /** Runs the fixture on a real pipe (child processes of Node have sockets) whose reader is slow, so that it fills. */
  const run = (mode: string) =>
    spawnSync('sh', ['-c', '"$0" "$1" "$2" | dd bs=512 status=none', process.execPath, fixture, mode], {
      encoding: 'utf8',
      timeout: 20_000,
      maxBuffer: 64 * 1024 * 1024,
    });

  test('lines of several threads on one pipe are whole, and none is lost at the end', () => {
    const { stdout, stderr, status } = run('json');
    assert.equal(stderr, '');
    assert.equal(status, 0);
    const lines = stdout.trimEnd().split('\n');
    const seen = new Set(lines.map((line) => JSON.parse(line)).map((fields) => `${fields.thread} ${fields.n}`));
    assert.equal(lines.length, 4 * 2000);
    assert.equal(seen.size, 4 * 2000);
  });

  test('pretty lines and blocks of several threads are whole', () => {
    const { stdout } = run('pretty');
    const blocks = stdout.match(/INFO: block\n begin ab{1000}\n end\n/g) ?? [];
    assert.equal(blocks.length, 4 * 200);
  });

  test('a single line is out within a second without any further line', async () => {
    const { spawn } = await import('node:child_process');
    const child = spawn(process.execPath, [fixture, 'idle'], { stdio: ['pipe', 'pipe', 'inherit'] });
    try {
      // The child lives until its input ends, so that what comes was not flushed by its end.
      const [chunk] = (await new Promise((resolve) => {
        child.stdout.once('data', (data: Buffer) => resolve([data]));
      })) as [Buffer];
      const { waitedFrom } = JSON.parse(chunk.toString());
      assert.ok(Date.now() - waitedFrom < 1000);
      assert.equal(child.exitCode, null);
    } finally {
      child.stdin.end();
    }
  });
});
