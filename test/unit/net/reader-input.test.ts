import assert from 'node:assert/strict';
import type { Socket } from 'node:net';
import { describe, it } from 'node:test';
import { limits } from '../../../src/base/limits.ts';
import { ReadTurns } from '../../../src/net/read-turns.ts';
import { ReaderInput } from '../../../src/net/reader-input.ts';

/** A reader whose every byte costs a tenth of a millisecond. */
class Scene {
  nowMs = 1000;
  reading = true;
  received = '';
  stranger = false;
  readonly #due: (() => void)[] = [];
  readonly input: ReaderInput;

  constructor() {
    const socket = {
      pause: () => {
        this.reading = false;
      },
      resume: () => {
        this.reading = true;
      },
    } as unknown as Socket;
    const clock = { nowMs: () => this.nowMs, wallMs: () => 0 };
    this.input = new ReaderInput({
      ...{ address: '192.0.2.1', clock },
      turns: new ReadTurns(clock, (callback) => void this.#due.push(callback)),
      socket: () => socket,
      isStranger: () => this.stranger,
      deliver: (bytes) => {
        this.received += bytes.toString();
        this.nowMs += bytes.length / 10;
      },
    });
  }

  get waiting(): boolean {
    return this.#due.length > 0;
  }

  tick(): void {
    this.nowMs += limits.turns.everyMs;
    this.#due.shift()!();
  }
}

describe('the input of a reader', () => {
  it('one request is parsed at once', () => {
    const scene = new Scene();
    scene.input.receive(Buffer.from('OPTIONS'));
    assert.equal(scene.received, 'OPTIONS');
    assert.ok(scene.reading);
    assert.ok(!scene.waiting);
  });

  it('a flood is parsed in parts, in order and completely, and nothing is read meanwhile', () => {
    const scene = new Scene();
    const flood = Array.from({ length: 4000 }, (_, i) => `<${i}>`).join('');
    scene.input.receive(Buffer.from(flood));
    assert.ok(scene.received.length < flood.length);
    assert.ok(!scene.reading);
    scene.input.receive(Buffer.from('what TLS had deciphered'));
    for (let turns = 0; scene.waiting; turns++) {
      assert.ok(turns < 100);
      assert.ok(!scene.reading);
      scene.tick();
    }
    assert.equal(scene.received, `${flood}what TLS had deciphered`);
    assert.ok(scene.reading);
  });

  it('dear work is done at once by the first, and by the next when its turn comes', () => {
    const scene = new Scene();
    let done = 0;
    const work = (): void => {
      done++;
      scene.nowMs += limits.turns.sliceMs;
    };
    scene.input.defer(work);
    assert.equal(done, 1);
    scene.input.defer(work);
    assert.equal(done, 1);
    scene.tick();
    assert.equal(done, 2);
  });

  it('a stranger is served again when the time of all strangers is not used up', () => {
    const scene = new Scene();
    scene.stranger = true;
    const request = 'x'.repeat(10 * limits.turns.sliceMs);
    scene.input.receive(Buffer.from(request));
    scene.input.receive(Buffer.from('OPTIONS'));
    assert.equal(scene.received, request);
    assert.ok(!scene.reading);
    scene.tick();
    assert.equal(scene.received, `${request}OPTIONS`);
    assert.ok(scene.reading);
    scene.stranger = false;
    scene.input.receive(Buffer.from('PLAY'));
    assert.equal(scene.received, `${request}OPTIONSPLAY`);
  });

  it('nothing is parsed or done after the end', () => {
    const scene = new Scene();
    scene.input.receive(Buffer.alloc(5000, 'x'));
    const { length } = scene.received;
    scene.input.close();
    scene.tick();
    assert.equal(scene.received.length, length);
    assert.ok(!scene.waiting);
  });
});
