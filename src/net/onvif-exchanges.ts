import type { IncomingMessage, ServerResponse } from 'node:http';
import type { TLSSocket } from 'node:tls';
import { plainAddress } from '../base/address.ts';
import type { Clock } from '../base/clock.ts';
import { limits } from '../base/limits.ts';
import {
  type LaterOnvifAnswer,
  type OnvifAnswer,
  type OnvifDispatcher,
  type OnvifRequest,
  refusal,
} from '../onvif/onvif-dispatcher.ts';
import { originOf } from '../onvif/origin.ts';
import { limitAnswerTime } from './answer-deadline.ts';
import { headerText } from './header-text.ts';
import type { OnvifJournal } from './onvif-journal.ts';

/** Brings the HTTP requests of one device to its dispatcher, complete, and the answers back, at once or when their time comes. */
export class OnvifExchanges {
  readonly #dispatcher: OnvifDispatcher;
  readonly #journal: OnvifJournal;
  readonly #clock: Clock;

  constructor(dispatcher: OnvifDispatcher, journal: OnvifJournal, clock: Clock) {
    this.#dispatcher = dispatcher;
    this.#journal = journal;
    this.#clock = clock;
  }

  /** One request to the device at `port`, from its head to its answer. */
  serve(request: IncomingMessage, response: ServerResponse, port: number): void {
    if (Number(request.headers['content-length'] ?? 0) > limits.onvif.bodyBytes) {
      this.#tooLarge(request, response);
      return;
    }
    const chunks: Buffer[] = [];
    let length = 0;
    request.on('data', (chunk: Buffer) => {
      length += chunk.length;
      if (length <= limits.onvif.bodyBytes) chunks.push(chunk);
      else if (!response.headersSent) this.#tooLarge(request, response);
    });
    request.on('end', () => {
      if (response.headersSent) return;
      const answer = this.#dispatcher.handle(requestOf(request, Buffer.concat(chunks), port));
      if ('status' in answer) this.#send(request, response, answer);
      else this.#sendLater(request, response, answer);
    });
  }

  /** What follows is not read any more. */
  #tooLarge(request: IncomingMessage, response: ServerResponse): void {
    request.pause();
    response.setHeader('Connection', 'close');
    response.once('finish', () => request.socket.destroySoon());
    this.#send(request, response, refusal(413, 'the request is too large'));
  }

  #sendLater(request: IncomingMessage, response: ServerResponse, later: LaterOnvifAnswer): void {
    let timer: NodeJS.Timeout | null = null;
    let open = true;
    const finish = (answer: OnvifAnswer | null): void => {
      if (!open) return;
      open = false;
      if (timer !== null) clearTimeout(timer);
      if (answer !== null) this.#send(request, response, answer);
    };
    const arm = (): void => {
      const nowMs = this.#clock.nowMs();
      if (nowMs >= later.deadlineMs) finish(later.expire(nowMs));
      else timer = setTimeout(arm, Math.ceil(later.deadlineMs - nowMs));
    };
    later.onAnswer = finish;
    response.once('close', () => {
      if (open) later.cancel();
      finish(null);
    });
    arm();
  }

  #send({ socket }: IncomingMessage, response: ServerResponse, answer: OnvifAnswer): void {
    const address = plainAddress(socket.remoteAddress ?? '');
    if (answer.problem !== null) this.#journal.answered(answer, address);
    if (response.destroyed) return;
    limitAnswerTime(response, socket, limits.onvif.writeStallMs, (reason) => this.#journal.refused(reason, address));
    response.writeHead(answer.status, {
      ...(answer.headers as Record<string, string | string[]>),
      'Content-Length': Buffer.byteLength(answer.body),
      'Cache-Control': 'no-store',
    });
    response.end(answer.body);
  }
}

function requestOf(
  { method = '', url = '', headers, socket }: IncomingMessage,
  body: Buffer,
  port: number,
): OnvifRequest {
  const localAddress = plainAddress(socket.localAddress ?? '127.0.0.1');
  const secure = (socket as Partial<TLSSocket>).encrypted === true;
  return {
    method,
    target: url,
    authorization: headerText(headers.authorization),
    body,
    address: plainAddress(socket.remoteAddress ?? ''),
    localAddress,
    origin: originOf(headers.host, secure, localAddress, port),
  };
}
