import type { AmfObject } from '../amf0/value.ts';
import type { ConnectInfo, PublishRequest } from './server-commands.ts';
import type { DeadlineOptions } from './session-deadlines.ts';

/** What a server session tells its owner. */
export interface ServerSessionHandler {
  /** Bytes for the peer; the session never uses them again. */
  onOutput(bytes: Uint8Array): void;
  onConnect(info: ConnectInfo): void;
  /** To be answered, now or later, with `acceptPublish` or `rejectPublish`. */
  onPublishRequest(request: PublishRequest): void;
  /** Once per accepted publication that the peer ends; not when the connection ends. */
  onUnpublish(cause: 'FCUnpublish' | 'closeStream' | 'deleteStream'): void;
  onMetadata(values: AmfObject, timestampMs: number): void;
}

/** `nowMs`: when the connection was accepted. `random` fills an array with random bytes. */
export interface ServerSessionOptions extends DeadlineOptions {
  readonly nowMs: number;
  readonly random: (into: Uint8Array) => void;
}
