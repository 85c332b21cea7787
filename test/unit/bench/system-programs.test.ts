import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import {
  ensureProgram,
  ensurePrograms,
  findProgram,
  type ProgramHost,
  ProgramMissingError,
} from '../../../scripts/tools/system-programs.ts';

/** A machine made of a set of commands that work; `apt-get install` adds what `brings` says. */
class FakeHost implements ProgramHost {
  readonly isRoot: boolean;
  readonly said: string[] = [];
  readonly calls: string[] = [];
  readonly #working: Set<string>;
  readonly #brings: readonly string[];

  constructor(working: readonly string[], options: { root?: boolean; brings?: readonly string[] } = {}) {
    this.#working = new Set(working);
    this.isRoot = options.root ?? false;
    this.#brings = options.brings ?? [];
  }

  async run(command: string, args: readonly string[]): Promise<{ code: number; output: string }> {
    const line = [command, ...args].join(' ');
    this.calls.push(line);
    if (command === 'apt-get') {
      if (!this.#working.has('apt-get')) return { code: 127, output: '' };
      if (args[0] === 'install') for (const one of this.#brings) this.#working.add(one);
      return { code: 0, output: '' };
    }
    if (command === 'ffmpeg' && args.includes('-encoders'))
      return { code: 0, output: this.#working.has('libx264') ? ' V libx264' : '' };
    if (command === 'gst-inspect-1.0' || command === 'test')
      return { code: this.#working.has(args.at(-1)!) ? 0 : 1, output: '' };
    return { code: this.#working.has(command) ? 0 : 127, output: '' };
  }

  say(line: string): void {
    this.said.push(line);
  }

  get installs(): string[] {
    return this.calls.filter((call) => call.startsWith('apt-get install'));
  }
}

describe('system programs', () => {
  test('a program that is there is used without asking apt', async () => {
    const host = new FakeHost(['ffprobe', 'apt-get'], { root: true });
    assert.equal(await ensureProgram('ffprobe', host), 'ffprobe');
    assert.deepEqual(host.installs, []);
    assert.deepEqual(host.said, []);
  });

  test('as root on Debian it is installed after one update, with a line of progress', async () => {
    const host = new FakeHost(['apt-get'], { root: true, brings: ['ffmpeg', 'libx264'] });
    assert.equal(await ensureProgram('ffmpeg', host), 'ffmpeg');
    assert.deepEqual(
      host.calls.filter((call) => call.startsWith('apt-get') && !call.includes('--version')),
      ['apt-get update', 'apt-get install -y --no-install-recommends ffmpeg'],
    );
    assert.ok(host.said.some((line) => line.includes('installing ffmpeg')));
  });

  test('without root it says the exact command', async () => {
    const host = new FakeHost(['apt-get']);
    await assert.rejects(ensureProgram('nginx-rtmp', host), (error: Error) => {
      assert.ok(error instanceof ProgramMissingError);
      assert.match(error.message, /sudo apt-get update && sudo apt-get install -y nginx-light libnginx-mod-rtmp/);
      return true;
    });
    assert.deepEqual(host.installs, []);
  });

  test('without apt it names the packages', async () => {
    await assert.rejects(ensureProgram('ffmpeg', new FakeHost([], { root: true })), /package manager.*ffmpeg/);
  });

  test('an installed program that lacks a needed part counts as missing', async () => {
    assert.equal(await findProgram('ffmpeg', new FakeHost(['ffmpeg'])), null);
    assert.equal(await findProgram('nginx-rtmp', new FakeHost(['nginx'])), null);
    const host = new FakeHost(['gst-launch-1.0', 'rtspsrc', 'apt-get']);
    await assert.rejects(ensureProgram('gstreamer', host), /GStreamer has no rtmp2sink.*gstreamer1.0-plugins-bad/);
    assert.equal(
      await findProgram('nginx-rtmp', new FakeHost(['nginx', '/usr/lib/nginx/modules/ngx_rtmp_module.so'])),
      'nginx',
    );
  });

  test('an installation that does not help is an error that says so', async () => {
    const host = new FakeHost(['apt-get'], { root: true });
    await assert.rejects(ensureProgram('ffprobe', host), /although ffmpeg were installed/);
  });

  test('several programs come back in the order asked for', async () => {
    assert.deepEqual(await ensurePrograms(['ffprobe', 'ffmpeg'], new FakeHost(['ffmpeg', 'libx264', 'ffprobe'])), [
      'ffprobe',
      'ffmpeg',
    ]);
  });
});
