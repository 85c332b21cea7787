import type { MessagePort } from 'node:worker_threads';
import type { ErrorCode } from '../base/errors.ts';

/**
 * Every message that crosses a thread border. Each port carries one union in each direction, named after the threads at
 * its ends. Frames go through the rings and never travel this way, but for those of live previews.
 */

/** A camera as the configuration names it; its index is its identity in all shared memory. */
export interface Camera {
  readonly index: number;
  readonly name: string;
  /** Stream path that publishers push to, with a leading slash, in the case the configuration gives. */
  readonly path: string;
  /** What readers pull from: the same, unless two listeners have cameras of one path. */
  readonly rtspPath: string;
  /** Key of the listener that its publishers connect to. */
  readonly listener: string;
  /** Place of its hardware in the list of hardware. */
  readonly hardware: number;
  /** Which channel of its ONVIF device it is, from 1. */
  readonly channel: number;
  /** Its offline card says where to publish to; otherwise it is plain grey. */
  readonly offlineInfo: boolean;
}

/** How a thread logs: decided once in the main thread and handed to the workers as plain data. */
export interface LogOptions {
  /** A level of pino, or `silent`. */
  readonly level: string;
  readonly format: 'pretty' | 'json';
  /** Only for `pretty`; absent is without colours. */
  readonly colour?: boolean;
  /** Texts that must never be seen in a log, such as the RTSP password. */
  readonly secrets?: readonly string[];
}

/** Who is at the other end of a socket, noted when it was accepted. */
export interface Peer {
  /** Unique in this process, for logs: `r17` for RTMP, `s17` for RTSP. */
  readonly id: string;
  readonly address: string;
  readonly port: number;
}

// ---- workerData ----------------------------------------------------------------------------------------------------

/** What an ingest worker is started with; the same object for every worker of the pool. */
export interface IngestBoot {
  readonly log: LogOptions;
  /** Of threads that pictures pass through; see `thread-priority.ts`. */
  readonly priority: number;
  /** One {@link Doorbell} memory per consumer. */
  readonly doorbells: readonly SharedArrayBuffer[];
  /** {@link StreamCounters} memory. */
  readonly counters: SharedArrayBuffer;
  /** {@link WorkerLoads} memory. */
  readonly loads: SharedArrayBuffer;
  /** {@link TlsMaterialBoard} memory; null where no listener speaks TLS. */
  readonly tls: SharedArrayBuffer | null;
}

/** What the acceptor is started with. */
export interface AcceptorBoot {
  readonly log: LogOptions;
  readonly host: string;
  readonly listen: ListenOptions;
  readonly ingestWorkers: number;
  /** URL of the file an ingest worker starts with. */
  readonly ingestEntry: string;
  readonly ingest: IngestBoot;
}

/** What the acceptor listens for, and whom it lets in. */
export interface ListenOptions {
  readonly listeners: readonly ListenerOptions[];
  readonly rtsp: PortRequest;
  /** Addresses and networks that may publish; empty is all. */
  readonly allowIp: readonly string[];
  /** Addresses and networks that may not. */
  readonly denyIp: readonly string[];
  /** Of publishers' connections from now on. */
  readonly timeouts: PublisherTimeouts;
}

/** A port that is wanted. */
export interface PortRequest {
  /** The same for as long as the same port is meant: one that is open under this key stays open. */
  readonly key: string;
  /** 0 is any free one. */
  readonly port: number;
}

/** A listener for publishers; `key` is also the one that cameras name. */
export interface ListenerOptions extends PortRequest {
  readonly tls: boolean;
  /** A second port for the same cameras, for RTMPS; null is none. */
  readonly rtmps: PortRequest | null;
  readonly admission: AdmissionOptions;
}

/** The ports in use of a listener. */
export interface ListenerPorts {
  readonly key: string;
  readonly rtmp: number;
  readonly rtmps: number | null;
}

/** The deadlines of a publisher's connection. */
export interface PublisherTimeouts {
  readonly handshakeMs: number;
  readonly publishMs: number;
  readonly videoMs: number;
  readonly receiveMs: number;
}

export interface AdmissionOptions {
  readonly maxConnections: number;
  /** 0 = no limit. */
  readonly maxConnectionsPerIp: number;
  /** New connections per second and address; 0 = no limit. */
  readonly ratePerSecond: number;
}

