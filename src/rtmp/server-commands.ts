import type { AmfValue } from '../amf0/value.ts';
import { ConnectionError } from '../base/errors.ts';
import { forgetOldest } from '../base/forget-oldest.ts';
import { limits } from '../base/limits.ts';
import type { Command } from './command.ts';
import { defaultWindow, type ServerReplies } from './server-replies.ts';
import type { SessionCounters } from './session-counters.ts';
import { resolveStreamPath, type StreamPath } from './stream-path.ts';

/** What a peer says about itself in `connect`. */
export interface ConnectInfo {
  /** As sent, '' if it was not. */
  readonly flashVer: string;
}

/** A peer wants to publish there. */
export type PublishRequest = StreamPath;

/** Why a publication ended, by the command that ended it. */
export type UnpublishCause = 'FCUnpublish' | 'closeStream' | 'deleteStream';

/** Events of {@link ServerCommands}. */
export interface ServerCommandHandler {
  onConnect(info: ConnectInfo): void;
  onPublishRequest(request: PublishRequest): void;
  onUnpublish(cause: UnpublishCause): void;
}

/**
 * The commands of RTMP 1.0, clause 7.2, and those that encoders send besides. Only `connect` has a place in the order;
 * hardware encoders publish before `createStream`, on stream 0, or on a stream that they never created.
 */
export class ServerCommands {
  readonly #replies: ServerReplies;
  readonly #counters: SessionCounters;
  readonly #handler: ServerCommandHandler;
  /** Bit n: message stream n is created. */
  #createdStreams = 0;
  #connected = false;
  #app: string | null = null;
  #tcUrl = '';
  /** The last name in `releaseStream` or `FCPublish`; OpenIPC's `publish` has none. */
  #announcedName = '';
  #announcedWindow = defaultWindow;
  #request: PublishRequest | null = null;
  #requestStreamId = 0;
  /** Paths that were refused because another one is published, and as bits the message streams that they were to be on. */
  readonly #refusedPaths = new Set<string>();
  #refusedStreams = 0;
  #publishing = false;
  #awaitingDecision = false;

  constructor(replies: ServerReplies, counters: SessionCounters, handler: ServerCommandHandler) {
    this.#replies = replies;
    this.#counters = counters;
    this.#handler = handler;
  }

  get publishing(): boolean {
    return this.#publishing;
  }

  /** Bit n: what comes on message stream n is of another publication than the one that runs, and was refused. */
  get refusedStreams(): number {
    return this.#refusedStreams;
  }

