import { readU16, readU32 } from '../base/bytes.ts';
import { ConnectionError, type ErrorCode } from '../base/errors.ts';
import { limits } from '../base/limits.ts';
import { walkAggregate } from './aggregate.ts';
import { ChunkDecoder } from './chunk-decoder.ts';
import type { ChunkStream, MessageSink } from './chunk-stream.ts';
import { decodeCommand } from './command.ts';
import { decodeMetadata } from './data-message.ts';
import { ServerHandshake } from './handshake.ts';
import { messageType, userControlEvent } from './message.ts';
import { MessageBodies } from './message-body.ts';
import { route } from './message-route.ts';
import { PublicationRate } from './publication-rate.ts';
import { ServerCommands } from './server-commands.ts';
import { defaultWindow, ServerReplies } from './server-replies.ts';
import { SessionCounters } from './session-counters.ts';
import { SessionDeadlines } from './session-deadlines.ts';
import type { ServerSessionHandler, ServerSessionOptions } from './session-handler.ts';
import { byteMs, unitMs, work } from './session-work.ts';
import { bodyMayBeAvc, codecHeadBytes, mayBeAvc } from './video-codec.ts';
import { VideoGate } from './video-gate.ts';
import type { VideoSink } from './video-sink.ts';

export type { ConnectInfo, PublishRequest } from './server-commands.ts';
export type { ServerSessionHandler, ServerSessionOptions } from './session-handler.ts';
export type { VideoSink } from './video-sink.ts';

/** How far a session is. */
const stage = {
  handshake: 0,
  /** Messages are read. */
  open: 1,
  /** A publish request waits for its answer, and bytes wait with it. */
  asked: 2,
  /** What still comes is dropped. */
  closed: 3,
} as const;

/**
 * One RTMP peer that publishes, as bytes in and bytes, events and deadlines out. Video bodies go from the caller's
 * buffer to the video sink while they arrive; audio is counted; everything else is small and read here.
 */
export class ServerSession implements MessageSink {
  // What every read touches comes first: fields lie in memory as they stand here, and with a thousand connections each
  // line of the cache that a read does not need is worth more than the work that it saves.
  #stage: number = stage.handshake;
  readonly counters = new SessionCounters();
  readonly #gate = new VideoGate();
  readonly #decoder: ChunkDecoder;
  // Numbers with a fraction need a value here: a field that once was undefined gets a new object with each store.
  /** When the newest bytes, and the newest complete video message, came. */
  #nowMs = Number.NaN;
  #videoMs = Number.NEGATIVE_INFINITY;
  #receiving = false;
  /** Done in the last call of `receive`. */
  #work = 0;
  #workBytes = 0;
  #window = defaultWindow;
  #acknowledgedBytes = 0;
  /** A reply may have been written. */
  #answered = false;
  /** A publication was accepted at least once: the strict bounds of a stranger no longer apply. */
  #trusted = false;
  /** See {@link ServerCommands.refusedStreams}. */
  #refusedStreams = 0;
  /** Of the video message that streams through: how many of its {@link codecHeadBytes} came; the first, and those behind it. */
  #codecSeen = 0;
  #codecFirst = 0;
  #codecFourCc = 0;

  readonly #handler: ServerSessionHandler;
  readonly #handshake: ServerHandshake;
  readonly #bodies = new MessageBodies();
  readonly #replies: ServerReplies;
  readonly #commands: ServerCommands;
  readonly #deadlines: SessionDeadlines;
  #ignoredBytes = 0;
  readonly #publications = new PublicationRate();
  /** `#work` when the newest aggregate began. */
  #workBefore = 0;
  /** The body of the message that is about to end, if it lies whole in the caller's buffer. */
  #whole: Buffer | null = null;
  #wholeStart = 0;
  readonly #onTag = (type: number, timestampMs: number, bytes: Buffer, start: number, end: number): boolean =>
    this.#aggregateTag(type, timestampMs, bytes, start, end);

