import { hostAndPort } from '../base/address.ts';
import { type ErrorCode, errorTable } from '../base/errors.ts';
import type { Logger } from '../base/logger.ts';
import type { ReaderInfo } from '../control/messages.ts';

/** How a reader's connection ended. */
export interface ReaderEnd {
  readonly reason: ErrorCode;
  readonly detail: string | undefined;
  /** Name of the camera that it had set up. */
  readonly camera: string | undefined;
  /** It was the half of a tunnel that only takes requests. */
  readonly isPost: boolean;
}

/** The one line of the log about the end of a reader's connection. */
export function logReaderEnd(logger: Logger, info: ReaderInfo, end: ReaderEnd, nowMs: number): void {
  const { peer, transport, tls, connectedMs, frames, lost } = info;
  const { reason, detail, camera, isPost } = end;
  const { text, peer: isTheirs } = errorTable[reason];
  const fields = {
    conn: peer.id,
    peer: hostAndPort(peer.address, peer.port),
    reason,
    detail,
    camera,
    transport: transport ?? undefined,
    tls: tls || undefined,
    seconds: Math.round((nowMs - connectedMs) / 100) / 10,
    frames,
    lost,
  };
  if (isTheirs) logger.warn(fields, `reader closed: ${text}`);
  else if (isPost) logger.debug(fields, `POST of a tunnel closed: ${text}`);
  else logger.info(fields, `reader closed: ${text}`);
}

/** Whether the peer may still read what we send it: not if it is gone, or has not read what it got before. */
export function lastWordsReach(reason: ErrorCode): boolean {
  return reason !== 'write_stalled' && reason !== 'output_exceeded' && reason !== 'peer_reset';
}
