/** What one reading connection of a load process says and hears: RTMP, RTSP over TCP, or RTSP with its video over UDP. */
import type { Socket } from 'node:net';
import { ChunkParser } from './chunk-parser.ts';
import type { FrameChecker } from './frame-checker.ts';
import { InterleavedParser } from './interleaved-parser.ts';
import type { ReadOptions } from './load-messages.ts';
import { clientHello, playCommands, serverHelloLength } from './rtmp-dialogue.ts';
import { RtspDialogue } from './rtsp-dialogue.ts';
import { UdpReceiver } from './udp-receiver.ts';

/** All sockets of the process read into this one: what was read is parsed before the next read. */
export const readBuffer = Buffer.allocUnsafe(256 * 1024);

/** One reading connection. */
export interface Conversation {
  /** Sends the first bytes. */
  open(socket: Socket): void;
  /** readBuffer[0, length) arrived at `nowUs`; throws when the target refuses. */
  receive(length: number, nowUs: number): void;
  readonly playing: boolean;
  readonly sequenceGaps: number;
  /** Seconds between keep-alives, 0 for none. */
  readonly keepAliveSeconds: number;
  keepAlive(): void;
  /** Null unless the video comes over UDP. */
  readonly udp: UdpReceiver | null;
}

/** The conversation of reader `reader`, in the protocol that the options ask for. */
export function openConversation(reader: number, checker: FrameChecker, options: ReadOptions): Conversation {
  if (options.protocol === 'rtmp') return new RtmpConversation(reader, checker, options);
  return new RtspConversation(reader, checker, options);
}

class RtmpConversation implements Conversation {
  readonly sequenceGaps = 0;
  readonly keepAliveSeconds = 0;
  readonly udp = null;
  playing = false;
  readonly #commands: Buffer;
  readonly #parser: ChunkParser;
  #socket: Socket | null = null;
  #helloLeft = serverHelloLength;

  constructor(reader: number, checker: FrameChecker, options: ReadOptions) {
    const { app, name } = options.streams[reader % options.streams.length]!;
    this.#commands = playCommands({ app, name, port: options.port });
    this.#parser = new ChunkParser(reader, checker, (front) => {
      const text = front.toString('latin1');
      if (text.includes('NetStream.Play.Start')) this.playing = true;
      else if (/NetStream\.Play\.(Failed|StreamNotFound|Bad)|Connect\.Rejected/.test(text))
        throw new Error('the target refused to play');
    });
  }

  open(socket: Socket): void {
    this.#socket = socket;
    socket.write(clientHello);
  }

  receive(length: number, nowUs: number): void {
    let at = 0;
    if (this.#helloLeft > 0) {
      at = Math.min(this.#helloLeft, length);
      this.#helloLeft -= at;
      if (this.#helloLeft > 0) return;
      this.#socket!.write(this.#commands);
    }
    this.#parser.receive(readBuffer, at, length, nowUs);
  }

  keepAlive(): void {}
}

class RtspConversation implements Conversation {
  readonly udp: UdpReceiver | null;
  readonly #dialogue: RtspDialogue;
  readonly #parser: InterleavedParser;
  #socket: Socket | null = null;

  constructor(reader: number, checker: FrameChecker, options: ReadOptions) {
    const { rtspPath, readPort: port = options.port } = options.streams[reader % options.streams.length]!;
    const { udpSample } = options;
    this.udp = udpSample === undefined ? null : new UdpReceiver(reader, checker, reader < udpSample);
    this.#dialogue = new RtspDialogue(`rtsp://127.0.0.1:${port}${rtspPath}`, options.credentials, () =>
      this.udp === null ? null : this.udp.ports,
    );
    this.#parser = new InterleavedParser(reader, checker, (head, body) => {
      const next = this.#dialogue.onResponse(head, body);
      if (next !== null) this.#socket!.write(next);
    });
  }

  get playing(): boolean {
    return this.#dialogue.playing;
  }

  get sequenceGaps(): number {
    return this.#parser.sequenceGaps + (this.udp?.sequenceGaps ?? 0);
  }

  get keepAliveSeconds(): number {
    return this.#dialogue.timeoutSeconds / 2;
  }

  open(socket: Socket): void {
    this.#socket = socket;
    const begin = () => socket.write(this.#dialogue.start());
    if (this.udp === null) begin();
    else this.udp.open(begin);
  }

  receive(length: number, nowUs: number): void {
    this.#parser.receive(readBuffer, length, nowUs);
  }

  keepAlive(): void {
    this.#socket!.write(this.#dialogue.keepAlive());
  }
}