  constructor(handler: ServerSessionHandler, options: ServerSessionOptions) {
    this.#handler = handler;
    this.#nowMs = options.nowMs;
    this.#handshake = new ServerHandshake(options.random, (bytes) => handler.onOutput(bytes));
    this.#decoder = new ChunkDecoder(this, this.counters);
    this.#replies = new ServerReplies((bytes) => handler.onOutput(bytes));
    this.#deadlines = new SessionDeadlines(options, options.nowMs);
    this.#commands = new ServerCommands(this.#replies, this.counters, {
      onConnect: (info) => handler.onConnect(info),
      onPublishRequest: (request) => {
        this.#publications.count(this.#nowMs);
        this.#stage = stage.asked;
        handler.onPublishRequest(request);
      },
      onUnpublish: (cause) => this.#unpublished(cause),
    });
  }

  /**
   * Parses `bytes[start, end)` and returns the offset up to which they were consumed: less than `end` while a publish
   * request waits for its answer (ask `awaitingDecision`), and when so many messages were in them that other connections
   * should have a turn first. The rest must then be given again, first, after that. Throws `ConnectionError` when the
   * connection must end; what was said to `onOutput` before should still be sent. After a rejection, and after an error,
   * bytes are consumed and dropped.
   */
  receive(bytes: Buffer, start: number, end: number, nowMs: number): number {
    if (this.#stage === stage.closed) return end;
    if (this.#stage === stage.asked) return start;
    if (end > start) this.#nowMs = nowMs;
    this.#receiving = true;
    this.#work = 0;
    let at = start;
    try {
      if (this.#stage === stage.handshake) at = this.#shakeHands(bytes, at, end);
      if (this.#stage === stage.open) at = this.#decoder.decode(bytes, at, end);
    } catch (error) {
      this.close();
      this.#replies.flush();
      throw error;
    } finally {
      this.#receiving = false;
    }
    if (this.#stage === stage.closed) at = end;
    this.#workBytes = at - start;
    this.counters.bytesReceived += this.#workBytes;
    if (this.counters.bytesReceived - this.#acknowledgedBytes >= this.#window / 2) this.#acknowledge();
    if (this.#answered) {
      this.#answered = false;
      this.#replies.flush();
    }
    return at;
  }

  #shakeHands(bytes: Buffer, start: number, end: number): number {
    const at = this.#handshake.receive(bytes, start, end);
    if (this.#handshake.done) {
      this.#stage = stage.open;
      this.#deadlines.waitForPublish(this.#nowMs);
    }
    return at;
  }

  /**
   * About how long the last `receive` took, in milliseconds of the processor. Reckoned, not measured: a thread that was not let
   * run for a while must not be taken for a peer that sends too much.
   */
  get costMs(): number {
    return this.#work * unitMs + this.#workBytes * byteMs;
  }

  /** A publish request was handed out and has no answer yet. */
  get awaitingDecision(): boolean {
    return this.#stage === stage.asked;
  }

  /** A publication is live. */
  get publishing(): boolean {
    return this.#commands.publishing;
  }

  /** Answers the waiting publish request: the publication's video goes to `video`. Without a request, nothing happens. */
  acceptPublish(nowMs: number, video: VideoSink): void {
    if (this.#stage === stage.closed || !this.#commands.accept()) return;
    this.#stage = stage.open;
    this.#gate.sink = video;
    this.#trusted = true;
    this.#nowMs = nowMs;
    this.#deadlines.waitForVideo(nowMs);
    if (!this.#receiving) this.#replies.flush();
  }

  /**
   * Answers the waiting publish request with an error status, the same one whatever the reason, so that nobody can probe
   * for paths. Encoders such as OBS do not try again after it: it is for refusals that will not pass, and for others the
   * connection is just closed. The caller closes it within a second, and logs the reason.
   */
  rejectPublish(): void {
    if (this.#stage === stage.closed || !this.#commands.reject()) return;
    this.close();
    if (!this.#receiving) this.#replies.flush();
  }

  /** The connection has ended: the video message that is open, if any, is aborted, and nothing more is read. */
  close(): void {
    if (this.#stage === stage.closed) return;
    this.#stage = stage.closed;
    this.#decoder.pause();
    this.#gate.close();
  }

  /** When `expired` must be asked next, monotonic ms. It moves later while bytes arrive, so ask again then. */
  get deadlineMs(): number {
    return this.#deadlines.nextMs(this.#nowMs, this.#videoMs);
  }

  /** Why the connection must end at `nowMs`, or null. */
  expired(nowMs: number): ErrorCode | null {
    return this.#deadlines.expired(nowMs, this.#nowMs, this.#videoMs);
  }

  /** Part of {@link MessageSink}, for the chunk decoder. */
  begin(stream: ChunkStream): void {
    const { type, length } = stream;
    if (!this.#trusted && length > limits.rtmp.messageBytesBeforePublish)
      throw new ConnectionError('message_too_large', `${length} bytes before publishing`);
    if (type === messageType.commandAmf0 || type === messageType.commandAmf3) stream.route = route.command;
    else if (type >= messageType.setChunkSize && type <= messageType.setPeerBandwidth) stream.route = route.control;
    else {
      const isWanted = this.#gate.hasSink && (this.#refusedStreams === 0 || !this.#isRefused(stream));
      stream.route = isWanted ? this.#routeOfMedia(stream) : route.ignore;
      return;
    }
    if (length > limits.rtmp.commandBytes)
      throw new ConnectionError('message_too_large', `${length} bytes, type ${type}`);
  }

  /** Part of {@link MessageSink}, for the chunk decoder. */
  append(stream: ChunkStream, bytes: Buffer, start: number, end: number): void {
    if (stream.route === route.video) {
      if (this.#codecSeen < codecHeadBytes) this.#lookForCodec(bytes, start, end);
      this.#gate.append(bytes, start, end);
    } else if (stream.route >= route.laterVideo) {
      if (end - start === stream.length) {
        this.#whole = bytes;
        this.#wholeStart = start;
      } else {
        this.#bodies.append(stream, bytes, start, end, this.#gate.waitingBytes);
      }
    } else if (stream.route === route.ignore && !this.#trusted) {
      this.#ignoredBytes += end - start;
      if (this.#ignoredBytes > limits.rtmp.ignoredBytesBeforePublish)
        throw new ConnectionError('ignored_bytes_exceeded');
    }
  }

  /** Part of {@link MessageSink}, for the chunk decoder. */
  end(stream: ChunkStream): void {
    this.counters.messages++;
    this.#spend(1);
    switch (stream.route) {
      case route.video:
        this.#spend(work.video + this.#gate.end(this.#nowMs));
        this.#countVideo(stream.length, mayBeAvc(this.#codecFirst, this.#codecFourCc, this.#codecSeen));
        return;
      case route.audio:
        this.counters.audioMessages++;
        this.counters.audioBytes += stream.length;
        return;
      case route.ignore:
        this.counters.ignoredMessages++;
        return;
      case route.skip:
        return;
      default:
        this.#endGathered(stream);
    }
  }

  /** Part of {@link MessageSink}, for the chunk decoder. */
  abort(stream: ChunkStream): void {
    if (stream.route === route.video) this.#spend(this.#gate.abort(this.#nowMs));
    else this.#bodies.release(stream);
    stream.route = route.skip;
  }

  /** Peers that send what costs much and weighs little must not hold the thread: see {@link receive}. */
  #spend(units: number): void {
    this.#work += units;
    if (this.#work >= limits.rtmp.workPerTurn) this.#decoder.pause();
  }

  /** It belongs to a second publication of this connection: its pictures must not get between those of the first. */
  #isRefused({ messageStreamId }: ChunkStream): boolean {
    return messageStreamId <= limits.rtmp.messageStreams && (this.#refusedStreams & (1 << messageStreamId)) !== 0;
  }

  #routeOfMedia(stream: ChunkStream): number {
    switch (stream.type) {
      case messageType.video:
        if (this.#gate.open) return route.laterVideo;
        this.#codecSeen = 0;
        this.#gate.begin(stream.timestamp, stream.length, this.#nowMs);
        return route.video;
      case messageType.audio:
        return route.audio;
      case messageType.aggregate:
        return route.aggregate;
      case messageType.dataAmf0:
      case messageType.dataAmf3:
        this.counters.dataMessages++;
        if (stream.length <= limits.rtmp.commandBytes) return route.data;
        this.counters.malformedData++;
        return route.skip;
      case messageType.sharedObjectAmf0:
      case messageType.sharedObjectAmf3:
        return route.skip;
      default:
        // GPS dashcams send type 0, others their own inventions.
        this.counters.unknownMessages++;
        return route.skip;
    }
  }

  #endGathered(stream: ChunkStream): void {
    this.#answered = true;
    const body = this.#whole ?? stream.body ?? noBody;
    const start = this.#whole === null ? 0 : this.#wholeStart;
    const end = start + (this.#whole === null ? stream.bodyLength : stream.length);
    this.#whole = null;
    try {
      this.#dispatch(stream, body, start, end);
    } finally {
      this.#bodies.release(stream);
    }
  }

  #dispatch(stream: ChunkStream, bytes: Buffer, start: number, end: number): void {
    switch (stream.route) {
      case route.laterVideo:
        this.#deliverVideo(stream.timestamp, bytes, start, end);
        return;
      case route.aggregate:
        this.#workBefore = this.#work;
        if (!walkAggregate(bytes, start, end, stream.timestamp, this.#onTag)) this.counters.malformedAggregates++;
        return;
      case route.data:
        this.#data(bytes, stream.type, start, end, stream.timestamp);
        return;
      case route.command: {
        // Type 17 has a format byte in front, which is 0 (and a string's marker is not).
        const skipped = stream.type === messageType.commandAmf3 && end > start && bytes[start] === 0 ? 1 : 0;
        this.#spend(work.command + Math.ceil((end - start) / work.dataBytesPerUnit));
        this.#commands.receive(decodeCommand(bytes, start + skipped, end), stream.messageStreamId);
        this.#refusedStreams = this.#commands.refusedStreams;
        if (this.#stage !== stage.open) this.#decoder.pause();
        return;
      }
      case route.control:
        this.#control(stream.type, bytes, start, end - start);
        return;
      default:
        return;
    }
  }

  #data(bytes: Buffer, type: number, start: number, end: number, timestampMs: number): void {
    const skipped = type === messageType.dataAmf3 && end > start && bytes[start] === 0 ? 1 : 0;
    this.#spend(work.data + Math.ceil((end - start) / work.dataBytesPerUnit));
    const values = decodeMetadata(bytes, start + skipped, end, this.counters);
    if (values !== null) this.#handler.onMetadata(values, timestampMs);
  }

  /** Returns false for video that is left out: an aggregate is walked in one go, whatever it costs. */
  #aggregateTag(type: number, timestampMs: number, bytes: Buffer, start: number, end: number): boolean {
    if (type === messageType.video) {
      if (this.#work - this.#workBefore >= limits.rtmp.workPerMessage) return false;
      this.#deliverVideo(timestampMs, bytes, start, end);
    } else if (type === messageType.audio) {
      this.counters.audioMessages++;
      this.counters.audioBytes += end - start;
    } else if (type === messageType.dataAmf0 && end - start <= limits.rtmp.commandBytes) {
      this.counters.dataMessages++;
      // Nobody needs more metadata than the newest of a second or so.
      if (this.#work < limits.rtmp.workPerTurn) this.#data(bytes, type, start, end, timestampMs);
    }
    return true;
  }

  #deliverVideo(timestampMs: number, bytes: Buffer, start: number, end: number): void {
    this.#spend(work.video + this.#gate.deliver(timestampMs, bytes, start, end, this.#nowMs));
    this.#countVideo(end - start, bodyMayBeAvc(bytes, start, end));
  }

  /** The bytes that tell the codec may come one by one, though they nearly always come together. */
  #lookForCodec(bytes: Buffer, start: number, end: number): void {
    if (this.#codecSeen === 0 && end - start >= codecHeadBytes) {
      this.#codecSeen = codecHeadBytes;
      this.#codecFirst = bytes[start]!;
      this.#codecFourCc = readU32(bytes, start + 1) | 0;
      return;
    }
    for (let at = start; at < end && this.#codecSeen < codecHeadBytes; at++, this.#codecSeen++) {
      if (this.#codecSeen === 0) this.#codecFirst = bytes[at]!;
      else this.#codecFourCc = (this.#codecFourCc << 8) | bytes[at]!;
    }
  }

  #countVideo(length: number, isAvc: boolean): void {
    this.counters.videoMessages++;
    this.counters.videoBytes += length;
    if (length === 0) this.counters.emptyVideoMessages++;
    // Other codecs do not keep a publisher alive, and neither does a message that only trickles in.
    if (isAvc) this.#videoMs = this.#nowMs;
  }

  #unpublished(cause: 'FCUnpublish' | 'closeStream' | 'deleteStream'): void {
    this.#gate.close();
    // What is half received belongs to the publication that has just ended, also if another one follows at once.
    this.#decoder.reroute(route.video, route.skip);
    for (const gathered of [route.laterVideo, route.data, route.aggregate])
      this.#decoder.reroute(gathered, route.discard);
    this.#deadlines.waitForAnother(this.#nowMs);
    this.#handler.onUnpublish(cause);
  }

  /** Protocol control and user control messages (RTMP 1.0, clauses 5.4 and 7.1.7), on whatever chunk stream. */
  #control(type: number, bytes: Buffer, at: number, length: number): void {
    if (length < 4 || (type === messageType.userControl && length < 6)) {
      if (type === messageType.setChunkSize || type === messageType.abort)
        throw new ConnectionError('control_malformed');
      // A user control event needs its two bytes and most have four more; nothing of ours depends on the short ones.
      this.counters.shortControlMessages++;
      return;
    }
    const value = readU32(bytes, at);
    switch (type) {
      case messageType.setChunkSize:
        // The first bit must be zero (clause 5.4.1); sizes beyond any message's length mean just that.
        if (value === 0 || value > 0x7fffffff) throw new ConnectionError('chunk_size_invalid', String(value));
        this.#decoder.chunkSize = value;
        return;
      case messageType.abort:
        this.#decoder.abort(value);
        return;
      case messageType.windowAcknowledgementSize:
        this.#window = Math.max(value, limits.rtmp.minAcknowledgementWindow);
        return;
      case messageType.setPeerBandwidth:
        this.#commands.peerBandwidth(value);
        return;
      case messageType.userControl:
        if (readU16(bytes, at) === userControlEvent.pingRequest) this.#replies.pingResponse(readU32(bytes, at + 2));
        return;
      default:
        // Acknowledgement: what the peer has received of us decides nothing.
        return;
    }
  }

  #acknowledge(): void {
    this.#answered = true;
    this.#acknowledgedBytes = this.counters.bytesReceived;
    this.counters.acknowledgementsSent++;
    this.#replies.acknowledgement(this.counters.bytesReceived);
  }
}

const noBody = Buffer.alloc(0);
