import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { resolve } from 'node:path';
import { describe, test } from 'node:test';
import { parse } from 'yaml';
import { UsageError } from '../../../src/config/errors.ts';
import { YamlText } from '../../../src/config/yaml-text.ts';

/** The text after a change. */
function changed(text: string, change: (yaml: YamlText) => void): string {
  const yaml = new YamlText(text);
  change(yaml);
  return yaml.toString();
}

const operators = `# Site north, kept by Ada

# ports
rtmp-port: 1936 # the router forwards this

rtsp-port: 8555
cameras:
  # on the roof
  - name: 'Roof'   # faces east
    path: /roof
  # at the gate
  - {name: Gate, path: /gate}
deny-ip: [192.0.2.1, 192.0.2.2] # scanners
user: "ada"
# the end
`;

describe('a change of an operator’s file', () => {
  test('of one value touches its line only', () => {
    const text = changed(operators, (yaml) => yaml.set(['rtmp-port'], 1940));
    const lines = operators.split('\n');
    const differing = text.split('\n').filter((line, at) => line !== lines[at]?.replace("'Roof'   #", "'Roof' #"));
    assert.deepEqual(differing, ['rtmp-port: 1940 # the router forwards this']);
  });

  test('keeps every comment, the order and the way of writing', () => {
    const text = changed(operators, (yaml) => {
      yaml.set(['cameras', 0, 'name'], 'Roof east');
      yaml.set(['deny-ip'], ['192.0.2.9']);
      yaml.set(['user'], 'bob');
      yaml.set(['max-connections'], 40);
    });
    for (const [comment] of operators.matchAll(/#.*$/gm)) assert.ok(text.includes(comment), comment);
    assert.match(text, /- name: 'Roof east' # faces east/);
    assert.match(text, /deny-ip: \[192\.0\.2\.9\] # scanners/);
    assert.match(text, /user: "bob"/);
    assert.deepEqual(Object.keys(parse(text)), [...Object.keys(parse(operators)), 'max-connections']);
  });

  test('that takes a key out leaves the comments of the others, and the heading above it', () => {
    const text = changed(operators, (yaml) => yaml.delete(['rtmp-port']));
    assert.match(text, /# ports\n.*rtsp-port: 8555/s);
    assert.equal(parse(text)['rtmp-port'], undefined);
    const last = changed('a: 1\n# about b\nb: 2\n', (yaml) => yaml.delete(['b']));
    assert.equal(last, 'a: 1\n# about b\n');
  });

  test('that takes a camera out takes its comment with it', () => {
    const text = changed(operators, (yaml) => yaml.delete(['cameras', 1]));
    assert.ok(text.includes('# on the roof') && !text.includes('Gate'));
    assert.equal(parse(text).cameras.length, 1);
  });

  test('that takes the last key out leaves the comments', () => {
    const text = changed('# mine\na: 1\n', (yaml) => yaml.delete(['a']));
    assert.equal(text, '# mine\n');
    assert.equal(parse(text), null);
  });

  test('of the sample puts keys behind its comments', () => {
    const sample = readFileSync(resolve(import.meta.dirname, '../../../skyweir.sample.yaml'), 'utf8');
    const text = changed(sample, (yaml) => yaml.set(['rtmp-port'], 1940));
    assert.ok(text.startsWith(sample.trimEnd()));
    assert.deepEqual(parse(text), { 'rtmp-port': 1940 });
  });

  test('of an empty file makes one', () => {
    for (const text of ['', '\n', '---\n', 'null\n'])
      assert.deepEqual(parse(changed(text, (yaml) => yaml.set(['cameras'], [{ path: '/a' }]))), {
        cameras: [{ path: '/a' }],
      });
  });

  test('keeps the line ends and the byte order mark of Windows', () => {
    const text = changed(`\ufeff${operators.replaceAll('\n', '\r\n')}`, (yaml) => yaml.set(['rtmp-port'], 1940));
    assert.ok(text.startsWith('\ufeff# Site north'));
    assert.ok(!/[^\r]\n/.test(text));
    assert.match(text, /the router forwards this\r\n/);
  });

  test('keeps lists where they stood: indented or not, with spaces in braces or not', () => {
    const flat = 'cameras:\n# first\n- {path: /a}\n- { path: /b }\n';
    assert.match(
      changed(flat, (yaml) => yaml.set(['user'], 'x')),
      /^cameras:\n# first\n- /,
    );
    assert.match(
      changed('a: { b: 1 }\n', (yaml) => yaml.set(['c'], 1)),
      /^a: \{ b: 1 \}\n/,
    );
    assert.match(
      changed('a: {b: 1}\n', (yaml) => yaml.set(['c'], 1)),
      /^a: \{b: 1\}\n/,
    );
  });

  test('writes values so that they are read as what they are', () => {
    for (const value of [
      'null',
      'yes',
      '012',
      '1e3',
      ': #',
      '- a',
      '*b',
      '&c',
      ' x ',
      '',
      'ü\u2028',
      true,
      0x10,
      -0.5,
      [],
      ['1'],
    ]) {
      const text = changed('old: "text"\nnumber: 0x1F\n', (yaml) => {
        yaml.set(['old'], value);
        yaml.set(['number'], value);
        yaml.set(['new'], value);
      });
      assert.deepEqual(parse(text), { old: value, number: value, new: value }, text);
    }
  });

  test('leaves what shares an anchor as it was, also where the anchor goes', () => {
    const text = changed('a: &x [{n: 1}, {n: 2}]\nb: *x\n', (yaml) => yaml.set(['b', 0, 'n'], 5));
    assert.deepEqual(parse(text), { a: [{ n: 1 }, { n: 2 }], b: [{ n: 5 }, { n: 2 }] });
    assert.equal(
      changed('a: &x 1\nb: *x\n', (yaml) => yaml.delete(['a'])),
      'b: 1\n',
    );
    const earlier = 'a: &x 1\nb: [&x 2, &y {n: *x}]\nc: [*x, *y]\n';
    for (const change of [
      (yaml: YamlText) => yaml.delete(['b']),
      (yaml: YamlText) => yaml.set(['b'], ['other']),
      (yaml: YamlText) => yaml.delete(['b', 0]),
    ])
      assert.deepEqual(parse(changed(earlier, change)).c, [2, { n: 2 }]);
  });

  test('is refused where what aliases stand for has no end', () => {
    const levels = Array.from({ length: 30 }, (_, i) => `k${i + 1}: &x${i + 1} [*x${i}, *x${i}]\n`).join('');
    assert.throws(() => changed(`k0: &x0 1\n${levels}`, (yaml) => yaml.set(['k30', 0, 1], 2)), UsageError);
  });

  test('of a value that others share by its anchor leaves the others what they were, to the digit', () => {
    const text = changed('a: &x 0815 # first\nb: *x # second\nc: [*x]\n', (yaml) => yaml.set(['a'], 'off'));
    assert.equal(text, 'a: off # first\nb: 0815 # second\nc: [0815]\n');
  });

  test('leaves numbers as they are written, for they may be names', () => {
    const text = 'name: 0815\nlist: [1.10, 158101020304050607089, 1e3, 0x1F] # codes\nn: 007\n';
    assert.equal(
      changed(text, (yaml) => yaml.set(['n'], 8)),
      text.replace('007', '8'),
    );
    const shared = changed('a: &x [{p: 0815}]\nb: *x\n', (yaml) => yaml.set(['b', 0, 'n'], 1));
    assert.equal(shared, 'a: &x [{p: 0815}]\nb: [{p: 0815, n: 1}]\n');
  });

  test('is refused where an alias leads nowhere', () => {
    const text = 'a: *none\nb: 1\n';
    assert.throws(() => new YamlText(text).get(['a']), UsageError);
    assert.throws(() => changed(text, (yaml) => yaml.set(['a', 'b'], 1)), UsageError);
  });

  test('inside of a list that others share by its anchor leaves the others what they were', () => {
    const shared = 'a: &x\n  - {n: 1}\n  - {n: &y 2}\nb: *x\nc: *y\n';
    const before = { a: [{ n: 1 }, { n: 2 }], b: [{ n: 1 }, { n: 2 }], c: 2 };
    const after = (change: (yaml: YamlText) => void) => parse(changed(shared, change));
    assert.deepEqual(
      after((yaml) => yaml.set(['a', 0, 'n'], 5)),
      { ...before, a: [{ n: 5 }, { n: 2 }] },
    );
    assert.deepEqual(
      after((yaml) => yaml.set(['a', 1, 'n'], 5)),
      { ...before, a: [{ n: 1 }, { n: 5 }] },
    );
    assert.deepEqual(
      after((yaml) => yaml.append(['a'], { n: 3 })),
      { ...before, a: [...before.a, { n: 3 }] },
    );
    assert.deepEqual(
      after((yaml) => yaml.delete(['a', 0])),
      { ...before, a: [{ n: 2 }] },
    );
  });

  test('of a value whose anchor has the name of an earlier one leaves the aliases of that', () => {
    const text = changed('a: &x 1\nb: *x\nc: &x 2\nd: *x\n', (yaml) => yaml.set(['a'], 3));
    assert.deepEqual(parse(text), { a: 3, b: 1, c: 2, d: 2 });
  });

  test('inside of a list that holds itself is refused', () =>
    assert.throws(() => changed('a: &x [1, *x]\n', (yaml) => yaml.set(['a', 0], 2)), UsageError));

  test('is refused for what is no YAML, or no list of keys', () => {
    for (const text of ['a: [', '- a\n', 'text', 'a: 1\n  b: 2\n'])
      assert.throws(() => new YamlText(text), UsageError, text);
  });
});