/** What a consumer is started with. */
export interface ConsumerBoot {
  readonly log: LogOptions;
  /** Of threads that pictures pass through; see `thread-priority.ts`. */
  readonly priority: number;
  /** Which consumer this is: its doorbell, its reader slot in every ring, its column of reader counters. */
  readonly index: number;
  readonly cameras: readonly Camera[];
  readonly doorbell: SharedArrayBuffer;
  readonly counters: SharedArrayBuffer;
  /** {@link WorkerLoads} memory. */
  readonly loads: SharedArrayBuffer;
  /** {@link ReaderTally} memory. */
  readonly readerTally: SharedArrayBuffer;
  /** Rings that exist already, by camera index; a consumer that replaces a failed one finds them here. */
  readonly rings: readonly (SharedArrayBuffer | null)[];
  readonly host: string;
  /** RTSP credentials, null when authentication is off. */
  readonly credentials: { readonly user: string; readonly password: string } | null;
  readonly digestSha256: boolean;
  /** RTP payload bytes of a packet over UDP. */
  readonly packetBytes: number;
  /** The same over TCP. */
  readonly tcpPacketBytes: number;
  readonly gopCache: boolean;
  /** By camera index: it has a publisher at this moment. Changes follow as messages. */
  readonly live: readonly boolean[];
  /** Product and version, for people. */
  readonly product: string;
  /** Name of the channel on which the consumers of this server talk about tunnels; null when there is only one. */
  readonly tunnelChannel: string | null;
  /** What ONVIF ports show that they pipe tunnels into the RTSP port; see `pipe-greeting.ts`. */
  readonly pipePass: string;
  /** {@link TlsMaterialBoard} memory; null where there is no certificate, and readers cannot use TLS. */
  readonly tls: SharedArrayBuffer | null;
}

/** Where publishers of a listener's cameras push to, as far as a URL tells. */
export interface PublishAddress {
  /** Key of the listener. */
  readonly listener: string;
  readonly scheme: 'rtmp' | 'rtmps';
  readonly port: number;
}

// ---- acceptor ------------------------------------------------------------------------------------------------------

export type AcceptorToMain =
  /** All ports that were asked for are open, and no other. */
  | { readonly type: 'listening'; readonly listeners: readonly ListenerPorts[]; readonly rtspPort: number }
  /** A port could not be opened; those that were open before still are, and no other. */
  | { readonly type: 'listen_failed'; readonly flag: string; readonly port: number; readonly code: string }
  /** An ingest worker has started; `port` reaches it until it ends ({@link IngestToMain}). */
  | { readonly type: 'ingest'; readonly port: MessagePort }
  /** An ingest worker died; it is replaced. */
  | { readonly type: 'worker_failed' }
  /** New connections that were refused since the last such message, one a second at most. */
  | { readonly type: 'rejected'; readonly rejections: readonly Rejections[] }
  | { readonly type: 'stopped' };

/** How many new connections a listener refused for a reason. */
export interface Rejections {
  /** Key of the listener, null for that of readers. */
  readonly listener: string | null;
  readonly reason: ErrorCode;
  readonly count: number;
  /** How many of them were whose; not all, if there are many addresses. */
  readonly addresses?: readonly (readonly [address: string, count: number])[];
}

export type MainToAcceptor =
  /** A consumer is ready for sockets; a port for an index that is known replaces it. */
  | { readonly type: 'consumer'; readonly index: number; readonly port: MessagePort }
  /** From now on this. Answered by `listening` or `listen_failed`. */
  | { readonly type: 'listen'; readonly listen: ListenOptions }
  /** Close the listeners, refuse new connections, let the pool end. */
  | { readonly type: 'stop' };

/** A reader's fresh socket; `socket` is in the transfer list. */
export type AcceptorToConsumer = { readonly type: 'reader'; readonly socket: unknown; readonly peer: Peer };

export type ConsumerToAcceptor =
  /** Readers that an acceptor gave which has failed: they are still here, and will be `closed` like others. */
  | { readonly type: 'kept'; readonly ids: readonly string[] }
  /** The consumer is done with a reader's socket. */
  | { readonly type: 'closed'; readonly id: string };

