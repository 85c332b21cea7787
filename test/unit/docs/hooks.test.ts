import assert from 'node:assert/strict';
import { readFileSync, writeFileSync } from 'node:fs';
import { join, resolve } from 'node:path';
import { describe, test } from 'node:test';
import { eventTitles, eventTypes } from '../../../src/base/event-types.ts';
import { limits } from '../../../src/base/limits.ts';
import { signatureHeader } from '../../../src/base/message-signature.ts';
import { hookKeys } from '../../../src/config/hook-list.ts';
import { hookJson, templateWords } from '../../../src/hooks/hook-event.ts';
import { deathCauses } from '../../../src/status/hook-facts.ts';
import { loadText } from '../../support/config-text.ts';
import { temporaryFolder } from '../../support/media.ts';
import { testCamera } from '../../support/test-camera.ts';

const docs = resolve(import.meta.dirname, '../../../docs');
const page = readFileSync(join(docs, 'hooks.md'), 'utf8');
const monitoring = readFileSync(join(docs, 'monitoring.md'), 'utf8');

function blocks(language: string): string[] {
  return [...page.matchAll(new RegExp(`\`\`\`${language}\\n([\\s\\S]+?)\`\`\``, 'g'))].map((match) => match[1]!);
}

describe('docs/hooks.md', () => {
  test('its check of a signature takes what is signed, and nothing else', async (t) => {
    const file = join(temporaryFolder(t), 'verify.mjs');
    writeFileSync(file, blocks('js')[0]!);
    const { isFromSkyweir } = await import(file);
    const secret = 'correct horse battery staple';
    const body = '{"name":"Größe"}';
    const wallMs = 1_800_000_000_500;
    const header = signatureHeader(secret, body, wallMs)['Skyweir-Signature']!;
    const check = (given: string | undefined, text: string | Buffer = body, key = secret, nowSeconds = wallMs / 1000) =>
      isFromSkyweir(key, { 'skyweir-signature': given }, text, nowSeconds);
    assert.equal(check(header), true);
    assert.equal(check(header, Buffer.from(body)), true);
    assert.equal(check(header, `${body} `), false);
    assert.equal(check(header, body, 'another secret of some length'), false);
    assert.equal(check(header.replace('t=1800000000', 't=1800000001')), false);
    for (const other of ['t=1800000000,v1=00', 't=1800000000', 'v1=00', '', undefined])
      assert.equal(check(other), false);
    assert.equal(check(header, body, secret, wallMs / 1000 + 301), false, 'what was recorded');
    assert.equal(check(header, body, secret, wallMs / 1000 - 301), false);
  });

  test('its examples are configurations', () => {
    for (const [place, example] of blocks('yaml').entries()) {
      const whole = example.startsWith('hooks:')
        ? example
        : `hooks:\n  - url: http://a\n    type: milestone-analytics\n${example}`;
      const { config } = loadText(whole);
      assert.ok(config.hooks.length > 0, String(place));
    }
  });

  test('its message has the fields that messages have', () => {
    const record = { camera: testCamera(), publisher: null, wallMs: 0, reason: null };
    const sent = JSON.parse(hookJson({ id: 'a', type: 'started', record }));
    const [example] = blocks('json').map((text) => JSON.parse(text));
    assert.deepEqual(Object.keys(example), Object.keys(sent));
    assert.deepEqual(Object.keys(example.camera), Object.keys(sent.camera));
  });

  test('names every key, every title of an event, every word of a template and every cause', () => {
    for (const key of hookKeys) assert.match(page, new RegExp(`^\\|[^|]*\`${key}\``, 'm'), key);
    for (const type of eventTypes) {
      assert.ok(page.includes(`\`${eventTitles[type]}\``), type);
      assert.match(monitoring, new RegExp(`^\\|[^|]*\`${type}\``, 'm'), type);
    }
    for (const word of templateWords) assert.ok(page.includes(`\`{${word}}\``), word);
    for (const cause of deathCauses) assert.ok(page.includes(`\`${cause}\``), cause);
  });

  test('its figures are those of the bounds', () => {
    const { events, bytes, parallel, giveUpMs, deadLetterBytes } = limits.hooks;
    assert.ok(page.includes(`${events} events or ${bytes / 1024 / 1024} MiB`));
    assert.ok(page.includes(`at most ${parallel} attempts`));
    assert.ok(page.includes(`Given up after ${giveUpMs / 3_600_000} h`));
    assert.ok(page.replaceAll('\n', ' ').includes(`At ${deadLetterBytes / 1024 / 1024} MiB the file becomes`));
  });
});
