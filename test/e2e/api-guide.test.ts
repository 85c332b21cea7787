import assert from 'node:assert/strict';
import { readFileSync, writeFileSync } from 'node:fs';
import { join, resolve } from 'node:path';
import { describe, test } from 'node:test';
import { ConfigServer } from '../support/config-server.ts';
import { temporaryFolder } from '../support/media.ts';
import { testCredentials } from '../support/media-server.ts';
import { start } from '../support/program.ts';

const page = readFileSync(resolve(import.meta.dirname, '../../docs/api.md'), 'utf8');

/** The examples with the status that their last line answers; a mark before them says it where it is not a good one. */
const examples = [...page.matchAll(/(?:<!-- example: ([^>]+) -->\n\n)?```sh\n(.*?)```/gs)].flatMap(([, mark, code]) =>
  mark === 'not run' ? [] : [{ code: code!, refusal: mark === undefined ? null : Number(mark) }],
);

describe('the examples of docs/api.md', { skip: process.platform === 'win32' }, () => {
  test('do what they say, one after the other', { timeout: 120_000 }, async (t) => {
    const server = await ConfigServer.start(t, 'rtmp-port: 0\n');
    const folder = temporaryFolder(t);
    const { user, password } = testCredentials;
    // Each answer's status on a line of its own behind it.
    const curl =
      'curl() { command curl --silent --show-error --max-time 20 --write-out "\\nstatus %{http_code}\\n" "$@"; }';
    const env = { PATH: process.env['PATH'], API: `${server.url}/api/v1`, LOGIN: `${user}:${password}` };
    assert.ok(examples.length > 6);
    for (const { code, refusal } of examples) {
      const script = join(folder, 'example.sh');
      writeFileSync(script, `set -eu\n${curl}\n${code}`);
      const { stdout, stderr, code: exit } = await start(t, 'bash', [script], { cwd: folder, env }).ended;
      assert.equal(exit, 0, `${code}${stderr}`);
      const statuses = [...stdout.matchAll(/^status (\d+)$/gm)].map(([, status]) => Number(status));
      assert.equal(statuses.length, code.match(/^curl /gm)?.length, code);
      for (const status of statuses)
        assert.ok(refusal === null ? status >= 200 && status < 300 : status === refusal, `${code}${stdout}`);
    }
    assert.match(server.text, /video-timeout: 20s # slow radio/);
    assert.match(server.text, /name: South gate/);
  });
});
