import { EventEmitter } from 'node:events';
import type { ErrorCode } from '../base/errors.ts';
import type { Camera, Peer, PublisherEvent } from '../control/messages.ts';

/** What happens to cameras, edge-triggered, whether or not anybody reads them. Logs, ONVIF and hooks listen here. */
export interface StreamEventMap {
  /** RTMP Stream Started: a publisher took the path. */
  started: [event: { readonly camera: Camera; readonly publisher: Peer }];
  /** RTMP Stream Stopped: the publisher left, or lost, the path. */
  stopped: [event: { readonly camera: Camera; readonly publisher: Peer; readonly reason: ErrorCode }];
  /** A fact about the running stream. */
  notice: [event: { readonly camera: Camera; readonly publisher: Peer; readonly notice: PublisherEvent }];
}

export class StreamEvents extends EventEmitter<StreamEventMap> {}
