import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { describeChanges } from '../../../src/config/changes.ts';
import { UsageError } from '../../../src/config/errors.ts';
import { configValues, printConfig } from '../../../src/config/print.ts';
import { loadText } from '../../support/config-text.ts';

function problems(file: string): readonly string[] {
  try {
    loadText(file);
    return [];
  } catch (error) {
    assert.ok(error instanceof UsageError);
    return error.problems;
  }
}

const whole = `hooks:
  - name: noc
    url: https://user:hunter2@example.org/in?token=hunter2
    events: [started, stopped]
    cameras: [Gate, /drone]
    secret-file: /etc/skyweir/hook-secret
    ca-file: /etc/skyweir/ca.pem
    timeout: 5s
    headers:
      X-Key: hunter2
  - type: milestone-analytics
    url: http://192.0.2.20:9090/
    text: "Skyweir {event}"
    source: "192.0.2.10:{onvif-port},{channel}"
    camera-ids:
      Gate: 7f3b0e9a-5a3c-4e4f-9a5d-0a1b2c3d4e5f
  - type: milestone-generic
    url: udp://192.0.2.20:1234
    text: "{event} {camera}"
    separator: "\\r\\n"
`;

describe('hooks in the file', () => {
  test('are taken as they stand', () => {
    const { hooks } = loadText(whole).config;
    assert.equal(hooks.length, 3);
    assert.deepEqual(
      [hooks[0]?.timeout, hooks[0]?.events, hooks[2]?.separator],
      [5000, ['started', 'stopped'], '\r\n'],
    );
    assert.deepEqual(loadText('').config.hooks, []);
  });

  test('are shown without what may be secret, and a change of them takes effect at once', () => {
    const loaded = loadText(whole);
    for (const shown of [printConfig(loaded), JSON.stringify(configValues(loaded.config))]) {
      assert.doesNotMatch(shown, /hunter2/);
      assert.match(shown, /https:\/\/\*\*\*@example\.org\/in\?\*\*\*/);
      assert.match(shown, /5s/);
    }
    assert.deepEqual(describeChanges(loaded.config, loadText('').config), { live: ['hooks'], waiting: [] });
  });

  const mistakes: readonly [what: string, file: string, expected: RegExp][] = [
    ['a hook without a URL', '- {}', /^a\.yaml:1:\d+: hooks\[1\]\.url .*must be a URL/],
    ['a URL that is none', '- {url: nonsense}', /hooks\[1\]\.url nonsense: must be a URL/],
    ['a URL without a host', '- {url: "http://"}', /must be a URL/],
    ['a URL of another kind', '- {url: "ftp://example.org"}', /hooks\[1\]\.url ftp:\/\/example\.org: must be a URL/],
    ['a webhook over UDP', '- {url: "udp://example.org:1"}', /must be a URL/],
    ['a password whose % is not escaped', '- {url: "http://ada:100%@example.org/"}', /must be a URL/],
    ['a generic event without a port', '- {type: milestone-generic, url: "tcp://example.org"}', /must be a URL/],
    ['an unknown type', '- {type: slack, url: "http://a"}', /hooks\[1\]\.type slack: must be one of webhook/],
    ['an unknown event', '- {url: "http://a", events: [start]}', /must be a list of started, stopped/],
    ['an unknown key', '- {url: "http://a", event: []}', /unknown key event; did you mean events\?/],
    [
      'a key of another type',
      '- {url: "http://a", separator: ";"}',
      /separator ;: must be left out: only milestone-generic/,
    ],
    ['a header of ours', '- {url: "http://a", headers: {Skyweir-Id: x}}', /headers .*must be names of HTTP headers/],
    ['a header with a line break', '- {url: "http://a", headers: {X: "a\\r\\nb"}}', /must be names of HTTP headers/],
    [
      'a mask in a URL, which --print-config wrote',
      '- {url: "https://***@a/"}',
      /^a\.yaml:2:\d+: hooks\[1\]\.url .*\*\*\* stands for a secret .*write it out/,
    ],
    [
      'a mask in a header',
      '- {url: "http://a", headers: {Authorization: "***"}}',
      /^a\.yaml:2:\d+: hooks\[1\]\.headers\.Authorization .*write it out/,
    ],
    ['two of one name', '- {url: "http://a/1"}\n  - {url: "http://a/2"}', /must be a hook with a name of its own/],
    [
      'a GUID that is none',
      '- {type: milestone-analytics, url: "http://a", camera-ids: {Gate: x}}',
      /GUIDs in XProtect/,
    ],
  ];
  for (const [what, file, expected] of mistakes) {
    test(`${what} is a mistake with its place`, () => {
      const [first = 'no problem', ...others] = problems(
        `hooks:\n  ${file}\n`.replace('hooks:\n  - {}', 'hooks: [{}]'),
      );
      assert.match(first, expected);
      assert.deepEqual(others, []);
    });
  }

  test('a secret in a URL stays out of the message about a mistake', () => {
    const [problem] = problems('hooks:\n  - {url: "ftp://user:hunter2@example.org"}\n');
    assert.doesNotMatch(problem!, /hunter2/);
  });
});