/** The Piscina task of one publisher's connection; `socket` is in the transfer list. */
export interface IngestTask extends Newcomer {
  readonly socket: unknown;
  /** The peer has to start TLS. */
  readonly tls: boolean;
  readonly timeouts: PublisherTimeouts;
}

/** How a publisher's connection ended. */
export interface IngestResult {
  readonly reason: ErrorCode;
}

// ---- ingest ----------------------------------------------------------------------------------------------------------

/** What an ingest worker posts to the acceptor once, as soon as it can serve. */
export interface IngestLine {
  readonly threadId: number;
  /** For main. */
  readonly port: MessagePort;
}

/** A publisher's connection that has not asked for a path yet. */
export interface Newcomer {
  readonly peer: Peer;
  /** Key of the listener that it came to. */
  readonly listener: string;
  /** Monotonic ms at which the socket was accepted; the handshake deadline counts from it. */
  readonly acceptedMs: number;
}

export type IngestToMain =
  /** It is about to ask for a path, for the first time: a newcomer no more. */
  | { readonly type: 'publisher'; readonly newcomer: Newcomer }
  /** What a publisher says; `id` is that of its peer. */
  | { readonly type: 'connection'; readonly id: string; readonly message: ConnectionToMain }
  | { readonly type: 'newcomers'; readonly note: NewcomersNote };

/** What has happened among an ingest worker's newcomers since the last note. */
export interface NewcomersNote {
  /** How many came, by the key of their listener. */
  readonly accepted: readonly (readonly [listener: string, count: number])[];
  /** How many ended, by reason. */
  readonly ended: readonly (readonly [reason: ErrorCode, count: number])[];
  /** Those that came and are still there. */
  readonly came: readonly Newcomer[];
  /** Ids of those in earlier notes that have ended. */
  readonly left: readonly string[];
  /** Those that ended because of the path that they were about to ask for. */
  readonly misled: readonly Peer[];
}

export type MainToIngest =
  /** End all newcomers for this reason, and those that are still to come. */
  | { readonly type: 'cut'; readonly reason: ErrorCode }
  /** For a publisher, unless it has ended meanwhile. */
  | { readonly type: 'connection'; readonly id: string; readonly message: MainToConnection };

// ---- one publisher's connection and the path registry ---------------------------------------------------------------

/** A stream path that a publisher wants, with what it shows for it. */
export interface PathClaim {
  readonly path: string;
  readonly decodedPath: string;
  /** Without '?', '' if none; a secret. */
  readonly query: string;
  /** The last part of the path has the form of a stream key: the path without it, and the key, which is a secret. */
  readonly pathKey: { readonly path: string; readonly decodedPath: string; readonly key: string } | null;
  /** The connection is encrypted. */
  readonly tls: boolean;
  /** Monotonic ms at which the connection ends if there is no answer. */
  readonly deadlineMs: number;
}

export type ConnectionToMain =
  | ({ readonly type: 'claim' } & PathClaim)
  /** The publisher ended its stream but stays connected. */
  | { readonly type: 'release'; readonly reason: ErrorCode }
  | { readonly type: 'event'; readonly event: PublisherEvent }
  /** The connection ended: its last message. A line that closes without it means that the worker died. */
  | { readonly type: 'ended'; readonly reason: ErrorCode; readonly detail: string | undefined };

export type MainToConnection =
  | { readonly type: 'granted'; readonly camera: number; readonly ring: SharedArrayBuffer }
  /** `detail` is for the log: why exactly. */
  | { readonly type: 'refused'; readonly reason: ErrorCode; readonly detail?: string }
  /** End the connection for this reason. */
  | { readonly type: 'cut'; readonly reason: ErrorCode; readonly detail?: string };

/**
 * What a publisher says about itself in onMetaData. Information for people only: nothing is sized or timed by it. 0 and ''
 * stand for what it did not say.
 */
export interface StreamMetadata {
  readonly width: number;
  readonly height: number;
  readonly fps: number;
  readonly videoKbps: number;
  readonly videoCodec: string;
  readonly audioCodec: string;
  readonly audioHz: number;
  readonly audioKbps: number;
  readonly audioChannels: number;
  readonly encoder: string;
}