  /** Answers one command. Throws `ConnectionError` when the connection must end. */
  receive(command: Command, messageStreamId: number): void {
    const { name, transaction, wantsReply } = command;
    switch (name) {
      case 'connect':
        this.#connect(command);
        return;
      case 'releaseStream':
        this.#announce(command.arguments[1]);
        if (wantsReply) this.#replies.result(transaction);
        return;
      case 'FCPublish':
        this.#announce(command.arguments[1]);
        if (wantsReply) this.#replies.result(transaction);
        this.#replies.notification('onFCPublish', transaction, 'NetStream.Publish.Start', 'FCPublish');
        return;
      case 'FCSubscribe':
        this.#replies.notification('onFCSubscribe', transaction, 'NetStream.Play.Start', 'FCSubscribe');
        return;
      case 'createStream':
        this.#createStream(command);
        return;
      case 'publish':
        this.#publish(command, messageStreamId);
        return;
      case 'FCUnpublish':
        if (wantsReply) this.#replies.result(transaction);
        if (!this.#isRefused(command.arguments[1])) this.#unpublish('FCUnpublish');
        return;
      case 'closeStream':
        if (!this.#isAnotherStream(messageStreamId)) this.#unpublish('closeStream');
        return;
      case 'deleteStream':
        this.#deleteStream(command.arguments[1]);
        return;
      case 'play':
      case 'play2':
        this.#replies.status(messageStreamId, 'error', 'NetStream.Play.StreamNotFound', 'Streams are read over RTSP.');
        throw new ConnectionError('play_refused');
      case '_checkbw':
      case 'pause':
      case 'seek':
      case 'receiveAudio':
      case 'receiveVideo':
        // Insta360 cameras stall without a reply to each of their commands.
        if (wantsReply) this.#replies.result(transaction);
        return;
      case 'getStreamLength':
        if (wantsReply) this.#replies.result(transaction, 0);
        return;
      case '_result':
      case '_error':
      case 'onStatus':
        return;
      default:
        this.#counters.unknownCommands++;
        if (wantsReply) this.#replies.error(transaction, 'NetConnection.Call.Failed', 'Unknown command.');
    }
  }

  /** Accepts the waiting request; false if there is none. */
  accept(): boolean {
    if (!this.#awaitingDecision) return false;
    this.#awaitingDecision = false;
    this.#publishing = true;
    this.#replies.streamBegin(this.#requestStreamId);
    this.#publishStarted(this.#requestStreamId);
    return true;
  }

  /** Rejects the waiting request; false if there is none. */
  reject(): boolean {
    if (!this.#awaitingDecision) return false;
    this.#awaitingDecision = false;
    this.#publishRejected(this.#requestStreamId);
    return true;
  }

  /** Set Peer Bandwidth is answered only when it changes something, so that two peers cannot answer each other for ever. */
  peerBandwidth(window: number): void {
    if (window === this.#announcedWindow) return;
    this.#announcedWindow = window;
    this.#replies.windowAcknowledgementSize(window);
  }

  #connect({ transaction, arguments: values }: Command): void {
    if (this.#connected) {
      this.#replies.error(transaction, 'NetConnection.Connect.Failed', 'Already connected.');
      throw new ConnectionError('connect_repeated');
    }
    this.#connected = true;
    const properties = values[0] instanceof Map ? values[0] : new Map<string, AmfValue>();
    const app = properties.get('app');
    this.#app = typeof app === 'string' ? app : null;
    this.#tcUrl = text(properties.get('tcUrl'));
    this.#replies.connected(transaction, properties.get('objectEncoding') === 3 ? 3 : 0);
    this.#handler.onConnect({ flashVer: text(properties.get('flashVer')) });
  }

  #announce(name: AmfValue): void {
    if (typeof name === 'string' && name !== '') this.#announcedName = name;
  }

  #createStream({ transaction, wantsReply }: Command): void {
    let id = 1;
    while (this.#isCreated(id)) id++;
    if (id > limits.rtmp.messageStreams) throw new ConnectionError('streams_exceeded');
    this.#createdStreams |= 1 << id;
    if (wantsReply) this.#replies.result(transaction, id);
  }

  #publish({ arguments: values }: Command, messageStreamId: number): void {
    if (!this.#connected) throw new ConnectionError('connect_missing', 'publish');
    // Wirecast was seen sending `false`; whatever is not text is no name.
    const name = text(values[1]) || this.#announcedName;
    const resolved = resolveStreamPath(this.#app, name, this.#tcUrl);
    if (this.#publishing) {
      this.#counters.repeatedPublishes++;
      if (resolved !== null && resolved.path === this.#request?.path) this.#publishStarted(messageStreamId);
      else this.#refuseAnother(resolved, messageStreamId);
      return;
    }
    if (resolved === null) {
      this.#publishRejected(messageStreamId);
      throw new ConnectionError('path_invalid');
    }
    this.#request = resolved;
    this.#requestStreamId = messageStreamId;
    this.#awaitingDecision = true;
    this.#handler.onPublishRequest(resolved);
  }

  /** Some encoders send the pictures of it all the same, for they do not wait for the answer. */
  #refuseAnother(resolved: StreamPath | null, messageStreamId: number): void {
    if (resolved !== null) {
      // The newest stays for longest.
      this.#refusedPaths.delete(resolved.path);
      this.#refusedPaths.add(resolved.path);
      forgetOldest(this.#refusedPaths, limits.rtmp.messageStreams);
    }
    if (this.#isAnotherStream(messageStreamId)) this.#refusedStreams |= 1 << messageStreamId;
    this.#publishRejected(messageStreamId);
  }

  #publishStarted(messageStreamId: number): void {
    this.#takeBackRefusal(messageStreamId);
    this.#replies.status(messageStreamId, 'status', 'NetStream.Publish.Start', 'Publishing.');
  }

  /** The same words for every reason: a stream path can be a key, so which ones exist is nobody's business. */
  #publishRejected(messageStreamId: number): void {
    this.#replies.status(messageStreamId, 'error', 'NetStream.Publish.BadName', 'Publish rejected.');
  }

  #unpublish(cause: UnpublishCause): void {
    if (!this.#publishing) return;
    this.#publishing = false;
    this.#request = null;
    this.#refusedPaths.clear();
    this.#refusedStreams = 0;
    // A stream that is deleted has no status any more, and its owner has mostly hung up already.
    if (cause !== 'deleteStream')
      this.#replies.status(this.#requestStreamId, 'status', 'NetStream.Unpublish.Success', 'Stopped publishing.');
    this.#handler.onUnpublish(cause);
  }

  /** GStreamer's rtmp2sink sends the stream id as text. */
  #deleteStream(argument: AmfValue): void {
    const id = typeof argument === 'string' ? Number.parseInt(argument, 10) : argument;
    const isAnother = typeof id === 'number' && this.#isAnotherStream(id);
    if (typeof id === 'number' && this.#isCreated(id)) {
      this.#takeBackRefusal(id);
      this.#createdStreams &= ~(1 << id);
    }
    if (!isAnother) this.#unpublish('deleteStream');
  }

  /** Another stream than the one that is published on; encoders that publish on any number close and delete any number. */
  #isAnotherStream(id: number): boolean {
    return id !== this.#requestStreamId && this.#isCreated(id) && this.#isCreated(this.#requestStreamId);
  }

  /** Whether the name is of a second publication, which was refused: the one that runs goes on. */
  #isRefused(name: AmfValue): boolean {
    if (this.#refusedPaths.size === 0 || typeof name !== 'string') return false;
    const resolved = resolveStreamPath(this.#app, name, this.#tcUrl);
    return resolved !== null && this.#refusedPaths.has(resolved.path);
  }

  #takeBackRefusal(messageStreamId: number): void {
    if (this.#isCreated(messageStreamId)) this.#refusedStreams &= ~(1 << messageStreamId);
  }

  #isCreated(id: number): boolean {
    return id >= 1 && id <= limits.rtmp.messageStreams && (this.#createdStreams & (1 << id)) !== 0;
  }
}

function text(value: AmfValue): string {
  return typeof value === 'string' ? value : '';
}
