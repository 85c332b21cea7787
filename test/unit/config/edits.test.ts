import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { parse } from 'yaml';
import { patchKeys, replaceKeys, replaceText } from '../../../src/config/edits.ts';
import { UsageError } from '../../../src/config/errors.ts';
import { configValues } from '../../../src/config/print.ts';
import { loadText } from '../../support/config-text.ts';

const text = `# Site north
max-connections: 40 # drones
hooks:
  - name: noc
    url: https://user:pa55@noc.example.org/x?token=s3cret
    headers: {Authorization: Bearer abc, X-Team: north}
    timeout: 10s
  - url: http://logger.example.org?key=s3cret
  - name: xprotect
    type: milestone-analytics
    url: http://192.0.2.20:9090/
`;

type Shown = Record<string, unknown> & { hooks: Record<string, unknown>[] };

/** What is in force, as an answer of the API has it. */
function shownOf(file: string): Shown {
  return JSON.parse(JSON.stringify(configValues(loadText(file).config)));
}

/** The hooks of the file after some were sent back. */
function after(hooks: unknown, before = text) {
  return loadText(patchKeys({ hooks })(before, loadText).text).config.hooks;
}

function refusalOf(work: () => unknown): UsageError {
  try {
    work();
  } catch (error) {
    if (error instanceof UsageError) return error;
    throw error;
  }
  return assert.fail('it was not refused');
}

describe('hooks that are sent back as they are shown', () => {
  const stored = loadText(text).config.hooks;

  test('keep what is secret in them, whatever else is changed', () => {
    const { hooks } = shownOf(text);
    hooks[0]!['timeout'] = '5s';
    hooks[1]!['events'] = ['started'];
    assert.deepEqual(after(hooks), [{ ...stored[0], timeout: 5000 }, { ...stored[1], events: ['started'] }, stored[2]]);
  });

  test('keep it in another order, and beside new ones', () => {
    const [noc, logger, xprotect] = shownOf(text).hooks;
    const added = { url: 'http://192.0.2.30/?a=b', headers: { Authorization: 'Bearer new' } };
    assert.deepEqual(after([xprotect, added, logger, noc]), [stored[2], added, stored[1], stored[0]]);
    assert.deepEqual(after([noc]), [stored[0]]);
  });

  test('may have other secrets in place of those', () => {
    const [noc, ...others] = shownOf(text).hooks;
    const url = 'https://user:other@noc.example.org/x';
    const headers = { Authorization: 'Bearer def', 'X-Team': '***', 'X-New': '1' };
    assert.deepEqual(after([{ ...noc, url, headers }, ...others])[0], {
      ...stored[0],
      url,
      headers: { Authorization: 'Bearer def', 'X-Team': 'north', 'X-New': '1' },
    });
  });

  for (const [what, change, place, remedy] of [
    ['a URL that is another', { url: 'https://***@other.example.org/x' }, 'hooks[1].url', /write it out/],
    ['a URL of another path', { url: 'https://***@noc.example.org/y?***' }, 'hooks[1].url', /write it out/],
    ['a header that was not there', { headers: { 'X-Key': '***' } }, 'hooks[1].headers.X-Key', /write it out/],
    ['a hook of another name', { name: 'ops' }, 'hooks[1].url', /write it out/],
    ['a hook of another type', { type: 'milestone-analytics' }, 'hooks[1].url', /write it out/],
  ] as const)
    test(`are refused with a mask in ${what}`, () => {
      const [noc, ...others] = shownOf(text).hooks;
      const { details } = refusalOf(() => after([{ ...noc, ...change }, ...others]));
      assert.equal(details[0]!.key, place);
      assert.match(details[0]!.text, /\*\*\* stands for a secret/);
      assert.match(details[0]!.remedy, remedy);
    });

  test('are refused with a mask where the file has mistakes, and as a whole text', () => {
    const { hooks } = shownOf(text);
    refusalOf(() => patchKeys({ hooks })(text.replace('40', 'many'), loadText));
    const whole = text.replace('user:pa55', '***');
    assert.equal(refusalOf(() => replaceText(whole)(text, loadText)).details[0]!.key, 'hooks[1].url');
    assert.equal(replaceText(text)(text, loadText).text, text);
  });

  test('that are none are left to the check of the list', () => {
    for (const hooks of ['x', [null, 'x', { url: 5, headers: ['***'] }, { url: 'nonsense' }], { url: '***' }])
      assert.match(refusalOf(() => after(hooks)).problems[0]!, /hooks/);
  });
});

describe('a value that is sent as it is in force', () => {
  for (const [what, file] of [
    ['an empty file', ''],
    ['some keys', text],
    ['cameras', 'cameras:\n  - {name: A, path: /a, max-bitrate: 2.5}\n  - {}\nuser: ada\n'],
    ['hardware', 'hardware:\n  - {cameras: 2, max-fps: 30}\n  - {cameras: [{path: /x}], tls: false}\n'],
  ] as const)
    test(`changes nothing, all of them together (${what})`, () => {
      assert.equal(replaceKeys(shownOf(file))(file, loadText).text, file);
      assert.equal(patchKeys(shownOf(file))(file, loadText).text, file);
    });

  test('is written where it would not stay so by itself', () => {
    const { 'max-connections': most } = shownOf('');
    const changed = patchKeys({ 'max-connections': most, cameras: 100, 'rtsp-port': 8554 })('', loadText).text;
    assert.deepEqual(parse(changed), { cameras: 100, 'max-connections': most });
  });

  test('stays beside those that are changed', () => {
    const changed = replaceKeys({ ...shownOf(text), 'max-connections': 41 })(text, loadText).text;
    assert.equal(changed, text.replace('40', '41'));
  });
});
