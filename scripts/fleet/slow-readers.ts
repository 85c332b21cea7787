/**
 * Readers that nobody should have to wait for: each plays a camera, stops reading for a while, reads again, and comes back when
 * the server has cut it off. What they get is not looked at.
 */
import { connect, type Socket } from 'node:net';
import { type Credentials, RtspDialogue } from '../../native-free-bench/system/rtsp-dialogue.ts';
import { SeededRandom } from './seeded-random.ts';

/** Milliseconds that a reader takes nothing, and that it reads between. The longest ones run into the server's own bound. */
const deafMs = [5000, 40_000] as const;
const attentiveMs = [2000, 8000] as const;
const retryMs = 1000;

/** What became of them. */
export interface SlowReaderFigures {
  readonly readers: number;
  /** Times that one stopped reading. */
  readonly pauses: number;
  /** Connections that the server ended. */
  readonly cutOff: number;
  readonly bytes: number;
}

/** All slow readers of a fleet, in the calling thread. */
export class SlowReaders {
  readonly #urls: readonly string[];
  readonly #host: string;
  readonly #port: number;
  readonly #credentials: Credentials;
  readonly #timers = new Set<NodeJS.Timeout>();
  readonly #sockets = new Set<Socket>();
  readonly #buffer = Buffer.allocUnsafeSlow(64 * 1024);
  #pauses = 0;
  #cutOff = 0;
  #bytes = 0;
  #stopped = false;

  constructor(urls: readonly string[], host: string, port: number, credentials: Credentials) {
    this.#urls = urls;
    this.#host = host;
    this.#port = port;
    this.#credentials = credentials;
  }

  start(seed: number): void {
    for (const [index, url] of this.#urls.entries()) this.#play(url, new SeededRandom(seed).fork(index));
  }

  figures(): SlowReaderFigures {
    return { readers: this.#urls.length, pauses: this.#pauses, cutOff: this.#cutOff, bytes: this.#bytes };
  }

  stop(): void {
    this.#stopped = true;
    for (const timer of this.#timers) clearTimeout(timer);
    for (const socket of this.#sockets) socket.destroy();
  }

  #play(url: string, random: SeededRandom): void {
    const dialogue = new RtspDialogue(url, this.#credentials);
    let text = '';
    let playing = false;
    const callback = (length: number): boolean => {
      this.#bytes += length;
      if (playing) return true;
      text += this.#buffer.toString('latin1', 0, length);
      try {
        text = this.#answer(text, dialogue, socket);
      } catch {
        socket.destroy();
        return false;
      }
      playing = dialogue.playing;
      if (playing) this.#later(random.between(...attentiveMs), () => this.#pause(socket, dialogue, random));
      return true;
    };
    const socket = connect({ host: this.#host, port: this.#port, onread: { buffer: this.#buffer, callback } });
    this.#sockets.add(socket);
    socket.on('connect', () => socket.write(dialogue.start()));
    socket.on('error', () => undefined);
    socket.on('close', () => {
      this.#sockets.delete(socket);
      if (this.#stopped) return;
      if (playing) this.#cutOff++;
      this.#later(retryMs, () => this.#play(url, random));
    });
  }

  /** Takes whole responses from the front of `text`, returns the rest. */
  #answer(text: string, dialogue: RtspDialogue, socket: Socket): string {
    let rest = text;
    for (;;) {
      const headEnd = rest.indexOf('\r\n\r\n');
      if (headEnd < 0 || dialogue.playing) return rest;
      const head = rest.slice(0, headEnd);
      const end = headEnd + 4 + Number(/^content-length:\s*(\d+)/im.exec(head)?.[1] ?? 0);
      if (rest.length < end) return rest;
      const request = dialogue.onResponse(head, rest.slice(headEnd + 4, end));
      if (request !== null) socket.write(request);
      rest = rest.slice(end);
    }
  }

  #pause(socket: Socket, dialogue: RtspDialogue, random: SeededRandom): void {
    if (socket.destroyed) return;
    this.#pauses++;
    socket.pause();
    this.#later(random.between(...deafMs), () => {
      if (socket.destroyed) return;
      socket.resume();
      socket.write(dialogue.keepAlive());
      this.#later(random.between(...attentiveMs), () => this.#pause(socket, dialogue, random));
    });
  }

  #later(ms: number, action: () => void): void {
    const timer = setTimeout(() => {
      this.#timers.delete(timer);
      if (!this.#stopped) action();
    }, ms);
    this.#timers.add(timer);
  }
}