/** Rare facts about a stream that an operator wants to read once. */
export type PublisherEvent =
  | {
      readonly type: 'parameters' | 'parameters_changed';
      readonly width: number;
      readonly height: number;
      readonly profile: number;
      readonly level: number;
      readonly fps: number;
    }
  | ({ readonly type: 'metadata' } & StreamMetadata)
  | { readonly type: 'non_h264'; readonly codec: string }
  | { readonly type: 'discontinuity'; readonly fromMs: number; readonly toMs: number }
  | { readonly type: 'stuck_clock' }
  | { readonly type: 'b_frames' }
  | { readonly type: 'no_idr' };

// ---- consumer ------------------------------------------------------------------------------------------------------

export type MainToConsumer =
  /** A ring for a camera: its first, or a fresh one that follows the ring it has once that is drained. */
  | { readonly type: 'ring'; readonly camera: number; readonly ring: SharedArrayBuffer }
  /** A publisher took or left a camera's path. */
  | { readonly type: 'stream'; readonly camera: number; readonly live: boolean }
  /** Nobody can publish, for this reason, or can again (null): what every offline card says. */
  | { readonly type: 'listener_error'; readonly reason: string | null }
  /** An acceptor that gives readers. */
  | { readonly type: 'acceptor'; readonly port: MessagePort }
  /** Where publishers push to. */
  | { readonly type: 'publish_addresses'; readonly addresses: readonly PublishAddress[] }
  /** The cameras from now on. Who reads one that is no longer there is cut off; who reads one that changed reads on. */
  | { readonly type: 'cameras'; readonly cameras: readonly Camera[] }
  /** Make a live preview of a camera for a viewer who reached us at `localAddress`; `port` closes when he leaves. */
  | { readonly type: 'preview'; readonly camera: Camera; readonly localAddress: string; readonly port: MessagePort }
  /** Say who reads; answered by `readers` with the same number. */
  | { readonly type: 'list_readers'; readonly request: number }
  /** End every session with a farewell (RTCP BYE) and stop. */
  | { readonly type: 'stop' };

export type ConsumerToMain =
  | { readonly type: 'ready' }
  | { readonly type: 'readers'; readonly request: number; readonly readers: readonly ReaderInfo[] }
  | { readonly type: 'stopped' };

/** One reader's connection as its consumer sees it. */
export interface ReaderInfo {
  readonly peer: Peer;
  /** Index of the camera that was set up; null before that. */
  readonly camera: number | null;
  readonly playing: boolean;
  readonly transport: 'udp' | 'tcp' | 'http' | null;
  /** Version of TLS, '' without. */
  readonly tls: string;
  /** Monotonic ms. */
  readonly connectedMs: number;
  /** Frames sent, frames lost, and bytes of RTP payload. */
  readonly frames: number;
  readonly lost: number;
  readonly bytes: number;
}

// ---- one live preview ------------------------------------------------------------------------------------------------

export type ConsumerToPreview =
  /** Another stream: its media type, its size, and the initialisation segment of fragmented MP4. Decoding times begin at 0. */
  | {
      readonly type: 'start';
      readonly mime: string;
      readonly width: number;
      readonly height: number;
      readonly init: Uint8Array;
    }
  /** A fragment: `length` bytes at `offset` of `memory`, which moves. Decoding time and arrival (monotonic ms) of its newest frame. */
  | {
      readonly type: 'fragment';
      readonly memory: ArrayBuffer;
      readonly offset: number;
      readonly length: number;
      readonly mediaMs: number;
      readonly arrivalMs: number;
    }
  /** Whether the pictures are those of a publisher. */
  | { readonly type: 'state'; readonly live: boolean }
  /** Frames were left out for a slow viewer; what follows begins at a keyframe. */
  | { readonly type: 'restarted' }
  /** The last message; a port that closes without it means that the consumer died. */
  | { readonly type: 'ended'; readonly reason: ErrorCode };

/** Behind each fragment that has gone out, once a second, and when it matters. */
export interface PreviewToConsumer {
  /** The viewer takes more. */
  readonly wanted: boolean;
  /** Bytes of all fragments that came over so far. */
  readonly takenBytes: number;
  /** That of the fragment, which moves back; else null. */
  readonly memory: ArrayBuffer | null;
}
