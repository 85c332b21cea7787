/** One synthetic camera: an RTMP connection that is fed with ready-made frames. */
import { connect, isIP, type Socket } from 'node:net';
import { checkServerIdentity, connect as connectTls } from 'node:tls';
import { type FrameChannel, openChannel } from '../../native-free-bench/system/frame-writer.ts';
import { PublishAnswer } from '../../native-free-bench/system/publish-answer.ts';
import {
  clientHello,
  metadataMessage,
  publishCommands,
  unpublishCommands,
} from '../../native-free-bench/system/rtmp-dialogue.ts';
import type { SyntheticStream } from '../../native-free-bench/system/synthetic-stream.ts';
import { frameNumber } from './frame-book.ts';
import { type EndedRun, type PublisherFigures, type PublisherState, remember, retryMs } from './publishers.ts';

/** Where and how a camera publishes; plain data. */
export interface SyntheticAddress {
  readonly host: string;
  readonly port: number;
  readonly app: string;
  readonly name: string;
  readonly tls: { readonly serverName: string; readonly insecure: boolean } | null;
}

/** A server that leaves this many bytes of a camera in our memory gets no more frames of it for the moment. */
const waitingLimitBytes = 8 * 1024 * 1024;

/** Replies of all cameras are read into this one, and looked at only until the stream has started. */
const readBuffer = Buffer.allocUnsafeSlow(64 * 1024);

export class SyntheticCamera {
  readonly #index: number;
  readonly #address: SyntheticAddress;
  readonly #stream: SyntheticStream;
  readonly #finished: EndedRun[] = [];
  readonly #killed: EndedRun[] = [];
  #socket: Socket | null = null;
  #channel: FrameChannel | null = null;
  #retry: NodeJS.Timeout | null = null;
  #state: PublisherState = 'waiting';
  #wanted = false;
  #run = -1;
  #sentInRun = 0;
  #sent = 0;
  #bytes = 0;
  #notSent = 0;
  #kills = 0;
  #broken = 0;
  #refused = 0;
  #problem = '';

  constructor(index: number, address: SyntheticAddress, stream: SyntheticStream) {
    this.#index = index;
    this.#address = address;
    this.#stream = stream;
  }

  start(): void {
    this.#wanted = true;
    if (this.#socket === null && this.#retry === null) this.#connect();
  }

  /** The connection is gone without a word. */
  kill(): void {
    if (this.#channel !== null) remember(this.#killed, { run: this.#run, sent: this.#sentInRun });
    this.#leave();
    this.#kills++;
    this.#socket?.destroy();
    this.#forget();
  }

  /** Ends the stream in order. */
  stop(): void {
    const live = this.#channel !== null;
    this.#leave();
    const socket = this.#socket;
    if (live) {
      remember(this.#finished, { run: this.#run, sent: this.#sentInRun });
      socket!.write(unpublishCommands(this.#address, this.#stream.shape.chunkSize));
      socket!.end();
    } else socket?.destroy();
    this.#forget();
  }

  /** Sends the next frame, if the stream runs. */
  send(dueUs: number, nowUs: number): void {
    const channel = this.#channel;
    if (channel === null) return;
    if (channel.waiting > waitingLimitBytes) {
      this.#notSent++;
      return;
    }
    const index = this.#sentInRun;
    const template = this.#stream.frame(index);
    const timestampMs = Math.round((1000 * index) / this.#stream.shape.framesPerSecond);
    template.patch(timestampMs, this.#index, frameNumber(this.#run, index), dueUs, nowUs - dueUs);
    this.#sentInRun++;
    this.#sent++;
    this.#bytes += template.bytes.length;
    if (!channel.write(template)) this.#socket!.destroy();
  }

  figures(): PublisherFigures {
    return {
      state: this.#state,
      starts: this.#run + 1,
      kills: this.#kills,
      sent: this.#sent,
      bytes: this.#bytes,
      notSent: this.#notSent,
      broken: this.#broken,
      refused: this.#refused,
      problem: this.#problem,
      finished: [...this.#finished],
      killed: [...this.#killed],
    };
  }

  #leave(): void {
    this.#wanted = false;
    this.#state = 'away';
    if (this.#retry !== null) clearTimeout(this.#retry);
    this.#retry = null;
  }

  #forget(): void {
    this.#socket = null;
    this.#channel = null;
  }

  #connect(): void {
    const { host, port, tls } = this.#address;
    this.#run++;
    this.#sentInRun = 0;
    this.#state = 'starting';
    let answer: PublishAnswer | null = new PublishAnswer();
    const onReply = (length: number): void => {
      if (answer === null) return;
      const step = answer.receive(readBuffer.subarray(0, length));
      if (step === 'greeted') socket.write(publishCommands(this.#address, this.#stream.shape.chunkSize));
      else if (step === 'publishing') {
        answer = null;
        this.#begin(socket, tls !== null);
      } else if (step === 'refused') {
        const { refusal } = answer;
        answer = null;
        socket.destroy(new Error(`the server answered ${refusal}`));
      }
    };
    const onread = {
      buffer: readBuffer,
      callback: (length: number): boolean => {
        onReply(length);
        return true;
      },
    };
    const socket =
      tls === null
        ? connect({ host, port, noDelay: true, onread })
        : connectTls({
            host,
            port,
            rejectUnauthorized: !tls.insecure,
            // Behind a link the certificate is still that of the server; by an address it cannot be asked for.
            ...(isIP(tls.serverName) === 0 && { servername: tls.serverName }),
            checkServerIdentity: (_, certificate) => checkServerIdentity(tls.serverName, certificate),
          });
    if (tls !== null)
      socket.setNoDelay(true).on('data', (bytes: Buffer) => {
        for (let at = 0; at < bytes.length && answer !== null; at += readBuffer.length)
          onReply(bytes.copy(readBuffer, 0, at));
      });
    this.#socket = socket;
    let problem = 'the server closed the connection';
    socket.once(tls === null ? 'connect' : 'secureConnect', () => socket.write(clientHello));
    socket.on('error', (error) => {
      problem = error.message;
    });
    socket.on('close', () => this.#onClose(socket, problem));
  }

  #begin(socket: Socket, encrypted: boolean): void {
    if (this.#socket !== socket) return;
    const { chunkSize, framesPerSecond } = this.#stream.shape;
    socket.write(metadataMessage(chunkSize, framesPerSecond));
    socket.write(this.#stream.header);
    this.#channel = openChannel(socket, encrypted);
    this.#state = 'live';
  }

  #onClose(socket: Socket, problem: string): void {
    if (this.#socket !== socket) return;
    if (this.#channel !== null) this.#broken++;
    else this.#refused++;
    this.#forget();
    this.#problem = problem;
    this.#state = 'starting';
    this.#retry = setTimeout(() => {
      this.#retry = null;
      if (this.#wanted) this.#connect();
    }, retryMs);
  }
}
